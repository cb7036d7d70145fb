//! Carries out a plan: journal, originals, files, then whatever a live host needs; or everything back.

pub mod activate;
pub mod journal;
mod originals;
pub mod watchdog;

use crate::error::{Kind, Problem};
use crate::paths::LOCK;
use crate::profile::types::Passphrase;
use crate::provision::apply::journal::{Intent, Phase};
use crate::provision::apply::watchdog::Window;
use crate::provision::desired::artifact::Secrets;
use crate::provision::desired::expected::Expected;
use crate::provision::host::systemd::JobMode;
use crate::provision::plan::{FileChange, Plan};
use crate::provision::probe::baseline;
use crate::provision::state::State;
use crate::provision::state::generations;
use crate::provision::state::generations::Generation;
use crate::provision::state::json;
use crate::system::{Host, Node, state_dir};
use anyhow::Context;
use std::any::Any;

/// What an apply needs beyond its plan.
pub struct Hands<'a> {
    /// What fills the gaps of the plan's files, for checkers that come with a package.
    pub secrets: Option<&'a Secrets>,
    /// Samba's password for the share's user.
    pub share_password: Option<&'a Passphrase>,
    /// What must be true afterwards, or everything goes back; nothing where all of ours goes, and where an
    /// older generation says it.
    pub expected: Option<&'a Expected>,
    /// Undo all of it unless it is confirmed in time.
    pub window: Option<Window>,
    /// Where lines about the progress go.
    pub say: &'a dyn Fn(&str),
}

/// What was recovered from an apply that was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovered {
    Nothing,
    /// It was half-done: everything is as before.
    Undone,
    /// Its files were complete: they are on record.
    Finished,
}

/// Takes the lock for everything that changes the host. The state directory is made if it is not there.
///
/// # Errors
/// When another process holds it.
pub fn lock(host: &dyn Host) -> anyhow::Result<Box<dyn Any>> {
    state_dir::make(host, &[])?;
    host.lock(LOCK).with_context(|| format!("{} can't be locked", LOCK))?.ok_or_else(|| {
        Problem::failed("another piback is changing this host").hint("wait until it has ended").into()
    })
}

/// Settles an apply that was cut off: complete files are kept and recorded, others put back. One that waits for its
/// confirmation counts as confirmed: whoever types the next command is still in. Needs the lock.
///
/// # Errors
/// [`Kind::RollbackIncomplete`] with what could not be put back.
pub fn recover(host: &dyn Host) -> anyhow::Result<Recovered> {
    let Some(mut intent) = swept(host)? else { return Ok(Recovered::Nothing) };
    match intent.phase {
        Phase::Writing | Phase::Undoing => undo(host, &mut intent, JobMode::Wait).map(|()| Recovered::Undone),
        Phase::Written => finish(host, &intent).map(|()| Recovered::Finished),
        Phase::Provisional => confirm(host).map(|_| Recovered::Finished),
    }
}

/// Undoes an apply that was cut off or not confirmed, however far it had come. Needs the lock.
///
/// # Errors
/// As [`recover`].
pub fn undo_open(host: &dyn Host) -> anyhow::Result<bool> {
    match swept(host)? {
        Some(mut intent) => undo(host, &mut intent, JobMode::Wait).map(|()| true),
        None => Ok(false),
    }
}

/// Ends the wait for a confirmation; `false` when nothing waits. Needs the lock.
///
/// # Errors
/// When the journal can't be ended.
pub fn confirm(host: &dyn Host) -> anyhow::Result<bool> {
    let waits = journal::open(host)?.is_some_and(|intent| intent.phase == Phase::Provisional);
    if waits {
        // The journal first: from here on the timer finds nothing to undo, should it still go off.
        journal::end(host)?;
        watchdog::disarm(host)?;
    }
    Ok(waits)
}

/// What the boot unit and the timer do: nobody is there to ask. Needs the lock.
///
/// # Errors
/// As [`recover`].
pub fn settle(host: &dyn Host, boot: bool) -> anyhow::Result<Recovered> {
    let Some(mut intent) = swept(host)? else { return Ok(Recovered::Nothing) };
    let jobs = if boot { JobMode::NoBlock } else { JobMode::Wait };
    // The timer's first shot may come while packages are still being installed: the window begins after that.
    if !boot && intent.phase == Phase::Provisional && intent.deadline.is_some_and(|d| host.uptime() < d) {
        return Ok(Recovered::Nothing);
    }
    let complete = intent.phase == Phase::Written && !intent.confirm && activate::can_finish(host, &intent)?;
    if complete && activate::owed(host, &intent, jobs).is_ok() {
        return finish(host, &intent).map(|()| Recovered::Finished);
    }
    undo(host, &mut intent, jobs).map(|()| Recovered::Undone)
}

