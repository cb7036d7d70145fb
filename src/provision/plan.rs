//! What would change: a value. `plan` shows it, `apply` carries it out, `--check` asks whether it is empty.

use crate::error::Problem;
use crate::paths;
use crate::profile::types::Subnet;
use crate::provision::catalog::Form;
use crate::provision::desired::Desired;
use crate::provision::desired::artifact::Artifact;
use crate::provision::host::facts::Stack;
use crate::provision::resources::rule::RuleChange;
use crate::provision::state::State;
use crate::provision::state::json;
use crate::provision::state::originals::Original;
use crate::provision::text::block;
use crate::provision::text::comment_out;
use crate::provision::units::{AccountChange, UnitChange};
use crate::system::{FileNode, Host, Node};
use anyhow::Context;
use std::collections::BTreeMap;

/// Every change, in the order in which apply makes them: files, packages, accounts, units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub stack: Option<Stack>,
    pub made_by: String,
    pub radio: String,
    pub passphrase_file: Option<String>,
    pub chosen: Option<Subnet>,
    pub restored: Option<u32>,
    pub files: Vec<FileChange>,
    /// Files that are as they shall be though no record says that they are piback's: taken over as they are.
    pub adopted: Vec<(String, Original)>,
    /// Directories that have to be made first.
    pub dirs: Vec<String>,
    /// Directories that piback made and that go when they are empty.
    pub old_dirs: Vec<String>,
    pub packages: Vec<String>,
    pub accounts: Vec<AccountChange>,
    pub units: Vec<UnitChange>,
    /// Rules of a set-up by hand that leave the kernel, or come back to it.
    pub rules: Vec<RuleChange>,
    pub notes: Vec<String>,
    /// What will be on record; compared with the last record, so that a lost or older one is written anew.
    pub artifacts: Vec<Artifact>,
    pub hashes: BTreeMap<String, String>,
    /// The record that this plan follows; apply refuses when another one came in between.
    pub follows: Option<u32>,
    record_differs: bool,
}

/// One file's change. `before` is what apply must still find there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    pub path: String,
    pub action: Action,
    pub before: Node,
    pub after: Node,
    /// Where `before` is a link: the bytes that it leads to.
    pub followed: Option<Vec<u8>>,
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

impl Plan {
    /// Whether apply would do nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
            && self.packages.is_empty()
            && self.accounts.is_empty()
            && self.units.is_empty()
            && self.rules.is_empty()
            && !self.record_differs
    }

    /// Counts for people: "3 new, 1 changed".
    #[must_use]
    pub fn summary(&self) -> String {
        let count = |action| self.files.iter().filter(|f| f.action == action).count();
        let several = |n: usize, one: &str, many: &str| match n {
            0 => None,
            1 => Some(format!("1 {one}")),
            n => Some(format!("{n} {many}")),
        };
        let parts: Vec<String> = [
            several(count(Action::New), "new file", "new files"),
            several(count(Action::Change), "changed", "changed"),
            several(count(Action::Mode), "mode", "modes"),
            several(count(Action::Remove), "removed", "removed"),
            several(count(Action::Restore), "restored", "restored"),
            several(self.packages.len(), "package", "packages"),
            several(self.accounts.len(), "account step", "account steps"),
            several(self.units.len(), "unit", "units"),
            several(self.rules.len(), "rule", "rules"),
        ]
        .into_iter()
        .flatten()
        .collect();
        match (parts.is_empty(), self.record_differs) {
            (true, false) => "Nothing to do.".into(),
            (true, true) => "The files are right; only piback's own record is missing.".into(),
            _ => format!("{}.", parts.join(", ")),
        }
    }
}

