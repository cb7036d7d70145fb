//! A look at a card or at a card's folder on a drive: what is there now, and a number that changes with it.

use crate::backup::{DEEPEST, is_clutter};
use crate::system::volume::{Dir, FaultKind, FileKind, Stat};
use std::path::Path;
use twox_hash::XxHash3_128;

/// A tree, as one look saw it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    pub files: u64,
    pub bytes: u64,
    pub photos: u64,
    pub videos: u64,
    /// Times of the oldest and the newest photo, in seconds since 1970.
    pub first: Option<i64>,
    pub last: Option<i64>,
    pub new_files: u64,
    pub new_bytes: u64,
    /// Of all names, sizes, times and numbers in it; none where something could not be looked at.
    pub signature: Option<u128>,
    /// As `st_dev`.
    pub device: u64,
}

/// A kind of file as a photographer knows it, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    Photo,
    Raw,
    Video,
    Other,
}

impl Sort {
    /// By the last part of a name.
    #[must_use]
    pub fn of(name: &[u8]) -> Sort {
        let Some(at) = name.iter().rposition(|b| *b == b'.') else { return Sort::Other };
        match name[at + 1..].to_ascii_lowercase().as_slice() {
            b"jpg" | b"jpeg" | b"heic" | b"heif" | b"hif" => Sort::Photo,
            b"cr2" | b"cr3" | b"nef" | b"nrw" | b"arw" | b"raf" | b"dng" | b"orf" | b"rw2" | b"pef"
            | b"srw" => Sort::Raw,
            b"mp4" | b"mov" | b"m4v" => Sort::Video,
            _ => Sort::Other,
        }
    }
}

/// Looks at a card. `known` tells whether records speak of a file with this path, size and time.
///
/// None where there is no folder.
pub fn card(path: &Path, known: &dyn Fn(&[u8], u64, i64) -> bool) -> Option<Look> {
    tree(&Dir::open(path).ok()?, true, known)
}

/// Looks at a card's folder on a drive, which may not be there yet.
///
/// None where there is no drive.
pub fn on_drive(drive: &Path, label: &str) -> Option<Look> {
    let root = Dir::open(drive).ok()?;
    match root.sub(label.as_bytes()) {
        Ok(dir) => tree(&dir, false, &|_, _, _| true),
        Err(fault) if fault.kind() == FaultKind::Missing => {
            Some(Look { signature: Some(u128::from(root.inode())), device: root.device(), ..Look::default() })
        }
        Err(_) => Some(Look { device: root.device(), ..Look::default() }),
    }
}

fn tree(root: &Dir, is_card: bool, known: &dyn Fn(&[u8], u64, i64) -> bool) -> Option<Look> {
    let look = Look { signature: Some(0), device: root.device(), ..Look::default() };
    let mut walk = Walk { look, known, path: Vec::new() };
    walk.note(b"", FileKind::Directory, root.inode(), root.device(), 0, 0);
    walk.folder(root, is_card, 0);
    Some(walk.look)
}

struct Walk<'a> {
    look: Look,
    known: &'a dyn Fn(&[u8], u64, i64) -> bool,
    path: Vec<u8>,
}

impl Walk<'_> {
    fn folder(&mut self, dir: &Dir, skips_clutter: bool, depth: usize) {
        let (Ok(entries), true) = (dir.list(), depth < DEEPEST) else {
            self.look.signature = None;
            return;
        };
        for entry in entries {
            let before = self.path.len();
            if before > 0 {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(&entry.name);
            match dir.stat(&entry.name) {
                Ok(Some(stat)) if stat.kind == FileKind::Directory => {
                    if !(skips_clutter && is_clutter(&entry.name)) {
                        self.note(&[], stat.kind, stat.inode, stat.device, 0, 0);
                        match dir.sub(&entry.name) {
                            Ok(sub) => self.folder(&sub, false, depth + 1),
                            Err(_) => self.look.signature = None,
                        }
                    }
                }
                Ok(Some(stat)) => self.file(&entry.name, &stat),
                // It went away in between: the next look sees that.
                Ok(None) | Err(_) => self.look.signature = None,
            }
            self.path.truncate(before);
        }
    }

    fn file(&mut self, name: &[u8], stat: &Stat) {
        self.note(&stat.size.to_le_bytes(), stat.kind, stat.inode, stat.device, stat.mtime, stat.ctime);
        let look = &mut self.look;
        look.files += 1;
        look.bytes = look.bytes.saturating_add(stat.size);
        let seconds = stat.mtime.div_euclid(1_000_000_000);
        match Sort::of(name) {
            Sort::Other => {}
            sort => {
                if sort == Sort::Video {
                    look.videos += 1;
                } else {
                    look.photos += 1;
                }
                look.first = Some(look.first.map_or(seconds, |first| first.min(seconds)));
                look.last = Some(look.last.map_or(seconds, |last| last.max(seconds)));
            }
        }
        if !(self.known)(&self.path, stat.size, stat.mtime) {
            look.new_files += 1;
            look.new_bytes = look.new_bytes.saturating_add(stat.size);
        }
    }

    /// Adds one name to the signature; the order of names, which a file system may change, does not matter.
    fn note(&mut self, size: &[u8], kind: FileKind, inode: u64, device: u64, mtime: i64, ctime: i64) {
        let Some(signature) = &mut self.look.signature else { return };
        let mut text = self.path.clone();
        text.extend_from_slice(&[0, kind as u8]);
        text.extend_from_slice(size);
        for number in [inode, device, mtime as u64, ctime as u64] {
            text.extend_from_slice(&number.to_le_bytes());
        }
        *signature = signature.wrapping_add(XxHash3_128::oneshot(&text));
    }
}
