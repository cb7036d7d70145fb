//! A second pass: what another drive got from the card in this run is read from that drive, and not from the card once
//! more. Only bytes with the card's hash pass; anything else comes from the card.

use crate::backup::drive::Drive;
use crate::backup::scan::Card;
use crate::backup::source::LARGE;
use crate::system::volume::{FaultKind, InFile, Stat};

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

/// A file's content and times on the card, as the first pass read them.
#[derive(Debug, Clone, Copy)]
pub struct Was {
    pub hash: u128,
    pub stat: Stat,
}

/// The first drive, and what it got.
pub struct Relay {
    /// None once it does not answer any more.
    drive: Option<Drive>,
    /// By index into the card's files.
    got: Vec<Got>,
}

impl Relay {
    pub fn new(drive: Drive, mut got: Vec<Got>) -> Self {
        got.sort_unstable_by_key(|got| got.file);
        Relay { drive: Some(drive), got }
    }

    /// Opens the copy of a file of the card; none where there is none of its size.
    pub fn open(&mut self, card: &Card, file: u32) -> Option<(InFile, Was)> {
        let drive = self.drive.as_mut()?;
        let at = self.got.binary_search_by_key(&file, |got| got.file).ok()?;
        let got = &self.got[at];
        let path = got.other.as_deref().map_or_else(|| card.path(&card.files[file as usize]), <[u8]>::to_vec);
        let large = got.stat.size >= LARGE;
        let opened =
            drive.holding(&path).and_then(|held| held.map(|(dir, name)| dir.read(name, large)).transpose());
        match opened {
            Ok(open) => open
                .filter(|open| open.opened().size == got.stat.size)
                .map(|open| (open, Was { hash: got.hash, stat: got.stat })),
            Err(fault) => {
                self.failed(fault.kind());
                None
            }
        }
    }

    /// Takes note that a read failed: a drive that is gone is asked nothing more.
    pub fn failed(&mut self, kind: FaultKind) {
        if kind == FaultKind::Gone || self.drive.as_ref().is_some_and(|drive| !drive.root.device_present()) {
            self.drive = None;
        }
    }
}
