//! The reader: the card's files one after the other, hashed on the way.

use super::context::Context;
use super::rescue;
use super::result::Shared;
use super::room::Room;
use crate::backup::digest::{Digest, Digester};
use crate::backup::events::{Event, Side};
use crate::backup::reason::{Reason, Stop};
use crate::backup::scan::File;
use crate::backup::source::{self, LARGE, Source};
use crate::system::clock;
use crate::system::volume::{ALIGN, Buffer, Fault, InFile, Stat};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};

/// Small files opened ahead, so that the card has more than one request to work on.
const AHEAD: usize = 16;

/// Files up to this size travel in packs.
const PACKED: u64 = 512 * 1024;

/// So many files are in a pack at most, so that the writer is not kept waiting.
const PACK_FILES: usize = 32;

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
    /// Small files, all at once: one hand-over for many.
    Pack {
        buffer: Buffer,
        files: Vec<Packed>,
    },
    /// The bytes sent of the current file are worth nothing.
    Drop,
}

/// A small file, and where it lies in the buffer.
pub struct Packed {
    pub job: u32,
    pub range: Range<usize>,
    pub end: ReadEnd,
}

/// Facts of a file after its last byte.
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
    result: &Shared<'_>,
    empty: Receiver<Buffer>,
    writer: SyncSender<Message>,
) {
    let (ahead, room) = (VecDeque::new(), Room::default());
    let mut reader = Reader { context, source, result, empty, writer, ahead, next: 0, pack: None, room };
    for job in 0..context.jobs.len() as u32 {
        if context.watch.stop_requested() {
            result.stop(Stop::Asked);
        }
        if result.stopped() || reader.one(job).is_none() {
            break;
        }
    }
    reader.send_pack();
}

struct Reader<'a, 'b> {
    context: &'a Context<'b>,
    source: &'a mut Source,
    result: &'a Shared<'a>,
    empty: Receiver<Buffer>,
    writer: SyncSender<Message>,
    ahead: VecDeque<(u32, Result<InFile, Fault>)>,
    next: u32,
    pack: Option<Pack>,
    room: Room,
}

/// Small files that were read and not sent yet.
struct Pack {
    buffer: Buffer,
    used: usize,
    files: Vec<Packed>,
}

