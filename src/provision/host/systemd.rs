//! systemd: how units are, and the tool that changes them.

use crate::system::Host;
use crate::system::run::Tool;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// State of one unit, as systemd tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UnitState {
    /// `loaded`, `masked`, `not-found`.
    pub load: String,
    /// `enabled`, `disabled`, `masked`, `static`; empty for a unit without a file.
    pub file: String,
    /// `active`, `inactive`, `failed`.
    pub active: String,
}

impl UnitState {
    /// Tells whether nothing can start it.
    #[must_use]
    pub fn is_masked(&self) -> bool {
        self.load == "masked" || self.file.starts_with("masked")
    }

    /// Tells whether it does not start at boot. A loaded unit without a file is an init script of Jessie, which does.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.is_masked() || self.file == "disabled" || (self.file.is_empty() && self.load != "loaded")
    }

    /// Tells whether the host has such a unit at all.
    #[must_use]
    pub fn exists(&self) -> bool {
        !matches!(self.load.as_str(), "" | "not-found")
    }

    /// Tells whether it is up, or on its way there.
    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self.active.as_str(), "active" | "reloading" | "activating")
    }
}

/// The choice to wait for units or not. At boot their turn comes after ours: waiting for one would wait for ourselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobMode {
    Wait,
    NoBlock,
}

/// Asks how these units are.
///
/// # Errors
/// When systemd can't say.
pub fn states(host: &dyn Host, units: &[&str]) -> anyhow::Result<BTreeMap<String, UnitState>> {
    let show = Tool::new("systemctl").args(["show", PROPERTIES]).args(units);
    Ok(unit_states(&host.run(&show).context("systemd does not say how the units are")?.stdout))
}

/// Properties that [`unit_states`] reads, as an argument of `systemctl show`.
pub const PROPERTIES: &str = "--property=Id,LoadState,UnitFileState,ActiveState,SubState,NRestarts";

/// Blocks of `KEY=VALUE` lines, an empty line between units. One that fails again and again counts as failed, as hostapd
/// without a file does on Debian 11: systemd calls it `activating`, between two tries and in the middle of one.
#[must_use]
pub fn unit_states(text: &str) -> BTreeMap<String, UnitState> {
    let mut states = BTreeMap::new();
    for block in text.split("\n\n") {
        let value = |key: &str| {
            let line = block.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix('='));
            line.unwrap_or_default().to_owned()
        };
        let id = value("Id");
        if !id.is_empty() {
            let again =
                value("SubState") == "auto-restart" || !matches!(value("NRestarts").as_str(), "" | "0");
            let active = match value("ActiveState") {
                active if active == "activating" && again => "failed".to_owned(),
                active => active,
            };
            let (load, file) = (value("LoadState"), value("UnitFileState"));
            states.insert(id, UnitState { load, file, active });
        }
    }
    states
}

pub fn systemctl(jobs: JobMode) -> Tool {
    let tool = Tool::new("systemctl").deadline(Duration::from_secs(120));
    if jobs == JobMode::NoBlock { tool.arg("--no-block") } else { tool }
}

/// Changes unit files without systemd's reading them all again at once: [`reload`] has to follow.
pub fn no_reload(verb: &str) -> Tool {
    systemctl(JobMode::Wait).args(["--no-reload", verb])
}

pub fn reload() -> Tool {
    systemctl(JobMode::Wait).arg("daemon-reload")
}

/// The last lines of a unit's journal.
pub fn last_words(host: &dyn Host, unit: &str) -> String {
    let journal = Tool::new("journalctl").args(["-u", unit, "-n", "3", "--no-pager", "-o", "cat"]);
    let said = host.output(&journal).map(|o| o.stdout).unwrap_or_default();
    said.lines().map(crate::ui::visible).collect::<Vec<_>>().join(" / ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemctl_show_says() {
        let text = "Id=hostapd.service\nLoadState=masked\nActiveState=inactive\nUnitFileState=masked\n\n\
                    Id=smbd.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n";
        let states = unit_states(text);
        assert_eq!(states["hostapd.service"].load, "masked");
        assert_eq!(states["smbd.service"].file, "");
        for (sub, restarts, state) in
            [("auto-restart", "0", "failed"), ("start", "7", "failed"), ("start", "0", "activating")]
        {
            let text =
                format!("Id=a.service\nActiveState=activating\nSubState={sub}\nNRestarts={restarts}\n");
            assert_eq!(unit_states(&text)["a.service"].active, state);
        }
        assert!(unit_states("\0\n\n=\nId=\n").is_empty());
    }
}
