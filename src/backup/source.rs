//! The card, opened: reading its files, and telling a bad sector from a card that is gone.

use super::digest::{Digest, Digester};
use super::manifest::to_text;
use super::scan::{self, Card, File};
use crate::system::volume::{ALIGN, Buffer, Dir, Fault, FaultKind, InFile, Medium, Stat};
use std::sync::Arc;

/// From this size on, files are read past the page cache.
pub const LARGE: u64 = 1024 * 1024;

/// Read at once by what reads only to compare: a huge page, see [`Buffer`].
pub const PIECE: usize = 2 * 1024 * 1024;

/// After so many files in a row of which nothing can be read, the card counts as gone.
const DEAD_FILES: u32 = 5;

/// An open card.
#[derive(Debug)]
pub struct Source {
    pub root: Dir,
    pub medium: Medium,
    cached: Option<(Vec<u8>, Arc<Dir>)>,
    good: Option<(Vec<u8>, Vec<u8>, u64)>,
    dead: u32,
    last_dead: Option<u32>,
}

impl Source {
    /// # Errors
    /// When the file system does not answer.
    pub fn new(root: Dir) -> Result<Self, Fault> {
        let medium = root.medium()?;
        Ok(Source { root, medium, cached: None, good: None, dead: 0, last_dead: None })
    }

    /// Opens a file of the card, past the page cache if it is large or `direct` is asked for.
    ///
    /// # Errors
    /// When it can't be opened as the regular file that was found.
    pub fn open(&mut self, card: &Card, file: &File, direct: bool) -> Result<InFile, Fault> {
        let folder = self.folder(&card.folders[file.folder as usize].path)?;
        folder.read(card.name(file), direct || file.size >= LARGE)
    }

    /// Notes a place of the card that could be read.
    pub fn was_good(&mut self, card: &Card, file: &File, offset: u64) {
        self.dead = 0;
        if self.good.is_none() && file.size > 0 {
            let folder = card.folders[file.folder as usize].path.clone();
            self.good = Some((folder, card.name(file).to_vec(), offset));
        }
    }

    /// Tells whether a failed read of the `at`-th file means that the whole card is gone. A vanished device says so
    /// itself on some file systems and answers EIO, like a bad sector, on others: then a place that was good is
    /// read again.
    pub fn is_gone(&mut self, fault: Fault, at: u32) -> bool {
        match fault.kind() {
            FaultKind::Gone => return true,
            FaultKind::Io => {}
            _ => return false,
        }
        if !self.root.device_present() {
            return true;
        }
        if let Some((folder, name, offset)) = self.good.clone() {
            self.cached = None;
            return self.probe(&folder, &name, offset).is_err();
        }
        if self.last_dead != Some(at) {
            self.last_dead = Some(at);
            self.dead += 1;
        }
        self.dead >= DEAD_FILES
    }

    fn probe(&mut self, folder: &[u8], name: &[u8], offset: u64) -> Result<(), Fault> {
        let mut file = self.folder(folder)?.read(name, true)?;
        file.from_medium();
        file.read_at(Buffer::new(1).space(), offset).map(|_| ())
    }

    /// Opens a folder of the card, by its path from the root.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn folder(&mut self, path: &[u8]) -> Result<Arc<Dir>, Fault> {
        if let Some((cached, dir)) = &self.cached
            && cached == path
        {
            return Ok(Arc::clone(dir));
        }
        let mut at: Option<Dir> = None;
        for name in path.split(|b| *b == b'/').filter(|name| !name.is_empty()) {
            at = Some(at.as_ref().unwrap_or(&self.root).sub(name)?);
        }
        let dir = match at {
            Some(dir) => Arc::new(dir),
            None => Arc::new(self.root.again()?),
        };
        self.cached = Some((path.to_vec(), Arc::clone(&dir)));
        Ok(dir)
    }
}

/// A copy on the drive that others write to is read again so often.
const TRIES: u32 = 3;

/// Reads a whole file of the card from the medium. `None` when it changed while it was read.
///
/// # Errors
/// When a read fails.
pub fn digest(file: &mut InFile, buffer: &mut Buffer) -> Result<Option<Digest>, Fault> {
    let before = file.opened();
    let digest = read_all(file, before, buffer, |_| {})?;
    let after = file.stat()?;
    Ok(digest.filter(|_| after == before))
}

/// Reads a whole copy on the drive from the medium. Only size and modification time tell whether it changed: the change
/// time moves on FUSE pools, with a chmod and with an attribute, without any change of the content. `None` when it
/// changed each time that it was read.
///
/// # Errors
/// When a read fails.
pub fn digest_copy(file: &mut InFile, buffer: &mut Buffer) -> Result<Option<Digest>, Fault> {
    for _ in 0..TRIES {
        let before = file.stat()?;
        let digest = read_all(file, before, buffer, |_| {})?;
        let after = file.stat()?;
        if digest.is_some() && (after.size, after.mtime) == (before.size, before.mtime) {
            return Ok(digest);
        }
    }
    Ok(None)
}

/// As [`digest_copy`], once; every piece that was read goes to `piece` as well.
///
/// # Errors
/// When a read fails.
pub fn digest_once(
    file: &mut InFile,
    buffer: &mut Buffer,
    piece: impl FnMut(&[u8]),
) -> Result<Option<Digest>, Fault> {
    let before = file.stat()?;
    let digest = read_all(file, before, buffer, piece)?;
    let after = file.stat()?;
    Ok(digest.filter(|_| (after.size, after.mtime) == (before.size, before.mtime)))
}

/// Reads as many bytes as the file had; `None` when it ends earlier.
fn read_all(
    file: &mut InFile,
    before: Stat,
    buffer: &mut Buffer,
    mut piece: impl FnMut(&[u8]),
) -> Result<Option<Digest>, Fault> {
    file.from_medium();
    let mut digester = Digester::new();
    let mut offset = 0;
    while offset < before.size {
        // Whole blocks for O_DIRECT, and no more: the kernel fills with zeros what lies behind the file's end.
        let want = (before.size - offset).min(buffer.capacity() as u64) as usize;
        let space = &mut buffer.space()[..want.next_multiple_of(ALIGN)];
        let n = file.read_at(space, offset)?;
        if n == 0 {
            break;
        }
        digester.write(&space[..n]);
        piece(&space[..n]);
        offset += n as u64;
    }
    file.forget();
    Ok((offset == before.size).then(|| digester.finish()))
}

/// The path of a file of the card as text that loses nothing of it; see [`to_text`].
#[must_use]
pub fn shown(card: &Card, file: &File) -> String {
    let path = scan::join(&card.folders[file.folder as usize].path, card.name(file));
    to_text(&path)
}
