//! Cards and drives that are plugged in, asked of lsblk and the kernel.

use super::volume::Plugged;
use super::{blkid, lsblk, mountinfo};
use crate::system::{devices, process};
use anyhow::Context;

/// Asks for everything that is plugged in now.
///
/// # Errors
/// lsblk or /proc can't be read, or say what can't be understood.
pub fn read() -> anyhow::Result<Plugged> {
    let blocks = match devices::list(lsblk::COLUMNS)? {
        devices::Listing::Json(text) => lsblk::json(&text),
        devices::Listing::Pairs(text) => lsblk::pairs(&text),
    };
    let blocks = blocks.map_err(anyhow::Error::msg)?;
    let mounts = devices::mountinfo().context("/proc/self/mountinfo")?;
    let mounts = mountinfo::parse(&mounts).map_err(anyhow::Error::msg)?;
    // Not one file system, not even the root's: udev is not there to tell lsblk.
    let blind = blocks.iter().all(|b| b.fstype.is_none()) && process::is_root();
    let probed = if blind { blkid::parse(&devices::probe()?) } else { Vec::new() };
    Ok(Plugged::new(blocks, &probed, &mounts))
}
