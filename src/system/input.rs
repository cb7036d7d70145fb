//! What the user hands over outside the host's tree: files named on the command line, randomness, a folder to
//! write to.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

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

/// Whether a directory has nothing in it, or is not there.
///
/// # Errors
/// The kernel's, as when it is no directory.
pub fn is_empty_or_absent(dir: &Path) -> io::Result<bool> {
    match std::fs::read_dir(dir) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(e) => Err(e),
    }
}

/// Bytes from the kernel's generator.
///
/// # Errors
/// The kernel's.
pub fn random(count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Makes a directory and those above it.
///
/// # Errors
/// The kernel's.
pub fn make_dirs(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

/// Writes a file that the user asked for by name (man pages, a rendered tree).
///
/// # Errors
/// The kernel's.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    std::fs::write(path, bytes)
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
