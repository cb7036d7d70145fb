//! `piback completions SHELL`

use crate::cli::{Cli, Completions};
use crate::error::Outcome;
use crate::ui::Ui;
use clap::CommandFactory;

pub fn run(args: &Completions, ui: &Ui) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut for_people(), "piback", &mut script);
    ui.text(&String::from_utf8_lossy(&script));
    Ok(Outcome::Done)
}

/// The command line without what units and rules call.
fn for_people() -> clap::Command {
    let all = Cli::command();
    let shown = all.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    clap::Command::new("piback").args(all.get_arguments().cloned()).subcommands(shown.collect::<Vec<_>>())
}
