//! The account of a backup, for people and as `--json`: of each drive, and of all together.

use super::report::{
    BadFile, LISTED, are, bad_file, bad_files, list, not_safe, row, shared_name, unsafe_files,
};
use crate::backup::Backed;
use crate::backup::account::{Account, NotSafe, Renamed, Why};
use crate::backup::events::{Tally, total};
use crate::backup::manifest::shown;
use crate::backup::reason::{STOPPED, ended};
use crate::ui::{self, JSON_SCHEMA, Style, Ui, visible};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The account of a backup, as `--json` prints it and `attach` reads it back.
#[derive(Debug, Serialize, Deserialize)]
pub struct AccountLine {
    schema: u32,
    command: String,
    event: String,
    label: String,
    /// Of several drives: what is so on all of them.
    #[serde(flatten)]
    all: Body,
    /// Drives on which all of the card is, and that are not lost together with it.
    #[serde(default)]
    safe_drives: usize,
    /// `safe on 2 of 2`
    #[serde(default)]
    sentence: String,
    #[serde(default)]
    drives: Vec<Row>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Row {
    /// The drive's path.
    drive: String,
    #[serde(flatten)]
    body: Body,
    /// Why it could not be used at all.
    error: Option<String>,
}

/// The account of one drive, or of all together.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Body {
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
    /// Their names on the drive.
    #[serde(default)]
    removed: Vec<String>,
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

impl AccountLine {
    pub fn new(label: &str, backed: &Backed) -> Self {
        let rows: Vec<Row> = backed.drives.iter().map(Row::new).collect();
        AccountLine {
            schema: JSON_SCHEMA,
            command: "backup".to_owned(),
            event: "account".to_owned(),
            label: label.to_owned(),
            all: Body::of_all(backed),
            safe_drives: rows.iter().filter(|row| row.verdict().1.is_none()).count(),
            sentence: safe_on(rows.iter().map(Row::verdict)),
            drives: rows,
        }
    }

    /// Adds something that holds for the whole run.
    pub fn note(&mut self, note: &str) {
        self.all.notes.push(note.to_owned());
        for row in &mut self.drives {
            row.body.notes.push(note.to_owned());
        }
    }

    /// The same for people.
    pub fn show(&self, ui: &Ui) {
        // That a card is empty is the error that follows.
        if self.all.on_card.files == 0 && self.drives.iter().all(|row| row.error.is_none()) {
            return self.all.notes.iter().for_each(|note| ui.note(note));
        }
        // Written by an earlier version, or about one drive.
        if self.drives.len() < 2 {
            self.all.show(ui, &self.label);
        } else {
            for row in &self.drives {
                ui.say(&ui.paint(Style::Bold, &format!("drive {}", row.drive)));
                match &row.error {
                    Some(error) => ui.say(&ui.paint(Style::Red, error)),
                    None => row.body.show(ui, &self.label),
                }
            }
            let style = match (self.safe_drives == self.drives.len(), self.all.safe) {
                (true, _) => Style::Green,
                (false, true) => Style::Yellow,
                (false, false) => Style::Red,
            };
            ui.say(&ui.paint(style, &format!("{} is {}.", self.label, self.sentence)));
        }
        if !self.all.safe && self.all.on_card.files > 0 {
            ui.say("Don't format the card.");
        }
        if self.all.stopped.as_deref() == Some(STOPPED) {
            ui.say("Type the same again: it goes on where it was.");
        }
    }
}

impl Row {
    fn new((path, account): &(PathBuf, anyhow::Result<Account>)) -> Self {
        Row {
            drive: visible(&path.to_string_lossy()),
            body: account.as_ref().map(Body::new).unwrap_or_default(),
            error: account.as_ref().err().map(|e| visible(&format!("{e:#}"))),
        }
    }

    /// Why the card is not safe on this drive: a copy that is lost together with it is none.
    fn verdict(&self) -> (&str, Option<String>) {
        let body = &self.body;
        let first = || body.not_safe_files.first().map(|bad| bad.why.clone());
        let why = || {
            self.error
                .clone()
                .or_else(|| body.stopped.as_deref().map(|why| ended(why).to_owned()))
                .or_else(first)
        };
        let why = match (body.safe, body.shared.as_deref()) {
            (true, None) => None,
            (true, Some(shared)) => Some(format!("card and drive are {}", together(shared))),
            (false, _) => Some(why().unwrap_or_else(|| "there are no files".into())),
        };
        (&self.drive, why)
    }
}

/// `safe on 2 of 2`, or `safe on 1 of 2: /media/B: no room on the drive for it`: drives, and why one is none.
pub fn safe_on<'a>(drives: impl Iterator<Item = (&'a str, Option<String>)>) -> String {
    let drives: Vec<_> = drives.collect();
    let bad: Vec<String> =
        drives.iter().filter_map(|(drive, why)| why.as_ref().map(|why| format!("{drive}: {why}"))).collect();
    let text = format!("safe on {} of {}", drives.len() - bad.len(), drives.len());
    if bad.is_empty() { text } else { format!("{text}: {}", bad.join("; ")) }
}

