//! A private directory for files that tools are to look at before they are installed.

use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Those of this process so far: tests make several at once.
static MADE: AtomicU32 = AtomicU32::new(0);

/// A directory of mode 0700 under `/run`, or the temporary directory where that can't be written.
#[derive(Debug)]
pub struct Scratch {
    dir: PathBuf,
}

impl Scratch {
    /// # Errors
    /// The kernel's.
    pub fn new() -> io::Result<Self> {
        let name = format!("piback-check-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for base in [PathBuf::from("/run"), std::env::temp_dir()] {
            let dir = base.join(&name);
            // `create` refuses a name that exists, so nobody can have laid one out for us.
            match std::fs::DirBuilder::new().mode(0o700).create(&dir) {
                Ok(()) => return Ok(Scratch { dir }),
                Err(e) => last = e,
            }
        }
        Err(last)
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Writes a file below it, mode 0600; `path` is taken as below the directory even when absolute.
    ///
    /// # Errors
    /// The kernel's.
    pub fn write(&self, path: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let file = self.dir.join(path.trim_start_matches('/'));
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let mut handle =
            std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&file)?;
        io::Write::write_all(&mut handle, bytes)?;
        Ok(file)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Under /run or /tmp, mode 0700: what stays after a failure here is gone with the next boot.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
