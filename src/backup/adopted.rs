//! Files of the card that were found equal to copies that no record spoke of: these get their records.

use super::digest::Digest;
use super::manifest::{FileRecord, Index, Record};
use super::scan::{Card, File};
use std::borrow::Cow;

/// A file of the card that was found equal to one on the drive.
#[derive(Debug)]
pub struct Adopted {
    pub file: u32,
    /// Its name on the drive, where that is not the card's: of 100,000 files the others are memory.
    pub dest: Option<Box<[u8]>>,
    pub seen: Seen,
}

/// A file of the card as it was read: its content, and its times before.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    pub digest: Digest,
    pub times: (i64, i64),
}

impl Adopted {
    /// Tells whether a record says of its name on the drive that another content lies there.
    #[must_use]
    pub fn contradicts(&self, card: &Card, index: &Index) -> bool {
        let dest = self.dest.as_deref().map_or_else(|| card.path(self.on_card(card)).into(), Cow::Borrowed);
        index.contradicts(&dest, self.seen.digest.hash)
    }

    fn on_card<'a>(&self, card: &'a Card) -> &'a File {
        &card.files[self.file as usize]
    }

    /// Makes the record that the manifest will have of it.
    #[must_use]
    pub fn record(&self, card: &Card) -> Record {
        let path = card.path(self.on_card(card));
        let digest = self.seen.digest;
        Record::File(FileRecord::new(
            &path,
            self.dest.as_deref().unwrap_or(&path),
            digest.len,
            self.seen.times,
            digest.sample,
            digest.hash,
        ))
    }
}
