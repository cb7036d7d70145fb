//! Drives whose records are lost: the records of the other drives, and the media hash lists of all, are witnesses of
//! what is there and of what belongs there.

use super::origins::Origins;
use super::outcome::Wanted;
use super::side::Side;
use crate::backup::events::{Event, Watch};
use crate::backup::manifest::{FileRecord, Known, Record, to_text};
use crate::backup::mhl::{self, Listed};
use crate::backup::reason::{Reason, Stop};
use crate::backup::verify::{Checker, was_written};
use std::collections::{HashMap, HashSet};

/// Witnesses' word on a drive.
#[derive(Default)]
pub struct Found {
    /// Records of what is there, and was read now.
    pub vouched: Vec<Record>,
    /// Files that belong there and are not.
    pub missing: Vec<Wanted>,
    /// Every file on the drive has a record again.
    pub all: bool,
}

/// One witness's word on one content.
#[derive(Clone)]
struct Said {
    dest: Vec<u8>,
    path: Vec<u8>,
    size: u64,
    hash: u128,
    /// None for what only a list says.
    times: Option<(i64, i64)>,
    /// It belongs on this drive.
    belongs: bool,
}

/// A file on the drive that no witness knows.
struct Stranger {
    size: u64,
    mtime: i64,
}

/// Reads what has no good record, and holds it against all witnesses. With `catch_up` what the others have belongs on
/// the drive too.
///
/// # Errors
/// When a drive is gone, or a stop was asked for.
pub fn find(origins: &mut Origins, at: usize, catch_up: bool, watch: &dyn Watch) -> Result<Found, Stop> {
    let said = witnesses(&origins.sides, at)?;
    let mut by_hash: HashMap<u128, Vec<&Said>> = HashMap::new();
    for one in &said {
        by_hash.entry(one.hash).or_default().push(one);
    }
    let side = &mut origins.sides[at];
    let lost = side.lost_records();
    let mut found = Found { all: true, ..Found::default() };
    let mut have: HashSet<u128> =
        side.runs.index.dests().filter(Known::is_vouched).map(|known| known.hash).collect();
    let mut strangers = HashMap::new();
    for (dest, size, is_recorded) in unvouched(side, lost) {
        if watch.stop_requested() {
            return Err(Stop::Asked);
        }
        let path = to_text(&dest);
        watch.event(Event::Comparing { path, bytes: size });
        let digest = match Checker::new(&mut side.drive, &side.runs.index).content(&dest, size) {
            Err(Reason::NotReached(stop)) => return Err(stop),
            answer => answer.ok().flatten(),
        };
        let fits = digest.and_then(|digest| {
            let of_content = by_hash.get(&digest.hash)?;
            let own = of_content.iter().find(|said| said.dest == dest);
            own.or(of_content.first()).filter(|said| said.size == digest.len).zip(Some(digest))
        });
        let mtime = mtime(side, &dest);
        if let Some((said, digest)) = fits {
            have.insert(digest.hash);
            let times = said.times.unwrap_or((mtime, i64::MIN));
            let path = if said.times.is_some() { &said.path } else { &dest };
            let record = FileRecord::new(path, &dest, digest.len, times, digest.sample, digest.hash);
            found.vouched.push(Record::File(record));
        } else if !is_recorded {
            found.all = false;
            strangers.insert(dest, Stranger { size, mtime });
        }
    }
    if lost || catch_up {
        missing(side, &said, have, &strangers, &mut found);
    }
    Ok(found)
}

/// Files without a record where records are lost, and those that were taken over: place, size, and whether it has a record.
fn unvouched(side: &Side, lost: bool) -> Vec<(Vec<u8>, u64, bool)> {
    let untracked = side.untracked.iter().filter(|_| lost).map(|file| (file.dest.clone(), file.size, false));
    let taken_over = side.runs.index.dests().filter(|known| !known.is_vouched() && !known.accepted);
    untracked.chain(taken_over.map(|known| (known.dest.to_vec(), known.size, true))).collect()
}

/// Everything that the others' records and all lists say.
fn witnesses(sides: &[Side], at: usize) -> Result<Vec<Said>, Stop> {
    let mut said = Vec::new();
    for (n, side) in sides.iter().enumerate() {
        let index = &side.runs.index;
        let counts = |known: &Known<'_>| {
            known.is_vouched()
                && !known.partial
                && !known.is_outside()
                && index.moved_to(known.dest).is_none()
        };
        said.extend(index.dests().filter(|known| n != at && counts(known)).map(|known| Said {
            dest: known.dest.to_vec(),
            path: known.path.to_vec(),
            size: known.size,
            hash: known.hash,
            times: Some((known.mtime, known.ctime)),
            belongs: true,
        }));
    }
    for (n, side) in sides.iter().enumerate() {
        let (now, before) = mhl::listed(&side.drive).map_err(Stop::of_drive)?;
        let of_list = |listed: Listed, belongs| Said {
            path: listed.dest.clone(),
            dest: listed.dest,
            size: listed.size,
            hash: listed.hash,
            times: None,
            belongs,
        };
        said.extend(now.into_iter().map(|listed| of_list(listed, n == at)));
        said.extend(before.into_iter().map(|listed| of_list(listed, false)));
    }
    Ok(said)
}

/// Files that belong on the drive by the witnesses' word and are not there.
fn missing(
    side: &Side,
    said: &[Said],
    mut have: HashSet<u128>,
    strangers: &HashMap<Vec<u8>, Stranger>,
    found: &mut Found,
) {
    for one in said.iter().filter(|one| one.belongs) {
        // A record that is whole says what belongs under its name.
        let known = one.times.is_none() && side.runs.index.of_dest(&one.dest).is_some();
        if known || !have.insert(one.hash) {
            continue;
        }
        // Rot leaves size and time alone. What the drive's own list calls otherwise is damaged in any case.
        let aside = strangers.get(&one.dest).is_some_and(|stranger| match one.times {
            Some((mtime, _)) => stranger.size == one.size && !was_written(mtime, stranger.mtime),
            None => true,
        });
        found.missing.push(Wanted {
            place: one.dest.clone(),
            dest: one.dest.clone(),
            path: one.path.clone(),
            size: one.size,
            hash: one.hash,
            times: one.times,
            recorded: false,
            aside,
        });
    }
    let aside: HashSet<&[u8]> =
        found.missing.iter().filter(|wanted| wanted.aside).map(|wanted| wanted.place.as_slice()).collect();
    found.all = strangers.keys().all(|dest| aside.contains(dest.as_slice()));
}

fn mtime(side: &mut Side, dest: &[u8]) -> i64 {
    let stat = side.drive.holding(dest).ok().flatten().and_then(|(dir, name)| dir.stat(name).ok().flatten());
    stat.map_or(0, |stat| stat.mtime)
}