/// `disk` or `filesystem`, for people.
fn together(shared: &str) -> &'static str {
    match shared {
        "disk" => "parts of one disk",
        _ => "one file system",
    }
}

/// Files that are not safe on one drive or on several, each once.
pub fn bad_anywhere<'a>(drives: impl Iterator<Item = &'a [NotSafe]>) -> Vec<BadFile> {
    let mut by_path: BTreeMap<&str, &NotSafe> = BTreeMap::new();
    for bad in drives.flatten() {
        by_path.entry(&bad.path).or_insert(bad);
    }
    by_path.into_values().map(bad_file).collect()
}

impl Body {
    fn new(account: &Account) -> Self {
        Body {
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
            removed_files: account.removed.len() as u64,
            removed: account.removed.clone(),
            taken_over_files: account.taken_over,
            unseen_bytes: account.unseen,
            shared: account.shared.map(|shared| shared_name(shared).to_owned()),
            stopped: account.stop.map(|stop| stop.describe().to_owned()),
            notes: account.notes.clone(),
        }
    }

    /// A file counts as safe where it is on all drives that could be used; and the whole card, where it is on each that was named.
    fn of_all(backed: &Backed) -> Self {
        let accounts: Vec<&Account> = backed.drives.iter().filter_map(|(_, one)| one.as_ref().ok()).collect();
        let bodies = accounts.iter().map(|account| Body::new(account));
        let Some(mut all) = bodies.reduce(Body::add) else { return Body::default() };
        // One is enough, and one has all: what is so of it is what counts.
        if backed.fulfilled()
            && !backed.all_safe()
            && let Some(one) = backed.safe_one()
        {
            return Body { notes: all.notes, ..Body::new(one) };
        }
        if backed.drives.len() > 1 {
            all.safe &= accounts.len() == backed.drives.len();
            all.not_safe_files = bad_anywhere(accounts.iter().map(|account| account.not_safe.as_slice()));
            let bytes = total(all.not_safe_files.iter().map(|bad| bad.bytes));
            all.not_safe = Tally { files: all.not_safe_files.len() as u64, bytes };
            let good = less(all.on_card, all.not_safe);
            all.already_safe = least(backed.already, good);
            all.copied = less(good, all.already_safe);
            all.from_records = least(all.from_records, all.already_safe);
        }
        all
    }

    /// Adds a further drive's, but for the tallies that are not sums.
    fn add(mut self, other: Body) -> Self {
        self.safe &= other.safe;
        self.from_records.files += other.from_records.files;
        self.from_records.bytes = self.from_records.bytes.saturating_add(other.from_records.bytes);
        self.verified_on = match (self.verified_on, other.verified_on) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (one, other) => one.or(other),
        };
        self.renamed.extend(other.renamed);
        self.removed_files += other.removed_files;
        self.removed.extend(other.removed);
        self.taken_over_files += other.taken_over_files;
        self.shared = self.shared.or(other.shared);
        self.stopped = self.stopped.or(other.stopped);
        let notes: Vec<String> = other.notes.into_iter().filter(|note| !self.notes.contains(note)).collect();
        self.notes.extend(notes);
        self
    }

    /// The same for people.
    fn show(&self, ui: &Ui, label: &str) {
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
            list(
                ui,
                self.removed.iter().map(|name| format!("  {}", shown(name))),
                self.removed.len(),
                LISTED,
            );
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
        ui.say(&self.sentence(ui, label));
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

    fn sentence(&self, ui: &Ui, label: &str) -> String {
        match (self.safe, self.on_card.files) {
            (_, 0) => ui.paint(Style::Yellow, &format!("There are no files on {label}.")),
            (true, n) if self.shared.is_some() => {
                let text = format!(
                    "{} on {label} {} on the drive{}. THIS IS NO BACKUP:",
                    ui::files(n),
                    are(n),
                    self.how()
                );
                let what = self.shared.as_deref().map(together).unwrap_or_default();
                ui.paint(Style::Red, &format!("{text} card and drive are {what}."))
            }
            (true, n) => {
                let what = if n == 1 { "The file" } else { &format!("All {}", ui::files(n)) };
                let text = format!("{what} on {label} {} on the drive{}.", are(n), self.how());
                ui.paint(Style::Green, &text)
            }
            // The last record, or a list for other tools: photos wait for neither.
            (false, _) if self.not_safe.files == 0 => {
                let why = self.stopped.as_deref().map_or("something went wrong", ended);
                let text = format!(
                    "All of {label} is on the drive{}, but the end was not reached: {why}. Run it again.",
                    self.how()
                );
                ui.paint(Style::Red, &text)
            }
            (false, _) => {
                let text = unsafe_files(label, self.not_safe.files, self.stopped.as_deref());
                ui.paint(Style::Red, &text)
            }
        }
    }
}

fn less(a: Tally, b: Tally) -> Tally {
    Tally { files: a.files.saturating_sub(b.files), bytes: a.bytes.saturating_sub(b.bytes) }
}

fn least(a: Tally, b: Tally) -> Tally {
    Tally { files: a.files.min(b.files), bytes: a.bytes.min(b.bytes) }
}
