//! A file that is being read: the card's own, or a drive's copy of it.

use super::message::ReadEnd;
use super::relay::Was;
use crate::backup::digest::Digest;
use crate::system::volume::{Fault, InFile};

/// The content of a file that was read: none where it ended early.
pub type Whole = Result<Option<Digest>, Fault>;

/// Facts of a file that was read whole, or why it was not; nothing of one that changed meanwhile. None where it is a drive's
/// copy and not just what the card gave.
pub type Settled = Option<Result<Option<ReadEnd>, Fault>>;

/// An open file.
pub struct Open {
    pub file: InFile,
    /// The content that it must have, where it is a drive's copy of the card's file.
    pub was: Option<Was>,
}

impl Open {
    /// Says what a file held.
    pub fn settle(&self, whole: Whole, bad: Vec<(u64, u64)>) -> Settled {
        let before = self.file.opened();
        match (self.was, whole) {
            (Some(was), Ok(Some(digest))) if digest.hash == was.hash => {
                Some(Ok(Some(ReadEnd { digest, stat: was.stat, bad })))
            }
            (Some(_), _) => None,
            (None, Ok(Some(digest))) => Some(self.file.stat().map(|after| {
                let stat = before;
                (after == before).then_some(ReadEnd { digest, stat, bad })
            })),
            (None, Ok(None)) => Some(Ok(None)),
            (None, Err(fault)) => Some(Err(fault)),
        }
    }
}
