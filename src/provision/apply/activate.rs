//! Makes a live host use its files: packages, the share's user, units, rules; then proof. On a tree there is nothing to
//! do.

use crate::error::Problem;
use crate::provision::apply::journal::Intent;
use crate::provision::apply::options::{Options, stop_if_asked};
use crate::provision::components::control;
use crate::provision::desired::expected::Expected;
use crate::provision::host::systemd::JobMode;
use crate::provision::plan::Plan;
use crate::provision::probe::{self, baseline};
use crate::provision::resources::unit::change::Act;
use crate::provision::resources::unit::run::{self, Past};
use crate::provision::resources::{account, package, rule};
use crate::provision::state::{self, State};
use crate::provision::validate;
use crate::system::Host;

/// Carries out everything of a plan that comes after its files, and looks whether what is `expected` is up.
///
/// # Errors
/// The first step that failed, with what its tool said.
pub fn activate(
    host: &dyn Host,
    plan: &Plan,
    state: &State,
    options: &Options<'_>,
    expected: Option<&Expected>,
) -> anyhow::Result<()> {
    if !host.is_live() {
        return Ok(());
    }
    let mut activated = state.activated.clone();
    if !plan.packages.is_empty() {
        package::install(host, &plan.packages, options.progress)?;
        // Checkers that came with the packages have their say before anything is started.
        validate::refuse_failures(&validate::tools(host, &plan.artifacts, options.secrets)?)?;
    }
    for step in &plan.accounts {
        stop_if_asked(host)?;
        (options.progress)(&step.text());
        if let Some((name, mark)) = account::set_up(host, step, options.share_password)? {
            match mark {
                Some(mark) => activated.insert(name.to_owned(), mark),
                None => activated.remove(name),
            };
            state::write_activated(host, &activated)?;
        }
    }
    run::unmask_and_enable(host, &plan.units)?;
    for change in &plan.units {
        stop_if_asked(host)?;
        if change.act != Act::Stop {
            (options.progress)(&change.steps());
        }
        run::activate(host, change, JobMode::Wait, past(state))?;
        // Noted one by one: a unit that was restarted is not restarted again when a later one fails.
        run::note(&mut activated, change);
        state::write_activated(host, &activated)?;
    }
    rule::carry_out(host, &plan.rules)?;
    match expected {
        Some(expected) if !plan.units.is_empty() => prove(host, expected, options.progress),
        _ => Ok(()),
    }
}

/// Tells whether an apply that was cut off can be finished without anyone: the packages of its units are there.
///
/// # Errors
/// When systemd can't say.
pub fn can_finish(host: &dyn Host, intent: &Intent) -> anyhow::Result<bool> {
    if !host.is_live() || intent.units.is_empty() {
        return Ok(true);
    }
    run::can_run(host, &intent.units)
}

/// Activates what an apply still owed when it was cut off after its files were complete.
///
/// # Errors
/// The first that failed.
pub fn owed(host: &dyn Host, intent: &Intent, jobs: JobMode) -> anyhow::Result<()> {
    if !host.is_live() || intent.units.is_empty() {
        return Ok(());
    }
    // A record that is damaged must not stand in the way back.
    let (state, _) = State::read_for_originals(host)?;
    let mut activated = state.activated.clone();
    // The socket's group comes before the socket. Who is in it is looked at, so nothing of it need be in the journal.
    if intent.record.artifacts.iter().any(|artifact| artifact.path == control::SOCKET) {
        for step in account::plan_group(host)? {
            // One that fails is planned by the next apply, and no reason to leave this one open.
            if let Ok(Some((name, Some(mark)))) = account::set_up(host, &step, None) {
                activated.insert(name.to_owned(), mark);
                state::write_activated(host, &activated)?;
            }
        }
    }
    run::unmask_and_enable(host, &intent.units)?;
    for change in &intent.units {
        run::activate(host, change, jobs, past(&state))?;
        run::note(&mut activated, change);
    }
    rule::carry_out(host, &intent.rules)?;
    state::write_activated(host, &activated)
}

fn past(state: &State) -> Past<'_> {
    Past {
        ip_forward: state.originals.ip_forward.as_deref(),
        radio: state.last.as_ref().map(|last| last.radio.as_str()).unwrap_or_default(),
    }
}

/// Looks until everything is up, or patience ends.
fn prove(host: &dyn Host, expected: &Expected, progress: &dyn Fn(&str)) -> anyhow::Result<()> {
    progress("looking whether it is up");
    let probes = baseline::look_until_up(host, || stop_if_asked(host).map(|()| probe::look(host, expected)))?;
    if probes.iter().any(|p| !p.ok) {
        return Err(Problem::failed(format!("it did not come up:{}", baseline::failed(host, &probes))).into());
    }
    for probe in &probes {
        progress(&format!("  {}: {}", probe.name, probe.found));
    }
    Ok(())
}
