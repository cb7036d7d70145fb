//! `piback schema`

use crate::error::Outcome;
use crate::profile;
use crate::ui::Ui;
use serde::Serialize;

pub fn run(ui: &Ui) -> anyhow::Result<Outcome> {
    #[derive(Serialize)]
    struct ProfileSchema {
        profile_schema: schemars::Schema,
    }
    let profile_schema = profile::json_schema();
    if ui.json_wanted() {
        ui.json("schema", &ProfileSchema { profile_schema });
    } else {
        ui.raw(&format!("{}\n", serde_json::to_string_pretty(&profile_schema)?));
    }
    Ok(Outcome::Done)
}
