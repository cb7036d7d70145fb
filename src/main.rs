//! Parse, dispatch, and turn the result into an exit code. Nothing else.

use clap::Parser;
use piback::{cli::Cli, commands, error, system::process, ui::Ui};
use std::process::ExitCode;

fn main() -> ExitCode {
    process::forbid_core_dumps();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version are answers (0); everything else is wrong usage (64).
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { error::Kind::Usage.exit_code() } else { 0 });
        }
    };
    let ui = Ui::new(cli.global.json, cli.global.verbose, process::no_color());
    match commands::run(cli, &ui) {
        Ok(outcome) => ExitCode::from(outcome.exit_code()),
        Err(e) => {
            ui.error(&e);
            ExitCode::from(error::exit_code(&e))
        }
    }
}
