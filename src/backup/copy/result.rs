//! Result of every job.

use super::context::Context;
use super::relay::Got;
use crate::backup::digest::Digest;
use crate::backup::events::{Event, Tally};
use crate::backup::reason::{Reason, Stop};
use crate::backup::{scan, source};
use crate::system::volume::Stat;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// The result of a copy.
#[derive(Debug, Default)]
pub struct CopyResult {
    pub copied: Tally,
    /// Bytes of the copied files when the card was scanned.
    pub scanned: u64,
    /// Files that got another name than the card's: index into the card's files, path below the label's folder.
    pub renamed: Vec<Published>,
    /// A name on the drive means another content now than an earlier record said.
    pub contradicts: bool,
    /// Index into the card's files, and why.
    pub not_safe: Vec<(u32, Reason)>,
    pub stop: Option<Stop>,
    /// Files that were published, in no order; kept only where a second pass follows.
    pub got: Vec<Got>,
}

/// A file and its path on the drive, below the label's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    pub file: u32,
    pub dest: Vec<u8>,
}

/// The result while the threads write in it.
pub struct Shared<'a> {
    context: &'a Context<'a>,
    stopped: AtomicBool,
    inner: Mutex<Inner>,
}

struct Inner {
    result: CopyResult,
    /// By job: whether its fate is known.
    settled: Vec<bool>,
}

impl<'a> Shared<'a> {
    pub fn new(context: &'a Context<'a>) -> Self {
        let inner = Inner { result: CopyResult::default(), settled: vec![false; context.jobs.len()] };
        Shared { context, stopped: AtomicBool::new(false), inner: Mutex::new(inner) }
    }

    /// Ends the run early; the first reason counts.
    pub fn stop(&self, stop: Stop) {
        let first = self.with(|inner| {
            let first = inner.result.stop.is_none();
            inner.result.stop.get_or_insert(stop);
            first
        });
        self.stopped.store(true, Ordering::SeqCst);
        if first && stop == Stop::Asked {
            self.context.watch.event(Event::Stopping);
        }
    }

    /// Tells whether the run ends early, for whatever reason.
    pub fn stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Tells whether nothing more can be written.
    pub fn drive_gone(&self) -> bool {
        self.stopped() && self.with(|i| i.result.stop.is_some_and(Stop::ends_the_drive))
    }

    /// Tells whether no further file should be begun on the drive.
    pub fn no_more_files(&self) -> bool {
        self.stopped() && self.with(|i| !matches!(i.result.stop, Some(Stop::CardGone(_))))
    }

    /// Tells whether the fate of a job's file is known.
    pub fn is_settled(&self, job: u32) -> bool {
        self.with(|inner| inner.settled[job as usize])
    }

    /// A job's file is on the drive for good.
    pub fn published(&self, job: u32, digest: Digest, stat: Stat, dest: &[u8]) {
        let card = self.context.card;
        let at = self.context.jobs[job as usize].file;
        let file = &card.files[at as usize];
        let plain = scan::join(&card.folders[file.folder as usize].path, card.name(file));
        let contradicts = self.context.index.contradicts(dest, digest.hash);
        self.with(|inner| {
            inner.settled[job as usize] = true;
            inner.result.copied.add(digest.len);
            inner.result.contradicts |= contradicts;
            inner.result.scanned = inner.result.scanned.saturating_add(file.size);
            if self.context.keeps {
                let other = (plain != dest).then(|| dest.into());
                inner.result.got.push(Got { file: at, hash: digest.hash, stat, other });
            }
            if plain != dest {
                inner.result.renamed.push(Published { file: at, dest: dest.to_vec() });
            }
        });
    }

    /// A job's file is not safe; the first reason counts.
    pub fn failed(&self, job: u32, reason: Reason) {
        let at = self.context.jobs[job as usize].file;
        let path = source::shown(self.context.card, &self.context.card.files[at as usize]);
        let why = reason.describe();
        let first = self.with(|inner| {
            let first = !std::mem::replace(&mut inner.settled[job as usize], true);
            if first {
                inner.result.not_safe.push((at, reason));
            }
            first
        });
        if first {
            self.context.watch.event(Event::NotSafe { path, why });
        }
    }

    /// Closes the account: what was not reached is not safe.
    pub fn finish(self) -> CopyResult {
        let inner = self.inner.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut result = inner.result;
        // Jobs are left over only by an early end; then there is a reason.
        let stop = result.stop.unwrap_or(Stop::Asked);
        for (job, settled) in self.context.jobs.iter().zip(inner.settled) {
            if !settled {
                result.not_safe.push((job.file, Reason::NotReached(stop)));
            }
        }
        result.not_safe.sort_unstable_by_key(|(file, _)| *file);
        result
    }

    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        // A thread that panicked took the whole process with it in the product; in tests the data is still whole.
        act(&mut self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}
