//! The answer of `safe-to-format`, for people and as `--json`: of each drive, and of all together.

use super::account::{bad_anywhere, safe_on};
use super::report::{BadFile, bad_files, copy_missing, no, not_safe, shared_name};
use crate::backup::events::Tally;
use crate::backup::reason::{self, Reason, Stop};
use crate::backup::{Answer, Compared};
use crate::profile::Copies;
use crate::ui::{self, Style, Ui, visible};
use serde::Serialize;
use std::path::PathBuf;

#[derive(Serialize)]
struct AnswerLine<'a> {
    label: &'a str,
    /// Of several drives: what is so on all of them.
    #[serde(flatten)]
    all: Body,
    /// Drives on which all of the card is; those of one disk count once.
    yes_drives: usize,
    /// `safe on 2 of 2`
    sentence: String,
    drives: Vec<Row>,
    /// Drives and places far away that have all of it: once the card is formatted, all of them would have to be lost.
    copies_on: Vec<String>,
    /// Places far away that were asked, and why not all of it is there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remotes: Vec<Remote>,
}

#[derive(Serialize)]
struct Remote {
    remote: String,
    safe: bool,
    why: Option<String>,
}

#[derive(Serialize)]
struct Row {
    /// The drive's path.
    drive: String,
    #[serde(flatten)]
    body: Body,
    /// Why it could not be used at all.
    error: Option<String>,
    /// Another drive that has all of it and is on the same disk: both are one copy.
    one_disk_with: Option<String>,
}

/// The answer of one drive, or of all together.
#[derive(Default, Serialize)]
struct Body {
    safe_to_format: bool,
    on_card: Tally,
    on_drive: Tally,
    not_safe_files: Vec<BadFile>,
    skipped: Vec<String>,
    /// `filesystem` or `disk` where card and drive are lost together.
    shared: Option<&'static str>,
    /// In use on the card, by nothing that can be seen.
    unseen_bytes: u64,
    stopped: Option<&'static str>,
    notes: Vec<String>,
}

impl Body {
    fn new(answer: &Answer) -> Self {
        Body {
            safe_to_format: answer.yes(),
            on_card: answer.card,
            on_drive: answer.safe,
            not_safe_files: bad_files(&answer.not_safe),
            skipped: answer.skipped.clone(),
            shared: answer.shared.map(shared_name),
            unseen_bytes: answer.unseen,
            stopped: answer.stop.map(Stop::describe),
            notes: answer.notes.clone(),
        }
    }

    /// A file counts as on the drive where it is on all that could be used; yes is yes of each that was named.
    fn of_all(compared: &Compared) -> Self {
        let answers: Vec<&Answer> = compared.drives.iter().filter_map(|(_, one)| one.as_ref().ok()).collect();
        let Some(mut all) = answers.first().map(|first| Body::new(first)) else { return Body::default() };
        // One is enough, and one has all: what is so of it is what counts.
        if matches!(compared.copies, Copies::Any | Copies::Count { .. })
            && compared.yes_of_drives()
            && let Some(one) = answers.iter().find(|answer| answer.yes())
        {
            return Body::new(one);
        }
        all.safe_to_format = compared.yes();
        all.on_drive = compared.on_all;
        all.not_safe_files = bad_anywhere(answers.iter().map(|answer| answer.not_safe.as_slice()));
        for other in answers[1..].iter().map(|other| Body::new(other)) {
            all.shared = all.shared.or(other.shared);
            all.stopped = all.stopped.or(other.stopped);
            all.notes.extend(other.notes);
        }
        all
    }
}

impl Row {
    fn new((path, answer): &(PathBuf, anyhow::Result<Answer>)) -> Self {
        Row {
            drive: visible(&path.to_string_lossy()),
            body: answer.as_ref().map(Body::new).unwrap_or_default(),
            error: answer.as_ref().err().map(|e| visible(&format!("{e:#}"))),
            one_disk_with: answer.as_ref().ok().and_then(|answer| answer.twin.clone()),
        }
    }

    /// Tells whether it is a copy of its own.
    fn is_copy(&self) -> bool {
        self.body.safe_to_format && self.one_disk_with.is_none()
    }

    /// Why the card is not safe on this drive, or not safer.
    fn verdict(&self) -> (&str, Option<String>) {
        let body = &self.body;
        let why = || {
            let first = body.not_safe_files.first().map(|bad| bad.why.clone());
            let seen = self.error.clone().or(body.stopped.map(|why| reason::ended(why).to_owned())).or(first);
            seen.or_else(|| reason::unseen(body.unseen_bytes))
                .unwrap_or_else(|| "card and drive are lost together".into())
        };
        let twin = || Some(format!("one disk with {}, one copy", self.one_disk_with.as_ref()?));
        (&self.drive, if body.safe_to_format { twin() } else { Some(why()) })
    }
}

