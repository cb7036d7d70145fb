//! The account at the end of a run: on the card = already safe + copied and verified + not safe.

use super::copy::CopyResult;
use super::events::{Event, Tally, Watch};
use super::reason::{Reason, Stop};
use super::scan::Card;
use super::source;
use crate::system::volume::Shared;
use crate::ui::visible;
use serde::{Deserialize, Serialize};

/// What became of everything on the card.
#[derive(Debug, Default)]
pub struct Account {
    /// Everything that is on the card, system folders left out.
    pub card: Tally,
    /// Was on the drive before this run.
    pub safe: Tally,
    /// Of these: taken from records, without reading them again.
    pub from_records: Tally,
    /// The days of the oldest and the newest of these records, in days since 1970.
    pub days: Option<(i32, i32)>,
    /// Copied in this run, and read back from the medium.
    pub copied: Tally,
    /// Everything else, file by file.
    pub not_safe: Vec<NotSafe>,
    /// System folders that were skipped.
    pub skipped: Vec<String>,
    /// Files that got another name than on the card, as the drive already had a different one of that name.
    pub renamed: Vec<Renamed>,
    /// Files moved to `.piback/removed` by `--mirror`.
    pub removed: u64,
    /// Files on the drive that were recorded as found, unchecked, after manifests were lost: no card vouches for them.
    pub taken_over: u64,
    /// What card and drive have in common, so that they are lost together.
    pub shared: Option<Shared>,
    /// Bytes that the card's file system calls used and that nothing visible uses.
    pub unseen: u64,
    /// Why the run ended early.
    pub stop: Option<Stop>,
    /// Remarks on the drive.
    pub notes: Vec<String>,
}

/// A file that is not safely on the drive.
#[derive(Debug, Clone)]
pub struct NotSafe {
    /// On the card, as shown.
    pub path: String,
    pub size: u64,
    pub reason: Reason,
}

/// A file of the card under another name on the drive.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Renamed {
    pub path: String,
    pub dest: String,
}

impl Account {
    /// Takes in what became of the files that were to be copied.
    pub(super) fn add(&mut self, card: &Card, result: CopyResult) {
        self.copied = result.copied;
        // A file that was written to between the scan and the copy counts with what it had when it was copied.
        self.card.bytes = self.card.bytes - result.scanned + result.copied.bytes;
        self.stop = result.stop;
        self.not_safe.extend(result.not_safe.into_iter().map(|(file, reason)| {
            let file = &card.files[file as usize];
            NotSafe { path: source::shown(card, file), size: file.size, reason }
        }));
        self.renamed.extend(result.renamed.into_iter().map(|published| Renamed {
            path: source::shown(card, &card.files[published.file as usize]),
            dest: visible(&String::from_utf8_lossy(&published.dest)),
        }));
    }

    /// Counts a file of the card as not safe, and says so.
    pub(super) fn fail(&mut self, card: &Card, file: u32, reason: Reason, watch: &dyn Watch) {
        let file = &card.files[file as usize];
        let path = source::shown(card, file);
        watch.event(Event::NotSafe { path: path.clone(), why: reason.describe() });
        self.not_safe.push(NotSafe { path, size: file.size, reason });
    }

    /// Files and bytes that are not safe.
    #[must_use]
    pub fn unsafe_tally(&self) -> Tally {
        Tally { files: self.not_safe.len() as u64, bytes: self.not_safe.iter().map(|n| n.size).sum() }
    }

    /// Whether every file of the card is accounted for exactly once.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        let bad = self.unsafe_tally();
        self.card.files == self.safe.files + self.copied.files + bad.files
            && self.card.bytes == self.safe.bytes + self.copied.bytes + bad.bytes
    }

    /// Whether the whole card is on the drive. Of a card that shows no files nothing is known: it may not be mounted.
    #[must_use]
    pub fn all_safe(&self) -> bool {
        self.not_safe.is_empty() && self.stop.is_none() && self.card.files > 0
    }
}
