//! `piback schema`

use crate::error::Outcome;
use crate::profile;
use crate::ui::Ui;

pub fn run(ui: &Ui) -> anyhow::Result<Outcome> {
    ui.raw(&format!("{}\n", serde_json::to_string_pretty(&profile::json_schema())?));
    Ok(Outcome::Done)
}
