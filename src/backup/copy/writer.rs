//! The writer: temporary files on the drive, filled as the reader goes.

use super::batch::{Batch, Pending};
use super::context::{CHUNK, Context};
use super::message::{Message, ReadEnd};
use super::result::Shared;
use super::room::Room;
use crate::backup::drive::{self, DestFolder};
use crate::backup::events::{Event, Side, total};
use crate::backup::reason::{Reason, Stop};
use crate::backup::source::LARGE;
use crate::system::clock;
use crate::system::volume::{ALIGN, Buffer, Fault, FaultKind, OutFile};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError};
use std::time::Duration;

/// Bytes of a file that may be on their way to the device before the writer waits: the progress bar tells the truth
/// within this many chunks, and a slow drive can't fill the memory.
const IN_FLIGHT: usize = 4;

/// Writes what the reader sends and hands over batches, until the reader is done.
pub fn run(
    context: &Context<'_>,
    result: &Shared<'_>,
    reader: Receiver<Message>,
    give_back: &Sender<Buffer>,
    committer: SyncSender<Batch>,
    batch_files: usize,
) {
    let mut writer = Writer {
        context,
        result,
        give_back,
        committer,
        open: None,
        place: None,
        batch: Batch::default(),
        batch_files,
        room: Room::asked_often(),
        to_come: total(context.jobs.iter().map(|job| context.card.files[job.file as usize].size)),
        next_job: 0,
        temps: 0,
        again: None,
    };
    while let Some(message) = writer.next(&reader) {
        context.pulse.beat();
        writer.take(message);
    }
    writer.abandon();
    writer.hand_over();
}

struct Writer<'a> {
    context: &'a Context<'a>,
    result: &'a Shared<'a>,
    give_back: &'a Sender<Buffer>,
    committer: SyncSender<Batch>,
    open: Option<Open>,
    /// The folder of the card that was used last, and its place on the drive.
    place: Option<(u32, DestFolder)>,
    batch: Batch,
    /// So many files are in a batch at most.
    batch_files: usize,
    room: Room,
    /// Bytes of the files that were not begun yet, and the first of these jobs.
    to_come: u64,
    next_job: u32,
    temps: u64,
    /// A job whose file was dropped, and how many of its bytes were told as written.
    again: Option<(u32, u64)>,
}

/// The file being written.
struct Open {
    job: u32,
    file: OutFile,
    temp: Vec<u8>,
    place: DestFolder,
    offset: u64,
    direct: bool,
    in_flight: VecDeque<(u64, u64)>,
    /// Bytes told as written, and those of them that an earlier try of this file told.
    told: u64,
    told_before: u64,
}

