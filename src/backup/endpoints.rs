//! The two ends of a run, opened and checked: the card is a card, the drive is a drive, and neither is the other.

use super::drive::{self, Drive};
use super::label::Label;
use super::scan::Card;
use super::source::Source;
use crate::error::Problem;
use crate::system::volume::{Dir, Fault, FaultKind, FileKind, Lock};
use crate::ui::visible;
use std::path::{Path, PathBuf};

/// Ends of a run: a card's files, and the place that they go to; finding them is the caller's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    pub label: Label,
    /// The card's root.
    pub source: PathBuf,
    /// The drive's root: the label's folder and piback's own lie below it.
    pub dest: PathBuf,
}

impl Endpoints {
    /// Opens both. Writes nothing.
    ///
    /// # Errors
    /// When one is not there, they overlap, or they look swapped.
    pub fn open(&self) -> anyhow::Result<(Source, Drive)> {
        let root = Dir::open(&self.source)
            .map_err(|fault| Problem::failed(format!("card {}: {fault}", shown(&self.source))))?;
        let source = Source::new(root)
            .map_err(|fault| Problem::failed(format!("card {}: {fault}", shown(&self.source))))?;
        let drive = Drive::open(&self.dest, self.label.clone())?;
        self.check(&source.root, &drive.root)?;
        readable_names(&self.source, &source)?;
        Ok((source, drive))
    }

    /// Walks the card.
    ///
    /// # Errors
    /// When the card can't be read.
    pub fn scan(&self, source: &Source) -> anyhow::Result<Card> {
        let cant = |fault| Problem::failed(format!("card {} can't be read: {fault}", shown(&self.source)));
        Ok(Card::scan(&source.root).map_err(cant)?)
    }

    /// Makes sure that nothing which is written on the drive lands on the card: whatever paths and bind mounts lead to
    /// the two, a folder is known by its device and inode. Writes nothing.
    ///
    /// # Errors
    /// When the two overlap.
    pub fn are_apart(&self, card: &Card, source: &Source, drive: &Drive) -> anyhow::Result<()> {
        if drive.root.device() == source.root.device() {
            if card.folders.iter().any(|folder| folder.inode == drive.root.inode()) {
                return Err(self.drive_on_card().into());
            }
            let cant = |fault| Problem::failed(format!("drive {} can't be read: {fault}", shown(&self.dest)));
            for name in [self.label.as_bytes(), drive::OWN] {
                if leads_to(&drive.root, name, &source.root, 0).map_err(cant)? {
                    return Err(self.card_on_drive().into());
                }
            }
        }
        Ok(())
    }

    fn check(&self, source: &Dir, dest: &Dir) -> anyhow::Result<()> {
        let (card, drive) = (shown(&self.source), shown(&self.dest));
        let has = |dir: &Dir, name: &[u8]| {
            dir.stat(name).ok().flatten().is_some_and(|stat| stat.kind == FileKind::Directory)
        };
        if dest.is_within(source)? {
            return Err(self.drive_on_card().into());
        }
        if source.is_within(dest)? {
            return Err(self.card_on_drive().into());
        }
        if has(source, drive::OWN) {
            return Err(Problem::failed(format!("{card} is a drive with backups, not a card"))
                .hint("card and drive may be swapped: --source is the card, --dest the drive")
                .into());
        }
        if has(dest, b"DCIM") && !has(dest, drive::OWN) {
            return Err(Problem::failed(format!(
                "{drive} has a DCIM folder: it looks like a card, not a drive"
            ))
            .hint("card and drive may be swapped: --source is the card, --dest the drive")
            .into());
        }
        if let Err(fault) = dest.sub(self.label.as_bytes())
            && fault.kind() != FaultKind::Missing
        {
            return Err(Problem::failed(format!("{drive}/{}: {fault}", self.label))
                .hint("it must be a plain folder on the drive itself")
                .into());
        }
        Ok(())
    }

    fn drive_on_card(&self) -> Problem {
        let (card, drive) = (shown(&self.source), shown(&self.dest));
        Problem::failed(format!("the drive {drive} is the card {card}, or lies on it"))
            .hint("a backup goes to another drive: --dest DIR")
    }

    fn card_on_drive(&self) -> Problem {
        let (card, drive) = (shown(&self.source), shown(&self.dest));
        Problem::failed(format!("the card {card} lies on the drive {drive}"))
            .hint("a card is backed up to another drive: --dest DIR")
    }
}

/// The card, open and walked, and the drives, open and locked.
pub type Opened = (Card, Source, Vec<anyhow::Result<(Drive, Lock)>>);

