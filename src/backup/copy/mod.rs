//! The copy: one reader that hashes, one writer, one verifier, and bounded queues between them.
//!
//! ```text
//! card -> reader -> [buffers] -> writer -> [batch] -> committer -> published, recorded
//!            ^---- empty buffers ----'
//! ```
//!
//! The committer makes a batch durable, reads it back from the medium, three files at a time, compares, renames without replacing,
//! makes the folders durable and appends the manifest's records, in this order. What a kill or a power cut leaves
//! at any point is temporary files, or published files that are complete.

mod batch;
mod commit;
mod context;
mod read_back;
mod reader;
mod rescue;
mod result;
mod room;
mod writer;

pub use context::{Context, Job};
pub use result::CopyResult;

use super::manifest::Log;
use super::source::Source;
use crate::system::volume::Buffer;
use context::{BUFFERS, CHUNK};
use std::sync::mpsc;

/// Copies all jobs; whatever goes wrong is in the result, file by file.
pub fn run(context: &Context<'_>, source: &mut Source, log: &mut Log) -> CopyResult {
    let result = result::Shared::new(context);
    let (to_writer, from_reader) = mpsc::sync_channel(BUFFERS);
    let (give_back, empty) = mpsc::channel();
    let (to_committer, from_writer) = mpsc::sync_channel(1);
    for _ in 0..BUFFERS {
        // The receiver lives until the end of this function.
        let _ = give_back.send(Buffer::new(CHUNK));
    }
    std::thread::scope(|scope| {
        let result = &result;
        scope.spawn(move || reader::run(context, source, result, empty, to_writer));
        scope.spawn(move || writer::run(context, result, from_reader, &give_back, to_committer));
        commit::run(context, result, from_writer, log);
    });
    result.finish()
}
