//! A backup on one drive: what is there already, the beginning of its records, and the end of them.

use super::account::{Account, NotSafe};
use super::card_seen::CardSeen;
use super::copy::{CopyResult, Seen};
use super::drive::{Drive, RESERVE};
use super::endpoints::Endpoints;
use super::events::{Event, Tally, Watch};
use super::manifest::{Damage, Index, Log, Record, Run, Runs, to_text};
use super::matched::Matched;
use super::matching;
use super::reason::{self, Reason, Stop};
use super::scan::Card;
use super::source::{self, Source};
use super::{findings, mhl, mirror, stale, untracked};
use crate::error::Problem;
use crate::system::volume::{Dir, Fault, Lock};
use crate::system::{clock, process, random};
use crate::ui::visible;
use anyhow::Context as _;

/// Options of a backup.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Move what is no longer on the card to `.piback/removed`.
    pub mirror: bool,
    /// Read and compare every file, whatever records say of it.
    pub compare: bool,
    /// The first drive gets it from the card, the others from the first one afterwards.
    pub cascade: bool,
}

/// A backup on one drive, from the look at it to its account.
pub struct OnDrive<'a> {
    ends: &'a Endpoints,
    pub drive: Drive,
    _lock: Lock,
    pub runs: Runs,
    pub matched: Matched,
    removals: Vec<mirror::Removal>,
    /// Manifests were lost: what no record speaks of is taken over.
    rebuild: bool,
    adopted: bool,
    /// This run's records say of a name on the drive what no record said before.
    contradicts: bool,
    pub watch: &'a dyn Watch,
    pub account: Account,
    pub result: CopyResult,
    /// None where there is nothing to write.
    pub begun: Option<Begun>,
    /// Records were begun, whether they are ended or not.
    wrote: bool,
}

/// Records that were begun.
pub struct Begun {
    pub run: String,
    pub log: Log,
    manifests: Dir,
}

impl<'a> OnDrive<'a> {
    /// Looks what of the card is there, and what has to be done. Writes nothing.
    ///
    /// # Errors
    /// When the drive, or the card's listing, can't be used.
    pub fn look(
        ends: &'a Endpoints,
        (mut drive, lock): (Drive, Lock),
        (card, source, seen): (&Card, &mut Source, &mut CardSeen),
        options: Options,
        watch: &'a dyn Watch,
    ) -> anyhow::Result<Self> {
        let shared = source.root.shares_with(&drive.root);
        if let Some(shared) = shared {
            watch.event(Event::Warning { text: reason::no_backup(shared).into() });
        }
        let runs = drive.runs()?;
        let how = matching::How { keep_used: options.mirror, compare: options.compare };
        let mut matched = matching::run(card, (source, seen), &mut drive, &runs.index, how, watch);
        let plan = options.mirror.then(|| mirror::plan(card, &runs.index, &matched)).transpose()?;
        let free = free_space(&drive, &mut matched)?;
        let wanted = if matched.copy.bytes > 0 { matched.copy.bytes.saturating_add(RESERVE) } else { 0 };
        let short = wanted.saturating_sub(free);
        watch.event(Event::Planned { safe: matched.safe, copy: matched.copy, free, short });
        let mut account = begin_account(card, &matched, &runs, watch);
        account.shared = shared;
        let dest = visible(&ends.dest.to_string_lossy());
        let cant = |fault| Problem::failed(format!("drive {dest} can't be read: {fault}"));
        let looked_at = !matched.stop.is_some_and(Stop::ends_the_drive);
        let rebuild = !runs.damage.is_empty()
            || (looked_at
                && runs.count == 0
                && !untracked::find(&mut drive, &runs).map_err(cant)?.files.is_empty());
        for (file, reason) in std::mem::take(&mut matched.not_safe) {
            account.fail(card, file, reason, watch);
            matched.failed.push(file);
        }
        Ok(OnDrive {
            ends,
            drive,
            _lock: lock,
            runs,
            adopted: !matched.adopted.is_empty(),
            matched,
            removals: plan.unwrap_or_default(),
            rebuild,
            contradicts: false,
            watch,
            account,
            result: CopyResult::default(),
            begun: None,
            wrote: false,
        })
    }

    /// Files of the card that were not on the drive before.
    pub fn lacks(&self) -> impl Iterator<Item = u32> {
        self.matched.jobs.iter().map(|job| job.file).chain(self.matched.failed.iter().copied())
    }

    /// Tells whether there is anything to copy to it.
    pub fn has_work(&self) -> bool {
        self.account.stop.is_none() && self.begun.is_some() && !self.matched.jobs.is_empty()
    }

    /// Tells whether the drive was lost while it was looked at: nothing can be begun on it.
    pub fn is_lost(&self) -> bool {
        matches!(self.account.stop, Some(stop) if stop.ends_the_drive())
    }

