//! `piback completions SHELL`

use crate::cli::{Cli, Completions};
use crate::error::Outcome;
use crate::ui::Ui;
use clap::CommandFactory;

pub fn run(args: &Completions, ui: &Ui) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "piback", &mut script);
    ui.text(&String::from_utf8_lossy(&script));
    Ok(Outcome::Done)
}
