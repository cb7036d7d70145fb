//! What a photographer reads at the end of a run.

use crate::backup::account::{Account, NotSafe, Renamed};
use crate::backup::events::Tally;
use crate::backup::reason::Stop;
use crate::backup::{Answer, Endpoints, Verdict};
use crate::ui::{self, JSON_SCHEMA, Style, Ui};
use serde::Serialize;

/// So many files are listed by name; all of them with `-v` and with `--json`.
const LISTED: usize = 40;

#[derive(Serialize)]
struct BadFile<'a> {
    path: &'a str,
    bytes: u64,
    why: String,
}

#[derive(Serialize)]
struct AccountLine<'a> {
    schema: u32,
    event: &'static str,
    label: &'a str,
    safe: bool,
    on_card: Tally,
    already_safe: Tally,
    copied: Tally,
    not_safe: Tally,
    not_safe_files: Vec<BadFile<'a>>,
    renamed: &'a [Renamed],
    skipped: &'a [String],
    removed_files: u64,
    stopped: Option<&'static str>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct AnswerLine<'a> {
    schema: u32,
    event: &'static str,
    label: &'a str,
    safe_to_format: bool,
    on_card: Tally,
    on_drive: Tally,
    not_safe_files: Vec<BadFile<'a>>,
    skipped: &'a [String],
    stopped: Option<&'static str>,
}

#[derive(Serialize)]
struct VerdictLine<'a> {
    schema: u32,
    event: &'static str,
    label: &'a str,
    good: bool,
    recorded: Tally,
    verified: Tally,
    bad_files: Vec<BadFile<'a>>,
    healed: &'a [String],
    unrecorded: Tally,
    stopped: Option<&'static str>,
    notes: &'a [String],
}

/// The account of `backup`.
pub fn account(ui: &Ui, ends: &Endpoints, account: &Account) {
    let bad = account.unsafe_tally();
    ui.json(&AccountLine {
        schema: JSON_SCHEMA,
        event: "account",
        label: ends.label.as_str(),
        safe: account.all_safe(),
        on_card: account.card,
        already_safe: account.safe,
        copied: account.copied,
        not_safe: bad,
        not_safe_files: account.not_safe.iter().map(bad_file).collect(),
        renamed: &account.renamed,
        skipped: &account.skipped,
        removed_files: account.removed,
        stopped: account.stop.map(Stop::describe),
        notes: &account.notes,
    });
    for note in &account.notes {
        ui.note(note);
    }
    row(ui, "on the card", account.card);
    row(ui, "already safe", account.safe);
    row(ui, "copied, verified", account.copied);
    row(ui, "not safe", bad);
    if !account.skipped.is_empty() {
        ui.say(&format!("skipped: {}", account.skipped.join(", ")));
    }
    if account.removed > 0 {
        ui.say(&format!("moved to .piback/removed: {}", ui::files(account.removed)));
    }
    if !account.renamed.is_empty() {
        ui.say(&format!("{} kept beside others of the same name:", ui::files(account.renamed.len() as u64)));
        let names = account.renamed.iter().map(|r| format!("  {} -> {}", r.path, r.dest));
        list(ui, names, account.renamed.len());
    }
    not_safe(ui, &account.not_safe);
    let sentence = match (account.all_safe(), account.card.files) {
        (true, 0) => ui.paint(Style::Yellow, &format!("There are no files on {}.", ends.label)),
        (true, n) => {
            let what = if n == 1 { "The file" } else { &format!("All {}", ui::files(n)) };
            ui.paint(Style::Green, &format!("{what} on {} {} on the drive, verified.", ends.label, are(n)))
        }
        (false, _) => {
            let why = account.stop.map_or(String::new(), |stop| format!(": {}", stop.describe()));
            let text = format!(
                "NOT SAFE: {} on {} {} not on the drive{why}.",
                ui::files(bad.files),
                ends.label,
                are(bad.files)
            );
            ui.paint(Style::Red, &text)
        }
    };
    ui.say(&sentence);
    if !account.all_safe() {
        ui.say("Don't format the card.");
    }
}

/// The answer of `safe-to-format`.
pub fn answer(ui: &Ui, ends: &Endpoints, answer: &Answer) {
    ui.json(&AnswerLine {
        schema: JSON_SCHEMA,
        event: "answer",
        label: ends.label.as_str(),
        safe_to_format: answer.yes(),
        on_card: answer.card,
        on_drive: answer.safe,
        not_safe_files: answer.not_safe.iter().map(bad_file).collect(),
        skipped: &answer.skipped,
        stopped: answer.stop.map(Stop::describe),
    });
    not_safe(ui, &answer.not_safe);
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
    } else {
        let why = answer.stop.map_or(String::new(), |stop| format!(" ({})", stop.describe()));
        let text = format!(
            "NO: {} on {label} {} not on the drive{why}. Don't format it.",
            ui::files(answer.not_safe.len() as u64),
            are(answer.not_safe.len() as u64)
        );
        ui.say(&ui.paint(Style::Red, &text));
    }
}

/// The verdict of `verify`.
pub fn verdict(ui: &Ui, label: &str, verdict: &Verdict) {
    ui.json(&VerdictLine {
        schema: JSON_SCHEMA,
        event: "verdict",
        label,
        good: verdict.all_good(),
        recorded: verdict.known,
        verified: verdict.good,
        bad_files: verdict.bad.iter().map(bad_file).collect(),
        healed: &verdict.healed,
        unrecorded: verdict.unrecorded,
        stopped: verdict.stop.map(Stop::describe),
        notes: &verdict.notes,
    });
    for note in &verdict.notes {
        ui.note(note);
    }
    row(ui, "in the manifest", verdict.known);
    row(ui, "read, as recorded", verdict.good);
    if verdict.unrecorded.files > 0 {
        row(ui, "without a record", verdict.unrecorded);
    }
    for path in &verdict.healed {
        ui.note(&format!("{path} is damaged or gone; the same photo is safe under another name"));
    }
    not_safe(ui, &verdict.bad);
    let sentence = if verdict.no_manifest {
        ui.paint(Style::Yellow, "There was no manifest to compare with. All files are recorded as found now.")
    } else if verdict.all_good() {
        ui.paint(Style::Green, &format!("The backup of {label} is as it was written."))
    } else {
        let why = verdict.stop.map_or(String::new(), |stop| format!(" ({})", stop.describe()));
        ui.paint(Style::Red, &format!("NOT GOOD: {} of {label}{why}.", ui::files(verdict.bad.len() as u64)))
    };
    ui.say(&sentence);
}

fn row(ui: &Ui, what: &str, tally: Tally) {
    ui.say(&format!("{what:<17}{:>13}{:>9}", ui::files(tally.files), ui::bytes(tally.bytes)));
}

fn not_safe(ui: &Ui, bad: &[NotSafe]) {
    list(ui, bad.iter().map(|b| format!("  {}: {}", b.path, b.reason.describe())), bad.len());
}

fn list(ui: &Ui, lines: impl Iterator<Item = String>, len: usize) {
    let shown = if ui.verbose() { usize::MAX } else { LISTED };
    for line in lines.take(shown) {
        ui.say(&line);
    }
    if len > shown {
        ui.say(&format!("  and {} more (-v lists all)", len - shown));
    }
}

fn bad_file(bad: &NotSafe) -> BadFile<'_> {
    BadFile { path: &bad.path, bytes: bad.size, why: bad.reason.describe() }
}

fn are(n: u64) -> &'static str {
    if n == 1 { "is" } else { "are" }
}
