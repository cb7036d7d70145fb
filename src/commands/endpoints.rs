//! From a label, or from `--source` and `--dest`, to two folders: where to read and where to write.
//!
//! A volume is used where it is mounted; else piback mounts it, and takes it off again afterwards. A drive must be an
//! enrolled one. Everything that can be refused without mounting is refused before anything is mounted.

use super::plugged::{self, Settings};
use crate::backup::card::drives::{self, Drives, Marker};
use crate::backup::card::find::{self, Sought};
use crate::backup::card::{Plugged, Volume};
use crate::backup::label::Label;
use crate::cli::Global;
use crate::error::Problem;
use crate::profile::types::VolumeLabel;
use crate::system::folder::{self, Folder};
use crate::system::mount::{self, Access, MountError, Mounted};
use crate::system::process;
use crate::ui::{Ui, visible};
use anyhow::{Context, anyhow};
use std::path::{Path, PathBuf};

/// What the command line says.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    pub label: &'a str,
    pub source: Option<&'a Path>,
    pub dest: Option<&'a Path>,
    pub need: Need,
}

/// What the command line and the profile say.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The card's label, as it was given.
    pub label: &'a str,
    /// `--source`: a folder, or a block device such as `/dev/sda1`.
    pub source: Option<&'a Path>,
    /// `--dest`: a folder.
    pub dest: Option<&'a Path>,
    /// The profile's `backup.destination`.
    pub destination: Option<&'a str>,
    /// The profile's `backup.mount_root`.
    pub mount_root: &'a Path,
    /// `--root`: where the list of enrolled drives lies.
    pub root: Option<&'a Path>,
    pub need: Need,
}

/// Which ends the command works on, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The card to read, the drive to write.
    Backup,
    /// Both to read.
    Compare,
    /// The drive alone; its files are read, and what was found is recorded there if that can be.
    Drive,
}

/// One end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Absolute, without symlinks.
    pub dir: PathBuf,
    /// The device that it lies on, as `st_dev`. If it is another one later, the medium is gone and this is the empty
    /// mountpoint on the system's own disk: look before every write.
    pub device: u64,
    /// The volume that is mounted there; none for a plain folder.
    pub volume: Option<Volume>,
}

/// Both ends, and what has to be taken off afterwards.
#[derive(Debug)]
#[must_use = "what was mounted stays mounted until `close`"]
pub struct Endpoints {
    /// None only for [`Need::Drive`].
    pub source: Option<Place>,
    pub dest: Place,
    mounted: Vec<Mounted>,
    /// Both folders, open: nobody can take a volume off by mistake before `close`.
    held: Vec<Folder>,
}

/// As [`with`], with what the profile says; where two folders are named, no profile is read.
///
/// # Errors
/// Those of [`with`], and a profile that can't be read.
pub fn run<T>(
    given: &Given,
    global: &Global,
    ui: &Ui,
    body: impl FnOnce(&Endpoints) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let plain = |path: Option<&Path>| path.is_some_and(|p| !mount::is_block_device(p));
    let no_volume = plain(given.dest) && (given.need == Need::Drive || plain(given.source));
    let settings = if no_volume { Settings::default() } else { plugged::settings(global)? };
    let request = Request {
        label: given.label,
        source: given.source,
        dest: given.dest,
        destination: settings.destination.as_deref(),
        mount_root: &settings.mount_root,
        root: global.root.as_deref(),
        need: given.need,
    };
    with(&request, ui, body)
}

/// Finds both ends, runs `body` on them, and takes off what was mounted for it, whatever `body` said. `body` has to
/// come back after Ctrl-C, and must have closed every file below the two places by then.
///
/// # Errors
/// Those of [`resolve`] and of `body`; and a volume that could not be taken off, even if `body` was fine.
pub fn with<T>(
    request: &Request,
    ui: &Ui,
    body: impl FnOnce(&Endpoints) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let endpoints = resolve(request, ui)?;
    let result = body(&endpoints);
    match (result, endpoints.close()) {
        (result, Ok(())) => result,
        (Ok(_), Err(unclosed)) => Err(unclosed),
        (Err(error), Err(unclosed)) => {
            ui.note(&format!("{unclosed:#}"));
            Err(error)
        }
    }
}

/// Finds both ends, and mounts what is not mounted.
///
/// # Errors
/// No such card or drive, more than one, a drive that is a card or is not enrolled; nothing is left mounted then.
pub fn resolve(request: &Request, ui: &Ui) -> anyhow::Result<Endpoints> {
    let mut mounted = Vec::new();
    match both(request, ui, &mut mounted) {
        Ok((source, dest, held)) => Ok(Endpoints { source, dest, mounted, held }),
        Err(error) => {
            if let Err(unclosed) = take_off(mounted) {
                ui.note(&format!("{unclosed:#}"));
            }
            Err(error)
        }
    }
}

