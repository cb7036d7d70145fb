//! The findings of a scrub, for people and as `--json`.

use super::report::{BadFile, bad_files, not_safe, row};
use crate::backup::events::Tally;
use crate::backup::reason::{Stop, ended};
use crate::backup::{Ages, Scrubbed, read_within};
use crate::ui::{Style, Ui, files, visible};
use serde::Serialize;
use std::path::PathBuf;

/// One drive.
pub struct OnDrive {
    pub path: PathBuf,
    /// An error where it could not be scrubbed at all.
    pub scrubbed: anyhow::Result<Scrubbed>,
}

impl OnDrive {
    /// Tells whether nothing was found on it.
    #[must_use]
    pub fn clean(&self) -> bool {
        self.scrubbed.as_ref().is_ok_and(Scrubbed::clean)
    }

    /// Tells whether something is not as recorded. One that was stopped before has found nothing.
    #[must_use]
    pub fn found_something(&self) -> bool {
        self.scrubbed.as_ref().is_ok_and(|scrubbed| !scrubbed.bad.is_empty() || !scrubbed.damage.is_empty())
    }
}

/// A drive's row.
#[derive(Serialize)]
struct Row {
    drive: String,
    clean: bool,
    on_record: Tally,
    read: Tally,
    bad_files: Vec<BadFile>,
    longest_ago_days: Option<i32>,
    damaged_manifests: Vec<String>,
    stopped: Option<&'static str>,
    notes: Vec<String>,
    error: Option<String>,
}

impl Row {
    fn new(drive: &OnDrive) -> Self {
        let none = Scrubbed::default();
        let (scrubbed, error) = match &drive.scrubbed {
            Ok(scrubbed) => (scrubbed, None),
            Err(error) => (&none, Some(format!("{error:#}"))),
        };
        Row {
            drive: visible(&drive.path.to_string_lossy()),
            clean: drive.clean(),
            on_record: scrubbed.all,
            read: scrubbed.read,
            bad_files: bad_files(&scrubbed.bad),
            longest_ago_days: scrubbed.longest_ago,
            damaged_manifests: scrubbed.damage.clone(),
            stopped: scrubbed.stop.map(Stop::describe),
            notes: scrubbed.notes.clone(),
            error,
        }
    }
}

/// Shows all drives.
pub fn show(ui: &Ui, drives: &[OnDrive]) {
    let rows: Vec<Row> = drives.iter().map(Row::new).collect();
    for row in &rows {
        if rows.len() > 1 {
            ui.say(&ui.paint(Style::Bold, &row.drive));
        }
        text(ui, row);
    }
    #[derive(Serialize)]
    struct Answer {
        clean: bool,
        drives: Vec<Row>,
    }
    ui.json("scrubbed", &Answer { clean: rows.iter().all(|row| row.clean), drives: rows });
}

fn text(ui: &Ui, drive: &Row) {
    if let Some(error) = &drive.error {
        ui.say(&ui.paint(Style::Red, &format!("NOT READ: {error}")));
        return;
    }
    for note in &drive.notes {
        ui.note(note);
    }
    row(ui, "on record", drive.on_record);
    row(ui, "read now, good", drive.read);
    for damage in &drive.damaged_manifests {
        ui.say(&format!("  {damage}"));
    }
    not_safe(ui, &drive.bad_files, drive.stopped);
    let bad = drive.bad_files.len() as u64;
    match drive.stopped {
        Some(stopped) => ui.say(&ui.paint(Style::Red, &format!("NOT ALL READ: {}.", ended(stopped)))),
        None if bad > 0 => {
            ui.say(&ui.paint(Style::Red, &format!("NOT GOOD: {} not as recorded.", files(bad))))
        }
        None if !drive.damaged_manifests.is_empty() => {
            ui.say(&ui.paint(Style::Red, "NOT GOOD: records are lost."));
        }
        None => ui.say(&ui.paint(Style::Green, &read_within(drive.on_record.files, drive.longest_ago_days))),
    }
    if bad > 0 {
        ui.say("What can be brought back: piback verify LABEL --repair");
    }
}

/// Says that files or the records are known to be damaged; nothing where none is.
#[must_use]
pub fn damaged(ages: &Ages) -> Option<String> {
    ages.damage().map(|what| format!("{what}: piback verify LABEL --repair"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_named_with_what_mends_it() {
        let of = |rotten, damaged_records| damaged(&Ages { rotten, damaged_records, ..Ages::default() });
        assert_eq!(of(0, 0), None);
        assert_eq!(of(2, 0).as_deref(), Some("2 files not as recorded: piback verify LABEL --repair"));
        assert_eq!(of(0, 1).as_deref(), Some("the records are damaged: piback verify LABEL --repair"));
    }
}
