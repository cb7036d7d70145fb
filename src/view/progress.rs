//! Shows a run: a bar on a terminal, a line now and then elsewhere, JSON lines with `--json`.

use super::screen::{Moving, STOPPING, Screen, TEXT_EVERY};
use crate::backup::events::{Event, Side, Tally, Watch};
use crate::system::rundir::Running;
use crate::system::{clock, signals};
use crate::ui::{self, JSON_SCHEMA, Ui};
use serde::Serialize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Time between two JSON lines.
const JSON_EVERY: Duration = Duration::from_millis(500);
const DRAW_EVERY: Duration = Duration::from_millis(150);

/// A run that is shown, and told to those who follow it.
///
/// The run only leaves notes here; a thread of its own prints them, so that a terminal that takes nothing any more (a
/// suspended SSH client) holds up the drawing, and never the copy nor those who follow it.
pub struct Progress {
    shared: Arc<Shared>,
    printer: JoinHandle<()>,
}

struct Shared {
    ui: Ui,
    screen: Screen,
    state: Mutex<State>,
}

/// Something to print once.
enum Said {
    Json(String),
    Say(String),
    Note(String),
    Detail(String),
}

#[derive(Default)]
struct State {
    /// The verb that is typed.
    command: &'static str,
    goal: Tally,
    done: Tally,
    written: u64,
    read_back: u64,
    name: String,
    waited: [u64; 2],
    history: Vec<(Duration, u64)>,
    shown: Duration,
    copying: bool,
    /// Said and not printed yet, and the newest state.
    said: Vec<Said>,
    newest: Option<Moving>,
    over: bool,
    /// Reader, writer and printer may all notice.
    stopping: bool,
    running: Option<Running>,
}

#[derive(Serialize)]
struct Line<'a, T: Serialize> {
    schema: u32,
    command: &'a str,
    #[serde(flatten)]
    body: T,
}

/// A step, and which of several drives it is about.
#[derive(Serialize)]
struct Step<'a> {
    #[serde(flatten)]
    event: &'a Event,
    #[serde(skip_serializing_if = "Option::is_none")]
    drive: Option<&'a str>,
}

#[derive(Serialize)]
struct Begin<'a> {
    event: &'static str,
    label: &'a str,
}

impl Progress {
    /// Begins to show a run of `command`; the first JSON line names the schema.
    pub fn new(ui: &Ui, command: &'static str, label: &str, running: Option<Running>) -> Self {
        let state = Mutex::new(State { command, running, ..State::default() });
        let shared = Arc::new(Shared { ui: *ui, screen: Screen::new(ui, command), state });
        // Before the printer lives, which may have a stop to tell of.
        shared.state().tell(&Line { schema: JSON_SCHEMA, command, body: Begin { event: "begin", label } });
        let printer = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.print()
        });
        Progress { shared, printer }
    }

    /// A JSON line, for `--json` and for those who follow.
    pub fn tell<T: Serialize>(&self, line: &T) {
        self.shared.state().tell(line);
    }

    /// Prints what is left and takes the bar away, before the account is printed.
    pub fn end(self) -> Option<Running> {
        let running = {
            let mut state = self.shared.state();
            state.over = true;
            state.running.take()
        };
        self.printer.thread().unpark();
        // A printer that panicked has nothing left to print.
        let _ = self.printer.join();
        running
    }
}

impl Progress {
    fn take(&self, drive: Option<&str>, event: Event) {
        let now = clock::monotonic();
        let mut state = self.shared.state();
        if event == Event::Stopping {
            return state.stopping();
        }
        match &event {
            Event::Scanned(tally) => state.goal = *tally,
            Event::Comparing { path, .. } | Event::Current { path } => state.name.clone_from(path),
            Event::Planned { safe, copy, free, short } => {
                // With several drives the goal is what all of them together get.
                if !std::mem::replace(&mut state.copying, true) {
                    state.goal = Tally::default();
                }
                state.goal.files += copy.files;
                state.goal.bytes = state.goal.bytes.saturating_add(copy.bytes);
                state.say_plan(self.shared.screen.terminal, drive, (*safe, *copy), *free, *short);
            }
            Event::Written { bytes } => state.written += bytes,
            Event::ReadBack { bytes } => state.read_back += bytes,
            Event::Verified(tally) | Event::Checked(tally) => {
                state.done.files += tally.files;
                state.done.bytes += tally.bytes;
            }
            Event::Waited { side, ms } => state.waited[*side as usize] += ms,
            Event::Warning { text } => {
                let text = drive.map_or_else(|| text.clone(), |drive| format!("{drive}: {text}"));
                state.said.push(Said::Note(text));
            }
            Event::NotSafe { .. } | Event::Stopping => {}
        }
        let told = matches!(
            event,
            Event::Scanned(_) | Event::Planned { .. } | Event::NotSafe { .. } | Event::Warning { .. }
        );
        if told {
            let command = state.command;
            state.tell(&Line { schema: JSON_SCHEMA, command, body: Step { event: &event, drive } });
        }
        if now.saturating_sub(state.shown) >= DRAW_EVERY {
            state.shown = now;
            let line = Line { schema: JSON_SCHEMA, command: state.command, body: state.moving(now) };
            if let Some(running) = &mut state.running {
                running.progress(&line);
            }
            state.newest = Some(line.body);
        }
    }
}

