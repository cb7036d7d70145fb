//! Steps that some units need beside systemctl's.

use crate::provision::host::interfaces::{self, INTERFACES};
use crate::provision::host::systemd::JobMode;
use crate::provision::resources::unit::change::{Act, UnitChange};
use crate::system::Host;
use crate::system::run::Tool;
use anyhow::Context;

/// Keeps NetworkManager off a radio that has a stanza in `/etc/network/interfaces`, until the next boot. NetworkManager
/// leaves such a radio alone, but by what the file said when it started: not even `nmcli connection reload` tells it of
/// a stanza that came back since (1.52). It would take the radio, and its MAC address, from the access point.
///
/// # Errors
/// When the file can't be read.
fn keep_for_stanza(host: &dyn Host, radio: &str) -> anyhow::Result<()> {
    let text = host.read_followed(INTERFACES).with_context(|| format!("{INTERFACES} can't be read"))?;
    let text = String::from_utf8_lossy(&text.unwrap_or_default()).into_owned();
    if !radio.is_empty() && interfaces::first_stanza(&text, radio).is_some() {
        // Where nothing answers, nothing takes the radio either.
        host.output(&Tool::new("nmcli").args(["device", "set", radio, "managed", "no"])).ok();
    }
    Ok(())
}

const FILTER: [&[&str]; 6] = [
    &["-D", "INPUT", "-j", "PIBACK-INPUT"],
    &["-D", "FORWARD", "-j", "PIBACK-FORWARD"],
    &["-F", "PIBACK-INPUT"],
    &["-F", "PIBACK-FORWARD"],
    &["-X", "PIBACK-INPUT"],
    &["-X", "PIBACK-FORWARD"],
];

/// Rules of IPv4 alone, where the internet is shared.
const IPV4: [&[&str]; 6] = [
    &["-D", "FORWARD", "-j", "PIBACK-SHARE"],
    &["-F", "PIBACK-SHARE"],
    &["-X", "PIBACK-SHARE"],
    &["-t", "nat", "-D", "POSTROUTING", "-j", "PIBACK-POSTROUTING"],
    &["-t", "nat", "-F", "PIBACK-POSTROUTING"],
    &["-t", "nat", "-X", "PIBACK-POSTROUTING"],
];

/// Takes out what there is of piback's rules, as the unit's `ExecStopPost` does: what a failed start left loaded at boot
/// stays, and systemd runs nothing of a unit that has failed when it is stopped. Rules that are not there are no error.
pub fn clear_chains(host: &dyn Host) {
    let filter = ["iptables", "ip6tables"].into_iter().flat_map(|tool| FILTER.map(|rule| (tool, rule)));
    for (tool, rule) in filter.chain(IPV4.map(|rule| ("iptables", rule))) {
        host.output(&Tool::new(tool).arg("-w").args(rule.iter().copied())).ok();
    }
}

/// Brings a radio up that has a stanza for ifupdown; not at boot, where ifupdown does so by itself, later.
///
/// # Errors
/// When `ifup` fails.
pub fn bring_up(host: &dyn Host, change: &UnitChange, jobs: JobMode) -> anyhow::Result<()> {
    // What is only forgotten has no stanza any more that could be brought up.
    if jobs == JobMode::NoBlock || change.name.is_empty() || change.act == Act::Forget {
        return Ok(());
    }
    // `ifdown` first: `ifup` leaves an interface alone that it thinks is up. It may not be: that is no error.
    host.output(&Tool::new("ifdown").args(["--force", &change.name]))?;
    host.run(&Tool::new("ifup").args(["--force", &change.name]))?;
    Ok(())
}

/// The tool that brings a radio up again with its old stanza.
#[must_use]
pub fn bring_up_again(change: &UnitChange, jobs: JobMode) -> Option<Tool> {
    // At boot ifupdown brings the radio up by itself, later.
    let idle = jobs == JobMode::NoBlock || change.name.is_empty();
    // What was to start was to come back with a stanza of others' that is away again.
    let gone = change.act == Act::Start;
    (!idle && !gone).then(|| Tool::new("ifup").args(["--force", "--ignore-errors", &change.name]))
}

/// Settles what NetworkManager does with the radio at its next start.
///
/// # Errors
/// When a file can't be read.
pub fn before_networkmanager(
    host: &dyn Host,
    leaves: bool,
    jobs: JobMode,
    radio: &str,
) -> anyhow::Result<()> {
    if !leaves {
        // Without a country Raspberry Pi OS ships the radio switched off, and NetworkManager switches it off again at
        // its next start, whatever rfkill says. Where there is no radio to switch there is nothing to do.
        host.output(&Tool::new("nmcli").args(["radio", "wifi", "on"])).ok();
    }
    // At boot it has not started yet, and will read the stanza by itself.
    if leaves && jobs == JobMode::Wait {
        keep_for_stanza(host, radio)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chain_that_is_loaded_is_taken_out() {
        let templates = [
            (include_str!("../../../../templates/ipv4.rules"), [&FILTER[..], &IPV4[..]].concat()),
            (include_str!("../../../../templates/ipv6.rules"), FILTER.to_vec()),
        ];
        for (rules, cleared) in templates {
            let chains: Vec<&str> =
                rules.lines().filter_map(|line| line.strip_prefix(':')?.split(' ').next()).collect();
            assert!(chains.len() >= 2);
            for chain in chains {
                for verb in ["-D", "-F", "-X"] {
                    let takes = |rule: &&&[&str]| rule.contains(&verb) && rule.last() == Some(&chain);
                    assert_eq!(cleared.iter().filter(takes).count(), 1, "{verb} {chain}");
                }
            }
        }
    }
}
