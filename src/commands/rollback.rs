//! `piback rollback`: one generation back, to a certain one, or to what was there before piback; the diff first.

use super::apply::agreed;
use super::{setup, show};
use crate::cli::{Global, Rollback};
use crate::error::{Outcome, Problem};
use crate::provision::apply::{self, Hands};
use crate::provision::plan::{self, Desired, Plan};
use crate::provision::render::Secrets;
use crate::provision::store::{self, State};
use crate::provision::{journal, units};
use crate::system::Host;
use crate::ui::Ui;

pub fn run(args: &Rollback, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let host = setup::host(global)?;
    setup::need_root(&host, "rollback")?;
    if let Some(intent) = journal::open(&host)? {
        if !args.yes && !agreed(ui, "Undo what was cut off?")? {
            ui.say("Nothing was changed.");
            return Ok(Outcome::Done);
        }
        let _lock = apply::lock(&host)?;
        apply::undo_open(&host)?;
        ui.say(&format!("{} is undone.", intent.record.made_by));
        if !args.original && args.to.is_none() {
            return Ok(Outcome::Done);
        }
    }
    let state = State::read(&host)?;
    let desired = wanted(&host, args, global, &state)?;
    let plan = planned(&host, &desired, &state)?;
    show::plan(ui, "rollback", &plan, &[]);
    if plan.is_empty() {
        return Ok(Outcome::Done);
    }
    if !args.yes && !agreed(ui, "Roll back?")? {
        ui.say("Nothing was changed.");
        return Ok(Outcome::Done);
    }
    let _lock = apply::lock(&host)?;
    let hands = Hands {
        secrets: desired.secrets.as_ref(),
        share_password: None,
        expected: None,
        window: None,
        say: &|line| ui.say(line),
    };
    apply::apply(&host, &plan, &state, &hands)?;
    ui.say("Done. Profile and state stay in /etc/piback and /var/lib/piback.");
    Ok(Outcome::Done)
}

/// What is gone back to.
fn wanted(host: &dyn Host, args: &Rollback, global: &Global, state: &State) -> anyhow::Result<Desired> {
    let original = || Desired {
        stack: None,
        artifacts: Vec::new(),
        radio: String::new(),
        secrets: None,
        made_by: "rollback --original".into(),
    };
    let Some(last) = &state.last else { return Ok(original()) };
    let numbers = store::generations(host)?;
    let number = match args.to {
        _ if args.original => return Ok(original()),
        Some(number) => number,
        None => match numbers.iter().rev().nth(1) {
            Some(number) => *number,
            // The first apply is the only one: before it there was what was there before piback.
            None => return Ok(original()),
        },
    };
    if !numbers.contains(&number) {
        let known: Vec<String> = numbers.iter().map(u32::to_string).collect();
        return Err(Problem::failed(format!("there is no generation {number}"))
            .hint(format!("there are: {} (piback status --generations)", known.join(", ")))
            .into());
    }
    let record = store::generation(host, number)?;
    if record.artifacts.is_empty() {
        return Ok(original());
    }
    // Records have gaps where secrets belong; today's fill them.
    let profile = setup::load_profile(host, global)?;
    let wifi = setup::secret(host, &profile.wifi.passphrase_file, "the Wi-Fi passphrase")?;
    Ok(Desired {
        stack: record.stack.or(last.stack),
        artifacts: record.artifacts,
        radio: profile.wifi.interface.to_string(),
        secrets: Some(Secrets { wifi }),
        made_by: format!("rollback --to {number}"),
    })
}

fn planned(host: &dyn Host, desired: &Desired, state: &State) -> anyhow::Result<Plan> {
    let mut plan = plan::files(host, desired, state)?;
    if host.is_live() {
        if desired.artifacts.is_empty() {
            units::plan_rollback(host, state, &mut plan)?;
        } else {
            units::plan_units(host, desired, state, &mut plan)?;
        }
    }
    Ok(plan)
}