impl Watch for Progress {
    fn event(&self, event: Event) {
        self.take(None, event);
    }

    fn event_of(&self, drive: &str, event: Event) {
        self.take(Some(drive), event);
    }

    fn stop_requested(&self) -> bool {
        signals::stop_requested()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The printer's whole life.
    fn print(&self) {
        let every = if self.ui.json_wanted() { JSON_EVERY } else { TEXT_EVERY };
        let mut told = clock::monotonic();
        loop {
            let (said, newest, over, command) = {
                let mut state = self.state();
                // The run itself looks between two batches, which may be a while on a slow drive.
                if signals::stop_requested() {
                    state.stopping();
                }
                (std::mem::take(&mut state.said), state.newest.take(), state.over, state.command)
            };
            let json = self.ui.json_wanted();
            let printed = said.into_iter().filter(|said| json || !matches!(said, Said::Json(_)));
            printed.for_each(|said| self.screen.above(|| self.print_one(said)));
            if over {
                self.screen.clear();
                return;
            }
            if let Some(moving) = newest {
                self.screen.draw(&moving);
                let now = clock::monotonic();
                if now.saturating_sub(told) >= every {
                    told = now;
                    self.screen.say(&moving, &self.ui);
                    if json {
                        let line = Line { schema: JSON_SCHEMA, command, body: moving };
                        self.ui.raw(&format!("{}\n", serde_json::to_string(&line).unwrap_or_default()));
                    }
                }
            }
            std::thread::park_timeout(DRAW_EVERY);
        }
    }

    fn print_one(&self, said: Said) {
        match said {
            Said::Json(line) => self.ui.raw(&line),
            Said::Say(text) => self.ui.say(&text),
            Said::Note(text) => self.ui.note(&text),
            Said::Detail(text) => self.ui.detail(&text),
        }
    }
}

impl State {
    /// A stop was asked for: said once, whoever notices first.
    fn stopping(&mut self) {
        if std::mem::replace(&mut self.stopping, true) {
            return;
        }
        self.said.push(Said::Note(STOPPING.into()));
        let command = self.command;
        self.tell(&Line { schema: JSON_SCHEMA, command, body: Event::Stopping });
    }

    /// Those who follow hear it at once, the screen when it can.
    fn tell<T: Serialize>(&mut self, line: &T) {
        if let Some(running) = &mut self.running {
            running.event(line);
        }
        // These types hold nothing that JSON can't carry.
        let text = serde_json::to_string(line).unwrap_or_default();
        self.said.push(Said::Json(format!("{text}\n")));
    }

    fn say_plan(
        &mut self,
        terminal: bool,
        drive: Option<&str>,
        (safe, copy): (Tally, Tally),
        free: u64,
        short: u64,
    ) {
        let to = drive.map_or_else(String::new, |drive| format!(" to {drive}"));
        let on = drive.map_or_else(String::new, |drive| format!(" on {drive}"));
        if safe.files > 0 {
            let text = format!("{} ({}) are safe already{on}", ui::files(safe.files), ui::bytes(safe.bytes));
            self.said.push(Said::Detail(text));
        }
        if copy.files > 0 && !terminal {
            self.said.push(Said::Say(format!(
                "copying {} ({}){to}",
                ui::files(copy.files),
                ui::bytes(copy.bytes)
            )));
        }
        if short > 0 {
            let (free, short) = (ui::bytes(free), ui::bytes(short));
            let text = format!(
                "{} has {free} free, {short} too little: what fits is copied",
                drive.unwrap_or("the drive")
            );
            self.said.push(Said::Note(text));
        }
    }

    fn moving(&mut self, now: Duration) -> Moving {
        Moving {
            event: "progress".to_owned(),
            files: self.done.files,
            bytes: self.done.bytes,
            of_files: self.goal.files,
            of_bytes: self.goal.bytes,
            written_bytes: self.written,
            position_bytes: self.position().0,
            bytes_per_second: self.speed(now),
            current: self.name.clone(),
            slower: self.slower(),
        }
    }

    fn position(&self) -> (u64, u64) {
        if self.copying {
            ((self.written + self.read_back) / 2, self.goal.bytes)
        } else {
            (self.done.bytes, self.goal.bytes)
        }
    }

    /// Bytes per second over the last seconds.
    fn speed(&mut self, now: Duration) -> u64 {
        let (position, _) = self.position();
        self.history.push((now, position));
        let old = self.history.iter().rposition(|(at, _)| now.saturating_sub(*at) > Duration::from_secs(8));
        self.history.drain(..old.unwrap_or(0));
        match self.history.first() {
            Some((at, was)) if now > *at => {
                ((position.saturating_sub(*was)) as f64 / (now - *at).as_secs_f64()) as u64
            }
            _ => 0,
        }
    }

    /// The side that the other one mostly waits for.
    fn slower(&self) -> Option<Side> {
        let [card, drive] = self.waited;
        match (card, drive) {
            _ if card + drive < 500 => None,
            _ if card > drive * 2 => Some(Side::Card),
            _ if drive > card * 2 => Some(Side::Drive),
            _ => None,
        }
    }
}
