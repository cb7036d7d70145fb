//! A sending as it is asked for, and its account in the end.

use super::rclone::Rclone;
use super::trouble::Trouble;
use crate::backup::events::Tally;
use std::path::PathBuf;

/// A remote, and how to send there.
#[derive(Debug)]
pub struct To<'a> {
    /// Name by the profile, and of its record.
    pub name: &'a str,
    pub rclone: &'a Rclone,
    pub oldest_first: bool,
    /// Fetch what the remote has no hash of, and compare.
    pub read_back: bool,
    /// Compare the hash of all that is there, even where the remote has to read for it.
    pub compare: bool,
    /// Other drives, whose records may know of what is there.
    pub siblings: Vec<PathBuf>,
}

/// A file that is not there, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotSent {
    pub path: String,
    pub bytes: u64,
    pub why: String,
}

/// The account of one drive and one remote.
#[derive(Debug, Default)]
pub struct Sent {
    /// Photos that the drive's records vouch for; one content counts once.
    pub all: Tally,
    /// There, and their content was compared.
    pub verified: Tally,
    /// Of `verified`, those whose content an earlier run compared: this one saw that they are there, with the right size.
    pub earlier: Tally,
    /// There, with the right size; no more is known.
    pub size_only: Tally,
    /// Of both, those that this run brought or found.
    pub new: Tally,
    pub bad: Vec<NotSent>,
    /// Why it ended early.
    pub stopped: Option<Stopped>,
}

/// Why a run ended before all was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    Asked,
    Trouble(Trouble),
    /// The drive went, or takes no record.
    Drive(String),
}

impl Stopped {
    /// Why a remote could not be asked: a trouble with it, or a stop that was `asked` for.
    #[must_use]
    pub fn of(trouble: Trouble, asked: bool) -> Self {
        if asked { Stopped::Asked } else { Stopped::Trouble(trouble) }
    }
}

impl Sent {
    /// Tells whether every photo is there.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.bad.is_empty() && self.stopped.is_none() && self.left().files == 0
    }

    /// The photos that this run did not come to.
    #[must_use]
    pub fn left(&self) -> Tally {
        let bad = self.bad.len() as u64;
        let bytes = self.bad.iter().fold(0u64, |sum, one| sum.saturating_add(one.bytes));
        Tally {
            files: self.all.files.saturating_sub(self.verified.files + self.size_only.files + bad),
            bytes: self.all.bytes.saturating_sub(self.verified.bytes + self.size_only.bytes + bytes),
        }
    }
}