    /// Begins the run's records, where there is anything to write. Later failures go to the account, and so does that the
    /// drive went in this moment: then all that it lacks is listed.
    ///
    /// # Errors
    /// When the drive can't be written.
    pub fn begin(&mut self, card: &Card) -> anyhow::Result<()> {
        match self.begin_records(card) {
            Ok(()) => Ok(()),
            // Whatever the file system said of it.
            Err(NotBegun::Fault(fault)) if !self.drive.root.device_present() => {
                self.account.stop = Some(Stop::DriveGone(fault));
                Ok(())
            }
            Err(NotBegun::Fault(fault)) => {
                let shown = visible(&self.ends.dest.to_string_lossy());
                Err(Problem::failed(format!("drive {shown} can't be written: {fault}")).into())
            }
            Err(NotBegun::Other(error)) => Err(error),
        }
    }

    fn begin_records(&mut self, card: &Card) -> Result<(), NotBegun> {
        let something = !self.matched.jobs.is_empty()
            || self.adopted
            || !self.matched.rotten.is_empty()
            || !self.runs.unfinished.is_empty();
        if !(something || !self.removals.is_empty() || self.rebuild) {
            return Ok(());
        }
        let cant = NotBegun::Fault;
        let seed = random::bits().context("ask the kernel for a random number").map_err(NotBegun::Other)?;
        self.drive.prepare().map_err(cant)?;
        let folder = self.drive.make_own(&[b"manifests", self.ends.label.as_bytes()]).map_err(cant)?;
        let swept = stale::remove(&self.drive, &self.runs.unfinished).map_err(cant)?;
        self.runs.drop_silent(&folder).map_err(cant)?;
        let run = self.runs.next_run(clock::today(), seed);
        let first =
            Record::Run(Run::new(&run, self.ends.label.as_str(), "backup", clock::today().to_string()));
        let mut log = Log::begin(&folder, &run, first).map_err(cant)?;
        if swept > 0 {
            let text = format!("{swept} temporary files of an earlier run that was cut off were removed");
            self.account.notes.push(text);
        }
        let cleaned = self.runs.unfinished.iter().map(|run| Record::Cleaned { run: run.clone() });
        // Taken, not borrowed: of 100,000 files that is memory which the rest of the run needs.
        let adopted = std::mem::take(&mut self.matched.adopted);
        self.contradicts = adopted.iter().any(|adopted| adopted.contradicts(card, &self.runs.index));
        let adopted = adopted.into_iter().map(|adopted| adopted.record(card));
        let rotten = self.matched.rotten.drain(..).map(|dest| Record::Rotten { dest: to_text(&dest) });
        log.append(cleaned.chain(rotten).chain(adopted)).map_err(cant)?;
        self.begun = Some(Begun { run, log, manifests: folder });
        Ok(())
    }

    /// Ends the run's records.
    pub fn end(&mut self, card: &Card) {
        let Some(begun) = self.begun.take() else { return };
        self.wrote = true;
        if self.result.stop.is_none()
            && let Err(fault) = self.end_records(begun, card)
        {
            self.result.stop = Some(Stop::of_drive(fault));
        }
    }

    /// Takes in what a later read of its copies found, before the account is closed; leaves it on the drive too.
    pub fn look_again(&mut self, card: &Card, seen: Seen) {
        let mut rotten = Vec::new();
        for (got, reason) in seen.bad {
            let file = &card.files[got.file as usize];
            self.watch.event(Event::NotSafe { path: source::shown(card, file), why: reason.describe() });
            if matches!(reason, Reason::Differs | Reason::ReadBack(_)) {
                rotten.push(Record::Rotten { dest: to_text(&got.dest(card)) });
            }
            let result = &mut self.result;
            result.copied.files = result.copied.files.saturating_sub(1);
            result.copied.bytes = result.copied.bytes.saturating_sub(got.stat.size);
            result.scanned = result.scanned.saturating_sub(file.size);
            result.renamed.retain(|published| published.file != got.file);
            result.not_safe.push((got.file, reason));
        }
        self.result.not_safe.sort_unstable_by_key(|(file, _)| *file);
        self.account.notes.extend(seen.note.map(str::to_owned));
        // Where nothing at all is answered, its place tells nothing.
        let silent = || self.drive.root.list().err().filter(|fault| self.drive.is_lost(*fault));
        if let Some(fault) = seen.gone.or_else(silent) {
            self.result.stop.get_or_insert(Stop::DriveGone(fault));
        } else if !self.drive.root.is_at(&self.drive.path) {
            self.result.stop.get_or_insert(Stop::DriveReplaced);
        } else if !rotten.is_empty() {
            // Not as of a backup: that one would vouch for the end of this one's records.
            let left = match self.drive.runs() {
                Ok(runs) => findings::leave(&self.drive, &runs, "verify", rotten),
                Err(e) => Some(format!("the findings could not be recorded on the drive: {e:#}")),
            };
            self.account.notes.extend(left);
        }
    }

