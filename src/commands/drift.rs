//! `piback drift`: what `piback-drift.service` calls at boot, and when a package of the appliance came anew. Nobody is there
//! to ask and nothing is applied: whoever logs in next reads that the host is no longer as its profile says.

use super::context::{self, dirs_above, put};
use crate::cli::Global;
use crate::error::{self, Outcome};
use crate::provision::state::State;
use crate::provision::validate;
use crate::system::read_only::ReadOnly;
use crate::system::{Host, clock, dpkg};
use crate::ui::{Ui, visible};
use anyhow::Context;
use serde::Serialize;
use std::time::Duration;

/// Text for the next login: pam_motd(8) shows every file of this folder.
const MOTD: &str = "/run/motd.d/piback";
/// An upgrade of the whole system takes an hour on a slow Pi, and ends with a reboot, after which this runs again.
const LONGEST_WAIT: u32 = 60 * 60;

pub fn run(global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let host = context::host(global)?;
    context::need_root(&host, "drift")?;
    let mut waited = 0;
    // While packages are being put in nothing that is seen lasts.
    while host.is_live() && waited < LONGEST_WAIT && dpkg::is_busy().context("dpkg's lock can't be asked")? {
        clock::sleep(Duration::from_secs(1));
        waited += 1;
    }
    let found = look(&host, global)?;
    ui.verbatim(&found.text());
    match &found {
        Found::Nothing(_) => {
            host.remove(MOTD).with_context(|| format!("{MOTD} can't be removed"))?;
        }
        _ => {
            dirs_above(&host, MOTD, 0o755)?;
            put(&host, MOTD, format!("{}\n", found.text()).as_bytes(), 0o644)?;
        }
    }
    ui.json("drift", &DriftJson::of(&found));
    Ok(Outcome::Done)
}

/// The host beside its profile.
enum Found {
    /// With the reason.
    Nothing(&'static str),
    /// The plan's summary.
    Pending(String),
    /// No plan can be made, so what an apply would do is not known.
    Unknown { why: String, hints: Vec<String> },
}

fn look(host: &dyn Host, global: &Global) -> anyhow::Result<Found> {
    if State::read(host)?.owned().is_empty() {
        return Ok(Found::Nothing("Nothing of piback is in force here."));
    }
    let host = ReadOnly::at_once(host);
    let planned = || -> anyhow::Result<_> {
        let prepared = context::prepare(&host, global, None, "apply")?;
        let plan = prepared.plan(&host)?;
        validate::refuse_failures(&prepared.checks(&host, &plan)?)?;
        Ok(plan)
    };
    Ok(match planned() {
        Ok(plan) if plan.is_empty() => Found::Nothing("The host is as its profile says."),
        Ok(plan) => Found::Pending(plan.summary()),
        Err(e) => Found::Unknown { why: visible(&format!("{e:#}")), hints: error::hints(&e) },
    })
}

impl Found {
    /// The words for a login, no line longer than an iPad's 40 columns unless an error is.
    fn text(&self) -> String {
        match self {
            Found::Nothing(why) => (*why).to_owned(),
            Found::Pending(summary) => format!(
                "piback: this Pi is no longer as its\nprofile says: {summary}\n  sudo piback plan   shows it\n  sudo piback apply  mends it"
            ),
            Found::Unknown { why, hints } => {
                let hints: String = hints.iter().map(|hint| format!("\n  {hint}")).collect();
                format!("piback: whether this Pi is as its\nprofile says is not known:\n{why}{hints}")
            }
        }
    }
}

#[derive(Serialize)]
struct DriftJson<'a> {
    /// An apply would change something; null where that is not known.
    pending: Option<bool>,
    summary: Option<&'a str>,
    why: Option<&'a str>,
}

impl<'a> DriftJson<'a> {
    fn of(found: &'a Found) -> Self {
        match found {
            Found::Nothing(_) => DriftJson { pending: Some(false), summary: None, why: None },
            Found::Pending(summary) => DriftJson { pending: Some(true), summary: Some(summary), why: None },
            Found::Unknown { why, .. } => DriftJson { pending: None, summary: None, why: Some(why) },
        }
    }
}