impl Endpoints {
    /// Both ends, as the copy takes them.
    ///
    /// # Errors
    /// There is no card: [`Need::Drive`].
    pub fn of(&self, label: &Label) -> anyhow::Result<crate::backup::Endpoints> {
        let source = self.source.as_ref().context("there is no card")?;
        let (source, dest) = (source.dir.clone(), self.dest.dir.clone());
        Ok(crate::backup::Endpoints { label: label.clone(), source, dest })
    }

    /// Takes off what was mounted.
    ///
    /// # Errors
    /// A volume that could not be taken off, with what to do.
    pub fn close(self) -> anyhow::Result<()> {
        drop(self.held);
        take_off(self.mounted)
    }
}

/// Takes off all of them, the last one first, and reports the first that did not go.
pub(super) fn take_off(mounted: Vec<Mounted>) -> anyhow::Result<()> {
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

fn both(
    request: &Request,
    ui: &Ui,
    mounted: &mut Vec<Mounted>,
) -> anyhow::Result<(Option<Place>, Place, Vec<Folder>)> {
    let (source, dest) = found(request, ui, mounted)?;
    let held = source.iter().chain([&dest]).map(hold).collect::<anyhow::Result<_>>()?;
    Ok((source, dest, held))
}

/// Opens a place, if it still is what was found.
fn hold(place: &Place) -> anyhow::Result<Folder> {
    let shown = visible(&place.dir.to_string_lossy());
    let folder = Folder::open(&place.dir).with_context(|| shown.clone())?;
    if folder.device().with_context(|| shown.clone())? != place.device {
        return Err(Problem::failed(format!("what was mounted at {shown} was just taken off")).into());
    }
    Ok(folder)
}

fn found(request: &Request, ui: &Ui, mounted: &mut Vec<Mounted>) -> anyhow::Result<(Option<Place>, Place)> {
    // First the folders: a word about a typing error should not wait for lsblk.
    let dest = request.dest.map(plain).transpose()?;
    let source_device = request.source.filter(|path| mount::is_block_device(path));
    let source_folder = request.source.filter(|_| source_device.is_none()).map(plain).transpose()?;
    let wants_card = request.need != Need::Drive && source_folder.is_none();
    if !wants_card && let Some(dest) = dest {
        return Ok((source_folder, dest));
    }
    let plugged = plugged::read()?;
    let enrolled = plugged::enrolled(request.root)?;
    let drive = match dest {
        Some(_) => None,
        None => Some(enrolled_drive(&plugged, &enrolled, request.destination)?),
    };
    let card = match (wants_card, source_device) {
        (false, _) => None,
        (true, Some(device)) => Some(find::by_device(&plugged, device)?),
        (true, None) => Some(card(&plugged, &enrolled, drive, request)?),
    };
    if let (Some(card), Some(drive)) = (card, drive)
        && card.kname == drive.kname
    {
        let what = format!("{} is the drive that receives backups, not a card", visible(request.label));
        return Err(Problem::failed(what).hint("`piback cards` lists what is plugged in").into());
    }
    let source = match card {
        Some(card) => Some(reach(card, Access::ReadOnly, request.mount_root, mounted, ui)?),
        None => source_folder,
    };
    let dest = match (dest, drive) {
        (Some(dest), _) => dest,
        (None, Some(drive)) => {
            let access = match request.need {
                Need::Backup => Access::ReadWrite,
                Need::Compare => Access::ReadOnly,
                // What `verify` finds is recorded on the drive, where it lets.
                Need::Drive if drive.read_only || only_read_only(drive) => Access::ReadOnly,
                Need::Drive => Access::ReadWrite,
            };
            let dest = reach(drive, access, request.mount_root, mounted, ui)?;
            is_the_enrolled_one(&dest, drive, &enrolled)?;
            dest
        }
        (None, None) => return Err(anyhow!("there is no destination")),
    };
    Ok((source, dest))
}

fn only_read_only(volume: &Volume) -> bool {
    !volume.mounts.is_empty() && volume.mounts.iter().all(|m| m.read_only)
}

/// A folder that the user named.
fn plain(path: &Path) -> anyhow::Result<Place> {
    let (dir, device) = folder::real(path)
        .with_context(|| format!("{} is no folder to use", visible(&path.to_string_lossy())))?;
    Ok(Place { dir, device, volume: None })
}

/// The card of the label that was given. Enrolled drives are never cards.
fn card<'a>(
    plugged: &'a Plugged,
    enrolled: &Drives,
    drive: Option<&Volume>,
    request: &Request,
) -> anyhow::Result<&'a Volume> {
    let is_drive = |v: &Volume| drive.is_some_and(|d| d.kname == v.kname) || enrolled.of(v).next().is_some();
    if let Some(drive) = plugged.offered().find(|v| is_drive(v) && v.label.as_deref() == Some(request.label))
        && !plugged.offered().any(|v| !is_drive(v) && v.label == drive.label)
    {
        let what = format!("{} is a drive that receives backups, not a card", visible(request.label));
        return Err(Problem::failed(what).hint("`piback cards` lists what is plugged in").into());
    }
    Ok(find::by_label(plugged, request.label, Sought::Card, &is_drive)?)
}

