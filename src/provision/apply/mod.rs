//! Carries out a plan, phase by phase; or puts everything back.

pub mod activate;
pub mod journal;
pub mod options;
mod originals;
pub mod recover;
mod undo;
pub mod watchdog;

pub use options::{Options, lock};
pub use recover::{Recovered, confirm, recover, roll_back_open, settle};

use crate::error::Problem;
use crate::provision::apply::options::stop_if_asked;
use crate::provision::desired::expected::Expected;
use crate::provision::plan::Plan;
use crate::provision::probe::baseline;
use crate::provision::resources::{file, unit};
use crate::provision::state::State;
use crate::provision::state::generations::{self, Generation};
use crate::provision::state::json;
use crate::system::Host;
use anyhow::Context;

/// Carries out `plan`. Needs the lock; nothing may be left to recover.
///
/// # Errors
/// [`crate::error::Kind::Failed`] when nothing was changed, or everything but the journal's end is done; `RolledBack` when
/// everything is back, `RollbackIncomplete` with what is not.
pub fn apply(host: &dyn Host, plan: &Plan, state: &State, options: &Options<'_>) -> anyhow::Result<()> {
    if plan.is_empty() {
        return Ok(());
    }
    still_as_planned(host, plan)?;
    let record = record(host, plan, options);
    let last = state.last.as_ref().and_then(|last| last.expected.as_ref());
    let before = match plan.units.is_empty() {
        true => None,
        false => baseline::take(host, last, options.expected),
    };
    // Before the first change a failure leaves nothing behind but parts of the journal, and those go.
    let begun = watchdog::arm(host, options.window.as_ref())
        .and_then(|()| journal::begin(host, plan, state, options.window.is_some(), before, record));
    let mut intent = begun.inspect_err(|_| {
        let _ = journal::end(host).and_then(|()| watchdog::disarm(host));
    })?;
    let done = unit::run::release(host, &plan.units, last, options.progress)
        .and_then(|()| originals::keep(host, state, plan, intent.ip_forward.as_ref()))
        .and_then(|()| write_files(host, plan))
        .and_then(|()| journal::written(host, &mut intent))
        .and_then(|()| activate::activate(host, plan, state, options, intent.record.expected.as_ref()))
        .and_then(|()| generations::write(host, &intent.record));
    if let Err(cause) = done {
        (options.progress)("That failed. Putting the previous state back.");
        return Err(undo::unwound(host, &mut intent, &cause));
    }
    match &options.window {
        Some(window) => {
            journal::provisional(host, &mut intent, window.length.as_secs())?;
            // The whole window counts from here: whoever has to confirm sees the new state only now.
            watchdog::start_anew(host)
        }
        None => journal::end(host)
            .map_err(|cause| in_force(&cause))
            .and_then(|()| watchdog::retire(host, plan.artifacts.is_empty())),
    }
}

/// The journal can't be taken away, after everything else. Neither done (0: the next apply would find it open, and every
/// command says so until then) nor back (3): 1, with what is so and what ends it.
fn in_force(cause: &anyhow::Error) -> anyhow::Error {
    Problem::failed(format!(
        "all of it is in force and on record, but its journal can't be removed: {cause:#}"
    ))
    .hint("is that disk full, or read-only? When that is mended, type: sudo piback apply")
    .hint("it takes the journal away, and changes nothing else")
    .into()
}

/// Every file must be as it was when the plan was made.
fn still_as_planned(host: &dyn Host, plan: &Plan) -> anyhow::Result<()> {
    let moved = |what: &str| {
        Problem::failed(format!("{what} has changed since the plan was made")).hint("run the command again")
    };
    if generations::numbers(host)?.last().copied() != plan.follows {
        return Err(moved("piback's record").into());
    }
    for change in &plan.files {
        if !file::run::is_as_planned(host, change)? {
            return Err(moved(&change.path).into());
        }
    }
    if journal::is_there(host)? {
        return Err(moved("an apply that was cut off is open: the host").into());
    }
    Ok(())
}

/// The record of a plan that is carried out.
fn record(host: &dyn Host, plan: &Plan, options: &Options<'_>) -> Generation {
    Generation {
        schema: json::schema(),
        number: plan.follows.unwrap_or(0) + 1,
        time: host.now(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made_by: plan.made_by.clone(),
        restored: plan.restored,
        radio: plan.radio.clone(),
        passphrase_file: plan.passphrase_file.clone(),
        expected: expected(host, plan, options),
        chosen: plan.chosen,
        stack: plan.stack,
        stack_named: plan.stack_named,
        artifacts: plan.artifacts.clone(),
        hashes: plan.hashes.clone(),
    }
}

/// The state to be proved while the new one is in force: what this apply wants, or what was proved of the generation that
/// it goes back to; a record has no way in, which is the session's.
fn expected(host: &dyn Host, plan: &Plan, options: &Options<'_>) -> Option<Expected> {
    options.expected.cloned().or_else(|| generations::read(host, plan.restored?).ok()?.expected)
}

fn write_files(host: &dyn Host, plan: &Plan) -> anyhow::Result<()> {
    for dir in &plan.dirs {
        host.make_dir(dir, 0o755).with_context(|| format!("{dir} can't be made"))?;
    }
    for change in &plan.files {
        stop_if_asked(host)?;
        file::run::write(host, change).with_context(|| format!("{} can't be written", change.path))?;
    }
    for dir in &plan.old_dirs {
        host.remove_dir(dir).with_context(|| format!("{dir} can't be removed"))?;
    }
    Ok(())
}
