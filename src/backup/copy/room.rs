//! Room on the drive: asked before a file is read, and again before it is written.

use crate::backup::drive::{Drive, RESERVE};
use crate::backup::reason::Reason;
use crate::system::clock;
use crate::system::volume::Fault;
use std::time::Duration;

/// Bytes that may still be written, as last looked at.
#[derive(Debug)]
pub struct Room {
    left: u64,
    looked: Option<Duration>,
    /// So long a look is believed where there is plenty.
    fresh_for: Duration,
}

impl Room {
    /// Asked once a second, by whoever waits for the drive in any case.
    #[must_use]
    pub fn asked_often() -> Self {
        Room { left: 0, looked: None, fresh_for: Duration::from_secs(1) }
    }

    /// Asked at the beginning and where it gets low: a drive that does not answer must not hold up who asks.
    #[must_use]
    pub fn asked_when_low() -> Self {
        Room { fresh_for: Duration::MAX, ..Self::asked_often() }
    }

    /// Reason why the drive can't hold one more file of this size, with room to spare for what goes with it.
    ///
    /// # Errors
    /// When the drive does not answer.
    pub fn refuses(&mut self, drive: &Drive, size: u64) -> Result<Option<Reason>, Fault> {
        if size > drive.medium.largest_file() {
            return Ok(Some(Reason::TooLarge));
        }
        let now = clock::monotonic();
        let fresh = self.looked.is_some_and(|at| now.saturating_sub(at) < self.fresh_for);
        // Small files far from the end need no new look each time.
        if !fresh || self.left < size.saturating_add(64 * RESERVE) {
            self.left = drive.root.space()?.free;
            self.looked = Some(now);
        }
        Ok((self.left < size.saturating_add(RESERVE)).then_some(Reason::NoSpace))
    }

    /// Counts bytes that were written since.
    pub fn take(&mut self, bytes: u64) {
        self.left = self.left.saturating_sub(bytes);
    }

    /// Asks the drive again next time: something was given back, or refused.
    pub fn forget(&mut self) {
        self.looked = None;
    }
}
