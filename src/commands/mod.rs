//! One small file per verb.

mod apply;
mod backup;
mod backup_report;
mod completions;
mod confirm;
mod endpoints;
mod init;
mod man;
mod plan;
mod progress;
mod render;
mod rollback;
mod safe_to_format;
mod schema;
mod settle;
mod setup;
mod show;
mod status;
mod verify;

use crate::cli::{Cli, Command};
use crate::error::Outcome;
use crate::ui::Ui;

/// Runs the command that was typed.
///
/// # Errors
/// Whatever stopped it; [`crate::error::exit_code`] turns that into the exit code.
pub fn run(cli: Cli, ui: &Ui) -> anyhow::Result<Outcome> {
    let global = &cli.global;
    if !matches!(cli.command, Command::Schema | Command::Completions(_) | Command::Man(_)) {
        setup::say_of_journal(global, ui);
    }
    match &cli.command {
        Command::Init(args) => init::run(args, global, ui),
        Command::Plan(args) => plan::run(args, global, ui),
        Command::Apply(args) => apply::run(args, global, ui),
        Command::Confirm => confirm::run(global, ui),
        Command::Settle(args) => settle::run(args, global, ui),
        Command::Rollback(args) => rollback::run(args, global, ui),
        Command::Render(args) => render::run(args, global, ui),
        Command::Status(args) => status::run(args, global, ui),
        Command::Schema => schema::run(ui),
        Command::Backup(args) => backup::run(args, ui),
        Command::Verify(args) => verify::run(args, ui),
        Command::SafeToFormat(args) => safe_to_format::run(args, ui),
        Command::Completions(args) => completions::run(args, ui),
        Command::Man(args) => man::run(args, ui),
    }
}
