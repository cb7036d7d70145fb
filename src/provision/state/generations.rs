//! Generations: a record of what each apply put there, so that one can be gone back to.

use crate::paths::GENERATIONS;
use crate::profile::types::Subnet;
use crate::provision::components;
use crate::provision::desired::artifact::{Artifact, Body};
use crate::provision::desired::expected::Expected;
use crate::provision::host::facts::Stack;
use crate::provision::state::json::{read_json, schema, write_json};
use crate::provision::state::originals::Originals;
use crate::system::{Host, state_dir};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// So many generations can be gone back to; the originals are kept for ever.
pub const GENERATIONS_KEPT: usize = 20;

/// The record of one apply or rollback.
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
    /// The state that the probes look for while it is in force; none after `rollback --original` and in old records.
    #[serde(default)]
    pub expected: Option<Expected>,
    /// The Wi-Fi's address, if it was piback's choice (`network.address: auto`): what the next apply stays with.
    #[serde(default)]
    pub chosen: Option<Subnet>,
    /// `None` after `rollback --original`: no stack is ours then.
    pub stack: Option<Stack>,
    /// It was named (`--stack`), and not just found.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stack_named: bool,
    pub artifacts: Vec<Artifact>,
    /// For each path, SHA-256 of the bytes as written.
    pub hashes: BTreeMap<String, String>,
}

impl Generation {
    /// Stands for a record that can't be read: everything that was ever taken is taken for piback's.
    #[must_use]
    pub fn from_originals(originals: &Originals, number: u32) -> Self {
        let artifact = |path: &String| Artifact {
            path: path.clone(),
            mode: 0,
            ownership: components::ownership(path),
            body: Body::default(),
            commented_out: Vec::new(),
        };
        Generation {
            schema: schema(),
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
            stack_named: false,
            artifacts: originals.paths.keys().map(artifact).collect(),
            hashes: BTreeMap::new(),
        }
    }
}

/// Numbers of the generations, in order.
///
/// # Errors
/// When the folder can't be read.
pub fn numbers(host: &dyn Host) -> anyhow::Result<Vec<u32>> {
    let names = host.list(GENERATIONS).with_context(|| format!("{GENERATIONS} can't be read"))?;
    let mut numbers: Vec<u32> = names.iter().filter_map(|n| n.strip_suffix(".json")?.parse().ok()).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// One generation.
///
/// # Errors
/// When there is none of that number, or it makes no sense.
pub fn read(host: &dyn Host, number: u32) -> anyhow::Result<Generation> {
    let path = path_of(number);
    read_json(host, &path)?.with_context(|| format!("{path} is not there"))
}

/// Records a generation.
///
/// # Errors
/// When it can't be written.
pub fn write(host: &dyn Host, generation: &Generation) -> anyhow::Result<()> {
    state_dir::make(host, &[GENERATIONS])?;
    write_json(host, &path_of(generation.number), generation)?;
    let numbers = numbers(host)?;
    for old in &numbers[..numbers.len().saturating_sub(GENERATIONS_KEPT)] {
        remove(host, *old)?;
    }
    Ok(())
}

/// Takes a record away that was not to be: its apply was undone.
///
/// # Errors
/// When it can't be removed.
pub fn remove(host: &dyn Host, number: u32) -> anyhow::Result<()> {
    let path = path_of(number);
    host.remove(&path).with_context(|| format!("{path} can't be removed"))
}

fn path_of(number: u32) -> String {
    format!("{GENERATIONS}/{number:06}.json")
}
