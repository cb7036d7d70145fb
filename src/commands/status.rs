//! `piback status`: what is on record here.

use super::setup;
use crate::cli::{Global, Status};
use crate::error::Outcome;
use crate::provision::journal;
use crate::provision::store::State;
use crate::system::read_only::ReadOnly;
use crate::ui::{JSON_SCHEMA, Ui};
use serde::Serialize;

pub fn run(_args: &Status, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let host = setup::host(global)?;
    let host = ReadOnly(&host);
    let state = State::read(&host)?;
    let cut_off = journal::open(&host)?.map(|intent| journal::notice(&intent));
    if let Some(notice) = &cut_off {
        ui.note(notice);
    }
    let when =
        |time: i64| jiff::Timestamp::from_second(time).map_or_else(|_| time.to_string(), |t| t.to_string());
    match &state.last {
        Some(last) => {
            let stack = last.stack.map_or_else(|| "none (rolled back)".to_owned(), |s| s.to_string());
            ui.say(&format!(
                "generation {}\n  made     {}\n  by       {} (piback {})\n  stack    {stack}\n  files    {}",
                last.number,
                when(last.time),
                last.made_by,
                last.version,
                last.artifacts.len()
            ));
        }
        None => ui.say("Nothing was applied here yet. `piback apply` does."),
    }
    #[derive(Serialize)]
    struct StatusJson<'a> {
        schema: u32,
        command: &'static str,
        generation: Option<u32>,
        time: Option<i64>,
        stack: Option<String>,
        files: Vec<&'a str>,
        cut_off: Option<String>,
    }
    let last = state.last.as_ref();
    ui.json(&StatusJson {
        schema: JSON_SCHEMA,
        command: "status",
        generation: last.map(|l| l.number),
        time: last.map(|l| l.time),
        stack: last.and_then(|l| l.stack).map(|s| s.to_string()),
        files: state.owned().iter().map(|a| a.path.as_str()).collect(),
        cut_off,
    });
    Ok(Outcome::Done)
}
