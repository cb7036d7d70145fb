//! Keeps what stood at a path before the first change; it is forgotten again when that apply is undone.

use crate::paths::{ORIGINAL_FILES, ORIGINALS};
use crate::provision::plan::Plan;
use crate::provision::resources::file::change::FileChange;
use crate::provision::state::State;
use crate::provision::state::json::{hash, schema};
use crate::provision::state::originals::{self, Original, Originals, path_of};
use crate::system::{FileNode, Host, Node, state_dir};
use anyhow::{Context, bail};

/// Keeps what stands at the paths of a plan that are not piback's yet, and how its units were.
///
/// # Errors
/// When something can't be kept; nothing may be changed then.
pub fn keep(host: &dyn Host, state: &State, plan: &Plan, ip_forward: Option<&String>) -> anyhow::Result<()> {
    let mut originals = state.originals.clone();
    state_dir::make(host, &[ORIGINALS, ORIGINAL_FILES])?;
    for change in &plan.files {
        let path = &change.path;
        if state.owned().iter().any(|owned| owned.path == *path) {
            // What stands there is ours, or a drifted form of it.
            continue;
        }
        let kept = originals.paths.entry(path.clone()).or_default();
        let (original, bytes) = original(change)?;
        if kept.last() == Some(&original) {
            continue;
        }
        if let Some(bytes) = bytes {
            let file = FileNode { bytes: bytes.clone(), mode: 0o600, uid: 0, gid: 0 };
            host.write_like(&path_of(path, kept.len()), &file, path)
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
        let key = unit.component.key;
        // After a rollback to the original the host's own state counts anew.
        if !state.activated.contains_key(key) {
            originals.units.insert(key.to_owned(), unit.before.clone());
        }
    }
    if state.owned().is_empty() {
        originals.ip_forward = ip_forward.cloned();
    }
    if originals != state.originals || !originals::are_both_good(host) {
        originals.schema = schema();
        originals::write(host, &originals)?;
    }
    Ok(())
}

/// The original that a change takes away for the first time, and for a link the bytes that it leads to.
fn original(change: &FileChange) -> anyhow::Result<(Original, Option<&Vec<u8>>)> {
    Ok(match &change.before {
        Node::Absent => (Original::Absent, None),
        Node::File(file) => {
            let FileNode { mode, uid, gid, .. } = *file;
            let sha256 = hash(&file.bytes);
            (Original::File { mode, uid, gid, sha256 }, Some(&file.bytes))
        }
        Node::Link { target } => {
            let sha256 = change.followed.as_deref().map(hash);
            (Original::Link { target: target.clone(), sha256 }, change.followed.as_ref())
        }
        Node::Dir { .. } | Node::Special => bail!("{} is no file", change.path),
    })
}

/// An original that was first seen by an apply that was undone is seen anew by the next one.
///
/// # Errors
/// When the index can't be read or written.
pub fn forget(host: &dyn Host, first: &Originals) -> anyhow::Result<()> {
    if State::read(host)?.originals != *first || !originals::are_both_good(host) {
        originals::write(host, first)?;
    }
    Ok(())
}
