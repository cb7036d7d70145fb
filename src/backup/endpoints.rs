//! The two ends of a run, opened and checked: the card is a card, the drive is a drive, and neither is the other.

use super::drive::{self, Drive};
use super::label::Label;
use super::source::Source;
use crate::error::Problem;
use crate::system::volume::{Dir, FaultKind};
use crate::ui::visible;
use std::path::{Path, PathBuf};

/// Where a card's files are and where they go; how these were found is the caller's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    pub label: Label,
    /// The card's root.
    pub source: PathBuf,
    /// The drive's root: the label's folder and piback's own lie below it.
    pub dest: PathBuf,
}

impl Endpoints {
    /// Opens both. Writes nothing.
    ///
    /// # Errors
    /// When one is not there, they overlap, or they look swapped.
    pub fn open(&self) -> anyhow::Result<(Source, Drive)> {
        let root = Dir::open(&self.source)
            .map_err(|fault| Problem::failed(format!("card {}: {fault}", shown(&self.source))))?;
        let source = Source::new(root)
            .map_err(|fault| Problem::failed(format!("card {}: {fault}", shown(&self.source))))?;
        let drive = Drive::open(&self.dest, self.label.clone())?;
        self.check(&source.root, &drive.root)?;
        Ok((source, drive))
    }

    fn check(&self, source: &Dir, dest: &Dir) -> anyhow::Result<()> {
        let (card, drive) = (shown(&self.source), shown(&self.dest));
        let has = |dir: &Dir, name: &[u8]| dir.stat(name).ok().flatten().is_some();
        if dest.is_within(source)? {
            return Err(Problem::failed(format!("the drive {drive} is the card {card}, or lies on it"))
                .hint("a backup goes to another drive: --dest DIR")
                .into());
        }
        if source.is_within(dest)? {
            return Err(Problem::failed(format!("the card {card} lies on the drive {drive}"))
                .hint("a card is backed up to another drive: --dest DIR")
                .into());
        }
        if has(source, drive::OWN) {
            return Err(Problem::failed(format!("{card} is a drive with backups, not a card"))
                .hint("card and drive may be swapped: --source is the card, --dest the drive")
                .into());
        }
        if has(dest, b"DCIM") && !has(dest, drive::OWN) {
            return Err(Problem::failed(format!(
                "{drive} has a DCIM folder: it looks like a card, not a drive"
            ))
            .hint("card and drive may be swapped: --source is the card, --dest the drive")
            .into());
        }
        if let Err(fault) = dest.sub(self.label.as_bytes())
            && fault.kind() != FaultKind::Missing
        {
            return Err(Problem::failed(format!("{drive}/{}: {fault}", self.label))
                .hint("it must be a plain folder on the drive itself")
                .into());
        }
        Ok(())
    }
}

fn shown(path: &Path) -> String {
    visible(&path.to_string_lossy())
}
