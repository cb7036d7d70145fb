//! From a label, or from `--source` and `--dest`, to two folders: where to read and where to write.
//!
//! A volume is used where it is mounted; else piback mounts it, and takes it off again afterwards. A drive must be an
//! enrolled one. Everything that can be refused without mounting is refused before anything is mounted.

use super::drives::Drives;
use super::find::{self, VolumeKind};
use super::reach::{End, hold, marker, only_read_only, reach, refuse_a_card, take_off};
use super::volume::{Plugged, Volume};
use super::{enrolled, plugged};
use crate::error::Problem;
use crate::profile::{Cascade, Copies};
use crate::system::folder::{self, Folder};
use crate::system::mount::{self, Access, Mounted};
use crate::ui::{Ui, visible, word};
use anyhow::{Context, anyhow};
use std::path::{Path, PathBuf};

/// The words of the command line and of the profile.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The card's label, as it was given.
    pub label: &'a str,
    /// `--source`: a folder, or a block device such as `/dev/sda1`.
    pub source: Option<&'a Path>,
    /// `--dest`: a folder.
    pub dest: Option<&'a Path>,
    /// `--dest` once more: folders.
    pub others: &'a [PathBuf],
    /// The labels of the profile's drives: `backup.destination`, or `backup.destinations`.
    pub destinations: &'a [String],
    /// The profile's `backup.copies`.
    pub copies: Copies,
    /// The profile's `backup.cascade`.
    pub cascade: Cascade,
    /// The profile's `backup.mount_root`.
    pub mount_root: &'a Path,
    /// `--root`: where the list of enrolled drives lies.
    pub root: Option<&'a Path>,
    pub need: Need,
}

/// The ends that a command works on, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The card to read, the drive to write.
    Backup,
    /// Both to read; what was found is recorded on the drive if that can be.
    Compare,
    /// The drive alone; its files are read, and what was found is recorded there if that can be.
    Drive,
}

/// Both ends, and what has to be taken off afterwards.
#[derive(Debug)]
#[must_use = "what was mounted stays mounted until `close`"]
pub struct Ends {
    /// None only for [`Need::Drive`].
    pub source: Option<End>,
    pub dest: End,
    /// Further drives, in the order of the command line or of the profile.
    pub others: Vec<End>,
    /// Drives that the profile names, and that can't be used now.
    pub absent: Vec<Absent>,
    /// Number of the drives that a photo must be on; of folders on the command line, all.
    pub copies: Copies,
    /// The way to the further drives.
    pub cascade: Cascade,
    mounted: Vec<Mounted>,
    /// Both folders, open: nobody can take a volume off by mistake before `close`.
    held: Vec<Folder>,
}

/// A drive of the profile that can't be used now, while another one can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    pub label: String,
    /// None where it is not plugged in at all.
    pub why: Option<String>,
}

impl Absent {
    /// Says why, as the end of a sentence that begins with the label.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.why.as_deref().unwrap_or("not plugged in")
    }
}

