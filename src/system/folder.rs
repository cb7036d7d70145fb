//! A folder held open: small records in it are read and replaced through its descriptor, so that neither a symlink
//! nor an unmount in between leads anywhere else.

use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat, renameat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat, mkdirat};
use nix::unistd::{UnlinkatFlags, fsync, unlinkat};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// A folder that the user named: its real path, and the device that it lies on, as `st_dev`.
///
/// # Errors
/// It is missing or no folder.
pub fn real(path: &Path) -> io::Result<(PathBuf, u64)> {
    let real = std::fs::canonicalize(path)?;
    let device = Folder::open(&real)?.device()?;
    Ok((real, device))
}

/// An open folder.
#[derive(Debug)]
pub struct Folder(OwnedFd);

const FOLDER: OFlag = OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

impl Folder {
    /// Opens a folder by path; symlinks on the way are followed.
    ///
    /// # Errors
    /// It is missing, no folder, or not to be read.
    pub fn open(path: &Path) -> io::Result<Folder> {
        Ok(Folder(open(path, FOLDER, Mode::empty())?))
    }

    /// The folder `name` in this one; a symlink is refused.
    ///
    /// # Errors
    /// As [`Folder::open`].
    pub fn sub(&self, name: &str) -> io::Result<Folder> {
        Ok(Folder(openat(&self.0, name, FOLDER | OFlag::O_NOFOLLOW, Mode::empty())?))
    }

    /// As [`Folder::sub`], and makes it first if it is missing; durable when this returns.
    ///
    /// # Errors
    /// It can't be made, or is not a folder.
    pub fn make_sub(&self, name: &str, mode: u32) -> io::Result<Folder> {
        match mkdirat(&self.0, name, Mode::from_bits_truncate(mode)) {
            Ok(()) => self.sync()?,
            Err(Errno::EEXIST) => {}
            Err(e) => return Err(e.into()),
        }
        self.sub(name)
    }

    /// The device that the folder lies on, as `st_dev`.
    ///
    /// # Errors
    /// The kernel can't say.
    pub fn device(&self) -> io::Result<u64> {
        Ok(fstat(&self.0)?.st_dev)
    }

    /// The kernel's record of the folder itself.
    ///
    /// # Errors
    /// The kernel can't say.
    pub fn stat(&self) -> io::Result<FileStat> {
        Ok(fstat(&self.0)?)
    }

    /// Names in it, sorted; those that are not UTF-8 are left out, as piback writes none.
    ///
    /// # Errors
    /// It can't be read.
    pub fn names(&self) -> io::Result<Vec<String>> {
        self.entries(|_| true)
    }

    /// Names of the folders in it, sorted; symlinks are none.
    ///
    /// # Errors
    /// It can't be read.
    pub fn folders(&self) -> io::Result<Vec<String>> {
        self.entries(|kind| kind == Some(Type::Directory))
    }