/// Compares the host's files with what they shall be. Packages, accounts and units are added by `units::plan` where
/// the host is live.
///
/// # Errors
/// When a file can't be read, is none, or has a broken block; all in one go.
pub fn files(host: &dyn Host, desired: &Desired, state: &State) -> anyhow::Result<Plan> {
    let mut plan = Plan {
        stack: desired.stack,
        made_by: desired.made_by.clone(),
        radio: desired.radio.clone(),
        passphrase_file: desired.passphrase_file.clone(),
        chosen: desired.chosen,
        restored: desired.restored,
        files: Vec::new(),
        adopted: Vec::new(),
        dirs: Vec::new(),
        old_dirs: Vec::new(),
        packages: Vec::new(),
        accounts: Vec::new(),
        units: Vec::new(),
        rules: Vec::new(),
        notes: Vec::new(),
        artifacts: desired.artifacts.clone(),
        hashes: BTreeMap::new(),
        follows: state.last.as_ref().map(|last| last.number),
        record_differs: false,
    };
    let mut broken = Vec::new();
    for artifact in &desired.artifacts {
        match wanted(host, artifact, desired, state) {
            Ok((hash, change)) => {
                plan.hashes.insert(artifact.path.clone(), hash);
                if change.is_none() && state.original(&artifact.path).is_none() {
                    plan.adopted.push((artifact.path.clone(), before_us(host, artifact)?));
                }
                plan.files.extend(change);
            }
            Err(e) => broken.push(format!("{e:#}")),
        }
    }
    let kept: Vec<&str> = desired.artifacts.iter().map(|a| a.path.as_str()).collect();
    for old in state.owned().iter().filter(|old| !kept.contains(&old.path.as_str())) {
        match taken_back(host, old, desired, state, &mut plan.notes) {
            Ok(change) => plan.files.extend(change),
            Err(e) => broken.push(format!("{e:#}")),
        }
    }
    if !broken.is_empty() {
        return Err(Problem::failed(broken.join("\n  ")).hint("nothing was changed").into());
    }
    plan.dirs = missing_dirs(host, &plan.files)?;
    if desired.artifacts.is_empty() {
        plan.old_dirs = state.originals.dirs.iter().rev().cloned().collect();
    }
    plan.record_differs = match &state.last {
        Some(last) => {
            last.artifacts != plan.artifacts
                || last.stack != plan.stack
                || last.hashes != plan.hashes
                || last.chosen != plan.chosen
        }
        None => !plan.artifacts.is_empty(),
    };
    Ok(plan)
}

/// A file that shall be there: the hash of its bytes, and the change if it is not so.
fn wanted(
    host: &dyn Host,
    artifact: &Artifact,
    desired: &Desired,
    state: &State,
) -> anyhow::Result<(String, Option<FileChange>)> {
    let path = &artifact.path;
    let (before, followed) = look(host, path)?;
    let (text, masked) = match &desired.secrets {
        Some(secrets) => (artifact.body.expose(secrets), artifact.body.masked()),
        None => (artifact.body.masked(), artifact.body.masked()),
    };
    let old = content(&before, followed.as_deref());
    let after = match artifact.form {
        Form::Whole => FileNode { bytes: text.clone().into_bytes(), mode: artifact.mode, uid: 0, gid: 0 },
        Form::Block(position) => {
            // A block of another stack may belong elsewhere in the file: then it is put in anew.
            let moved = state.owned().iter().any(|o| o.path == *path && o.form != artifact.form);
            let base = if moved { block::without(old) } else { Ok(old.to_vec()) };
            let bytes = base
                .and_then(|base| block::set(&comment_out::put(&base, &artifact.aside), &text, position))
                .with_context(|| path.clone())?;
            match &before {
                Node::File(file) => FileNode { bytes, ..*file },
                _ => FileNode { bytes, mode: artifact.mode, uid: 0, gid: 0 },
            }
        }
        // A block is left of another stack, or of before the user's own lines made it needless.
        Form::Lines => match &before {
            Node::File(file) => {
                let rest = block::without(old).with_context(|| path.clone())?;
                FileNode { bytes: comment_out::put(&rest, &artifact.aside), ..*file }
            }
            _ => FileNode { bytes: Vec::new(), mode: artifact.mode, uid: 0, gid: 0 },
        },
    };
    let action = match &before {
        // Nothing is made where nothing can be put aside.
        Node::Absent | Node::Link { .. } if artifact.form == Form::Lines => None,
        Node::Absent => Some(Action::New),
        Node::File(file) if file.bytes != after.bytes => Some(Action::Change),
        Node::File(file) if !same_owner_and_mode(host, file, &after) => Some(Action::Mode),
        Node::File(_) => None,
        _ => Some(Action::Change),
    };
    let old_text = String::from_utf8_lossy(old).into_owned();
    let new_text = String::from_utf8_lossy(&after.bytes).into_owned();
    // The part of the new text that is ours carries the masks; in a block's file the rest is masked by its keys.
    let new_masked = match artifact.form {
        Form::Whole => crate::provision::text::diff::masked(&masked),
        Form::Block(_) | Form::Lines => crate::provision::text::diff::masked(&new_text),
    };
    let shown = (
        desired.hide(&crate::provision::text::diff::masked(&old_text)),
        desired.hide(&crate::provision::text::diff::mark_changed_secrets(&old_text, &new_text, &new_masked)),
    );
    let hash = json::hash(text.as_bytes());
    let change = action.map(|action| FileChange {
        path: path.clone(),
        action,
        before,
        after: Node::File(after),
        followed,
        shown,
    });
    Ok((hash, change))
}

