//! The list of enrolled drives, on the disk of this appliance.

use super::drives::{self, Drives};
use crate::error::Problem;
use crate::paths::DRIVES;
use crate::system::real::RealHost;
use crate::system::{FileNode, Host, process, state_dir};
use crate::ui::visible;
use anyhow::Context;
use std::io::ErrorKind;
use std::path::Path;

/// Reads the list of enrolled drives; an empty one where there is none.
///
/// # Errors
/// The list can't be read, or is none that this piback understands.
pub fn read(root: Option<&Path>) -> anyhow::Result<Drives> {
    let read = host(root)?.read_followed(DRIVES);
    if read.as_ref().is_err_and(|e| e.kind() == ErrorKind::PermissionDenied) {
        let what = format!("only root can read {DRIVES}, the list of enrolled drives");
        return Err(Problem::needs_root(what).into());
    }
    match read.context(DRIVES)? {
        None => Ok(Drives::default()),
        Some(bytes) => {
            let text = String::from_utf8(bytes).context(DRIVES)?;
            Drives::parse(&text).map_err(anyhow::Error::msg).context(DRIVES)
        }
    }
}

/// Writes the list of enrolled drives, durably.
///
/// # Errors
/// Whatever the file system says; the old list is then still there.
pub fn write(root: Option<&Path>, drives: &Drives) -> anyhow::Result<()> {
    let host = host(root)?;
    state_dir::make(&host, &[])?;
    let (uid, gid) = (process::user(), process::group());
    let file = FileNode { bytes: drives::text(drives).into_bytes(), mode: 0o644, uid, gid };
    host.write(DRIVES, &file).with_context(|| format!("{DRIVES} can't be written"))
}

fn host(root: Option<&Path>) -> anyhow::Result<RealHost> {
    match root {
        None => RealHost::live().context("/"),
        Some(root) => RealHost::tree(root).with_context(|| visible(&root.to_string_lossy())),
    }
}
