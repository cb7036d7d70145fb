//! The kernel's rules where `piback-nat.service` can't take them out: what a failed start left loaded at boot stays, and
//! systemd runs nothing of a unit that has failed when it is stopped.

use crate::system::Host;
use crate::system::run::Tool;

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

/// Takes out what there is of piback's rules, as the unit's `ExecStopPost` does. What is not there is nobody's trouble.
pub fn clear(host: &dyn Host) {
    let filter = ["iptables", "ip6tables"].into_iter().flat_map(|tool| FILTER.map(|rule| (tool, rule)));
    for (tool, rule) in filter.chain(NAT.map(|rule| ("iptables", rule))) {
        host.output(&Tool::new(tool).arg("-w").args(rule.iter().copied())).ok();
    }
}
