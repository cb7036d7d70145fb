//! `scrub`: re-reads a part of a drive, what was read longest ago first, and remembers when each file was last read from the
//! medium.
//!
//! It takes no lock while it reads: files with a name never change, and a backup that begins meanwhile must not be turned
//! away. Only what it found is written under the lock, in a moment.

mod seen;

use super::account::NotSafe;
use super::drive::Drive;
use super::events::{Event, Tally, Watch};
use super::findings;
use super::label::Label;
pub use super::label::labels;
use super::manifest::{Damage, Known, Record, Runs, to_text};
use super::reason::{Reason, Stop};
use super::verify::{Checker, place_text, read_key};
use crate::error::Problem;
use crate::system::clock;
use crate::system::folder::Folder;
use crate::ui::{files, visible};
use seen::Seen;
use std::collections::HashSet;
use std::path::Path;

/// The folder below `.piback/` that remembers, a file for each label.
const FOLDER: &str = "scrub";

/// More than this is no list that piback wrote: a million files.
const LONGEST: u64 = 32 * 1024 * 1024;

const DAY: i64 = 86_400;

/// The result of one drive.
#[derive(Debug, Default)]
pub struct Scrubbed {
    /// Files that records vouch for, of all labels.
    pub all: Tally,
    /// Read now, and as recorded.
    pub read: Tally,
    /// Not as recorded, or not there; the label stands in front of each path.
    pub bad: Vec<NotSafe>,
    /// So many days ago, by this host's clock, the file was read that was read longest ago; of those that are as recorded.
    pub longest_ago: Option<i32>,
    /// Damage of the manifests.
    pub damage: Vec<String>,
    pub stop: Option<Stop>,
    pub notes: Vec<String>,
}

impl Scrubbed {
    /// Tells whether nothing was found.
    #[must_use]
    pub fn clean(&self) -> bool {
        self.bad.is_empty() && self.damage.is_empty() && self.stop.is_none()
    }
}

/// Re-reads a share (1.0 is all) of what all labels have on a drive.
///
/// # Errors
/// When the drive can't be used, its manifests can't be read, or it holds no backup.
pub fn scrub(dest: &Path, share: f64, watch: &dyn Watch) -> anyhow::Result<Scrubbed> {
    let labels = labels(dest)?;
    if labels.is_empty() {
        let what = format!("no backup on drive {}", visible(&dest.to_string_lossy()));
        return Err(Problem::failed(what).hint("piback cards shows what is plugged in").into());
    }
    let today = i32::try_from(clock::now().div_euclid(DAY)).unwrap_or(i32::MAX);
    let mut done = Scrubbed::default();
    let picked = pick(dest, &labels, share, today, &mut done)?;
    watch.event(Event::Scanned(picked.tally));
    for label in &labels {
        if done.stop.is_none() {
            of_label(dest, label, &picked.keys, today, (&mut done, watch))?;
        }
    }
    done.longest_ago = ages(dest, &labels, today)?.longest_ago;
    Ok(done)
}

/// The time since which every file of a drive was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ages {
    /// Files that records vouch for.
    pub files: u64,
    /// So many days ago the file was read that was read longest ago.
    pub longest_ago: Option<i32>,
    /// Of `files`, those that were found to be other than their records, and that nothing has mended since.
    pub rotten: u64,
    /// Places at which the records themselves are damaged, and that no later run dealt with: what stood there counts nowhere.
    pub damaged_records: u64,
}

impl Ages {
    /// Tells whether somebody has to look: a photo or the records are not as they were.
    #[must_use]
    pub fn needs_a_look(&self) -> bool {
        self.rotten > 0 || self.damaged_records > 0
    }

    /// Says what is known to be damaged; nothing where nothing is.
    #[must_use]
    pub fn damage(&self) -> Option<String> {
        match (self.rotten, self.damaged_records) {
            (0, 0) => None,
            (0, _) => Some("the records are damaged".to_owned()),
            (count, _) => Some(format!("{} not as recorded", files(count))),
        }
    }

    /// Says since when every file was read.
    #[must_use]
    pub fn words(&self) -> String {
        read_within(self.files, self.longest_ago)
    }
}

/// Says since when every file was read: by a scrub, or when its copy was verified.
#[must_use]
pub fn read_within(count: u64, longest_ago: Option<i32>) -> String {
    let all = if count == 1 { "The one file was".to_owned() } else { format!("All {} were", files(count)) };
    match longest_ago {
        Some(days) if days <= 0 => format!("{all} read or copied today."),
        Some(1) => format!("{all} read or copied since yesterday."),
        Some(days) => format!("{all} read or copied within the last {days} days."),
        None => "No file is on record.".to_owned(),
    }
}

