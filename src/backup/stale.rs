//! Leftovers of a killed run: its temporary files, found by its own random name, and nothing else.

use super::drive::{Drive, is_temp_of};
use super::names::DEEPEST;
use crate::system::volume::{Dir, Fault, FaultKind, FileKind};

/// Removes the temporary files of these runs from the label's folders. Only plain files whose names carry a run's
/// random part are touched. Returns how many there were.
///
/// # Errors
/// When the drive does not answer.
pub fn remove(drive: &Drive, runs: &[String]) -> Result<u64, Fault> {
    if runs.is_empty() {
        return Ok(0);
    }
    let mut removed = 0;
    if let Some(lists) = drive.own(&[b"mhl", drive.label.as_bytes()])? {
        removed += walk(&lists, runs, 0)?;
    }
    match drive.root.sub(drive.label.as_bytes()) {
        Ok(tree) => Ok(removed + walk(&tree, runs, 0)?),
        Err(fault) if fault.kind() == FaultKind::Missing => Ok(removed),
        Err(fault) => Err(fault),
    }
}

fn walk(dir: &Dir, runs: &[String], depth: usize) -> Result<u64, Fault> {
    let mut removed = 0;
    // No backup writes deeper.
    if depth >= DEEPEST {
        return Ok(0);
    }
    let mut here = 0;
    let entries = match dir.list() {
        // A folder that can't be opened holds nothing that a run could have written.
        Err(fault) if !fault.ends_the_drive() => return Ok(0),
        answer => answer?,
    };
    for entry in entries {
        let kind = match entry.kind {
            Some(kind) => kind,
            None => match dir.stat(&entry.name)? {
                Some(stat) => stat.kind,
                None => continue,
            },
        };
        match kind {
            FileKind::File if runs.iter().any(|run| is_temp_of(run, &entry.name)) => {
                dir.unlink(&entry.name)?;
                here += 1;
            }
            FileKind::Directory => match dir.sub(&entry.name) {
                Ok(sub) => removed += walk(&sub, runs, depth + 1)?,
                // So again.
                Err(fault) if fault.ends_the_drive() => return Err(fault),
                Err(_) => {}
            },
            _ => {}
        }
    }
    if here > 0 {
        // Gone for good, before the manifest that knows them may go.
        dir.sync()?;
    }
    Ok(removed + here)
}
