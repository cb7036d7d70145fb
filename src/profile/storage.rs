//! The profile's part about cards and drives: who mounts them, where backups go, when they are read again.

use super::types::{DataPath, Every, VolumeLabel};
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

/// The reaction to a card that is plugged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnInsert {
    /// Nothing: the backup is started by hand
    #[default]
    Off,
    /// It is backed up as soon as the drive is there, once
    Start,
}

/// Re-reading what is on the drives, so that rot is found while there is another copy.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scrub {
    /// The time in which each photo is read once more
    pub every: Every,
}

/// Cards and drives that are plugged in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Volumes {
    /// Who mounts them
    pub mount: Automount,
}

/// Who mounts what is plugged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Automount {
    /// Nobody, or a desktop; piback for the time of a backup
    #[default]
    Off,
    /// piback, as soon as they are plugged in: cards read-only, the enrolled drive writable
    Auto,
}
