//! Originals: what stood at each path before piback came, kept for ever.

use crate::paths::{ORIGINAL_FILES, ORIGINALS_COPY, ORIGINALS_INDEX};
use crate::provision::host::systemd::UnitState;
use crate::provision::state::json::{hash, read_json, write_json};
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
    /// The place where the newest original of a path is kept.
    #[must_use]
    pub fn kept(&self, path: &str) -> String {
        let newest = self.paths.get(path).map_or(0, |kept| kept.len().saturating_sub(1));
        path_of(path, newest)
    }

    /// The bytes of an original, held against their hash.
    ///
    /// # Errors
    /// When they are not there or not the ones that were kept.
    pub fn bytes(&self, host: &dyn Host, path: &str, sha256: &str) -> anyhow::Result<Vec<u8>> {
        let kept = self.kept(path);
        match host.read(&kept).with_context(|| format!("{kept} can't be read"))? {
            Node::File(file) if hash(&file.bytes) == sha256 => Ok(file.bytes),
            Node::File(_) => bail!("{kept} is not what was kept of {path}: its hash differs"),
            _ => bail!("{kept}, which is what was kept of {path}, is gone"),
        }
    }
}

/// The index on disk: with a checksum over all else of it, which records of earlier versions lack.
#[derive(Serialize, Deserialize)]
struct Sealed {
    #[serde(flatten)]
    originals: Originals,
    #[serde(default)]
    sha256: Option<String>,
}

/// Reads the index, or its copy where the index is damaged or gone, and says so then; none is an empty one.
///
/// # Errors
/// When neither can be read or makes sense.
pub fn read(host: &dyn Host) -> anyhow::Result<(Originals, Option<String>)> {
    let first = one(host, ORIGINALS_INDEX);
    if let Ok(Some(originals)) = first {
        return Ok((originals, None));
    }
    match (first, one(host, ORIGINALS_COPY)) {
        (Err(e), Ok(Some(copy))) => Ok((copy, Some(format!("passed over for its copy: {e:#}")))),
        (_, Ok(Some(copy))) => Ok((copy, Some(format!("{ORIGINALS_INDEX} is gone; its copy is there")))),
        (Err(e), _) | (_, Err(e)) => Err(e),
        (_, Ok(None)) => Ok((Originals::default(), None)),
    }
}

/// One of the two, held against its checksum.
fn one(host: &dyn Host, path: &str) -> anyhow::Result<Option<Originals>> {
    Ok(sealed(host, path)?.map(|sealed| sealed.originals))
}

fn sealed(host: &dyn Host, path: &str) -> anyhow::Result<Option<Sealed>> {
    let Some(found) = read_json::<Sealed>(host, path)? else { return Ok(None) };
    if let Some(sha256) = &found.sha256
        && *sha256 != checksum(&found.originals)?
    {
        bail!("{path} is damaged; nothing was changed: its checksum differs");
    }
    Ok(Some(found))
}

fn checksum(originals: &Originals) -> anyhow::Result<String> {
    Ok(hash(&serde_json::to_vec(originals)?))
}

/// Tells whether both are as they were written: the index can be lost once more.
#[must_use]
pub fn are_both_good(host: &dyn Host) -> bool {
    let both = [ORIGINALS_INDEX, ORIGINALS_COPY].map(|path| one(host, path));
    matches!(both, [Ok(first), Ok(copy)] if first == copy)
}

/// Tells whether one of them is damaged or gone. An earlier version wrote one alone, without a checksum.
#[must_use]
pub fn is_one_damaged(host: &dyn Host) -> bool {
    let is_of_before = matches!(sealed(host, ORIGINALS_INDEX), Ok(Some(Sealed { sha256: None, .. })))
        && matches!(sealed(host, ORIGINALS_COPY), Ok(None));
    !is_of_before && !are_both_good(host)
}

/// Writes the index and its copy. The copy first: a cut in between leaves an index that still differs from what is to be
/// written, and whoever goes on writes both.
///
/// # Errors
/// When one can't be written.
pub fn write(host: &dyn Host, originals: &Originals) -> anyhow::Result<()> {
    let sealed = Sealed { sha256: Some(checksum(originals)?), originals: originals.clone() };
    write_json(host, ORIGINALS_COPY, &sealed)?;
    write_json(host, ORIGINALS_INDEX, &sealed)
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
