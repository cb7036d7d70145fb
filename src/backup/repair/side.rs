//! One of the drives that heal each other.

use crate::backup::drive::Drive;
use crate::backup::label::Label;
use crate::backup::manifest::Runs;
use crate::backup::untracked::{self, UntrackedFile};
use crate::error::Problem;
use crate::system::volume::Lock;
use crate::ui::visible;
use std::path::Path;

/// One drive, open and locked.
pub struct Side {
    pub drive: Drive,
    pub runs: Runs,
    pub untracked: Vec<UntrackedFile>,
    _lock: Lock,
}

impl Side {
    pub fn open(label: &Label, path: &Path) -> anyhow::Result<Self> {
        let mut drive = Drive::open(path, label.clone())?;
        let lock = drive.lock()?;
        let runs = drive.runs()?;
        let untracked = untracked::find(&mut drive, &runs)
            .map_err(|fault| Problem::failed(format!("the backup of {label} can't be listed: {fault}")))?
            .files;
        Ok(Side { drive, runs, untracked, _lock: lock })
    }

    /// Tells whether records are gone that there were.
    pub fn lost_records(&self) -> bool {
        !self.runs.damage.is_empty() || (self.runs.count == 0 && !self.untracked.is_empty())
    }

    pub fn shown(&self) -> String {
        visible(&self.drive.path.to_string_lossy())
    }
}
