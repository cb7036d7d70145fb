//! The reader: the card's files one after the other, each once for all drives, hashed on the way.

mod fill;

use crate::backup::copy::context::{BUFFERS, CHUNK};
use crate::backup::copy::lanes::{Lanes, Wanting};
use crate::backup::copy::message::{Message, Pack, Packed};
use crate::backup::copy::open::Open;
use crate::backup::copy::relay::Relay;
use crate::backup::digest::Digester;
use crate::backup::events::{Event, Side};
use crate::backup::reason::{Reason, Stop};
use crate::backup::source::{self, LARGE, Source};
use crate::system::clock;
use crate::system::volume::{ALIGN, Buffer, Fault};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

/// Small files opened ahead, so that the card has more than one request to work on.
const AHEAD: usize = 16;

/// Files up to this size travel in packs.
const PACKED: u64 = 512 * 1024;

/// So many files are in a pack at most, so that the writer is not kept waiting.
const PACK_FILES: usize = 32;

/// Reads every file that a drive wants and sends it on, until the end or until the run is stopped on all of them.
pub fn run(lanes: Lanes<'_>, source: &mut Source, relay: Option<&mut Relay<'_>>, empty: Receiver<Buffer>) {
    let files = lanes.files();
    let mut reader = Reader {
        lanes,
        files,
        source,
        relay,
        empty,
        replaced: 0,
        spare: 0,
        ahead: VecDeque::new(),
        next: 0,
        pack: None,
        card_gone: None,
        lost: Vec::new(),
    };
    for at in 0..reader.files.len() {
        if reader.lanes.watch.stop_requested() {
            reader.lanes.stop(Stop::Asked);
        }
        if reader.lanes.stopped() || reader.one(at).is_none() {
            break;
        }
    }
    if let Some(fault) = reader.card_gone {
        reader.lanes.stop_without(&reader.lost, Stop::CardGone(fault));
    }
    reader.send_pack();
}

struct Reader<'a, 'b, 'c> {
    lanes: Lanes<'b>,
    /// Indexes into the card's files.
    files: Vec<u32>,
    source: &'a mut Source,
    /// A drive that got files in this run already.
    relay: Option<&'a mut Relay<'c>>,
    empty: Receiver<Buffer>,
    /// Drives that were left behind, and buffers still to be made for those that they keep.
    replaced: usize,
    spare: usize,
    /// Opened ahead: their places in [`Reader::files`].
    ahead: VecDeque<(usize, Result<Open, Fault>)>,
    next: usize,
    /// Small files that were read and not sent yet.
    pack: Option<Pack>,
    /// Nothing more can be read of the card; what the relay has still comes.
    card_gone: Option<Fault>,
    /// Files that did not come any more: indexes into the card's files.
    lost: Vec<u32>,
}

/// A file that is read, and who wants it.
struct Current {
    /// Index into the card's files.
    file: u32,
    wanting: Wanting,
}

/// The end of a file's reading.
#[derive(PartialEq, Eq)]
enum Read {
    Settled,
    /// The drive's copy is not what the card gave.
    NotFromThere,
}

