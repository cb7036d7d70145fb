//! Bytes of a file: of the card with all that can go wrong there, or of the relay.

use super::{Current, Reader};
use crate::backup::copy::open::{Open, Settled, Whole};
use crate::backup::copy::rescue;
use crate::backup::reason::{Reason, Stop};
use crate::system::volume::{Fault, FaultKind};

impl Reader<'_, '_, '_> {
    /// As [`Open::settle`]; the relay takes note.
    pub(super) fn settle(&mut self, file: u32, open: &Open, whole: Whole, bad: Vec<(u64, u64)>) -> Settled {
        let came = whole.is_ok();
        let settled = open.settle(whole, bad);
        if let Some(relay) = self.relay.as_mut().filter(|_| open.was.is_some() && came) {
            if settled.is_some() { relay.gave() } else { relay.differs(file) }
        }
        settled
    }

    /// Fills a buffer; where the card can't read a part, rescues what is around it.
    pub(super) fn fill(
        &mut self,
        at: u32,
        open: &mut Open,
        space: &mut [u8],
        offset: u64,
        bad: &mut Vec<(u64, u64)>,
    ) -> Result<usize, Fault> {
        let card = self.lanes.card;
        let file = &card.files[at as usize];
        if open.was.is_some() {
            return match &mut self.relay {
                Some(relay) => relay.read_at(at, &mut open.file, space, offset),
                None => open.file.read_at(space, offset),
            };
        }
        let open = &mut open.file;
        match open.read_at(space, offset) {
            Ok(n) => {
                self.source.was_good(card, file, offset);
                Ok(n)
            }
            Err(fault) if self.source.is_gone(fault, at) => {
                self.card_is_gone(fault);
                Err(fault)
            }
            Err(_) => {
                let size = open.opened().size;
                let len = size.saturating_sub(offset).min(space.len() as u64) as usize;
                let source = &mut *self.source;
                let lanes = &self.lanes;
                let mut gone = None;
                let rescued = rescue::read(open, &mut space[..len], offset, bad, &mut |fault| {
                    if source.is_gone(fault, at) {
                        gone = Some(fault);
                    }
                    gone.is_some() || lanes.stopped()
                });
                if let Some(fault) = gone {
                    self.card_is_gone(fault);
                }
                let good = rescued?;
                if let Some(good) = good {
                    self.source.was_good(card, file, good);
                }
                Ok(len)
            }
        }
    }

    pub(super) fn bad(&mut self, current: &Current, fault: Fault) {
        if fault.kind() == FaultKind::Exhausted {
            self.lanes.stop(Stop::Exhausted(fault));
        }
        // The account says of this file, as of all that follow, that the run ended.
        if self.lanes.stopped() || self.card_gone.is_some() {
            return;
        }
        if self.source.is_gone(fault, current.file) {
            self.card_is_gone(fault);
            return;
        }
        self.lanes.failed(&current.wanting, &Reason::Unreadable(fault));
    }
}
