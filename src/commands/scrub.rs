//! `piback scrub`: a part of what is on the drives, read again.

use super::context::{self, Given};
use super::{running, verify};
use crate::backup;
use crate::backup::events::{Event, Watch};
use crate::cli::{Global, Scrub};
use crate::error::Outcome;
use crate::jobs::rot;
use crate::media::ends::Need;
use crate::media::plugged;
use crate::system::rundir::RunDir;
use crate::system::{clock, process, signals};
use crate::ui::Ui;
use crate::view::progress::Progress;
use crate::view::scrubbed::{self, OnDrive};
use std::path::Path;

pub fn run(args: &Scrub, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let share = verify::share(&args.share)?;
    let given = Given { label: "", source: None, dests: args.dest.as_slice(), need: Need::Drive };
    if args.if_plugged && !is_plugged(global)? {
        ui.say("The drive is not plugged in: nothing was read.");
        ui.json("scrubbed", &serde_json::json!({ "clean": null, "drives": [] }));
        return Ok(Outcome::Done);
    }
    signals::stop_gently();
    process::step_back();
    context::with_usable_ends(&given, global, ui, |ends, bad| {
        let progress = Progress::new(ui, "scrub", "", None);
        let watch = GivesWay { progress: &progress, root: global.root.as_deref() };
        let mut drives: Vec<OnDrive> = ends
            .drives()
            .map(|end| OnDrive { path: end.dir.clone(), scrubbed: backup::scrub(&end.dir, share, &watch) })
            .collect();
        progress.end();
        if drives.iter().all(|drive| drive.scrubbed.is_err())
            && let Some(Err(error)) = drives.pop().map(|drive| drive.scrubbed)
        {
            return Err(error);
        }
        drives.extend(bad.iter().map(|bad| {
            let (path, scrubbed) = bad.row();
            OnDrive { path, scrubbed }
        }));
        scrubbed::show(ui, &drives);
        if args.dest.is_empty() {
            // Also what an earlier one found, and what it did not come to again.
            let is_known = || drives.iter().any(|drive| rot::is_on(&drive.path));
            running::light(global, || rot::show(drives.iter().any(OnDrive::found_something) || is_known()));
        }
        Ok(if drives.iter().all(OnDrive::clean) { Outcome::Done } else { Outcome::NotSafe })
    })
}

/// Tells whether a drive of the profile's, or one of its label, is there.
pub fn is_plugged(global: &Global) -> anyhow::Result<bool> {
    let wanted = context::settings(global)?.destinations;
    let is_wanted = |label: &Option<String>| label.as_ref().is_some_and(|label| wanted.contains(label));
    Ok(!wanted.is_empty() && plugged::read()?.offered().any(|volume| is_wanted(&volume.label)))
}

/// A scrub's progress, which waits between two files while a backup runs: that one has the drives to itself.
pub struct GivesWay<'a> {
    pub progress: &'a Progress,
    pub root: Option<&'a Path>,
}

impl GivesWay<'_> {
    /// Tells whether a backup runs. One that can't be seen is nothing to wait for.
    fn backup_runs(&self) -> bool {
        let running = RunDir::existing(self.root).and_then(|dir| dir.map_or(Ok(Vec::new()), |d| d.running()));
        running.is_ok_and(|running| !running.is_empty())
    }
}

impl Watch for GivesWay<'_> {
    fn event(&self, event: Event) {
        self.progress.event(event);
    }

    fn event_of(&self, drive: &str, event: Event) {
        self.progress.event_of(drive, event);
    }

    fn stop_requested(&self) -> bool {
        while !self.progress.stop_requested() {
            if !self.backup_runs() {
                return false;
            }
            clock::wait_a_little();
        }
        true
    }
}
