//! Files that were written and wait to be made durable together.

use super::context::{BATCH_BYTES, BATCH_SECONDS, LAST_BATCH_BYTES};
use super::message::ReadEnd;
use crate::backup::drive::DestFolder;
use crate::system::volume::{Dir, OutFile};
use std::sync::Arc;
use std::time::Duration;

/// A file under its temporary name, complete as far as `write` tells.
pub struct Pending {
    pub job: u32,
    pub file: OutFile,
    pub temp: Vec<u8>,
    pub place: DestFolder,
    pub end: ReadEnd,
}

#[derive(Default)]
pub struct Batch {
    pub files: Vec<Pending>,
    /// Folders that got a new folder in them.
    pub changed: Vec<Arc<Dir>>,
    pub bytes: u64,
    /// When its first file was added.
    pub since: Duration,
}

impl Batch {
    pub fn add(&mut self, file: Pending, now: Duration) {
        if self.files.is_empty() {
            self.since = now;
        }
        self.bytes += file.end.digest.len;
        self.files.push(file);
    }

    /// Tells whether it is to be made durable now: it holds `files`, or is large or old; with so many bytes of the run still
    /// to come.
    pub fn is_full(&self, now: Duration, to_come: u64, files: usize) -> bool {
        !self.files.is_empty()
            && (self.bytes >= (to_come / 3).clamp(LAST_BATCH_BYTES, BATCH_BYTES)
                || self.files.len() >= files
                || now.saturating_sub(self.since) >= Duration::from_secs(BATCH_SECONDS))
    }
}
