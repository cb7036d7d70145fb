//! Files, looked at and planned.

use crate::error::Problem;
use crate::paths;
use crate::provision::components::component::Ownership;
use crate::provision::desired::Desired;
use crate::provision::desired::artifact::Artifact;
use crate::provision::resources::file::change::{Action, FileChange};
use crate::provision::state::State;
use crate::provision::state::json;
use crate::provision::state::originals::Original;
use crate::provision::text::block::{self, BlockError};
use crate::provision::text::{comment_out, diff};
use crate::system::{FileNode, Host, Node};
use anyhow::Context;
use std::collections::BTreeMap;

/// The files of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Files {
    pub changes: Vec<FileChange>,
    /// Files that are as they shall be though no record says that they are piback's: taken over as they are.
    pub adopted: Vec<(String, Original)>,
    /// Directories that have to be made first.
    pub dirs: Vec<String>,
    /// Directories that piback made and that go when they are empty.
    pub old_dirs: Vec<String>,
    /// For each path that is ours, SHA-256 of our bytes.
    pub hashes: BTreeMap<String, String>,
    pub notes: Vec<String>,
}

/// Compares the host's files with what they shall be.
///
/// # Errors
/// When a file can't be read, is none, or has a broken block; all in one go.
pub fn plan(host: &dyn Host, desired: &Desired, state: &State) -> anyhow::Result<Files> {
    let mut files = Files::default();
    let mut broken = Vec::new();
    for artifact in &desired.artifacts {
        match wanted(host, artifact, desired, state) {
            Ok((hash, change)) => {
                files.hashes.insert(artifact.path.clone(), hash);
                if change.is_none() && state.original(&artifact.path).is_none() {
                    files.adopted.push((artifact.path.clone(), before_us(host, artifact)?));
                }
                files.changes.extend(change);
            }
            Err(e) => broken.push(format!("{e:#}")),
        }
    }
    let kept: Vec<&str> = desired.artifacts.iter().map(|a| a.path.as_str()).collect();
    for old in state.owned().iter().filter(|old| !kept.contains(&old.path.as_str())) {
        match taken_back(host, old, desired, state, &mut files.notes) {
            Ok(change) => files.changes.extend(change),
            Err(e) => broken.push(format!("{e:#}")),
        }
    }
    if !broken.is_empty() {
        return Err(Problem::failed(broken.join("\n  ")).hint("nothing was changed").into());
    }
    for change in files.changes.iter().filter(|change| matches!(change.before, Node::File(_))) {
        files.notes.extend(other_names(host, &change.path)?);
    }
    files.dirs = missing_dirs(host, &files.changes)?;
    if desired.artifacts.is_empty() {
        files.old_dirs = state.originals.dirs.iter().rev().cloned().collect();
    }
    Ok(files)
}

/// Plans a file that shall be there: the hash of its bytes, and the change if it is not so.
fn wanted(
    host: &dyn Host,
    artifact: &Artifact,
    desired: &Desired,
    state: &State,
) -> anyhow::Result<(String, Option<FileChange>)> {
    let path = &artifact.path;
    let (before, followed) = look(host, path)?;
    let text = match &desired.secrets {
        Some(secrets) => artifact.body.expose(secrets),
        None => artifact.body.masked(),
    };
    let old = content(&before, followed.as_deref());
    let after = file_after(artifact, &text, &before, old, state).with_context(|| path.clone())?;
    let action = match &before {
        // Nothing is made where nothing can be commented out.
        Node::Absent | Node::Link { .. } if artifact.ownership == Ownership::Lines => None,
        Node::Absent => Some(Action::New),
        Node::File(file) if file.bytes != after.bytes => Some(Action::Change),
        Node::File(file) if !same_owner_and_mode(host, file, &after) => Some(Action::Mode),
        Node::File(_) => None,
        _ => Some(Action::Change),
    };
    let shown = shown(artifact, desired, old, &after.bytes);
    let hash = json::hash(text.as_bytes());
    let change = action.map(|action| FileChange {
        path: path.clone(),
        action,
        before,
        after: Node::File(after),
        followed,
        like: None,
        shown,
    });
    Ok((hash, change))
}