    fn entries(&self, wanted: impl Fn(Option<Type>) -> bool) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        // A descriptor of its own: reading moves the position.
        for entry in Dir::from_fd(openat(&self.0, ".", FOLDER, Mode::empty())?)?.iter() {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            if name != "." && name != ".." && wanted(self.kind(name, entry.file_type())) {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    fn kind(&self, name: &str, told: Option<Type>) -> Option<Type> {
        // Some file systems leave the type to stat.
        told.or_else(|| {
            let mode = fstatat(&self.0, name, AtFlags::AT_SYMLINK_NOFOLLOW).ok()?.st_mode;
            (SFlag::from_bits_truncate(mode & SFlag::S_IFMT.bits()) == SFlag::S_IFDIR)
                .then_some(Type::Directory)
        })
    }

    /// The text of a small file, or `None` if there is no such name.
    ///
    /// # Errors
    /// It is no plain file, longer than `longest`, no UTF-8, or can't be read.
    pub fn read(&self, name: &str, longest: u64) -> io::Result<Option<String>> {
        // O_NONBLOCK: opening a fifo of that name must not wait for a writer.
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        let file = match openat(&self.0, name, flags, Mode::empty()) {
            Ok(fd) => File::from(fd),
            Err(Errno::ENOENT) => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no plain file"));
        }
        let mut text = String::new();
        if file.take(longest + 1).read_to_string(&mut text)? as u64 > longest {
            return Err(io::Error::other("it is longer than anything that piback writes"));
        }
        Ok(Some(text))
    }

    /// Puts a small file in place of what had that name, or leaves that as it was; durable when this returns.
    ///
    /// # Errors
    /// Whatever the file system says; the temporary file is gone then.
    pub fn replace(&self, name: &str, text: &str, mode: u32) -> io::Result<()> {
        let temporary = format!(".{name}.piback-new");
        // Left by a run that lost power here; nobody else uses this name.
        let _ = self.remove(&temporary);
        let put = || -> io::Result<()> {
            let mut file = self.create(&temporary, mode)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            renameat(&self.0, temporary.as_str(), &self.0, name)?;
            self.sync()
        };
        put().inspect_err(|_| {
            let _ = self.remove(&temporary);
        })
    }

    fn sync(&self) -> io::Result<()> {
        match fsync(&self.0) {
            // Some FUSE file systems can't sync a folder and say so.
            Ok(()) | Err(Errno::EINVAL | Errno::ENOTSUP) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    /// Makes a file that must not exist yet, open for reading and writing.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn create(&self, name: &str, mode: u32) -> io::Result<File> {
        let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        Ok(File::from(openat(&self.0, name, flags, Mode::from_bits_truncate(mode))?))
    }

    /// Opens a plain file to read; `None` if there is no such name.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn file(&self, name: &str) -> io::Result<Option<File>> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        match openat(&self.0, name, flags, Mode::empty()) {
            Ok(fd) => Ok(Some(File::from(fd))),
            Err(Errno::ENOENT) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// Gives a file another name, in the place of what had it.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(renameat(&self.0, from, &self.0, to)?)
    }

    /// Removes a file.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        Ok(unlinkat(&self.0, name, UnlinkatFlags::NoRemoveDir)?)
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_record_is_replaced_whole_and_read_back() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = Folder::open(scratch.path()).unwrap();
        assert_eq!(folder.read("a", 10).unwrap(), None);
        std::fs::write(scratch.path().join(".a.piback-new"), "left behind").unwrap();
        folder.replace("a", "one", 0o640).unwrap();
        folder.replace("a", "two", 0o640).unwrap();
        assert_eq!(folder.read("a", 3).unwrap().as_deref(), Some("two"));
        assert!(folder.read("a", 2).unwrap_err().to_string().contains("longer"));
        assert_eq!(folder.names().unwrap(), ["a"]);
        let mode = std::fs::metadata(scratch.path().join("a")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }

    #[test]
    fn symlinks_lead_nowhere() {
        let scratch = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        std::fs::write(elsewhere.path().join("drive.json"), "theirs").unwrap();
        symlink(elsewhere.path(), scratch.path().join(".piback")).unwrap();
        symlink(elsewhere.path().join("drive.json"), scratch.path().join("drive.json")).unwrap();
        let folder = Folder::open(scratch.path()).unwrap();
        assert!(folder.sub(".piback").is_err());
        assert!(folder.make_sub(".piback", 0o755).is_err());
        assert!(folder.read("drive.json", 100).is_err());
        // Replacing puts a file in the link's place and does not write through it.
        folder.replace("drive.json", "ours", 0o644).unwrap();
        assert_eq!(std::fs::read_to_string(elsewhere.path().join("drive.json")).unwrap(), "theirs");
        assert_eq!(folder.folders().unwrap(), Vec::<String>::new());
        folder.make_sub("x", 0o755).unwrap();
        assert_eq!(folder.folders().unwrap(), ["x"]);
    }

    #[test]
    fn a_fifo_does_not_hold_the_reader() {
        let scratch = tempfile::tempdir().unwrap();
        nix::unistd::mkfifo(&scratch.path().join("f"), Mode::S_IRWXU).unwrap();
        let folder = Folder::open(scratch.path()).unwrap();
        assert!(folder.read("f", 9).unwrap_err().to_string().contains("no plain file"));
    }
}
