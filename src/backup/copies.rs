//! A drive's copies of the card's files, as `safe-to-format` reads them: where one may be, and whether it is the same.

use super::digest::Digest;
use super::drive::Drive;
use super::findings;
use super::manifest::{Record, Runs, to_text};
use super::naming::FolderNames;
use super::reason::{Reason, Stop};
use super::scan::{self, Card, File};
use super::source::{self, LARGE, PIECE};
use crate::system::volume::{Buffer, Dir, Fault, FaultKind, InFile, Lock};

/// The answer of one read of a copy, none where it is being written to; and the time of its last change before that.
type Read = (Result<Option<Digest>, Fault>, i64);

/// A copy that was as the card's file when it was read.
struct Good {
    /// The card's file.
    at: u32,
    dest: Box<[u8]>,
    mtime: i64,
}

/// One drive.
pub struct Copies<'a> {
    card: &'a Card,
    drive: Drive,
    _lock: Lock,
    runs: Runs,
    buffer: Buffer,
    /// The names in the folder's place on the drive, and that place's path; why they can't be told.
    taken: Result<Option<(FolderNames, Vec<u8>)>, Fault>,
    /// Places where the file at hand may be, and whether anything there has its name.
    candidates: Vec<Vec<u8>>,
    namesake: bool,
    size: u64,
    /// The first of them that can be opened: what it is.
    first: Option<Read>,
    good: Vec<Good>,
    /// Findings that the next backup has to know.
    found: Vec<Record>,
}

impl<'a> Copies<'a> {
    /// # Errors
    /// When the drive's records can't be read.
    pub fn new(card: &'a Card, drive: Drive, lock: Lock) -> anyhow::Result<Self> {
        let runs = drive.runs()?;
        Ok(Copies {
            card,
            drive,
            _lock: lock,
            runs,
            buffer: Buffer::new(PIECE),
            taken: Ok(None),
            candidates: Vec::new(),
            namesake: false,
            size: 0,
            first: None,
            good: Vec::new(),
            found: Vec::new(),
        })
    }

    /// The drive's own root.
    #[must_use]
    pub fn root(&self) -> &Dir {
        &self.drive.root
    }

    /// The card's files that follow lie in this folder.
    pub fn enter(&mut self, path: &[u8]) {
        self.taken = self.names_in(path);
    }

    fn names_in(&mut self, path: &[u8]) -> Result<Option<(FolderNames, Vec<u8>)>, Fault> {
        let place = match self.drive.find(path) {
            Ok(Some(place)) => place,
            Ok(None) => return Ok(None),
            Err(fault) if is_no_file(fault) => return Ok(None),
            Err(fault) => return Err(fault),
        };
        let names = place.dir.list()?;
        let taken = FolderNames::new(names.iter().map(|e| e.name.as_slice()), self.drive.ignores_case);
        Ok(Some((taken, place.path)))
    }

    /// Finds out where the copy of a file may be.
    pub fn look_for(&mut self, file: &File, path: &[u8]) {
        let mut candidates: Vec<Vec<u8>> = Vec::new();
        for known in self.runs.index.of_path(path).filter(|known| known.size == file.size && !known.partial) {
            if !candidates.iter().any(|have| have == known.dest) {
                candidates.push(known.dest.to_vec());
            }
        }
        self.namesake = false;
        if let Ok(Some((taken, place))) = &self.taken {
            for (_, name) in taken.candidates(self.card.name(file)) {
                self.namesake = true;
                let dest = scan::join(place, &name);
                if !candidates.contains(&dest) {
                    candidates.push(dest);
                }
            }
        }
        self.candidates = candidates;
        self.size = file.size;
    }

    /// Reads the first place, while the card is read.
    pub fn read_first(&mut self) {
        self.first = self.read(0);
    }

    fn read(&mut self, n: usize) -> Option<Read> {
        match self.open(self.candidates.get(n)?.clone()) {
            Ok(file) => {
                let (mut file, mtime) = file?;
                Some((source::digest_copy(&mut file, &mut self.buffer), mtime))
            }
            Err(fault) => Some((Err(fault), 0)),
        }
    }

