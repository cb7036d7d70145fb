//! One volume, reached: used where it is mounted, else mounted, and taken off again.

use super::drives::{self, Marker};
use super::volume::{MountedAt, Volume};
use super::{find, plugged};
use crate::error::Problem;
use crate::profile::types::VolumeLabel;
use crate::system::folder::{self, Folder};
use crate::system::mount::{self, Access, MountError, Mounted, Owner};
use crate::system::process;
use crate::ui::{Ui, visible, word};
use anyhow::{Context, anyhow};
use std::path::{Path, PathBuf};

/// One end of a run: a folder to read or to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Absolute, without symlinks.
    pub dir: PathBuf,
    /// The device that it lies on, as `st_dev`. If it is another one later, the medium is gone and this is the empty
    /// mountpoint on the system's own disk: look before every write.
    pub device: u64,
    /// The volume that is mounted there; none for a plain folder.
    pub volume: Option<Volume>,
}

/// Reaches the volume's root folder: where it is mounted in a way that will do, or where it is mounted now for this.
///
/// # Errors
/// It is gone, holds no file system that is known, can't be written, or can't be mounted.
pub fn reach(
    volume: &Volume,
    access: Access,
    mount_root: &Path,
    mounted: &mut Vec<Mounted>,
    ui: &Ui,
) -> anyhow::Result<End> {
    let spare = format!("piback-{}", volume.kname.replace('!', "-"));
    // A label that is fit to be a folder's name; any other one stays data.
    let label = volume.label.as_deref().filter(|l| l.parse::<VolumeLabel>().is_ok());
    let names: Vec<String> = label.map(str::to_owned).into_iter().chain([spare]).collect();
    reach_as(volume, access, mount_root, &names, None, mounted, ui)
}

