//! `piback plan`: what apply would change. Runs on a system that refuses writes.

use super::context;
use crate::cli::{Global, Plan, StackArg};
use crate::error::{Outcome, Problem};
use crate::provision::plan::saved::SavedPlan;
use crate::provision::validate;
use crate::system::input;
use crate::system::read_only::ReadOnly;
use crate::ui::Ui;
use crate::view;
use std::io::ErrorKind;

pub fn run(args: &Plan, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let host = context::host(global)?;
    let host = ReadOnly::at_once(&host);
    context::need_root(&host, "plan")?;
    let prepared = context::prepare(&host, global, args.stack.map(StackArg::stack), "apply")?;
    let plan = prepared.plan(&host)?;
    let checks = prepared.checks(&host, &plan)?;
    view::plan::show(ui, &plan, &checks);
    validate::refuse_failures(&checks)?;
    if let Some(file) = &args.out {
        let name = crate::ui::visible(&file.to_string_lossy());
        let text = format!("{}\n", serde_json::to_string_pretty(&SavedPlan::of(&plan))?);
        input::write_private(file, text.as_bytes()).map_err(|e| match e.kind() {
            ErrorKind::AlreadyExists => Problem::failed(format!("{name} is there already"))
                .hint("name another file, or remove this one: a kept plan is not written over")
                .into(),
            _ => anyhow::Error::new(e).context(format!("{name} can't be written")),
        })?;
    }
    view::plan::json(ui, &plan, &checks, None);
    Ok(if args.check && !plan.is_empty() { Outcome::Pending } else { Outcome::Done })
}
