//! `piback cancel [LABEL]`: asks a running backup to stop at the next batch boundary.

use super::running;
use crate::cli::{Global, Running};
use crate::error::Outcome;
use crate::ui::{Ui, visible};
use anyhow::Context;
use serde::Serialize;

pub fn run(args: &Running, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let found = running::find(args.label.as_deref(), global.root.as_deref())?;
    let label = visible(&found.header.label);
    found.interrupt().with_context(|| format!("stop the backup of {label}"))?;
    ui.say(&format!("The backup of {label} was asked to stop."));
    ui.say("It first finishes the files at hand: a few seconds.");
    #[derive(Serialize)]
    struct Answer<'a> {
        label: &'a str,
        pid: i32,
        asked: bool,
    }
    ui.json("asked", &Answer { label: &found.header.label, pid: found.pid, asked: true });
    Ok(Outcome::Done)
}
