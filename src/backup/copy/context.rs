//! The work of a copy to one drive, and the limits it keeps: what the threads share.

use crate::backup::drive::Drive;
use crate::backup::events::Watch;
use crate::backup::manifest::Index;
use crate::backup::scan::Card;

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

/// A batch ends with this many bytes, with [`BATCH_FILES`], or after [`BATCH_SECONDS`], whichever comes first.
pub const BATCH_BYTES: u64 = 256 * 1024 * 1024;
/// Towards the end of a run batches get smaller, down to this: nothing is written while the last one is read back.
pub const LAST_BATCH_BYTES: u64 = 32 * 1024 * 1024;
/// Files of a batch.
pub const BATCH_FILES: usize = 256;
/// Seconds of a batch.
pub const BATCH_SECONDS: u64 = 5;
