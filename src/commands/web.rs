//! `piback web`: the page, on plain folders.

use crate::backup::label::Label;
use crate::cli::{Global, Web};
use crate::error::{Outcome, Problem};
use crate::jobs::folders::{Folders, Named};
use crate::system::folder;
use crate::ui::{Style, Ui, visible};
use crate::web::{Qr, Server};
use anyhow::Context;
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;

pub fn run(args: &Web, _: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let cards: Vec<Named> = args.source.iter().map(|path| named(path)).collect::<anyhow::Result<_>>()?;
    let drives = vec![named(&args.dest)?];
    for (at, card) in cards.iter().enumerate() {
        if cards[..at].iter().chain(&drives).any(|other| other.label == card.label) {
            let what = format!("two folders are called {}: a folder's label is its name", card.label);
            return Err(Problem::usage(what).hint("rename one of them").into());
        }
    }
    let folders = Folders::new(cards, drives, args.allow_same_filesystem);
    let server = Server::bind(args.listen, Arc::new(folders))?;
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
        if let Some(qr) = Qr::new(&invitation.url).filter(|_| ui.on_terminal()) {
            ui.verbatim(&qr.text());
        }
        ui.say(&format!("The page is at {}", ui.paint(Style::Bold, &url)));
        ui.verbatim(&format!("Open    {}", invitation.url));
        ui.say(&format!("or type {} there. Either works once, for ten minutes.", invitation.code));
        ui.say("Ctrl-C ends the page; a backup that runs goes on.");
    }
    server.run();
    Ok(Outcome::Done)
}

/// A folder and its name.
fn named(path: &Path) -> anyhow::Result<Named> {
    let shown = visible(&path.to_string_lossy());
    let (real, _) = folder::real(path).with_context(|| format!("{shown} is no folder to use"))?;
    let name = path.file_name().or_else(|| real.file_name()).map(|name| name.to_string_lossy().into_owned());
    Ok(Named { label: Label::new(&name.unwrap_or_default())?, path: real })
}
