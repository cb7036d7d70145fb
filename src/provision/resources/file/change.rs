//! One file's change, a value.

use crate::system::Node;

/// One file's change. `before` is what apply must still find there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    pub path: String,
    pub action: Action,
    pub before: Node,
    pub after: Node,
    /// The bytes, where `before` is a link, that it leads to.
    pub followed: Option<Vec<u8>>,
    /// The file that was kept of what comes back, whose attributes come back too.
    pub like: Option<String>,
    /// The texts to show, secrets masked.
    pub shown: (String, String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    New,
    Change,
    /// Mode or owner alone.
    Mode,
    /// Ours goes; there was nothing before.
    Remove,
    /// Ours goes; what was there before comes back.
    Restore,
}
