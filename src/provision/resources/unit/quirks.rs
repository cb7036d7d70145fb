//! Steps that some units need beside systemctl's.

use crate::provision::host::interfaces::{self, INTERFACES};
use crate::system::Host;
use crate::system::run::Tool;
use anyhow::Context;

/// Keeps NetworkManager off a radio that has a stanza in `/etc/network/interfaces`, until the next boot. NetworkManager
/// leaves such a radio alone, but by what the file said when it started: not even `nmcli connection reload` tells it of
/// a stanza that came back since (1.52). It would take the radio, and its MAC address, from the access point.
///
/// # Errors
/// When the file can't be read.
pub fn keep_for_stanza(host: &dyn Host, radio: &str) -> anyhow::Result<()> {
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

const NAT: [&[&str]; 3] = [
    &["-t", "nat", "-D", "POSTROUTING", "-j", "PIBACK-POSTROUTING"],
    &["-t", "nat", "-F", "PIBACK-POSTROUTING"],
    &["-t", "nat", "-X", "PIBACK-POSTROUTING"],
];

/// Takes out what there is of piback's rules, as the unit's `ExecStopPost` does: what a failed start left loaded at boot
/// stays, and systemd runs nothing of a unit that has failed when it is stopped. Rules that are not there are no error.
pub fn clear_chains(host: &dyn Host) {
    let filter = ["iptables", "ip6tables"].into_iter().flat_map(|tool| FILTER.map(|rule| (tool, rule)));
    for (tool, rule) in filter.chain(NAT.map(|rule| ("iptables", rule))) {
        host.output(&Tool::new(tool).arg("-w").args(rule.iter().copied())).ok();
    }
}
