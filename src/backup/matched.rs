//! The outcome of a match of the card with a drive: what is there, and what has to be done.

use super::adopted::Adopted;
use super::copy::Job;
use super::events::Tally;
use super::reason::{Reason, Stop};

/// Work to be done.
#[derive(Debug, Default)]
pub struct Matched {
    pub safe: Tally,
    /// Of [`Matched::safe`]: not read in this run, on both sides.
    pub from_records: Tally,
    /// The days of the oldest and the newest of these records, in days since 1970.
    pub days: Option<(i32, i32)>,
    pub copy: Tally,
    /// Files whose folder on the drive can't be opened: index into the card's files, and why.
    pub not_safe: Vec<(u32, Reason)>,
    /// The same files, once the account has them.
    pub failed: Vec<u32>,
    pub jobs: Vec<Job>,
    /// Files found equal without a record: their records.
    pub adopted: Vec<Adopted>,
    /// Files on the drive that are not as their record says.
    pub rotten: Vec<Vec<u8>>,
    /// Paths on the drive that files of the card lie under; kept for `--mirror` only.
    pub used: std::collections::HashSet<Vec<u8>>,
    pub stop: Option<Stop>,
}

impl Matched {
    /// Counts a file that is on the drive; with the day of its record where it was not read.
    pub fn take_safe(&mut self, bytes: u64, day: Option<i32>) {
        self.safe.add(bytes);
        let Some(day) = day else { return };
        self.from_records.add(bytes);
        let (oldest, newest) = self.days.unwrap_or((day, day));
        self.days = Some((oldest.min(day), newest.max(day)));
    }
}
