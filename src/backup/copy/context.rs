//! The work of a copy, and the limits it keeps: what its three threads share.

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

/// Holds what the three threads share.
pub struct Context<'a> {
    pub card: &'a Card,
    pub jobs: &'a [Job],
    pub drive: &'a Drive,
    pub index: &'a Index,
    pub run: &'a str,
    pub watch: &'a dyn Watch,
}

/// Bytes moved at once. Large enough that a call costs nothing beside the device.
pub const CHUNK: usize = 4 * 1024 * 1024;

/// Buffers in the pool: what the reader may be ahead of the writer.
pub const BUFFERS: usize = 4;

/// A batch ends with this many bytes, with [`BATCH_FILES`], or after [`BATCH_SECONDS`], whichever comes first.
pub const BATCH_BYTES: u64 = 256 * 1024 * 1024;
/// Towards the end of a run batches get smaller, down to this: nothing is written while the last one is read back.
pub const LAST_BATCH_BYTES: u64 = 32 * 1024 * 1024;
/// Files of a batch.
pub const BATCH_FILES: usize = 256;
/// Seconds of a batch.
pub const BATCH_SECONDS: u64 = 5;
