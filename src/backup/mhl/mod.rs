//! The media hash lists of a label, for other tools: ASC MHL 2.0 with xxh128.
//!
//! `.piback/mhl/LABEL/ascmhl/` holds one history of the label's folder: a generation for each run that copied
//! something, which lists what that run copied, and the chain file. It lies outside the card's tree, which stays the
//! card's alone; other tools take the `ascmhl` folder copied beside the photos. Where names came to mean another content,
//! or files were moved, the history is not true any more: it is closed under the name of the run that says so, and
//! that run begins a new one with everything that is there. So it is on a drive that has no history yet.

mod chain;
mod listed;
mod text;
mod xml;

pub use listed::listed;

use super::drive::{Drive, temp_name};
use super::manifest::{self, Generation, HISTORY, Index, Known, Runs};
use super::scan;
use crate::system::volume::{Dir, Fault, FaultKind};
use jiff::Timestamp;
use text::Text;
pub use xml::Listed;

/// Files that a run's generation is made from.
pub struct Export<'a> {
    pub run: &'a str,
    /// The number of the last run that a list of before would contradict.
    pub contradicted_in: u64,
    pub now: Timestamp,
    pub host: &'a str,
}

/// Adds this run's generation; nothing is written when it would list nothing.
///
/// # Errors
/// When the drive does not take it.
pub fn export(drive: &mut Drive, export: &Export<'_>) -> Result<(), Fault> {
    let lists = drive.make_own(&[b"mhl", drive.label.as_bytes()])?;
    let mut before = match lists.sub(HISTORY) {
        Ok(history) => manifest::generations(&history)?,
        Err(fault) if fault.kind() == FaultKind::Missing => Vec::new(),
        Err(fault) => return Err(fault),
    };
    let covered = before.last().map_or(0, Generation::run_number);
    let whole = before.iter().zip(1..).all(|(generation, number)| generation.number == number);
    if !before.is_empty() && (!whole || export.contradicted_in > covered) {
        close(drive, &lists, export.run)?;
        before.clear();
    }
    let covered = before.last().map_or(0, Generation::run_number);
    let manifests = drive.make_own(&[b"manifests", drive.label.as_bytes()])?;
    let new = Runs::since(&manifests, covered)?;
    let temps = [temp_name(export.run, 90_000_001), temp_name(export.run, 90_000_002)];
    let written = write(drive, &lists, &temps, &before, &new, export);
    if written.is_err() {
        // They may not be there; if the drive is gone, they don't matter.
        let _ = lists.unlink(&temps[0]);
        if let Ok(history) = lists.sub(HISTORY) {
            let _ = history.unlink(&temps[1]);
        }
    }
    written
}

/// Puts the history aside, under this run's name.
fn close(drive: &Drive, lists: &Dir, run: &str) -> Result<(), Fault> {
    let aside = drive.make_own(&[b"mhl", drive.label.as_bytes(), run.as_bytes()])?;
    lists.rename(HISTORY, &aside, HISTORY)?;
    aside.sync()?;
    lists.sync()
}

fn write(
    drive: &mut Drive,
    lists: &Dir,
    temps: &[Vec<u8>; 2],
    before: &[Generation],
    new: &Index,
    export: &Export<'_>,
) -> Result<(), Fault> {
    let mut list = Text::create(lists, &temps[0])?;
    list.push(&xml::head(export.now, export.host))?;
    let stamp = export.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut listed = 0u64;
    let mut left_out = 0u64;
    for known in new.dests() {
        let vouched = known.is_vouched() && !known.is_outside() && !new.is_rotten(known.dest);
        if !vouched || new.moved_to(known.dest).is_some() || !is_there(drive, &known)? {
            continue;
        }
        match std::str::from_utf8(known.dest).ok().filter(|path| path.chars().all(xml::is_xml)) {
            Some(path) => {
                listed += 1;
                list.push(&xml::entry(path, &known, &stamp))?;
            }
            None => left_out += 1,
        }
    }
    if left_out > 0 {
        list.push(&format!("    <!-- {left_out} files have names that XML can't hold -->\n"))?;
    }
    list.push(xml::TAIL)?;
    if listed == 0 {
        drop(list);
        return lists.unlink(&temps[0]);
    }
    let number = before.last().map_or(1, |last| last.number + 1);
    let generation = Generation::new(number, drive.label.as_str(), export.run);
    let id = list.finish()?;
    let (history, made) = lists.make_sub(HISTORY)?;
    // Two labels may differ in characters that a name on this drive can't hold twice; the run's name is new.
    lists.rename(&temps[0], &history, generation.name.as_bytes())?;
    history.sync()?;
    if made {
        lists.sync()?;
    }
    chain::add(&history, before, &generation, &id, &temps[1])
}

fn is_there(drive: &mut Drive, known: &Known<'_>) -> Result<bool, Fault> {
    let (folder, name) = scan::split_path(known.dest);
    let Some(dir) = drive.exact(folder)? else { return Ok(false) };
    Ok(dir.stat(name)?.is_some_and(|stat| stat.size == known.size))
}
