//! Everything on the card, without reading any content: 100,000 files fit into 10 MB.
//!
//! A name that is listed is a file until it is shown not to be: what can be listed and not be looked up, or stands in a
//! folder twice, is on the card and can't be reached.

use super::events::total;
use super::names::{self, DEEPEST};
use super::unseen::Seen;
use crate::system::volume::{Dir, Entry, Fault, FaultKind, FileKind, Stat};
use std::collections::{HashMap, HashSet};

/// The card's tree. Folders come before what is in them; files lie together by folder, sorted by name.
#[derive(Debug, Default)]
pub struct Card {
    pub folders: Vec<Folder>,
    pub files: Vec<File>,
    /// Things that can't be copied: not a regular file, a name that leads nowhere, or a folder that can't be read.
    pub odd: Vec<Odd>,
    /// Names of system folders at the root that were skipped.
    pub clutter: Vec<Vec<u8>>,
    /// Bytes that the card's file system calls used and that nothing visible uses; 0 where that can't be told.
    pub unseen: u64,
    names: Vec<u8>,
}

#[derive(Debug)]
pub struct Folder {
    /// Path from the root, without a slash at either end; empty for the root.
    pub path: Vec<u8>,
    /// Its number on the card's file system; some give it anew when they forget the folder.
    pub inode: u64,
    /// Range of its own files in [`Card::files`].
    pub files: std::ops::Range<usize>,
}

/// A regular file.
#[derive(Debug, Clone, Copy)]
pub struct File {
    /// Index into [`Card::folders`].
    pub folder: u32,
    name_at: u32,
    name_len: u16,
    /// In bytes.
    pub size: u64,
    /// Nanoseconds since 1970.
    pub mtime: i64,
    pub ctime: i64,
}

/// Something that is no file, or can't be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Odd {
    pub path: Vec<u8>,
    pub what: OddKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OddKind {
    Link,
    Fifo,
    Socket,
    Device,
    OtherVolume,
    TooDeep,
    /// Listed, and looking it up finds nothing: also when it was listed again.
    Unknown,
    /// One of several entries that lead to one file: the others can't be reached.
    Twice,
    Unreadable(Fault),
}

impl Card {
    /// Walks the whole card, and holds what is visible against the room that its file system calls used.
    ///
    /// # Errors
    /// When the card's root can't be read, or the card is gone in the middle.
    pub fn scan(root: &Dir) -> Result<Self, Fault> {
        let mut seen = Seen::new(root)?;
        let mut walk = Walk { card: Card::default(), skips_clutter: true, seen: seen.as_mut() };
        walk.folder(root, Vec::new(), 0)?;
        let mut card = walk.card;
        if let Some(mut seen) = seen.filter(|_| !card.odd.iter().any(|odd| odd.what.hides())) {
            seen.left_out(root, &card.clutter)?;
            card.unseen = seen.unseen(root)?;
        }
        Ok(card)
    }

    /// Walks a folder of a backup: nothing at its root is skipped.
    ///
    /// # Errors
    /// As [`Card::scan`].
    pub fn scan_all(root: &Dir) -> Result<Self, Fault> {
        let mut walk = Walk { card: Card::default(), skips_clutter: false, seen: None };
        walk.folder(root, Vec::new(), 0)?;
        Ok(walk.card)
    }

    #[must_use]
    pub fn name(&self, file: &File) -> &[u8] {
        let at = file.name_at as usize;
        &self.names[at..at + usize::from(file.name_len)]
    }

    /// The file's path from the root.
    #[must_use]
    pub fn path(&self, file: &File) -> Vec<u8> {
        join(&self.folders[file.folder as usize].path, self.name(file))
    }

    /// In bytes, of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        total(self.files.iter().map(|f| f.size))
    }
}

/// A name, and the file or folder of this volume behind it, or what is odd about it.
type Looked = (Vec<u8>, Result<Stat, OddKind>);

struct Walk<'a> {
    card: Card,
    skips_clutter: bool,
    seen: Option<&'a mut Seen>,
}

