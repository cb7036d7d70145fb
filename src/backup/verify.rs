//! `verify`: re-reads a backup from the medium against its manifest. Only a record that was made from a card vouches
//! for a file: whatever else is there, and whatever of the records is damaged or gone, is named.

use super::account::NotSafe;
use super::digest::Digest;
use super::drive::Drive;
use super::events::{Event, Tally, Watch};
use super::label::Label;
use super::manifest::{Damage, Index, Known, Record, to_text};
use super::reason::{Reason, Stop};
use super::source::{self, LARGE, PIECE};
use super::{findings, scan, untracked};
use crate::error::Problem;
use crate::system::random;
use crate::system::volume::{Buffer, Fault, FaultKind};
use crate::ui::visible;
use anyhow::Context as _;
use std::collections::HashSet;
use std::path::Path;

/// What a verification found.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Files that the manifest speaks of.
    pub known: Tally,
    /// Read now, and as recorded.
    pub good: Tally,
    /// Rotten, missing or unreadable.
    pub bad: Vec<NotSafe>,
    /// Rotten or missing under one name, and good under another: nothing is lost.
    pub healed: Vec<String>,
    /// On the drive, in no manifest; also in `bad`, each.
    pub unrecorded: Tally,
    /// What is wrong with the manifests themselves.
    pub damage: Vec<String>,
    /// So many things were wrong with the manifests, and a later backup dealt with them.
    pub mended: u64,
    /// Only a part was to be read.
    pub sample: bool,
    pub stop: Option<Stop>,
    pub notes: Vec<String>,
}

impl Verdict {
    /// Whether there is a backup and all of it is good: no records are no proof of anything.
    #[must_use]
    pub fn all_good(&self) -> bool {
        self.bad.is_empty() && self.stop.is_none() && self.damage.is_empty() && self.known.files > 0
    }
}

impl Verdict {
    fn accuse(&mut self, dest: &[u8], size: u64, reason: Reason, watch: &dyn Watch) {
        self.tell(NotSafe { path: visible(&String::from_utf8_lossy(dest)), size, reason }, watch);
    }

    fn tell(&mut self, bad: NotSafe, watch: &dyn Watch) {
        watch.event(Event::NotSafe { path: bad.path.clone(), why: bad.reason.describe() });
        self.bad.push(bad);
    }
}

/// Re-reads a label's backup, or a random part of it (`share` of 1.0 is all).
///
/// # Errors
/// When there is no backup of that label, or its manifests can't be read.
pub fn verify(label: &Label, dest: &Path, share: f64, watch: &dyn Watch) -> anyhow::Result<Verdict> {
    let mut drive = Drive::open(dest, label.clone())?;
    let _lock = drive.lock()?;
    // Something else in the label's place is an error of its own.
    drive.tree()?;
    let runs = drive.runs()?;
    let untracked = untracked::find(&mut drive, &runs)
        .map_err(|fault| Problem::failed(format!("the backup of {label} can't be listed: {fault}")))?;
    let nothing =
        untracked.files.is_empty() && untracked.odd.is_empty() && runs.index.dests().next().is_none();
    if nothing && runs.damage.is_empty() {
        return Err(Problem::failed(format!(
            "no backup of {label} on drive {}",
            visible(&dest.to_string_lossy())
        ))
        .hint("piback cards shows what is plugged in")
        .into());
    }
    let seed = random::bits().context("ask the kernel for a random number")?;
    let mut verdict = Verdict { sample: share < 1.0, ..Verdict::default() };
    verdict.damage.extend(runs.damage.iter().map(Damage::describe));
    verdict.mended = runs.mended.len() as u64;
    verdict.notes.extend(runs.mended.iter().map(|what| format!("{what} (a later backup dealt with it)")));
    if !runs.unfinished.is_empty() {
        verdict.notes.push("the last backup was cut off: run it again".into());
    }
    if untracked.litter > 0 {
        verdict.notes.push(format!("{} temporary or system files have no record", untracked.litter));
    }
    runs.index.dests().for_each(|k| verdict.known.add(k.size));
    let picked = pick(&runs.index, share, seed);
    let mut all = Tally::default();
    picked.iter().for_each(|k| all.add(k.size));
    watch.event(Event::Scanned(all));
    let mut checker = Checker { drive: &mut drive, index: &runs.index, buffer: Buffer::new(PIECE) };
    let mut records = Vec::new();
    let mut good: HashSet<u128> = HashSet::new();
    let mut bad: Vec<(u128, NotSafe)> = Vec::new();
    for known in picked {
        if watch.stop_requested() {
            verdict.stop = Some(Stop::Asked);
            break;
        }
        match checker.one(&known) {
            Ok(()) if known.is_vouched() => {
                verdict.good.add(known.size);
                good.insert(known.hash);
            }
            Ok(()) => {
                let path = visible(&String::from_utf8_lossy(known.dest));
                bad.push((known.hash, NotSafe { path, size: known.size, reason: Reason::Unvouched }));
            }
            Err(Reason::NotReached(stop)) => {
                verdict.stop = Some(stop);
                break;
            }
            Err(reason) => {
                let path = visible(&String::from_utf8_lossy(known.dest));
                if matches!(reason, Reason::Differs | Reason::ReadBack(_)) {
                    records.push(Record::Rotten { dest: to_text(known.dest) });
                }
                bad.push((known.hash, NotSafe { path, size: known.size, reason }));
            }
        }
        watch.event(Event::Checked(Tally { files: 1, bytes: known.size }));
    }
    for (hash, not_safe) in bad {
        if good.contains(&hash) && not_safe.reason == Reason::Unvouched {
            // What it holds is vouched for under another name.
            verdict.good.add(not_safe.size);
        } else if good.contains(&hash) {
            verdict.healed.push(not_safe.path);
        } else {
            verdict.tell(not_safe, watch);
        }
    }
    if verdict.sample {
        unvouched(&runs.index, &mut verdict, watch);
    }
    for file in &untracked.files {
        verdict.unrecorded.add(file.size);
        verdict.accuse(&file.dest, file.size, Reason::Unrecorded, watch);
    }
    for odd in untracked.odd {
        verdict.accuse(&odd.path, 0, Reason::OddOnDrive(odd.what), watch);
    }
    verdict.notes.extend(findings::leave(&drive, &runs, "verify", records));
    Ok(verdict)
}