/// The file with piback's part in it, `old` being its bytes as they are.
fn file_after(
    artifact: &Artifact,
    text: &str,
    before: &Node,
    old: &[u8],
    state: &State,
) -> Result<FileNode, BlockError> {
    let new = |bytes| FileNode { bytes, mode: artifact.mode, uid: 0, gid: 0 };
    match artifact.ownership {
        Ownership::Whole => Ok(new(text.as_bytes().to_vec())),
        Ownership::Block(position) => {
            // A block of another stack may belong elsewhere in the file: then it is put in anew.
            let is_moved = |o: &Artifact| o.path == artifact.path && o.ownership != artifact.ownership;
            let moved = state.owned().iter().any(is_moved);
            let base = if moved { block::without(old)? } else { old.to_vec() };
            let bytes = block::set(&comment_out::put(&base, &artifact.commented_out), text, position)?;
            match before {
                Node::File(file) => Ok(FileNode { bytes, ..*file }),
                _ => Ok(new(bytes)),
            }
        }
        // A block is left of another stack, or of before the user's own lines made it needless.
        Ownership::Lines => match before {
            Node::File(file) => {
                let bytes = comment_out::put(&block::without(old)?, &artifact.commented_out);
                Ok(FileNode { bytes, ..*file })
            }
            _ => Ok(new(Vec::new())),
        },
    }
}

/// Both texts to show. The part of the new one that is ours carries the masks; in a block's file the rest is masked by its
/// keys.
fn shown(artifact: &Artifact, desired: &Desired, old: &[u8], new: &[u8]) -> (String, String) {
    let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
    let new_masked = match artifact.ownership {
        Ownership::Whole => diff::masked(&artifact.body.masked()),
        Ownership::Block(_) | Ownership::Lines => diff::masked(&new),
    };
    (desired.hide(&diff::masked(&old)), desired.hide(&diff::mark_changed_secrets(&old, &new, &new_masked)))
}

/// The original of a file that is piback's by its content alone, its record lost: nothing, or the rest of a file
/// that others own too.
fn before_us(host: &dyn Host, artifact: &Artifact) -> anyhow::Result<Original> {
    let (node, _) = look(host, &artifact.path)?;
    Ok(match (artifact.ownership, node) {
        (Ownership::Block(_) | Ownership::Lines, Node::File(file)) => {
            let rest = comment_out::theirs(&file.bytes).with_context(|| artifact.path.clone())?;
            match rest.is_empty() {
                true => Original::Absent,
                false => Original::Rest { mode: file.mode, uid: file.uid, gid: file.gid },
            }
        }
        _ => Original::Absent,
    })
}

/// Plans a file of ours that shall not be there any more.
fn taken_back(
    host: &dyn Host,
    old: &Artifact,
    desired: &Desired,
    state: &State,
    notes: &mut Vec<String>,
) -> anyhow::Result<Option<FileChange>> {
    let path = &old.path;
    let (before, followed) = look(host, path)?;
    let Some(original) = state.original(path) else {
        return Err(Problem::failed(format!("what was at {path} before piback is not on record any more"))
            .hint(format!("{} is damaged or gone: put it back", paths::ORIGINALS_INDEX))
            .into());
    };
    let current = content(&before, followed.as_deref());
    let restored = restored(host, path, original, current, state)?;
    let after = match (old.ownership, original) {
        (Ownership::Whole, _) | (_, Original::Rest { .. }) => restored,
        _ => {
            let kept = bytes_of(host, path, original, state)?;
            match edited(path, kept, current, notes) {
                None => restored,
                Some(rest) => match &before {
                    Node::Absent => restored,
                    Node::File(file) => {
                        notes.push(format!("{path} was edited outside piback's own lines; those edits stay"));
                        Node::File(FileNode { bytes: rest, ..*file })
                    }
                    _ => before.clone(),
                },
            }
        }
    };
    if same(host, &before, &after) {
        return Ok(None);
    }
    let action = if after == Node::Absent { Action::Remove } else { Action::Restore };
    let text = |node: &Node| match node {
        Node::File(file) => String::from_utf8_lossy(&file.bytes).into_owned(),
        Node::Link { target } => format!("symbolic link to {target}\n"),
        _ => String::new(),
    };
    let shown = (desired.hide(&diff::masked(&text(&before))), desired.hide(&diff::masked(&text(&after))));
    let like = matches!(original, Original::File { .. }).then(|| state.originals.kept(path));
    Ok(Some(FileChange { path: path.clone(), action, before, after, followed, like, shown }))
}

/// An original as it stood; of a file that others own too, what is theirs in it now.
fn restored(
    host: &dyn Host,
    path: &str,
    original: &Original,
    current: &[u8],
    state: &State,
) -> anyhow::Result<Node> {
    Ok(match original {
        Original::Absent => Node::Absent,
        Original::File { mode, uid, gid, sha256 } => {
            let bytes = state.originals.bytes(host, path, sha256)?;
            Node::File(FileNode { bytes, mode: *mode, uid: *uid, gid: *gid })
        }
        Original::Link { target, .. } => Node::Link { target: target.clone() },
        Original::Rest { mode, uid, gid } => {
            let bytes = comment_out::theirs(current).with_context(|| path.to_owned())?;
            Node::File(FileNode { bytes, mode: *mode, uid: *uid, gid: *gid })
        }
    })
}

