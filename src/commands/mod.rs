//! One small file per verb.

mod completions;
mod man;

use crate::cli::{Cli, Command};
use crate::error::Outcome;
use crate::ui::Ui;

/// Runs the command that was typed.
///
/// # Errors
/// Whatever stopped it; [`crate::error::exit_code`] turns that into the exit code.
pub fn run(cli: Cli, ui: &Ui) -> anyhow::Result<Outcome> {
    match cli.command {
        Command::Completions(args) => completions::run(&args, ui),
        Command::Man(args) => man::run(&args, ui),
    }
}
