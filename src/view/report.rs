//! The report that a photographer reads at the end of a run.

use crate::backup::account::{Account, NotSafe, Renamed, Why};
use crate::backup::events::Tally;
use crate::backup::manifest::shown;
use crate::backup::reason::{self, Reason, Stop};
use crate::backup::{Answer, Endpoints, Verdict};
use crate::system::volume::Shared;
use crate::ui::{self, JSON_SCHEMA, Style, Ui};
use serde::{Deserialize, Serialize};

/// So many files are listed by name; all of them with `-v` and with `--json`.
pub const LISTED: usize = 40;
/// And so many of those that a run did not come to any more, which have nothing wrong of their own.
const LISTED_NOT_REACHED: usize = 3;

/// A file with something wrong, as `--json` has it.
#[derive(Debug, Serialize, Deserialize)]
pub struct BadFile {
    path: String,
    bytes: u64,
    why: String,
}

/// The account of a backup, as `--json` prints it and `attach` reads it back.
#[derive(Debug, Serialize, Deserialize)]
pub struct AccountLine {
    schema: u32,
    command: String,
    event: String,
    label: String,
    safe: bool,
    on_card: Tally,
    already_safe: Tally,
    /// Of these: taken from records, not read in this run.
    #[serde(default)]
    from_records: Tally,
    /// When these were verified, the first and the last of them: `2026-11-23`, by the clock of then.
    #[serde(default)]
    verified_on: Option<(String, String)>,
    copied: Tally,
    not_safe: Tally,
    not_safe_files: Vec<BadFile>,
    renamed: Vec<Renamed>,
    skipped: Vec<String>,
    removed_files: u64,
    /// On the drive without a record, and recorded as found after manifests were lost: no card vouches for them.
    taken_over_files: u64,
    /// `filesystem` or `disk` where card and drive are lost together.
    #[serde(default)]
    shared: Option<String>,
    /// In use on the card, by nothing that can be seen.
    #[serde(default)]
    unseen_bytes: u64,
    stopped: Option<String>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct AnswerLine<'a> {
    label: &'a str,
    safe_to_format: bool,
    on_card: Tally,
    on_drive: Tally,
    not_safe_files: Vec<BadFile>,
    skipped: &'a [String],
    /// `filesystem` or `disk` where card and drive are lost together.
    shared: Option<&'static str>,
    /// In use on the card, by nothing that can be seen.
    unseen_bytes: u64,
    stopped: Option<&'static str>,
    notes: &'a [String],
}

impl AccountLine {
    pub fn new(label: &str, account: &Account) -> Self {
        AccountLine {
            schema: JSON_SCHEMA,
            command: "backup".to_owned(),
            event: "account".to_owned(),
            label: label.to_owned(),
            safe: account.all_safe(),
            on_card: account.card,
            already_safe: account.safe,
            from_records: account.from_records,
            verified_on: account.days.map(|(first, last)| (ui::date(first), ui::date(last))),
            copied: account.copied,
            not_safe: account.unsafe_tally(),
            not_safe_files: bad_files(&account.not_safe),
            renamed: account.renamed.clone(),
            skipped: account.skipped.clone(),
            removed_files: account.removed,
            taken_over_files: account.taken_over,
            unseen_bytes: account.unseen,
            shared: account.shared.map(|shared| shared_name(shared).to_owned()),
            stopped: account.stop.map(|stop| stop.describe().to_owned()),
            notes: account.notes.clone(),
        }
    }

    /// The same for people.
    pub fn show(&self, ui: &Ui) {
        for note in &self.notes {
            ui.note(note);
        }
        row(ui, "on the card", self.on_card);
        row(ui, "already safe", self.already_safe);
        row(ui, "copied, verified", self.copied);
        row(ui, "not safe", self.not_safe);
        if !self.skipped.is_empty() {
            ui.say(&format!("skipped: {}", self.skipped.join(", ")));
        }
        if self.removed_files > 0 {
            ui.say(&format!("moved to .piback/removed: {}", ui::files(self.removed_files)));
        }
        if self.taken_over_files > 0 {
            let files = ui::files(self.taken_over_files);
            ui.note(&format!(
                "{files} on the drive had no record and {} not on this card: taken over UNCHECKED; piback verify \
                 lists them",
                are(self.taken_over_files)
            ));
        }
        let (taken, impossible): (Vec<_>, Vec<_>) =
            self.renamed.iter().partition(|renamed| renamed.why == Some(Why::NameTaken));
        for (renamed, why) in [
            (taken, "kept beside others of the same name:"),
            (impossible, "kept under names that the drive can hold:"),
        ] {
            if !renamed.is_empty() {
                ui.say(&format!("{} {why}", ui::files(renamed.len() as u64)));
                let names = renamed.iter().map(|r| format!("  {} -> {}", shown(&r.path), shown(&r.dest)));
                list(ui, names, renamed.len(), LISTED);
            }
        }
        not_safe(ui, &self.not_safe_files, self.stopped.as_deref());
        ui.say(&self.sentence(ui));
        if !self.safe && self.on_card.files > 0 {
            ui.say("Don't format the card.");
        }
    }