impl Writer<'_> {
    /// The next message; a batch that grows old while none comes is handed over.
    fn next(&mut self, reader: &Receiver<Message>) -> Option<Message> {
        match reader.try_recv() {
            Ok(message) => return Some(message),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => {}
        }
        let begin = clock::monotonic();
        loop {
            match reader.recv_timeout(Duration::from_millis(500)) {
                Ok(message) => {
                    let ms = clock::monotonic().saturating_sub(begin).as_millis() as u64;
                    if ms > 0 && self.context.from_card.load(Ordering::Relaxed) {
                        self.context.watch.event(Event::Waited { side: Side::Card, ms });
                    }
                    return Some(message);
                }
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {
                    self.context.pulse.beat();
                    self.hand_over_if_full();
                }
            }
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Begin { file, size } => self.begin(file, size),
            Message::Data(buffer) => {
                self.data(buffer.filled());
                // Whoever is the last to have written it gives it back.
                if let Some(buffer) = Arc::into_inner(buffer) {
                    self.recycle(buffer);
                }
                // Files that are complete must not wait for the end of a long video.
                self.hand_over_if_full();
            }
            Message::End(end) => self.end(&end),
            Message::Pack(pack) => {
                for file in &pack.files {
                    self.begin(file.file, file.end.digest.len);
                    self.data(&pack.buffer.filled()[file.range.clone()]);
                    self.end(&file.end);
                }
                if let Some(pack) = Arc::into_inner(pack) {
                    self.recycle(pack.buffer);
                }
            }
            Message::Drop => self.abandon(),
        }
    }

    fn begin(&mut self, file: u32, size: u64) {
        self.abandon();
        // In a pack are files for other drives too, and such as this one has no room for.
        let Some(job) = self.context.job_of(file).filter(|job| !self.result.is_settled(*job)) else { return };
        self.has_come(job);
        if self.context.watch.stop_requested() {
            self.result.stop(Stop::Asked);
        }
        // What a pulled card gave before is still written; nothing new after Ctrl-C or on a drive that is gone.
        if self.result.no_more_files() {
            return;
        }
        if let Err(fault) = self.try_begin(job, size) {
            self.fail(job, fault);
        }
    }

    /// Takes from what is to come a job's file, and those before it that the reader left out.
    fn has_come(&mut self, job: u32) {
        for at in self.next_job..=job {
            let file = self.context.jobs[at as usize].file;
            self.to_come = self.to_come.saturating_sub(self.context.card.files[file as usize].size);
        }
        self.next_job = self.next_job.max(job + 1);
    }

    fn try_begin(&mut self, job: u32, size: u64) -> Result<(), Fault> {
        if let Some(reason) = self.room.refuses(self.context.drive, size)? {
            self.result.failed(job, reason);
            return Ok(());
        }
        let card = self.context.card;
        let folder = card.files[self.context.jobs[job as usize].file as usize].folder;
        let place = match &self.place {
            Some((at, place)) if *at == folder => place.clone(),
            _ => {
                let path = &card.folders[folder as usize].path;
                let place = match self.context.drive.make(path, &mut self.batch.changed) {
                    Err(fault)
                        if !matches!(fault.kind(), FaultKind::NoSpace | FaultKind::Exhausted)
                            && !self.context.drive.is_lost(fault) =>
                    {
                        self.result.failed(job, Reason::Folder(fault));
                        return Ok(());
                    }
                    answer => answer?,
                };
                self.place = Some((folder, place.clone()));
                place
            }
        };
        let temp = drive::temp_name(self.context.run, self.temps);
        self.temps += 1;
        let mut file = place.dir.create(&temp)?;
        let direct = size >= LARGE && self.context.drive.medium.direct_writes;
        if direct {
            file.go_direct();
        }
        let told_before = self.again.take().filter(|(again, _)| *again == job).map_or(0, |(_, told)| told);
        let in_flight = VecDeque::new();
        self.open = Some(Open { job, file, temp, place, offset: 0, direct, in_flight, told: 0, told_before });
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) {
        let Some(open) = &mut self.open else { return };
        match open.write(bytes) {
            Ok(written) => {
                self.room.take(bytes.len() as u64);
                open.tell(written, self.context);
            }
            Err(fault) => {
                let job = open.job;
                self.abandon();
                self.fail(job, fault);
            }
        }
    }

    fn end(&mut self, end: &ReadEnd) {
        let Some(mut open) = self.open.take() else { return };
        // Some file systems can't hold every date; the photo counts, and the manifest keeps its time.
        if let Err(fault) = open.file.set_mtime(end.stat.mtime)
            && fault.ends_the_drive()
        {
            self.fail(open.job, fault);
            return;
        }
        // Of a small file nothing is on its way yet: the batch's sync writes all of them in the best order.
        let left: u64 = open.in_flight.iter().map(|(_, len)| len).sum();
        open.tell(left, self.context);
        let Open { job, file, temp, place, .. } = open;
        let pending = Pending { job, file, temp, place, end: end.clone() };
        self.batch.add(pending, clock::monotonic());
        self.hand_over_if_full();
    }

    /// Forgets the file being written.
    fn abandon(&mut self) {
        if let Some(open) = self.open.take() {
            self.again = Some((open.job, open.told.max(open.told_before)));
            drop(open.file);
            // If this fails the drive is gone, and the next run removes the file.
            let _ = open.place.dir.unlink(&open.temp);
            self.room.forget();
        }
    }

    fn fail(&mut self, job: u32, fault: Fault) {
        self.room.forget();
        match fault.kind() {
            FaultKind::NoSpace => self.result.failed(job, self.context.drive.no_room(fault)),
            FaultKind::TooLarge => self.result.failed(job, Reason::TooLarge),
            FaultKind::Exhausted => self.result.stop(Stop::Exhausted(fault)),
            _ if fault.ends_the_drive() => self.result.stop(Stop::DriveGone(fault)),
            _ => self.result.failed(job, Reason::Refused(fault)),
        }
    }

    fn hand_over_if_full(&mut self) {
        if self.batch.is_full(clock::monotonic(), self.to_come, self.batch_files) {
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        if !self.batch.files.is_empty() || !self.batch.changed.is_empty() {
            // The committer listens until this sender is dropped.
            let _ = self.committer.send(std::mem::take(&mut self.batch));
        }
    }

    fn recycle(&self, buffer: Buffer) {
        // The reader may be done already.
        let _ = self.give_back.send(buffer);
    }
}

impl Open {
    /// Tells of bytes that have reached the device, each of them once.
    fn tell(&mut self, written: u64, context: &Context<'_>) {
        let before = self.told.max(self.told_before);
        self.told += written;
        let bytes = self.told.saturating_sub(before);
        if bytes > 0 {
            context.watch.event(Event::Written { bytes });
        }
    }

    /// Writes on; returns how many bytes have reached the device since the last call.
    fn write(&mut self, bytes: &[u8]) -> Result<u64, Fault> {
        self.file.write_at(bytes, self.offset)?;
        let (at, len) = (self.offset, bytes.len() as u64);
        self.offset += len;
        if self.direct && bytes.len().is_multiple_of(ALIGN) {
            return Ok(len);
        }
        self.in_flight.push_back((at, len));
        if bytes.len() < CHUNK {
            return Ok(0);
        }
        self.file.start_writeback(at, len)?;
        if self.in_flight.len() <= IN_FLIGHT {
            return Ok(0);
        }
        let Some((at, len)) = self.in_flight.pop_front() else { return Ok(0) };
        self.file.wait_writeback(at, len)?;
        Ok(len)
    }
}
