//! `backup`: from the two ends to the account.

use super::account::{Account, NotSafe};
use super::copy::{self, Context, CopyResult};
use super::drive::{Drive, RESERVE};
use super::endpoints::Endpoints;
use super::events::{Event, Tally, Watch};
use super::manifest::{Damage, Index, Log, Record, Run, Runs, to_text};
use super::reason::{self, Reason, Stop};
use super::scan::Card;
use super::{matching, mhl, mirror, source, stale, untracked};
use crate::error::Problem;
use crate::system::volume::{Dir, Fault};
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
}

/// Backs up a card. Whatever goes wrong with single files is in the account; the drive is never left with an
/// incomplete file under a final name.
///
/// # Errors
/// When the run can't begin: an end is missing, locked, or not what it should be. Nothing was written then.
pub fn backup(ends: &Endpoints, options: Options, watch: &dyn Watch) -> anyhow::Result<Account> {
    let (mut source, mut drive) = ends.open()?;
    let _lock = drive.lock()?;
    let card = ends.scan(&source, &drive, watch)?;
    let shared = source.root.shares_with(&drive.root);
    if let Some(shared) = shared {
        watch.event(Event::Warning { text: reason::no_backup(shared).into() });
    }
    let mut runs = drive.runs()?;
    let how = matching::How { keep_used: options.mirror, compare: options.compare };
    let mut matched = matching::run(&card, &mut source, &mut drive, &runs.index, how, watch);
    let plan = options.mirror.then(|| mirror::plan(&card, &runs.index, &matched)).transpose()?;
    let space = drive.root.space().context("ask the drive for its room")?;
    let wanted = if matched.copy.bytes > 0 { matched.copy.bytes.saturating_add(RESERVE) } else { 0 };
    let short = wanted.saturating_sub(space.free);
    watch.event(Event::Planned { safe: matched.safe, copy: matched.copy, free: space.free, short });

    let mut account = Account { safe: matched.safe, shared, unseen: card.unseen, ..Account::default() };
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
    let dest = visible(&ends.dest.to_string_lossy());
    let cant = |fault| Problem::failed(format!("drive {dest} can't be read: {fault}"));
    let rebuild = !runs.damage.is_empty()
        || (runs.count == 0 && !untracked::find(&mut drive, &runs).map_err(cant)?.files.is_empty());
    account.stop = matched.stop;

    let removals = plan.as_ref().map_or(0, Vec::len);
    account.from_records = matched.from_records;
    account.days = matched.days;
    for (file, reason) in std::mem::take(&mut matched.not_safe) {
        account.fail(&card, file, reason, watch);
    }
    let something = !matched.jobs.is_empty()
        || !matched.adopted.is_empty()
        || !matched.rotten.is_empty()
        || !runs.unfinished.is_empty();
    if something || removals > 0 || rebuild {
        let adopted = !matched.adopted.is_empty();
        let mut job = Job { ends, card: &card, runs: &mut runs, adopted, contradicts: false, rebuild, watch };
        let result = job.write(&mut source, &mut drive, &mut matched, plan, &mut account)?;
        account.add(&card, result);
    }
    account.not_safe.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(account)
}

struct Job<'a> {
    ends: &'a Endpoints,
    card: &'a Card,
    runs: &'a mut Runs,
    adopted: bool,
    /// This run's records say of a name on the drive what no record said before.
    contradicts: bool,
    /// Manifests were lost: what no record speaks of is taken over.
    rebuild: bool,
    watch: &'a dyn Watch,
}

