//! The reader: the card's files one after the other, hashed on the way.

use super::ledger::Shared;
use super::{Context, rescue};
use crate::backup::digest::{Digest, Digester};
use crate::backup::events::{Event, Side};
use crate::backup::reason::{Reason, Stop};
use crate::backup::scan::File;
use crate::backup::source::{self, LARGE, Source};
use crate::system::clock;
use crate::system::volume::{Buffer, Fault, InFile, Stat};
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};

/// Small files opened ahead, so that the card has more than one request to work on.
const AHEAD: usize = 16;

/// From the reader to the writer.
pub enum Message {
    /// A file begins; its data follows.
    Begin {
        job: u32,
        size: u64,
    },
    Data(Buffer),
    /// All of it was sent.
    End(Box<ReadEnd>),
    /// A file that fits into one buffer, all at once.
    Whole {
        job: u32,
        buffer: Buffer,
        end: Box<ReadEnd>,
    },
    /// What was sent of the current file is worth nothing.
    Drop,
}

/// What is known of a file after its last byte.
pub struct ReadEnd {
    pub digest: Digest,
    /// As it was before the first byte and after the last.
    pub stat: Stat,
    /// Ranges that could not be read and were sent as zeros.
    pub bad: Vec<(u64, u64)>,
}

/// Reads every job's file and sends it on, until the end or until the run is stopped.
pub fn run(
    context: &Context<'_>,
    source: &mut Source,
    ledger: &Shared<'_>,
    empty: Receiver<Buffer>,
    writer: SyncSender<Message>,
) {
    let mut reader = Reader { context, source, ledger, empty, writer, ahead: VecDeque::new(), next: 0 };
    for job in 0..context.jobs.len() as u32 {
        if context.watch.stop_requested() {
            ledger.stop(Stop::Asked);
        }
        if ledger.stopped() || reader.one(job).is_none() {
            return;
        }
    }
}

struct Reader<'a, 'b> {
    context: &'a Context<'b>,
    source: &'a mut Source,
    ledger: &'a Shared<'a>,
    empty: Receiver<Buffer>,
    writer: SyncSender<Message>,
    ahead: VecDeque<(u32, Result<InFile, Fault>)>,
    next: u32,
}

