//! The daemons: started at boot, and running.

use super::finding::{Check, Finding, Subject, said};
use crate::provision::components;
use crate::provision::desired::expected::Expected;
use crate::provision::host::systemd;
use crate::provision::probe;
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

/// The registry's row of [`serves`].
pub const SERVES: Check = Check {
    name: "serves",
    line: "rules, addresses and daemons do what they are up for",
    stops_apply: false,
    run: serves,
};

/// A unit that is active is no proof: rules can be flushed, and an address taken away, while every unit stays as it was.
fn serves(subject: &Subject<'_>) -> Finding {
    let Some(profile) = subject.profile.filter(|_| subject.host.is_live()) else {
        return Finding::unknown("asked on a running host with a profile only");
    };
    let network = subject.lan.map_or(&profile.network, |lan| &lan.network);
    let expected = Expected {
        address: network.address.address().to_string(),
        prefix: network.address.prefix(),
        ..Expected::of(profile, None)
    };
    let probes = probe::look(subject.host, &expected);
    let words = |wanted: fn(&probe::Probe) -> bool| -> Vec<String> {
        probes.iter().filter(|p| wanted(p)).map(|p| format!("{}: {}", p.name, p.found)).collect()
    };
    let (wrong, unknown) = (words(|p| p.known && !p.ok), words(|p| !p.known));
    match (wrong.is_empty(), unknown.is_empty()) {
        (false, _) => Finding::bad(wrong.join(", "), "sudo piback apply"),
        (true, false) => Finding::unknown(unknown.join(", ")),
        (true, true) => Finding::good("all of them do"),
    }
}
