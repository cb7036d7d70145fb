//! A label's records in memory: about 150 bytes a file.

use super::path::{from_text, place_from_text};
use super::record::{FileRecord, Record};
use std::collections::{HashMap, HashSet};
use twox_hash::XxHash3_128;

/// Everything that the manifests of one label say, later runs over earlier ones.
#[derive(Debug, Default)]
pub struct Index {
    known: Vec<Packed>,
    text: Vec<u8>,
    by_path: HashMap<u64, u32>,
    by_dest: HashMap<u64, u32>,
    moved: HashMap<Vec<u8>, Vec<u8>>,
    rotten: HashSet<Vec<u8>>,
    contradicted: bool,
    doubted: HashSet<Vec<u8>>,
    ignored: HashSet<Vec<u8>>,
    /// When the run began whose records are being added.
    day: i32,
}

/// A file that was on a card and is, or was, on the drive.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// On the card; empty for a file that was only found on the drive.
    pub path: &'a [u8],
    pub dest: &'a [u8],
    pub size: u64,
    pub mtime: i64,
    pub ctime: i64,
    pub sample: u64,
    pub hash: u128,
    /// When its content was first compared with the card's, in days since 1970, by the clock of then.
    pub day: i32,
    /// Rest that was kept of an unreadable file: never proof that the file is safe.
    pub partial: bool,
    /// No card vouches for it, and the user does.
    pub accepted: bool,
}

#[derive(Debug)]
struct Packed {
    hash: u128,
    size: u64,
    mtime: i64,
    ctime: i64,
    sample: u64,
    path: (u32, u16),
    dest: (u32, u16),
    partial: bool,
    accepted: bool,
    day: i32,
    /// The next older record of the same card path, plus one.
    older: u32,
}

impl Known<'_> {
    /// Tells whether the content was once compared with a card's, not just met on the drive.
    #[must_use]
    pub fn is_vouched(&self) -> bool {
        !self.path.is_empty()
    }

    /// Tells whether the user took it out of the label's folder, to somewhere else on the drive.
    #[must_use]
    pub fn is_outside(&self) -> bool {
        self.dest.starts_with(b"/")
    }
}

impl Index {
    /// Takes in one record; false when it says something that can't be true of a file below the label's folder.
    pub fn add(&mut self, record: &Record) -> bool {
        self.contradicted |= record.moves_or_replaces();
        match record {
            Record::File(file) => self.add_file(file, false),
            Record::Partial { file, .. } => self.add_file(file, true),
            Record::Found { dest, size, xxh128 } => {
                let (Some(dest), Ok(hash)) = (from_text(dest), u128::from_str_radix(xxh128, 16)) else {
                    return false;
                };
                self.rotten.remove(&dest);
                self.push(&[], &dest, *size, (0, 0), 0, hash, false)
            }
            Record::Rotten { dest } => place_from_text(dest).map(|d| self.rotten.insert(d)).is_some(),
            Record::Relocated { dest, to } => {
                let (Some(dest), Some(to)) = (place_from_text(dest), place_from_text(to)) else {
                    return false;
                };
                self.relocate(&dest, &to)
            }
            Record::Gone { dest } => {
                let Some(dest) = place_from_text(dest) else { return false };
                self.forget(&dest);
                true
            }
            Record::Accepted { dest, size, xxh128 } => {
                let (Some(dest), Ok(hash)) = (place_from_text(dest), u128::from_str_radix(xxh128, 16)) else {
                    return false;
                };
                self.accept(&dest, *size, hash)
            }
            Record::Ignored { dest } => place_from_text(dest).map(|d| self.ignored.insert(d)).is_some(),
            Record::Moved { dest, to } => {
                let (Some(dest), Some(to)) = (from_text(dest), from_text(to)) else {
                    return false;
                };
                self.moved.insert(dest, to);
                true
            }
            Record::Doubted { path } => {
                let Some(path) = from_text(path) else { return false };
                self.doubted.insert(path);
                true
            }
            Record::Run(run) => {
                self.day = run.day();
                true
            }
            Record::Repaired { dest, .. } => place_from_text(dest).map(|d| self.rotten.remove(&d)).is_some(),
            Record::Aside { .. }
            | Record::Cleaned { .. }
            | Record::Lost { .. }
            | Record::End { .. }
            | Record::Unknown => true,
        }
    }

    /// All records of a path on the card, the newest first.
    pub fn of_path<'a>(&'a self, path: &'a [u8]) -> impl Iterator<Item = Known<'a>> {
        let mut at = self.by_path.get(&key(path)).copied().unwrap_or(0);
        std::iter::from_fn(move || {
            let packed = self.known.get((at as usize).checked_sub(1)?)?;
            at = packed.older;
            Some(self.unpack(packed))
        })
        .filter(move |known| known.path == path)
    }

