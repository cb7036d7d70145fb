//! `piback doctor`: what stands in the way, each with its remedy.

use super::{context, running};
use crate::cli::Global;
use crate::doctor::{self, Finding, Level, Subject, drive};
use crate::error::{Outcome, Problem};
use crate::media::health::{self, Health};
use crate::media::plugged;
use crate::profile::types::VolumeLabel;
use crate::provision::components;
use crate::provision::host::facts::{self, Facts};
use crate::provision::plan::prepare;
use crate::provision::state::State;
use crate::system::Host;
use crate::system::read_only::ReadOnly;
use crate::ui::{self, Style, Ui};
use serde::Serialize;

pub fn run(global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let host = context::host(global)?;
    let host = ReadOnly::new(&host);
    let profile = context::load_profile(&host, global);
    if let Err(e) = &profile {
        ui.note(&format!("{e:#}"));
    }
    let state = State::read(&host);
    // Without its record nobody knows which subnet `auto` has chosen: only root can read it.
    let knows = state.is_ok();
    let state = state.unwrap_or_default();
    let facts = facts_of(&host, &state);
    let mut profile = profile.ok();
    if let Some(profile) = &mut profile {
        prepare::name_radio(&host, profile, &state);
    }
    let known = profile.as_ref().filter(|_| knows);
    let lan = known.and_then(|profile| prepare::subnet(&host, profile, &state).ok());
    let labels = profile.iter().flat_map(|profile| profile.backup.labels());
    let wanted: Vec<&str> = labels.map(VolumeLabel::as_str).collect();
    let drives = host.is_live().then(|| drive::look(global.root.as_deref(), &wanted).ok()).flatten();
    let health = host.is_live().then(|| of_all(global)).flatten();
    let subject = Subject {
        host: &host,
        profile: profile.as_ref(),
        facts: facts.as_ref(),
        lan: lan.as_ref(),
        drives: drives.as_deref(),
        health: health.as_deref(),
    };
    let findings = doctor::examine(&subject);
    for (name, finding) in &findings {
        ui.say(&line(ui, name, finding));
    }
    #[derive(Serialize)]
    struct DoctorJson<'a> {
        checks: Vec<CheckJson<'a>>,
    }
    #[derive(Serialize)]
    struct CheckJson<'a> {
        name: &'static str,
        line: &'static str,
        #[serde(flatten)]
        finding: &'a Finding,
    }
    let findings = as_typed(findings);
    let checks = findings.iter().zip(doctor::CHECKS);
    let checks = checks.map(|((name, finding), c)| CheckJson { name, line: c.line, finding }).collect();
    ui.json("checks", &DoctorJson { checks });
    let bad = findings.iter().filter(|(_, f)| f.level == Level::Bad).count();
    if bad > 0 {
        return Err(Problem::failed(format!(
            "{bad} of {} checks found something in the way",
            findings.len()
        ))
        .into());
    }
    Ok(Outcome::Done)
}

/// The devices of everything that is plugged in.
fn of_all(global: &Global) -> Option<Vec<Health>> {
    let plugged = plugged::read().ok()?;
    Some(health::look(&plugged.offered().collect::<Vec<_>>(), running::is_any(global)))
}

/// The host's facts, with the stack that was named for it; none where no stack is found.
fn facts_of(host: &dyn Host, state: &State) -> Option<Facts> {
    let last = state.last.as_ref().and_then(|last| last.stack);
    facts::read(host, components::of_stack, prepare::named_before(host, state), last).ok()
}

fn line(ui: &Ui, name: &str, finding: &Finding) -> String {
    let (style, word) = match finding.level {
        Level::Good => (Style::Green, "good"),
        Level::Unknown => (Style::Dim, "not known"),
        Level::Warning => (Style::Yellow, "warning"),
        Level::Bad => (Style::Red, "bad"),
    };
    let mut text = format!("{} {name}: {}", ui.paint(style, word), finding.found);
    if let Some(remedy) = &finding.remedy {
        text.push_str(&format!("\n  -> {remedy}"));
    }
    text
}

/// Remedies as they have to be typed here.
fn as_typed(mut findings: Vec<(&'static str, Finding)>) -> Vec<(&'static str, Finding)> {
    for (_, finding) in &mut findings {
        finding.remedy = finding.remedy.take().map(|remedy| ui::as_typed(&remedy));
    }
    findings
}
