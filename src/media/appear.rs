//! A volume that was plugged in: mounted to stay until it goes.

use super::drives::Drives;
use super::reach::{hold, marker, reach_as};
use super::volume::Volume;
use super::{find, mountinfo, plugged};
use crate::profile::types::VolumeLabel;
use crate::system::devices;
use crate::system::mount::{self, Access, Owner};
use crate::ui::{Ui, visible};
use anyhow::Context;
use std::path::{Path, PathBuf};

/// The way in which volumes are mounted.
#[derive(Debug, Clone, Copy)]
pub struct How<'a> {
    pub mount_root: &'a Path,
    pub enrolled: &'a Drives,
    /// The labels of the drives that the profile names: once one is enrolled, no other volume gets a folder of its name.
    pub destinations: &'a [String],
    /// The share's user.
    pub owner: Option<Owner>,
}

/// The device of a kernel's name, `sda1`.
#[must_use]
pub fn device(kname: &str) -> PathBuf {
    Path::new("/dev").join(kname.replace('!', "/"))
}

/// Mounts a volume: a drive that is enrolled here writable, everything else read-only. Returns where it is; none for a disk
/// that this system runs from, and for one without a file system.
///
/// # Errors
/// There is no such volume, or it can't be mounted.
pub fn mount(kname: &str, how: &How<'_>, ui: &Ui) -> anyhow::Result<Option<(Volume, PathBuf)>> {
    let plugged = plugged::read()?;
    let device = device(kname);
    if plugged.volumes.iter().any(|v| v.system && v.device() == device) {
        ui.say(&format!("{} belongs to this system: left alone", device.display()));
        return Ok(None);
    }
    let volume = find::by_device(&plugged, &device)?;
    if volume.fstype.is_none() {
        return Ok(None);
    }
    if let Some(found) = volume.mounts.first() {
        ui.say(&format!("{volume}: mounted at {} already", visible(&found.path.to_string_lossy())));
        return Ok(Some((volume.clone(), found.path.clone())));
    }
    let is_drive = how.enrolled.of(volume).next().is_some();
    let known = |label: &str| how.enrolled.drives.iter().any(|drive| drive.label == label);
    let own = |label: &&str| how.destinations.iter().any(|named| named == label);
    let reserved = volume.label.as_deref().filter(|label| !is_drive && known(label)).filter(own);
    let names = names(volume, reserved);
    let access = if is_drive && !volume.read_only { Access::ReadWrite } else { Access::ReadOnly };
    let at = match mounted(volume, access, how, &names, ui)? {
        (at, true) => at,
        // Somebody's drive with a copied label and volume id.
        (at, false) => {
            mount::take_off(&at, false)?;
            mounted(volume, Access::ReadOnly, how, &names, ui)?.0
        }
    };
    ui.say(&format!("{volume}: mounted at {}", visible(&at.to_string_lossy())));
    Ok(Some((volume.clone(), at)))
}

/// Mounts it; true if it may be so, as a writable one must carry the marker of a drive that is enrolled.
fn mounted(
    volume: &Volume,
    access: Access,
    how: &How<'_>,
    names: &[String],
    ui: &Ui,
) -> anyhow::Result<(PathBuf, bool)> {
    let mut new = Vec::new();
    let end = match reach_as(volume, access, how.mount_root, names, how.owner, &mut new, ui) {
        // A dirty NTFS or a journal that HFS+ has: it can be looked at.
        Err(e) if access == Access::ReadWrite => {
            ui.note(&format!("{e:#}"));
            reach_as(volume, Access::ReadOnly, how.mount_root, names, how.owner, &mut new, ui)?
        }
        end => end?,
    };
    let fits = access == Access::ReadOnly || {
        let root = hold(&end)?;
        marker(&root, volume).ok().flatten().is_some_and(|marker| how.enrolled.knows(&marker))
    };
    Ok((end.dir, fits))
}

/// Names for its folder, the best first: its label; where another one has it, with the volume id, which stays the same.
/// `reserved` is the enrolled drive's own, for another volume than that.
fn names(volume: &Volume, reserved: Option<&str>) -> Vec<String> {
    let spare = format!("piback-{}", volume.kname.replace('!', "-"));
    // A label that is fit to be a folder's name; any other one stays data.
    let label = volume.label.as_deref().filter(|label| label.parse::<VolumeLabel>().is_ok());
    let Some(label) = label else { return vec![spare] };
    let uuid =
        volume.uuid.as_deref().filter(|uuid| uuid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
    let own = (reserved != Some(label)).then(|| label.to_owned());
    own.into_iter().chain(uuid.map(|uuid| format!("{label}-{uuid}"))).chain([spare]).collect()
}

/// Takes off a volume that went, or is to go, wherever below the mount root it is. Returns how many places that were.
///
/// # Errors
/// It is in use, or the device failed while it was flushed.
pub fn unmount(kname: &str, mount_root: &Path, ui: &Ui) -> anyhow::Result<usize> {
    let gone = !mount::is_block_device(&device(kname));
    let places = places(kname)?;
    let below = places.iter().filter(|at| at.starts_with(mount_root));
    let mut taken = 0;
    for at in below {
        mount::take_off(at, gone)?;
        ui.say(&format!("{} is taken off", visible(&at.to_string_lossy())));
        taken += 1;
    }
    if taken > 0 && !gone {
        mount::flush(&device(kname)).with_context(|| format!("flush {}", device(kname).display()))?;
    }
    Ok(taken)
}

/// Places where a device is mounted, the last one first; also where it is gone and its mount is not.
///
/// # Errors
/// The kernel does not say.
pub fn places(kname: &str) -> anyhow::Result<Vec<PathBuf>> {
    let text = devices::mountinfo().context("/proc/self/mountinfo")?;
    let mounts = mountinfo::parse(&text).map_err(anyhow::Error::msg)?;
    let source = device(kname).to_string_lossy().into_owned();
    Ok(mounts.into_iter().rev().filter(|m| m.source == source).map(|m| m.at).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::device::DeviceNumber;

    fn volume(label: Option<&str>, uuid: Option<&str>) -> Volume {
        Volume {
            kname: "sdb1".into(),
            number: DeviceNumber { major: 8, minor: 17 },
            label: label.map(str::to_owned),
            fstype: Some("exfat".into()),
            uuid: uuid.map(str::to_owned),
            size: 0,
            read_only: false,
            usb: true,
            removable: true,
            model: None,
            mounts: Vec::new(),
            system: false,
        }
    }

    #[test]
    fn names_stay_and_none_takes_the_drive_s() {
        let card = volume(Some("SD32GB-03"), Some("1A2B-3C4D"));
        assert_eq!(names(&card, Some("PHOTOS")), ["SD32GB-03", "SD32GB-03-1A2B-3C4D", "piback-sdb1"]);
        let like_the_drive = volume(Some("PHOTOS"), Some("1A2B-3C4D"));
        assert_eq!(names(&like_the_drive, Some("PHOTOS")), ["PHOTOS-1A2B-3C4D", "piback-sdb1"]);
        assert_eq!(names(&like_the_drive, None)[0], "PHOTOS");
        for label in [None, Some("../etc"), Some("a/b"), Some(".piback")] {
            assert_eq!(names(&volume(label, Some("../x")), None).last().unwrap(), "piback-sdb1");
            assert!(names(&volume(label, Some("../x")), None).iter().all(|n| !n.contains('/')));
        }
    }
}