    /// The newest record of a file on the drive, whether or not it is trusted.
    #[must_use]
    pub fn of_dest(&self, dest: &[u8]) -> Option<Known<'_>> {
        let at = *self.by_dest.get(&key(dest))? as usize;
        Some(self.unpack(self.known.get(at.checked_sub(1)?)?)).filter(|known| known.dest == dest)
    }

    /// Tells whether `verify` found this file to be other than its record, and nothing proved it since.
    #[must_use]
    pub fn is_rotten(&self, dest: &[u8]) -> bool {
        !self.rotten.is_empty() && self.rotten.contains(dest)
    }

    /// Tells whether `safe-to-format` found the card's file of this path to be other than its record, and no backup read it since.
    #[must_use]
    pub fn is_doubted(&self, path: &[u8]) -> bool {
        !self.doubted.is_empty() && self.doubted.contains(path)
    }

    /// Tells whether the user knows of this place, which can't be looked at.
    #[must_use]
    pub fn is_ignored(&self, dest: &[u8]) -> bool {
        self.ignored.contains(dest)
    }

    /// Tells whether a record still tells what its name on the drive holds: no later one speaks of that name, and it was not
    /// found rotten.
    #[must_use]
    pub fn is_current(&self, known: &Known<'_>) -> bool {
        !self.is_rotten(known.dest)
            && self.of_dest(known.dest).is_some_and(|now| (now.hash, now.size) == (known.hash, known.size))
    }

    /// Place where `backup --mirror` moved a file to, below the drive's root.
    #[must_use]
    pub fn moved_to(&self, dest: &[u8]) -> Option<&[u8]> {
        self.moved.get(dest).map(Vec::as_slice)
    }

    /// Tells whether a record says of this name on the drive that another content lies under it.
    #[must_use]
    pub fn contradicts(&self, dest: &[u8], hash: u128) -> bool {
        self.of_dest(dest).is_some_and(|known| known.is_vouched() && known.hash != hash)
    }

    /// Tells whether one of the records since the last call contradicts an earlier one: another content under a name, or a
    /// file that was moved.
    pub fn take_contradiction(&mut self) -> bool {
        std::mem::take(&mut self.contradicted)
    }

    /// Every file on the drive that the manifests speak of, once, by its newest record, sorted by path.
    pub fn dests(&self) -> impl Iterator<Item = Known<'_>> {
        let mut all: Vec<u32> = self.by_dest.values().copied().collect();
        all.sort_unstable_by(|a, b| self.dest_of(*a).cmp(self.dest_of(*b)));
        all.into_iter().filter_map(|at| self.known.get((at as usize).checked_sub(1)?)).map(|p| self.unpack(p))
    }

    /// The file of this name lies somewhere else now.
    fn relocate(&mut self, dest: &[u8], to: &[u8]) -> bool {
        let Some(known) = self.of_dest(dest) else { return true };
        let (path, times) = (known.path.to_vec(), (known.mtime, known.ctime));
        let (size, sample, hash, partial) = (known.size, known.sample, known.hash, known.partial);
        let accepted = known.accepted;
        self.forget(dest);
        self.rotten.remove(to);
        let added = self.push(&path, to, size, times, sample, hash, partial);
        self.mark_accepted(to, accepted);
        added
    }

    /// Nothing on the drive has this name any more.
    fn forget(&mut self, dest: &[u8]) {
        if self.of_dest(dest).is_some() {
            self.contradicted = true;
            self.by_dest.remove(&key(dest));
        }
        self.rotten.remove(dest);
        self.moved.remove(dest);
    }

    fn accept(&mut self, dest: &[u8], size: u64, hash: u128) -> bool {
        self.rotten.remove(dest);
        self.moved.remove(dest);
        let added = self.push(&[], dest, size, (0, 0), 0, hash, false);
        self.mark_accepted(dest, true);
        added
    }

    fn mark_accepted(&mut self, dest: &[u8], accepted: bool) {
        let at = self.by_dest.get(&key(dest)).and_then(|at| (*at as usize).checked_sub(1));
        if let Some(known) = at.and_then(|at| self.known.get_mut(at)) {
            known.accepted = accepted;
        }
    }

    fn dest_of(&self, at: u32) -> &[u8] {
        self.known.get((at as usize).wrapping_sub(1)).map_or(&[], |p| self.slice(p.dest))
    }

    fn add_file(&mut self, file: &FileRecord, partial: bool) -> bool {
        let (Some(path), Some(dest)) = (file.path_bytes(), file.dest_bytes()) else { return false };
        let (Ok(hash), Ok(sample)) =
            (u128::from_str_radix(&file.xxh128, 16), u64::from_str_radix(&file.sample, 16))
        else {
            return false;
        };
        self.rotten.remove(&dest);
        self.moved.remove(&dest);
        if !self.doubted.is_empty() {
            self.doubted.remove(&path);
        }
        self.push(&path, &dest, file.size, (file.mtime, file.ctime), sample, hash, partial)
    }

    #[allow(clippy::too_many_arguments)]
    fn push(
        &mut self,
        path: &[u8],
        dest: &[u8],
        size: u64,
        (mtime, ctime): (i64, i64),
        sample: u64,
        hash: u128,
        partial: bool,
    ) -> bool {
        if let Some(at) = self.same_as_newest(path, dest, (size, hash, partial)) {
            // Only its times are others. The newest ones count, so that memory grows with files and not with runs.
            let known = &mut self.known[at];
            (known.mtime, known.ctime, known.sample) = (mtime, ctime, sample);
            return true;
        }
        self.contradicted |= self.contradicts(dest, hash);
        let Some(dest_at) = self.keep(dest) else { return false };
        let path_at = if path == dest { Some(dest_at) } else { self.keep(path) };
        let Some(path_at) = path_at else { return false };
        let older = self.by_path.get(&key(path)).copied().unwrap_or(0);
        self.known.push(Packed {
            hash,
            size,
            mtime,
            ctime,
            sample,
            path: path_at,
            dest: dest_at,
            partial,
            accepted: false,
            day: self.day,
            older,
        });
        let at = self.known.len() as u32;
        if !path.is_empty() {
            self.by_path.insert(key(path), at);
        }
        self.by_dest.insert(key(dest), at);
        true
    }

    /// Place where the newest record of `dest` lies, if it says the same of the same file.
    fn same_as_newest(&self, path: &[u8], dest: &[u8], what: (u64, u128, bool)) -> Option<usize> {
        let at = (*self.by_dest.get(&key(dest))? as usize).checked_sub(1)?;
        let known = self.known.get(at)?;
        let same = self.slice(known.dest) == dest && self.slice(known.path) == path;
        (same && (known.size, known.hash, known.partial) == what).then_some(at)
    }

    fn keep(&mut self, text: &[u8]) -> Option<(u32, u16)> {
        let at = u32::try_from(self.text.len()).ok()?;
        let len = u16::try_from(text.len()).ok()?;
        self.text.extend_from_slice(text);
        Some((at, len))
    }

    fn slice(&self, (at, len): (u32, u16)) -> &[u8] {
        &self.text[at as usize..at as usize + usize::from(len)]
    }

    fn unpack<'a>(&'a self, packed: &Packed) -> Known<'a> {
        Known {
            path: self.slice(packed.path),
            dest: self.slice(packed.dest),
            size: packed.size,
            mtime: packed.mtime,
            ctime: packed.ctime,
            sample: packed.sample,
            hash: packed.hash,
            partial: packed.partial,
            accepted: packed.accepted,
            day: packed.day,
        }
    }
}

