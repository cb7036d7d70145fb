//! `piback apply`: makes the host match the profile.

use super::setup::{self, Setup};
use super::show;
use crate::cli::{Apply, Global};
use crate::error::{Outcome, Problem};
use crate::provision::apply::{self, Hands, Recovered};
use crate::provision::doctor::{self, Patient};
use crate::provision::keep::Kept;
use crate::provision::plan::Plan;
use crate::provision::probe::Expected;
use crate::provision::watchdog::{self, Window};
use crate::provision::{check, journal};
use crate::system::run::Tool;
use crate::system::{Host, input, process};
use crate::ui::{Ui, visible};
use anyhow::Context;

pub fn run(args: &Apply, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let host = setup::host(global)?;
    setup::need_root(&host, "apply")?;
    if journal::is_there(&host)? {
        let _lock = apply::lock(&host)?;
        match apply::recover(&host)? {
            Recovered::Undone => ui.note("the half-written files are as they were; applying anew"),
            Recovered::Finished => ui.note("its files were complete and are on record; going on"),
            Recovered::Nothing => {}
        }
    }
    let setup = Setup::read(&host, global, args.stack, "apply")?;
    let patient = Patient { host: &host, profile: Some(&setup.profile), facts: Some(&setup.facts) };
    doctor::refuse(&patient)?;
    let plan = setup.plan(&host)?;
    if let Some(file) = &args.plan {
        let name = visible(&file.to_string_lossy());
        let bytes = input::read(file).with_context(|| format!("the plan {name} can't be read"))?;
        Kept::parse(&String::from_utf8_lossy(&bytes))?.holds(&plan)?;
    }
    let checks = if plan.is_empty() {
        Vec::new()
    } else {
        check::all(&host, &setup.desired.artifacts, Some(&setup.secrets))?
    };
    show::plan(ui, "apply", &plan, &checks);
    check::refuse_failures(&checks)?;
    if plan.is_empty() {
        return Ok(Outcome::Done);
    }
    insist_on_a_way_back(&host, args, &setup.desired.radio, &plan)?;
    if !args.yes && !agreed(ui, "Apply this?")? {
        ui.say("Nothing was changed.");
        return Ok(Outcome::Done);
    }
    let _lock = apply::lock(&host)?;
    let window = window(&host, args)?;
    let expected = Expected::of(&setup.profile, process::ssh_server_address());
    let hands = Hands {
        secrets: Some(&setup.secrets),
        share_password: Some(&setup.share_password),
        expected: Some(&expected),
        window,
        say: &|line| ui.say(line),
    };
    apply::apply(&host, &plan, &setup.state, &hands)?;
    match &args.confirm_within {
        Some(length) => ui.say(&format!(
            "Done, for now. Type `piback confirm` within {} s, or all of it is undone.",
            length.as_secs()
        )),
        None => ui.say("Done."),
    }
    Ok(Outcome::Done)
}

/// The window to confirm in, and the boot unit that looks after a power cut: on a live host only.
fn window(host: &dyn Host, args: &Apply) -> anyhow::Result<Option<Window>> {
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
    watchdog::install_boot_unit(host, &program)?;
    Ok(wanted.map(|length| Window { length, program }))
}

/// Whoever comes in over the Wi-Fi that is about to change must have a way back.
fn insist_on_a_way_back(host: &dyn Host, args: &Apply, radio: &str, plan: &Plan) -> anyhow::Result<()> {
    if !host.is_live() || args.confirm_within.is_some() || args.yes_lock_me_out || plan.units.is_empty() {
        return Ok(());
    }
    let Some(address) = process::ssh_server_address() else { return Ok(()) };
    let show = Tool::new("ip").args(["-o", "addr", "show", "dev", radio]);
    let addresses = host.output(&show).map(|o| o.stdout).unwrap_or_default();
    let ours = addresses.split_whitespace().any(|w| w.split('/').next() == Some(address.as_str()));
    if ours {
        return Err(Problem::usage(format!(
            "you are connected over {radio}, which this apply takes down for a moment"
        ))
        .hint("so that you can't be locked out, type: sudo piback apply --confirm-within 2m")
        .hint("or, if you can reach the Pi otherwise: --yes-lock-me-out")
        .into());
    }
    Ok(())
}

/// Asks before a change; without a terminal `--yes` is the only yes.
pub fn agreed(ui: &Ui, question: &str) -> anyhow::Result<bool> {
    if !ui.can_ask() {
        return Err(Problem::usage("nobody can be asked here: this is no terminal").hint("add --yes").into());
    }
    ui.confirm(question)
}
