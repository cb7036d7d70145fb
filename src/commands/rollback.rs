//! `piback rollback`: back to an earlier state, with the diff first.

use super::apply::agreed;
use super::{setup, show};
use crate::cli::{Global, Rollback};
use crate::error::{Outcome, Problem};
use crate::provision::apply::{self, Hands};
use crate::provision::plan::{self, Desired};
use crate::provision::store::State;
use crate::provision::{journal, units};
use crate::system::Host;
use crate::ui::Ui;

pub fn run(args: &Rollback, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let host = setup::host(global)?;
    setup::need_root(&host, "rollback")?;
    if let Some(intent) = journal::open(&host)? {
        ui.note(&journal::notice(&intent));
        if !args.yes && !agreed(ui, "Undo it?")? {
            ui.say("Nothing was changed.");
            return Ok(Outcome::Done);
        }
        let _lock = apply::lock(&host)?;
        apply::undo_open(&host)?;
        ui.say("It is undone.");
        if !args.original {
            return Ok(Outcome::Done);
        }
    }
    if !args.original {
        return Err(Problem::usage("say where to").hint("piback rollback --original").into());
    }
    let state = State::read(&host)?;
    let desired =
        Desired { stack: None, artifacts: Vec::new(), secrets: None, made_by: "rollback --original".into() };
    let mut plan = plan::files(&host, &desired, &state)?;
    if host.is_live() {
        units::plan_rollback(&state, &mut plan)?;
    }
    show::plan(ui, "rollback", &plan, &[]);
    if plan.is_empty() {
        return Ok(Outcome::Done);
    }
    if !args.yes && !agreed(ui, "Roll back?")? {
        ui.say("Nothing was changed.");
        return Ok(Outcome::Done);
    }
    let _lock = apply::lock(&host)?;
    apply::apply(&host, &plan, &state, &Hands { share_password: None }, None, &|line| ui.say(line))?;
    ui.say("Done. Profile and state stay in /etc/piback and /var/lib/piback.");
    Ok(Outcome::Done)
}