    /// Ends the run's records, and closes the account.
    pub fn finish(mut self, card: &Card) -> Account {
        self.end(card);
        if self.wrote || self.is_lost() {
            self.account.add(card, self.result);
        }
        self.account.not_safe.sort_by(|a, b| a.path.cmp(&b.path));
        self.account
    }

    /// Empty folders, removals, the list for other tools, and the manifest's last record.
    fn end_records(&mut self, begun: Begun, card: &Card) -> Result<(), Fault> {
        let Begun { run, mut log, manifests } = begun;
        let OnDrive { drive, account, result, .. } = self;
        let mut changed = Vec::new();
        for folder in card.folders.iter().filter(|f| f.files.is_empty() && !f.path.is_empty()) {
            match drive.make(&folder.path, &mut changed) {
                Ok(_) => {}
                Err(fault) if drive.is_lost(fault) => return Err(fault),
                Err(fault) => account.notes.push(format!(
                    "the empty folder {} was not made: {fault}",
                    visible(&String::from_utf8_lossy(&folder.path))
                )),
            }
        }
        for dir in changed {
            dir.sync()?;
        }
        if result.not_safe.is_empty() && account.not_safe.is_empty() {
            account.removed = mirror::run(drive, &run, &mut log, std::mem::take(&mut self.removals))?;
        }
        self.contradicts |= result.contradicts || !account.removed.is_empty();
        // What was known before the copy is read again where it is needed, with what was added: one index at a time.
        self.runs.index = Index::default();
        if self.rebuild {
            take_over(drive, &self.runs.damage, &mut log, account, self.watch)?;
        }
        if result.copied.files > 0 || !account.removed.is_empty() || self.adopted {
            let contradicted_in = if self.contradicts { u64::MAX } else { self.runs.contradicted_in };
            let (now, host) = (clock::today(), process::host_name());
            match mhl::export(drive, &mhl::Export { run: &run, contradicted_in, now, host: &host }) {
                Err(fault) if !fault.ends_the_drive() => {
                    account.notes.push(format!("no media hash list was written: {fault}"));
                }
                answer => answer?,
            }
        }
        let not_safe = (result.not_safe.len() + account.not_safe.len()) as u64;
        log.end(&manifests, Record::End { files: result.copied.files, bytes: result.copied.bytes, not_safe })
    }
}

/// Bytes that the drive has free. One that is gone has none, and that ends its run.
fn free_space(drive: &Drive, matched: &mut Matched) -> anyhow::Result<u64> {
    if matched.stop.is_some_and(Stop::ends_the_drive) {
        return Ok(0);
    }
    match drive.root.space() {
        Ok(space) => Ok(space.free),
        Err(fault) if drive.is_lost(fault) => {
            matched.stop = Some(Stop::of_drive(fault));
            Ok(0)
        }
        Err(fault) => Err(fault).context("ask the drive for its room"),
    }
}

/// The reason for which a run's records were not begun.
enum NotBegun {
    Fault(Fault),
    Other(anyhow::Error),
}

/// The account before anything was copied.
fn begin_account(card: &Card, matched: &Matched, runs: &Runs, watch: &dyn Watch) -> Account {
    let mut account = Account { safe: matched.safe, unseen: card.unseen, ..Account::default() };
    account.card = Tally { files: (card.files.len() + card.odd.len()) as u64, bytes: card.bytes() };
    account.skipped = card.clutter.iter().map(|name| visible(&String::from_utf8_lossy(name))).collect();
    account.not_safe.extend(card.odd.iter().map(|odd| NotSafe {
        path: to_text(&odd.path),
        size: 0,
        reason: Reason::Odd(odd.what.clone()),
    }));
    for bad in &account.not_safe {
        watch.event(Event::NotSafe { path: bad.path.clone(), why: bad.reason.describe() });
    }
    account.notes.extend(reason::unseen(card.unseen));
    account.notes.extend(reason::forged(card.bytes()));
    account.notes.extend(runs.damage.iter().map(Damage::describe));
    account.stop = matched.stop;
    account.from_records = matched.from_records;
    account.days = matched.days;
    account
}

/// Takes over what no record speaks of, and notes that the damage was dealt with.
fn take_over(
    drive: &mut Drive,
    damage: &[Damage],
    log: &mut Log,
    account: &mut Account,
    watch: &dyn Watch,
) -> Result<(), Fault> {
    let runs = match drive.runs() {
        Ok(runs) => runs,
        Err(e) => {
            account.notes.push(format!("the manifests could not be rebuilt: {e:#}"));
            return Ok(());
        }
    };
    let untracked = untracked::find(drive, &runs)?;
    let (taken, whole) = untracked::record_untracked(drive, untracked, log, watch)?;
    account.taken_over = taken;
    if !whole {
        account.notes.push("taking over what has no record was stopped; the next backup goes on".into());
        return Ok(());
    }
    log.append(damage.iter().map(|damage| Record::Lost { what: damage.describe() }))
}