    /// Tells what this run read, and what it took from records and of which day.
    fn how(&self) -> String {
        let then = self.from_records.files;
        let now = self.on_card.files.saturating_sub(then);
        match &self.verified_on {
            Some((first, last)) => {
                let later = if first == last { "" } else { " or later" };
                match now {
                    0 => format!(", verified on {first}{later}"),
                    _ => format!(": {now} verified now, {then} on {first}{later}"),
                }
            }
            None => ", verified".into(),
        }
    }

    fn sentence(&self, ui: &Ui) -> String {
        let label = &self.label;
        match (self.safe, self.on_card.files) {
            (_, 0) => ui.paint(Style::Yellow, &format!("There are no files on {label}.")),
            (true, n) if self.shared.is_some() => {
                let text = format!(
                    "{} on {label} {} on the drive{}. THIS IS NO BACKUP:",
                    ui::files(n),
                    are(n),
                    self.how()
                );
                let why = match self.shared.as_deref() {
                    Some("disk") => "card and drive are parts of one disk.",
                    _ => "card and drive are one file system.",
                };
                ui.paint(Style::Red, &format!("{text} {why}"))
            }
            (true, n) => {
                let what = if n == 1 { "The file" } else { &format!("All {}", ui::files(n)) };
                let text = format!("{what} on {label} {} on the drive{}.", are(n), self.how());
                ui.paint(Style::Green, &text)
            }
            // The last record, or a list for other tools: photos wait for neither.
            (false, _) if self.not_safe.files == 0 => {
                let why = self.stopped.as_deref().unwrap_or("something went wrong");
                let text = format!(
                    "All of {label} is on the drive{}, but the end was not reached: {why}. Run it again.",
                    self.how()
                );
                ui.paint(Style::Red, &text)
            }
            (false, _) => {
                let why = self.stopped.as_ref().map_or(String::new(), |stop| format!(": {stop}"));
                let n = self.not_safe.files;
                let text = format!("NOT SAFE: {} on {label} {} not on the drive{why}.", ui::files(n), are(n));
                ui.paint(Style::Red, &text)
            }
        }
    }
}

/// The answer of `safe-to-format`.
pub fn answer(ui: &Ui, ends: &Endpoints, answer: &Answer) {
    let line = AnswerLine {
        label: ends.label.as_str(),
        safe_to_format: answer.yes(),
        on_card: answer.card,
        on_drive: answer.safe,
        not_safe_files: bad_files(&answer.not_safe),
        skipped: &answer.skipped,
        shared: answer.shared.map(shared_name),
        unseen_bytes: answer.unseen,
        stopped: answer.stop.map(Stop::describe),
        notes: &answer.notes,
    };
    ui.json("answer", &line);
    answer.notes.iter().for_each(|note| ui.note(note));
    not_safe(ui, &bad_files(&answer.not_safe), answer.stop.map(Stop::describe));
    if !answer.skipped.is_empty() {
        ui.say(&format!("skipped: {}", answer.skipped.join(", ")));
    }
    let label = &ends.label;
    if answer.yes() {
        let text = format!(
            "YES: every byte of {} ({}) on {label} is on the drive.",
            ui::files(answer.card.files),
            ui::bytes(answer.card.bytes)
        );
        ui.say(&ui.paint(Style::Green, &text));
    } else if let (Some(unseen), true, None) =
        (reason::unseen(answer.unseen), answer.not_safe.is_empty(), answer.stop)
    {
        ui.say(&ui.paint(Style::Red, &format!("NO: {unseen}.")));
    } else if let (Some(shared), true, None) = (answer.shared, answer.not_safe.is_empty(), answer.stop) {
        let text = format!("NO: {}. Don't format {label}.", reason::no_backup(shared));
        ui.say(&ui.paint(Style::Red, &text));
    } else {
        let why = answer.stop.map_or(String::new(), |stop| format!(" ({})", stop.describe()));
        let text = format!(
            "NO: {} on {label} {} not on the drive{why}. Don't format it.",
            ui::files(answer.not_safe.len() as u64),
            are(answer.not_safe.len() as u64)
        );
        ui.say(&ui.paint(Style::Red, &text));
        if let Some(unseen) = reason::unseen(answer.unseen) {
            ui.say(&format!("And {unseen}."));
        }
        if answer.not_safe.iter().any(|bad| matches!(bad.reason, Reason::Unequal | Reason::CardChanged)) {
            ui.say(
                "To mend what is not the same, type piback backup again: it reads these, and copies beside.",
            );
        }
    }
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

fn row(ui: &Ui, what: &str, tally: Tally) {
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
    let line = |b: &NotSafe| BadFile { path: b.path.clone(), bytes: b.size, why: b.reason.describe() };
    bad.iter().map(line).collect()
}

fn shared_name(shared: Shared) -> &'static str {
    match shared {
        Shared::FileSystem => "filesystem",
        Shared::Disk => "disk",
    }
}

fn are(n: u64) -> &'static str {
    if n == 1 { "is" } else { "are" }
}
