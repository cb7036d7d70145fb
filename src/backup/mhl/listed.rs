//! Content of the media hash lists of a label, for the case that its records are lost.

use super::xml::{self, Listed};
use crate::backup::drive::Drive;
use crate::backup::manifest::{self, HISTORY};
use crate::system::volume::{Buffer, Dir, Fault, FaultKind};

/// The lists are read in pieces of this size.
const PIECE: usize = 256 * 1024;

/// No line of a list is longer: a path of which each byte is escaped.
const LONGEST: usize = 256 * 1024;

/// Reads all lists of the label on a drive: what its history says, and what histories that were closed and lists of
/// piback before there was one history say, which may lie somewhere else by now.
/// Lines that can't be understood are left out: a list is a witness, and no content passes for what it says but that content.
///
/// # Errors
/// When the drive does not answer.
pub fn listed(drive: &Drive) -> Result<(Vec<Listed>, Vec<Listed>), Fault> {
    let (mut now, mut before) = (Vec::new(), Vec::new());
    let Some(lists) = drive.own(&[b"mhl", drive.label.as_bytes()])? else { return Ok((now, before)) };
    let mut histories = vec![lists.again()?];
    for run in manifest::runs_with_lists(&lists)? {
        match lists.sub(&run) {
            Ok(closed) => histories.push(closed),
            Err(fault) if fault.kind() == FaultKind::Missing => {}
            Err(fault) => return Err(fault),
        }
    }
    for (n, folder) in histories.iter().enumerate() {
        let all = if n == 0 { &mut now } else { &mut before };
        let history = match folder.sub(HISTORY) {
            Ok(history) => history,
            Err(fault) if fault.kind() == FaultKind::Missing => continue,
            Err(fault) => return Err(fault),
        };
        for entry in history.list()?.iter().filter(|entry| entry.name.ends_with(b".mhl")) {
            match read(&history, &entry.name, all) {
                Err(fault) if drive.is_lost(fault) => return Err(fault),
                // What could be read of it is a witness all the same.
                _ => {}
            }
        }
    }
    Ok((now, before))
}

fn read(history: &Dir, name: &[u8], all: &mut Vec<Listed>) -> Result<(), Fault> {
    let mut file = history.read(name, false)?;
    let mut buffer = Buffer::new(PIECE);
    let mut pending: Vec<u8> = Vec::new();
    let mut path = None;
    let mut offset = 0;
    loop {
        let n = file.read_at(buffer.space(), offset)?;
        if n == 0 {
            return Ok(());
        }
        offset += n as u64;
        for byte in &buffer.space()[..n] {
            if *byte == b'\n' {
                all.extend(std::str::from_utf8(&pending).ok().and_then(|line| xml::listed(line, &mut path)));
                pending.clear();
            } else if pending.len() < LONGEST {
                pending.push(*byte);
            }
        }
    }
}
