//! `backup --mirror`: what is no longer on the card moves to `.piback/removed/RUN/LABEL/`; nothing is deleted.

use super::drive::{self, Drive};
use super::manifest::{Index, Log, Record, to_text};
use super::matched::Matched;
use super::scan::{self, Card};
use crate::error::Problem;
use crate::system::volume::{Dir, Fault, FaultKind};

/// A file on the drive that piback put there and that is not on the card any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Below the label's folder.
    pub dest: Vec<u8>,
}

/// Which files would move. Only files that once came from a card are ever meant: what others put on the drive stays,
/// and so does what was taken over after manifests were lost.
///
/// # Errors
/// When the card is empty, or more than half of the backup is not on it: that is a formatted card, or another
/// card of the same label, and no reason to move a backup away.
pub fn plan(card: &Card, index: &Index, matched: &Matched) -> anyhow::Result<Vec<Removal>> {
    let present =
        || index.dests().filter(|k| k.is_vouched() && !k.is_outside() && index.moved_to(k.dest).is_none());
    let gone: Vec<Removal> = present()
        .filter(|k| !matched.used.contains(k.dest))
        .map(|k| Removal { dest: k.dest.to_vec() })
        .collect();
    let present = present().count();
    if gone.is_empty() {
        return Ok(gone);
    }
    if card.files.is_empty() || matched.stop.is_some() || gone.len() * 2 > present {
        return Err(Problem::failed(format!(
            "--mirror would move {} of {} files out of the backup: this card was formatted, or is another one",
            gone.len(),
            present
        ))
        .hint("without --mirror nothing is moved, and everything on the card is backed up")
        .into());
    }
    Ok(gone)
}

/// Moves them, and names them. The record comes first: whatever is cut off in between, the manifest knows both places.
///
/// # Errors
/// When the drive does not take it.
pub fn run(
    drive: &mut Drive,
    run: &str,
    log: &mut Log,
    removals: Vec<Removal>,
) -> Result<Vec<String>, Fault> {
    let mut moved = Vec::new();
    for batch in removals.chunks(256) {
        let to = |dest: &[u8]| {
            [drive::OWN, b"/removed/", run.as_bytes(), b"/", drive.label.as_bytes(), b"/", dest].concat()
        };
        let records: Vec<Record> = batch
            .iter()
            .map(|r| Record::Moved { dest: to_text(&r.dest), to: to_text(&to(&r.dest)) })
            .collect();
        log.append(records)?;
        let mut touched: Vec<Dir> = Vec::new();
        for removal in batch {
            let (folder, name) = scan::split_path(&removal.dest);
            let Some(from) = drive.exact(folder)? else { continue };
            let mut path: Vec<&[u8]> = vec![b"removed", run.as_bytes(), drive.label.as_bytes()];
            path.extend(folder.split(|b| *b == b'/').filter(|part| !part.is_empty()));
            let target = drive.make_own(&path)?;
            match from.rename(name, &target, name) {
                Ok(()) => moved.push(to_text(&removal.dest)),
                Err(fault) if fault.kind() == FaultKind::Missing => {}
                Err(fault) => return Err(fault),
            }
            if !touched.iter().any(|dir| dir.inode() == from.inode()) {
                touched.push(from.again()?);
            }
            if !touched.iter().any(|dir| dir.inode() == target.inode()) {
                touched.push(target);
            }
        }
        for dir in touched {
            dir.sync()?;
        }
    }
    Ok(moved)
}
