//! The health of cards and drives: looked at beside everything else, for it takes its time.

use super::{Inner, turn};
use crate::system::clock;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

/// Of the thread that looks.
const STACK: usize = 1024 * 1024;
/// A look takes as long as the slowest drive; whoever has something better to do with another one waits so long for it.
const WAITS: Duration = Duration::from_secs(20);

impl Inner {
    /// Looks how cards and drives are, where that is not known or was known too long ago; not while a job works on them.
    pub(super) fn care(inner: &Arc<Inner>) {
        let world = {
            let mut kept = inner.kept();
            if kept.queue.is_busy() || !kept.care.is_due(&kept.world, clock::monotonic()) {
                return;
            }
            kept.care.begin();
            kept.world.clone()
        };
        let own = Arc::clone(inner);
        let look = move || {
            let alone = own.nobody_cares();
            // A job came in between.
            if alone.is_none() || own.kept().queue.is_busy() {
                return own.kept().care.give_up();
            }
            let facts = own.runner.health(&world);
            drop(alone);
            if own.kept().care.end(facts, world, clock::monotonic()) {
                own.changed();
            }
        };
        let thread = std::thread::Builder::new().name("health".into()).stack_size(STACK);
        if thread.spawn(look).is_err() {
            inner.kept().care.give_up();
        }
    }

    /// Waits until nobody looks: who does holds the drive that is to be taken off, and asks it things that a bridge bears badly
    /// beside a copy. Nobody does as long as the answer is held; none where a look does not come to its end.
    pub(super) fn nobody_cares(&self) -> Option<MutexGuard<'_, ()>> {
        turn(&self.caring, WAITS)
    }
}