/// The answer of `safe-to-format`, of each drive and of all. Returns the JSON line, for those who follow.
pub fn answer(ui: &Ui, label: &str, compared: &Compared) -> serde_json::Value {
    let rows: Vec<Row> = compared.drives.iter().map(Row::new).collect();
    let yes_drives = rows.iter().filter(|row| row.is_copy()).count();
    let sentence = safe_on(rows.iter().map(Row::verdict));
    let mut all = Body::of_all(compared);
    all.safe_to_format = compared.yes();
    let remotes = compared.away.iter().map(|one| Remote {
        remote: visible(&one.remote),
        safe: one.why_not.is_none(),
        why: one.why_not.as_deref().map(visible),
    });
    let remotes: Vec<Remote> = remotes.collect();
    let copies_on = copies_on(&rows, &remotes);
    let line = AnswerLine { label, all, yes_drives, sentence, drives: rows, copies_on, remotes };
    ui.json("answer", &line);
    let value = ui.value("answer", &line);
    if let ([(_, Ok(only))], []) = (compared.drives.as_slice(), compared.away.as_slice()) {
        show(ui, label, only);
        say_what_is_left(ui, &line);
        return value;
    }
    for (row, (_, answer)) in line.drives.iter().zip(&compared.drives) {
        ui.say(&ui.paint(Style::Bold, &format!("drive {}", row.drive)));
        match answer {
            Ok(answer) => show(ui, label, answer),
            Err(_) => ui.say(&ui.paint(Style::Red, row.error.as_deref().unwrap_or_default())),
        }
    }
    for one in &line.remotes {
        let why = one.why.as_deref().unwrap_or("all of it, verified there");
        ui.say(&format!("{} {}: {why}", ui.paint(Style::Bold, "at"), one.remote));
    }
    let (style, word) = if line.all.safe_to_format { (Style::Green, "YES") } else { (Style::Red, "NO") };
    ui.say(&ui.paint(style, &format!("{word}: {label} is {}{}.", line.sentence, away(&line.remotes))));
    say_what_is_left(ui, &line);
    value
}

/// The names of all that has the whole card.
fn copies_on(drives: &[Row], remotes: &[Remote]) -> Vec<String> {
    let name = |path: &str| path.rsplit('/').find(|part| !part.is_empty()).unwrap_or(path).to_owned();
    let drives = drives.iter().filter(|row| row.is_copy()).map(|row| name(&row.drive));
    drives.chain(remotes.iter().filter(|one| one.safe).map(|one| one.remote.clone())).collect()
}

/// Says, of a card that may be formatted, what would have to be lost then.
fn say_what_is_left(ui: &Ui, line: &AnswerLine<'_>) {
    if line.all.safe_to_format {
        ui.say(&what_is_left(&line.copies_on));
    }
}

fn what_is_left(copies: &[String]) -> String {
    match copies {
        [] => "No copy is left then.".to_owned(),
        [one] => format!("Once it is formatted, {one} has the only copy."),
        [one, other] => format!("Once it is formatted, it is lost only with both {one} and {other}."),
        [first @ .., last] => {
            format!("Once it is formatted, it is lost only with all of {} and {last}.", first.join(", "))
        }
    }
}

/// `, and at home`; `, not at home`.
fn away(remotes: &[Remote]) -> String {
    let named = |safe: bool| {
        let names = remotes.iter().filter(|one| one.safe == safe).map(|one| one.remote.as_str());
        names.collect::<Vec<_>>().join(" and ")
    };
    let (there, not) = (named(true), named(false));
    let said =
        |word: &str, names: &str| if names.is_empty() { String::new() } else { format!(", {word} {names}") };
    said("and at", &there) + &said("not at", &not)
}

/// The answer of one drive, for people.
fn show(ui: &Ui, label: &str, answer: &Answer) {
    answer.notes.iter().for_each(|note| ui.note(note));
    not_safe(ui, &bad_files(&answer.not_safe), answer.stop.map(Stop::describe));
    if !answer.skipped.is_empty() {
        ui.say(&format!("skipped: {}", answer.skipped.join(", ")));
    }
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
        let left = answer.not_safe.iter().filter(|bad| matches!(bad.reason, Reason::NotReached(_))).count();
        let stop = answer.stop.map(Stop::describe);
        let text = no(label, answer.not_safe.len() as u64, left as u64, stop);
        ui.say(&ui.paint(Style::Red, &text));
        if let Some(unseen) = reason::unseen(answer.unseen) {
            ui.say(&format!("And {unseen}."));
        }
        if answer.not_safe.iter().any(|bad| matches!(bad.reason, Reason::Unequal | Reason::CardChanged)) {
            ui.say(&format!(
                "This reads again what is not the same, and copies beside: piback backup {label}"
            ));
        } else if answer.not_safe.iter().any(|bad| matches!(bad.reason, Reason::Missing)) {
            copy_missing(ui, label);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_have_to_be_lost_is_named() {
        let said = |names: &[&str]| what_is_left(&names.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(said(&["A"]), "Once it is formatted, A has the only copy.");
        assert_eq!(said(&["A", "home"]), "Once it is formatted, it is lost only with both A and home.");
        assert_eq!(said(&["A", "B", "C"]), "Once it is formatted, it is lost only with all of A, B and C.");
    }

    #[test]
    fn only_those_that_have_all_count() {
        let row = |drive: &str, yes| Row {
            one_disk_with: None,
            drive: drive.into(),
            body: Body { safe_to_format: yes, ..Body::default() },
            error: None,
        };
        let remote = |name: &str, safe| Remote { remote: name.into(), safe, why: None };
        let drives = [row("/media/piback/A", true), row("/media/piback/B", false), row("C/", true)];
        assert_eq!(copies_on(&drives, &[remote("home", true), remote("s3", false)]), ["A", "C", "home"]);
    }
}
