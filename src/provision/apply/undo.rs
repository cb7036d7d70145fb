//! The way back: what was started by the new files is stopped by them, then come the old files, then the old units.

use crate::error::{Kind, Problem};
use crate::provision::apply::journal::{self, Intent};
use crate::provision::apply::{originals, watchdog};
use crate::provision::host::addresses;
use crate::provision::host::systemd::JobMode;
use crate::provision::probe::baseline;
use crate::provision::resources::{file, kernel, rule, unit};
use crate::provision::state::{self, generations};
use crate::system::Host;

/// Undoes an apply that was cut off or not confirmed, and looks whether what was up before is up again.
///
/// # Errors
/// [`Kind::RollbackIncomplete`] with what is not back, or not up.
pub fn undo(host: &dyn Host, intent: &mut Intent, jobs: JobMode) -> anyhow::Result<()> {
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

/// Undoes the apply that is running and failed by `cause`; the error to end with.
pub fn unwound(host: &dyn Host, intent: &mut Intent, cause: &anyhow::Error) -> anyhow::Error {
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

/// Puts everything back, in this order. Safe to repeat: the journal stays until nothing remains.
fn put_back(host: &dyn Host, intent: &mut Intent, jobs: JobMode) -> Vec<String> {
    // First of all on disk: whoever finds the journal from here on goes on undoing.
    if let Err(e) = journal::undoing(host, intent) {
        return vec![format!("{e:#}")];
    }
    let mut remains = Vec::new();
    if host.is_live() {
        remains.extend(unit::run::deactivate(host, &intent.units, jobs));
    }
    remains.extend(files(host, intent));
    if host.is_live() {
        remains.extend(units(host, intent, jobs));
    }
    if remains.is_empty() {
        let ended = originals::forget(host, &intent.originals)
            .and_then(|()| journal::end(host))
            .and_then(|()| watchdog::disarm(host));
        remains.extend(ended.err().map(|e| format!("{e:#}")));
    }
    remains
}

/// Puts the files back that were there, and takes the record away. Says what remains.
fn files(host: &dyn Host, intent: &Intent) -> Vec<String> {
    let mut remains = Vec::new();
    file::run::make_dirs_again(host, &intent.old_dirs);
    for (before, after) in intent.files.iter().zip(&intent.after).rev() {
        let kept = file::run::keep_edit(host, before, after.as_deref());
        if let Err(e) = kept.and_then(|()| file::run::restore(host, before)) {
            remains.push(format!("{} is not back: {e:#}", before.path()));
        }
    }
    for dir in intent.dirs.iter().rev() {
        if let Err(e) = host.remove_dir(dir) {
            remains.push(format!("{dir} is still there: {e}"));
        }
    }
    remains.extend(generations::remove(host, intent.record.number).err().map(|e| format!("{e:#}")));
    remains
}

/// Makes the old units run with the old files; masks, the kernel's setting, addresses and rules come back. Says what
/// failed.
fn units(host: &dyn Host, intent: &Intent, jobs: JobMode) -> Vec<String> {
    let mut remains = unit::run::reactivate(host, &intent.units, jobs);
    remains.extend(kernel::put_back(host, intent.ip_forward.as_deref()));
    // At boot the kernel has forgotten all addresses by itself.
    if jobs == JobMode::Wait && !intent.units.is_empty() {
        remains.extend(addresses::give_back(host, &intent.record.radio, &intent.addresses));
    }
    remains.extend(unit::run::mask_again(host, &intent.units));
    // At boot the script that is back loads its rules itself, later.
    if jobs == JobMode::Wait {
        let rules: Vec<_> = intent.rules.iter().map(rule::RuleChange::reversed).collect();
        remains.extend(rule::carry_out(host, &rules).err().map(|e| format!("{e:#}")));
    }
    // What runs now is the old input again, or nothing: the next apply must not take it for the new one.
    remains.extend(state::write_activated(host, &intent.activated).err().map(|e| format!("{e:#}")));
    remains
}

/// Says what was up before the apply and does not come up again. The journal has ended by then: there is nothing left to
/// put back, and a radio that broke must not keep anybody from the next apply.
fn down(host: &dyn Host, intent: &Intent) -> Vec<String> {
    intent.baseline.as_ref().map(|then| baseline::regressions(host, then)).unwrap_or_default()
}
