//! The doctor: what stands in the way, each with its remedy. Checks are a registry; each looks at one thing, stands
//! beside the parser of what it asks for, and says what it could not find out.

pub mod board;
pub mod drive;
mod drives;
mod finding;
mod health;
mod network;
mod radio;
mod records;
mod units;

pub use finding::{Check, Finding, Level, Subject};

use crate::error::Problem;

/// The registry, in the order in which it is read.
pub const CHECKS: &[Check] = &[
    records::PROFILE,
    records::APPLY,
    records::RECORD,
    network::STACK,
    network::OTHERS,
    board::ROOT,
    units::UNITS,
    units::SERVES,
    radio::RADIO,
    radio::COUNTRY,
    radio::CHANNEL,
    network::SUBNET,
    network::UPLINK,
    network::PORTS,
    drives::DRIVES,
    drives::READ,
    health::HEALTH,
    health::OWN_CHECK,
    board::POWER,
    board::CLOCK,
];

/// Runs the whole registry.
#[must_use]
pub fn examine(subject: &Subject<'_>) -> Vec<(&'static str, Finding)> {
    CHECKS.iter().map(|check| (check.name, check.look(subject))).collect()
}

/// Refuses an apply that could not end well, before anything is cut off.
///
/// # Errors
/// With the finding and its remedy.
pub fn refuse(subject: &Subject<'_>) -> anyhow::Result<()> {
    for check in CHECKS.iter().filter(|c| c.stops_apply && subject.host.is_live()) {
        let finding = check.look(subject);
        if finding.level == Level::Bad && !finding.apply_mends {
            let problem = Problem::failed(finding.found);
            return Err(finding.remedy.into_iter().fold(problem, Problem::hint).into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{EMBEDDED, load};
    use crate::provision::desired::subnet::Choice;
    use crate::provision::host::facts::{Facts, Stack, os_release};
    use crate::provision::host::uplink::Taken;
    use crate::system::fake::FakeHost;
    use crate::system::run::{RunError, Tool};
    use crate::system::{FileNode, Host};

    const GOOD: &str = "22 1 179:2 / / rw,noatime - ext4 /dev/root rw\n";
    const OVERLAY: &str = "22 1 0:21 / / rw - overlay overlayroot rw\n";

    #[test]
    fn an_apply_that_can_not_end_well_is_refused_and_no_other() {
        let profile = load(EMBEDDED[0].1, "travel").unwrap();
        let facts = Facts {
            os: os_release(""),
            stack: Stack::NetworkManager,
            interfaces_d_is_read: false,
            ssh_ports: vec![22],
            installed: true,
        };
        let clash = Taken { interface: "eth0".into(), address: [10, 41, 0, 7].into(), prefix: 24, own: true };
        let free = Choice { network: profile.network.clone(), moves: None, clash: None };
        let taken = Choice { clash: Some(clash), ..free.clone() };
        let refused = |mounts: &str, live: bool, facts: Option<&Facts>, lan: &Choice| {
            let root = tempfile::tempdir().unwrap();
            let silent = |tool: &Tool| Err(RunError::NotFound { program: tool.program.clone() });
            let host = match live {
                true => FakeHost::live(root.path(), silent).unwrap(),
                false => FakeHost::tree(root.path()).unwrap(),
            };
            host.make_dir("/proc", 0o755).unwrap();
            host.make_dir("/proc/self", 0o755).unwrap();
            let file = FileNode { bytes: mounts.into(), mode: 0o644, uid: 0, gid: 0 };
            host.write("/proc/self/mountinfo", &file).unwrap();
            let subject = Subject {
                host: &host,
                profile: Some(&profile),
                facts,
                drives: None,
                health: None,
                lan: Some(lan),
            };
            refuse(&subject).map_err(|e| format!("{e:#}"))
        };
        // Nothing else is known of this host, and its daemons, radio and drive may be as they are.
        assert_eq!(refused(GOOD, true, Some(&facts), &free), Ok(()));
        assert!(refused(OVERLAY, true, Some(&facts), &free).unwrap_err().contains("overlay"));
        assert!(refused(GOOD, true, None, &free).unwrap_err().contains("NetworkManager"));
        assert!(refused(GOOD, true, Some(&facts), &taken).unwrap_err().contains("overlaps"));
        assert_eq!(refused(OVERLAY, false, None, &taken), Ok(()), "a tree is no running host");
    }
}