impl Job<'_> {
    /// Everything that writes on the drive. Once the manifest is begun, failures go to the account.
    fn write(
        &mut self,
        source: &mut source::Source,
        drive: &mut Drive,
        matched: &mut matching::Matched,
        removals: Option<Vec<mirror::Removal>>,
        account: &mut Account,
    ) -> anyhow::Result<CopyResult> {
        let shown = visible(&self.ends.dest.to_string_lossy());
        let cant = |fault: Fault| Problem::failed(format!("drive {shown} can't be written: {fault}"));
        let seed = random::bits().context("ask the kernel for a random number")?;
        drive.prepare().map_err(cant)?;
        let folder = drive.make_own(&[b"manifests", self.ends.label.as_bytes()]).map_err(cant)?;
        let swept = stale::remove(drive, &self.runs.unfinished).map_err(cant)?;
        self.runs.drop_silent(&folder).map_err(cant)?;
        let run = self.runs.next_run(clock::today(), seed);
        let first =
            Record::Run(Run::new(&run, self.ends.label.as_str(), "backup", clock::today().to_string()));
        let mut log = Log::begin(&folder, &run, first).map_err(cant)?;

        if swept > 0 {
            account
                .notes
                .push(format!("{swept} temporary files of an earlier run that was cut off were removed"));
        }
        let cleaned = self.runs.unfinished.iter().map(|run| Record::Cleaned { run: run.clone() });
        // Taken, not borrowed: of 100,000 files that is memory which the rest of the run needs.
        let adopted = std::mem::take(&mut matched.adopted);
        self.contradicts = adopted.iter().any(|adopted| adopted.contradicts(&self.runs.index));
        let adopted = adopted.into_iter().map(|adopted| adopted.record(self.card));
        let rotten = matched.rotten.drain(..).map(|dest| Record::Rotten { dest: to_text(&dest) });
        log.append(cleaned.chain(rotten).chain(adopted)).map_err(cant)?;
        let mut result = CopyResult { stop: account.stop, ..CopyResult::default() };
        if account.stop.is_none() {
            let context = Context {
                card: self.card,
                jobs: &matched.jobs,
                drive,
                index: &self.runs.index,
                run: &run,
                watch: self.watch,
            };
            result = copy::run(&mut [(context, &mut log)], source).pop().unwrap_or_default();
        } else {
            let stop = account.stop.unwrap_or(Stop::Asked);
            result.not_safe = matched.jobs.iter().map(|j| (j.file, Reason::NotReached(stop))).collect();
        }
        if result.stop.is_none()
            && let Err(fault) =
                self.finish(drive, (&run, &folder), &mut log, removals.unwrap_or_default(), &result, account)
        {
            result.stop = Some(Stop::of_drive(fault));
        }
        Ok(result)
    }

    /// Empty folders, removals, the list for other tools, and the manifest's last record.
    fn finish(
        &mut self,
        drive: &mut Drive,
        (run, manifests): (&str, &Dir),
        log: &mut Log,
        removals: Vec<mirror::Removal>,
        result: &CopyResult,
        account: &mut Account,
    ) -> Result<(), Fault> {
        let mut changed = Vec::new();
        for folder in self.card.folders.iter().filter(|f| f.files.is_empty() && !f.path.is_empty()) {
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
            account.removed = mirror::run(drive, run, log, removals)?;
        }
        self.contradicts |= result.contradicts || account.removed > 0;
        // What was known before the copy is read again where it is needed, with what was added: one index at a time.
        self.runs.index = Index::default();
        if self.rebuild {
            self.rebuild(drive, log, account)?;
        }
        if result.copied.files > 0 || account.removed > 0 || self.adopted {
            let contradicted_in = if self.contradicts { u64::MAX } else { self.runs.contradicted_in };
            let (now, host) = (clock::today(), process::host_name());
            match mhl::export(drive, &mhl::Export { run, contradicted_in, now, host: &host }) {
                Err(fault) if !fault.ends_the_drive() => {
                    account.notes.push(format!("no media hash list was written: {fault}"));
                }
                answer => answer?,
            }
        }
        let not_safe = (result.not_safe.len() + account.not_safe.len()) as u64;
        log.end(manifests, Record::End { files: result.copied.files, bytes: result.copied.bytes, not_safe })
    }

    /// Takes over what no record speaks of, and notes that the damage was dealt with.
    fn rebuild(&self, drive: &mut Drive, log: &mut Log, account: &mut Account) -> Result<(), Fault> {
        let runs = match drive.runs() {
            Ok(runs) => runs,
            Err(e) => {
                account.notes.push(format!("the manifests could not be rebuilt: {e:#}"));
                return Ok(());
            }
        };
        let untracked = untracked::find(drive, &runs)?;
        let (taken, whole) = untracked::record_untracked(drive, untracked, log, self.watch)?;
        account.taken_over = taken;
        if !whole {
            account.notes.push("taking over what has no record was stopped; the next backup goes on".into());
            return Ok(());
        }
        log.append(self.runs.damage.iter().map(|damage| Record::Lost { what: damage.describe() }))
    }
}
