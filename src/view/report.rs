//! The verdict of `verify`, and words that all reports at the end of a run have in common.

use crate::backup::Verdict;
use crate::backup::account::NotSafe;
use crate::backup::events::Tally;
use crate::backup::manifest::shown;
use crate::backup::reason::Stop;
use crate::system::volume::Shared;
use crate::ui::{self, Style, Ui};
use serde::{Deserialize, Serialize};

/// So many files are listed by name; all of them with `-v` and with `--json`.
pub const LISTED: usize = 40;
/// And so many of those that a run did not come to any more, which have nothing wrong of their own.
const LISTED_NOT_REACHED: usize = 3;

/// A file with something wrong, as `--json` has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BadFile {
    pub path: String,
    pub bytes: u64,
    pub why: String,
}

/// The verdict of `verify` on one drive, for people.
pub fn verdict(ui: &Ui, label: &str, verdict: &Verdict) {
    for note in &verdict.notes {
        ui.note(note);
    }
    row(ui, "in the manifest", verdict.known);
    row(ui, "read, as recorded", verdict.good);
    if verdict.unrecorded.files > 0 {
        row(ui, "without a record", verdict.unrecorded);
    }
    for path in &verdict.healed {
        ui.note(&format!("{} is damaged or gone; the same photo is safe under another name", shown(path)));
    }
    if !verdict.moved.is_empty() {
        ui.say(&format!("{} moved on the drive, and recorded there:", ui::files(verdict.moved.len() as u64)));
        let names = verdict.moved.iter().map(|one| format!("  {} -> {}", shown(&one.path), shown(&one.dest)));
        list(ui, names, verdict.moved.len(), LISTED);
    }
    if verdict.accepted > 0 {
        ui.say(&format!("{} taken as meant", ui::files(verdict.accepted)));
    }
    for damage in &verdict.damage {
        ui.say(&format!("  {damage}"));
    }
    not_safe(ui, &bad_files(&verdict.bad), verdict.stop.map(Stop::describe));
    ui.say(&verdict_sentence(ui, label, verdict));
    if verdict.all_good() {
        return;
    }
    if !verdict.damage.is_empty() || verdict.unrecorded.files > 0 {
        ui.say("A backup of the card compares what has no record.");
    }
    if !verdict.findings.is_empty() && !verdict.sample && verdict.accepted == 0 {
        ui.say(&format!("If you did this on the drive yourself: piback verify {label} --accept"));
    }
}

fn verdict_sentence(ui: &Ui, label: &str, verdict: &Verdict) -> String {
    let bad = verdict.bad.len() as u64;
    match verdict.stop {
        _ if verdict.all_good() && verdict.sample => {
            let read = ui::files(verdict.good.files);
            ui.paint(Style::Green, &format!("{read} of the backup of {label} read: as written."))
        }
        _ if verdict.all_good() && verdict.mended > 0 => ui.paint(
            Style::Yellow,
            &format!("All of {label} that is on record is as written. Some records were lost once."),
        ),
        _ if verdict.all_good() => {
            ui.paint(Style::Green, &format!("The backup of {label} is as it was written."))
        }
        Some(stop) => ui.paint(
            Style::Red,
            &format!("NOT VERIFIED: {}; {} of {label} not good.", stop.describe(), ui::files(bad)),
        ),
        None if bad == 0 => ui.paint(Style::Red, &format!("NOT GOOD: records of {label} are lost.")),
        None => ui.paint(Style::Red, &format!("NOT GOOD: {} of {label}.", ui::files(bad))),
    }
}

/// Lists all that `verify --accept` is about to take as meant.
pub fn findings(ui: &Ui, verdict: &Verdict) {
    let meant: std::collections::HashSet<String> = verdict.findings.iter().map(|f| f.shown()).collect();
    for bad in verdict.bad.iter().filter(|bad| meant.contains(&bad.path)) {
        ui.say(&format!("  {}: {}", bad.path, bad.reason.describe()));
    }
}

/// A line of a table: files and bytes.
pub fn row(ui: &Ui, what: &str, tally: Tally) {
    ui.say(&format!("{what:<17}{:>13}{:>9}", ui::files(tally.files), ui::bytes(tally.bytes)));
}

/// Lists what is wrong with each file; those that were not reached because the run `stopped` come last, and fewer of
/// them.
pub fn not_safe(ui: &Ui, bad: &[BadFile], stopped: Option<&str>) {
    let (left, wrong): (Vec<&BadFile>, Vec<&BadFile>) =
        bad.iter().partition(|b| Some(b.why.as_str()) == stopped);
    for (files, most) in [(wrong, LISTED), (left, LISTED_NOT_REACHED)] {
        list(ui, files.iter().map(|b| format!("  {}: {}", shown(&b.path), b.why)), files.len(), most);
    }
}

/// Lists lines, the first ones of many.
pub fn list(ui: &Ui, lines: impl Iterator<Item = String>, len: usize, most: usize) {
    let most = if ui.verbose() { usize::MAX } else { most };
    for line in lines.take(most) {
        ui.say(&line);
    }
    if len > most {
        ui.say(&format!("  and {} more (-v lists all)", len - most));
    }
}

/// Files with something wrong, as `--json` has them.
pub fn bad_files(bad: &[NotSafe]) -> Vec<BadFile> {
    bad.iter().map(bad_file).collect()
}

/// One such file.
pub fn bad_file(bad: &NotSafe) -> BadFile {
    BadFile { path: bad.path.clone(), bytes: bad.size, why: bad.reason.describe() }
}

/// The thing in common as `--json` has it.
pub fn shared_name(shared: Shared) -> &'static str {
    match shared {
        Shared::FileSystem => "filesystem",
        Shared::Disk => "disk",
    }
}

/// `is` or `are`.
pub fn are(n: u64) -> &'static str {
    if n == 1 { "is" } else { "are" }
}
