//! The only printer: text, colour, JSON, questions.
//!
//! Text for people goes to stdout; with `--json` it goes to stderr and stdout carries JSON alone. A reader that
//! went away (EPIPE, a closed terminal's EIO) never ends the work: what can't be shown is dropped.
#![allow(clippy::disallowed_methods)]

mod bar;
mod typed;
mod units;
mod visible;
mod wrap;

pub use bar::Bar;
pub use typed::{Typed, as_typed, flag, in_tree, repeat, word};
pub use units::{bytes, clock, count, date, files};
pub use visible::visible;
pub use wrap::columns as columns_of;

use crate::error;
use serde::Serialize;
use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Version of every JSON object that piback prints, in its field `schema`.
pub const JSON_SCHEMA: u32 = 1;

/// The way to print; decided once, in `main`.
#[derive(Debug, Clone, Copy)]
pub struct Ui {
    command: &'static str,
    json: bool,
    color: bool,
    verbose: bool,
}

/// One line of `--json`.
#[derive(Serialize)]
struct Line<'a, T: Serialize> {
    schema: u32,
    command: &'static str,
    event: &'static str,
    #[serde(flatten)]
    body: &'a T,
}

#[derive(Serialize)]
struct Failure {
    error: String,
    hints: Vec<String>,
    exit_code: u8,
}

impl Failure {
    fn new(error: &anyhow::Error) -> Self {
        let hints = error::hints(error).iter().map(|hint| as_typed(hint)).collect();
        let text = as_typed(&format!("{error:#}"));
        Failure { error: text, hints, exit_code: error::exit_code(error) }
    }
}

#[derive(Serialize)]
struct Text<'a> {
    text: &'a str,
}

/// A colour of the terminal's own palette.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Plain,
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Cyan,
}

impl Ui {
    /// `command` is the verb that was typed, for JSON; `no_color` is whether the environment holds a non-empty `NO_COLOR` (<https://no-color.org>).
    #[must_use]
    pub fn new(command: &'static str, json: bool, verbose: bool, no_color: bool) -> Self {
        let terminal = if json { io::stderr().is_terminal() } else { io::stdout().is_terminal() };
        Ui { command, json, color: terminal && !no_color, verbose }
    }

    #[must_use]
    pub fn json_wanted(&self) -> bool {
        self.json
    }

    #[must_use]
    pub fn verbose(&self) -> bool {
        self.verbose
    }

    /// Tells whether a person can be asked: both ends of the conversation are terminals.
    #[must_use]
    pub fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Tells whether text for people ends on a terminal (progress bars make sense there and nowhere else).
    #[must_use]
    pub fn on_terminal(&self) -> bool {
        if self.json { io::stderr().is_terminal() } else { io::stdout().is_terminal() }
    }

    /// The width of the terminal that text for people ends on.
    #[must_use]
    pub fn columns(&self) -> Option<usize> {
        let (width, _) = terminal_size::terminal_size().filter(|_| self.on_terminal())?;
        Some(usize::from(width.0))
    }

    /// A line (or several) that answers the command: stdout, or stderr with `--json`. Broken between words where the
    /// terminal is narrow.
    pub fn say(&self, text: &str) {
        let text = typed::commands(text);
        self.verbatim(&if self.on_terminal() { fitted(&text) } else { text });
    }

    /// The same, never broken: diffs.
    pub fn verbatim(&self, text: &str) {
        let text = format!("{text}\n");
        if self.json {
            put(&mut io::stderr(), &text)
        } else {
            put(&mut io::stdout(), &text)
        };
    }

    /// A remark beside the answer: stderr.
    pub fn note(&self, text: &str) {
        let text = as_typed(&harmless(text));
        aside(&format!("{} {text}", self.paint(Style::Yellow, "note:")));
    }

    /// A detail, shown with `-v` only: stderr.
    pub fn detail(&self, text: &str) {
        if self.verbose {
            put(&mut io::stderr(), &format!("{}\n", self.paint(Style::Dim, text)));
        }
    }

    /// One JSON object on its own line of stdout, with its schema, this command and `event` before the fields of `body`;
    /// nothing without `--json`. The contract stands in `docs/JSON.md`.
    pub fn json<T: Serialize>(&self, event: &'static str, body: &T) {
        if self.json {
            let line = Line { schema: JSON_SCHEMA, command: self.command, event, body };
            // These types hold nothing that JSON can't carry.
            self.raw(&format!("{}\n", serde_json::to_string(&line).unwrap_or_default()));
        }
    }

    /// That object as a value, for those who follow a run; whether or not it is printed.
    #[must_use]
    pub fn value<T: Serialize>(&self, event: &'static str, body: &T) -> serde_json::Value {
        let line = Line { schema: JSON_SCHEMA, command: self.command, event, body };
        // These types hold nothing that JSON can't carry.
        serde_json::to_value(&line).unwrap_or_default()
    }

    /// The same way to print, for another verb than the one that was typed.
    #[must_use]
    pub fn of_verb(&self, command: &'static str) -> Self {
        Ui { command, ..*self }
    }