/// The drive that the profile names, as far as can be told without mounting it.
fn enrolled_drive<'a>(
    plugged: &'a Plugged,
    enrolled: &Drives,
    destination: Option<&str>,
) -> anyhow::Result<&'a Volume> {
    let Some(label) = destination else {
        return Err(Problem::failed("no drive is named for backups: there is no profile")
            .hint("make one: sudo piback init")
            .hint("or name a folder: --dest DIR")
            .into());
    };
    let drive = find::by_label(plugged, label, Sought::Drive, &|_| false)?;
    if enrolled.of(drive).next().is_none() {
        return Err(not_enrolled(drive, "is not enrolled on this appliance"));
    }
    Ok(drive)
}

/// The checks that need the drive's content.
fn is_the_enrolled_one(dest: &Place, drive: &Volume, enrolled: &Drives) -> anyhow::Result<()> {
    let root = Folder::open(&dest.dir).with_context(|| visible(&dest.dir.to_string_lossy()))?;
    refuse_a_card(&root, drive)?;
    match marker(&root, drive)? {
        Some(marker) if enrolled.knows(&marker) && marker.belongs_to(drive) => Ok(()),
        Some(_) => Err(not_enrolled(drive, "carries another drive's marker")),
        None => Err(not_enrolled(drive, "has lost its marker .piback/drive.json")),
    }
}

fn not_enrolled(drive: &Volume, why: &str) -> anyhow::Error {
    let shown = drive.shown_label();
    Problem::failed(format!("{shown} ({}) {why}", drive.device().display()))
        .hint(format!("if backups are to go there: sudo piback enroll '{shown}'"))
        .into()
}

/// A camera's card never receives backups, whatever it is called.
pub(super) fn refuse_a_card(root: &Folder, drive: &Volume) -> anyhow::Result<()> {
    let folders = root.folders().with_context(|| format!("read the root of {}", drive.shown_label()))?;
    if drives::is_camera_card(folders.iter().map(String::as_str)) {
        let what = format!("{} has a DCIM folder: it is a camera's card, not a drive", drive.shown_label());
        return Err(Problem::failed(what).hint("backups go to a drive of their own").into());
    }
    Ok(())
}

/// The marker on a drive; none if there is none.
pub(super) fn marker(root: &Folder, drive: &Volume) -> anyhow::Result<Option<Marker>> {
    let (dir, name) = drives::MARKER.split_once('/').unwrap_or(("", drives::MARKER));
    let shown = || format!("{} on {}", drives::MARKER, drive.shown_label());
    let text = match root.sub(dir) {
        Ok(dir) => dir.read(name, drives::LONGEST).with_context(shown)?,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
        Err(e) => return Err(e).with_context(shown),
    };
    text.map(|t| Marker::parse(&t).map_err(anyhow::Error::msg).with_context(shown)).transpose()
}

/// The volume's root folder: where it is mounted in a way that will do, or where it is mounted now for this.
pub(super) fn reach(
    volume: &Volume,
    access: Access,
    mount_root: &Path,
    mounted: &mut Vec<Mounted>,
    ui: &Ui,
) -> anyhow::Result<Place> {
    let (device, shown) = (volume.device(), volume.shown_label());
    let number =
        mount::device_number(&device).with_context(|| format!("{shown}: {} is gone", device.display()))?;
    if let Some(place) = where_mounted(volume, access, number)? {
        return Ok(place);
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
    let spare = format!("piback-{}", volume.kname.replace('!', "-"));
    // A label that is fit to be a folder's name; any other one stays data.
    let label = volume.label.as_deref().filter(|l| l.parse::<VolumeLabel>().is_ok());
    let names: Vec<&str> = label.into_iter().chain([spare.as_str()]).collect();
    match mount::mount(&device, fstype, mount_root, &names, access) {
        Ok(new) => {
            ui.detail(&format!("mounted {shown} at {}", visible(&new.at.to_string_lossy())));
            let dir = new.at.clone();
            mounted.push(new);
            Ok(Place { dir, device: number, volume: Some(volume.clone()) })
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

/// Where the volume is mounted already, if that will do.
fn where_mounted(volume: &Volume, access: Access, number: u64) -> anyhow::Result<Option<Place>> {
    let fit = |m: &&crate::backup::card::MountedAt| access == Access::ReadOnly || !m.read_only;
    // Read-only first: a card needs no more.
    let mut fitting: Vec<_> = volume.mounts.iter().filter(fit).collect();
    fitting.sort_by_key(|m| !m.read_only);
    for found in fitting {
        if mount::is_at(number, &found.path).unwrap_or(false) {
            let (dir, device) = folder::real(&found.path)?;
            return Ok(Some(Place { dir, device, volume: Some(volume.clone()) }));
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
