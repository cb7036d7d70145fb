//! The work of a repair, and its outcome.

use crate::backup::account::NotSafe;
use crate::backup::reason::Stop;
use serde::Serialize;

/// Outcome of a repair on one drive.
#[derive(Debug, Default)]
pub struct Repairs {
    pub repaired: Vec<Repaired>,
    /// Files whose records were lost and that a witness vouches for again.
    pub vouched: u64,
    /// Damaged or gone, and not brought back.
    pub failed: Vec<NotSafe>,
    pub stop: Option<Stop>,
    /// Its manifest was begun.
    pub(super) tried: bool,
    pub notes: Vec<String>,
}

/// A file that was brought back.
#[derive(Debug, Clone, Serialize)]
pub struct Repaired {
    pub path: String,
    pub bytes: u64,
    /// `card`, or the drive's path.
    pub from: String,
    /// Path of the damaged file now, below the drive's root; none for a file that was gone.
    pub damaged: Option<String>,
}

/// A file that shall be on a drive, and its content.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Its place, as records have it.
    pub place: Vec<u8>,
    /// The name that records know it by: another one than the place where `--mirror` moved it.
    pub dest: Vec<u8>,
    /// On the card.
    pub path: Vec<u8>,
    pub size: u64,
    pub hash: u128,
    /// Of the file on the card: modification and change time; none where only a list speaks of it.
    pub times: Option<(i64, i64)>,
    /// The drive has a record of it.
    pub recorded: bool,
    /// It lies under its name, damaged, and may be put aside.
    pub aside: bool,
}

impl Repairs {
    /// Tells whether the drive is another one than before.
    #[must_use]
    pub fn did_something(&self) -> bool {
        self.tried
    }
}
