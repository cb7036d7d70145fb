//! `piback apply`: makes the host match the profile.

use super::setup::{self, Setup};
use super::show;
use crate::cli::{Apply, Global};
use crate::error::{Outcome, Problem};
use crate::provision::apply::{self, Hands, Recovered};
use crate::provision::keep::Kept;
use crate::provision::{check, journal};
use crate::system::input;
use crate::ui::Ui;
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
    let plan = setup.plan(&host)?;
    if let Some(file) = &args.plan {
        let name = crate::ui::visible(&file.to_string_lossy());
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
    if !args.yes && !agreed(ui, "Apply this?")? {
        ui.say("Nothing was changed.");
        return Ok(Outcome::Done);
    }
    let _lock = apply::lock(&host)?;
    let hands = Hands { share_password: Some(&setup.share_password) };
    apply::apply(&host, &plan, &setup.state, &hands, Some(&setup.secrets), &|line| ui.say(line))?;
    ui.say("Done.");
    Ok(Outcome::Done)
}

/// Asks before a change; without a terminal `--yes` is the only yes.
pub fn agreed(ui: &Ui, question: &str) -> anyhow::Result<bool> {
    if !ui.can_ask() {
        return Err(Problem::usage("nobody can be asked here: this is no terminal").hint("add --yes").into());
    }
    ui.confirm(question)
}