/// Reaches it as [`reach`] does; a folder that is made for it gets the first of the names that is free.
///
/// # Errors
/// As there.
pub fn reach_as(
    volume: &Volume,
    access: Access,
    mount_root: &Path,
    names: &[String],
    owner: Option<Owner>,
    mounted: &mut Vec<Mounted>,
    ui: &Ui,
) -> anyhow::Result<End> {
    let (device, shown) = (volume.device(), volume.shown_label());
    let number =
        mount::device_number(&device).with_context(|| format!("{shown}: {} is gone", device.display()))?;
    if let Some(end) = where_mounted(volume, access, number)? {
        return Ok(end);
    }
    let Some(fstype) = volume.fstype.as_deref() else {
        let what = format!("{} holds no file system that is known", device.display());
        return Err(Problem::failed(what).hint("format it in the camera, or on a computer").into());
    };
    if access == Access::ReadWrite && volume.read_only {
        let what = format!("{shown} ({}) can't be written: the device refuses", device.display());
        return Err(Problem::failed(what).hint("is there a lock switch on it?").into());
    }
    if !process::is_root() {
        let what = format!("{shown} is not mounted, and only root can mount it");
        return Err(Problem::needs_root(what).into());
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match mount::mount(&device, fstype, mount_root, &names, access, owner) {
        Ok(new) => {
            ui.detail(&format!("mounted {shown} at {}", visible(&new.at.to_string_lossy())));
            let dir = new.at.clone();
            mounted.push(new);
            Ok(End { dir, device: number, volume: Some(volume.clone()) })
        }
        Err(MountError::Busy) => {
            // Someone was faster: the automounter of a card that was plugged in just now.
            let again = plugged::read()?;
            let again = find::by_device(&again, &device)?;
            where_mounted(again, access, number)?.ok_or_else(|| {
                anyhow!("{shown} ({}) is in use in another way and can't be mounted", device.display())
            })
        }
        Err(MountError::Other(error)) => Err(error.context(format!("mount {shown} ({})", device.display()))),
    }
}

/// Finds where the volume is mounted already, if that will do.
fn where_mounted(volume: &Volume, access: Access, number: u64) -> anyhow::Result<Option<End>> {
    let fit = |m: &&MountedAt| access == Access::ReadOnly || !m.read_only;
    // Read-only first: a card needs no more.
    let mut fitting: Vec<_> = volume.mounts.iter().filter(fit).collect();
    fitting.sort_by_key(|m| !m.read_only);
    for found in fitting {
        if mount::is_at(number, &found.path).unwrap_or(false) {
            let (dir, device) = folder::real(&found.path)?;
            return Ok(Some(End { dir, device, volume: Some(volume.clone()) }));
        }
    }
    match volume.mounts.first() {
        Some(found) if access == Access::ReadWrite && found.read_only => {
            let at = visible(&found.path.to_string_lossy());
            let what = format!("{} is mounted read-only at {at}", volume.shown_label());
            Err(Problem::failed(what)
                .hint(format!("check it for errors, then: sudo mount -o remount,rw '{at}'"))
                .into())
        }
        _ => Ok(None),
    }
}

/// Tells a volume that is mounted, and nowhere in a way that lets it be written.
pub fn only_read_only(volume: &Volume) -> bool {
    !volume.mounts.is_empty() && volume.mounts.iter().all(|m| m.read_only)
}

/// Opens an end, if it still is what was found.
///
/// # Errors
/// It can't be opened, or is on another device by now.
pub fn hold(end: &End) -> anyhow::Result<Folder> {
    let shown = visible(&end.dir.to_string_lossy());
    let folder = Folder::open(&end.dir).with_context(|| shown.clone())?;
    if folder.device().with_context(|| shown.clone())? != end.device {
        return Err(Problem::failed(format!("what was mounted at {shown} was just taken off")).into());
    }
    Ok(folder)
}

/// Takes off all of them, the last one first.
///
/// # Errors
/// Those of the first that did not go, with what to do.
pub fn take_off(mounted: Vec<Mounted>) -> anyhow::Result<()> {
    let mut result = Ok(());
    for one in mounted.into_iter().rev() {
        let shown = visible(&one.at.to_string_lossy());
        let closed = one.close().map_err(|e| {
            let what = format!("{shown} is still mounted: {e:#}");
            let hint = format!("don't unplug it yet; close what uses it, then: sudo umount '{shown}'");
            anyhow!(Problem::failed(what).hint(hint))
        });
        result = result.and(closed);
    }
    result
}

/// Refuses a camera's card: it never receives backups, whatever it is called.
///
/// # Errors
/// It is one, or its root can't be read.
pub fn refuse_a_card(root: &Folder, drive: &Volume) -> anyhow::Result<()> {
    let folders = root.folders().with_context(|| format!("read the root of {}", drive.shown_label()))?;
    if drives::is_camera_card(folders.iter().map(String::as_str)) {
        let what = format!("{} has a DCIM folder: it is a camera's card, not a drive", drive.shown_label());
        let shown = drive.shown_label();
        return Err(Problem::failed(what)
            .hint("backups go to a drive of their own")
            .hint(format!(
                "if it is a drive with a DCIM folder: sudo piback enroll {} --is-a-drive",
                word(&shown)
            ))
            .into());
    }
    Ok(())
}

/// Reads the marker on a drive; none if there is none.
///
/// # Errors
/// It can't be read, or is none that this piback understands.
pub fn marker(root: &Folder, drive: &Volume) -> anyhow::Result<Option<Marker>> {
    let (dir, name) = drives::MARKER.split_once('/').unwrap_or(("", drives::MARKER));
    let shown = || format!("{} on {}", drives::MARKER, drive.shown_label());
    let text = match root.sub(dir) {
        Ok(dir) => dir.read(name, drives::LONGEST).with_context(shown)?,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
        Err(e) => return Err(e).with_context(shown),
    };
    text.map(|t| Marker::parse(&t).map_err(anyhow::Error::msg).with_context(shown)).transpose()
}