    /// None where nothing of the size is there.
    fn open(&mut self, dest: Vec<u8>) -> Result<Option<(InFile, i64)>, Fault> {
        let Some((dir, name)) = self.drive.holding(&dest)? else { return Ok(None) };
        match dir.read(name, self.size >= LARGE) {
            Ok(open) => {
                let stat = open.stat()?;
                Ok((stat.size == self.size).then_some((open, stat.mtime)))
            }
            Err(fault) if is_no_file(fault) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Tells whether any place has just what the card has.
    ///
    /// # Errors
    /// Why it is not on the drive.
    pub fn judge(&mut self, card: Digest, at: u32, path: &[u8]) -> Result<(), Reason> {
        let file = &self.card.files[at as usize];
        let (mut seen, mut unread) = (Vec::new(), None);
        for n in 0..self.candidates.len() {
            let answer = if n == 0 { self.first.take() } else { self.read(n) };
            match answer {
                None | Some((Ok(None), _)) => {}
                Some((Ok(Some(digest)), mtime)) if digest == card => {
                    let dest = self.candidates[n].as_slice().into();
                    self.good.push(Good { at, dest, mtime });
                    return Ok(());
                }
                Some((Ok(Some(digest)), _)) => seen.push((self.candidates[n].clone(), digest)),
                Some((Err(fault), _)) => {
                    unread.get_or_insert(self.unread(fault)?);
                }
            }
        }
        if let Err(fault) = self.taken {
            unread.get_or_insert(self.unread(fault)?);
        }
        let changed =
            seen.into_iter().filter(|(dest, digest)| self.blames_card(file, path, dest, *digest)).count();
        Err(match (self.namesake, unread) {
            _ if changed > 0 => Reason::CardChanged,
            (_, Some(reason)) => reason,
            (true, None) => Reason::Unequal,
            (false, None) => Reason::Missing,
        })
    }

    /// Looks once more, without reading, at every copy that was the same: somebody may have tidied up since. The card's files whose
    /// copy is gone, or was written to.
    ///
    /// # Errors
    /// The drive does not answer any more.
    pub fn look_again(&mut self) -> Result<Vec<(u32, Reason)>, Stop> {
        let mut lost = Vec::new();
        for Good { at, dest, mtime } in std::mem::take(&mut self.good) {
            let held = self.drive.holding(&dest);
            let stat = held.and_then(|held| held.map_or(Ok(None), |(dir, name)| dir.stat(name)));
            let size = self.card.files[at as usize].size;
            match stat {
                Ok(Some(stat)) if stat.is_file_of(size) && stat.mtime == mtime => {}
                Ok(Some(_)) => lost.push((at, Reason::Changed)),
                Ok(None) => lost.push((at, Reason::Missing)),
                Err(fault) if self.drive.is_lost(fault) => return Err(Stop::of_drive(fault)),
                Err(fault) => lost.push((at, Reason::ReadBack(fault))),
            }
        }
        Ok(lost)
    }

    /// Turns a refusal of the drive, to give a file or a folder's names, into a reason; an error where it ends the comparison.
    fn unread(&self, fault: Fault) -> Result<Reason, Reason> {
        if self.drive.is_lost(fault) {
            return Err(Reason::NotReached(Stop::of_drive(fault)));
        }
        Ok(Reason::ReadBack(fault))
    }

    /// Of a copy that is not as the card's file: whether it is just as its record says, so that it is the card that
    /// differs. Either way the next backup is told.
    fn blames_card(&mut self, file: &File, path: &[u8], dest: &[u8], digest: Digest) -> bool {
        let vouched = self.runs.index.of_dest(dest).filter(|known| known.is_vouched() && !known.partial);
        let Some(known) = vouched else { return false };
        let (rotten, doubted) = (self.runs.index.is_rotten(dest), self.runs.index.is_doubted(path));
        if known.hash != digest.hash {
            if !rotten {
                self.found.push(Record::Rotten { dest: to_text(dest) });
            }
            return false;
        }
        let same = known.path == path && known.mtime == file.mtime && known.ctime == file.ctime;
        if same && !doubted {
            self.found.push(Record::Doubted { path: to_text(path) });
        }
        same
    }

    /// Leaves the findings on the drive. A remark where that can't be.
    pub fn leave_findings(self) -> Option<String> {
        findings::leave(&self.drive, &self.runs, "safe-to-format", self.found)
    }
}

/// Tells whether a failed opening says that there is no file of this name.
fn is_no_file(fault: Fault) -> bool {
    use FaultKind::{BadName, Missing, NotADirectory, Unsupported};
    matches!(fault.kind(), Missing | NotADirectory | BadName | Unsupported)
}

#[cfg(test)]
#[path = "copies_tests.rs"]
mod tests;
