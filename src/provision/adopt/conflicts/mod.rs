//! Settings of others that fight with piback's and that no recogniser knows: beyond what `adopt` comments out, piback
//! never edits another's lines, so each is named, with what to do. A registry of kinds, each in a file of its own; `plan`,
//! `apply` and `doctor` read the same list.

mod bridge;
mod by_hand;
mod dhcpcd;
mod dnsmasq;
mod docker;
mod firewalls;
mod found;
mod ifupdown;
mod looked;
mod networkd;
mod ports;
mod radio;
mod rivals;
mod shares;
mod sysctl;
mod units;
mod way_in;

pub use found::{Conflict, Weight};

use crate::error::Problem;
use crate::profile::Profile;
use crate::provision::adopt::ManualSetup;
use crate::provision::adopt::conflicts::found::Found;
use crate::provision::adopt::conflicts::looked::Looked;
use crate::provision::host::facts::Facts;
use crate::system::Host;

/// One row of the registry.
struct Kind {
    name: &'static str,
    look: fn(&Looked<'_>, &mut Found) -> anyhow::Result<()>,
}

/// The registry, in the order in which conflicts are said.
const KINDS: &[Kind] = &[
    Kind { name: "radio", look: radio::look },
    Kind { name: "rival", look: rivals::look },
    Kind { name: "by hand", look: by_hand::look },
    Kind { name: "ifupdown", look: ifupdown::look },
    Kind { name: "dhcpcd", look: dhcpcd::look },
    Kind { name: "networkd", look: networkd::look },
    Kind { name: "bridge", look: bridge::look },
    Kind { name: "unit", look: units::look },
    Kind { name: "dnsmasq", look: dnsmasq::look },
    Kind { name: "sysctl", look: sysctl::look },
    Kind { name: "share", look: shares::look },
    Kind { name: "firewall", look: firewalls::look },
    Kind { name: "port", look: ports::look },
    Kind { name: "Docker", look: docker::look },
    Kind { name: "way in", look: way_in::look },
];

/// Finds them.
///
/// # Errors
/// When a file can't be read.
pub fn find(
    host: &dyn Host,
    facts: &Facts,
    profile: &Profile,
    manual: &ManualSetup,
) -> anyhow::Result<Vec<Conflict>> {
    let looked = Looked::new(host, facts, profile, manual)?;
    let mut all = Vec::new();
    for kind in KINDS {
        let mut found = Found { kind: kind.name, list: Vec::new() };
        (kind.look)(&looked, &mut found)?;
        all.append(&mut found.list);
    }
    Ok(all)
}

/// Tells whether an apply on such a host, live or a tree, is refused because of it.
#[must_use]
pub fn stops(conflict: &Conflict, is_live: bool) -> bool {
    match conflict.weight {
        Weight::Said => false,
        Weight::Running => is_live,
        Weight::Refused => true,
    }
}

/// Refuses an apply beside settings that fight with it, all in one go.
///
/// # Errors
/// With each place and its remedy.
pub fn refuse(conflicts: &[Conflict], is_live: bool) -> anyhow::Result<()> {
    let stop: Vec<&Conflict> = conflicts.iter().filter(|c| stops(c, is_live)).collect();
    if stop.is_empty() {
        return Ok(());
    }
    let problem = Problem::failed("settings of others fight with piback's, and nothing was changed");
    Err(stop.iter().fold(problem, |problem, conflict| problem.hint(conflict.to_string())).into())
}
