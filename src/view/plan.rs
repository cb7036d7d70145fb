//! A plan on the screen, and as JSON.

use crate::provision::plan::Plan;
use crate::provision::resources::account::AccountChange;
use crate::provision::resources::file::change::{Action, FileChange};
use crate::provision::resources::rule::RuleChange;
use crate::provision::resources::unit::change::UnitChange;
use crate::provision::text::diff;
use crate::provision::validate::result::Validation;
use crate::system::Node;
use crate::ui::{Style, Ui, visible};
use serde::Serialize;

/// Shows a plan: files with their diffs, packages, accounts, units, then one line that sums it up.
pub fn show(ui: &Ui, plan: &Plan, checks: &[Validation]) {
    for file in &plan.files {
        ui.say(&file_header(ui, file));
        if let Some(meta) = meta(file) {
            ui.say(&ui.paint(Style::Dim, &format!("  {meta}")));
        }
        let lines = diff::unified(&file.shown.0, &file.shown.1);
        if !lines.is_empty() {
            ui.verbatim(&painted(ui, &lines));
        }
    }
    for package in &plan.packages {
        ui.say(&format!("{} {package}", ui.paint(Style::Green, "install")));
    }
    for account in &plan.accounts {
        ui.say(&format!("{} {}", ui.paint(Style::Green, "account"), account.text()));
    }
    for unit in &plan.units {
        ui.say(&format!("{} {}", ui.paint(Style::Yellow, "unit"), unit.steps()));
    }
    for rule in &plan.rules {
        ui.say(&format!("{} {}", ui.paint(Style::Yellow, "rule"), rule.text()));
    }
    for check in checks {
        ui.detail(&check.text());
    }
    for note in &plan.notes {
        ui.note(note);
    }
    ui.say(&ui.paint(Style::Bold, &plan.summary()));
}

/// The plan as one JSON object; `applied` says whether it was carried out, and is left out where that was not asked.
pub fn json(ui: &Ui, plan: &Plan, checks: &[Validation], applied: Option<bool>) {
    ui.json("plan", &PlanJson::new(plan, checks, applied));
}

fn file_header(ui: &Ui, file: &FileChange) -> String {
    let (style, word) = match file.action {
        Action::New => (Style::Green, "new"),
        Action::Change => (Style::Yellow, "change"),
        Action::Mode => (Style::Yellow, "mode"),
        Action::Remove => (Style::Red, "remove"),
        Action::Restore => (Style::Cyan, "restore"),
    };
    format!("{} {}", ui.paint(style, word), ui.paint(Style::Bold, &file.path))
}

/// Paints the lines of a diff, for a terminal.
fn painted(ui: &Ui, lines: &[String]) -> String {
    let paint = |line: &String| match line.as_bytes().first() {
        Some(b'+') => ui.paint(Style::Green, line),
        Some(b'-') => ui.paint(Style::Red, line),
        Some(b'@') => ui.paint(Style::Cyan, line),
        _ => line.clone(),
    };
    lines.iter().map(paint).collect::<Vec<_>>().join("\n")
}

/// Mode, owner and kind, where they change.
fn meta(file: &FileChange) -> Option<String> {
    match (&file.before, &file.after) {
        (Node::File(a), Node::File(b)) if a.mode != b.mode || (a.uid, a.gid) != (b.uid, b.gid) => {
            Some(format!(
                "mode {:04o} -> {:04o}, owner {}:{} -> {}:{}",
                a.mode, b.mode, a.uid, a.gid, b.uid, b.gid
            ))
        }
        (Node::Link { target }, Node::File(b)) => {
            Some(format!("was a symbolic link to {}, mode {:04o}", visible(target), b.mode))
        }
        (Node::Absent, Node::File(b)) => Some(format!("mode {:04o}", b.mode)),
        _ => None,
    }
}

#[derive(Serialize)]
struct PlanJson<'a> {
    pending: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    applied: Option<bool>,
    stack: Option<String>,
    summary: String,
    files: Vec<FileJson<'a>>,
    packages: &'a [String],
    accounts: &'a [AccountChange],
    units: &'a [UnitChange],
    /// Commands that take a set-up by hand's rules out of the kernel, or put them back.
    rules: Vec<String>,
    checks: &'a [Validation],
    notes: &'a [String],
}

#[derive(Serialize)]
struct FileJson<'a> {
    path: &'a str,
    action: Action,
    /// Octal, as in "0644"; null when the file goes.
    mode: Option<String>,
    diff: String,
}

impl<'a> PlanJson<'a> {
    fn new(plan: &'a Plan, checks: &'a [Validation], applied: Option<bool>) -> Self {
        let file = |file: &'a FileChange| FileJson {
            path: &file.path,
            action: file.action,
            mode: match &file.after {
                Node::File(node) => Some(format!("{:04o}", node.mode)),
                _ => None,
            },
            diff: diff::unified(&file.shown.0, &file.shown.1).join("\n"),
        };
        PlanJson {
            pending: !plan.is_empty() && applied != Some(true),
            applied,
            stack: plan.stack.map(|s| s.to_string()),
            summary: plan.summary(),
            files: plan.files.iter().map(file).collect(),
            packages: &plan.packages,
            accounts: &plan.accounts,
            units: &plan.units,
            rules: plan.rules.iter().map(RuleChange::text).collect(),
            checks,
            notes: &plan.notes,
        }
    }
}
