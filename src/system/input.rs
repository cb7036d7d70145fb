//! The user's own files outside the host's tree: files named on the command line, a folder to write
//! to.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A small file named on the command line.
///
/// # Errors
/// The kernel's, and `FileTooLarge` over 1 MiB.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    const LARGEST: u64 = 1024 * 1024;
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 1 MiB"));
    }
    Ok(bytes)
}

/// Tells whether something stands at a path: a link that leads nowhere too.
#[must_use]
pub fn is_there(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

/// Tells whether nothing stands at a path; `false` where that can't be known.
#[must_use]
pub fn is_absent(path: &Path) -> bool {
    let found = std::fs::symlink_metadata(path);
    found.is_err_and(|e| matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory))
}

/// Everything below a directory that is no directory itself, by its path from there; none when it is absent. Stops at
/// the first thousand.
///
/// # Errors
/// The kernel's, as when it is no directory.
pub fn files_below(dir: &Path) -> io::Result<Vec<PathBuf>> {
    const MOST: usize = 1000;
    let (mut found, mut todo) = (Vec::new(), vec![dir.to_path_buf()]);
    while let Some(folder) = todo.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Err(e) if e.kind() == io::ErrorKind::NotFound && folder == dir => return Ok(found),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            match path.symlink_metadata()?.is_dir() {
                true => todo.push(path),
                false => found.push(path.strip_prefix(dir).unwrap_or(&path).to_path_buf()),
            }
            if found.len() >= MOST {
                return Ok(found);
            }
        }
    }
    Ok(found)
}

/// Makes a directory and those above it.
///
/// # Errors
/// The kernel's.
pub fn make_dirs(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

/// Writes a file that the user asked for by name (man pages, a rendered tree): always a new one. What stands there goes
/// first, so that nothing is written through a link that somebody else put into the directory.
///
/// # Errors
/// The kernel's.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => io::Write::write_all(&mut File::create_new(path)?, bytes),
    }
}

/// Writes a file that the user asked for by name and that is nobody else's business: mode 0600 from its first byte.
///
/// # Errors
/// The kernel's; `AlreadyExists` when something stands there.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    io::Write::write_all(&mut file, bytes)?;
    file.sync_all()
}

/// Writes a file that the user asked for by name, and that is for nobody else to read: mode 0600 from its first byte, and
/// the user's own also where `sudo` was in front of the command. It gets its name when it is whole.
///
/// # Errors
/// The kernel's; `AlreadyExists` when something stands there. Nothing is left half-written.
pub fn new_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if is_there(path) {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let name = path.file_name().ok_or_else(|| io::Error::other("it names no file"))?;
    let mut half = std::ffi::OsString::from(".");
    half.push(name);
    half.push(super::HALF_WRITTEN);
    let half = path.with_file_name(half);
    // One that a killed process left.
    match std::fs::remove_file(&half) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let written = write_private(&half, bytes)
        .and_then(|()| match super::process::typed_by() {
            Some((user, group)) => std::os::unix::fs::lchown(&half, Some(user), Some(group)),
            None => Ok(()),
        })
        .and_then(|()| std::fs::rename(&half, path));
    if written.is_err() {
        // What went wrong first is what matters.
        let _ = std::fs::remove_file(&half);
    }
    written
}
