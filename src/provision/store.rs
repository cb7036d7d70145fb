//! What piback remembers, below `/var/lib/piback` (0700): the originals, one record a generation, what was activated.
//!
//! ```text
//! originals/index.json      what stood at each path before piback came, kept for ever
//! originals/files/…         the bytes of those that were files
//! generations/000001.json   what an apply put there: bodies with gaps for secrets, no secret itself
//! activated.json            for each unit, a hash of the files that it was last started with
//! lock                      held by the one process that changes the host
//! ```

use crate::error::Problem;
use crate::paths::{ACTIVATED, GENERATIONS, ORIGINAL_FILES, ORIGINALS, ORIGINALS_INDEX, STATE};
use crate::profile::types::Subnet;
use crate::provision::catalog::{self, Activation};
use crate::provision::desired::artifact::{Artifact, Body};
use crate::provision::desired::expected::Expected;
use crate::provision::host::facts::Stack;
use crate::provision::host::systemd::UnitState;
use crate::provision::plan::Plan;
use crate::system::{FileNode, Host, Node, state_dir};
use anyhow::{Context, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// So many generations can be gone back to; the originals are kept for ever.
pub const GENERATIONS_KEPT: usize = 20;

/// Version of the files in the state directory.
const SCHEMA: u32 = 1;

/// What stood at a path before piback came.
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
    /// How each unit was before piback acted on it.
    #[serde(default)]
    pub units: BTreeMap<String, UnitState>,
    /// The kernel's `net.ipv4.ip_forward` before piback.
    #[serde(default)]
    pub ip_forward: Option<String>,
    /// Directories that were not there, in the order in which they were made.
    pub dirs: Vec<String>,
}

/// What one apply (or rollback) left behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    pub schema: u32,
    /// From 1, without gaps unless old ones were pruned.
    pub number: u32,
    /// Seconds since 1970, by the host's clock.
    pub time: i64,
    /// piback's version.
    pub version: String,
    /// The command that made it.
    pub made_by: String,
    /// The generation that it went back to, if it was a rollback.
    #[serde(default)]
    pub restored: Option<u32>,
    /// The radio's interface, and the file that holds its passphrase: enough to go back without a profile.
    #[serde(default)]
    pub radio: String,
    #[serde(default)]
    pub passphrase_file: Option<String>,
    /// What the probes look for while it is in force; none after `rollback --original` and in old records.
    #[serde(default)]
    pub expected: Option<Expected>,
    /// The Wi-Fi's address, if it was piback's choice (`network.address: auto`): what the next apply stays with.
    #[serde(default)]
    pub chosen: Option<Subnet>,
    /// `None` after `rollback --original`: no stack is ours then.
    pub stack: Option<Stack>,
    pub artifacts: Vec<Artifact>,
    /// For each path, SHA-256 of the bytes as written.
    pub hashes: BTreeMap<String, String>,
}

impl Generation {
    /// Stands for a record that can't be read: everything that was ever taken is taken for piback's.
    fn from_originals(originals: &Originals, number: u32) -> Self {
        let artifact = |path: &String| Artifact {
            path: path.clone(),
            mode: 0,
            form: catalog::form(path),
            body: Body::default(),
            aside: Vec::new(),
        };
        Generation {
            schema: SCHEMA,
            number,
            time: 0,
            version: String::new(),
            made_by: String::new(),
            restored: None,
            radio: String::new(),
            passphrase_file: None,
            expected: None,
            chosen: None,
            stack: None,
            artifacts: originals.paths.keys().map(artifact).collect(),
            hashes: BTreeMap::new(),
        }
    }
}

/// What the state directory says, read once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    pub originals: Originals,
    pub last: Option<Generation>,
    pub activated: BTreeMap<String, String>,
}

impl State {
    /// Reads it; an absent state is an empty one.
    ///
    /// # Errors
    /// When a file can't be read or makes no sense: then nothing can be trusted, and nothing is changed.
    pub fn read(host: &dyn Host) -> anyhow::Result<Self> {
        let last = match generations(host)?.last() {
            Some(number) => Some(generation(host, *number)?),
            None => None,
        };
        let originals: Originals = read_json(host, ORIGINALS_INDEX)?.unwrap_or_default();
        let schemas = [Some(originals.schema).filter(|s| *s != 0), last.as_ref().map(|l| l.schema)];
        if let Some(other) = schemas.into_iter().flatten().find(|s| *s != SCHEMA) {
            return Err(Problem::failed(format!("{STATE} was written by another piback (form {other})"))
                .hint("use that one, or a newer one")
                .into());
        }
        Ok(State { originals, last, activated: read_json(host, ACTIVATED)?.unwrap_or_default() })
    }