/// Finds both ends, runs `body` on them, and takes off what was mounted for it, whatever `body` said. `body` has to
/// come back after Ctrl-C, and must have closed every file below the two ends by then.
///
/// # Errors
/// Those of [`resolve`] and of `body`; and a volume that could not be taken off, even if `body` was fine.
pub fn with<T>(
    request: &Request,
    ui: &Ui,
    body: impl FnOnce(&Ends) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let ends = resolve(request, ui)?;
    let result = body(&ends);
    match (result, ends.close()) {
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
pub fn resolve(request: &Request, ui: &Ui) -> anyhow::Result<Ends> {
    let mut mounted = Vec::new();
    match both(request, ui, &mut mounted) {
        Ok(Found { source, dest, others, absent, held }) => {
            let (copies, cascade) = (request.copies, request.cascade);
            Ok(Ends { source, dest, others, absent, copies, cascade, mounted, held })
        }
        Err(error) => {
            if let Err(unclosed) = take_off(mounted) {
                ui.note(&format!("{unclosed:#}"));
            }
            Err(error)
        }
    }
}

impl Ends {
    /// All drives.
    pub fn drives(&self) -> impl Iterator<Item = &End> {
        std::iter::once(&self.dest).chain(&self.others)
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

/// All that was found, and all of it held open.
struct Found {
    source: Option<End>,
    dest: End,
    others: Vec<End>,
    absent: Vec<Absent>,
    held: Vec<Folder>,
}

fn both(request: &Request, ui: &Ui, mounted: &mut Vec<Mounted>) -> anyhow::Result<Found> {
    let folders = request.others.iter().map(|path| plain(path)).collect::<anyhow::Result<Vec<End>>>()?;
    let mut absent = Vec::new();
    let (source, mut drives) = found(request, ui, mounted, &mut absent)?;
    drives.extend(folders);
    for (at, other) in drives.iter().enumerate() {
        if drives[..at].iter().any(|one| one.dir == other.dir) {
            let what = format!("the drive {} is given twice", visible(&other.dir.to_string_lossy()));
            return Err(Problem::usage(what).hint("two copies on one drive are one").into());
        }
    }
    let held = source.iter().chain(&drives).map(hold).collect::<anyhow::Result<_>>()?;
    let mut drives = drives.into_iter();
    let dest = drives.next().ok_or_else(|| anyhow!("there is no destination"))?;
    Ok(Found { source, dest, others: drives.collect(), absent, held })
}

/// The card, and the drives: the folder that was named, or those of the profile's that can be used.
fn found(
    request: &Request,
    ui: &Ui,
    mounted: &mut Vec<Mounted>,
    absent: &mut Vec<Absent>,
) -> anyhow::Result<(Option<End>, Vec<End>)> {
    // First the folders: a word about a typing error should not wait for lsblk.
    let dest = request.dest.map(plain).transpose()?;
    let source_device = request.source.filter(|path| mount::is_block_device(path));
    let source_folder = request.source.filter(|_| source_device.is_none()).map(plain).transpose()?;
    let wants_card = request.need != Need::Drive && source_folder.is_none();
    if !wants_card && let Some(dest) = dest {
        return Ok((source_folder, vec![dest]));
    }
    let plugged = plugged::read()?;
    let enrolled = enrolled::read(request.root)?;
    let drives = match dest {
        Some(_) => Vec::new(),
        None => usable(request.destinations, absent, &plugged, |label| {
            enrolled_drive(&plugged, &enrolled, label)
        })?,
    };
    let card = match (wants_card, source_device) {
        (false, _) => None,
        (true, Some(device)) => Some(find::by_device(&plugged, device)?),
        (true, None) => Some(card(&plugged, &enrolled, &drives, request)?),
    };
    if let Some(card) = card
        && drives.iter().any(|(_, drive)| card.kname == drive.kname)
    {
        let what = format!("{} is the drive that receives backups, not a card", visible(request.label));
        return Err(Problem::failed(what).hint("`piback cards` lists what is plugged in").into());
    }
    let source = match card {
        Some(card) => Some(reach(card, Access::ReadOnly, request.mount_root, mounted, ui)?),
        None => source_folder,
    };
    if let Some(dest) = dest {
        return Ok((source, vec![dest]));
    }
    let labels: Vec<String> = drives.iter().map(|(label, _)| (*label).to_owned()).collect();
    let ends = usable(&labels, absent, &plugged, |label| {
        let drive = drives.iter().find(|(one, _)| *one == label).map(|(_, drive)| *drive);
        let drive = drive.ok_or_else(|| anyhow!("there is no destination"))?;
        let access = match request.need {
            Need::Backup => Access::ReadWrite,
            // What `verify` and `safe-to-format` find is recorded on the drive, where it lets.
            Need::Compare | Need::Drive if drive.read_only || only_read_only(drive) => Access::ReadOnly,
            Need::Compare | Need::Drive => Access::ReadWrite,
        };
        let end = reach(drive, access, request.mount_root, mounted, ui)?;
        is_the_enrolled_one(&end, drive, &enrolled)?;
        Ok(end)
    })?;
    Ok((source, ends.into_iter().map(|(_, end)| end).collect()))
}

/// Does the same for each label. What fails for one drive is its own, as long as another one can be used.
fn usable<'a, T>(
    labels: &'a [String],
    absent: &mut Vec<Absent>,
    plugged: &Plugged,
    mut use_it: impl FnMut(&str) -> anyhow::Result<T>,
) -> anyhow::Result<Vec<(&'a str, T)>> {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for label in labels {
        match use_it(label) {
            Ok(one) => good.push((label.as_str(), one)),
            Err(error) => bad.push((label, error)),
        }
    }
    if good.is_empty() {
        return match bad.into_iter().next() {
            Some((_, error)) => Err(error),
            None => Err(no_profile()),
        };
    }
    absent.extend(bad.into_iter().map(|(label, error)| {
        let there = plugged.volumes.iter().any(|volume| volume.label.as_deref() == Some(label));
        Absent { label: label.clone(), why: there.then(|| visible(&format!("{error:#}"))) }
    }));
    Ok(good)
}

/// A folder that the user named.
fn plain(path: &Path) -> anyhow::Result<End> {
    let (dir, device) = folder::real(path)
        .with_context(|| format!("{} is no folder to use", visible(&path.to_string_lossy())))?;
    Ok(End { dir, device, volume: None })
}

/// The card of the label that was given. Enrolled drives are never cards.
fn card<'a>(
    plugged: &'a Plugged,
    enrolled: &Drives,
    drives: &[(&str, &Volume)],
    request: &Request,
) -> anyhow::Result<&'a Volume> {
    let is_drive =
        |v: &Volume| drives.iter().any(|(_, d)| d.kname == v.kname) || enrolled.of(v).next().is_some();
    if let Some(drive) = plugged.offered().find(|v| is_drive(v) && v.label.as_deref() == Some(request.label))
        && !plugged.offered().any(|v| !is_drive(v) && v.label == drive.label)
    {
        let what = format!("{} is a drive that receives backups, not a card", visible(request.label));
        return Err(Problem::failed(what).hint("`piback cards` lists what is plugged in").into());
    }
    Ok(find::by_label(plugged, request.label, VolumeKind::Card, &is_drive)?)
}

