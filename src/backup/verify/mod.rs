//! `verify`: re-reads a backup from the medium against its manifest. Only a record that was made from a card vouches
//! for a file, or the user's word: whatever else is there, and whatever of the records is damaged or gone, is named.

mod accept;
mod check;
mod relocate;
mod verdict;

pub use accept::{accept, place_text};
pub use check::{Checker, was_written};
pub use verdict::{Broken, Finding, Verdict, read_key};

use super::account::Renamed;
use super::drive::Drive;
use super::events::{Event, Tally, Watch};
use super::findings;
use super::label::{Label, labels};
use super::manifest::{Damage, Index, Known, Record, Runs, to_text};
use super::reason::{Reason, Stop};
use super::untracked::{self, Untracked};
use crate::error::Problem;
use crate::system::random;
use crate::ui::visible;
use anyhow::Context as _;
use std::collections::HashSet;
use std::path::Path;

/// Re-reads a label's backup on one drive, or a random part of it (`share` of 1.0 is all).
///
/// # Errors
/// When there is no backup of that label, or its manifests can't be read.
pub fn verify(label: &Label, dest: &Path, share: f64, watch: &dyn Watch) -> anyhow::Result<Verdict> {
    look(label, dest, share, HashSet::new(), watch)
}

/// Looks once more, after a repair, at everything that `before` did not find good.
///
/// # Errors
/// As [`verify`].
pub fn verify_rest(
    label: &Label,
    dest: &Path,
    before: &mut Verdict,
    watch: &dyn Watch,
) -> anyhow::Result<Verdict> {
    look(label, dest, 1.0, std::mem::take(&mut before.read), watch)
}

/// Reads everything but what is `trusted`, because it was read a moment ago.
fn look(
    label: &Label,
    dest: &Path,
    share: f64,
    trusted: HashSet<u64>,
    watch: &dyn Watch,
) -> anyhow::Result<Verdict> {
    let mut drive = Drive::open(dest, label.clone())?;
    let _lock = drive.lock()?;
    // Something else in the label's place is an error of its own.
    drive.tree()?;
    let runs = drive.runs()?;
    let mut untracked = untracked::find(&mut drive, &runs)
        .map_err(|fault| Problem::failed(format!("the backup of {label} can't be listed: {fault}")))?;
    let nothing =
        untracked.files.is_empty() && untracked.odd.is_empty() && runs.index.dests().next().is_none();
    if nothing && runs.damage.is_empty() {
        return Err(no_backup(label, dest).into());
    }
    let seed = random::bits().context("ask the kernel for a random number")?;
    let mut verdict = begun(&runs, &untracked);
    verdict.sample = share < 1.0;
    let checker = Checker::new(&mut drive, &runs.index);
    let mut reading = Reading {
        checker,
        watch,
        verdict,
        trusted,
        records: Vec::new(),
        good: HashSet::new(),
        bad: Vec::new(),
    };
    reading.all(&pick(&runs.index, share, seed));
    reading.moved(&mut untracked);
    reading.judge();
    reading.name(&untracked);
    let Reading { mut verdict, records, .. } = reading;
    if verdict.says_nothing() {
        // All that records speak of was accepted as gone, or counts no more.
        return Err(no_backup(label, dest).into());
    }
    for bad in &verdict.bad {
        watch.event(Event::NotSafe { path: bad.path.clone(), why: bad.reason.describe() });
    }
    verdict.notes.extend(findings::leave(&drive, &runs, "verify", records));
    Ok(verdict)
}

/// So many labels are named where another one was meant.
const MOST_LABELS: usize = 12;

fn no_backup(label: &Label, dest: &Path) -> Problem {
    let problem =
        Problem::failed(format!("no backup of {label} on drive {}", visible(&dest.to_string_lossy())));
    let labels = labels(dest).unwrap_or_default();
    if labels.is_empty() {
        return problem.hint("piback cards shows what is plugged in");
    }
    let names = labels.iter().take(MOST_LABELS).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let more = labels.len().saturating_sub(MOST_LABELS);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    problem.hint(format!("backups on it: {names}{more}"))
}

/// A verdict with what the records alone tell.
fn begun(runs: &Runs, untracked: &Untracked) -> Verdict {
    let mut verdict = Verdict::default();
    verdict.damage.extend(runs.damage.iter().map(Damage::describe));
    verdict.mended = runs.mended.len() as u64;
    verdict.notes.extend(runs.mended.iter().map(|what| format!("{what} (a later backup dealt with it)")));
    if !runs.unfinished.is_empty() {
        verdict.notes.push("the last backup was cut off: run it again".into());
    }
    if untracked.litter > 0 {
        verdict.notes.push(format!("{} temporary or system files have no record", untracked.litter));
    }
    runs.index.dests().for_each(|known| verdict.known.add(known.size));
    verdict
}

