//! `piback web`: the page, on plain folders.

use crate::backup::label::Label;
use crate::cli::{Global, Web};
use crate::error::{Outcome, Problem};
use crate::jobs::folders::{self, Named};
use crate::jobs::remote::Remote;
use crate::paths::CONTROL;
use crate::system::{folder, local};
use crate::ui::{Style, Ui, visible};
use crate::web::{Qr, Server};
use anyhow::Context;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The page's process is gone so long after its last client.
const IDLE: Duration = Duration::from_secs(90);

pub fn run(args: &Web, _: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    if args.appliance {
        return appliance();
    }
    let (cards, drives) = folders(&args.source, args.dest.as_slice())?;
    let keeper = folders::keeper(cards, drives, args.allow_same_filesystem);
    let server = Server::bind(args.listen, Arc::new(keeper))?;
    let invitation = server.invite()?;
    #[derive(Serialize)]
    struct Listening<'a> {
        url: &'a str,
        pair_url: &'a str,
        code: &'a str,
    }
    let url = server.url();
    ui.json("listening", &Listening { url: &url, pair_url: &invitation.url, code: &invitation.code });
    if !ui.json_wanted() {
        let qr = Qr::new(&invitation.url).filter(|_| ui.on_terminal());
        if let Some(text) = qr.and_then(|qr| qr.text_within(ui.columns())) {
            ui.verbatim(&text);
        }
        ui.say(&format!("The page is at {}", ui.paint(Style::Bold, &url)));
        ui.verbatim(&format!("Open    {}", invitation.url));
        ui.say(&format!("or type {} there. Either works once, for ten minutes.", invitation.code));
        ui.say("Ctrl-C ends the page; a backup that runs goes on.");
    }
    server.run(None);
    Ok(Outcome::Done)
}

/// The page of the appliance: its socket is systemd's, and everything else is asked of whoever keeps the jobs.
fn appliance() -> anyhow::Result<Outcome> {
    let socket = local::handed().context("the page's socket")?;
    let socket = socket.ok_or_else(|| {
        Problem::usage("systemd handed over no socket").hint("to try it out: --source DIR --dest DIR")
    })?;
    Server::of(socket, Arc::new(Remote::new(Path::new(CONTROL))))?.run(Some(IDLE));
    Ok(Outcome::Done)
}

/// Folders that stand for cards and drives, each with a name of its own.
///
/// # Errors
/// One is no folder, its name is no label, or two have one name.
pub fn folders(cards: &[PathBuf], drives: &[PathBuf]) -> anyhow::Result<(Vec<Named>, Vec<Named>)> {
    let all = |paths: &[PathBuf]| paths.iter().map(|path| named(path)).collect::<anyhow::Result<Vec<_>>>();
    let (cards, drives) = (all(cards)?, all(drives)?);
    for (at, card) in cards.iter().enumerate() {
        if cards[..at].iter().chain(&drives).any(|other| other.label == card.label) {
            let what = format!("two folders are called {}: a folder's label is its name", card.label);
            return Err(Problem::usage(what).hint("rename one of them").into());
        }
    }
    Ok((cards, drives))
}

/// A folder and its name.
fn named(path: &Path) -> anyhow::Result<Named> {
    let shown = visible(&path.to_string_lossy());
    let (real, _) = folder::real(path).with_context(|| format!("{shown} is no folder to use"))?;
    let name = path.file_name().or_else(|| real.file_name()).map(|name| name.to_string_lossy().into_owned());
    Ok(Named { label: Label::new(&name.unwrap_or_default())?, path: real })
}
