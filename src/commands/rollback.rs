//! `piback rollback`: one generation back, to a certain one, or to what was there before piback; the diff first.

use super::context::{self, agreed};
use crate::cli::{Global, Rollback};
use crate::error::{Outcome, Problem};
use crate::paths::STATE;
use crate::provision::apply::journal;
use crate::provision::apply::{self, Options};
use crate::provision::desired::Desired;
use crate::provision::plan::prepare;
use crate::provision::plan::{self, Plan};
use crate::provision::state::State;
use crate::provision::state::generations;
use crate::system::{Host, signals};
use crate::ui::{Ui, visible};
use crate::view;
use serde::Serialize;

pub fn run(args: &Rollback, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let host = context::host(global)?;
    context::need_root(&host, "rollback")?;
    if let Some(intent) = journal::open(&host)? {
        if !args.yes && !agreed(ui, "Undo what is open?")? {
            ui.unchanged();
            return Ok(Outcome::Done);
        }
        let _lock = apply::lock(&host)?;
        apply::roll_back_open(&host)?;
        ui.say(&format!("{} is undone.", visible(&intent.record.made_by)));
        if !args.original && args.to.is_none() {
            #[derive(Serialize)]
            struct Undone<'a> {
                made_by: &'a str,
            }
            ui.json("undone", &Undone { made_by: &intent.record.made_by });
            return Ok(Outcome::Done);
        }
    } else if journal::is_there(&host)? {
        // Killed before its intent was written, or after its end: nothing to undo, only to clear away.
        let _lock = apply::lock(&host)?;
        apply::recover(&host)?;
    }
    let (state, notes) = match args.original {
        true => State::read_for_originals(&host)?,
        false => (State::read(&host)?, Vec::new()),
    };
    let mut desired = wanted(&host, args, &state)?;
    if desired.secrets.is_none() {
        // To keep it out of the diff; nothing is written with it.
        desired.secrets = prepare::secrets_on_record(&host, &state);
    }
    let mut plan = planned(&host, &desired, &state)?;
    plan.notes.extend(notes);
    view::plan::show(ui, &plan, &[]);
    let done = |applied| {
        view::plan::json(ui, &plan, &[], Some(applied));
        Ok(Outcome::Done)
    };
    if plan.is_empty() {
        return done(false);
    }
    if !args.yes && !agreed(ui, "Roll back?")? {
        ui.say("Nothing was changed.");
        return done(false);
    }
    let _lock = apply::lock(&host)?;
    let options = Options {
        secrets: desired.secrets.as_ref(),
        share_password: None,
        expected: None,
        window: None,
        progress: &|line| ui.say(line),
    };
    signals::stop_gently();
    apply::apply(&host, &plan, &state, &options)?;
    ui.say(&format!("Done. Profile and state stay in /etc/piback and {STATE}."));
    done(true)
}

/// Chooses what is gone back to.
fn wanted(host: &dyn Host, args: &Rollback, state: &State) -> anyhow::Result<Desired> {
    let Some(last) = state.last.as_ref().filter(|_| !args.original) else {
        return match args.to {
            Some(number) => Err(no_generation(number, &generations::numbers(host)?).into()),
            None => Ok(Desired::original()),
        };
    };
    if args.to.is_none() && last.artifacts.is_empty() {
        // What was there before piback is in force already: further back there is nothing.
        return Ok(Desired::original());
    }
    let numbers = generations::numbers(host)?;
    // One back from what is in force: after a rollback that is the generation that it went back to.
    let in_force = last.restored.unwrap_or(last.number);
    let number = match args.to.or_else(|| numbers.iter().rev().find(|n| **n < in_force).copied()) {
        Some(number) => number,
        // The first apply is the only one: before it there was what was there before piback.
        None => return Ok(Desired::original()),
    };
    if !numbers.contains(&number) {
        return Err(no_generation(number, &numbers).into());
    }
    let record = generations::read(host, number)?;
    if record.artifacts.is_empty() {
        return Ok(Desired { restored: Some(number), ..Desired::original() });
    }
    // Records have gaps where secrets belong; today's fill them. The profile is not asked: it may be the trouble.
    let file = record.passphrase_file.as_deref().unwrap_or_default();
    let wifi = prepare::secret(host, file, "the Wi-Fi passphrase")?;
    let secrets = prepare::for_record(host, wifi, &record.artifacts)?;
    Ok(Desired {
        stack: record.stack,
        stack_named: record.stack_named,
        artifacts: record.artifacts,
        radio: record.radio,
        secrets: Some(secrets),
        passphrase_file: record.passphrase_file,
        chosen: record.chosen,
        // Where the other one is pruned, this one says as well what must be up.
        restored: Some(record.restored.filter(|first| numbers.contains(first)).unwrap_or(number)),
        made_by: format!("rollback --to {number}"),
    })
}

fn no_generation(number: u32, known: &[u32]) -> Problem {
    let known: Vec<String> = known.iter().map(u32::to_string).collect();
    Problem::failed(format!("there is no generation {number}")).hint(match known.as_slice() {
        [] => "nothing was applied here yet: piback plan".to_owned(),
        known => format!("there are: {} (piback status --generations)", known.join(", ")),
    })
}

fn planned(host: &dyn Host, desired: &Desired, state: &State) -> anyhow::Result<Plan> {
    let mut plan = plan::files(host, desired, state)?;
    if host.is_live() {
        if desired.artifacts.is_empty() {
            plan::add_way_back(host, desired, state, &mut plan)?;
        } else {
            plan::add_units(host, desired, state, &mut plan)?;
        }
    }
    Ok(plan)
}
