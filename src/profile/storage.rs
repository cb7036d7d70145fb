//! The profile's part about cards and drives: who mounts them, where backups go, when they are read again.

use super::types::{Automount, DataPath, Every, Led, OnInsert, Page, VolumeLabel};
use schemars::JsonSchema;
use serde::Deserialize;

/// The drive that backups go to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// Label of the drive that receives them
    pub destination: VolumeLabel,
    /// The folder that cards and drives are mounted below
    pub mount_root: DataPath,
    /// Reaction to a card that is plugged in
    #[serde(default)]
    pub on_insert: OnInsert,
}

/// Re-reading what is on the drives, so that rot is found while there is another copy.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scrub {
    /// The time in which each photo is read once more
    pub every: Every,
}

/// Telling how a job goes to whoever has no screen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tell {
    /// The Pi's green light
    pub led: Led,
    /// Logged-in terminals get a line when a job ends
    pub terminals: bool,
}

/// The page for the iPad's browser.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Web {
    /// The network that it is served on; it shows what is mounted, so it needs `volumes.mount: auto`
    pub page: Page,
}

/// Cards and drives that are plugged in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Volumes {
    /// Who mounts them
    pub mount: Automount,
}
