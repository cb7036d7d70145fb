//! `piback render DIR`: the rendered files, to read. Secrets are masked.

use super::context;
use crate::cli::{Global, Render, StackArg};
use crate::error::{Outcome, Problem};
use crate::provision::components;
use crate::provision::components::component::Ownership;
use crate::system::input;
use crate::system::read_only::ReadOnly;
use crate::ui::{Ui, visible};
use anyhow::Context;
use serde::Serialize;
use std::path::{Path, PathBuf};

pub fn run(args: &Render, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let host = context::host(global)?;
    let host = ReadOnly::new(&host);
    let prepared = context::prepare(&host, global, args.stack.map(StackArg::stack), "render")?;
    context::notes(ui, &prepared.notes);
    refuse_a_tree_in_use(&args.dir)?;
    let marker = args.dir.join(MARKER);
    let mark = || input::make_dirs(&args.dir).and_then(|()| input::write(&marker, b""));
    mark().with_context(|| format!("{} can't be written", visible(&marker.to_string_lossy())))?;
    let mut files = Vec::new();
    // Where lines are commented out there is nothing of piback's to read.
    for artifact in prepared.desired.artifacts.iter().filter(|a| a.ownership != Ownership::Lines) {
        let file = args.dir.join(artifact.path.trim_start_matches('/'));
        let name = visible(&file.to_string_lossy());
        let write = || -> std::io::Result<()> {
            if let Some(parent) = file.parent() {
                input::make_dirs(parent)?;
            }
            input::write(&file, artifact.body.masked().as_bytes())
        };
        write().with_context(|| format!("{name} can't be written"))?;
        ui.say(&name);
        files.push(name);
    }
    #[derive(Serialize)]
    struct Rendered {
        stack: String,
        files: Vec<String>,
    }
    let stack = prepared.facts.stack.to_string();
    ui.json("rendered", &Rendered { stack, files });
    Ok(Outcome::Done)
}

/// Tells a directory that `render` made.
const MARKER: &str = ".piback-rendered";

/// Rendered files are for reading; written over a tree in use they would be taken for the real ones. A directory that
/// was made by an earlier `render`, and holds nothing but its files, is rendered anew.
fn refuse_a_tree_in_use(dir: &Path) -> anyhow::Result<()> {
    let name = visible(&dir.to_string_lossy());
    let there = input::files_below(dir).with_context(|| format!("{name} can't be read"))?;
    let is_marker = |file: &PathBuf| file == Path::new(MARKER);
    let is_ours = there.iter().any(is_marker);
    let rendered = |file: &PathBuf| {
        let known = components::files().any(|entry| Path::new(entry.path) == Path::new("/").join(file));
        is_ours && (known || is_marker(file))
    };
    match there.iter().find(|file| !rendered(file)) {
        None => Ok(()),
        Some(other) => {
            Err(Problem::failed(format!("{name} holds other files: {}", visible(&other.to_string_lossy())))
                .hint("name a directory that is not there yet")
                .into())
        }
    }
}
