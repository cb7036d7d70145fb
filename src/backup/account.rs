//! The account at the end of a run: on the card = already safe + copied and verified + not safe.

use super::copy::CopyResult;
use super::events::{Event, Tally, Watch, total};
use super::manifest::to_text;
use super::reason::{Reason, Stop};
use super::scan::{self, Card};
use super::{names, source};
use crate::system::volume::Shared;
use serde::{Deserialize, Serialize};

/// Account of everything on the card.
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
    pub removed: Vec<String>,
    /// Files on the drive that were recorded as found, unchecked, after manifests were lost: no card vouches for them.
    pub taken_over: u64,
    /// Thing that card and drive have in common, so that they are lost together.
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
    /// On the card (`verify`: on the drive), as text that loses nothing: [`to_text`].
    pub path: String,
    pub size: u64,
    pub reason: Reason,
}

/// A file of the card under another name on the drive.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Renamed {
    /// On the card, as text that loses nothing.
    pub path: String,
    /// On the drive, below the label's folder.
    pub dest: String,
    /// None of a file that somebody moved on the drive.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<Why>,
}

/// Why a file has another name on the drive than on the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The drive has another file of that name.
    NameTaken,
    /// The drive's file system can't hold that name, or that of one of its folders.
    NameImpossible,
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
            dest: to_text(&published.dest),
            why: Some(why(&card.path(&card.files[published.file as usize]), &published.dest)),
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
        Tally { files: self.not_safe.len() as u64, bytes: total(self.not_safe.iter().map(|n| n.size)) }
    }

    /// Tells whether every file of the card is accounted for exactly once.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        let bad = self.unsafe_tally();
        self.card.files == self.safe.files + self.copied.files + bad.files
            && self.card.bytes == self.safe.bytes + self.copied.bytes + bad.bytes
    }

    /// Tells whether the whole card is on the drive. Of a card that shows no files nothing is known: it may not be mounted.
    #[must_use]
    pub fn all_safe(&self) -> bool {
        self.not_safe.is_empty() && self.stop.is_none() && self.card.files > 0
    }
}

fn why(path: &[u8], dest: &[u8]) -> Why {
    let name = |path| scan::split_path(path).1;
    let (_, number) = names::numbered(name(dest));
    let beside = number > 1 && names::numbered(name(path)).1 != number;
    if beside { Why::NameTaken } else { Why::NameImpossible }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_beside_others_and_one_that_can_t_be_are_told_apart() {
        for (path, dest, expected) in [
            ("DCIM/A.JPG", "DCIM/A~2.JPG", Why::NameTaken),
            ("DCIM/a:b.JPG", "DCIM/a%3Ab~3.JPG", Why::NameTaken),
            ("DCIM/a:b.JPG", "DCIM/a%3Ab.JPG", Why::NameImpossible),
            ("DC:IM/A.JPG", "DC%3AIM/A.JPG", Why::NameImpossible),
            ("DCIM/A~2:.JPG", "DCIM/A~2%3A.JPG", Why::NameImpossible),
        ] {
            assert_eq!(why(path.as_bytes(), dest.as_bytes()), expected, "{dest}");
        }
    }
}
