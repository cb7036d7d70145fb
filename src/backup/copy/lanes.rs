//! The drives as the reader sees them: which of them still want a file, and what is sent to whom.

use super::context::Context;
use super::message::Message;
use super::result::Shared;
use super::room::Room;
use crate::backup::events::{Event, Watch};
use crate::backup::reason::{Reason, Stop};
use crate::backup::scan::Card;
use crate::system::clock;
use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

/// So long a drive may take for one call while another waits for it. The kernel itself gives a SCSI command, which is
/// what USB storage speaks, 30 s (`SD_TIMEOUT`), and then tries to reset the device.
const PATIENCE: Duration = Duration::from_secs(60);

/// And so long once a stop was asked for.
const PATIENCE_WHEN_STOPPING: Duration = Duration::from_secs(2);

/// Between two looks at a queue that is full, at first and at most; it holds several times what is written meanwhile.
const PAUSES: (Duration, Duration) = (Duration::from_micros(100), Duration::from_millis(5));

/// The way to one drive.
pub struct Lane<'a> {
    context: &'a Context<'a>,
    result: &'a Shared<'a>,
    writer: SyncSender<Message>,
    room: Room,
    /// It did not answer, and gets nothing more.
    left_behind: Cell<bool>,
}

/// A drive that wants a file: its place among the lanes, and its own job.
pub type Wanting = Vec<(usize, u32)>;

/// All drives of a run.
pub struct Lanes<'a> {
    pub card: &'a Card,
    pub watch: &'a dyn Watch,
    lanes: Vec<Lane<'a>>,
}

impl<'a> Lane<'a> {
    pub fn new(context: &'a Context<'a>, result: &'a Shared<'a>, writer: SyncSender<Message>) -> Self {
        let room = Room::asked_when_low();
        Lane { context, result, writer, room, left_behind: Cell::new(false) }
    }
}

impl<'a> Lanes<'a> {
    /// `None` without any drive.
    pub fn new(lanes: Vec<Lane<'a>>) -> Option<Self> {
        let first = lanes.first()?.context;
        Some(Lanes { card: first.card, watch: first.watch, lanes })
    }

    /// Files of the card that any drive wants, in the card's order.
    pub fn files(&self) -> Vec<u32> {
        let mut files: Vec<u32> =
            self.lanes.iter().flat_map(|lane| lane.context.jobs.iter().map(|job| job.file)).collect();
        files.sort_unstable();
        files.dedup();
        files
    }

    /// Drives that want a file of the card and have room for it, with what waits to be sent to them. With `tell` the
    /// others are told that they get none.
    pub fn wanting(&mut self, file: u32, waiting: u64, tell: bool) -> Wanting {
        let size = self.card.files[file as usize].size;
        let mut wanting = Vec::new();
        for (at, lane) in self.lanes.iter_mut().enumerate() {
            let Some(job) = lane.context.job_of(file).filter(|_| !lane.result.stopped()) else { continue };
            // A drive that does not answer is the writer's to tell.
            let drive = lane.context.drive;
            match lane.room.refuses(drive, size.saturating_add(waiting)).unwrap_or_default() {
                Some(reason) if tell => lane.result.failed(job, reason),
                Some(_) => {}
                None => wanting.push((at, job)),
            }
        }
        wanting
    }

    /// Counts a file as on its way.
    pub fn take(&mut self, wanting: &Wanting, bytes: u64) {
        for (at, _) in wanting {
            self.lanes[*at].room.take(bytes);
        }
    }

    /// The card can't give a file to those who want it.
    pub fn failed(&self, wanting: &Wanting, reason: &Reason) {
        wanting.iter().for_each(|(at, job)| self.lanes[*at].result.failed(*job, reason.clone()));
    }

    /// Says whether what the drives wait for now comes from the card.
    pub fn reads_card(&self, card: bool) {
        self.lanes.iter().for_each(|lane| lane.context.from_card.store(card, Ordering::Relaxed));
    }