    /// For going back to the originals: the newest record, or, where it can't be read, what the originals say that piback
    /// took. Says what was passed over.
    ///
    /// # Errors
    /// When the originals themselves can't be read: then there is nothing to go back to.
    pub fn read_for_originals(host: &dyn Host) -> anyhow::Result<(Self, Vec<String>)> {
        let mut notes = Vec::new();
        let originals: Originals = read_json(host, ORIGINALS_INDEX)?.unwrap_or_default();
        let numbers = generations(host)?;
        let last = numbers.last().map(|number| {
            generation(host, *number).unwrap_or_else(|e| {
                // An older record would not know what the newest apply took; the originals know all that was ever taken.
                notes.push(format!("passed over: {e:#}"));
                Generation::from_originals(&originals, *number)
            })
        });
        let activated = read_json(host, ACTIVATED).unwrap_or_else(|e| {
            notes.push(format!("passed over: {e:#}"));
            None
        });
        Ok((State { originals, last, activated: activated.unwrap_or_default() }, notes))
    }

    /// What comes back at a path; `None` when nothing was ever kept of it.
    #[must_use]
    pub fn original(&self, path: &str) -> Option<&Original> {
        self.originals.paths.get(path).and_then(|kept| kept.last())
    }

    /// The artifacts that are in place by piback's hand.
    #[must_use]
    pub fn owned(&self) -> &[Artifact] {
        self.last.as_ref().map_or(&[], |last| &last.artifacts)
    }
}

