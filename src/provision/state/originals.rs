//! Originals: what stood at each path before piback came, kept for ever.

use crate::paths::{ORIGINAL_FILES, ORIGINALS_INDEX};
use crate::provision::host::systemd::UnitState;
use crate::provision::state::json::{hash, write_json};
use crate::system::{Host, Node};
use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A path's content before piback came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Original {
    Absent,
    File {
        mode: u32,
        uid: u32,
        gid: u32,
        sha256: String,
    },
    /// A file that others own too, found with piback's block in it and no record of how it came there: what is around
    /// the block is theirs.
    Rest {
        mode: u32,
        uid: u32,
        gid: u32,
    },
    /// A symbolic link; the hash is that of the file it led to.
    Link {
        target: String,
        sha256: Option<String>,
    },
}

/// All originals, and the directories that were made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Originals {
    pub schema: u32,
    /// For each path, what was found when piback took it: the first is kept for ever; a later one is of a user who
    /// put a file of his own there after piback had left. The last one is what comes back.
    pub paths: BTreeMap<String, Vec<Original>>,
    /// The state of each unit before piback acted on it.
    #[serde(default)]
    pub units: BTreeMap<String, UnitState>,
    /// The kernel's `net.ipv4.ip_forward` before piback.
    #[serde(default)]
    pub ip_forward: Option<String>,
    /// Directories that were not there, in the order in which they were made.
    pub dirs: Vec<String>,
}

impl Originals {
    /// The bytes of an original, held against their hash.
    ///
    /// # Errors
    /// When they are not there or not the ones that were kept.
    pub fn bytes(&self, host: &dyn Host, path: &str, sha256: &str) -> anyhow::Result<Vec<u8>> {
        let newest = self.paths.get(path).map_or(0, |kept| kept.len().saturating_sub(1));
        let kept = path_of(path, newest);
        match host.read(&kept).with_context(|| format!("{kept} can't be read"))? {
            Node::File(file) if hash(&file.bytes) == sha256 => Ok(file.bytes),
            Node::File(_) => bail!("{kept} is not what was kept of {path}: its hash differs"),
            _ => bail!("{kept}, which is what was kept of {path}, is gone"),
        }
    }
}

/// Writes the index back, after entries were taken out of it.
///
/// # Errors
/// When it can't be written.
pub fn write(host: &dyn Host, originals: &Originals) -> anyhow::Result<()> {
    write_json(host, ORIGINALS_INDEX, originals)
}

/// `etc%hostapd%hostapd.conf`, later ones with `~2`: one flat folder, names that can be read.
pub fn path_of(path: &str, index: usize) -> String {
    let name = flat_name(path);
    match index {
        0 => format!("{ORIGINAL_FILES}/{name}"),
        _ => format!("{ORIGINAL_FILES}/{name}~{}", index + 1),
    }
}

/// A path as one readable file name.
#[must_use]
pub fn flat_name(path: &str) -> String {
    path.trim_start_matches('/').replace('/', "%")
}
