//! The drives as the reader sees them: which of them still want a file, and what is sent to whom.

use super::context::Context;
use super::message::Message;
use super::result::Shared;
use super::room::Room;
use crate::backup::events::Watch;
use crate::backup::reason::{Reason, Stop};
use crate::backup::scan::Card;
use std::sync::mpsc::SyncSender;

/// The way to one drive.
pub struct Lane<'a> {
    context: &'a Context<'a>,
    result: &'a Shared<'a>,
    writer: SyncSender<Message>,
    room: Room,
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
        Lane { context, result, writer, room: Room::default() }
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

    /// Ends the run on all drives: the card is gone, or a stop was asked for.
    pub fn stop(&self, stop: Stop) {
        self.lanes.iter().for_each(|lane| lane.result.stop(stop));
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
        hand_out(wanting.iter().map(|(at, _)| &self.lanes[*at].writer), message)
    }

    /// Sends to all drives; each takes what it wants.
    pub fn send_all(&self, message: Message) -> Option<()> {
        hand_out(self.lanes.iter().map(|lane| &lane.writer), message)
    }
}

/// Nothing of a message stays here, so that the last writer who is done with its buffer is the one who gives it back.
fn hand_out<'a>(writers: impl Iterator<Item = &'a SyncSender<Message>>, message: Message) -> Option<()> {
    let mut writers = writers.peekable();
    while let Some(writer) = writers.next() {
        if writers.peek().is_none() {
            return writer.send(message).ok();
        }
        writer.send(message.clone()).ok()?;
    }
    Some(())
}
