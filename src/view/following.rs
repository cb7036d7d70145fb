//! A run that goes on elsewhere, shown to whoever looks on: its lines as they come, and its end.

use super::account::AccountLine;
use super::report::{
    BadFile, bring_back, copy_missing, elsewhere, no, not_safe, not_verified, row, unsafe_files,
};
use super::screen::{Moving, STOPPING, Screen, TEXT_EVERY};
use crate::error::{Outcome, Problem};
use crate::jobs::fold;
use crate::jobs::job::{self, Job, Phase, Verb};
use crate::system::clock;
use crate::ui::{self, Style, Ui, visible};
use serde_json::Value;
use std::time::Duration;

/// Looks on.
pub struct Following<'a> {
    ui: &'a Ui,
    screen: Screen,
    said: Duration,
    job: Job,
    /// Its end was shown in full.
    shown: bool,
    /// The run directory's own first line is repeated too.
    repeats_all: bool,
}

impl<'a> Following<'a> {
    pub fn new(ui: &'a Ui, job: Job, repeats_all: bool) -> Self {
        Following {
            ui,
            screen: Screen::new(ui, job.verb.as_str()),
            said: Duration::ZERO,
            job,
            shown: false,
            repeats_all,
        }
    }

    /// The job as far as it was heard.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// Takes in how it ended from whoever keeps it.
    pub fn knows(&mut self, job: Job) {
        if job.state.is_over() {
            self.job = job;
        }
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.screen.clear();
    }

    /// Shows what came.
    pub fn lines(&mut self, lines: &[String]) {
        for (left, line) in (0..lines.len()).rev().zip(lines) {
            fold::line(&mut self.job, line);
            let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
            let kind = event.get("event").and_then(Value::as_str).unwrap_or_default();
            if self.ui.json_wanted() {
                self.shown |= matches!(kind, "account" | "answer" | "verdict");
                // An error is this command's too, and is said when it ends.
                if kind != "error" && (kind != "run" || self.repeats_all) {
                    self.ui.raw(&format!("{line}\n"));
                }
                continue;
            }
            match kind {
                // What has been overtaken already is not worth drawing.
                "progress" if left == 0 => self.progress(event),
                "account" => {
                    self.screen.clear();
                    if let Ok(account) = serde_json::from_value::<AccountLine>(event) {
                        account.show(self.ui);
                        self.shown = true;
                    }
                }
                "warning" => {
                    let text = event.get("text").and_then(Value::as_str).unwrap_or_default();
                    self.screen.above(|| self.ui.note(text));
                }
                "stopping" => self.screen.above(|| self.ui.note(STOPPING)),
                _ => {}
            }
        }
    }

    fn progress(&mut self, event: Value) {
        let Ok(moving) = serde_json::from_value::<Moving>(event) else { return };
        self.screen.draw(&moving);
        let now = clock::monotonic();
        if now.saturating_sub(self.said) >= TEXT_EVERY {
            self.said = now;
            self.screen.say(&moving, self.ui);
        }
    }

    /// Shows how it ended: with this exit code, none where it was killed.
    ///
    /// # Errors
    /// It could not do its work.
    pub fn end(mut self, code: Option<u8>) -> anyhow::Result<Outcome> {
        self.screen.clear();
        if !self.job.state.is_over() {
            fold::ended(&mut self.job, code);
        }
        let Job { verb, state, .. } = self.job;
        let label = visible(&self.job.label);
        if !self.shown && self.job.result.is_some() {
            match self.ui.json_wanted() {
                true => self.ui.json("job", &self.job),
                false => self.say_result(&label),
            }
        }
        match state {
            Phase::Done => Ok(Outcome::Done),
            Phase::NotSafe | Phase::Cancelled => Ok(Outcome::NotSafe),
            Phase::Died => {
                let what = format!("the {} of {label} was killed", verb.as_str());
                let again = format!("piback {} '{label}'", verb.as_str());
                Err(Problem::failed(what)
                    .hint(format!("what was verified is safe; start it again: {again}"))
                    .into())
            }
            Phase::Failed | Phase::Queued | Phase::Running | Phase::Stopping => {
                let own = format!("the {} of {label} failed", verb.as_str());
                let problem = Problem::failed(self.job.error.clone().unwrap_or(own));
                Err(std::mem::take(&mut self.job.hints).into_iter().fold(problem, Problem::hint).into())
            }
        }
    }

    /// The answer of `safe-to-format`, or the verdict of `verify`.
    fn say_result(&self, label: &str) {
        let (ui, Some(result)) = (self.ui, &self.job.result) else { return };
        result.notes.iter().for_each(|note| ui.note(note));
        row(ui, if self.job.verb == Verb::Verify { "in the manifest" } else { "on the card" }, result.all);
        if self.job.verb == Verb::Backup {
            row(ui, "already safe", result.already);
        }
        row(
            ui,
            if self.job.verb == Verb::Backup { "copied, verified" } else { "read, and equal" },
            result.verified,
        );
        let bad =
            |bad: &job::BadFile| BadFile { path: bad.path.clone(), bytes: bad.bytes, why: bad.why.clone() };
        let files: Vec<BadFile> = result.not_safe_files.iter().map(bad).collect();
        not_safe(ui, &files, result.stopped.as_deref());
        let count = result.not_safe.files;
        let why = result.stopped.as_deref();
        let (style, text) = match (self.job.verb, result.good) {
            (Verb::Backup, true) => {
                (Style::Green, format!("All {} on {label} are on the drive.", ui::files(result.all.files)))
            }
            (Verb::Backup, false) => (Style::Red, unsafe_files(label, count, why)),
            (Verb::Verify, true) if result.healed > 0 => (Style::Yellow, elsewhere(label, result.healed)),
            (Verb::Verify, true) => (Style::Green, format!("The backup of {label} is as it was written.")),
            (Verb::Verify, false) => match why {
                Some(why) => (Style::Red, not_verified(label, count, result.not_reached, why)),
                None => (Style::Red, format!("NOT GOOD: {} of {label}.", ui::files(count))),
            },
            (_, true) => {
                let (files, bytes) = (ui::files(result.all.files), ui::bytes(result.all.bytes));
                (Style::Green, format!("YES: every byte of {files} ({bytes}) on {label} is on the drive."))
            }
            (_, false) => {
                let why = why.or(Some(result.sentence.as_str()).filter(|_| count == 0));
                (Style::Red, no(label, count, result.not_reached, why))
            }
        };
        ui.say(&ui.paint(style, &text));
        match self.job.verb {
            Verb::Verify if !result.good && why.is_none() && count > 0 => bring_back(ui, label),
            Verb::SafeToFormat if !result.good && why.is_none() && count > 0 => copy_missing(ui, label),
            _ => {}
        }
    }
}
