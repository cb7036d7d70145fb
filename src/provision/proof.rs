//! Whether what was up before an apply is up again after its undoing: files and units that are back are no proof.

use crate::provision::apply::activate;
use crate::provision::desired::expected::Expected;
use crate::provision::host::systemd::last_words;
use crate::provision::probe::{self, Probe};
use crate::provision::state::State;
use crate::system::Host;
use serde::{Deserialize, Serialize};

/// What held before the first change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// What the probes were held against: the previous generation, or, before a first apply, the new one.
    expected: Expected,
    /// Names of the probes that held. What was not up before can't come back.
    probes: Vec<String>,
}

/// Looks once, before the first change; `None` where there is nothing to look at. `new` is what the apply expects.
#[must_use]
pub fn before(host: &dyn Host, state: &State, new: Option<&Expected>) -> Option<Held> {
    if !host.is_live() {
        return None;
    }
    let previous = state.last.as_ref().and_then(|last| last.expected.as_ref());
    let mut expected = previous.or(new)?.clone();
    expected.way_in = new.and_then(|new| new.way_in.clone());
    let probes =
        probe::look(host, &expected).into_iter().filter(|p| p.ok).map(|p| p.name.to_owned()).collect();
    Some(Held { expected, probes })
}

/// Looks, after everything was put back, until all that held before holds again. Says what does not, and what to type.
/// Nobody can stop it: the files are back already, this only finds out.
#[must_use]
pub fn again(host: &dyn Host, held: &Held) -> Vec<String> {
    let last = activate::look_until_up(host, || Ok(once_up(host, held))).unwrap_or_default();
    let missing: Vec<Probe> = last.into_iter().filter(|p| !p.ok).collect();
    let mut lines: Vec<String> = missing.iter().map(|probe| not_back(host, probe)).collect();
    let mut units: Vec<&str> = missing.iter().filter_map(|p| p.unit).collect();
    units.dedup();
    lines.extend(units.iter().map(|unit| format!("type: sudo systemctl restart {unit}")));
    if !lines.is_empty() {
        lines.push("then look: sudo piback doctor".into());
    }
    lines
}

/// The probes that held before, as they are now.
fn once_up(host: &dyn Host, held: &Held) -> Vec<Probe> {
    let probes = probe::look(host, &held.expected).into_iter();
    probes.filter(|p| held.probes.iter().any(|name| name == p.name)).collect()
}

fn not_back(host: &dyn Host, probe: &Probe) -> String {
    let said = probe.unit.map(|unit| format!(" ({unit} said: {})", last_words(host, unit)));
    format!("{} was up before and is not now: {}{}", probe.name, probe.found, said.unwrap_or_default())
}