impl<'b> Reader<'_, 'b> {
    /// `None` when nobody listens any more.
    fn one(&mut self, job: u32) -> Option<()> {
        let card = self.context.card;
        let file = &card.files[self.context.jobs[job as usize].file as usize];
        self.context.watch.event(Event::Current { path: source::shown(card, file) });
        self.look_ahead(job);
        let opened = match self.ahead.front() {
            Some((at, _)) if *at == job => self.ahead.pop_front().map(|(_, opened)| opened),
            _ => None,
        };
        let opened = opened.unwrap_or_else(|| self.source.open(card, file, false));
        let before = opened.and_then(|open| open.stat().map(|stat| (open, stat)));
        let (mut open, before) = match before {
            Ok(opened) => opened,
            Err(fault) => {
                self.bad(job, fault);
                return Some(());
            }
        };
        let sent = if before.size <= super::CHUNK as u64 {
            self.whole(job, &mut open, before)
        } else {
            self.pieces(job, &mut open, before)
        };
        open.forget();
        sent
    }

    fn whole(&mut self, job: u32, open: &mut InFile, before: Stat) -> Option<()> {
        let mut buffer = self.buffer()?;
        let mut bad = Vec::new();
        let wanted = before.size as usize;
        let n = match self.fill(job, open, &mut buffer, (0, before.size), &mut bad) {
            Ok(n) => n,
            Err(fault) => {
                self.bad(job, fault);
                return Some(());
            }
        };
        buffer.set_len(n.min(wanted));
        let digest = Digester::whole(buffer.filled());
        if n != wanted || !self.unchanged(open, before) {
            self.ledger.failed(job, Reason::Changed);
            return Some(());
        }
        self.send(Message::Whole { job, buffer, end: Box::new(ReadEnd { digest, stat: before, bad }) })?;
        Some(())
    }

    fn pieces(&mut self, job: u32, open: &mut InFile, before: Stat) -> Option<()> {
        self.send(Message::Begin { job, size: before.size })?;
        let mut digester = Digester::new();
        let mut bad = Vec::new();
        let mut offset = 0;
        while offset < before.size {
            if self.context.watch.stop_requested() {
                self.ledger.stop(Stop::Asked);
            }
            if self.ledger.stopped() {
                return self.send(Message::Drop);
            }
            let mut buffer = self.buffer()?;
            let n = match self.fill(job, open, &mut buffer, (offset, before.size), &mut bad) {
                Ok(0) => break,
                Ok(n) => n,
                Err(fault) => {
                    self.send(Message::Drop)?;
                    self.bad(job, fault);
                    return Some(());
                }
            };
            buffer.set_len(n);
            digester.write(buffer.filled());
            offset += n as u64;
            self.send(Message::Data(buffer))?;
        }
        if offset != before.size || !self.unchanged(open, before) {
            self.send(Message::Drop)?;
            self.ledger.failed(job, Reason::Changed);
            return Some(());
        }
        self.send(Message::End(Box::new(ReadEnd { digest: digester.finish(), stat: before, bad })))
    }

    /// Fills a buffer; where the card can't read a part, rescues what is around it.
    fn fill(
        &mut self,
        job: u32,
        open: &mut InFile,
        buffer: &mut Buffer,
        (offset, size): (u64, u64),
        bad: &mut Vec<(u64, u64)>,
    ) -> Result<usize, Fault> {
        let (card, file, at) = (self.context.card, self.file(job), self.context.jobs[job as usize].file);
        match open.read_at(buffer.space(), offset) {
            Ok(n) => {
                self.source.was_good(card, file, offset);
                Ok(n)
            }
            Err(fault) if self.source.is_gone(fault, at) => {
                self.ledger.stop(Stop::CardGone(fault));
                Err(fault)
            }
            Err(_) => {
                let len = (size - offset).min(buffer.capacity() as u64) as usize;
                let source = &mut *self.source;
                let ledger = self.ledger;
                let good = rescue::read(open, &mut buffer.space()[..len], offset, bad, &mut |fault| {
                    let gone = source.is_gone(fault, at);
                    if gone {
                        ledger.stop(Stop::CardGone(fault));
                    }
                    gone || ledger.stopped()
                })?;
                if let Some(good) = good {
                    source.was_good(card, file, good);
                }
                Ok(len)
            }
        }
    }

    fn unchanged(&self, open: &InFile, before: Stat) -> bool {
        open.stat().is_ok_and(|after| after == before)
    }

    fn bad(&mut self, job: u32, fault: Fault) {
        if self.ledger.stopped() || self.source.is_gone(fault, self.context.jobs[job as usize].file) {
            // The account says of this file, as of all that follow, that the run ended.
            if !self.ledger.stopped() {
                self.ledger.stop(Stop::CardGone(fault));
            }
            return;
        }
        self.ledger.failed(job, Reason::Unreadable(fault));
    }

    fn look_ahead(&mut self, job: u32) {
        self.next = self.next.max(job);
        while self.ahead.len() < AHEAD && (self.next as usize) < self.context.jobs.len() {
            let file = self.file(self.next);
            if file.size >= LARGE {
                // Large files keep the card busy by themselves; opening goes on behind this one.
                if self.next == job {
                    self.next += 1;
                }
                return;
            }
            let opened = self.source.open(self.context.card, file, false);
            if let Ok(open) = &opened {
                open.prefetch();
            }
            self.ahead.push_back((self.next, opened));
            self.next += 1;
        }
    }

    fn file(&self, job: u32) -> &'b File {
        &self.context.card.files[self.context.jobs[job as usize].file as usize]
    }

    fn buffer(&self) -> Option<Buffer> {
        match self.empty.try_recv() {
            Ok(buffer) => Some(buffer),
            Err(TryRecvError::Disconnected) => None,
            Err(TryRecvError::Empty) => {
                let begin = clock::monotonic();
                let buffer = self.empty.recv().ok()?;
                let ms = (clock::monotonic().saturating_sub(begin)).as_millis() as u64;
                self.context.watch.event(Event::Waited { side: Side::Drive, ms });
                Some(buffer)
            }
        }
    }

    fn send(&self, message: Message) -> Option<()> {
        self.writer.send(message).ok()
    }
}