/// Numbers of the generations, in order.
///
/// # Errors
/// When the folder can't be read.
pub fn generations(host: &dyn Host) -> anyhow::Result<Vec<u32>> {
    let names = host.list(GENERATIONS).with_context(|| format!("{GENERATIONS} can't be read"))?;
    let mut numbers: Vec<u32> = names.iter().filter_map(|n| n.strip_suffix(".json")?.parse().ok()).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// One generation.
///
/// # Errors
/// When there is none of that number, or it makes no sense.
pub fn generation(host: &dyn Host, number: u32) -> anyhow::Result<Generation> {
    let path = generation_path(number);
    read_json(host, &path)?.with_context(|| format!("{path} is not there"))
}

/// Records a generation.
///
/// # Errors
/// When it can't be written.
pub fn write_generation(host: &dyn Host, generation: &Generation) -> anyhow::Result<()> {
    state_dir::make(host, &[GENERATIONS])?;
    write_json(host, &generation_path(generation.number), generation)?;
    let numbers = generations(host)?;
    for old in &numbers[..numbers.len().saturating_sub(GENERATIONS_KEPT)] {
        remove_generation(host, *old)?;
    }
    Ok(())
}

/// Takes a record away that was not to be: its apply was undone.
///
/// # Errors
/// When it can't be removed.
pub fn remove_generation(host: &dyn Host, number: u32) -> anyhow::Result<()> {
    let path = generation_path(number);
    host.remove(&path).with_context(|| format!("{path} can't be removed"))
}

/// The schema number for a new record.
#[must_use]
pub fn schema() -> u32 {
    SCHEMA
}

fn generation_path(number: u32) -> String {
    format!("{GENERATIONS}/{number:06}.json")
}

/// Keeps what stands at paths that are not piback's yet. `nodes` gives each path, what is there, and, for a
/// link, the bytes it leads to.
///
/// # Errors
/// When something can't be kept; nothing may be changed then.
pub fn keep_originals(
    host: &dyn Host,
    state: &State,
    nodes: &[(String, Node, Option<Vec<u8>>)],
    plan: &Plan,
    ip_forward: Option<&String>,
) -> anyhow::Result<()> {
    let mut originals = state.originals.clone();
    state_dir::make(host, &[ORIGINALS, ORIGINAL_FILES])?;
    for (path, node, followed) in nodes {
        if state.owned().iter().any(|owned| owned.path == *path) {
            // What stands there is ours, or a drifted form of it.
            continue;
        }
        let kept = originals.paths.entry(path.clone()).or_default();
        let (original, bytes) = match node {
            Node::Absent => (Original::Absent, None),
            Node::File(file) => {
                let FileNode { mode, uid, gid, .. } = *file;
                let sha256 = hash(&file.bytes);
                (Original::File { mode, uid, gid, sha256 }, Some(&file.bytes))
            }
            Node::Link { target } => {
                let sha256 = followed.as_deref().map(hash);
                (Original::Link { target: target.clone(), sha256 }, followed.as_ref())
            }
            Node::Dir { .. } | Node::Special => bail!("{path} is no file"),
        };
        if kept.last() == Some(&original) {
            continue;
        }
        if let Some(bytes) = bytes {
            let file = FileNode { bytes: bytes.clone(), mode: 0o600, uid: 0, gid: 0 };
            host.write(&original_path(path, kept.len()), &file)
                .with_context(|| format!("the original of {path} can't be kept"))?;
        }
        kept.push(original);
    }
    for (path, original) in &plan.adopted {
        originals.paths.entry(path.clone()).or_default().push(original.clone());
    }
    for dir in plan.dirs.iter().filter(|dir| !state.originals.dirs.contains(dir)) {
        originals.dirs.push(dir.clone());
    }
    for unit in plan.units.iter().filter(|unit| !unit.input.is_empty()) {
        let key = activation_key(unit.activation);
        // After a rollback to the original the host's own state counts anew.
        if !state.activated.contains_key(&key) {
            originals.units.insert(key, unit.before.clone());
        }
    }
    if state.owned().is_empty() {
        originals.ip_forward = ip_forward.cloned();
    }
    if originals != state.originals {
        originals.schema = SCHEMA;
        write_json(host, ORIGINALS_INDEX, &originals)?;
    }
    Ok(())
}

/// Writes the index back, after entries were taken out of it.
///
/// # Errors
/// When it can't be written.
pub fn write_originals(host: &dyn Host, originals: &Originals) -> anyhow::Result<()> {
    write_json(host, ORIGINALS_INDEX, originals)
}

/// The bytes of an original, held against their hash.
///
/// # Errors
/// When they are not there or not the ones that were kept.
pub fn original_bytes(host: &dyn Host, state: &State, path: &str, sha256: &str) -> anyhow::Result<Vec<u8>> {
    let newest = state.originals.paths.get(path).map_or(0, |kept| kept.len().saturating_sub(1));
    let kept = original_path(path, newest);
    match host.read(&kept).with_context(|| format!("{kept} can't be read"))? {
        Node::File(file) if hash(&file.bytes) == sha256 => Ok(file.bytes),
        Node::File(_) => bail!("{kept} is not what was kept of {path}: its hash differs"),
        _ => bail!("{kept}, which is what was kept of {path}, is gone"),
    }
}

/// `etc%hostapd%hostapd.conf`, later ones with `~2`: one flat folder, names that can be read.
fn original_path(path: &str, index: usize) -> String {
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

/// Notes what an activation was last done with.
///
/// # Errors
/// When it can't be written.
pub fn write_activated(host: &dyn Host, activated: &BTreeMap<String, String>) -> anyhow::Result<()> {
    write_json(host, ACTIVATED, activated)
}

/// The name under which an activation is noted.
#[must_use]
pub fn activation_key(activation: Activation) -> String {
    format!("{activation:?}").to_lowercase()
}

/// Lower-case hex SHA-256.
#[must_use]
pub fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// Reads a JSON file of the state; `None` when it is absent.
///
/// # Errors
/// When it can't be read or makes no sense.
pub fn read_json<T: DeserializeOwned>(host: &dyn Host, path: &str) -> anyhow::Result<Option<T>> {
    let node = host.read(path).with_context(|| format!("{path} can't be read"))?;
    match node {
        Node::Absent => Ok(None),
        Node::File(file) => serde_json::from_slice(&file.bytes)
            .map(Some)
            .with_context(|| format!("{path} is damaged; nothing was changed")),
        _ => bail!("{path} is no file"),
    }
}

/// Writes a JSON file of the state, mode 0600.
///
/// # Errors
/// When it can't be written.
pub fn write_json<T: Serialize>(host: &dyn Host, path: &str, value: &T) -> anyhow::Result<()> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    host.write(path, &FileNode { bytes, mode: 0o600, uid: 0, gid: 0 })
        .with_context(|| format!("{path} can't be written"))
}
