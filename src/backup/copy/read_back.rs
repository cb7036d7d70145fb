//! Read from the medium what was written, and hold it against what the card gave: several files at once, so that a drive that
//! answers each request late is not waited for file by file.

use super::batch::Pending;
use super::context::Context;
use crate::backup::digest::{Digest, Digester};
use crate::backup::events::Event;
use crate::backup::reason::{Reason, Stop};
use crate::backup::source::PIECE;
use crate::system::volume::{Buffer, Fault, FaultKind, OutFile};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Files that are read at the same time. A disk with heads moves them between two.
const AT_ONCE: usize = 3;

/// Reason why a file is not right, by its place in the batch; none where it is.
pub type Answers = Vec<Option<Reason>>;

/// Reads a whole batch.
pub struct ReadBack {
    buffers: Vec<Buffer>,
}

impl ReadBack {
    pub fn new() -> Self {
        ReadBack { buffers: (0..AT_ONCE).map(|_| Buffer::new(PIECE)).collect() }
    }

    /// Reads all files of a batch, which is durable.
    pub fn read(&mut self, context: &Context<'_>, files: &mut [Pending]) -> Result<Answers, Stop> {
        let count = files.len();
        let queue = Mutex::new(files.iter_mut().enumerate());
        let failed = AtomicBool::new(false);
        let work = |buffer: &mut Buffer| {
            let mut done = Vec::new();
            loop {
                // Of a thread that panicked nothing is left to protect here.
                let next = queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
                let Some((at, file)) = next.filter(|_| !failed.load(Ordering::Relaxed)) else {
                    break Ok(done);
                };
                match one(context, buffer, file) {
                    Ok(reason) => done.push((at, reason)),
                    Err(stop) => {
                        failed.store(true, Ordering::Relaxed);
                        break Err(stop);
                    }
                }
            }
        };
        // A file that nobody looked at is none that is right.
        let mut answers: Answers = vec![Some(Reason::Differs); count];
        let Some((own, others)) = self.buffers.split_first_mut() else { return Ok(answers) };
        let parts = std::thread::scope(|scope| {
            let helpers = others.iter_mut().take(count.saturating_sub(1));
            let helpers: Vec<_> = helpers.map(|buffer| scope.spawn(|| work(buffer))).collect();
            let mut parts = vec![work(own)];
            parts.extend(helpers.into_iter().filter_map(|helper| helper.join().ok()));
            parts
        });
        for part in parts {
            for (at, reason) in part? {
                answers[at] = reason;
            }
        }
        Ok(answers)
    }
}

fn one(context: &Context<'_>, buffer: &mut Buffer, file: &mut Pending) -> Result<Option<Reason>, Stop> {
    let size = file.end.digest.len;
    file.file.from_medium();
    let found = match digest(context, buffer, &mut file.file, size) {
        Ok(digest) => digest,
        Err(fault)
            if fault.kind() == FaultKind::Damaged
                || (fault.kind() == FaultKind::Io && context.drive.root.device_present()) =>
        {
            return Ok(Some(Reason::ReadBack(fault)));
        }
        Err(fault) => return Err(Stop::of_drive(fault)),
    };
    let stat = file.file.stat().map_err(Stop::of_drive)?;
    Ok((found != file.end.digest || stat.size != size).then_some(Reason::Differs))
}

fn digest(
    context: &Context<'_>,
    buffer: &mut Buffer,
    file: &mut OutFile,
    size: u64,
) -> Result<Digest, Fault> {
    if size <= PIECE as u64 {
        let n = file.read_at(buffer.space(), size as usize, 0)?;
        context.pulse.beat();
        context.watch.event(Event::ReadBack { bytes: n as u64 });
        buffer.set_len(n);
        return Ok(Digester::whole(buffer.filled()));
    }
    let mut digester = Digester::new();
    let mut offset = 0;
    while offset < size {
        let want = (size - offset).min(PIECE as u64) as usize;
        let n = file.read_at(buffer.space(), want, offset)?;
        context.pulse.beat();
        if n == 0 {
            break;
        }
        digester.write(&buffer.space()[..n]);
        offset += n as u64;
        context.watch.event(Event::ReadBack { bytes: n as u64 });
    }
    Ok(digester.finish())
}