    /// Ends the run on all drives: the card is gone, or a stop was asked for.
    pub fn stop(&self, stop: Stop) {
        self.lanes.iter().for_each(|lane| lane.result.stop(stop));
    }

    /// Ends the run early on the drives that still want one of these files.
    pub fn stop_without(&self, lost: &[u32], stop: Stop) {
        for Lane { context, result, .. } in &self.lanes {
            let wants = |file: &u32| context.job_of(*file).is_some_and(|job| !result.is_settled(job));
            if lost.iter().any(wants) {
                result.stop(stop);
            }
        }
    }

    /// Tells whether no drive goes on.
    pub fn stopped(&self) -> bool {
        self.lanes.iter().all(|lane| lane.result.stopped())
    }

    /// Leaves out the drives for which the rest of a file is of no use: they refused it, or ended.
    pub fn leave_out_done(&self, wanting: &mut Wanting) -> Option<()> {
        let done = |at: usize, job: u32| {
            let result = self.lanes[at].result;
            result.stopped() || result.is_settled(job)
        };
        let gone: Wanting = wanting.iter().copied().filter(|(at, job)| done(*at, *job)).collect();
        wanting.retain(|one| !gone.contains(one));
        self.send(&gone, Message::Drop)
    }

    /// Sends to those who want it. `None` when nobody listens any more.
    pub fn send(&self, wanting: &Wanting, message: Message) -> Option<()> {
        self.hand_out(wanting.iter().map(|(at, _)| &self.lanes[*at]), message)
    }

    /// Sends to all drives; each takes what it wants.
    pub fn send_all(&self, message: Message) -> Option<()> {
        self.hand_out(self.lanes.iter(), message)
    }

    /// Goes on without the drives that do not answer, and returns how many these are by now.
    pub fn leave_silent(&self) -> usize {
        self.lanes.iter().filter(|lane| self.is_left_behind(lane)).count()
    }

    /// Nothing of a message stays here, so that the last writer who is done with its buffer is the one who gives it back.
    fn hand_out<'b>(&'b self, lanes: impl Iterator<Item = &'b Lane<'a>>, message: Message) -> Option<()>
    where
        'a: 'b,
    {
        let mut lanes = lanes.filter(|lane| !lane.left_behind.get()).peekable();
        while let Some(lane) = lanes.next() {
            if lanes.peek().is_none() {
                return self.hand_to(lane, message);
            }
            self.hand_to(lane, message.clone())?;
        }
        Some(())
    }

    fn hand_to(&self, lane: &Lane<'_>, mut message: Message) -> Option<()> {
        let (mut pause, longest) = PAUSES;
        loop {
            message = match lane.writer.try_send(message) {
                Ok(()) => return Some(()),
                Err(TrySendError::Disconnected(_)) => return None,
                Err(TrySendError::Full(back)) => back,
            };
            if self.is_left_behind(lane) {
                return Some(());
            }
            clock::sleep(pause);
            pause = (pause * 2).min(longest);
        }
    }

    /// Tells whether a drive that others wait for does not answer any more. Alone, it is waited for: the kernel ends
    /// what it can't do.
    fn is_left_behind(&self, lane: &Lane<'_>) -> bool {
        if lane.left_behind.get() {
            return true;
        }
        let others = self.lanes.iter().any(|other| {
            !std::ptr::eq(other.context, lane.context) && !other.left_behind.get() && !other.result.stopped()
        });
        let (patience, stop) = match (self.watch.stop_requested(), others) {
            (true, _) => (PATIENCE_WHEN_STOPPING, Stop::Asked),
            (false, true) => (PATIENCE, Stop::DriveSilent),
            (false, false) => return false,
        };
        if lane.context.pulse.silence() < patience {
            return false;
        }
        lane.left_behind.set(true);
        if stop == Stop::DriveSilent && !lane.result.stopped() {
            lane.context.watch.event(Event::Warning { text: SILENT.into() });
        }
        lane.result.stop(stop);
        true
    }
}

/// Said at once of a drive that is left behind; the end of the run still waits for it.
const SILENT: &str = "the drive does not answer: the others go on without it";