impl<'b> Reader<'_, 'b> {
    /// `None` when nobody listens any more.
    fn one(&mut self, job: u32) -> Option<()> {
        let card = self.context.card;
        let file = &card.files[self.context.jobs[job as usize].file as usize];
        if let Some(reason) = self.refused(file.size) {
            if self.ahead.front().is_some_and(|(at, _)| *at == job) {
                self.ahead.pop_front();
            }
            self.result.failed(job, reason);
            return Some(());
        }
        self.context.watch.event(Event::Current { path: source::shown(card, file) });
        self.look_ahead(job);
        self.room.take(file.size);
        let opened = match self.ahead.front() {
            Some((at, _)) if *at == job => self.ahead.pop_front().map(|(_, opened)| opened),
            _ => None,
        };
        let opened = opened.unwrap_or_else(|| self.source.open(card, file, false));
        let mut open = match opened {
            Ok(open) => open,
            Err(fault) => {
                self.bad(job, fault);
                return Some(());
            }
        };
        let before = open.opened();
        if before.size <= PACKED {
            return self.packed(job, &mut open, before);
        }
        self.send_pack()?;
        let sent = self.pieces(job, &mut open, before);
        open.forget();
        sent
    }

    /// Reason why the drive can't take the file: then nothing of it is read. Nearly full, it may still take what is on its way to
    /// it, and the writer asks again.
    fn refused(&mut self, size: u64) -> Option<Reason> {
        let waiting = self.pack.as_ref().map_or(0, |pack| pack.used as u64);
        // A drive that does not answer is the writer's to tell.
        self.room.refuses(self.context.drive, size.saturating_add(waiting)).unwrap_or_default()
    }

    fn packed(&mut self, job: u32, open: &mut InFile, before: Stat) -> Option<()> {
        let size = before.size as usize;
        if self.pack.as_ref().is_some_and(|pack| pack.used + size > pack.buffer.capacity()) {
            self.send_pack()?;
        }
        let mut pack = match self.pack.take() {
            Some(pack) => pack,
            None => Pack { buffer: self.buffer()?, used: 0, files: Vec::new() },
        };
        let range = pack.used..pack.used + size;
        let mut bad = Vec::new();
        let read = self.fill(job, open, &mut pack.buffer.space()[range.clone()], 0, &mut bad);
        match read {
            Ok(n) if n == size && self.unchanged(open, before) => {
                let digest = Digester::whole(&pack.buffer.space()[range.clone()]);
                pack.used += size;
                pack.files.push(Packed { job, range, end: ReadEnd { digest, stat: before, bad } });
            }
            Ok(_) => self.result.failed(job, Reason::Changed),
            Err(fault) => self.bad(job, fault),
        }
        let full = pack.files.len() >= PACK_FILES;
        self.pack = Some(pack);
        if full { self.send_pack() } else { Some(()) }
    }

    fn send_pack(&mut self) -> Option<()> {
        match self.pack.take() {
            Some(mut pack) if !pack.files.is_empty() => {
                pack.buffer.set_len(pack.used);
                self.send(Message::Pack { buffer: pack.buffer, files: pack.files })
            }
            pack => {
                self.pack = pack;
                Some(())
            }
        }
    }

    fn pieces(&mut self, job: u32, open: &mut InFile, before: Stat) -> Option<()> {
        self.send(Message::Begin { job, size: before.size })?;
        let mut digester = Digester::new();
        let mut bad = Vec::new();
        let mut offset = 0;
        while offset < before.size {
            if self.context.watch.stop_requested() {
                self.result.stop(Stop::Asked);
            }
            // The drive refused it: the rest is of no use.
            if self.result.stopped() || self.result.is_settled(job) {
                return self.send(Message::Drop);
            }
            let mut buffer = self.buffer()?;
            let len = (before.size - offset).min(buffer.capacity() as u64) as usize;
            // The whole buffer where the file ends within it: O_DIRECT takes whole blocks only.
            let len = len.next_multiple_of(ALIGN);
            let n = match self.fill(job, open, &mut buffer.space()[..len], offset, &mut bad) {
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
            self.result.failed(job, Reason::Changed);
            return Some(());
        }
        self.send(Message::End(Box::new(ReadEnd { digest: digester.finish(), stat: before, bad })))
    }

    /// Fills a buffer; where the card can't read a part, rescues what is around it.
    fn fill(
        &mut self,
        job: u32,
        open: &mut InFile,
        space: &mut [u8],
        offset: u64,
        bad: &mut Vec<(u64, u64)>,
    ) -> Result<usize, Fault> {
        let (card, file, at) = (self.context.card, self.file(job), self.context.jobs[job as usize].file);
        match open.read_at(space, offset) {
            Ok(n) => {
                self.source.was_good(card, file, offset);
                Ok(n)
            }
            Err(fault) if self.source.is_gone(fault, at) => {
                self.result.stop(Stop::CardGone(fault));
                Err(fault)
            }
            Err(_) => {
                let size = open.opened().size;
                let len = size.saturating_sub(offset).min(space.len() as u64) as usize;
                let source = &mut *self.source;
                let result = self.result;
                let good = rescue::read(open, &mut space[..len], offset, bad, &mut |fault| {
                    let gone = source.is_gone(fault, at);
                    if gone {
                        result.stop(Stop::CardGone(fault));
                    }
                    gone || result.stopped()
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
        if self.result.stopped() || self.source.is_gone(fault, self.context.jobs[job as usize].file) {
            // The account says of this file, as of all that follow, that the run ended.
            if !self.result.stopped() {
                self.result.stop(Stop::CardGone(fault));
            }
            return;
        }
        self.result.failed(job, Reason::Unreadable(fault));
    }

    fn look_ahead(&mut self, job: u32) {
        self.next = self.next.max(job);
        while self.ahead.len() < AHEAD && (self.next as usize) < self.context.jobs.len() {
            let file = self.file(self.next);
            if self.refused(file.size).is_some() {
                return;
            }
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
