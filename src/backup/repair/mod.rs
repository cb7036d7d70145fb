//! `verify --repair`: what is damaged, unreadable or gone on one drive comes back from another one, or from the card.
//!
//! Only bytes whose hash equals the record's pass. They are written under a temporary name, made durable and read back
//! from the medium; then what is damaged moves to `.piback/damaged/RUN/`, and only then the good copy takes its name. The
//! manifest knows of both before the first name changes. Nothing is replaced and nothing deleted: whatever cuts this off,
//! the photo is there, and the next repair goes on. Where a drive's records are lost, the records of the others and the
//! media hash lists are witnesses of what belongs there.

mod bytes;
mod lost;
mod origins;
mod outcome;
mod put;
mod side;

use super::drive::Drive;
use super::endpoints::Endpoints;
use super::events::{Event, Tally, Watch};
use super::label::Label;
use super::manifest::{Damage, Log, Record, Run};
use super::reason::{Reason, Stop};
use super::stale;
use super::verify::{Broken, Checker};
use crate::system::volume::Fault;
use crate::system::{clock, random};
use anyhow::Context as _;
use origins::{CardSide, Origins};
use outcome::Wanted;
pub use outcome::{Repaired, Repairs};
use put::Putter;
use side::Side;
use std::path::{Path, PathBuf};

/// A drive to repair, and what its verification found.
pub struct Patient<'a> {
    pub path: &'a Path,
    pub broken: &'a [Broken],
}

/// Repairs all drives from each other, and from the card at `source`; with `catch_up` each also gets what it never had and
/// the records of another one speak of. The answers are in the order of the drives.
///
/// # Errors
/// When a drive or the card can't be opened or is used by another run; nothing was changed then.
pub fn repair(
    label: &Label,
    patients: &[Patient<'_>],
    source: Option<&Path>,
    catch_up: bool,
    watch: &dyn Watch,
) -> anyhow::Result<Vec<Repairs>> {
    let mut sides = Vec::new();
    for patient in patients {
        sides.push(Side::open(label, patient.path)?);
    }
    let card = source.map(|source| open_card(label, source, patients, watch)).transpose()?;
    let mut origins = Origins::new(sides, card);
    let mut all = Vec::new();
    for (at, patient) in patients.iter().enumerate() {
        let mut repairs = Repairs::default();
        if watch.stop_requested() {
            repairs.stop = Some(Stop::Asked);
        } else if let Err(stop) = one(&mut origins, (at, catch_up), patient.broken, &mut repairs, watch) {
            repairs.stop = Some(stop);
        }
        all.push(repairs);
    }
    Ok(all)
}

/// The card, held against all drives: nothing that is written may land on it.
fn open_card(
    label: &Label,
    source: &Path,
    patients: &[Patient<'_>],
    watch: &dyn Watch,
) -> anyhow::Result<CardSide> {
    let mut open = None;
    for patient in patients {
        let ends =
            Endpoints { label: label.clone(), source: source.to_owned(), dest: PathBuf::from(patient.path) };
        let (source, drive) = ends.open()?;
        let card = ends.scan(&source)?;
        ends.are_apart(&card, &source, &drive)?;
        watch.event(Event::Scanned(Tally { files: card.files.len() as u64, bytes: card.bytes() }));
        open = Some(CardSide { source, card });
    }
    open.context("there is no drive to repair")
}

/// Repairs the drive of number `at`.
fn one(
    origins: &mut Origins,
    (at, catch_up): (usize, bool),
    broken: &[Broken],
    repairs: &mut Repairs,
    watch: &dyn Watch,
) -> Result<(), Stop> {
    let mut wanted = still_broken(&mut origins.sides[at], broken)?;
    let (mut records, mut lost) = (Vec::new(), Vec::new());
    if catch_up || origins.sides[at].lost_records() || origins.has_unvouched(at) {
        let found = lost::find(origins, at, catch_up, watch)?;
        repairs.vouched = found.vouched.len() as u64;
        records.extend(found.vouched);
        wanted.extend(found.missing);
        if found.all {
            lost.extend(origins.sides[at].runs.damage.iter().map(Damage::describe));
        }
    }
    if wanted.is_empty() && records.is_empty() && lost.is_empty() {
        return Ok(());
    }
    let (run, mut log) = match begin(&mut origins.sides[at], records) {
        Ok(begun) => begun,
        Err(why) => {
            repairs.notes.push(format!("drive {} can't be repaired: {why}", origins.sides[at].shown()));
            repairs.vouched = 0;
            return Ok(());
        }
    };
    repairs.tried = true;
    let mut putter = Putter::new(origins, at, &run, &mut log, repairs, watch);
    let stop = putter.all(wanted).err();
    let count = repairs.repaired.len() as u64;
    let bytes = repairs.repaired.iter().map(|one| one.bytes).sum();
    let end = Record::End { files: count, bytes, not_safe: repairs.failed.len() as u64 };
    match stop {
        Some(stop) => Err(stop),
        None => {
            // All that belongs here is here, and has a record again.
            let lost = lost.into_iter().filter(|_| repairs.failed.is_empty());
            log.append(lost.map(|what| Record::Lost { what }).chain([end])).map_err(Stop::of_drive)
        }
    }
}

/// Looks at each once more: what a second read finds good needs no repair.
fn still_broken(side: &mut Side, broken: &[Broken]) -> Result<Vec<Wanted>, Stop> {
    let mut wanted = Vec::new();
    for one in broken {
        let Some(known) = side.runs.index.of_dest(&one.dest).filter(|known| known.hash == one.hash) else {
            continue;
        };
        match Checker::new(&mut side.drive, &side.runs.index).one(&known) {
            Ok(()) => continue,
            Err(Reason::NotReached(stop)) => return Err(stop),
            Err(_) => {}
        }
        let moved = side.runs.index.moved_to(&one.dest).map(|to| [b"/", to].concat());
        let here = is_there(&mut side.drive, &one.dest).map_err(Stop::of_drive)?;
        let place = moved.filter(|_| !here).unwrap_or_else(|| one.dest.clone());
        wanted.push(Wanted {
            place,
            dest: one.dest.clone(),
            path: known.path.to_vec(),
            size: known.size,
            hash: known.hash,
            times: Some((known.mtime, known.ctime)),
            recorded: true,
            aside: true,
        });
    }
    Ok(wanted)
}

/// Tells whether anything lies at this place; what can't be looked at does.
fn is_there(drive: &mut Drive, place: &[u8]) -> Result<bool, Fault> {
    let found = drive.holding(place).and_then(|found| match found {
        Some((dir, name)) => dir.stat(name),
        None => Ok(None),
    });
    match found {
        Ok(stat) => Ok(stat.is_some()),
        Err(fault) if drive.is_lost(fault) => Err(fault),
        Err(_) => Ok(true),
    }
}

/// Begins the run's manifest, with what is known before anything is moved, and removes what killed runs left.
fn begin(side: &mut Side, records: Vec<Record>) -> anyhow::Result<(String, Log)> {
    let drive = &mut side.drive;
    drive.prepare()?;
    let run = side.runs.next_run(clock::today(), random::bits()?);
    let folder = drive.make_own(&[b"manifests", drive.label.as_bytes()])?;
    let first = Record::Run(Run::new(&run, drive.label.as_str(), "repair", clock::today().to_string()));
    let mut log = Log::begin(&folder, &run, first)?;
    stale::remove(drive, &side.runs.unfinished)?;
    let cleaned = side.runs.unfinished.iter().map(|run| Record::Cleaned { run: run.clone() });
    log.append(cleaned.chain(records))?;
    Ok((run, log))
}
