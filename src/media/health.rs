//! State of the devices on which volumes lie, asked of the kernel.

use super::complaints::{Complaints, Disk, Log};
use super::volume::Volume;
use crate::system::devices;

/// A volume, and what is known of its device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// For people.
    pub label: String,
    /// Nothing where the kernel's log can't be read.
    pub kernel: Option<Complaints>,
}

/// Asks how the devices of these volumes are, in their order.
#[must_use]
pub fn look(volumes: &[&Volume]) -> Vec<Health> {
    // It takes a moment: not for nothing.
    let log = if volumes.is_empty() { None } else { devices::kernel_log().ok() };
    let log = log.and_then(|text| Log::read(&text));
    let of = |volume: &&Volume| {
        let disk = devices::way_to(&volume.kname).ok().and_then(|link| Disk::of_link(&link));
        let kernel = log.as_ref().zip(disk).map(|(log, disk)| log.about(&disk));
        Health { label: volume.shown_label(), kernel }
    };
    volumes.iter().map(of).collect()
}
