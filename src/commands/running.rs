//! A backup that runs: made findable, and found by `attach` and `cancel`.

use crate::error::Problem;
use crate::system::process;
use crate::system::rundir::{Found, RunDir, Running};
use crate::ui::{Ui, visible};
use std::path::Path;

/// Makes this process findable for `attach` and `cancel`. That it can't be is no reason not to back up.
pub fn register(label: &str, dest: &Path, root: Option<&Path>, ui: &Ui) -> Option<Running> {
    let running = RunDir::open(root).and_then(|dir| dir.start(label, dest));
    running.map_err(|e| ui.note(&format!("attach and cancel won't find this backup: {e:#}"))).ok()
}

/// Finds the running backup that is meant.
///
/// # Errors
/// None runs, more than one does and none was named, or they can't be looked up.
pub fn find(label: Option<&str>, root: Option<&Path>) -> anyhow::Result<Found> {
    let dir = RunDir::existing(root)?;
    let mut running = dir.map_or(Ok(Vec::new()), |d| d.running())?;
    if let Some(label) = label {
        running.retain(|f| f.header.label == label);
    }
    match (running.pop(), running.len()) {
        (Some(found), 0) => Ok(found),
        (Some(last), _) => {
            let mut problem = Problem::failed("more than one backup runs: name the card");
            for found in running.iter().chain([&last]) {
                let (label, to) = (visible(&found.header.label), visible(&found.header.destination));
                problem = problem.hint(format!("{label}, to {to}, process {}", found.pid));
            }
            Err(problem.into())
        }
        (None, _) => {
            let what = match label {
                Some(label) => format!("no backup of {} runs", visible(label)),
                None => "no backup runs".to_owned(),
            };
            // One that root started is seen by root alone.
            let problem = if process::is_root() { Problem::failed(what) } else { Problem::needs_root(what) };
            Err(problem.into())
        }
    }
}
