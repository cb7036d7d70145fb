//! The list of enrolled drives, on the disk of this appliance.

use super::drives::{self, Drives, Marker};
use crate::error::Problem;
use crate::paths::{DRIVES, DRIVES_LOCK};
use crate::system::real::RealHost;
use crate::system::{FileNode, Host, process, state_dir};
use crate::ui::visible;
use anyhow::Context;
use std::any::Any;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

/// The lock is asked for so often, and so long apart: five seconds.
const LOCK_LOOKS: u32 = 100;
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

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

/// Adds a drive to the list, durably. The list is read, changed and written under a lock, so that two at once lose none.
///
/// # Errors
/// Those of [`read`], whatever the file system says, or a lock that another piback keeps; the old list is then still there.
pub fn add(root: Option<&Path>, marker: Marker) -> anyhow::Result<()> {
    let host = host(root)?;
    state_dir::make(&host, &[])?;
    let _lock = lock(&host)?;
    let mut drives = read(root)?;
    drives.record(marker);
    let (uid, gid) = (process::user(), process::group());
    let file = FileNode { bytes: drives::text(&drives).into_bytes(), mode: 0o644, uid, gid };
    host.write(DRIVES, &file).with_context(|| format!("{DRIVES} can't be written"))
}

/// Waits for the list's lock: another holds it for as long as a small file takes.
pub(super) fn lock(host: &RealHost) -> anyhow::Result<Box<dyn Any>> {
    for _ in 0..LOCK_LOOKS {
        if let Some(lock) = host.lock(DRIVES_LOCK).with_context(|| DRIVES_LOCK)? {
            return Ok(lock);
        }
        host.wait(BETWEEN_LOOKS);
    }
    Err(Problem::failed("another piback holds the list of drives").hint("try again in a moment").into())
}

pub(super) fn host(root: Option<&Path>) -> anyhow::Result<RealHost> {
    match root {
        None => RealHost::live().context("/"),
        Some(root) => RealHost::tree(root).with_context(|| visible(&root.to_string_lossy())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drives_that_are_enrolled_at_once_are_all_on_the_list() {
        let root = tempfile::tempdir().unwrap();
        let marker = |number: usize| Marker {
            schema: drives::SCHEMA,
            id: format!("{number:032x}"),
            label: format!("DRIVE{number}"),
            volume: Some(format!("{number:08X}")),
            has_dcim: false,
        };
        std::thread::scope(|scope| {
            for number in 0..16 {
                let root = root.path();
                scope.spawn(move || add(Some(root), marker(number)).unwrap());
            }
        });
        let list = read(Some(root.path())).unwrap();
        assert_eq!(list.drives.len(), 16);
        assert!((0..16).all(|number| list.knows(&marker(number))));
    }
}
