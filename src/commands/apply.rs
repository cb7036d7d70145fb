//! `piback apply`: makes the host match the profile.

use super::context::{self, agreed};
use crate::cli::{Apply, Global, StackArg};
use crate::doctor::{self, Subject};
use crate::error::{Outcome, Problem};
use crate::profile::Profile;
use crate::provision::adopt::conflicts;
use crate::provision::apply::journal::{self, Phase};
use crate::provision::apply::watchdog::{self, Window};
use crate::provision::apply::{self, Options, Recovered};
use crate::provision::desired::expected::Expected;
use crate::provision::host::addresses;
use crate::provision::plan::Plan;
use crate::provision::plan::saved::SavedPlan;
use crate::provision::validate::{self, result::Validation};
use crate::system::{Host, input, process, signals};
use crate::ui::{Ui, visible};
use crate::view;
use anyhow::Context;
use std::path::Path;

pub fn run(args: &Apply, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let host = context::host(global)?;
    context::need_root(&host, "apply")?;
    let done = on(&host, args, global, ui)?;
    view::plan::json(ui, &done.plan, &done.checks, Some(done.applied));
    Ok(Outcome::Done)
}

/// The work of an apply, and its end.
pub struct Done {
    pub plan: Plan,
    pub checks: Vec<Validation>,
    pub applied: bool,
}

/// Makes a host match its profile and says so to people; a program's answer is the caller's to give.
///
/// # Errors
/// As the verb's.
pub fn on(host: &dyn Host, args: &Apply, global: &Global, ui: &Ui) -> anyhow::Result<Done> {
    let waits = journal::open(host)?.is_some_and(|intent| intent.phase == Phase::Provisional);
    if !waits {
        settle_what_was_cut_off(host, ui)?;
    }
    let kept = args.plan.as_deref().map(kept_plan).transpose()?;
    let stack = match &kept {
        Some(kept) if args.stack.is_none() => kept.stack(),
        _ => args.stack.map(StackArg::stack),
    };
    let prepared = context::prepare(host, global, stack, "apply")?;
    // First: a radio that is not there makes the checks below speak of another one.
    conflicts::refuse(&prepared.conflicts, host.is_live())?;
    let (profile, facts, lan) = (Some(&prepared.profile), Some(&prepared.facts), Some(&prepared.subnet));
    doctor::refuse(&Subject { host, profile, facts, lan, drives: None, health: None })?;
    let plan = prepared.plan(host)?;
    if let Some(kept) = &kept {
        kept.holds(&plan)?;
    }
    let checks = prepared.checks(host, &plan)?;
    view::plan::show(ui, &plan, &checks);
    validate::refuse_failures(&checks)?;
    if plan.is_empty() {
        return Ok(Done { plan, checks, applied: false });
    }
    let (way_in, port) = process::ssh_server().unzip();
    let over_radio = way_in
        .as_deref()
        .is_some_and(|way| host.is_live() && addresses::is_way_in(host, &prepared.desired.radio, way));
    if over_radio && !plan.units.is_empty() {
        insist_on_a_way_back(args, &prepared.desired.radio)?;
    }
    if waits {
        ui.note("the apply before this one is not confirmed yet; going on keeps it");
    }
    if !args.yes && !agreed(ui, "Apply this?")? {
        ui.say("Nothing was changed.");
        return Ok(Done { plan, checks, applied: false });
    }
    let _lock = apply::lock(host)?;
    apply::confirm(host)?;
    let window = window(host, args, ui)?;
    let expected = Expected { way_in_port: port, ..expected(&prepared.profile, way_in, over_radio, ui) };
    let options = Options {
        secrets: Some(&prepared.secrets),
        share_password: Some(&prepared.share_password),
        expected: Some(&expected),
        window,
        progress: &|line| ui.say(line),
    };
    signals::stop_gently();
    apply::apply(host, &plan, &prepared.state, &options)?;
    say_done(args, ui);
    Ok(Done { plan, checks, applied: true })
}

/// Decides what must be up afterwards; of a session that comes in by the radio nothing when its address changes.
fn expected(profile: &Profile, way_in: Option<String>, over_radio: bool, ui: &Ui) -> Expected {
    let mut expected = Expected::of(profile, way_in);
    if over_radio && expected.way_in.as_deref() != Some(&expected.address) {
        // It ends by what was asked for. Whoever comes back under the new address confirms, or the old one comes back.
        expected.way_in = None;
        ui.note(&format!("the Wi-Fi moves, and this session ends; come back to {}", expected.address));
    }
    expected
}

fn say_done(args: &Apply, ui: &Ui) {
    match &args.confirm_within {
        Some(length) => ui.say(&format!(
            "Done, for now. Type `sudo piback confirm` within {} s, or all of it is undone.",
            length.as_secs()
        )),
        None => ui.say("Done."),
    }
}

/// Finishes or undoes what a killed apply left, before a new plan is made.
fn settle_what_was_cut_off(host: &dyn Host, ui: &Ui) -> anyhow::Result<()> {
    if !journal::is_there(host)? {
        return Ok(());
    }
    let _lock = apply::lock(host)?;
    match apply::recover(host)? {
        Recovered::Undone => ui.note("what was half-done is undone; planning anew"),
        Recovered::Finished => {
            ui.note("the files of the apply that was cut off are complete and kept; going on from there")
        }
        Recovered::Nothing => {}
    }
    Ok(())
}

fn kept_plan(file: &Path) -> anyhow::Result<SavedPlan> {
    let name = visible(&file.to_string_lossy());
    let bytes = input::read(file).with_context(|| format!("the plan {name} can't be read"))?;
    SavedPlan::parse(&String::from_utf8_lossy(&bytes))
}

/// The window to confirm in, and the boot unit that looks after a power cut: on a live host only.
fn window(host: &dyn Host, args: &Apply, ui: &Ui) -> anyhow::Result<Option<Window>> {
    let wanted = args.confirm_within;
    if !host.is_live() {
        return match wanted {
            Some(_) => {
                Err(Problem::usage("--confirm-within needs a running host; --root names a tree").into())
            }
            None => Ok(None),
        };
    }
    let program = process::own_path().context("piback's own path is not known")?;
    let program = program.to_string_lossy().into_owned();
    if !watchdog::is_plain_path(&program) {
        return Err(Problem::failed(format!("a unit can't start {}", visible(&program)))
            .hint("copy piback to /usr/local/bin and run it from there")
            .into());
    }
    if watchdog::is_passing(&program) {
        ui.note(&format!(
            "{program} may be gone after a power cut, and nobody could then finish or undo this by itself; \
             better copy piback to /usr/local/bin and run it from there"
        ));
    }
    watchdog::install_boot_unit(host, &program)?;
    Ok(wanted.map(|length| Window { length, program }))
}

/// Whoever comes in over the Wi-Fi that is about to change must have a way back.
fn insist_on_a_way_back(args: &Apply, radio: &str) -> anyhow::Result<()> {
    if args.confirm_within.is_some() || args.yes_lock_me_out {
        return Ok(());
    }
    Err(Problem::usage(format!("you are connected over {radio}, which this apply takes down for a moment"))
        .hint("so that you can't be locked out, type: sudo piback apply --confirm-within 2m")
        .hint("or, if you can reach the Pi otherwise: --yes-lock-me-out")
        .into())
}
