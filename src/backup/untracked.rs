//! Files below a label's folder that no record speaks of: somebody else's, or piback's own after manifests were lost.
//!
//! Nobody vouches for them. `verify` names them. A backup that finds the manifests damaged or gone takes them over
//! with the content that it meets ([`Record::Found`]), so that what happens to them from then on is noticed; they are
//! still not vouched for.

use super::drive::{self, Drive};
use super::events::{Event, Watch};
use super::manifest::{Log, Record, Runs, to_text};
use super::names;
use super::scan::{self, Card};
use super::source::{self, LARGE, PIECE};
use crate::system::volume::{Buffer, Fault, FaultKind};
use std::collections::HashSet;

/// A file without a record.
#[derive(Debug)]
pub struct UntrackedFile {
    /// Below the label's folder.
    pub dest: Vec<u8>,
    pub size: u64,
}

/// Findings of a look at a label's folder.
#[derive(Debug, Default)]
pub struct Untracked {
    pub files: Vec<UntrackedFile>,
    /// Temporary files of runs that were cut off, and what computers leave in every folder that they show.
    pub litter: u64,
    /// Things that are no file, or can't be looked into.
    pub odd: Vec<scan::Odd>,
}

/// Names all of them; reads none.
///
/// # Errors
/// When the drive does not answer.
pub fn find(drive: &mut Drive, runs: &Runs) -> Result<Untracked, Fault> {
    let mut untracked = Untracked::default();
    let tree = match drive.root.sub(drive.label.as_bytes()) {
        Ok(tree) => Card::scan_all(&tree)?,
        Err(fault) if fault.kind() == FaultKind::Missing => return Ok(untracked),
        Err(fault) => return Err(fault),
    };
    for file in &tree.files {
        let dest = tree.path(file);
        if runs.index.of_dest(&dest).is_some() {
            continue;
        }
        if drive::is_temp(tree.name(file)) || names::is_litter(tree.name(file)) {
            untracked.litter += 1;
        } else {
            untracked.files.push(UntrackedFile { dest, size: file.size });
        }
    }
    untracked.odd = tree.odd;
    if !untracked.files.is_empty() {
        known_by_another_name(drive, runs, &mut untracked.files)?;
    }
    Ok(untracked)
}

/// Leaves out files that a record calls by a name which is the same one to this drive: in other case, or (HFS+) in
/// another form of its accents.
fn known_by_another_name(
    drive: &mut Drive,
    runs: &Runs,
    untracked: &mut Vec<UntrackedFile>,
) -> Result<(), Fault> {
    if drive.ignores_case {
        let keeps_ends = drive.medium.keeps_ends();
        let one_name =
            |dest: &[u8]| names::fold(&if keeps_ends { dest.to_vec() } else { without_dots(dest) });
        let folded: HashSet<Vec<u8>> = runs.index.dests().map(|known| one_name(known.dest)).collect();
        untracked.retain(|file| !folded.contains(&one_name(&file.dest)));
    }
    if drive.medium.name != "hfsplus" || untracked.iter().all(|file| file.dest.is_ascii()) {
        return Ok(());
    }
    let mut inodes = HashSet::new();
    for known in runs.index.dests().filter(|known| !known.dest.is_ascii()) {
        inodes.extend(inode(drive, known.dest)?);
    }
    let mut left = Vec::new();
    for file in untracked.drain(..) {
        if !inode(drive, &file.dest)?.is_some_and(|inode| inodes.contains(&inode)) {
            left.push(file);
        }
    }
    *untracked = left;
    Ok(())
}

/// A path as drives show it that drop dots at the end of a name: backups of old have them on record.
fn without_dots(path: &[u8]) -> Vec<u8> {
    let end = |part: &[u8]| part.iter().rposition(|b| *b != b'.').map_or(0, |at| at + 1);
    let parts: Vec<&[u8]> = path.split(|b| *b == b'/').map(|part| &part[..end(part)]).collect();
    parts.join(&b'/')
}

fn inode(drive: &mut Drive, dest: &[u8]) -> Result<Option<u64>, Fault> {
    let found = drive.holding(dest).and_then(|found| found.map_or(Ok(None), |(dir, name)| dir.stat(name)));
    match found {
        Err(fault) if drive.is_lost(fault) => Err(fault),
        // What can't be looked at is none of the others.
        answer => Ok(answer.ok().flatten().map(|stat| stat.inode)),
    }
}

/// Records what these files hold now. Returns how many were taken over, and whether all were that can be read.
///
/// # Errors
/// When the drive does not take the records.
pub fn record_untracked(
    drive: &mut Drive,
    untracked: Untracked,
    log: &mut Log,
    watch: &dyn Watch,
) -> Result<(u64, bool), Fault> {
    let mut buffer = Buffer::new(PIECE);
    let mut taken = 0;
    for some in untracked.files.chunks(256) {
        let mut records = Vec::new();
        for file in some {
            if watch.stop_requested() {
                log.append(records)?;
                return Ok((taken, false));
            }
            let path = to_text(&file.dest);
            watch.event(Event::Comparing { path, bytes: file.size });
            let (dir, name) = match drive.holding(&file.dest) {
                Ok(Some(found)) => found,
                Err(fault) if drive.is_lost(fault) => return Err(fault),
                Ok(None) | Err(_) => continue,
            };
            let digest =
                dir.read(name, file.size >= LARGE).and_then(|mut f| source::digest_copy(&mut f, &mut buffer));
            match digest {
                Ok(Some(digest)) => {
                    let (dest, xxh128) = (to_text(&file.dest), format!("{:032x}", digest.hash));
                    records.push(Record::Found { dest, size: digest.len, xxh128 });
                    taken += 1;
                }
                Err(fault) if fault.kind() == FaultKind::Gone || !drive.root.device_present() => {
                    return Err(fault);
                }
                // It changes, or can't be read: it stays without a record, and `verify` names it.
                Ok(None) | Err(_) => {}
            }
        }
        log.append(records)?;
    }
    Ok((taken, true))
}
