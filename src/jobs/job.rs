//! A job as everybody sees it.

use crate::backup::events::{Side, Tally};
use serde::{Deserialize, Serialize};

/// The kind of work; the name is the verb that is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    Backup,
    Verify,
    SafeToFormat,
}

impl Verb {
    /// The verb as it is typed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Verb::Backup => "backup",
            Verb::Verify => "verify",
            Verb::SafeToFormat => "safe-to-format",
        }
    }
}

/// A job's place on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It waits for another one that works on the same card or drive.
    Queued,
    Running,
    /// A stop was asked for; what is at hand is finished first.
    Stopping,
    /// It ended well: everything is safe, as it should be, or equal.
    Done,
    /// It ended by itself and found something that is not.
    NotSafe,
    /// It ended because a stop was asked for.
    Cancelled,
    /// It could not do its work.
    Failed,
    /// Its process was killed, and left no word.
    Died,
}

impl Phase {
    /// Says whether there is nothing more to come.
    #[must_use]
    pub fn is_over(self) -> bool {
        !matches!(self, Phase::Queued | Phase::Running | Phase::Stopping)
    }
}

/// One backup, verify or safe-to-format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Sixteen hex digits.
    pub id: String,
    pub verb: Verb,
    /// The card's label.
    pub label: String,
    /// Labels of the drives that it works on.
    pub drives: Vec<String>,
    pub state: Phase,
    /// RFC 3339, by the host's clock; none while it waits.
    pub started: Option<String>,
    pub ended: Option<String>,
    /// Everything on the card.
    pub scanned: Option<Tally>,
    /// A backup's findings before it copies.
    pub plan: Option<Plan>,
    pub progress: Option<Progress>,
    pub result: Option<Outcome>,
    /// Why it could not do its work, and what to do.
    pub error: Option<String>,
    pub hints: Vec<String>,
    pub exit_code: Option<u8>,
    /// True as long as the job's findings hold: false as soon as card or drive are not as they were.
    pub stands: bool,
}

/// A backup's findings before it copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub safe: Tally,
    pub copy: Tally,
    /// Bytes that the drive has, and bytes that it is short of.
    pub free: u64,
    pub short: u64,
}

/// Totals: how far it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Verified, that is read back from the medium and compared.
    pub files: u64,
    pub bytes: u64,
    pub of_files: u64,
    pub of_bytes: u64,
    /// Of `of_bytes`, for a bar: writing and reading back count half each.
    pub position_bytes: u64,
    pub bytes_per_second: u64,
    /// None before a speed is known.
    pub seconds_left: Option<u64>,
    pub slower: Option<Side>,
    /// The file at hand.
    pub current: String,
}

/// A job's findings in the end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// All of the card is on the drive (`backup`), the backup is as written (`verify`), every byte of the card is on
    /// the drive (`safe-to-format`).
    pub good: bool,
    /// On the card; for `verify`, on record.
    pub all: Tally,
    /// Safe before this job.
    pub already: Tally,
    /// Of these: taken from records, not read by it. The most that it can be, over several drives.
    #[serde(default)]
    pub from_records: Tally,
    /// Copied and verified; read and found equal.
    pub verified: Tally,
    pub not_safe: Tally,
    /// The first of them, by name and reason.
    pub not_safe_files: Vec<BadFile>,
    /// So many files that it did not come to, because it ended early.
    #[serde(default)]
    pub not_reached: u64,
    /// Damaged or gone, while the same photo is safe under another name (`verify`).
    #[serde(default)]
    pub healed: u64,
    /// Kept beside others of the same name.
    pub renamed: u64,
    /// System folders that were not looked at.
    pub skipped: Vec<String>,
    /// Why it ended early.
    pub stopped: Option<String>,
    /// `safe on 2 of 2`, of a backup and of `safe-to-format`.
    #[serde(default)]
    pub sentence: String,
    pub notes: Vec<String>,
}

/// A file that is not safe, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadFile {
    pub path: String,
    pub bytes: u64,
    pub why: String,
}

impl Job {
    /// One that waits for its turn.
    #[must_use]
    pub fn new(id: String, verb: Verb, label: &str, drives: &[String]) -> Self {
        Job {
            id,
            verb,
            label: label.to_owned(),
            drives: drives.to_vec(),
            state: Phase::Queued,
            started: None,
            ended: None,
            scanned: None,
            plan: None,
            progress: None,
            result: None,
            error: None,
            hints: Vec::new(),
            exit_code: None,
            stands: false,
        }
    }

    /// Says whether its process is at work.
    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self.state, Phase::Running | Phase::Stopping)
    }

    /// Says whether it ended with the best answer that it has.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.state == Phase::Done && self.result.as_ref().is_some_and(|r| r.good)
    }
}
