//! The work of a copy to one drive, and the limits it keeps: what the threads share.

use crate::backup::drive::Drive;
use crate::backup::events::Watch;
use crate::backup::manifest::Index;
use crate::backup::scan::Card;
use crate::system::clock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// A file to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    /// Index into [`Card::files`].
    pub file: u32,
    /// Its number among files of its name on the drive; 2 becomes `~2`.
    pub k: u32,
}

/// Holds what is shared about one drive.
pub struct Context<'a> {
    pub card: &'a Card,
    pub jobs: &'a [Job],
    pub drive: &'a Drive,
    pub index: &'a Index,
    pub run: &'a str,
    pub watch: &'a dyn Watch,
    pub pulse: Pulse,
    /// Keeps in mind all that is published, for a second pass.
    pub keeps: bool,
    /// Says whether it gets from the card now, and not from another drive.
    pub from_card: AtomicBool,
}

/// When a drive answered last: each of its threads says so after every call that can take long.
#[derive(Debug)]
pub struct Pulse(AtomicU64);

impl Default for Pulse {
    fn default() -> Self {
        let pulse = Pulse(AtomicU64::new(0));
        pulse.beat();
        pulse
    }
}

impl Pulse {
    /// The drive answered just now.
    pub fn beat(&self) {
        self.0.store(clock::monotonic().as_millis() as u64, Ordering::Relaxed);
    }

    /// Time since its last answer.
    #[must_use]
    pub fn silence(&self) -> Duration {
        clock::monotonic().saturating_sub(Duration::from_millis(self.0.load(Ordering::Relaxed)))
    }
}

impl Context<'_> {
    /// The number of the job that copies a file of the card to this drive. Jobs stand in the card's order.
    #[must_use]
    pub fn job_of(&self, file: u32) -> Option<u32> {
        self.jobs.binary_search_by_key(&file, |job| job.file).ok().map(|job| job as u32)
    }
}

/// Bytes moved at once. Large enough that a call costs nothing beside the device.
pub const CHUNK: usize = 4 * 1024 * 1024;

/// Buffers in the pool: what the reader may be ahead of the writer.
pub const BUFFERS: usize = 4;

/// And so many more for every further drive: what one may be ahead of another.
pub const BUFFERS_MORE: usize = 1;

/// A batch ends with this many bytes, with [`batch_files`], or after [`BATCH_SECONDS`], whichever comes first.
pub const BATCH_BYTES: u64 = 256 * 1024 * 1024;
/// Towards the end of a run batches get smaller, down to this: nothing is written while the last one is read back.
pub const LAST_BATCH_BYTES: u64 = 32 * 1024 * 1024;
/// Files of a batch, where this process may have that many open.
const BATCH_FILES: usize = 256;

/// Batches of a drive that exist at once: one is filled, one waits, one is read back.
const BATCHES: usize = 3;

/// Open files that are none of a batch: the card's, opened ahead; folders; records; the standard streams.
const OTHER_OPEN: usize = 128;

/// Files of a batch when this process may have `allowed` files open and copies to so many drives.
#[must_use]
pub fn batch_files(allowed: usize, drives: usize) -> usize {
    let each = allowed.saturating_sub(OTHER_OPEN) / (BATCHES * drives.max(1));
    each.clamp(1, BATCH_FILES)
}
/// Seconds of a batch.
pub const BATCH_SECONDS: u64 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_batches_together_keep_below_the_limit() {
        assert_eq!(batch_files(16_384, 3), BATCH_FILES);
        for allowed in [256, 1024, 4096] {
            for drives in 1..=3 {
                let open = batch_files(allowed, drives) * BATCHES * drives + OTHER_OPEN;
                assert!(open <= allowed, "{open} of {allowed}");
            }
        }
        assert_eq!(batch_files(0, 3), 1);
    }
}
