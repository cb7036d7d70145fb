//! Looks whether what was up before an apply is up again after its undoing: files and units that are back are no proof.

use crate::provision::desired::expected::Expected;
use crate::provision::host::systemd::last_words;
use crate::provision::probe::{self, Probe};
use crate::system::Host;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The probes that held before the first change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// The state that the probes were held against: the previous generation, or, before a first apply, the new one.
    expected: Expected,
    /// Names of the probes that held. What was not up before can't come back.
    probes: Vec<String>,
}

/// Looks once, before the first change; `None` where there is nothing to look at. `previous` is what the last
/// generation expected, `new` is what the apply expects.
#[must_use]
pub fn take(host: &dyn Host, previous: Option<&Expected>, new: Option<&Expected>) -> Option<Baseline> {
    if !host.is_live() {
        return None;
    }
    let mut expected = previous.or(new)?.clone();
    expected.way_in = new.and_then(|new| new.way_in.clone());
    expected.way_in_port = new.and_then(|new| new.way_in_port);
    let probes = probe::look(host, &expected)
        .into_iter()
        .filter(|p| p.ok && p.known)
        .map(|p| p.name.to_owned())
        .collect();
    Some(Baseline { expected, probes })
}

/// Looks, after everything was put back, until all that held before holds again. Says what does not, and what to type.
/// Nobody can stop it: the files are back already, this only finds out.
#[must_use]
pub fn regressions(host: &dyn Host, held: &Baseline) -> Vec<String> {
    let last = look_until_up(host, || Ok(once_up(host, held))).unwrap_or_default();
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
fn once_up(host: &dyn Host, held: &Baseline) -> Vec<Probe> {
    let probes = probe::look(host, &held.expected).into_iter();
    probes.filter(|p| held.probes.iter().any(|name| name == p.name)).collect()
}

fn not_back(host: &dyn Host, probe: &Probe) -> String {
    let said = probe.unit.map(|unit| format!(" ({unit} said: {})", last_words(host, unit)));
    format!("{} was up before and is not now: {}{}", probe.name, probe.found, said.unwrap_or_default())
}

/// The number of looks, a second apart: a country update and a channel scan take seconds on a Pi, more in an
/// emulator.
const PATIENCE: u32 = 60;
/// And so many seconds at most, for a look at what is silent takes some of its own. By the clock that nobody sets: the other
/// one may jump when the network comes.
const LONGEST: u64 = 120;

/// The last look: the first at which all is well, or the one at which patience ended.
///
/// # Errors
/// Those of `look`, at once.
pub fn look_until_up(
    host: &dyn Host,
    look: impl Fn() -> anyhow::Result<Vec<Probe>>,
) -> anyhow::Result<Vec<Probe>> {
    let end = host.uptime().saturating_add(LONGEST);
    let mut probes = look()?;
    for _ in 1..PATIENCE {
        if probes.iter().all(|p| p.ok) || host.uptime() >= end {
            break;
        }
        host.wait(Duration::from_secs(1));
        probes = look()?;
    }
    Ok(probes)
}

/// Says what is not up, and what its daemon said.
#[must_use]
pub fn failed(host: &dyn Host, probes: &[Probe]) -> String {
    let mut text = String::new();
    for probe in probes.iter().filter(|p| !p.ok) {
        text.push_str(&format!("\n  {}: {}", probe.name, probe.found));
        if let Some(unit) = probe.unit {
            text.push_str(&format!(" ({unit} said: {})", last_words(host, unit)));
        }
    }
    text
}
