//! The copy: one reader that hashes, for each drive one writer and one verifier, and bounded queues between them.
//!
//! ```text
//! card -> reader -> [buffers] -> writer -> [batch] -> committer -> published, recorded     for each drive
//!            ^---- empty buffers ----'
//! ```
//!
//! The card is read once, whatever the number of drives: each gets the same buffers, and the last to have written one
//! gives it back. A drive that fails, or does not answer for a minute, ends alone; one that is slower holds
//! the others up by no more than the pool.
//!
//! The committer makes a batch durable, reads it back from the medium, three files at a time, compares, renames without replacing,
//! makes the folders durable and appends the manifest's records, in this order. What a kill or a power cut leaves
//! at any point is temporary files, or published files that are complete.

mod batch;
mod commit;
mod context;
mod lanes;
mod message;
mod open;
mod read_back;
mod reader;
mod relay;
mod rescue;
mod result;
mod room;
mod writer;

pub use context::{Context, Job, Pulse};
pub use relay::{Relay, Seen};
pub use result::CopyResult;

use super::manifest::Log;
use super::source::Source;
use crate::system::process;
use crate::system::volume::Buffer;
use context::{BUFFERS, BUFFERS_MORE, CHUNK};
use lanes::{Lane, Lanes};
use std::sync::mpsc;

/// Copies all jobs of all drives; whatever goes wrong is in the results, a drive's each, file by file. With a relay, what
/// another drive got in this run comes from there, and only the rest from the card.
pub fn run(
    drives: &mut [(Context<'_>, &mut Log)],
    source: &mut Source,
    relay: Option<&mut Relay<'_>>,
) -> Vec<CopyResult> {
    let batch_files = context::batch_files(process::open_files_allowed(), drives.len());
    let (give_back, empty) = mpsc::channel();
    for _ in 0..BUFFERS + BUFFERS_MORE * drives.len().saturating_sub(1) {
        // The receiver lives until the reader is done.
        let _ = give_back.send(Buffer::new(CHUNK));
    }
    let (contexts, logs): (Vec<&Context<'_>>, Vec<&mut Log>) =
        drives.iter_mut().map(|(context, log)| (&*context, &mut **log)).unzip();
    let results: Vec<result::Shared<'_>> =
        contexts.iter().map(|context| result::Shared::new(context)).collect();
    std::thread::scope(|scope| {
        let mut lanes = Vec::new();
        for ((&context, result), log) in contexts.iter().zip(&results).zip(logs) {
            let (to_writer, from_reader) = mpsc::sync_channel(BUFFERS);
            let (to_committer, from_writer) = mpsc::sync_channel(1);
            let give_back = give_back.clone();
            lanes.push(Lane::new(context, result, to_writer));
            scope.spawn(move || {
                writer::run(context, result, from_reader, &give_back, to_committer, batch_files);
            });
            scope.spawn(move || commit::run(context, result, from_writer, log));
        }
        drop(give_back);
        if let Some(lanes) = Lanes::new(lanes) {
            reader::run(lanes, source, relay, empty);
        }
    });
    results.into_iter().map(result::Shared::finish).collect()
}
