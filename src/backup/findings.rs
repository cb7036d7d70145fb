//! Findings of a command that only reads, left on the drive for the next backup.

use super::drive::Drive;
use super::manifest::{Log, Record, Run, Runs};
use crate::system::volume::Fault;
use crate::system::{clock, random};
use anyhow::Context as _;

/// Leaves a manifest of its own with these records; no records leave none. What was wrong is said in a note.
pub fn leave(drive: &Drive, runs: &Runs, command: &str, records: Vec<Record>) -> Option<String> {
    if records.is_empty() {
        return None;
    }
    let why = match random::bits().context("ask the kernel for a random number") {
        Ok(seed) => write(drive, runs, command, seed, records).err()?.to_string(),
        Err(e) => format!("{e:#}"),
    };
    Some(format!("the findings could not be recorded on the drive: {why}"))
}

fn write(drive: &Drive, runs: &Runs, command: &str, seed: u64, records: Vec<Record>) -> Result<(), Fault> {
    let run = runs.next_run(clock::today(), seed);
    let folder = drive.make_own(&[b"manifests", drive.label.as_bytes()])?;
    let first = Record::Run(Run::new(&run, drive.label.as_str(), command, clock::today().to_string()));
    let mut log = Log::begin(&folder, &run, first)?;
    log.append(records)?;
    log.append([Record::End { files: 0, bytes: 0, not_safe: 0 }])
}
