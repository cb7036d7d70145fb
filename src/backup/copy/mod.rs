//! The copy: one reader that hashes, one writer, one verifier, and bounded queues between them.
//!
//! ```text
//! card -> reader -> [buffers] -> writer -> [batch] -> committer -> published, recorded
//!            ^---- empty buffers ----'
//! ```
//!
//! The committer makes a batch durable, reads it back from the medium, compares, renames without replacing,
//! makes the folders durable and appends the manifest's records, in this order. What a kill or a power cut leaves
//! at any point is temporary files, or published files that are complete.

mod batch;
mod commit;
mod ledger;
mod reader;
mod rescue;
mod writer;

pub use ledger::Ledger;
pub use writer::RESERVE;

use super::drive::Drive;
use super::events::Watch;
use super::manifest::{Index, Log};
use super::scan::Card;
use super::source::Source;
use crate::system::volume::Buffer;
use std::sync::mpsc;

/// A file to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    /// Index into [`Card::files`].
    pub file: u32,
    /// Its number among files of its name on the drive; 2 becomes `~2`.
    pub k: u32,
}

/// Bytes moved at once. Large enough that a call costs nothing beside the device.
const CHUNK: usize = 4 * 1024 * 1024;

/// Buffers in the pool: what the reader may be ahead of the writer.
const BUFFERS: usize = 4;

/// A batch ends with this many bytes, files, or after this time, whichever comes first.
const BATCH_BYTES: u64 = 256 * 1024 * 1024;
const BATCH_FILES: usize = 256;
const BATCH_SECONDS: u64 = 5;

/// What the three threads share.
pub struct Context<'a> {
    pub card: &'a Card,
    pub jobs: &'a [Job],
    pub drive: &'a Drive,
    pub index: &'a Index,
    pub run: &'a str,
    pub watch: &'a dyn Watch,
}

/// Copies all jobs; whatever goes wrong is in the ledger, file by file.
pub fn run(context: &Context<'_>, source: &mut Source, log: &mut Log) -> Ledger {
    let ledger = ledger::Shared::new(context);
    let (to_writer, from_reader) = mpsc::sync_channel(BUFFERS);
    let (give_back, empty) = mpsc::channel();
    let (to_committer, from_writer) = mpsc::sync_channel(1);
    for _ in 0..BUFFERS {
        // The receiver lives until the end of this function.
        let _ = give_back.send(Buffer::new(CHUNK));
    }
    std::thread::scope(|scope| {
        let ledger = &ledger;
        scope.spawn(move || reader::run(context, source, ledger, empty, to_writer));
        scope.spawn(move || writer::run(context, ledger, from_reader, &give_back, to_committer));
        commit::run(context, ledger, from_writer, log);
    });
    ledger.finish()
}
