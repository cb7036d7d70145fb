//! Parse, dispatch, and turn the result into an exit code. Nothing else.

use clap::Parser;
use piback::cli::{Cli, Command};
use piback::commands;
use piback::error::{self, Kind, Outcome, Problem};
use piback::system::process;
use piback::ui::{self, Ui};
use std::process::ExitCode;

fn main() -> ExitCode {
    process::forbid_core_dumps();
    process::allow_open_files();
    ui::bare_panics();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version are answers (0); everything else is wrong usage (64).
        Err(e) if !e.use_stderr() => {
            let _ = e.print();
            return ExitCode::SUCCESS;
        }
        Err(e) => {
            let _ = e.print();
            let verb = process::first_of(&Command::VERBS).unwrap_or("piback");
            let ui = Ui::new(verb, process::was_told("--json"), false, true);
            let text = e.to_string();
            let wrong = tips(&text).fold(Problem::usage(first_paragraph(&text)), Problem::hint);
            ui.json_error(&wrong.into());
            return ExitCode::from(Kind::Usage.exit_code());
        }
    };
    let ui = Ui::new(cli.command.verb(), cli.global.json, cli.global.verbose, process::no_color());
    // What a backup says of photos is no less true when nobody could read it; every other command is its output, and JSON
    // is asked for by one who reads it.
    let is_output = !matches!(
        cli.command,
        Command::Backup(_)
            | Command::Verify(_)
            | Command::Scrub(_)
            | Command::Send(_)
            | Command::SafeToFormat(_)
    );
    let is_of_tree = cli.global.root.is_some();
    match commands::run(cli, &ui) {
        // 5 says more than 1, and stays.
        Ok(outcome)
            if (is_output && ui::output_lost()) || (ui::answer_lost() && outcome == Outcome::Done) =>
        {
            ui.error(&Problem::failed("the output could not be written: that disk is full").into());
            ExitCode::from(Kind::Failed.exit_code())
        }
        Ok(outcome) => ExitCode::from(outcome.exit_code()),
        Err(e) => {
            // Nothing was done yet. Over SSH from an iPad, `piback backup` is enough to type.
            if error::needs_root(&e) && !is_of_tree {
                process::again_as_root();
            }
            ui.error(&e);
            ExitCode::from(error::exit_code(&e))
        }
    }
}

/// Cuts clap's text down to what is wrong, without usage and advice: some of it may stand in lines of its own.
fn first_paragraph(text: &str) -> String {
    let lines: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
    lines.join(" ").trim_start_matches("error: ").to_owned()
}

/// Returns clap's own advice, each a line.
fn tips(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.trim().strip_prefix("tip: "))
}