    /// The answer of a command that was not agreed to.
    pub fn unchanged(&self) {
        #[derive(Serialize)]
        struct Unchanged {}
        self.say("Nothing was changed.");
        self.json("unchanged", &Unchanged {});
    }

    /// A text for a file or a pipe (completions, a man page): stdout as it is, or as one JSON object.
    pub fn text(&self, text: &str) {
        if self.json { self.json("text", &Text { text }) } else { self.raw(text) }
    }

    /// Lines that are JSON already: stdout as they are.
    pub fn raw(&self, text: &str) {
        if !put(&mut io::stdout(), text) && self.json {
            ANSWER_LOST.store(true, Ordering::Relaxed);
        }
    }

    /// The error chain and its hints, on stderr; with `--json` also as one object on stdout.
    pub fn error(&self, error: &anyhow::Error) {
        let Failure { error: what, hints, .. } = Failure::new(error);
        let mut text = format!("{} {}", self.paint(Style::Red, "error:"), harmless(&what));
        for hint in &hints {
            text.push_str(&format!("\n{} {}", self.paint(Style::Cyan, "hint:"), harmless(hint)));
        }
        aside(&text);
        self.json_error(error);
    }

    /// The error chain and its hints as one object on stdout; nothing without `--json`.
    pub fn json_error(&self, error: &anyhow::Error) {
        self.json("error", &Failure::new(error));
    }

    /// That object as a value, as [`Ui::value`].
    #[must_use]
    pub fn error_value(&self, error: &anyhow::Error) -> serde_json::Value {
        self.value("error", &Failure::new(error))
    }

    /// `text` in a colour where colours are shown.
    #[must_use]
    pub fn paint(&self, style: Style, text: &str) -> String {
        let code = match style {
            _ if !self.color => return text.to_owned(),
            Style::Plain => return text.to_owned(),
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Red => "31",
            Style::Green => "32",
            Style::Yellow => "33",
            Style::Cyan => "36",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// Asks one line on stderr and reads the answer; an empty answer is `default`.
    ///
    /// # Errors
    /// When standard input ends or can't be read.
    pub fn ask(&self, question: &str, default: Option<&str>) -> anyhow::Result<String> {
        let shown = default.map(|d| format!(" [{d}]")).unwrap_or_default();
        let text = format!("{}{shown}: ", self.paint(Style::Bold, question));
        put(
            &mut io::stderr(),
            &if io::stderr().is_terminal() { fitted(text.trim_end()) + " " } else { text },
        );
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line)? == 0 {
            anyhow::bail!("no answer: standard input ended");
        }
        let line = line.trim_end_matches(['\n', '\r']);
        Ok(match (line, default) {
            ("", Some(default)) => default.to_owned(),
            _ => line.to_owned(),
        })
    }

    /// A yes-or-no question; anything but y or yes is no.
    ///
    /// # Errors
    /// As [`Ui::ask`].
    pub fn confirm(&self, question: &str) -> anyhow::Result<bool> {
        let answer = self.ask(&format!("{question} (y/N)"), None)?;
        Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }
}

/// Errors and remarks quote files and tools: each line through [`visible`], the lines kept.
fn harmless(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

/// A text for stderr, fitted to it if it is a terminal.
fn aside(text: &str) {
    let text = if io::stderr().is_terminal() { fitted(text) } else { text.to_owned() };
    put(&mut io::stderr(), &format!("{text}\n"));
}

/// Broken between words at the terminal's width.
fn fitted(text: &str) -> String {
    match terminal_size::terminal_size() {
        Some((width, _)) if width.0 >= 20 => wrap::wrapped(text, usize::from(width.0)),
        _ => text.to_owned(),
    }
}

/// Writes, and is `false` where that was lost to a full disk.
fn put(stream: &mut dyn Write, text: &str) -> bool {
    // A reader that went away must not end a backup; there is nobody left to tell. A full disk is another thing: what
    // was asked for is not there.
    let written = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
    let is_full = |e: io::Error| {
        matches!(
            e.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
        )
    };
    let is_lost = written.is_err_and(is_full);
    if is_lost {
        OUTPUT_LOST.store(true, Ordering::Relaxed);
    }
    !is_lost
}

/// From here on a panic shows its place and not its words: those may quote what was worked on, and that may be a secret.
pub fn bare_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(|at| format!(" ({at})")).unwrap_or_default();
        aside(&format!("error: piback stopped at a fault of its own{place}"));
        aside(
            "hint: what it was at is finished or undone by the next command, or the next boot: piback status",
        );
    }));
}

static OUTPUT_LOST: AtomicBool = AtomicBool::new(false);

static ANSWER_LOST: AtomicBool = AtomicBool::new(false);

/// Tells whether a line of `--json` could not be written because a disk is full: a script has no answer then.
#[must_use]
pub fn answer_lost() -> bool {
    ANSWER_LOST.load(Ordering::Relaxed)
}

/// Tells whether output could not be written because a disk is full.
#[must_use]
pub fn output_lost() -> bool {
    OUTPUT_LOST.load(Ordering::Relaxed)
}
