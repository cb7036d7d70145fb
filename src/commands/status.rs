//! `piback status`: what is on record here.

use super::setup;
use crate::cli::{Global, Status};
use crate::error::Outcome;
use crate::provision::journal;
use crate::provision::store::{self, State};
use crate::system::read_only::ReadOnly;
use crate::ui::{JSON_SCHEMA, Ui, visible};
use serde::Serialize;

pub fn run(args: &Status, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let host = setup::host(global)?;
    let host = ReadOnly(&host);
    let state = State::read(&host)?;
    let cut_off = journal::open(&host)?.map(|intent| journal::notice(&intent));
    if let Some(notice) = &cut_off {
        ui.say(notice);
    }
    let mut generations = Vec::new();
    if args.generations {
        for number in store::generations(&host)? {
            let record = store::generation(&host, number)?;
            let stack = record.stack.map_or_else(|| "none".to_owned(), |s| s.to_string());
            ui.say(&format!("{number:>4}  {}  {stack:<14}  {}", when(record.time), visible(&record.made_by)));
            generations.push(GenerationJson { number, time: record.time, stack, made_by: record.made_by });
        }
    }
    match &state.last {
        Some(_) if args.generations => {}
        Some(last) => {
            let stack = last.stack.map_or_else(|| "none (rolled back)".to_owned(), |s| s.to_string());
            ui.say(&format!(
                "generation {}\n  made     {}\n  by       {} (piback {})\n  stack    {stack}\n  files    {}",
                last.number,
                when(last.time),
                visible(&last.made_by),
                visible(&last.version),
                last.artifacts.len()
            ));
        }
        None if cut_off.is_some() => {}
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
        generations: Vec<GenerationJson>,
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
        generations,
        cut_off,
    });
    Ok(Outcome::Done)
}

#[derive(Serialize)]
struct GenerationJson {
    number: u32,
    time: i64,
    stack: String,
    made_by: String,
}

/// A record's time for people, in UTC: the Pi's zone is rarely the traveller's.
fn when(time: i64) -> String {
    jiff::Timestamp::from_second(time).map_or_else(|_| time.to_string(), |t| t.to_string())
}