struct Checker<'a> {
    drive: &'a mut Drive,
    index: &'a Index,
    buffer: Buffer,
}

impl Checker<'_> {
    fn one(&mut self, known: &Known<'_>) -> Result<(), Reason> {
        match self.read(known) {
            Ok(Some(digest)) if digest.hash == known.hash && digest.len == known.size => Ok(()),
            Ok(Some(_)) => Err(Reason::Differs),
            Ok(None) => Err(Reason::Missing),
            Err(fault) if fault.kind() == FaultKind::Gone || !self.drive.root.device_present() => {
                Err(Reason::NotReached(Stop::DriveGone(fault)))
            }
            Err(fault) => Err(Reason::ReadBack(fault)),
        }
    }

    fn read(&mut self, known: &Known<'_>) -> Result<Option<Digest>, Fault> {
        let (folder, name) = scan::split_path(known.dest);
        let here = self.drive.exact(folder)?;
        let opened = here.map(|dir| dir.read(name, known.size >= LARGE)).transpose();
        let mut file = match opened {
            Ok(Some(file)) => file,
            Ok(None) => return self.read_moved(known),
            Err(fault) => match fault.kind() {
                FaultKind::Missing => return self.read_moved(known),
                // Something else has its name: the file is not there.
                FaultKind::NotADirectory | FaultKind::Unsupported => return Ok(None),
                _ => return Err(fault),
            },
        };
        source::digest(&mut file, &mut self.buffer)
    }

    /// Where `backup --mirror` put it.
    fn read_moved(&mut self, known: &Known<'_>) -> Result<Option<Digest>, Fault> {
        let Some(to) = self.index.moved_to(known.dest) else { return Ok(None) };
        let (folder, name) = scan::split_path(to);
        let parts: Vec<&[u8]> = folder.split(|b| *b == b'/').skip(1).collect();
        let Some(dir) = self.drive.own(&parts)? else { return Ok(None) };
        match dir.read(name, known.size >= LARGE) {
            Ok(mut file) => source::digest(&mut file, &mut self.buffer),
            Err(fault) if fault.kind() == FaultKind::Missing => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}

/// What no card vouches for is named without reading it, where only a sample is read.
fn unvouched(index: &Index, verdict: &mut Verdict, watch: &dyn Watch) {
    let vouched: HashSet<u128> = index.dests().filter(Known::is_vouched).map(|known| known.hash).collect();
    for known in index.dests().filter(|known| !known.is_vouched() && !vouched.contains(&known.hash)) {
        verdict.accuse(known.dest, known.size, Reason::Unvouched, watch);
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
