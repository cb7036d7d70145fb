//! A second pass: what another drive got from the card in this run is read from that drive, and not from the card once
//! more. Only bytes with the card's hash pass; anything else comes from the card, and is a finding about that drive.

use crate::backup::drive::Drive;
use crate::backup::reason::Reason;
use crate::backup::scan::Card;
use crate::backup::source::LARGE;
use crate::system::clock;
use crate::system::volume::{Buffer, Fault, FaultKind, InFile, Stat};
use std::time::Duration;

/// After so many files in a row that it can't give, the drive is asked for nothing more: each costs the kernel's patience.
const FAILURES: u32 = 3;

/// One read that took longer than this is the last one.
const SLOW: Duration = Duration::from_secs(10);

/// A file that was published on the first drive in this run.
#[derive(Debug)]
pub struct Got {
    /// Index into the card's files.
    pub file: u32,
    /// Of what the card gave, and what was read back.
    pub hash: u128,
    /// Of the file on the card.
    pub stat: Stat,
    /// Its path on the drive where that is not the card's.
    pub other: Option<Box<[u8]>>,
}

impl Got {
    /// Its path on the drive, below the label's folder.
    #[must_use]
    pub fn dest(&self, card: &Card) -> Vec<u8> {
        self.other.as_deref().map_or_else(|| card.path(&card.files[self.file as usize]), <[u8]>::to_vec)
    }
}

/// A file's content and times on the card, as the first pass read them.
#[derive(Debug, Clone, Copy)]
pub struct Was {
    pub hash: u128,
    pub stat: Stat,
}

/// The first drive, and what it got.
pub struct Relay<'a> {
    drive: &'a mut Drive,
    /// By index into the card's files.
    got: Vec<Got>,
    /// It is asked for nothing more.
    given_up: bool,
    /// Files in a row that it could not give.
    in_a_row: u32,
    seen: Seen,
}

/// Findings of a second pass about the first drive.
#[derive(Debug, Default)]
pub struct Seen {
    /// Files that it does not give as it got them, and why.
    pub bad: Vec<(Got, Reason)>,
    /// Why nothing more can be read of it: it is gone.
    pub gone: Option<Fault>,
    pub note: Option<&'static str>,
}

impl<'a> Relay<'a> {
    pub fn new(drive: &'a mut Drive, mut got: Vec<Got>) -> Self {
        got.sort_unstable_by_key(|got| got.file);
        Relay { drive, got, given_up: false, in_a_row: 0, seen: Seen::default() }
    }

    /// Tells whether the drive is still asked.
    #[must_use]
    pub fn answers(&self) -> bool {
        !self.given_up
    }

    /// Tells whether it may give a file of the card.
    #[must_use]
    pub fn has(&self, file: u32) -> bool {
        self.answers() && self.place(file).is_some()
    }

    fn place(&self, file: u32) -> Option<usize> {
        self.got.binary_search_by_key(&file, |got| got.file).ok()
    }

    /// Opens the copy of a file of the card; none where it did not get it, or has it no more.
    pub fn open(&mut self, card: &Card, file: u32) -> Option<(InFile, Was)> {
        let at = if self.answers() { self.place(file) } else { None }?;
        let got = &self.got[at];
        let (path, was) = (got.dest(card), Was { hash: got.hash, stat: got.stat });
        let large = was.stat.size >= LARGE;
        let begin = clock::monotonic();
        let opened = self
            .drive
            .holding(&path)
            .and_then(|held| held.map(|(dir, name)| dir.read(name, large)).transpose());
        self.took(begin);
        match opened {
            Ok(Some(open)) if open.opened().size == was.stat.size => return Some((open, was)),
            Ok(Some(_)) => self.bad(file, Reason::Differs),
            Ok(None) => self.bad(file, Reason::Missing),
            Err(fault) => self.failed(file, fault),
        }
        None
    }

    /// Reads of a copy.
    ///
    /// # Errors
    /// When the drive does not give it; noted as well.
    pub fn read_at(
        &mut self,
        file: u32,
        open: &mut InFile,
        space: &mut [u8],
        offset: u64,
    ) -> Result<usize, Fault> {
        let begin = clock::monotonic();
        let answer = open.read_at(space, offset);
        self.took(begin);
        answer.inspect_err(|fault| self.failed(file, *fault))
    }

    /// A file came whole, with the card's hash.
    pub fn gave(&mut self) {
        self.in_a_row = 0;
    }

    /// A file came, and is not what the card gave.
    pub fn differs(&mut self, file: u32) {
        self.bad(file, Reason::Differs);
    }

    fn took(&mut self, begin: Duration) {
        if clock::monotonic().saturating_sub(begin) > SLOW && self.answers() {
            self.give_up(
                "one read of it took longer than ten seconds: the other drives got the rest from the card",
            );
        }
    }

