//! The daemons: started at boot, and running.

use super::finding::{Check, Finding, Subject, said};
use crate::provision::components;
use crate::provision::host::systemd;
use crate::system::run::Tool;

/// The registry's row of [`units`].
pub const UNITS: Check =
    Check { name: "units", line: "the daemons start at boot and run", stops_apply: false, run: units };

fn units(subject: &Subject<'_>) -> Finding {
    let ours = match (subject.facts, subject.profile) {
        (Some(facts), Some(profile)) => components::units_for(facts, profile),
        _ => components::units_of_ours(),
    };
    let show = Tool::new("systemctl").args(["show", systemd::PROPERTIES]).args(&ours);
    let states = match said(subject, &show) {
        Ok(text) => systemd::unit_states(&text),
        Err(finding) => return finding,
    };
    if states.is_empty() {
        return Finding::unknown("systemd does not say");
    }
    let wrong: Vec<String> = states
        .iter()
        .filter_map(|(name, state)| match state {
            s if s.is_masked() => Some(format!("{name} is masked")),
            s if s.load == "not-found" => Some(format!("{name} is not installed")),
            s if s.is_off() => Some(format!("{name} does not start at boot")),
            s if !s.is_running() => Some(format!("{name} is {}", s.active)),
            _ => None,
        })
        .collect();
    match wrong.is_empty() {
        true => Finding::good("all run, all start at boot"),
        false => Finding::bad(wrong.join(", "), "sudo piback apply"),
    }
}
