//! `verify`: re-reads a backup from the medium against its manifest.

use super::account::NotSafe;
use super::digest::Digest;
use super::drive::{self, Drive};
use super::events::{Event, Tally, Watch};
use super::label::Label;
use super::manifest::{Index, Known, Log, Record, Run, Runs, to_text};
use super::reason::{Reason, Stop};
use super::scan::{self, Card};
use super::source::{self, LARGE};
use crate::error::Problem;
use crate::system::volume::{Buffer, Fault, FaultKind};
use crate::system::{clock, random};
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
    /// On the drive, in no manifest: recorded now as found.
    pub unrecorded: Tally,
    /// There are files, and no manifest at all: nothing could be compared.
    pub no_manifest: bool,
    pub stop: Option<Stop>,
    pub notes: Vec<String>,
}

impl Verdict {
    #[must_use]
    pub fn all_good(&self) -> bool {
        self.bad.is_empty() && self.stop.is_none() && !self.no_manifest
    }
}

/// Re-reads a label's backup, or a random part of it (`share` of 1.0 is all).
///
/// # Errors
/// When there is no backup of that label, or its manifests can't be read.
pub fn verify(label: &Label, dest: &Path, share: f64, watch: &dyn Watch) -> anyhow::Result<Verdict> {
    let mut drive = Drive::open(dest, label.clone())?;
    let _lock = drive.lock()?;
    let Some(tree) = drive.tree()? else {
        return Err(Problem::failed(format!(
            "no backup of {label} on drive {}",
            visible(&dest.to_string_lossy())
        ))
        .hint("piback cards shows what is plugged in")
        .into());
    };
    let folder = drive.own(&[b"manifests", label.as_bytes()]).context("open the manifests")?;
    let runs = Runs::load(folder.as_ref())?;
    let seed = random::bits().context("ask the kernel for a random number")?;
    let mut verdict = Verdict::default();
    if runs.damaged > 0 {
        verdict.notes.push(format!("{} damaged records in the manifests were ignored", runs.damaged));
    }
    runs.index.dests().for_each(|k| verdict.known.add(k.size));
    let picked = pick(&runs.index, share, seed);
    let mut all = Tally::default();
    picked.iter().for_each(|k| all.add(k.size));
    watch.event(Event::Scanned(all));
    let mut checker = Checker { drive: &mut drive, index: &runs.index, buffer: Buffer::new(1 << 20) };
    let mut records = Vec::new();
    let mut good: HashSet<u128> = HashSet::new();
    let mut bad: Vec<(u128, NotSafe)> = Vec::new();
    for known in picked {
        if watch.stop_requested() {
            verdict.stop = Some(Stop::Asked);
            break;
        }
        match checker.one(&known) {
            Ok(()) => {
                verdict.good.add(known.size);
                good.insert(known.hash);
            }
            Err(Reason::NotReached(stop)) => {
                verdict.stop = Some(stop);
                break;
            }
            Err(reason) => {
                let path = visible(&String::from_utf8_lossy(known.dest));
                if matches!(reason, Reason::Differs) {
                    records.push(Record::Rotten { dest: to_text(known.dest) });
                }
                bad.push((known.hash, NotSafe { path, size: known.size, reason }));
            }
        }
        watch.event(Event::Checked(Tally { files: 1, bytes: known.size }));
    }
    for (hash, not_safe) in bad {
        if good.contains(&hash) {
            verdict.healed.push(not_safe.path);
        } else {
            watch.event(Event::NotSafe { path: not_safe.path.clone(), why: not_safe.reason.describe() });
            verdict.bad.push(not_safe);
        }
    }
    if verdict.stop.is_none() && share >= 1.0 {
        let tree = Card::scan(&tree).map_err(|fault| Problem::failed(format!("list the backup: {fault}")))?;
        verdict.no_manifest = runs.count == 0 && !tree.files.is_empty();
        checker.unrecorded(&tree, &runs, &mut records, &mut verdict, watch);
    }
    if !records.is_empty()
        && let Err(fault) = record(&drive, label, &runs, seed, records)
    {
        verdict.notes.push(format!("the findings could not be recorded on the drive: {fault}"));
    }
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

    /// Files that no manifest speaks of: somebody else's, or piback's own after the manifests were lost. They
    /// are recorded as found, so that what happens to them from now on is noticed.
    fn unrecorded(
        &mut self,
        tree: &Card,
        runs: &Runs,
        records: &mut Vec<Record>,
        verdict: &mut Verdict,
        watch: &dyn Watch,
    ) {
        for file in &tree.files {
            let dest = tree.path(file);
            let temp = runs.unfinished.iter().any(|run| drive::is_temp_of(run, tree.name(file)));
            if temp || self.index.of_dest(&dest).is_some() {
                continue;
            }
            if watch.stop_requested() {
                verdict.stop = Some(Stop::Asked);
                return;
            }
            let (folder, name) = scan::split_path(&dest);
            let opened =
                self.drive.exact(folder).ok().flatten().map(|dir| dir.read(name, file.size >= LARGE));
            let digest = opened.map(|open| open.and_then(|mut f| source::digest(&mut f, &mut self.buffer)));
            match digest {
                Some(Ok(Some(digest))) => {
                    verdict.unrecorded.add(digest.len);
                    let xxh128 = format!("{:032x}", digest.hash);
                    records.push(Record::Found { dest: to_text(&dest), size: digest.len, xxh128 });
                }
                Some(Err(fault)) => {
                    let path = visible(&String::from_utf8_lossy(&dest));
                    verdict.bad.push(NotSafe { path, size: file.size, reason: Reason::ReadBack(fault) });
                }
                // It went away or changed meanwhile: nothing was promised of it.
                Some(Ok(None)) | None => {}
            }
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
    let picked: Vec<_> = index.dests().filter(|_| random() < share).collect();
    if picked.is_empty() { index.dests().take(1).collect() } else { picked }
}

fn record(drive: &Drive, label: &Label, runs: &Runs, seed: u64, records: Vec<Record>) -> Result<(), Fault> {
    let run = runs.next_run(clock::today(), seed);
    let folder = drive.make_own(&[b"manifests", label.as_bytes()])?;
    let first = Record::Run(Run::new(&run, label.as_str(), "verify", clock::today().to_string()));
    let mut log = Log::begin(&folder, &run, first)?;
    log.append(records)?;
    log.append([Record::End { files: 0, bytes: 0, not_safe: 0 }])
}
