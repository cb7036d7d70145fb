//! Everything on the card, without reading any content: 100,000 files fit into 10 MB.

use super::names;
use crate::system::volume::{Dir, Fault, FaultKind, FileKind};

/// Deeper than any camera, and than any path that other systems open.
pub const DEEPEST: usize = 100;

/// The card's tree. Folders come before what is in them; files lie together by folder, sorted by name.
#[derive(Debug, Default)]
pub struct Card {
    pub folders: Vec<Folder>,
    pub files: Vec<File>,
    /// What can't be copied: not a regular file, or a folder that can't be read.
    pub odd: Vec<Odd>,
    /// Names of system folders at the root that were skipped.
    pub clutter: Vec<Vec<u8>>,
    names: Vec<u8>,
    skips_clutter: bool,
}

#[derive(Debug)]
pub struct Folder {
    /// Path from the root, without a slash at either end; empty for the root.
    pub path: Vec<u8>,
    /// Its number on the card's file system; some give it anew when they forget the folder.
    pub inode: u64,
    /// Where its own files lie in [`Card::files`].
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

/// Something that is no file, or a folder that can't be read.
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
    Unreadable(Fault),
}

impl Card {
    /// Walks the whole card.
    ///
    /// # Errors
    /// When the card's root can't be read, or the card is gone in the middle.
    pub fn scan(root: &Dir) -> Result<Self, Fault> {
        let mut card = Card { skips_clutter: true, ..Card::default() };
        card.walk(root, Vec::new(), 0)?;
        Ok(card)
    }

    /// Walks a folder of a backup: nothing at its root is skipped.
    ///
    /// # Errors
    /// As [`Card::scan`].
    pub fn scan_all(root: &Dir) -> Result<Self, Fault> {
        let mut tree = Card::default();
        tree.walk(root, Vec::new(), 0)?;
        Ok(tree)
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
        self.files.iter().map(|f| f.size).sum()
    }

    fn walk(&mut self, dir: &Dir, path: Vec<u8>, depth: usize) -> Result<(), Fault> {
        let mut entries = match dir.list() {
            Ok(entries) => entries,
            Err(fault) if depth == 0 || fault.kind() == FaultKind::Gone => return Err(fault),
            Err(fault) => {
                self.odd.push(Odd { path, what: OddKind::Unreadable(fault) });
                return Ok(());
            }
        };
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let folder = u32::try_from(self.folders.len()).unwrap_or(u32::MAX);
        let first = self.files.len();
        self.folders.push(Folder { path: path.clone(), inode: dir.inode(), files: first..first });
        let mut folders = Vec::new();
        for entry in entries {
            let odd = match dir.stat(&entry.name) {
                // It went away between the two calls.
                Ok(None) => continue,
                Ok(Some(stat)) => match stat.kind {
                    FileKind::File if stat.device == dir.device() => {
                        let name_at = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
                        let name_len = u16::try_from(entry.name.len()).unwrap_or(u16::MAX);
                        self.names.extend_from_slice(&entry.name);
                        let (size, mtime, ctime) = (stat.size, stat.mtime, stat.ctime);
                        self.files.push(File { folder, name_at, name_len, size, mtime, ctime });
                        continue;
                    }
                    FileKind::Directory
                        if depth == 0 && self.skips_clutter && names::is_clutter(&entry.name) =>
                    {
                        self.clutter.push(entry.name);
                        continue;
                    }
                    FileKind::Directory if stat.device == dir.device() => {
                        folders.push(entry.name);
                        continue;
                    }
                    FileKind::File | FileKind::Directory => OddKind::OtherVolume,
                    FileKind::Symlink => OddKind::Link,
                    FileKind::Fifo => OddKind::Fifo,
                    FileKind::Socket => OddKind::Socket,
                    FileKind::Device => OddKind::Device,
                },
                Err(fault) if fault.kind() == FaultKind::Gone => return Err(fault),
                Err(fault) => OddKind::Unreadable(fault),
            };
            self.odd.push(Odd { path: join(&path, &entry.name), what: odd });
        }
        self.folders[folder as usize].files = first..self.files.len();
        for name in folders {
            let path = join(&path, &name);
            if depth + 1 >= DEEPEST {
                self.odd.push(Odd { path, what: OddKind::TooDeep });
                continue;
            }
            match dir.sub(&name) {
                Ok(sub) => self.walk(&sub, path, depth + 1)?,
                Err(fault) if fault.kind() == FaultKind::Gone => return Err(fault),
                Err(fault) if fault.kind() == FaultKind::OtherDevice => {
                    self.odd.push(Odd { path, what: OddKind::OtherVolume });
                }
                Err(fault) => self.odd.push(Odd { path, what: OddKind::Unreadable(fault) }),
            }
        }
        Ok(())
    }
}

impl OddKind {
    /// What it is, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            OddKind::Link => "a link, not a file: not followed".into(),
            OddKind::Fifo => "a fifo, not a file".into(),
            OddKind::Socket => "a socket, not a file".into(),
            OddKind::Device => "a device node, not a file".into(),
            OddKind::OtherVolume => "another volume is mounted here".into(),
            OddKind::TooDeep => "folders nested too deeply".into(),
            OddKind::Unreadable(fault) => format!("can't be read: {fault}"),
        }
    }
}

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
