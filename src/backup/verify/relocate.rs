//! Files that were moved on the drive: sorted into albums, renamed, taken out of the label's folder. They are known by
//! size and content, wherever they are.

use super::check::Checker;
use crate::backup::drive::{self, Drive};
use crate::backup::events::{Event, Watch};
use crate::backup::manifest::{Known, to_text};
use crate::backup::names;
use crate::backup::reason::{Reason, Stop};
use crate::backup::scan::{self, Card};
use crate::backup::untracked::UntrackedFile;
use crate::system::volume::{Fault, FileKind};
use std::collections::HashSet;

/// A file of the records, and the place where it was found and read.
#[derive(Debug)]
pub struct Found {
    pub dest: Vec<u8>,
    pub to: Vec<u8>,
}

/// Looks for files that are not where their records say: among those of the label's folder that no record speaks of, and
/// then on all of the drive but other labels' folders. What is found goes out of `missing` and of `untracked`.
///
/// # Errors
/// When the run has to end.
pub fn find(
    checker: &mut Checker<'_>,
    missing: &mut Vec<Known<'_>>,
    untracked: &mut Vec<UntrackedFile>,
    watch: &dyn Watch,
) -> Result<Vec<Found>, Stop> {
    let mut found = among(checker, missing, untracked, watch)?;
    if !missing.is_empty() {
        let mut elsewhere = outside(checker).map_err(Stop::of_drive)?;
        found.extend(among(checker, missing, &mut elsewhere, watch)?);
    }
    if !missing.is_empty() {
        // On a drive that does not answer nothing is found either.
        checker.drive.root.list().map_err(Stop::of_drive)?;
    }
    Ok(found)
}

fn among(
    checker: &mut Checker<'_>,
    missing: &mut Vec<Known<'_>>,
    candidates: &mut Vec<UntrackedFile>,
    watch: &dyn Watch,
) -> Result<Vec<Found>, Stop> {
    let mut found = Vec::new();
    let mut left = Vec::new();
    for file in candidates.drain(..) {
        // An empty file is like any other one: only its name makes it this one.
        let name = scan::split_path(&file.dest).1;
        let fits = |known: &Known<'_>| {
            known.size == file.size && (file.size > 0 || scan::split_path(known.dest).1 == name)
        };
        if !missing.iter().any(fits) {
            left.push(file);
            continue;
        }
        if watch.stop_requested() {
            return Err(Stop::Asked);
        }
        let path = to_text(&file.dest);
        watch.event(Event::Comparing { path, bytes: file.size });
        let digest = match checker.content(&file.dest, file.size) {
            Ok(digest) => digest,
            Err(Reason::NotReached(stop)) => return Err(stop),
            Err(_) => None,
        };
        let same = |known: &Known<'_>| {
            fits(known) && digest.is_some_and(|digest| (digest.hash, digest.len) == (known.hash, known.size))
        };
        let own_name = |known: &Known<'_>| same(known) && scan::split_path(known.dest).1 == name;
        match missing.iter().position(own_name).or_else(|| missing.iter().position(same)) {
            Some(at) => found.push(Found { dest: missing.remove(at).dest.to_vec(), to: file.dest }),
            None => left.push(file),
        }
    }
    *candidates = left;
    Ok(found)
}

/// Files on the drive outside the label's folder, piback's own and those of other labels.
fn outside(checker: &mut Checker<'_>) -> Result<Vec<UntrackedFile>, Fault> {
    let drive = &*checker.drive;
    let mut others: HashSet<Vec<u8>> = HashSet::from([drive::OWN.to_vec(), drive.label.as_bytes().to_vec()]);
    if let Some(manifests) = drive.own(&[b"manifests"])? {
        others.extend(manifests.list()?.into_iter().map(|entry| entry.name));
    }
    let mut files = Vec::new();
    for entry in drive.root.list()? {
        if others.contains(&entry.name) || names::is_clutter(&entry.name) {
            continue;
        }
        match at_root(drive, &entry.name) {
            Ok(there) => files.extend(there),
            Err(fault) if drive.is_lost(fault) => return Err(fault),
            // What can't be opened is not where the file was found.
            Err(_) => {}
        }
    }
    files.retain(|file| checker.index.of_dest(&file.dest).is_none());
    Ok(files)
}

/// The file of a name at the drive's root, or all files in the folder.
fn at_root(drive: &Drive, name: &[u8]) -> Result<Vec<UntrackedFile>, Fault> {
    let place = [b"/", name].concat();
    let Some(stat) = drive.root.stat(name)? else { return Ok(Vec::new()) };
    if stat.kind == FileKind::File {
        return Ok(vec![UntrackedFile { dest: place, size: stat.size }]);
    }
    // What is neither can't be opened as a folder.
    let tree = Card::scan_all(&drive.root.sub(name)?)?;
    let file = |file| UntrackedFile { dest: scan::join(&place, &tree.path(file)), size: file.size };
    Ok(tree.files.iter().map(file).collect())
}