/// Carries out `plan`. Needs the lock; nothing may be left to recover.
///
/// # Errors
/// [`Kind::Failed`] when nothing was changed, [`Kind::RolledBack`] when everything is back,
/// [`Kind::RollbackIncomplete`] with what is not.
pub fn apply(host: &dyn Host, plan: &Plan, state: &State, hands: &Hands<'_>) -> anyhow::Result<()> {
    if plan.is_empty() {
        return Ok(());
    }
    still_as_planned(host, plan)?;
    let record = Generation {
        schema: json::schema(),
        number: plan.follows.unwrap_or(0) + 1,
        time: host.now(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made_by: plan.made_by.clone(),
        restored: plan.restored,
        radio: plan.radio.clone(),
        passphrase_file: plan.passphrase_file.clone(),
        expected: expected(host, plan, hands),
        chosen: plan.chosen,
        stack: plan.stack,
        artifacts: plan.artifacts.clone(),
        hashes: plan.hashes.clone(),
    };
    let previous = state.last.as_ref().and_then(|last| last.expected.as_ref());
    let held = match plan.units.is_empty() {
        true => None,
        false => baseline::take(host, previous, hands.expected),
    };
    // Before the first change a failure leaves nothing behind but parts of the journal, and those go.
    let begun = watchdog::arm(host, hands.window.as_ref())
        .and_then(|()| journal::begin(host, plan, state, hands.window.is_some(), held, record));
    let mut intent = begun.inspect_err(|_| {
        let _ = journal::end(host).and_then(|()| watchdog::disarm(host));
    })?;
    let done = activate::stop_leaving(host, plan, state, hands.say)
        .and_then(|()| write_files(host, plan, state, intent.ip_forward.as_ref()))
        .and_then(|()| journal::written(host, &mut intent))
        .and_then(|()| activate::run(host, plan, state, hands, intent.record.expected.as_ref()))
        .and_then(|()| generations::write(host, &intent.record));
    if let Err(cause) = done {
        (hands.say)("That failed. Putting the previous state back.");
        return Err(unwound(host, &mut intent, &cause));
    }
    match &hands.window {
        Some(window) => {
            journal::provisional(host, &mut intent, window.length.as_secs())?;
            // The whole window counts from here: whoever has to confirm sees the new state only now.
            watchdog::start_anew(host)
        }
        None => {
            journal::end(host)?;
            watchdog::retire(host, plan.artifacts.is_empty())
        }
    }
}

/// The open intent, after half-written files were swept away.
fn swept(host: &dyn Host) -> anyhow::Result<Option<Intent>> {
    let intent = journal::open(host)?;
    journal::sweep(host, intent.as_ref())?;
    if intent.is_none() && journal::is_there(host)? {
        // What was kept without an intent is of a journal that never began, or that has ended.
        journal::end(host)?;
    }
    Ok(intent)
}

/// The record first, the journal's end last: cut off in between, the next recovery does the rest.
fn finish(host: &dyn Host, intent: &Intent) -> anyhow::Result<()> {
    generations::write(host, &intent.record)?;
    journal::end(host)?;
    watchdog::retire(host, intent.record.artifacts.is_empty())
}

fn undo(host: &dyn Host, intent: &mut Intent, jobs: JobMode) -> anyhow::Result<()> {
    let remains = put_back(host, intent, jobs);
    if !remains.is_empty() {
        let problem =
            Problem::new(Kind::RollbackIncomplete, "an apply that was cut off can't be undone completely");
        return Err(remains.into_iter().fold(problem, Problem::hint).into());
    }
    // At boot the units' turn comes after ours.
    let down = if jobs == JobMode::Wait { down(host, intent) } else { Vec::new() };
    if down.is_empty() {
        return Ok(());
    }
    let what =
        "an apply that was not to be is undone, files and units; but what they bring up is not up again";
    Err(down.into_iter().fold(Problem::new(Kind::RollbackIncomplete, what), Problem::hint).into())
}

/// Everything back: what was started by the new files is stopped by them, then the old files, then the old units.
fn put_back(host: &dyn Host, intent: &mut Intent, jobs: JobMode) -> Vec<String> {
    // First of all on disk: whoever finds the journal from here on goes on undoing.
    if let Err(e) = journal::undoing(host, intent) {
        return vec![format!("{e:#}")];
    }
    let mut remains = activate::unwind_new(host, intent, jobs);
    remains.extend(journal::undo(host, intent).err().into_iter().flatten());
    remains.extend(activate::unwind_old(host, intent, jobs));
    if remains.is_empty() {
        let ended = journal::undone(host, intent).and_then(|()| watchdog::disarm(host));
        remains.extend(ended.err().map(|e| format!("{e:#}")));
    }
    remains
}

fn unwound(host: &dyn Host, intent: &mut Intent, cause: &anyhow::Error) -> anyhow::Error {
    let hints = crate::error::hints(cause);
    let remains = put_back(host, intent, JobMode::Wait);
    let what = format!("{cause:#}");
    let problem = if remains.is_empty() {
        match down(host, intent) {
            down if down.is_empty() => {
                Problem::new(Kind::RolledBack, what).hint("the previous state is back")
            }
            down => {
                let problem = Problem::new(Kind::RollbackIncomplete, what);
                down.into_iter().fold(problem.hint("the previous files and units are back"), Problem::hint)
            }
        }
    } else {
        let problem = Problem::new(Kind::RollbackIncomplete, what);
        let problem = remains.into_iter().fold(problem, Problem::hint);
        problem.hint("when that is mended, type: sudo piback rollback")
    };
    hints.into_iter().fold(problem, Problem::hint).into()
}

/// What was up before the apply and does not come up again. The journal has ended by then: there is nothing left to
/// put back, and a radio that broke must not keep anybody from the next apply.
fn down(host: &dyn Host, intent: &Intent) -> Vec<String> {
    intent.held.as_ref().map(|held| baseline::regressions(host, held)).unwrap_or_default()
}

/// What must be true while the new state is in force: what this apply wants, or what was proved of the generation that
/// it goes back to, but for the way in of whoever made that one.
fn expected(host: &dyn Host, plan: &Plan, hands: &Hands<'_>) -> Option<Expected> {
    hands.expected.cloned().or_else(|| {
        let proved = generations::read(host, plan.restored?).ok()?.expected?;
        Some(Expected { way_in: None, ..proved })
    })
}

/// Every file must be as it was when the plan was made.
fn still_as_planned(host: &dyn Host, plan: &Plan) -> anyhow::Result<()> {
    let moved = |what: &str| {
        Problem::failed(format!("{what} has changed since the plan was made")).hint("run the command again")
    };
    let numbers = generations::numbers(host)?;
    if numbers.last().copied() != plan.follows {
        return Err(moved("piback's record").into());
    }
    for change in &plan.files {
        let now = host.read(&change.path).with_context(|| format!("{} can't be read", change.path))?;
        let followed = match &now {
            Node::Link { .. } => host.read_followed(&change.path)?,
            _ => None,
        };
        if now != change.before || followed != change.followed {
            return Err(moved(&change.path).into());
        }
    }
    if journal::is_there(host)? {
        return Err(moved("an apply that was cut off is open: the host").into());
    }
    Ok(())
}

fn write_files(
    host: &dyn Host,
    plan: &Plan,
    state: &State,
    ip_forward: Option<&String>,
) -> anyhow::Result<()> {
    let seen: Vec<(String, Node, Option<Vec<u8>>)> =
        plan.files.iter().map(|f| (f.path.clone(), f.before.clone(), f.followed.clone())).collect();
    originals::keep(host, state, &seen, plan, ip_forward)?;
    for dir in &plan.dirs {
        host.make_dir(dir, 0o755).with_context(|| format!("{dir} can't be made"))?;
    }
    for change in &plan.files {
        stop_if_asked(host)?;
        write_file(host, change).with_context(|| format!("{} can't be written", change.path))?;
    }
    for dir in &plan.old_dirs {
        host.remove_dir(dir).with_context(|| format!("{dir} can't be removed"))?;
    }
    Ok(())
}

/// Between two steps is the place to stop; what was done is undone then.
///
/// # Errors
/// When somebody asked to stop.
pub fn stop_if_asked(host: &dyn Host) -> anyhow::Result<()> {
    match host.stop_requested() {
        true => Err(Problem::failed("stopped, as you asked").into()),
        false => Ok(()),
    }
}

fn write_file(host: &dyn Host, change: &FileChange) -> std::io::Result<()> {
    match &change.after {
        Node::File(file) => host.write(&change.path, file),
        Node::Link { target } => host.link(&change.path, target),
        _ => host.remove(&change.path),
    }
}
