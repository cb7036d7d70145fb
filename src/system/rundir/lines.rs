//! The first and the last line of a run's file.

use serde::{Deserialize, Serialize};

/// Longer lines are none that piback wrote; the longest is the account that lists every file of a pulled card.
pub const LONGEST_LINE: usize = 64 * 1024 * 1024;

/// The first line of a run's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub schema: u32,
    /// The verb that runs; empty of a run that an earlier version began.
    #[serde(default)]
    pub command: String,
    /// Always `run`.
    pub event: String,
    pub pid: i32,
    pub label: String,
    /// The folder that the backup goes to, for people; empty where it is not known yet.
    pub destination: String,
    /// The job's id, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
}

/// The last line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    pub schema: u32,
    /// The verb that runs; empty of a run that an earlier version began.
    #[serde(default)]
    pub command: String,
    /// Always `end`.
    pub event: String,
    pub exit_code: u8,
}
