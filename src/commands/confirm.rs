//! `piback confirm`: keeps what `apply --confirm-within` did.

use super::context;
use crate::cli::Global;
use crate::error::{Outcome, Problem};
use crate::provision::apply;
use crate::ui::Ui;
use serde::Serialize;

pub fn run(global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let host = context::host(global)?;
    context::need_root(&host, "confirm")?;
    let _lock = apply::lock(&host)?;
    if !apply::confirm(&host)? {
        return Err(Problem::failed("nothing waits for a confirmation")
            .hint("it may have been undone already: piback status")
            .into());
    }
    ui.say("Confirmed. It stays.");
    #[derive(Serialize)]
    struct Confirmed {
        confirmed: bool,
    }
    ui.json("confirmed", &Confirmed { confirmed: true });
    Ok(Outcome::Done)
}