fn key(path: &[u8]) -> u64 {
    XxHash3_128::oneshot(path) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, dest: &str, hash: u128) -> Record {
        Record::File(FileRecord::new(path.as_bytes(), dest.as_bytes(), 3, (1, 2), 9, hash))
    }

    #[test]
    fn later_records_come_first_and_rot_lasts_until_compared_again() {
        let mut index = Index::default();
        assert!(index.add(&file("a", "a", 1)));
        assert!(index.add(&file("a", "a~2", 2)));
        assert_eq!(index.of_path(b"a").map(|k| k.hash).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(index.of_dest(b"a").unwrap().hash, 1);
        assert!(index.of_path(b"b").next().is_none());
        assert_eq!(index.dests().map(|k| k.dest).collect::<Vec<_>>(), [&b"a"[..], b"a~2"]);
        index.add(&Record::Rotten { dest: "a".into() });
        assert!(index.is_rotten(b"a") && !index.is_rotten(b"a~2"));
        index.add(&file("a", "a", 1));
        assert!(!index.is_rotten(b"a"));
    }

    #[test]
    fn a_record_with_other_times_takes_the_place_of_the_one_before() {
        let mut index = Index::default();
        let record = |mtime| Record::File(FileRecord::new(b"a", b"a", 3, (mtime, 2), 9, 1));
        for mtime in 0..1000 {
            assert!(index.add(&record(mtime)));
        }
        assert_eq!(index.of_path(b"a").map(|k| k.mtime).collect::<Vec<_>>(), [999]);
        assert_eq!((index.known.len(), index.text.len()), (1, 1));
    }

    #[test]
    fn another_content_under_a_name_is_noticed_once() {
        let mut index = Index::default();
        let found = |hash: u128| Record::Found { dest: "b".into(), size: 3, xxh128: format!("{hash:032x}") };
        for record in [file("a", "a", 1), file("a", "a", 1), file("c", "a", 1), found(1), file("b", "b", 2)] {
            assert!(index.add(&record) && !index.take_contradiction(), "{record:?}");
        }
        for record in [file("a", "a", 2), Record::Moved { dest: "a".into(), to: "x".into() }] {
            assert!(index.add(&record) && index.take_contradiction() && !index.take_contradiction());
        }
        assert!(index.contradicts(b"b", 1) && !index.contradicts(b"b", 2) && !index.contradicts(b"z", 1));
    }

    #[test]
    fn a_record_can_t_lead_out_of_the_label() {
        let mut index = Index::default();
        assert!(!index.add(&file("../a", "a", 1)) && !index.add(&file("a", "../../etc/passwd", 1)));
        assert!(index.dests().next().is_none());
    }
}