/// A drive's files while they are read, and what is known of them so far.
struct Reading<'a> {
    checker: Checker<'a>,
    watch: &'a dyn Watch,
    verdict: Verdict,
    /// Files that were read a moment ago, see [`read_key`].
    trusted: HashSet<u64>,
    /// Entries that go on record.
    records: Vec<Record>,
    /// Contents that are on the drive as recorded.
    good: HashSet<u128>,
    bad: Vec<(Known<'a>, Reason)>,
}

impl<'a> Reading<'a> {
    fn all(&mut self, picked: &[Known<'a>]) {
        let mut all = Tally::default();
        picked.iter().for_each(|known| all.add(known.size));
        self.watch.event(Event::Scanned(all));
        for (left, known) in (1..=picked.len() as u64).rev().zip(picked) {
            if self.watch.stop_requested() {
                (self.verdict.stop, self.verdict.unread) = (Some(Stop::Asked), left);
                return;
            }
            let trusted = self.trusted.contains(&read_key(known));
            match if trusted { Ok(()) } else { self.checker.one(known) } {
                Ok(()) if known.is_vouched() || known.accepted => self.is_good(known),
                Ok(()) => self.bad.push((*known, Reason::Unvouched)),
                Err(Reason::NotReached(stop)) => {
                    (self.verdict.stop, self.verdict.unread) = (Some(stop), left);
                    return;
                }
                Err(reason) => {
                    let rotten = matches!(reason, Reason::Differs | Reason::Edited | Reason::ReadBack(_));
                    if rotten && !self.checker.index.is_rotten(known.dest) {
                        self.records.push(Record::Rotten { dest: place_text(known.dest) });
                    }
                    self.bad.push((*known, reason));
                }
            }
            self.watch.event(Event::Checked(Tally { files: 1, bytes: known.size }));
        }
    }

    fn is_good(&mut self, known: &Known<'_>) {
        self.verdict.good.add(known.size);
        self.good.insert(known.hash);
        self.verdict.read.insert(read_key(known));
    }

    /// Finds what was moved, and records its new place.
    fn moved(&mut self, untracked: &mut Untracked) {
        let is_gone = |(known, reason): &(Known<'_>, Reason)| {
            *reason == Reason::Missing && (known.is_vouched() || known.accepted)
        };
        let mut missing: Vec<Known<'a>> =
            self.bad.iter().filter(|bad| is_gone(bad)).map(|bad| bad.0).collect();
        if missing.is_empty() || self.verdict.stop.is_some() {
            return;
        }
        match relocate::find(&mut self.checker, &mut missing, &mut untracked.files, self.watch) {
            Ok(found) => {
                for one in found {
                    let Some(at) = self.bad.iter().position(|bad| bad.0.dest == one.dest) else { continue };
                    let (known, _) = self.bad.remove(at);
                    self.is_good(&known);
                    let (dest, to) = (place_text(&one.dest), place_text(&one.to));
                    self.records.push(Record::Relocated { dest, to });
                    self.verdict.moved.push(Renamed {
                        path: to_text(&one.dest),
                        dest: to_text(&one.to),
                        why: None,
                    });
                }
            }
            Err(stop) => self.verdict.stop = Some(stop),
        }
    }

    /// Tells what is bad from what is good under another name, and from what counts no more.
    fn judge(&mut self) {
        for (known, reason) in std::mem::take(&mut self.bad) {
            let elsewhere = self.good.contains(&known.hash);
            let counts = known.is_vouched() || known.accepted;
            if self.verdict.stop.is_some() && reason == Reason::Missing && counts && !elsewhere {
                // It may have been moved: nobody looked for it to the end.
                self.verdict.unread += 1;
                continue;
            }
            if reason != Reason::Unvouched {
                self.verdict.broken.push(Broken { dest: known.dest.to_vec(), hash: known.hash });
            }
            if reason == Reason::Missing && !counts {
                // It was taken over, and somebody put it somewhere else since.
                self.verdict.known.files -= 1;
                self.verdict.known.bytes = self.verdict.known.bytes.saturating_sub(known.size);
            } else if elsewhere && reason == Reason::Unvouched {
                // What it holds is vouched for under another name.
                self.verdict.good.add(known.size);
            } else if elsewhere {
                self.verdict.healed.push(to_text(known.dest));
            } else {
                self.verdict.accuse(known.dest, known.size, reason);
            }
        }
    }

    /// Names what no record vouches for, and what can't be looked at.
    fn name(&mut self, untracked: &Untracked) {
        let index = self.checker.index;
        if self.verdict.sample {
            // Without reading it.
            let vouched: HashSet<u128> =
                index.dests().filter(Known::is_vouched).map(|known| known.hash).collect();
            let is_unvouched =
                |known: &Known<'_>| !known.is_vouched() && !known.accepted && !vouched.contains(&known.hash);
            for known in index.dests().filter(is_unvouched) {
                self.verdict.accuse(known.dest, known.size, Reason::Unvouched);
            }
        }
        for file in &untracked.files {
            self.verdict.unrecorded.add(file.size);
            self.verdict.accuse(&file.dest, file.size, Reason::Unrecorded);
        }
        for odd in untracked.odd.iter().filter(|odd| !index.is_ignored(&odd.path)) {
            self.verdict.accuse(&odd.path, 0, Reason::OddOnDrive(odd.what.clone()));
        }
    }
}

/// A random share of the files, at least one; all of them for 1.0.
fn pick(index: &Index, share: f64, seed: u64) -> Vec<Known<'_>> {
    if share >= 1.0 {
        return index.dests().collect();
    }
    let mut state = seed | 1;
    let mut random = || {
        // xorshift64: any spread will do for a sample.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let vouched = || index.dests().filter(Known::is_vouched);
    let picked: Vec<_> = vouched().filter(|_| random() < share).collect();
    if picked.is_empty() { vouched().take(1).collect() } else { picked }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::manifest::FileRecord;

    #[test]
    fn a_share_is_spread_over_all_files_and_another_seed_picks_others() {
        let mut index = Index::default();
        for i in 0..1000u32 {
            let name = format!("IMG_{i:04}.JPG");
            let (path, hash) = (name.as_bytes(), u128::from(i));
            index.add(&Record::File(FileRecord::new(path, path, 3, (1, 2), 9, hash)));
        }
        index.add(&Record::Found { dest: "stray".into(), size: 3, xxh128: format!("{:032x}", 7) });
        assert_eq!(pick(&index, 1.0, 5).len(), 1001, "all of them, also what no card vouches for");
        for seed in [0, 1, 2, 4711, u64::MAX] {
            for (share, expected) in [(0.1, 60..=140), (0.5, 420..=580), (0.9, 850..=950)] {
                let picked = pick(&index, share, seed);
                assert!(expected.contains(&picked.len()), "{share} of 1000 with {seed}: {}", picked.len());
                let half = picked.iter().filter(|known| known.hash < 500).count();
                assert!(
                    (picked.len() / 3..=picked.len() * 2 / 3).contains(&half),
                    "{share} with {seed}: {half}"
                );
                assert!(picked.iter().all(Known::is_vouched));
            }
        }
        assert_eq!(pick(&index, 0.0, 3).len(), 1, "one at least");
        let names = |seed| pick(&index, 0.1, seed).iter().map(|k| k.dest.to_vec()).collect::<Vec<_>>();
        assert_eq!(names(4711), names(4711));
        assert_ne!(names(4711), names(815));
    }

    #[test]
    fn remarks_are_made_only_where_there_is_something_to_remark() {
        let notes = |unfinished: usize, mended: usize, litter| {
            let mut runs = Runs::default();
            (runs.unfinished, runs.mended) = (vec![String::new(); unfinished], vec![String::new(); mended]);
            let verdict = begun(&runs, &Untracked { litter, ..Untracked::default() });
            (verdict.notes.len(), verdict.mended)
        };
        assert_eq!(notes(0, 0, 0), (0, 0));
        assert_eq!(notes(0, 0, 1), (1, 0));
        assert_eq!(notes(1, 0, 0), (1, 0));
        assert_eq!(notes(0, 1, 1), (2, 1));
    }

    #[test]
    fn where_there_is_no_backup_those_that_there_are_are_named_and_many_are_counted() {
        let scratch = tempfile::tempdir().unwrap();
        let root = crate::system::volume::Dir::open(scratch.path()).unwrap();
        let manifests = root.make_sub(b".piback").unwrap().0.make_sub(b"manifests").unwrap().0;
        let label = Label::new("OTHER").unwrap();
        let hint = || no_backup(&label, scratch.path()).hints.concat();
        assert_eq!(hint(), "piback cards shows what is plugged in");
        for (n, more) in [(1, None), (12, None), (13, Some("and 1 more")), (15, Some("and 3 more"))] {
            (1..=n).for_each(|at| drop(manifests.make_sub(format!("SD{at:02}").as_bytes()).unwrap()));
            let hint = hint();
            assert_eq!(hint.matches("SD").count(), n.min(12), "{hint}");
            assert_eq!(hint.split_once(" and ").map(|(_, more)| format!("and {more}")).as_deref(), more);
        }
    }
}
