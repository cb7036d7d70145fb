//! Everything that was met on the way through a container.

use super::facts::Facts;
use std::ops::Range;

/// More ranges than any camera names.
const MOST_CANDIDATES: usize = 32;

/// Facts, and ranges that may be previews.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub facts: Facts,
    /// Ranges that something calls a JPEG.
    pub jpegs: Vec<Range<u64>>,
}

impl Found {
    /// Takes note of a range, if it is one.
    pub fn candidate(&mut self, start: u64, length: u64) {
        let Some(end) = start.checked_add(length) else { return };
        let range = start..end;
        if length > 0 && self.jpegs.len() < MOST_CANDIDATES && !self.jpegs.contains(&range) {
            self.jpegs.push(range);
        }
    }
}
