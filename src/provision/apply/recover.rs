//! An apply that was cut off, or that waits for its confirmation: finished, undone or confirmed.

use crate::provision::apply::journal::{self, Intent, Phase};
use crate::provision::apply::undo::undo;
use crate::provision::apply::{activate, watchdog};
use crate::provision::host::systemd::JobMode;
use crate::provision::state::generations;
use crate::system::Host;

/// The end of an apply that was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovered {
    Nothing,
    /// It was half-done: everything is as before.
    Undone,
    /// Its files were complete: they are on record.
    Finished,
}

/// Settles an apply that was cut off: complete files are kept and recorded, others put back. One that waits for its
/// confirmation counts as confirmed: whoever types the next command is still in. Needs the lock.
///
/// # Errors
/// [`crate::error::Kind::RollbackIncomplete`] with what could not be put back.
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
pub fn roll_back_open(host: &dyn Host) -> anyhow::Result<bool> {
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

/// Settles for the boot unit and the timer: nobody is there to ask. Needs the lock.
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
