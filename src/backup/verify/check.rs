//! One file of a backup, read and held against its record.

use crate::backup::digest::Digest;
use crate::backup::drive::Drive;
use crate::backup::manifest::{Index, Known};
use crate::backup::reason::{Reason, Stop};
use crate::backup::scan;
use crate::backup::source::{self, LARGE, PIECE};
use crate::system::volume::{Buffer, Fault, FaultKind, InFile};

/// FAT keeps every second second only.
const COARSE: i64 = 2_000_000_000;

/// Time zones differ by quarters of an hour, and by 26 hours at most.
const QUARTER: i64 = 900_000_000_000;

pub struct Checker<'a> {
    pub drive: &'a mut Drive,
    pub index: &'a Index,
    pub buffer: Buffer,
}

impl<'a> Checker<'a> {
    pub fn new(drive: &'a mut Drive, index: &'a Index) -> Self {
        Checker { drive, index, buffer: Buffer::new(PIECE) }
    }

    /// Reads a file from the medium; an error says what is wrong with it.
    pub fn one(&mut self, known: &Known<'_>) -> Result<(), Reason> {
        let mut file = self.open(known)?.ok_or(Reason::Missing)?;
        let mtime = file.opened().mtime;
        match source::digest_copy(&mut file, &mut self.buffer) {
            Ok(Some(digest)) if digest.hash == known.hash && digest.len == known.size => Ok(()),
            Ok(Some(_)) if known.is_vouched() && was_written(known.mtime, mtime) => Err(Reason::Edited),
            Ok(Some(_)) => Err(Reason::Differs),
            Ok(None) => Err(Reason::Changed),
            Err(fault) => Err(self.fault(fault, Reason::ReadBack)),
        }
    }

    /// Reads a file that has no record; none where it can't be read, or changes meanwhile.
    pub fn content(&mut self, dest: &[u8], size: u64) -> Result<Option<Digest>, Reason> {
        let opened = self
            .drive
            .holding(dest)
            .and_then(|found| found.map(|(dir, name)| dir.read(name, size >= LARGE)).transpose());
        let digest = opened.and_then(|file| {
            file.map_or(Ok(None), |mut file| source::digest_copy(&mut file, &mut self.buffer))
        });
        match digest {
            Ok(digest) => Ok(digest),
            Err(fault) if self.drive.is_lost(fault) => Err(Reason::NotReached(Stop::of_drive(fault))),
            Err(_) => Ok(None),
        }
    }

    /// Opens a file of the records; none where nothing has its name.
    pub fn open(&mut self, known: &Known<'_>) -> Result<Option<InFile>, Reason> {
        let here = match self.drive.holding(known.dest) {
            Ok(here) => here,
            Err(fault) => return Err(self.fault(fault, Reason::Folder)),
        };
        match here.map(|(dir, name)| dir.read(name, known.size >= LARGE)) {
            Some(Ok(file)) => Ok(Some(file)),
            None => self.open_moved(known),
            Some(Err(fault)) => match fault.kind() {
                FaultKind::Missing => self.open_moved(known),
                // Something else has its name: the file is not there.
                FaultKind::NotADirectory | FaultKind::Unsupported => Ok(None),
                _ => Err(self.fault(fault, Reason::ReadBack)),
            },
        }
    }

    /// Opens it where `backup --mirror` put it.
    fn open_moved(&mut self, known: &Known<'_>) -> Result<Option<InFile>, Reason> {
        let Some(to) = self.index.moved_to(known.dest) else { return Ok(None) };
        let (folder, name) = scan::split_path(to);
        let parts: Vec<&[u8]> = folder.split(|b| *b == b'/').skip(1).collect();
        let opened = self
            .drive
            .own(&parts)
            .and_then(|dir| dir.map(|dir| dir.read(name, known.size >= LARGE)).transpose());
        match opened {
            Ok(file) => Ok(file),
            Err(fault) if fault.kind() == FaultKind::Missing => Ok(None),
            Err(fault) => Err(self.fault(fault, Reason::ReadBack)),
        }
    }

    /// Tells a fault of one file from a drive that is gone.
    pub fn fault(&self, fault: Fault, reason: impl Fn(Fault) -> Reason) -> Reason {
        if self.drive.is_lost(fault) { Reason::NotReached(Stop::of_drive(fault)) } else { reason(fault) }
    }
}

/// Tells whether a copy that got the time `recorded` was written to since, as its time `now` tells. Rot leaves the time alone,
/// and so do file systems that show local time in another zone.
pub fn was_written(recorded: i64, now: i64) -> bool {
    let moved = now.abs_diff(recorded).min(i64::MAX as u64) as i64;
    let beside_quarter = (moved % QUARTER).min(QUARTER - moved % QUARTER);
    !(beside_quarter <= COARSE && moved <= 26 * 4 * QUARTER + COARSE)
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
