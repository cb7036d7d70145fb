//! The verdict of `verify`, and words that all reports at the end of a run have in common.

use crate::backup::Verdict;
use crate::backup::account::NotSafe;
use crate::backup::events::Tally;
use crate::backup::manifest::shown;
use crate::backup::reason::{NO_ROOM, Reason, STOPPED, Stop, ended, not_looked_at};
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
    let lost =
        |bad: &NotSafe| matches!(bad.reason, Reason::Missing | Reason::Edited) || is_damage(&bad.reason);
    if verdict.bad.iter().any(lost) {
        bring_back(ui, label);
    }
    if !verdict.findings.is_empty() && !verdict.sample && verdict.accepted == 0 {
        ui.say(&format!("If you did this on the drive yourself: piback verify {label} --accept"));
    }
}

/// Says how what is damaged or gone comes back.
pub fn bring_back(ui: &Ui, label: &str) {
    ui.say(&format!("If the card still has it, this brings it back: piback backup {label}"));
    ui.say(&format!("Or, from another drive: piback verify {label} --repair"));
}

/// Says how what is missing comes to the drive.
pub fn copy_missing(ui: &Ui, label: &str) {
    ui.say(&format!("This copies what is missing: piback backup {label}"));
}

/// Tells whether the drive has other bytes than were written, or can't give them.
fn is_damage(reason: &Reason) -> bool {
    matches!(reason, Reason::Differs | Reason::ReadBack(_) | Reason::NoGoodCopy)
}

fn verdict_sentence(ui: &Ui, label: &str, verdict: &Verdict) -> String {
    let bad = verdict.bad.len() as u64;
    let healed = verdict.healed.len() as u64;
    match verdict.stop {
        // Everything that was missing was taken as meant.
        _ if verdict.all_good() && verdict.good.files == 0 && healed == 0 => {
            ui.paint(Style::Yellow, &format!("Nothing of {label} is on record here any more."))
        }
        _ if verdict.all_good() && healed > 0 => ui.paint(Style::Yellow, &elsewhere(label, healed)),
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
        Some(stop) => ui.paint(Style::Red, &not_verified(label, bad, verdict.unread, stop.describe())),
        None if bad == 0 => ui.paint(Style::Red, &format!("NOT GOOD: records of {label} are lost.")),
        None => ui.paint(Style::Red, &format!("NOT GOOD: {} of {label}.", ui::files(bad))),
    }
}

/// Says that all photos are there, so many of them only under another name.
pub fn elsewhere(label: &str, healed: u64) -> String {
    let (files, are) = (ui::files(healed), are(healed));
    let safe = if healed == 1 {
        "its photo is safe under another name"
    } else {
        "their photos are safe under other names"
    };
    format!("Every photo of {label} is there; {files} {are} damaged or gone, {safe}.")
}

/// Says that a verification ended early: with so many bad files, and so many that it did not come to.
pub fn not_verified(label: &str, bad: u64, left: u64, why: &str) -> String {
    let why = if left == 0 { ended(why).to_owned() } else { not_looked_at(why, left) };
    match bad {
        0 => format!("NOT VERIFIED: {label}: {why}."),
        _ => format!("NOT VERIFIED: {} of {label} not good; {why}.", ui::files(bad)),
    }
}

/// Says no to formatting: of so many files that are not safe, a run that ended early did not look at `left`.
pub fn no(label: &str, bad: u64, left: u64, why: Option<&str>) -> String {
    let wrong = bad.saturating_sub(left);
    let are_not = format!("{} on {label} {} not on the drive", ui::files(wrong), are(wrong));
    match (why, left, wrong) {
        (Some(why), 0, 0) => format!("NO: {}. Don't format {label}.", ended(why)),
        (Some(why), 0, _) => format!("NO: {are_not} ({}). Don't format it.", ended(why)),
        (Some(why), _, 0) => format!("NO: not known: {}. Don't format it.", not_looked_at(why, left)),
        (Some(why), ..) => format!("NO: {are_not}; {}. Don't format it.", not_looked_at(why, left)),
        (None, ..) => format!("NO: {are_not}. Don't format it."),
    }
}

/// Says of a backup that so many files are not safe.
pub fn unsafe_files(label: &str, bad: u64, why: Option<&str>) -> String {
    let why = match why {
        Some(STOPPED) => format!(": stopped before {} turn", if bad == 1 { "its" } else { "their" }),
        Some(why) => format!(": {why}"),
        None => String::new(),
    };
    format!("NOT SAFE: {} on {label} {} not on the drive{why}.", ui::files(bad), are(bad))
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
    // Which of them it is says little: what to do is the same for all.
    let (full, wrong): (Vec<&BadFile>, Vec<&BadFile>) =
        wrong.into_iter().partition(|b| b.why == NO_ROOM && !ui.verbose());
    let full = if full.len() > LISTED_NOT_REACHED {
        ui.say(&format!("  {}: no room on the drive for them (-v lists all)", ui::files(full.len() as u64)));
        ui.say("Make room there, or take a larger drive, and type the same again.");
        Vec::new()
    } else {
        full
    };
    for (files, most) in [(wrong, LISTED), (full, LISTED), (left, LISTED_NOT_REACHED)] {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_looked_at_is_not_called_missing() {
        let said = |bad, left, why| no("SD", bad, left, why);
        assert_eq!(said(2, 0, None), "NO: 2 files on SD are not on the drive. Don't format it.");
        assert_eq!(
            said(170, 170, Some(STOPPED)),
            "NO: not known: stopped before 170 files were looked at. Don't format it."
        );
        assert_eq!(
            said(3, 1, Some("the card is gone")),
            "NO: 2 files on SD are not on the drive; the card is gone, and 1 file was not looked at. Don't format it."
        );
        assert_eq!(said(0, 0, Some(STOPPED)), "NO: stopped. Don't format SD.");
        assert_eq!(
            not_verified("SD", 0, 4, STOPPED),
            "NOT VERIFIED: SD: stopped before 4 files were looked at."
        );
        assert_eq!(
            not_verified("SD", 1, 4, "the drive is gone"),
            "NOT VERIFIED: 1 file of SD not good; the drive is gone, and 4 files were not looked at."
        );
    }

    #[test]
    fn a_backup_that_was_stopped_speaks_of_turns() {
        let end = "not on the drive: stopped before";
        assert_eq!(
            unsafe_files("SD", 1, Some(STOPPED)),
            format!("NOT SAFE: 1 file on SD is {end} its turn.")
        );
        assert_eq!(
            unsafe_files("SD", 54, Some(STOPPED)),
            format!("NOT SAFE: 54 files on SD are {end} their turn.")
        );
    }

    #[test]
    fn photos_under_other_names_are_counted() {
        let end = "damaged or gone, their photos are safe under other names.";
        assert_eq!(elsewhere("SD", 2), format!("Every photo of SD is there; 2 files are {end}"));
    }
}
