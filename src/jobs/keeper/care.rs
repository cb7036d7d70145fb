//! The health of cards and drives: looked at beside everything else, for it takes its time.

use super::Inner;
use crate::system::clock;
use std::sync::{Arc, MutexGuard, PoisonError};

/// Of the thread that looks.
const STACK: usize = 1024 * 1024;

impl Inner {
    /// Looks how cards and drives are, where that is not known or was known too long ago; not while a job works on them.
    pub(super) fn care(inner: &Arc<Inner>) {
        let world = {
            let mut kept = inner.kept();
            if kept.queue.is_busy() || !kept.care.is_due(&kept.world, clock::monotonic()) {
                return;
            }
            kept.care.goes_on = true;
            kept.world.clone()
        };
        let own = Arc::clone(inner);
        let look = move || {
            let alone = own.nobody_cares();
            let facts = own.runner.health(&world);
            drop(alone);
            let changed = {
                let care = &mut own.kept().care;
                let changed = care.facts != facts;
                (care.facts, care.goes_on) = (facts, false);
                care.looked = Some((clock::monotonic(), world));
                changed
            };
            if changed {
                own.changed();
            }
        };
        let thread = std::thread::Builder::new().name("health".into()).stack_size(STACK);
        if thread.spawn(look).is_err() {
            inner.kept().care.goes_on = false;
        }
    }

    /// Waits until nobody looks: who does holds the drive that is to be taken off. Nobody does as long as the answer is held.
    pub(super) fn nobody_cares(&self) -> MutexGuard<'_, ()> {
        self.caring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
