//! `piback man [DIR]`

use crate::cli::{Cli, Man};
use crate::error::Outcome;
use crate::ui::Ui;
use clap::CommandFactory;

pub fn run(_args: &Man, ui: &Ui) -> anyhow::Result<Outcome> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    ui.raw(&String::from_utf8_lossy(&page));
    Ok(Outcome::Done)
}