    fn failed(&mut self, file: u32, fault: Fault) {
        use FaultKind::{BadName, Exhausted, Gone, Missing, NotADirectory, Unsupported};
        match fault.kind() {
            // Neither drive is to blame.
            Exhausted => {}
            Gone => self.gone(fault),
            _ if !self.drive.root.device_present() => self.gone(fault),
            Missing | NotADirectory | BadName | Unsupported => self.bad(file, Reason::Missing),
            _ => self.bad(file, Reason::ReadBack(fault)),
        }
    }

    fn gone(&mut self, fault: Fault) {
        self.given_up = true;
        self.seen.gone.get_or_insert(fault);
    }

    fn bad(&mut self, file: u32, reason: Reason) {
        let Some(at) = self.place(file) else { return };
        // It is not asked for this one again.
        self.seen.bad.push((self.got.remove(at), reason));
        self.in_a_row += 1;
        if self.in_a_row >= FAILURES && self.answers() {
            self.give_up(
                "it could not give back one file after the other, and was asked for no more: verify it",
            );
        }
    }

    fn give_up(&mut self, note: &'static str) {
        self.given_up = true;
        self.seen.note = Some(note);
    }

    /// Findings about the drive, after a last look at it: it may be gone since it gave the last file, or since it was slow.
    #[must_use]
    pub fn seen(mut self, card: &Card) -> Seen {
        let asked_no_more = self.seen.gone.is_some() || self.in_a_row >= FAILURES;
        if let Some(got) = self.got.iter().rfind(|got| got.stat.size > 0).filter(|_| !asked_no_more) {
            let (file, path) = (got.file, got.dest(card));
            match begin_of(self.drive, &path) {
                Ok(true) => {}
                Ok(false) => self.bad(file, Reason::Missing),
                Err(fault) => self.failed(file, fault),
            }
        }
        self.seen
    }
}

/// Reads a file's first block from the medium; false where there is none.
fn begin_of(drive: &mut Drive, path: &[u8]) -> Result<bool, Fault> {
    let Some((dir, name)) = drive.holding(path)? else { return Ok(false) };
    let mut open = dir.read(name, true)?;
    open.from_medium();
    open.read_at(Buffer::new(1).space(), 0).map(|n| n > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::label::Label;
    use crate::system::input::{make_dirs, write};
    use crate::system::volume::Dir;

    /// A card with five files, and a drive that got them: the third is a byte short there, the fourth is missing.
    fn with_relay(look: impl FnOnce(&Card, &mut Relay<'_>)) {
        let (card, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        make_dirs(&disk.path().join("L")).unwrap();
        for (name, copy) in [("A", "photo"), ("B", "photo"), ("C", "phot"), ("D", ""), ("E", "photo")] {
            write(&card.path().join(name), b"photo").unwrap();
            if !copy.is_empty() {
                write(&disk.path().join("L").join(name), copy.as_bytes()).unwrap();
            }
        }
        let root = Dir::open(card.path()).unwrap();
        let stat = root.stat(b"A").unwrap().unwrap();
        let card = Card::scan(&root).unwrap();
        let mut drive = Drive::open(disk.path(), Label::new("L").unwrap()).unwrap();
        let got = (0..5).map(|file| Got { file, hash: 0, stat, other: None }).collect();
        look(&card, &mut Relay::new(&mut drive, got));
    }

    #[test]
    fn what_is_missing_or_of_another_size_is_found_and_others_come() {
        with_relay(|card, relay| {
            let came: Vec<bool> = (0..5).map(|file| relay.open(card, file).is_some()).collect();
            assert_eq!(came, [true, true, false, false, true]);
            let seen: Vec<_> = relay.seen.bad.iter().map(|(got, reason)| (got.file, reason)).collect();
            assert_eq!(seen, [(2, &Reason::Differs), (3, &Reason::Missing)]);
            assert!(relay.answers() && !relay.has(2) && relay.has(4));
        });
    }

    #[test]
    fn after_three_failures_in_a_row_or_a_slow_read_it_is_asked_no_more() {
        with_relay(|card, relay| {
            (0..2).for_each(|file| relay.differs(file));
            relay.gave();
            (2..4).for_each(|file| relay.differs(file));
            assert!(relay.answers() && relay.open(card, 4).is_some());
            relay.differs(4);
            assert!(!relay.answers() && relay.seen.note.is_some());
        });
        with_relay(|card, relay| {
            relay.took(clock::monotonic().saturating_sub(SLOW / 2));
            assert!(relay.answers());
            relay.took(clock::monotonic().saturating_sub(SLOW * 2));
            assert!(!relay.answers() && !relay.has(0) && relay.open(card, 0).is_none());
            assert!(relay.seen.bad.is_empty() && relay.seen.note.is_some(), "slow, and not wrong");
        });
    }
}
