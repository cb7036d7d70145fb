//! One unit's steps, a value.

use crate::provision::components::component::Component;
use crate::provision::host::systemd::UnitState;
use serde::{Deserialize, Serialize};

/// One unit's steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitChange {
    #[serde(rename = "activation")]
    pub component: &'static Component,
    /// The unit, or the interface that is brought up by `ifup`.
    pub name: String,
    /// `systemctl mask` is taken back: hostapd's package masks its unit.
    pub unmask: bool,
    pub enable: bool,
    pub act: Act,
    /// Hash of the files that it is (re)started with; noted when that worked.
    pub input: String,
    /// The state before: what an undo goes back to.
    pub before: UnitState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    None,
    Start,
    Restart,
    Reload,
    /// Disabled and stopped: its files are going.
    Stop,
    /// Nothing runs with our files; only the note of it goes.
    Forget,
}

impl UnitChange {
    /// "hostapd.service: unmask, enable, restart".
    #[must_use]
    pub fn steps(&self) -> String {
        let act = match self.act {
            Act::None => None,
            Act::Forget => Some("no longer piback's"),
            Act::Start => Some("start"),
            Act::Restart => Some("restart"),
            Act::Reload => Some("reload"),
            Act::Stop => Some("disable and stop"),
        };
        let (enable, act) = match (self.enable, self.act) {
            (true, Act::Stop) => (false, Some("stop")),
            (enable, _) => (enable, act),
        };
        let steps: Vec<&str> = [self.unmask.then_some("unmask"), enable.then_some("enable"), act]
            .into_iter()
            .flatten()
            .collect();
        format!("{}: {}", self.name, steps.join(", "))
    }
}
