//! Carries out a plan: journal, originals, files, then whatever a live host needs; or everything back.

use super::activate;
use super::journal::{self, Intent, Phase};
use super::plan::{FileChange, Plan};
use super::render::Secrets;
use super::store::{self, Generation, State};
use crate::error::{Kind, Problem};
use crate::profile::types::Passphrase;
use crate::system::{Host, Node};
use anyhow::Context;
use std::any::Any;

/// The secrets that activation hands to tools.
pub struct Hands<'a> {
    /// Samba's password for the share's user.
    pub share_password: Option<&'a Passphrase>,
}

/// What was recovered from an apply that was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovered {
    Nothing,
    /// Files were half-written: they are as before.
    Undone,
    /// Files were complete: they are on record.
    Finished,
}

/// Takes the lock for everything that changes the host. The state directory is made if it is not there.
///
/// # Errors
/// When another process holds it.
pub fn lock(host: &dyn Host) -> anyhow::Result<Box<dyn Any>> {
    store::make_dirs(host, &[])?;
    host.lock(store::LOCK).with_context(|| format!("{} can't be locked", store::LOCK))?.ok_or_else(|| {
        Problem::failed("another piback is changing this host").hint("wait until it has ended").into()
    })
}

/// Settles an apply that was cut off: complete files are kept and recorded, others put back. Needs the lock.
///
/// # Errors
/// [`Kind::RollbackIncomplete`] with what could not be put back.
pub fn recover(host: &dyn Host) -> anyhow::Result<Recovered> {
    let intent = journal::open(host)?;
    journal::sweep(host, intent.as_ref())?;
    let Some(intent) = intent else {
        // What was kept without an intent is of a journal that never began, or that has ended.
        if journal::is_there(host)? {
            journal::end(host)?;
        }
        return Ok(Recovered::Nothing);
    };
    match intent.phase {
        Phase::Writing => {
            journal::undo(host, &intent).map_err(incomplete)?;
            Ok(Recovered::Undone)
        }
        Phase::Written => {
            // The record first, the journal's end last: cut off in between, the next recovery does the rest.
            store::write_generation(host, &intent.record)?;
            journal::end(host)?;
            Ok(Recovered::Finished)
        }
    }
}

/// Undoes an apply that was cut off, however far it had come. Needs the lock.
///
/// # Errors
/// As [`recover`].
pub fn undo_open(host: &dyn Host) -> anyhow::Result<bool> {
    let intent = journal::open(host)?;
    journal::sweep(host, intent.as_ref())?;
    match intent {
        Some(intent) => journal::undo(host, &intent).map_err(incomplete).map(|()| true),
        None => Ok(false),
    }
}

/// Carries out `plan`. Needs the lock; nothing may be left to recover.
///
/// # Errors
/// [`Kind::Failed`] when nothing was changed, [`Kind::RolledBack`] when everything is back,
/// [`Kind::RollbackIncomplete`] with what is not.
pub fn apply(
    host: &dyn Host,
    plan: &Plan,
    state: &State,
    hands: &Hands<'_>,
    secrets: Option<&Secrets>,
    say: &dyn Fn(&str),
) -> anyhow::Result<()> {
    if plan.is_empty() {
        return Ok(());
    }
    still_as_planned(host, plan)?;
    let record = Generation {
        schema: store::schema(),
        number: plan.follows.unwrap_or(0) + 1,
        time: host.now(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made_by: plan.made_by.clone(),
        stack: plan.stack,
        artifacts: plan.artifacts.clone(),
        hashes: plan.hashes.clone(),
    };
    // Before the first change a failure leaves nothing behind but parts of the journal, and those go.
    let mut intent = journal::begin(host, plan, new_originals(plan, state), record).inspect_err(|_| {
        let _ = journal::end(host);
    })?;
    let done = write_files(host, plan, state)
        .and_then(|()| journal::written(host, &mut intent))
        .and_then(|()| activate::run(host, plan, state, hands, secrets, say))
        .and_then(|()| store::write_generation(host, &intent.record));
    if let Err(cause) = done {
        return Err(unwound(host, &intent, plan, state, cause, say));
    }
    journal::end(host)
}

/// Every file must be as it was when the plan was made.
fn still_as_planned(host: &dyn Host, plan: &Plan) -> anyhow::Result<()> {
    let moved = |what: &str| {
        Problem::failed(format!("{what} has changed since the plan was made")).hint("run the command again")
    };
    let numbers = store::generations(host)?;
    if numbers.last().copied() != plan.follows {
        return Err(moved("piback's record").into());
    }
    for change in &plan.files {
        let now = host.read(&change.path).with_context(|| format!("{} can't be read", change.path))?;
        if now != change.before {
            return Err(moved(&change.path).into());
        }
    }
    Ok(())
}

/// Paths and directories that no earlier apply has seen.
fn new_originals(plan: &Plan, state: &State) -> Vec<String> {
    let paths = plan.files.iter().map(|f| &f.path).filter(|p| !state.originals.paths.contains_key(*p));
    let dirs = plan.dirs.iter().filter(|d| !state.originals.dirs.contains(d));
    paths.chain(dirs).cloned().collect()
}

fn write_files(host: &dyn Host, plan: &Plan, state: &State) -> anyhow::Result<()> {
    let seen: Vec<(String, Node, Option<Vec<u8>>)> =
        plan.files.iter().map(|f| (f.path.clone(), f.before.clone(), f.followed.clone())).collect();
    store::keep_originals(host, &mut state.originals.clone(), &seen, &plan.dirs)?;
    for dir in &plan.dirs {
        host.make_dir(dir, 0o755).with_context(|| format!("{dir} can't be made"))?;
    }
    for change in &plan.files {
        write_file(host, change).with_context(|| format!("{} can't be written", change.path))?;
    }
    for dir in &plan.old_dirs {
        host.remove_dir(dir).with_context(|| format!("{dir} can't be removed"))?;
    }
    Ok(())
}

fn write_file(host: &dyn Host, change: &FileChange) -> std::io::Result<()> {
    match &change.after {
        Node::File(file) => host.write(&change.path, file),
        Node::Link { target } => host.link(&change.path, target),
        _ => host.remove(&change.path),
    }
}

fn unwound(
    host: &dyn Host,
    intent: &Intent,
    plan: &Plan,
    state: &State,
    cause: anyhow::Error,
    say: &dyn Fn(&str),
) -> anyhow::Error {
    say("That failed. Putting the previous state back.");
    let files = journal::undo(host, intent);
    let units = activate::unwind(host, plan, state);
    let remains: Vec<String> = files.err().into_iter().flatten().chain(units).collect();
    let what = format!("{cause:#}");
    let problem = if remains.is_empty() {
        Problem::new(Kind::RolledBack, what).hint("the previous state is back")
    } else {
        let problem = Problem::new(Kind::RollbackIncomplete, what);
        let problem = remains.into_iter().fold(problem, Problem::hint);
        problem.hint("when that is mended, type: sudo piback rollback")
    };
    problem.into()
}

fn incomplete(remains: Vec<String>) -> anyhow::Error {
    let problem =
        Problem::new(Kind::RollbackIncomplete, "an apply that was cut off can't be undone completely");
    remains.into_iter().fold(problem, Problem::hint).into()
}
