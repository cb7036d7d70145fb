//! Files of the state: JSON, mode 0600, of one schema.

use crate::system::{FileNode, Host, Node};
use anyhow::{Context, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

/// Version of the files in the state directory.
const SCHEMA: u32 = 1;

/// The schema number for a new record.
#[must_use]
pub fn schema() -> u32 {
    SCHEMA
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