/// The bytes that were kept of an original; none where there was no file.
fn bytes_of(host: &dyn Host, path: &str, original: &Original, state: &State) -> anyhow::Result<Vec<u8>> {
    match original {
        Original::File { sha256, .. } | Original::Link { sha256: Some(sha256), .. } => {
            state.originals.bytes(host, path, sha256)
        }
        Original::Absent | Original::Rest { .. } | Original::Link { sha256: None, .. } => Ok(Vec::new()),
    }
}

/// Others' part of a shared file, if somebody edited it since its original was `kept`.
fn edited(path: &str, kept: Vec<u8>, current: &[u8], notes: &mut Vec<String>) -> Option<Vec<u8>> {
    let rest = match comment_out::theirs(current) {
        Ok(rest) => rest,
        // Whatever somebody did to the markers: what was there before is known, and there is a way back.
        Err(e) => {
            notes.push(format!("{path}: {e}; all of it goes back to what was there before piback"));
            comment_out::theirs(&kept).unwrap_or_else(|_| kept.clone())
        }
    };
    // The original may hold a block of an apply whose record is lost. And putting a block in may have ended the last
    // line; that is no edit of anybody's.
    let base = comment_out::theirs(&kept).unwrap_or(kept);
    let untouched = rest == base || rest.strip_suffix(b"\n") == Some(&base);
    (!untouched).then_some(rest)
}

/// Reads what stands at a path, and for a link what it leads to.
fn look(host: &dyn Host, path: &str) -> anyhow::Result<(Node, Option<Vec<u8>>)> {
    let node = host.read(path).with_context(|| format!("{path} can't be read"))?;
    let followed = match &node {
        Node::Link { .. } => host.read_followed(path).with_context(|| format!("{path} can't be followed"))?,
        Node::Dir { .. } => anyhow::bail!("{path} is a directory; move it away"),
        Node::Special => anyhow::bail!("{path} is a device, socket or fifo; move it away"),
        Node::Absent | Node::File(_) => None,
    };
    Ok((node, followed))
}

fn content<'a>(node: &'a Node, followed: Option<&'a [u8]>) -> &'a [u8] {
    match node {
        Node::File(file) => &file.bytes,
        _ => followed.unwrap_or_default(),
    }
}

fn same(host: &dyn Host, a: &Node, b: &Node) -> bool {
    match (a, b) {
        (Node::File(a), Node::File(b)) => a.bytes == b.bytes && same_owner_and_mode(host, a, b),
        _ => a == b,
    }
}

/// Compares mode and owner; where owners can't be given (a tree that belongs to a user), they are no difference.
fn same_owner_and_mode(host: &dyn Host, a: &FileNode, b: &FileNode) -> bool {
    a.mode == b.mode && (!host.can_chown() || (a.uid, a.gid) == (b.uid, b.gid))
}

/// Says that a file has another name: what is replaced is this one alone.
fn other_names(host: &dyn Host, path: &str) -> anyhow::Result<Option<String>> {
    let others = match host.other_names(path).with_context(|| format!("{path} can't be looked at"))? {
        0 => return Ok(None),
        1 => "another name (a hard link), which keeps".to_owned(),
        many => format!("{many} other names (hard links), which keep"),
    };
    Ok(Some(format!("{path} has {others} the old text; to see it: find / -xdev -samefile {path}")))
}

/// The directories above new files that are not there, the upper ones first.
fn missing_dirs(host: &dyn Host, files: &[FileChange]) -> anyhow::Result<Vec<String>> {
    let mut missing: Vec<String> = Vec::new();
    for file in files.iter().filter(|f| f.before == Node::Absent) {
        let parts: Vec<&str> = file.path.split('/').collect();
        for length in 2..parts.len() {
            let dir = parts[..length].join("/");
            if missing.contains(&dir) {
                continue;
            }
            match host.read(&dir).with_context(|| format!("{dir} can't be looked at"))? {
                Node::Absent => missing.push(dir),
                Node::File(_) | Node::Special => {
                    return Err(Problem::failed(format!("{dir} is no directory"))
                        .hint(format!("move it away: {} belongs below it", file.path))
                        .into());
                }
                Node::Dir { .. } | Node::Link { .. } => {}
            }
        }
    }
    Ok(missing)
}