/// Tells when the files of a drive were last read, and what was found, by its records and by what scrubs remember; reads no photo.
///
/// # Errors
/// When the drive or its manifests can't be read.
pub fn last_read(dest: &Path) -> anyhow::Result<Ages> {
    let today = i32::try_from(clock::now().div_euclid(DAY)).unwrap_or(i32::MAX);
    ages(dest, &labels(dest)?, today)
}

fn ages(dest: &Path, labels: &[Label], today: i32) -> anyhow::Result<Ages> {
    let mut ages = Ages::default();
    for label in labels {
        let runs = Drive::open(dest, label.clone())?.runs()?;
        let seen = read_seen(dest, label);
        for known in runs.index.dests().filter(counts) {
            ages.files += 1;
            let age = today.saturating_sub(seen.last_read(&known, today));
            ages.longest_ago = ages.longest_ago.max(Some(age));
        }
        ages.rotten += rotten(&runs);
        ages.damaged_records += runs.damage.len() as u64;
    }
    Ok(ages)
}

/// Files of a label that were found to be damaged, and whose content no other name has: a backup copies beside what is damaged.
fn rotten(runs: &Runs) -> u64 {
    let is_rotten = |known: &Known<'_>| runs.index.is_rotten(known.dest);
    let damaged: Vec<u128> = runs
        .index
        .dests()
        .filter(|known| counts(known) && is_rotten(known))
        .map(|known| known.hash)
        .collect();
    if damaged.is_empty() {
        return 0;
    }
    let good: HashSet<u128> = runs
        .index
        .dests()
        .filter(|known| counts(known) && !is_rotten(known))
        .map(|known| known.hash)
        .collect();
    damaged.iter().filter(|hash| !good.contains(hash)).count() as u64
}

/// Files that are to be read.
#[derive(Debug, Default)]
struct Picked {
    keys: HashSet<u64>,
    tally: Tally,
}

/// Picks what was read longest ago, until that is the share of all bytes; one file at least.
fn pick(
    dest: &Path,
    labels: &[Label],
    share: f64,
    today: i32,
    done: &mut Scrubbed,
) -> anyhow::Result<Picked> {
    let mut all = Vec::new();
    for label in labels {
        let runs = Drive::open(dest, label.clone())?.runs()?;
        let seen = read_seen(dest, label);
        let lost = runs.damage.iter().map(|damage: &Damage| format!("{label}: {}", damage.describe()));
        done.damage.extend(lost);
        for known in runs.index.dests().filter(counts) {
            done.all.add(known.size);
            all.push((seen.last_read(&known, today), read_key(&known), known.size));
        }
    }
    Ok(longest_unread(all, done.all.bytes, share))
}

/// Of files, each with the day on which it was last read, its key and its size, those that come first, until they make up the
/// share of all bytes; one at least.
fn longest_unread(mut files: Vec<(i32, u64, u64)>, bytes: u64, share: f64) -> Picked {
    files.sort_unstable();
    let wanted = (bytes as f64 * share).ceil() as u64;
    let mut picked = Picked::default();
    for (_, key, size) in files {
        if share < 1.0 && picked.tally.files > 0 && picked.tally.bytes >= wanted {
            break;
        }
        picked.keys.insert(key);
        picked.tally.add(size);
    }
    picked
}

/// Tells whether a card or somebody vouches for a file: any other one has nothing to be held against.
pub fn counts(known: &Known<'_>) -> bool {
    known.is_vouched() || known.accepted
}

