//! Parts of the card that were read to compare them: for the next drive they are not read again.

use super::adopted::Seen;
use super::samples::Samples;
use std::collections::HashMap;

/// Samples and contents.
#[derive(Debug)]
pub struct CardSeen {
    pub samples: Samples,
    /// By index into the card's files; none of a file that could not be read. Not kept for a single drive.
    contents: Option<HashMap<u32, Option<Seen>>>,
}

impl CardSeen {
    /// Nothing yet.
    #[must_use]
    pub fn new(drives: usize) -> Self {
        CardSeen { samples: Samples::new(drives > 1), contents: (drives > 1).then(HashMap::new) }
    }

    /// The content of the `at`-th file, if an earlier drive asked for it.
    #[must_use]
    pub fn content(&self, at: u32) -> Option<Option<Seen>> {
        self.contents.as_ref()?.get(&at).copied()
    }

    /// Keeps it for the drives that follow.
    pub fn keep(&mut self, at: u32, seen: Option<Seen>) {
        if let Some(contents) = &mut self.contents {
            contents.insert(at, seen);
        }
    }
}
