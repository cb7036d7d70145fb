//! State of the devices on which volumes lie, asked of the kernel and of the drives themselves.

use super::complaints::{Complaints, Disk, Log};
use super::smart::Smart;
use super::volume::Volume;
use crate::system::devices;
use crate::system::run::RunError;
use std::collections::HashMap;

/// A volume, and what is known of its device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// For people.
    pub label: String,
    /// Nothing where the kernel's log can't be read, or does not reach back to when it was plugged in.
    pub kernel: Option<Complaints>,
    /// The drive's own check; nothing of cards and sticks, which have none, and else the reason why it is not known.
    pub smart: Option<Result<Smart, String>>,
}

/// Asks how the devices of these volumes are, in their order. A drive is left in peace while something `runs`: what a bridge
/// has to pass on beside the data has stopped many.
#[must_use]
pub fn look(volumes: &[&Volume], runs: bool) -> Vec<Health> {
    // It takes a moment: not for nothing.
    let log = if volumes.is_empty() { None } else { devices::kernel_log().ok() };
    let log = log.and_then(|text| Log::read(&text));
    let mut asked = HashMap::new();
    let of = |volume: &&Volume| {
        let disk = devices::way_to(&volume.kname).ok().and_then(|link| Disk::of_link(&link));
        let own = disk.as_ref().filter(|disk| has_own_check(volume, disk));
        let smart = own.map(|disk| asked.entry(disk.name.clone()).or_insert_with(|| ask(disk, runs)).clone());
        let kernel = log.as_ref().zip(disk).and_then(|(log, disk)| log.about(&disk));
        Health { label: volume.shown_label(), kernel, smart }
    };
    volumes.iter().map(of).collect()
}

/// Tells whether a disk may check itself: an SSD or a hard disk, neither of which calls itself removable as readers and sticks do.
fn has_own_check(volume: &Volume, disk: &Disk) -> bool {
    !volume.removable && (disk.name.starts_with("sd") || disk.name.starts_with("nvme"))
}

fn ask(disk: &Disk, runs: bool) -> Result<Smart, String> {
    if runs {
        return Err("it is at work and was not asked".to_owned());
    }
    match devices::own_check(&disk.name) {
        Ok(json) => Smart::read(&json),
        Err(RunError::NotFound { .. }) => {
            Err("smartctl is not installed; it comes with: sudo apt install smartmontools".to_owned())
        }
        Err(RunError::TimedOut { after, .. }) => {
            Err(format!("it did not answer within {} seconds", after.as_secs()))
        }
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::volume::made_up;

    #[test]
    fn cards_and_sticks_are_not_asked_and_nothing_is_while_it_works() {
        let disk = |name: &str| Disk { name: name.into(), usb: None };
        let removable = made_up("sdb1", Some("SD"), "/x");
        let fixed = Volume { removable: false, ..removable.clone() };
        assert!(!has_own_check(&removable, &disk("sdb")));
        assert!(has_own_check(&fixed, &disk("sdb")));
        assert!(has_own_check(&fixed, &disk("nvme0n1")));
        assert!(!has_own_check(&fixed, &disk("mmcblk1")));
        assert!(!has_own_check(&fixed, &disk("loop0")));
        assert_eq!(ask(&disk("sdb"), true), Err("it is at work and was not asked".to_owned()));
    }
}
