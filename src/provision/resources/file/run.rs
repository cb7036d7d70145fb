//! Files, written and restored.

use crate::paths::EDITED;
use crate::provision::resources::file::change::FileChange;
use crate::provision::state::{json, originals};
use crate::system::{FileNode, Host, Node, state_dir};
use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

/// Looks whether a file is as it was when its change was planned.
///
/// # Errors
/// When it can't be read.
pub fn is_as_planned(host: &dyn Host, change: &FileChange) -> anyhow::Result<bool> {
    let now = host.read(&change.path).with_context(|| format!("{} can't be read", change.path))?;
    let followed = match &now {
        Node::Link { .. } => host.read_followed(&change.path)?,
        _ => None,
    };
    Ok(now == change.before && followed == change.followed)
}

/// Writes the new file.
///
/// # Errors
/// Those of the file system.
pub fn write(host: &dyn Host, change: &FileChange) -> std::io::Result<()> {
    match &change.after {
        Node::File(file) => match &change.like {
            Some(like) => host.write_like(&change.path, file, like),
            None => host.write(&change.path, file),
        },
        Node::Link { target } => host.link(&change.path, target),
        _ => host.remove(&change.path),
    }
}

/// The hash of what a file will be; nothing where no file will be.
#[must_use]
pub fn hash_after(change: &FileChange) -> Option<String> {
    match &change.after {
        Node::File(file) => Some(json::hash(&file.bytes)),
        _ => None,
    }
}

/// Room on the disk that putting a file back may take.
#[must_use]
pub fn room_before(change: &FileChange) -> usize {
    match &change.before {
        // A file system gives out whole blocks.
        Node::File(file) => file.bytes.len().next_multiple_of(4096),
        _ => 0,
    }
}

/// A path's content before the change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Before {
    Absent { path: String },
    File { path: String, mode: u32, uid: u32, gid: u32, sha256: String, kept: String },
    Link { path: String, target: String },
}

impl Before {
    /// Notes what stands where a change will be made; the bytes of a file are kept at `kept`.
    ///
    /// # Errors
    /// When they can't be kept, or it is no file.
    pub fn keep(host: &dyn Host, change: &FileChange, kept: String) -> anyhow::Result<Self> {
        let path = change.path.clone();
        Ok(match &change.before {
            Node::Absent => Before::Absent { path },
            Node::Link { target } => Before::Link { path, target: target.clone() },
            Node::File(file) => {
                let copy = FileNode { bytes: file.bytes.clone(), mode: 0o600, uid: 0, gid: 0 };
                host.write_like(&kept, &copy, &path).with_context(|| format!("{kept} can't be written"))?;
                let FileNode { mode, uid, gid, .. } = *file;
                Before::File { path, mode, uid, gid, sha256: json::hash(&file.bytes), kept }
            }
            Node::Dir { .. } | Node::Special => bail!("{path} is no file"),
        })
    }

    /// The path itself.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Before::Absent { path } | Before::File { path, .. } | Before::Link { path, .. } => path,
        }
    }
}

/// Puts back what stood at a path.
///
/// # Errors
/// When what was kept is damaged, or can't be written.
pub fn restore(host: &dyn Host, before: &Before) -> anyhow::Result<()> {
    match before {
        Before::Absent { path } => host.remove(path)?,
        Before::Link { path, target } => {
            if host.read(path)? != (Node::Link { target: target.clone() }) {
                host.link(path, target)?;
            }
        }
        Before::File { path, mode, uid, gid, sha256, kept } => {
            let bytes = match host.read(kept)? {
                Node::File(file) if json::hash(&file.bytes) == *sha256 => file.bytes,
                _ => bail!("{kept} is damaged"),
            };
            let file = FileNode { bytes, mode: *mode, uid: *uid, gid: *gid };
            // A file that was never reached keeps its times too.
            let untouched = match host.read(path)? {
                Node::File(now) => {
                    now.bytes == file.bytes
                        && now.mode == file.mode
                        && (!host.can_chown() || (now.uid, now.gid) == (file.uid, file.gid))
                }
                _ => false,
            };
            if !untouched {
                host.write_like(path, &file, kept)?;
            }
        }
    }
    Ok(())
}

/// Keeps an edit that somebody made between the cut and now: neither what was there nor what piback wrote.
///
/// # Errors
/// When it can't be kept.
pub fn keep_edit(host: &dyn Host, before: &Before, after: Option<&str>) -> anyhow::Result<()> {
    let Node::File(now) = host.read(before.path())? else { return Ok(()) };
    let hash = json::hash(&now.bytes);
    let known = match before {
        Before::File { sha256, .. } => *sha256 == hash,
        Before::Absent { .. } | Before::Link { .. } => false,
    };
    if known || after == Some(hash.as_str()) {
        return Ok(());
    }
    state_dir::make(host, &[EDITED])?;
    let name = originals::flat_name(before.path());
    let kept = format!("{EDITED}/{name}.{}", &hash[..8]);
    host.write(&kept, &FileNode { bytes: now.bytes, mode: 0o600, uid: 0, gid: 0 })
        .with_context(|| format!("your edit can't be kept in {kept}"))
}

/// Makes directories again that were removed: restored files may belong into them.
pub fn make_dirs_again(host: &dyn Host, dirs: &[String]) {
    for dir in dirs.iter().rev() {
        if matches!(host.read(dir), Ok(Node::Absent)) {
            let _ = host.make_dir(dir, 0o755);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provision::resources::file::change::Action;

    #[test]
    fn room_is_counted_in_blocks_and_for_files_alone() {
        let room = |before: Node| {
            room_before(&FileChange {
                path: "/etc/x".into(),
                action: Action::Change,
                before,
                after: Node::Absent,
                followed: None,
                like: None,
                shown: Default::default(),
            })
        };
        let file = |len| Node::File(FileNode { bytes: vec![0; len], mode: 0o644, uid: 0, gid: 0 });
        assert_eq!([room(file(1)), room(file(4096)), room(file(4097))], [4096, 4096, 8192]);
        assert_eq!([room(file(0)), room(Node::Absent)], [0, 0]);
    }
}