impl Reader<'_, '_, '_> {
    /// `None` when nobody listens any more.
    fn one(&mut self, at: usize) -> Option<()> {
        let (card, index) = (self.lanes.card, self.files[at]);
        let file = &card.files[index as usize];
        // Nearly full, a drive may still take what is on its way to it, and the writer asks again.
        let reached = self.card_gone.is_none() || self.relay.as_ref().is_some_and(|relay| relay.has(index));
        let wanting = if reached { self.lanes.wanting(index, self.packed_bytes(), true) } else { Vec::new() };
        if wanting.is_empty() {
            if !reached {
                self.lost.push(index);
            }
            // None has room, or it can't be reached: nothing of it is read.
            if self.ahead.front().is_some_and(|(ahead, _)| *ahead == at) {
                self.ahead.pop_front();
            }
            return Some(());
        }
        self.lanes.watch.event(Event::Current { path: source::shown(card, file) });
        self.look_ahead(at);
        self.lanes.take(&wanting, file.size);
        let opened = match self.ahead.front() {
            Some((ahead, _)) if *ahead == at => self.ahead.pop_front().map(|(_, opened)| opened),
            _ => None,
        };
        let mut opened = opened.unwrap_or_else(|| self.open(index));
        let mut current = Current { file: index, wanting };
        if matches!(&opened, Ok(open) if open.was.is_some()) {
            self.lanes.reads_card(false);
            if self.relay_answers() && self.read(&mut current, opened)? == Read::Settled {
                return Some(());
            }
            opened = self.open_on_card(index);
        }
        self.lanes.reads_card(true);
        // Not reached then; the account says so at the end.
        if self.card_gone.is_none() {
            self.read(&mut current, opened)?;
        }
        if self.card_gone.is_some() {
            self.lost.push(index);
        }
        Some(())
    }

    fn relay_answers(&self) -> bool {
        self.relay.as_ref().is_some_and(|relay| relay.answers())
    }

    /// Nothing more comes from the card. Where a relay has files that are still wanted the run goes on with those.
    fn card_is_gone(&mut self, fault: Fault) {
        self.card_gone.get_or_insert(fault);
        if !self.relay_answers() {
            self.lanes.stop(Stop::CardGone(fault));
        }
    }

    /// Opens a file where the drive of the first pass has it, else on the card.
    fn open(&mut self, index: u32) -> Result<Open, Fault> {
        match self.relay.as_mut().and_then(|relay| relay.open(self.lanes.card, index)) {
            Some((file, was)) => Ok(Open { file, was: Some(was) }),
            None => self.open_on_card(index),
        }
    }

    fn open_on_card(&mut self, index: u32) -> Result<Open, Fault> {
        if let Some(fault) = self.card_gone {
            return Err(fault);
        }
        let card = self.lanes.card;
        let file = self.source.open(card, &card.files[index as usize], false)?;
        Ok(Open { file, was: None })
    }

    fn read(&mut self, current: &mut Current, opened: Result<Open, Fault>) -> Option<Read> {
        let mut open = match opened {
            Ok(open) => open,
            Err(fault) => {
                self.bad(current, fault);
                return Some(Read::Settled);
            }
        };
        if open.file.opened().size <= PACKED {
            return self.packed(current, &mut open);
        }
        self.send_pack()?;
        let sent = self.pieces(current, &mut open);
        open.file.forget();
        sent
    }

    fn packed_bytes(&self) -> u64 {
        self.pack.as_ref().map_or(0, |pack| pack.used as u64)
    }

    fn packed(&mut self, current: &Current, open: &mut Open) -> Option<Read> {
        let before = open.file.opened();
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
        let filled = self.fill(current.file, open, &mut pack.buffer.space()[range.clone()], 0, &mut bad);
        let whole = filled.map(|n| (n == size).then(|| Digester::whole(&pack.buffer.space()[range.clone()])));
        let read = match self.settle(current.file, open, whole, bad) {
            Some(Ok(Some(end))) => {
                pack.used += size;
                pack.files.push(Packed { file: current.file, range, end });
                Read::Settled
            }
            Some(Ok(None)) => {
                self.lanes.failed(&current.wanting, &Reason::Changed);
                Read::Settled
            }
            Some(Err(fault)) => {
                self.bad(current, fault);
                Read::Settled
            }
            None => Read::NotFromThere,
        };
        let full = pack.files.len() >= PACK_FILES;
        self.pack = Some(pack);
        if full {
            self.send_pack()?;
        }
        Some(read)
    }

    fn send_pack(&mut self) -> Option<()> {
        match self.pack.take() {
            Some(mut pack) if !pack.files.is_empty() => {
                pack.buffer.set_len(pack.used);
                self.lanes.send_all(Message::Pack(Arc::new(pack)))
            }
            pack => {
                self.pack = pack;
                Some(())
            }
        }
    }

    fn pieces(&mut self, current: &mut Current, open: &mut Open) -> Option<Read> {
        let before = open.file.opened();
        self.lanes.send(&current.wanting, Message::Begin { file: current.file, size: before.size })?;
        let mut digester = Digester::new();
        let mut bad = Vec::new();
        let mut offset = 0;
        while offset < before.size {
            if self.lanes.watch.stop_requested() {
                self.lanes.stop(Stop::Asked);
            }
            self.lanes.leave_out_done(&mut current.wanting)?;
            if current.wanting.is_empty() {
                return Some(Read::Settled);
            }
            if open.was.is_some() && !self.relay_answers() {
                self.lanes.send(&current.wanting, Message::Drop)?;
                return Some(Read::NotFromThere);
            }
            let mut buffer = self.buffer()?;
            let len = (before.size - offset).min(buffer.capacity() as u64) as usize;
            // The whole buffer where the file ends within it: O_DIRECT takes whole blocks only.
            let len = len.next_multiple_of(ALIGN);
            let n = match self.fill(current.file, open, &mut buffer.space()[..len], offset, &mut bad) {
                Ok(0) => break,
                Ok(n) => n,
                Err(fault) => {
                    self.lanes.send(&current.wanting, Message::Drop)?;
                    if open.was.is_some() {
                        return Some(Read::NotFromThere);
                    }
                    self.bad(current, fault);
                    return Some(Read::Settled);
                }
            };
            buffer.set_len(n);
            digester.write(buffer.filled());
            offset += n as u64;
            self.lanes.send(&current.wanting, Message::Data(Arc::new(buffer)))?;
        }
        let whole = Ok((offset == before.size).then(|| digester.finish()));
        let settled = self.settle(current.file, open, whole, bad);
        if let Some(Ok(Some(end))) = settled {
            self.lanes.send(&current.wanting, Message::End(Arc::new(end)))?;
            return Some(Read::Settled);
        }
        self.lanes.send(&current.wanting, Message::Drop)?;
        match settled {
            None => return Some(Read::NotFromThere),
            Some(Err(fault)) => self.bad(current, fault),
            Some(Ok(_)) => self.lanes.failed(&current.wanting, &Reason::Changed),
        }
        Some(Read::Settled)
    }

    fn look_ahead(&mut self, at: usize) {
        self.next = self.next.max(at);
        while self.ahead.len() < AHEAD && self.next < self.files.len() {
            let (index, waiting) = (self.files[self.next], self.packed_bytes());
            let file = &self.lanes.card.files[index as usize];
            if self.lanes.wanting(index, waiting, false).is_empty() {
                return;
            }
            if file.size >= LARGE {
                // Large files keep the card busy by themselves; opening goes on behind this one.
                if self.next == at {
                    self.next += 1;
                }
                return;
            }
            let opened = self.open(index);
            if let Ok(open) = &opened {
                open.file.prefetch();
            }
            self.ahead.push_back((self.next, opened));
            self.next += 1;
        }
    }

    fn buffer(&mut self) -> Option<Buffer> {
        match self.empty.try_recv() {
            Ok(buffer) => Some(buffer),
            Err(TryRecvError::Disconnected) => None,
            Err(TryRecvError::Empty) => {
                let begin = clock::monotonic();
                let buffer = self.wait_for_buffer()?;
                let ms = (clock::monotonic().saturating_sub(begin)).as_millis() as u64;
                self.lanes.watch.event(Event::Waited { side: Side::Drive, ms });
                Some(buffer)
            }
        }
    }

    fn wait_for_buffer(&mut self) -> Option<Buffer> {
        loop {
            match self.empty.recv_timeout(Duration::from_millis(100)) {
                Ok(buffer) => return Some(buffer),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.lanes.watch.stop_requested() {
                self.lanes.stop(Stop::Asked);
            }
            let silent = self.lanes.leave_silent();
            self.spare += (silent - self.replaced) * BUFFERS;
            self.replaced = silent;
            if self.lanes.stopped() && silent > 0 {
                return None;
            }
            if let Some(left) = self.spare.checked_sub(1) {
                self.spare = left;
                return Some(Buffer::new(CHUNK));
            }
        }
    }
}
