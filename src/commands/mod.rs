//! One small file per verb. What several of them begin with is [`context`]; a backup that runs is [`running`].

mod apply;
mod attach;
mod backup;
pub mod boot;
mod cancel;
mod cards;
mod completions;
mod confirm;
mod context;
mod control;
mod doctor;
mod drift;
mod eject;
mod enroll;
mod image;
mod init;
mod job;
mod man;
mod pair;
mod plan;
mod poweroff;
mod qr;
mod render;
mod rollback;
mod running;
mod safe_to_format;
mod schema;
mod scrub;
mod send;
pub mod set_time;
mod settle;
mod status;
mod uplink;
mod verify;
mod volume;
mod web;

use crate::cli::{Cli, Command};
use crate::error::Outcome;
use crate::ui::{self, Typed, Ui, flag};
use std::path::Path;

/// Runs the command that was typed.
///
/// # Errors
/// Whatever stopped it; [`crate::error::exit_code`] turns that into the exit code.
pub fn run(cli: Cli, ui: &Ui) -> anyhow::Result<Outcome> {
    let global = &cli.global;
    ui::repeat(typed(&cli));
    context::refuse_host_on_tree(&cli)?;
    if !matches!(
        cli.command,
        Command::Volume(_)
            | Command::Control(_)
            | Command::Job(_)
            | Command::Schema
            | Command::Completions(_)
            | Command::Man(_)
            | Command::Image(_)
            | Command::Web(_)
    ) {
        context::say_of_journal(global, ui);
    }
    match &cli.command {
        Command::Init(args) => init::run(args, global, ui),
        Command::Plan(args) => plan::run(args, global, ui),
        Command::Apply(args) => apply::run(args, global, ui),
        Command::Boot(args) => boot::run(args, global, ui),
        Command::Confirm => confirm::run(global, ui),
        Command::Settle(args) => settle::run(args, global, ui),
        Command::Rollback(args) => rollback::run(args, global, ui),
        Command::Render(args) => render::run(args, global, ui),
        Command::Status(args) => status::run(args, global, ui),
        Command::Doctor => doctor::run(global, ui),
        Command::Drift => drift::run(global, ui),
        Command::Cards => cards::run(global, ui),
        Command::Enroll(args) => enroll::run(args, global, ui),
        Command::Eject(args) => eject::run(args, global, ui),
        Command::Poweroff(args) => poweroff::run(args, global, ui),
        Command::Volume(args) => volume::run(args, global, ui),
        Command::Control(args) => control::run(args, global, ui),
        Command::Job(args) => job::run(args, global, ui),
        Command::Attach(args) => attach::run(args, global, ui),
        Command::Cancel(args) => cancel::run(args, global, ui),
        Command::Schema => schema::run(ui),
        Command::Backup(args) => backup::run(args, global, ui),
        Command::Verify(args) => verify::run(args, global, ui),
        Command::Scrub(args) => scrub::run(args, global, ui),
        Command::Send(args) => send::run(args, global, ui),
        Command::Uplink(args) => uplink::run(args, global, ui),
        Command::SafeToFormat(args) => safe_to_format::run(args, global, ui),
        Command::Web(args) => web::run(args, global, ui),
        Command::Pair(args) => pair::run(args, global, ui),
        Command::Qr(args) => qr::run(args, global, ui),
        Command::SetTime(args) => set_time::run(args, global, ui),
        Command::Image(args) => image::run(args, ui),
        Command::Completions(args) => completions::run(args, ui),
        Command::Man(args) => man::run(args, ui),
    }
}

/// Returns what commands in messages have to repeat of this command line.
fn typed(cli: &Cli) -> Typed {
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let (label, source, dests) = match &cli.command {
        Command::Backup(a) => (Some(&a.label), &a.source, a.dest.as_slice()),
        Command::Verify(a) => (Some(&a.label), &a.source, a.dest.as_slice()),
        Command::SafeToFormat(a) => (Some(&a.label), &a.source, a.dest.as_slice()),
        Command::Scrub(a) => (None, &None, a.dest.as_slice()),
        _ => (None, &None, [].as_slice()),
    };
    let source = source.iter().map(|source| ("--source", source));
    let ends = source.chain(dests.iter().map(|dest| ("--dest", dest)));
    Typed {
        verbs: &Command::VERBS,
        root: cli.global.root.as_deref().map(path),
        profile: cli.global.profile.as_deref().map(path),
        label: label.cloned(),
        ends: ends.map(|(name, dir)| format!(" {}", flag(name, &path(dir)))).collect(),
    }
}
