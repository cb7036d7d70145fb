//! What the commands about cards and drives know beforehand: what is plugged in, what the profile says, which drives
//! are enrolled.

use super::setup::{self, PROFILE};
use crate::backup::card::drives::{self, Drives};
use crate::backup::card::{Plugged, blkid, lsblk, mountinfo};
use crate::cli::Global;
use crate::error::Problem;
use crate::paths::DRIVES;
use crate::system::real::RealHost;
use crate::system::{FileNode, Host, devices, process, state_dir};
use crate::ui::visible;
use anyhow::Context;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Where piback mounts when no profile says: the embedded profile's own folder.
const MOUNT_ROOT: &str = "/media/piback";

/// What is plugged in now.
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

/// What the profile says of backups; defaults where there is no profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Label of the drive that receives backups.
    pub destination: Option<String>,
    /// The folder that piback mounts below.
    pub mount_root: PathBuf,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { destination: None, mount_root: PathBuf::from(MOUNT_ROOT) }
    }
}

/// Reads the profile that the command line names, or the one in its place.
///
/// # Errors
/// The profile is there and can't be read, or has errors; a profile that was named is not there.
pub fn settings(global: &Global) -> anyhow::Result<Settings> {
    let host = setup::host(global)?;
    if global.profile.is_none() && host.read_followed(PROFILE).is_ok_and(|found| found.is_none()) {
        return Ok(Settings::default());
    }
    let backup = setup::load_profile(&host, global)?.backup;
    Ok(Settings {
        destination: Some(backup.destination.as_str().to_owned()),
        mount_root: PathBuf::from(backup.mount_root.as_str()),
    })
}

/// The enrolled drives.
///
/// # Errors
/// The list can't be read, or is none that this piback understands.
pub fn enrolled(root: Option<&Path>) -> anyhow::Result<Drives> {
    let read = host(root)?.read_followed(DRIVES);
    if read.as_ref().is_err_and(|e| e.kind() == ErrorKind::PermissionDenied) {
        let what = format!("only root can read {DRIVES}, the list of enrolled drives");
        return Err(Problem::needs_root(what).into());
    }
    match read.context(DRIVES)? {
        None => Ok(Drives::default()),
        Some(bytes) => {
            let text = String::from_utf8(bytes).context(DRIVES)?;
            Drives::parse(&text).map_err(anyhow::Error::msg).context(DRIVES)
        }
    }
}

/// Writes the list of enrolled drives, durably.
///
/// # Errors
/// Whatever the file system says; the old list is then still there.
pub fn write_enrolled(root: Option<&Path>, drives: &Drives) -> anyhow::Result<()> {
    let host = host(root)?;
    state_dir::make(&host, &[])?;
    let (uid, gid) = (process::user(), process::group());
    let file = FileNode { bytes: drives::text(drives).into_bytes(), mode: 0o644, uid, gid };
    host.write(DRIVES, &file).with_context(|| format!("{DRIVES} can't be written"))
}

fn host(root: Option<&Path>) -> anyhow::Result<RealHost> {
    match root {
        None => RealHost::live().context("/"),
        Some(root) => RealHost::tree(root).with_context(|| visible(&root.to_string_lossy())),
    }
}
