//! Says what `verify` found on each drive, and what it repaired: for people and as `--json`.

use super::report::{self, BadFile, LISTED, bad_files};
use crate::backup::account::{NotSafe, Renamed};
use crate::backup::events::Tally;
use crate::backup::manifest::shown;
use crate::backup::reason::Stop;
use crate::backup::{Repaired, Repairs, Verdict};
use crate::ui::{self, Style, Ui, visible};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// A drive, and how its verification ended.
pub struct Verified {
    pub path: PathBuf,
    /// An error where it could not be verified at all.
    pub verdict: anyhow::Result<Verdict>,
    /// None without `--repair`.
    pub repairs: Option<Repairs>,
}

/// The findings on one drive, or on all together.
#[derive(Serialize)]
struct Body {
    good: bool,
    recorded: Tally,
    verified: Tally,
    bad_files: Vec<BadFile>,
    healed: Vec<String>,
    /// Found at another place on the drive, and recorded there.
    moved: Vec<Renamed>,
    /// Taken as meant, with `--accept`.
    accepted_files: u64,
    /// Brought back by `--repair`, read from the medium.
    repaired: Vec<Repaired>,
    /// Not brought back by it, and why.
    not_repaired: Vec<BadFile>,
    /// Files whose records were lost and that a witness vouches for again.
    vouched_files: u64,
    unrecorded: Tally,
    damaged_manifests: Vec<String>,
    stopped: Option<&'static str>,
    /// Not read, because it ended early.
    not_reached_files: u64,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Row {
    /// The drive's path.
    drive: String,
    #[serde(flatten)]
    body: Body,
    /// Why it could not be verified at all.
    error: Option<String>,
}

#[derive(Serialize)]
struct VerdictLine<'a> {
    label: &'a str,
    /// Over all drives: sums, and all lists one after the other.
    #[serde(flatten)]
    all: Body,
    /// Drives on which all is good.
    good_drives: usize,
    drives: Vec<Row>,
}

impl Verified {
    /// Tells whether there is a backup on this drive, all of it good, and nothing is left that could not be brought back.
    #[must_use]
    pub fn all_good(&self) -> bool {
        self.verdict.as_ref().is_ok_and(Verdict::all_good)
            && self.repairs.as_ref().is_none_or(|repairs| repairs.failed.is_empty() && repairs.stop.is_none())
    }

    fn shown(&self) -> String {
        visible(&self.path.to_string_lossy())
    }

    /// Files that could not be brought back.
    fn failed(&self) -> &[NotSafe] {
        self.repairs.as_ref().map_or(&[], |repairs| &repairs.failed)
    }

    /// Lists what the verdict names, and of the rest what could not be brought back.
    fn bad(&self, verdict: &Verdict) -> Vec<BadFile> {
        let named = |one: &&NotSafe| verdict.bad.iter().any(|bad| bad.path == one.path);
        let rest = self.failed().iter().filter(|one| !named(one)).map(report::bad_file);
        bad_files(&verdict.bad).into_iter().chain(rest).collect()
    }

    fn row(&self) -> Row {
        let verdict = self.verdict.as_ref().ok();
        let nothing = Verdict::default();
        let found = verdict.unwrap_or(&nothing);
        let repairs = self.repairs.as_ref();
        let body = Body {
            good: self.all_good(),
            recorded: found.known,
            verified: found.good,
            bad_files: self.bad(found),
            healed: found.healed.clone(),
            moved: found.moved.clone(),
            accepted_files: found.accepted,
            repaired: repairs.map_or(Vec::new(), |repairs| repairs.repaired.clone()),
            not_repaired: bad_files(self.failed()),
            vouched_files: repairs.map_or(0, |repairs| repairs.vouched),
            unrecorded: found.unrecorded,
            damaged_manifests: found.damage.clone(),
            stopped: found.stop.or(repairs.and_then(|repairs| repairs.stop)).map(Stop::describe),
            not_reached_files: found.unread,
            notes: found.notes.iter().chain(repairs.iter().flat_map(|r| &r.notes)).cloned().collect(),
        };
        Row {
            drive: self.shown(),
            body,
            error: self.verdict.as_ref().err().map(|e| visible(&format!("{e:#}"))),
        }
    }

    /// For people.
    fn show(&self, ui: &Ui, label: &str) {
        if let Some(repairs) = &self.repairs {
            show_repairs(ui, repairs);
        }
        match &self.verdict {
            Ok(verdict) => {
                report::verdict(ui, label, verdict);
                // What the verdict says of them is what they are; this is why they are that still.
                if !self.failed().is_empty() {
                    let text = format!("NOT REPAIRED: {} of {label}.", ui::files(self.failed().len() as u64));
                    ui.say(&ui.paint(Style::Red, &text));
                    report::not_safe(ui, &bad_files(self.failed()), None);
                }
            }
            Err(error) => ui.say(&ui.paint(Style::Red, &visible(&format!("{error:#}")))),
        }
    }
}

