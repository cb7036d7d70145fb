//! `piback man [DIR]`: one page on stdout, or all of them in a directory.

use crate::cli::{Cli, Man};
use crate::error::{Outcome, Problem};
use crate::system::input;
use crate::ui::{Ui, visible};
use anyhow::Context;
use clap::CommandFactory;
use serde::Serialize;
use std::path::Path;

pub fn run(args: &Man, ui: &Ui) -> anyhow::Result<Outcome> {
    let mut top = Cli::command().disable_help_subcommand(true);
    top.build();
    let Some(dir) = &args.dir else {
        ui.text(&page(&top)?);
        return Ok(Outcome::Done);
    };
    input::make_dirs(dir).with_context(|| format!("{} can't be made", visible(&dir.to_string_lossy())))?;
    let mut pages = vec![("piback.1".to_owned(), page(&top)?)];
    below(&top, "piback", &mut pages)?;
    let mine = |(name, _): &(String, String)| is_another_s(&dir.join(name)).then(|| dir.join(name));
    if let Some(file) = pages.iter().find_map(mine) {
        let what = format!("{} is there already, and no page of piback's", visible(&file.to_string_lossy()));
        return Err(Problem::failed(what)
            .hint("name another folder, or remove this file: pages are written over pages alone")
            .into());
    }
    let mut files = Vec::new();
    for (name, text) in pages {
        let file = dir.join(&name);
        let shown = visible(&file.to_string_lossy());
        input::write(&file, text.as_bytes()).with_context(|| format!("{shown} can't be written"))?;
        ui.say(&shown);
        files.push(shown);
    }
    #[derive(Serialize)]
    struct Pages {
        files: Vec<String>,
    }
    ui.json("pages", &Pages { files });
    Ok(Outcome::Done)
}

/// Tells whether something stands there that is no page of piback's: those begin with its name.
fn is_another_s(file: &Path) -> bool {
    let is_page = |bytes: Vec<u8>| {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        text.lines().take(5).any(|line| line.starts_with(".TH piback"))
    };
    input::is_there(file) && !input::read(file).is_ok_and(is_page)
}

/// Adds the pages of all commands below one, each under its whole name.
fn below(command: &clap::Command, name: &str, pages: &mut Vec<(String, String)>) -> anyhow::Result<()> {
    for command in command.get_subcommands().filter(|c| c.get_name() != "help") {
        let name = format!("{name}-{}", command.get_name());
        // clap_mangen takes names for 'static; these are as many as there are commands.
        let named = command.clone().name(String::leak(name.clone()) as &'static str);
        pages.push((format!("{name}.1"), page(&named.disable_help_subcommand(true))?));
        below(command, &name, pages)?;
    }
    Ok(())
}

fn page(command: &clap::Command) -> anyhow::Result<String> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
