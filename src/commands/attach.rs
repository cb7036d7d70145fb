//! `piback attach [LABEL]`: shows a running backup's progress, and ends as it ends.

use super::running;
use crate::cli::{Global, Running};
use crate::error::{Outcome, Problem};
use crate::system::clock;
use crate::system::rundir::News;
use crate::ui::{Ui, visible};
use crate::view::account::AccountLine;
use crate::view::screen::{Moving, STOPPING, Screen, TEXT_EVERY};
use serde_json::Value;
use std::time::Duration;

pub fn run(args: &Running, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let mut found = running::find(args.label.as_deref(), global.root.as_deref())?;
    let label = visible(&found.header.label);
    ui.note(&format!("the backup of {label} runs on by itself; Ctrl-C ends only this view"));
    let mut view = View { ui, screen: Screen::new(ui), said: Duration::ZERO };
    loop {
        match found.follower.news()? {
            News::Lines(lines) => view.show(&lines),
            News::Ended(lines, code) => {
                view.show(&lines);
                view.screen.clear();
                return ended(code, &label);
            }
            News::Died(lines) => {
                view.show(&lines);
                view.screen.clear();
                let what = format!("the backup of {label} was killed");
                let hint = format!("what was verified is safe; start it again: piback backup '{label}'");
                return Err(Problem::failed(what).hint(hint).into());
            }
        }
        clock::wait_a_little();
    }
}

/// The lines of a running backup, shown to whoever looks on.
struct View<'a> {
    ui: &'a Ui,
    screen: Screen,
    said: Duration,
}

impl View<'_> {
    fn show(&mut self, lines: &[String]) {
        for (left, line) in (0..lines.len()).rev().zip(lines) {
            if self.ui.json_wanted() {
                self.ui.raw(&format!("{line}\n"));
                continue;
            }
            let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
            match event.get("event").and_then(Value::as_str) {
                // What has been overtaken already is not worth drawing.
                Some("progress") if left == 0 => self.progress(event),
                Some("account") => {
                    self.screen.clear();
                    if let Ok(account) = serde_json::from_value::<AccountLine>(event) {
                        account.show(self.ui);
                    }
                }
                Some("stopping") => self.screen.above(|| self.ui.note(STOPPING)),
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
}

fn ended(code: u8, label: &str) -> anyhow::Result<Outcome> {
    match code {
        0 => Ok(Outcome::Done),
        5 => Ok(Outcome::NotSafe),
        _ => Err(Problem::failed(format!("the backup of {label} failed")).into()),
    }
}