/// Opens the card and the drives, and walks the card. Writes nothing.
///
/// # Errors
/// When the card, or each of the drives, can't be used.
pub fn open(all: &[Endpoints]) -> anyhow::Result<Opened> {
    let mut source = None;
    let mut drives: Vec<anyhow::Result<(Drive, Lock)>> = Vec::new();
    for ends in all {
        drives.push(ends.open().and_then(|(card, drive)| {
            let lock = drive.lock()?;
            source.get_or_insert(card);
            Ok((drive, lock))
        }));
    }
    let (Some(source), Some(ends)) = (source, all.first()) else {
        any_or_first_error(drives.into_iter().map(|drive| ((), drive)).collect())?;
        anyhow::bail!("there is no drive");
    };
    let card = ends.scan(&source)?;
    let apart = all.iter().zip(drives).map(|(ends, opened)| {
        let opened = opened?;
        ends.are_apart(&card, &source, &opened.0)?;
        Ok(opened)
    });
    let drives: Vec<((), anyhow::Result<_>)> = apart.map(|opened| ((), opened)).collect();
    let drives = any_or_first_error(drives)?.into_iter().map(|(_, opened)| opened).collect();
    Ok((card, source, drives))
}

/// One drive's error is its own as long as another drive can be used.
pub fn any_or_first_error<K, T>(
    mut all: Vec<(K, anyhow::Result<T>)>,
) -> anyhow::Result<Vec<(K, anyhow::Result<T>)>> {
    if all.iter().all(|(_, one)| one.is_err()) && !all.is_empty() {
        all.swap_remove(0).1?;
    }
    Ok(all)
}

/// Refuses a FAT or exFAT card that somebody mounted with another character set than UTF-8: names that it lacks can't be
/// looked up, and two files may be shown under one name.
fn readable_names(path: &Path, source: &Source) -> anyhow::Result<()> {
    let Some(mount) = source.root.mount() else { return Ok(()) };
    if shows_all_names(source.medium.name, &mount.options) {
        return Ok(());
    }
    let (what, at) = (shown(path), visible(&mount.at));
    Err(Problem::failed(format!("{what} was mounted without utf8: files may be hidden from view"))
        .hint(format!("take it off, and piback mounts it as it must be: sudo umount '{at}'"))
        .into())
}

/// Tells from a mount's options whether the file system shows every name. What is no FAT keeps names as they are.
fn shows_all_names(medium: &str, options: &str) -> bool {
    let has = |wanted: &str| options.split(',').any(|option| option == wanted);
    match medium {
        "vfat" => has("utf8") || has("utf8=1") || has("iocharset=utf8"),
        "exfat" => has("iocharset=utf8") || has("utf8"),
        _ => true,
    }
}

/// Tells whether the folder `name` of `dir` is `wanted`, or has it below itself. `wanted` is held open, so that its
/// inode number can't become another folder's.
fn leads_to(dir: &Dir, name: &[u8], wanted: &Dir, depth: usize) -> Result<bool, Fault> {
    let sub = match dir.sub(name) {
        Ok(sub) => sub,
        Err(fault) if fault.kind() == FaultKind::Gone => return Err(fault),
        // What piback can't open it can't write in.
        Err(_) => return Ok(false),
    };
    if sub.inode() == wanted.inode() {
        return Ok(true);
    }
    if depth + 1 >= super::names::DEEPEST {
        return Ok(false);
    }
    for entry in sub.list()? {
        if matches!(entry.kind, None | Some(FileKind::Directory))
            && leads_to(&sub, &entry.name, wanted, depth + 1)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn shown(path: &Path) -> String {
    visible(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fat_card_shows_all_names_with_utf8_alone() {
        // As kernels 4.9, 5.10 and 6.1 print them.
        for (medium, options, all) in [
            (
                "vfat",
                "rw,fmask=0022,dmask=0022,codepage=437,iocharset=ascii,shortname=mixed,utf8,errors=remount-ro",
                true,
            ),
            (
                "vfat",
                "rw,fmask=0022,dmask=0022,codepage=437,iocharset=ascii,shortname=mixed,errors=remount-ro",
                false,
            ),
            ("vfat", "ro,codepage=437,iocharset=utf8,shortname=mixed", true),
            ("exfat", "rw,fmask=0022,dmask=0022,iocharset=utf8,errors=remount-ro", true),
            ("exfat", "rw,fmask=0022,dmask=0022,iocharset=iso8859-1,errors=remount-ro", false),
            ("ext4", "rw", true),
            ("fuse", "rw,user_id=0", true),
        ] {
            assert_eq!(shows_all_names(medium, options), all, "{medium} {options}");
        }
    }
}