/// Reads what was picked of one label, and writes down what was seen.
fn of_label(
    dest: &Path,
    label: &Label,
    picked: &HashSet<u64>,
    today: i32,
    (done, watch): (&mut Scrubbed, &dyn Watch),
) -> anyhow::Result<()> {
    let mut drive = Drive::open(dest, label.clone())?;
    let runs = drive.runs()?;
    let mut seen = read_seen(dest, label);
    let mut records = Vec::new();
    let mut checker = Checker::new(&mut drive, &runs.index);
    for known in runs.index.dests().filter(|known| counts(known) && picked.contains(&read_key(known))) {
        if watch.stop_requested() {
            done.stop = Some(Stop::Asked);
            break;
        }
        match checker.one(&known) {
            Ok(()) => {
                done.read.add(known.size);
                seen.read(read_key(&known), today);
            }
            Err(Reason::NotReached(stop)) => {
                done.stop = Some(stop);
                break;
            }
            Err(reason) => {
                let rotten = matches!(reason, Reason::Differs | Reason::Edited | Reason::ReadBack(_));
                if rotten && !runs.index.is_rotten(known.dest) {
                    records.push(Record::Rotten { dest: place_text(known.dest) });
                }
                let path = format!("{label}/{}", to_text(known.dest));
                watch.event(Event::NotSafe { path: path.clone(), why: reason.describe() });
                done.bad.push(NotSafe { path, size: known.size, reason });
            }
        }
        watch.event(Event::Checked(Tally { files: 1, bytes: known.size }));
    }
    if done.stop.is_none_or(|stop| stop == Stop::Asked) {
        let there: HashSet<u64> = runs.index.dests().filter(counts).map(|known| read_key(&known)).collect();
        let text = seen.to_text(|key| there.contains(&key));
        done.notes.extend(write_down(&drive, &runs, label, records, &text));
    }
    Ok(())
}

/// Leaves the findings and the days on the drive. A remark where that can't be.
fn write_down(drive: &Drive, runs: &Runs, label: &Label, records: Vec<Record>, text: &str) -> Option<String> {
    let lost = |why: String| Some(format!("what was read of {label} could not be written down: {why}"));
    let _lock = match drive.lock() {
        Ok(lock) => lock,
        Err(e) => return lost(format!("{e:#}")),
    };
    // Another run may have written since: its number must not be taken twice.
    let again = if records.is_empty() { None } else { Some(drive.runs()) };
    let said = match &again {
        None => None,
        Some(Ok(now)) => findings::leave(drive, now, "scrub", records),
        Some(Err(_)) => findings::leave(drive, runs, "scrub", records),
    };
    let own = Folder::open(&drive.path).and_then(|root| root.make_sub(".piback", 0o755));
    let folder = own.and_then(|own| own.make_sub(FOLDER, 0o755));
    match folder.and_then(|folder| folder.replace(&file_name(label), text, 0o644)) {
        Ok(()) => said,
        Err(e) => lost(e.to_string()),
    }
}

fn file_name(label: &Label) -> String {
    format!("{label}.txt")
}

/// Reads what earlier scrubs remember; nothing where that can't be read.
fn read_seen(dest: &Path, label: &Label) -> Seen {
    let read = || -> std::io::Result<Option<String>> {
        Folder::open(dest)?.sub(".piback")?.sub(FOLDER)?.read(&file_name(label), LONGEST)
    };
    read().ok().flatten().map(|text| Seen::parse(&text)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nights_that_read_a_tenth_each_read_all_in_ten() {
        let mut days: Vec<(i32, u64, u64)> = (0..100).map(|n| (n % 7, n as u64, 1_000)).collect();
        let mut read = HashSet::new();
        for night in 100..110 {
            let picked = longest_unread(days.clone(), 100_000, 0.1);
            assert_eq!(picked.tally, Tally { files: 10, bytes: 10_000 });
            let oldest_left =
                days.iter().filter(|(_, key, _)| !picked.keys.contains(key)).map(|(day, ..)| *day).min();
            for (day, key, _) in days.iter_mut().filter(|(_, key, _)| picked.keys.contains(key)) {
                assert!(Some(*day) <= oldest_left, "longest ago first");
                *day = night;
                assert!(read.insert(*key), "none twice");
            }
        }
        assert_eq!(read.len(), 100);
        assert_eq!(longest_unread(days.clone(), 100_000, 1.0).keys.len(), 100);
        assert_eq!(longest_unread(days, 100_000, 0.000_1).keys.len(), 1, "one at least");
        // An empty file costs nothing and is read all the same.
        assert_eq!(longest_unread(vec![(0, 1, 0), (0, 2, 0)], 0, 1.0).keys.len(), 2);
    }

    #[test]
    fn the_sentence_names_the_oldest_day() {
        assert_eq!(
            read_within(41_210, Some(26)),
            "All 41,210 files were read or copied within the last 26 days."
        );
        assert_eq!(read_within(3, Some(0)), "All 3 files were read or copied today.");
        assert_eq!(read_within(1, Some(1)), "The one file was read or copied since yesterday.");
        assert_eq!(read_within(0, None), "No file is on record.");
    }
}
