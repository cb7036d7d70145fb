//! The place where a run is drawn: a bar on a terminal, a line now and then elsewhere.

use crate::backup::events::Side;
use crate::backup::manifest::shown;
use crate::ui::{self, Bar, Ui};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Time between two lines where there is no terminal.
pub const TEXT_EVERY: Duration = Duration::from_secs(15);
/// Columns of an iPad in an upright SSH client.
const WIDTH: usize = 40;
/// Answer to a stop that was asked for.
pub const STOPPING: &str = "stopping after what is on its way";

/// The place where progress is drawn: by the run itself, and by `attach`.
pub struct Screen {
    bar: Bar,
    pub terminal: bool,
    /// Word after its count of files.
    done: &'static str,
}

/// State of a run while it goes: totals, so that one of these lines is enough.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Moving {
    pub event: String,
    pub files: u64,
    pub bytes: u64,
    pub of_files: u64,
    pub of_bytes: u64,
    pub written_bytes: u64,
    /// Of `of_bytes`. Written and read back count half each: it is full when the last byte was verified, not before.
    pub position_bytes: u64,
    pub bytes_per_second: u64,
    pub current: String,
    pub slower: Option<Side>,
}

impl Screen {
    /// A copy counts what was read back, and not what is written already.
    pub fn new(ui: &Ui, command: &str) -> Self {
        let terminal = ui.on_terminal();
        let done = if command == "backup" { " verified" } else { "" };
        Screen { bar: Bar::new(terminal), terminal, done }
    }

    /// Moves the bar, on a terminal.
    pub fn draw(&self, moving: &Moving) {
        if self.terminal {
            let (first, second) = (moving.first_line(), moving.second_line(self.done));
            self.bar.show(moving.position_bytes, moving.of_bytes, first, second);
        }
    }

    /// Prints something, and leaves the bar below it.
    pub fn above(&self, print: impl FnOnce()) {
        self.bar.above(print);
    }

    /// Says it in a line, where there is no terminal.
    pub fn say(&self, moving: &Moving, ui: &Ui) {
        if !self.terminal && !ui.json_wanted() {
            ui.say(&format!("{}, {}", moving.first_line(), moving.second_line(self.done)));
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

    fn second_line(&self, done: &str) -> String {
        let slower = match self.slower {
            Some(Side::Card) => ", card slower",
            Some(Side::Drive) => ", drive slower",
            None => "",
        };
        let current = shown(&self.current);
        let name = current.rsplit('/').next().unwrap_or_default();
        let line = format!("{} of {}{done}{slower}", self.files, ui::files(self.of_files));
        let all = format!("{line}, {name}");
        // A part of a name says little.
        let fits = !name.is_empty() && ui::columns_of(&all) <= WIDTH;
        if fits { all } else { line.chars().take(WIDTH).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_counts_what_was_verified() {
        let moving = Moving {
            event: "progress".into(),
            files: 0,
            bytes: 0,
            of_files: 200,
            of_bytes: 1_600_000_000,
            written_bytes: 9,
            position_bytes: 4,
            bytes_per_second: 0,
            current: "DCIM/IMG_0001.CR3".into(),
            slower: None,
        };
        assert_eq!(moving.second_line(" verified"), "0 of 200 files verified, IMG_0001.CR3");
        let slow = Moving { slower: Some(Side::Card), ..moving.clone() };
        assert_eq!(slow.second_line(" verified"), "0 of 200 files verified, card slower");
        let nameless = Moving { current: String::new(), ..moving };
        assert_eq!(nameless.second_line(""), "0 of 200 files");
    }
}
