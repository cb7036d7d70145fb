//! Shows a run: a bar on a terminal, a line now and then elsewhere, JSON lines with `--json`.

use crate::backup::events::{Event, Side, Tally, Watch};
use crate::system::{clock, signals};
use crate::ui::{self, Bar, JSON_SCHEMA, Ui};
use serde::Serialize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How often a line is written where there is no terminal, and a JSON line.
const TEXT_EVERY: Duration = Duration::from_secs(15);
const JSON_EVERY: Duration = Duration::from_millis(500);
const DRAW_EVERY: Duration = Duration::from_millis(150);

/// What a run is shown on.
pub struct Progress<'a> {
    ui: &'a Ui,
    bar: Bar,
    terminal: bool,
    state: Mutex<State>,
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

#[derive(Serialize)]
struct Moving<'a> {
    event: &'static str,
    files: u64,
    bytes: u64,
    of_files: u64,
    of_bytes: u64,
    written_bytes: u64,
    bytes_per_second: u64,
    current: &'a str,
    slower: Option<Side>,
}

impl<'a> Progress<'a> {
    /// Begins to show a run of `command`; the first JSON line names the schema.
    pub fn new(ui: &'a Ui, command: &str, label: &str) -> Self {
        ui.json(&Line { schema: JSON_SCHEMA, body: Begin { event: "begin", command, label } });
        let terminal = ui.on_terminal();
        Progress { ui, bar: Bar::new(terminal), terminal, state: Mutex::default() }
    }

    /// Takes the bar away, before the account is printed.
    pub fn end(&self) {
        self.bar.clear();
    }
}

impl Watch for Progress<'_> {
    fn event(&self, event: Event) {
        let now = clock::monotonic();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.begun.get_or_insert(now);
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
            self.ui.json(&Line { schema: JSON_SCHEMA, body: &event });
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
        if copy.files > 0 && !self.terminal {
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
        if self.terminal && due(state.drawn, DRAW_EVERY) {
            state.drawn = now;
            let (position, length) = state.position();
            self.bar.show(position, length, state.first_line(now), state.second_line());
        }
        let every = if self.ui.json_wanted() { JSON_EVERY } else { TEXT_EVERY };
        if !due(state.told.max(state.begun.unwrap_or(now)), every) {
            return;
        }
        state.told = now;
        let speed = state.speed(now);
        let slower = state.slower();
        self.ui.json(&Line {
            schema: JSON_SCHEMA,
            body: Moving {
                event: "progress",
                files: state.done.files,
                bytes: state.done.bytes,
                of_files: state.goal.files,
                of_bytes: state.goal.bytes,
                written_bytes: state.written,
                bytes_per_second: speed,
                current: &state.name,
                slower,
            },
        });
        if !self.terminal && !self.ui.json_wanted() {
            self.ui.say(&format!("{}, {}", state.first_line(now), state.second_line()));
        }
    }
}

impl State {
    /// Written and read back count half each: the bar is full when the last byte was verified, not before.
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

    fn first_line(&mut self, now: Duration) -> String {
        let speed = self.speed(now);
        let (position, length) = self.position();
        let left = length.saturating_sub(position).checked_div(speed);
        let left = left.map_or(String::new(), |s| format!(", {} left", ui::clock(s)));
        format!(
            "{} of {}, {}/s{left}",
            ui::bytes(self.done.bytes),
            ui::bytes(self.goal.bytes),
            ui::bytes(speed)
        )
    }

    fn second_line(&self) -> String {
        let slower = match self.slower() {
            Some(Side::Card) => ", card is slower",
            Some(Side::Drive) => ", drive is slower",
            None => "",
        };
        format!("{} of {}{slower}", self.done.files, ui::files(self.goal.files))
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