impl Walk<'_> {
    fn folder(&mut self, dir: &Dir, path: Vec<u8>, depth: usize) -> Result<(), Fault> {
        let mut entries = match dir.list() {
            Ok(entries) => entries,
            Err(fault) if depth == 0 || fault.kind() == FaultKind::Gone => return Err(fault),
            Err(fault) => {
                self.odd(path, OddKind::Unreadable(fault));
                return Ok(());
            }
        };
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let folder = u32::try_from(self.card.folders.len()).unwrap_or(u32::MAX);
        let first = self.card.files.len();
        self.card.folders.push(Folder { path: path.clone(), inode: dir.inode(), files: first..first });
        let mut folders = Vec::new();
        for (name, found) in self.look(dir, entries)? {
            match found {
                Ok(stat) if stat.kind == FileKind::File => self.file(folder, &name, stat),
                Ok(_) if depth == 0 && self.skips_clutter && names::is_clutter(&name) => {
                    self.card.clutter.push(name);
                }
                Ok(stat) => {
                    self.saw(stat.size);
                    folders.push(name);
                }
                Err(what) => self.odd(join(&path, &name), what),
            }
        }
        self.card.folders[folder as usize].files = first..self.card.files.len();
        for name in folders {
            let path = join(&path, &name);
            if depth + 1 >= DEEPEST {
                self.odd(path, OddKind::TooDeep);
                continue;
            }
            match dir.sub(&name) {
                Ok(sub) => self.folder(&sub, path, depth + 1)?,
                Err(fault) if fault.kind() == FaultKind::Gone => return Err(fault),
                Err(fault) if fault.kind() == FaultKind::OtherDevice => self.odd(path, OddKind::OtherVolume),
                Err(fault) => self.odd(path, OddKind::Unreadable(fault)),
            }
        }
        Ok(())
    }

    /// Looks up every name of a sorted listing.
    fn look(&self, dir: &Dir, entries: Vec<Entry>) -> Result<Vec<Looked>, Fault> {
        let twice: HashSet<Vec<u8>> = entries
            .windows(2)
            .filter(|two| two[0].name == two[1].name)
            .map(|two| two[0].name.clone())
            .collect();
        let mut again: Option<HashSet<Vec<u8>>> = None;
        let mut found = Vec::with_capacity(entries.len());
        for Entry { name, .. } in entries {
            let what = match dir.stat(&name) {
                Ok(Some(_)) if twice.contains(&name) => Err(OddKind::Twice),
                Ok(Some(stat)) => of_this_volume(dir, stat),
                Ok(None) => {
                    if again.is_none() {
                        again = Some(dir.list()?.into_iter().map(|entry| entry.name).collect());
                    }
                    let is_listed = again.as_ref().is_some_and(|names| names.contains(&name));
                    match dir.stat(&name) {
                        // It went away after it was listed first.
                        _ if !is_listed => continue,
                        Ok(Some(stat)) => of_this_volume(dir, stat),
                        Ok(None) => Err(OddKind::Unknown),
                        Err(fault) => Err(OddKind::Unreadable(fault)),
                    }
                }
                Err(fault) if fault.kind() == FaultKind::Gone => return Err(fault),
                Err(fault) => Err(OddKind::Unreadable(fault)),
            };
            found.push((name, what));
        }
        if self.seen.is_some() {
            // FAT and exFAT know no hard links: two names of one file are one name too many.
            name_twice(&mut found);
        }
        Ok(found)
    }

    fn file(&mut self, folder: u32, name: &[u8], stat: Stat) {
        let name_at = u32::try_from(self.card.names.len()).unwrap_or(u32::MAX);
        let name_len = u16::try_from(name.len()).unwrap_or(u16::MAX);
        self.card.names.extend_from_slice(name);
        let (size, mtime, ctime) = (stat.size, stat.mtime, stat.ctime);
        self.card.files.push(File { folder, name_at, name_len, size, mtime, ctime });
        self.saw(size);
    }

    fn odd(&mut self, path: Vec<u8>, what: OddKind) {
        self.card.odd.push(Odd { path, what });
    }

    fn saw(&mut self, size: u64) {
        if let Some(seen) = &mut self.seen {
            seen.add(size);
        }
    }
}

/// Of names that lead to one file none is known to be the right one.
fn name_twice(found: &mut [Looked]) {
    let mut inodes: HashMap<u64, u32> = HashMap::new();
    found.iter().flat_map(|(_, stat)| stat).for_each(|stat| *inodes.entry(stat.inode).or_default() += 1);
    for (_, what) in found {
        if what.as_ref().is_ok_and(|stat| inodes.get(&stat.inode).is_some_and(|n| *n > 1)) {
            *what = Err(OddKind::Twice);
        }
    }
}

/// A file or a folder of this volume, or what else it is.
fn of_this_volume(dir: &Dir, stat: Stat) -> Result<Stat, OddKind> {
    match stat.kind {
        FileKind::File | FileKind::Directory if stat.device == dir.device() => Ok(stat),
        FileKind::File | FileKind::Directory => Err(OddKind::OtherVolume),
        FileKind::Symlink => Err(OddKind::Link),
        FileKind::Fifo => Err(OddKind::Fifo),
        FileKind::Socket => Err(OddKind::Socket),
        FileKind::Device => Err(OddKind::Device),
    }
}

impl OddKind {
    /// Says what it is, for people; `medium` is what it lies on: `card` or `drive`.
    #[must_use]
    pub fn describe(&self, medium: &str) -> String {
        match self {
            OddKind::Link => "a link, not a file: not followed".into(),
            OddKind::Fifo => "a fifo, not a file".into(),
            OddKind::Socket => "a socket, not a file".into(),
            OddKind::Device => "a device node, not a file".into(),
            OddKind::OtherVolume => "another volume is mounted here".into(),
            OddKind::TooDeep => "folders nested too deeply".into(),
            OddKind::Unknown => {
                format!("listed, but can't be found: the {medium}'s file system is {DAMAGED}")
            }
            OddKind::Twice => {
                format!("listed more than once as one file: the {medium}'s file system is {DAMAGED}")
            }
            OddKind::Unreadable(fault) => format!("can't be read: {fault}"),
        }
    }

    /// Tells whether there may be files behind it that can't be seen.
    fn hides(&self) -> bool {
        !matches!(self, OddKind::Link | OddKind::Fifo | OddKind::Socket | OddKind::Device)
    }
}

const DAMAGED: &str = "damaged, or was mounted with another character set";

/// `folder/name`, or `name` at the root.
#[must_use]
pub fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(folder.len() + 1 + name.len());
    if !folder.is_empty() {
        path.extend_from_slice(folder);
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

/// The last component of a path, and what is before it.
#[must_use]
pub fn split_path(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|b| *b == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (&[], path),
    }
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;