/// What was there before a file that is piback's by its content alone, its record lost: nothing, or the rest of a file
/// that others own too.
fn before_us(host: &dyn Host, artifact: &Artifact) -> anyhow::Result<Original> {
    let (node, _) = look(host, &artifact.path)?;
    Ok(match (artifact.form, node) {
        (Form::Block(_) | Form::Lines, Node::File(file)) => {
            let rest = comment_out::theirs(&file.bytes).with_context(|| artifact.path.clone())?;
            match rest.is_empty() {
                true => Original::Absent,
                false => Original::Rest { mode: file.mode, uid: file.uid, gid: file.gid },
            }
        }
        _ => Original::Absent,
    })
}

/// A file of ours that shall not be there any more.
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
            .hint(format!("{}/originals/index.json is damaged or gone: put it back", paths::STATE))
            .into());
    };
    let restored = match original {
        Original::Absent => Node::Absent,
        Original::File { mode, uid, gid, sha256 } => {
            let bytes = state.originals.bytes(host, path, sha256)?;
            Node::File(FileNode { bytes, mode: *mode, uid: *uid, gid: *gid })
        }
        Original::Link { target, .. } => Node::Link { target: target.clone() },
        Original::Rest { mode, uid, gid } => {
            let bytes =
                comment_out::theirs(content(&before, followed.as_deref())).with_context(|| path.clone())?;
            Node::File(FileNode { bytes, mode: *mode, uid: *uid, gid: *gid })
        }
    };
    let after = match old.form {
        _ if matches!(original, Original::Rest { .. }) => restored,
        Form::Whole => restored,
        Form::Block(_) | Form::Lines => {
            let current = content(&before, followed.as_deref());
            let kept = match original {
                Original::Absent | Original::Rest { .. } => Vec::new(),
                Original::File { sha256, .. } => state.originals.bytes(host, path, sha256)?,
                Original::Link { sha256: Some(sha256), .. } => state.originals.bytes(host, path, sha256)?,
                Original::Link { sha256: None, .. } => Vec::new(),
            };
            let rest = match comment_out::theirs(current) {
                Ok(rest) => rest,
                // Whatever somebody did to the markers: what was there before is known, and there is a way back.
                Err(e) => {
                    notes.push(format!("{path}: {e}; all of it goes back to what was there before piback"));
                    comment_out::theirs(&kept).unwrap_or_else(|_| kept.clone())
                }
            };
            // The original may hold a block of an apply whose record is lost. And putting a block in may have ended
            // the last line; that is no edit of anybody's.
            let base = comment_out::theirs(&kept).unwrap_or(kept);
            let untouched = rest == base || rest.strip_suffix(b"\n") == Some(&base);
            match (&before, untouched) {
                (_, true) | (Node::Absent, _) => restored,
                (Node::File(file), false) => {
                    notes.push(format!("{path} was edited outside piback's own lines; those edits stay"));
                    Node::File(FileNode { bytes: rest, ..*file })
                }
                (_, false) => before.clone(),
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
    let shown = (
        desired.hide(&crate::provision::text::diff::masked(&text(&before))),
        desired.hide(&crate::provision::text::diff::masked(&text(&after))),
    );
    Ok(Some(FileChange { path: path.clone(), action, before, after, followed, shown }))
}

/// What stands at a path, and for a link what it leads to.
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

/// Where owners can't be given (a tree that belongs to a user), they are no difference.
fn same_owner_and_mode(host: &dyn Host, a: &FileNode, b: &FileNode) -> bool {
    a.mode == b.mode && (!host.can_chown() || (a.uid, a.gid) == (b.uid, b.gid))
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
