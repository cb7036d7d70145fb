//! Events of a run while it works. `backup/` knows no screen: whoever watches draws.

use serde::{Deserialize, Serialize};

/// Files and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub files: u64,
    pub bytes: u64,
}

impl Tally {
    pub fn add(&mut self, bytes: u64) {
        self.files += 1;
        // A damaged card may call a file larger than anything is.
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// The sum of sizes; the highest number there is where forged ones come to more.
#[must_use]
pub fn total(sizes: impl IntoIterator<Item = u64>) -> u64 {
    sizes.into_iter().fold(0, u64::saturating_add)
}

/// Which side the other one waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Card,
    Drive,
}

/// One step of a run. Paths are text that loses nothing: bytes that are no UTF-8 as `%E9`, `%` as `%25`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The card's tree is known.
    Scanned(Tally),
    /// A file's content is compared with what is on the drive under its name.
    Comparing { path: String, bytes: u64 },
    /// Counts of what is there and what will be copied, and how many bytes the drive is short of.
    Planned { safe: Tally, copy: Tally, free: u64, short: u64 },
    /// A file begins.
    Current { path: String },
    /// So many more bytes were handed to the drive's medium.
    Written { bytes: u64 },
    /// So many more bytes were read back from the medium.
    ReadBack { bytes: u64 },
    /// So many more files, with so many bytes, were compared, published and recorded: they are safe.
    Verified(Tally),
    /// So many more bytes were read and compared, by `verify` and `safe-to-format`.
    Checked(Tally),
    /// A file is not safely on the drive.
    NotSafe { path: String, why: String },
    /// Something that holds for the whole run and must be known at once.
    Warning { text: String },
    /// So many milliseconds were spent waiting for this side.
    Waited { side: Side, ms: u64 },
    /// A stop was asked for: the run ends at the next batch boundary, if there is another one.
    Stopping,
}

/// Follows a run. Called from several threads at once.
pub trait Watch: Sync {
    fn event(&self, event: Event);
    /// Takes a step that is about one of several drives.
    fn event_of(&self, drive: &str, event: Event);
    /// Tells whether the run should end at the next batch boundary.
    fn stop_requested(&self) -> bool;
}

/// Says of every step which of several drives it is about.
pub struct OfDrive<'a> {
    pub watch: &'a dyn Watch,
    /// The drive's path, as it can be shown.
    pub drive: String,
}

impl Watch for OfDrive<'_> {
    fn event(&self, event: Event) {
        self.watch.event_of(&self.drive, event);
    }

    fn event_of(&self, drive: &str, event: Event) {
        self.watch.event_of(drive, event);
    }

    fn stop_requested(&self) -> bool {
        self.watch.stop_requested()
    }
}
