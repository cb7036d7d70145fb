//! Shows a run: a bar on a terminal, a line now and then elsewhere, JSON lines with `--json`.

use crate::backup::events::{Event, Side, Tally, Watch};
use crate::system::rundir::Running;
use crate::system::{clock, signals};
use crate::ui::{self, Bar, JSON_SCHEMA, Ui};
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often a line is written where there is no terminal, and a JSON line.
pub const TEXT_EVERY: Duration = Duration::from_secs(15);
const JSON_EVERY: Duration = Duration::from_millis(500);
const DRAW_EVERY: Duration = Duration::from_millis(150);

/// A run that is shown, and told to those who follow it.
pub struct Progress<'a> {
    ui: &'a Ui,
    screen: Screen,
    state: Mutex<State>,
}

/// Where progress is drawn: by the run itself, and by `attach`.
pub struct Screen {
    bar: Bar,
    terminal: bool,
}

#[derive(Default)]
struct State {
    goal: Tally,
    done: Tally,
    written: u64,
    read_back: u64,
    name: String,
    waited: [u64; 2],
    history: Vec<(Duration, u64)>,
    drawn: Duration,
    told: Duration,
    begun: Option<Duration>,
    copying: bool,
    /// Reader and writer both say it.
    stopping: bool,
    running: Option<Running>,
}

#[derive(Serialize)]
struct Line<T: Serialize> {
    schema: u32,
    #[serde(flatten)]
    body: T,
}

#[derive(Serialize)]
struct Begin<'a> {
    event: &'static str,
    command: &'a str,
    label: &'a str,
}

/// How far a run is: totals, so that one of these lines is enough.
#[derive(Debug, Serialize, Deserialize)]
pub struct Moving {
    event: String,
    files: u64,
    bytes: u64,
    of_files: u64,
    of_bytes: u64,
    written_bytes: u64,
    /// Of `of_bytes`. Written and read back count half each: it is full when the last byte was verified, not before.
    position_bytes: u64,
    bytes_per_second: u64,
    current: String,
    slower: Option<Side>,
}

impl<'a> Progress<'a> {
    /// Begins to show a run of `command`; the first JSON line names the schema.
    pub fn new(ui: &'a Ui, command: &str, label: &str, running: Option<Running>) -> Self {
        let state = Mutex::new(State { running, ..State::default() });
        let progress = Progress { ui, screen: Screen::new(ui), state };
        progress.tell(&Line { schema: JSON_SCHEMA, body: Begin { event: "begin", command, label } });
        progress
    }

    /// A JSON line, for `--json` and for those who follow.
    pub fn tell<T: Serialize>(&self, line: &T) {
        self.ui.json(line);
        if let Some(running) = &mut self.state().running {
            running.event(line);
        }
    }

    /// Takes the bar away, before the account is printed.
    pub fn end(self) -> Option<Running> {
        self.screen.clear();
        self.state().running.take()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch for Progress<'_> {
    fn event(&self, event: Event) {
        let now = clock::monotonic();
        let mut state = self.state();
        state.begun.get_or_insert(now);
        if event == Event::Stopping && std::mem::replace(&mut state.stopping, true) {
            return;
        }
        match &event {
            Event::Scanned(tally) => state.goal = *tally,
            Event::Comparing { path, .. } | Event::Current { path } => state.name.clone_from(path),
            Event::Planned { safe, copy, free, short } => {
                state.goal = *copy;
                state.copying = true;
                self.say_plan(*safe, *copy, *free, *short);
            }
            Event::Written { bytes } => state.written += bytes,
            Event::ReadBack { bytes } => state.read_back += bytes,
            Event::Verified(tally) | Event::Checked(tally) => {
                state.done.files += tally.files;
                state.done.bytes += tally.bytes;
            }
            Event::Waited { side, ms } => state.waited[*side as usize] += ms,
            Event::Stopping => self.ui.note("stopping after what is on its way"),
            Event::NotSafe { .. } => {}
        }
        if matches!(
            event,
            Event::Scanned(_) | Event::Planned { .. } | Event::NotSafe { .. } | Event::Stopping
        ) {
            let line = Line { schema: JSON_SCHEMA, body: &event };
            self.ui.json(&line);
            if let Some(running) = &mut state.running {
                running.event(&line);
            }
        }
        self.show(&mut state, now);
    }

    fn stop_requested(&self) -> bool {
        signals::stop_requested()
    }
}

impl Progress<'_> {
    fn say_plan(&self, safe: Tally, copy: Tally, free: u64, short: u64) {
        if safe.files > 0 {
            self.ui.detail(&format!(
                "{} ({}) are safe already",
                ui::files(safe.files),
                ui::bytes(safe.bytes)
            ));
        }
        if copy.files > 0 && !self.screen.terminal {
            self.ui.say(&format!("copying {} ({})", ui::files(copy.files), ui::bytes(copy.bytes)));
        }
        if short > 0 {
            self.ui.note(&format!(
                "the drive has {} free, {} too little: what fits is copied",
                ui::bytes(free),
                ui::bytes(short)
            ));
        }
    }

    fn show(&self, state: &mut State, now: Duration) {
        let due = |last: Duration, every: Duration| now.saturating_sub(last) >= every;
        if !due(state.drawn, DRAW_EVERY) {
            return;
        }
        state.drawn = now;
        let line = Line { schema: JSON_SCHEMA, body: state.moving(now) };
        if let Some(running) = &mut state.running {
            running.progress(&line);
        }
        self.screen.draw(&line.body);
        let every = if self.ui.json_wanted() { JSON_EVERY } else { TEXT_EVERY };
        if due(state.told.max(state.begun.unwrap_or(now)), every) {
            state.told = now;
            self.ui.json(&line);
            self.screen.say(&line.body, self.ui);
        }
    }
}

impl Screen {
    pub fn new(ui: &Ui) -> Self {
        let terminal = ui.on_terminal();
        Screen { bar: Bar::new(terminal), terminal }
    }

    /// Moves the bar, on a terminal.
    pub fn draw(&self, moving: &Moving) {
        if self.terminal {
            self.bar.show(moving.position_bytes, moving.of_bytes, moving.first_line(), moving.second_line());
        }
    }

    /// Says it in a line, where there is no terminal.
    pub fn say(&self, moving: &Moving, ui: &Ui) {
        if !self.terminal && !ui.json_wanted() {
            ui.say(&format!("{}, {}", moving.first_line(), moving.second_line()));
        }
    }

    pub fn clear(&self) {
        self.bar.clear();
    }
}

impl Moving {
    fn first_line(&self) -> String {
        let left = self.of_bytes.saturating_sub(self.position_bytes).checked_div(self.bytes_per_second);
        let left = left.map_or(String::new(), |s| format!(", {} left", ui::clock(s)));
        let (done, all) = (ui::bytes(self.bytes), ui::bytes(self.of_bytes));
        format!("{done} of {all}, {}/s{left}", ui::bytes(self.bytes_per_second))
    }

    fn second_line(&self) -> String {
        let slower = match self.slower {
            Some(Side::Card) => ", card is slower",
            Some(Side::Drive) => ", drive is slower",
            None => "",
        };
        format!("{} of {}{slower}", self.files, ui::files(self.of_files))
    }
}

impl State {
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
