//! `piback plan`: what apply would change. Runs on a system that refuses writes.

use super::setup::{self, Setup};
use super::show;
use crate::cli::{Global, Plan};
use crate::error::Outcome;
use crate::provision::check;
use crate::provision::keep::Kept;
use crate::system::input;
use crate::system::read_only::ReadOnly;
use crate::ui::Ui;
use anyhow::Context;

pub fn run(args: &Plan, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let host = setup::host(global)?;
    let host = ReadOnly(&host);
    setup::need_root(&host, "plan")?;
    let setup = Setup::read(&host, global, args.stack, "apply")?;
    let plan = setup.plan(&host)?;
    let checks = if plan.is_empty() {
        Vec::new()
    } else {
        check::all(&host, &setup.desired.artifacts, Some(&setup.secrets))?
    };
    show::plan(ui, "plan", &plan, &checks);
    check::refuse_failures(&checks)?;
    if let Some(file) = &args.out {
        let name = crate::ui::visible(&file.to_string_lossy());
        let text = format!("{}\n", serde_json::to_string_pretty(&Kept::of(&plan))?);
        input::write_private(file, text.as_bytes()).with_context(|| format!("{name} can't be written"))?;
    }
    Ok(if args.check && !plan.is_empty() { Outcome::Pending } else { Outcome::Done })
}
