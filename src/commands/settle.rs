//! `piback settle`: what the boot unit and the confirm timer call. Nobody is there to ask.

use super::context;
use crate::cli::{Global, Settle};
use crate::error::Outcome;
use crate::provision::apply::{self, Recovered};
use crate::system::clock;
use crate::ui::Ui;
use serde::Serialize;
use std::time::Duration;

/// An apply that installs packages holds the lock for minutes; after that it is stuck, and undoing beside it is worse.
const LONGEST_WAIT: u32 = 35 * 60;

pub fn run(args: &Settle, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let host = context::host(global)?;
    context::need_root(&host, "settle")?;
    let mut waited = 0;
    let _lock = loop {
        match apply::lock(&host) {
            Ok(lock) => break lock,
            Err(e) if waited >= LONGEST_WAIT => return Err(e),
            Err(_) => clock::sleep(Duration::from_secs(1)),
        }
        waited += 1;
    };
    let (outcome, text) = match apply::settle(&host, args.boot)? {
        Recovered::Nothing => ("nothing", "Nothing was open."),
        Recovered::Undone => ("undone", "The apply that was not confirmed, or cut off, is undone."),
        Recovered::Finished => ("finished", "The apply that was cut off is finished."),
    };
    ui.say(text);
    #[derive(Serialize)]
    struct Settled {
        outcome: &'static str,
    }
    ui.json("settled", &Settled { outcome });
    Ok(Outcome::Done)
}