/// A drive that the profile names, as far as can be told without mounting it.
fn enrolled_drive<'a>(plugged: &'a Plugged, enrolled: &Drives, label: &str) -> anyhow::Result<&'a Volume> {
    let drive = find::by_label(plugged, label, VolumeKind::Drive, &|_| false)?;
    if enrolled.of(drive).next().is_none() {
        return Err(not_enrolled(drive, "is not enrolled on this appliance"));
    }
    Ok(drive)
}

fn no_profile() -> anyhow::Error {
    Problem::failed("no drive is named for backups: there is no profile")
        .hint("make one: sudo piback init")
        .hint("or name a folder: --dest DIR")
        .into()
}

/// The checks that need the drive's content.
fn is_the_enrolled_one(dest: &End, drive: &Volume, enrolled: &Drives) -> anyhow::Result<()> {
    let root = Folder::open(&dest.dir).with_context(|| visible(&dest.dir.to_string_lossy()))?;
    let found = marker(&root, drive)?;
    if !found.as_ref().is_some_and(|marker| marker.has_dcim) {
        refuse_a_card(&root, drive)?;
    }
    match found {
        Some(marker) if enrolled.knows(&marker) && marker.belongs_to(drive) => Ok(()),
        Some(_) => Err(not_enrolled(drive, "carries another drive's marker")),
        None => Err(not_enrolled(drive, "has lost its marker .piback/drive.json")),
    }
}

fn not_enrolled(drive: &Volume, why: &str) -> anyhow::Error {
    let shown = drive.shown_label();
    Problem::failed(format!("{shown} ({}) {why}", drive.device().display()))
        .hint(format!("if backups are to go there: sudo piback enroll {}", word(&shown)))
        .into()
}
