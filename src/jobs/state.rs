//! The whole state, as a page or a script sees it.

use super::job::Job;
use serde::{Deserialize, Serialize};

/// Cards, drives and jobs as they are now.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub schema: u32,
    /// piback's own.
    pub version: String,
    /// The host's name.
    pub host: String,
    /// It can eject, be switched off, and have its clock set.
    pub appliance: bool,
    pub cards: Vec<CardState>,
    pub drives: Vec<DriveState>,
    /// The newest first.
    pub jobs: Vec<Job>,
}

/// A card.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardState {
    pub label: String,
    /// True where it is there and can be read.
    pub present: bool,
    pub files: u64,
    pub bytes: u64,
    pub photos: u64,
    pub videos: u64,
    /// Files that no record on the drive speaks of: an estimate for people, never a proof.
    pub new_files: u64,
    pub new_bytes: u64,
    /// Days of the oldest and the newest photo, by the card's times.
    pub first_day: Option<String>,
    pub last_day: Option<String>,
    /// Yes where a backup of all of it ended well, and card and drive are as they were then.
    pub backed_up: Claim,
    /// Yes where `safe-to-format` said yes, and card and drive are as they were then.
    pub safe_to_format: Claim,
    /// Card and drive are one file system: there is no second copy, and never a yes.
    pub same_filesystem: bool,
    /// Its health, as it was last looked at; empty before.
    #[serde(default)]
    pub health: Vec<Fact>,
}

/// A claim about a card. It is taken back as soon as card or drive change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    Yes,
    No,
    #[default]
    NotKnown,
}

/// A fact about the health of a card or drive, as `piback cards` says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// `kernel`, `smart`, `read_errors` or `read_again`.
    pub name: String,
    pub level: Level,
    pub words: String,
    /// Nothing where nothing needs to be done.
    pub remedy: Option<String>,
}

/// A judgement, as `piback doctor` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Good,
    Unknown,
    Warning,
    Bad,
}

/// A drive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriveState {
    pub label: String,
    pub present: bool,
    pub free: u64,
    pub total: u64,
    /// Photos and videos on record.
    pub photos: u64,
    /// Lines of the records that fit no checksum.
    pub damaged_records: u64,
    /// Cards that have a folder here.
    pub labels: Vec<String>,
    /// Backups, the newest first.
    pub runs: Vec<RunState>,
    /// Its health, as it was last looked at; empty before.
    #[serde(default)]
    pub health: Vec<Fact>,
}

/// A backup of the past, from its records on the drive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunState {
    pub run: String,
    pub label: String,
    /// RFC 3339, by the host's clock of then.
    pub started: String,
    pub photos: u64,
    pub files: u64,
    pub bytes: u64,
    /// None while it runs, and after it was cut off.
    pub not_safe: Option<u64>,
}