impl Body {
    /// Adds what is so of a further drive.
    fn add(&mut self, other: Body) {
        let sum = |a: &mut Tally, b: Tally| (a.files, a.bytes) = (a.files + b.files, a.bytes + b.bytes);
        self.good &= other.good;
        sum(&mut self.recorded, other.recorded);
        sum(&mut self.verified, other.verified);
        sum(&mut self.unrecorded, other.unrecorded);
        self.bad_files.extend(other.bad_files);
        self.healed.extend(other.healed);
        self.moved.extend(other.moved);
        self.accepted_files += other.accepted_files;
        self.repaired.extend(other.repaired);
        self.not_repaired.extend(other.not_repaired);
        self.vouched_files += other.vouched_files;
        self.damaged_manifests.extend(other.damaged_manifests);
        self.stopped = self.stopped.or(other.stopped);
        self.not_reached_files += other.not_reached_files;
        self.notes.extend(other.notes);
    }
}

/// The verdict on every drive, and on all of them. Returns the JSON line, for those who follow.
pub fn verified(ui: &Ui, label: &str, drives: &[Verified]) -> serde_json::Value {
    let mut all: Option<Body> = None;
    for row in drives.iter().map(Verified::row) {
        match &mut all {
            Some(all) => all.add(row.body),
            None => all = Some(row.body),
        }
    }
    let Some(all) = all else { return serde_json::Value::Null };
    let good = drives.iter().filter(|drive| drive.all_good()).count();
    let rows = drives.iter().map(Verified::row).collect();
    let line = VerdictLine { label, all, good_drives: good, drives: rows };
    ui.json("verdict", &line);
    for drive in drives {
        if drives.len() > 1 {
            ui.say(&ui.paint(Style::Bold, &format!("drive {}", drive.shown())));
        }
        drive.show(ui, label);
    }
    if drives.len() > 1 {
        ui.say(&good_on(ui, label, good, drives));
    }
    ui.value("verdict", &line)
}

fn good_on(ui: &Ui, label: &str, good: usize, drives: &[Verified]) -> String {
    let text = format!("{label} is good on {good} of {}", drives.len());
    let bad: Vec<String> = drives.iter().filter(|drive| !drive.all_good()).map(Verified::shown).collect();
    match bad.is_empty() {
        true => ui.paint(Style::Green, &format!("{text}.")),
        false => ui.paint(Style::Red, &format!("{text}: not on {}.", bad.join(", "))),
    }
}

fn show_repairs(ui: &Ui, repairs: &Repairs) {
    repairs.notes.iter().for_each(|note| ui.note(note));
    if !repairs.repaired.is_empty() {
        ui.say(&format!("{} brought back:", ui::files(repairs.repaired.len() as u64)));
        let lines = repairs.repaired.iter().map(|one| format!("  {}, from {}", shown(&one.path), one.from));
        report::list(ui, lines, repairs.repaired.len(), LISTED);
    }
    let aside: Vec<&str> = repairs.repaired.iter().filter_map(|one| one.damaged.as_deref()).collect();
    if let Some(first) = aside.first() {
        let folder = Path::new(first).iter().take(3).collect::<PathBuf>();
        let n = ui::files(aside.len() as u64);
        ui.say(&format!("what was damaged is kept: {n} in {}", folder.display()));
    }
    if repairs.vouched > 0 {
        ui.say(&format!("{} whose records were lost have records again", ui::files(repairs.vouched)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::reason::Reason;

    #[test]
    fn why_a_damaged_file_was_not_brought_back_is_told_beside_what_it_is() {
        let of = |reason| NotSafe { path: "DCIM/A.JPG".into(), size: 9, reason };
        let (mut verdict, mut repairs) = (Verdict::default(), Repairs::default());
        verdict.bad.push(of(Reason::Differs));
        repairs.failed.push(of(Reason::NoSpace));
        let verified = Verified { path: "/mnt/a".into(), verdict: Ok(verdict), repairs: Some(repairs) };
        let body = verified.row().body;
        let whys = |files: &[BadFile]| files.iter().map(|file| file.why.clone()).collect::<Vec<_>>();
        assert_eq!(whys(&body.bad_files), [Reason::Differs.describe()]);
        assert_eq!(whys(&body.not_repaired), [Reason::NoSpace.describe()]);
        assert!(!body.good);
    }
}
