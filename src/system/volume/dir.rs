//! A directory, held open: the only way to reach what is in it.

use super::disk::{self, MountLine, Shared};
use super::fault::{Call, Fault};
use super::file::{InFile, OutFile};
use super::medium::Medium;
use super::stat::{FileKind, Stat};
use crate::system::flock;
use nix::dir::{Dir as Listing, Type};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, RenameFlags, ResolveFlag};
use nix::sys::stat::Mode;
use nix::unistd::UnlinkatFlags;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// An open directory. Names given to its methods are single components.
#[derive(Debug)]
pub struct Dir {
    fd: OwnedFd,
    device: u64,
    inode: u64,
}

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: Vec<u8>,
    /// `None` where the file system does not tell without a `stat`.
    pub kind: Option<FileKind>,
}

/// Room on a file system, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    pub free: u64,
    pub total: u64,
    /// The size that a file's is rounded up to.
    pub block: u64,
}

/// Held while nobody else may work on a directory; the kernel lets go when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _held: OwnedFd,
}

const DIRECTORY: OFlag = OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

impl Dir {
    /// Opens a volume's root, or any folder that was named by the user; links on the way are followed.
    ///
    /// # Errors
    /// When it can't be opened as a directory.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        Dir::held(nix::fcntl::open(path, DIRECTORY, Mode::empty()).call("open")?)
    }

    /// Opens a directory in this one. A link, or anything mounted there (a bind mount of this very file system too: it
    /// would lead to another folder than the name says), is an error.
    ///
    /// # Errors
    /// When it isn't there, is no directory, or lies on another device.
    pub fn sub(&self, name: &[u8]) -> Result<Self, Fault> {
        let flags = DIRECTORY | OFlag::O_NOFOLLOW;
        let how = OpenHow::new().flags(flags).resolve(ResolveFlag::RESOLVE_NO_XDEV);
        let fd = match nix::fcntl::openat2(&self.fd, name, how) {
            // Linux before 5.6, and containers whose filter does not know the call, see other file systems only.
            Err(Errno::ENOSYS | Errno::EPERM) => nix::fcntl::openat(&self.fd, name, flags, Mode::empty()),
            answer => answer,
        };
        let dir = Dir::held(fd.call("open")?)?;
        if dir.device != self.device {
            return Err(Fault::new("open", Errno::EXDEV));
        }
        Ok(dir)
    }

    /// This directory once more, with a descriptor of its own.
    ///
    /// # Errors
    /// When it can't be opened again.
    pub fn again(&self) -> Result<Self, Fault> {
        Dir::held(nix::fcntl::openat(&self.fd, c".", DIRECTORY, Mode::empty()).call("open")?)
    }

    /// Makes a directory in this one, if it isn't there, and opens it. Tells whether it was made.
    ///
    /// # Errors
    /// As [`Dir::sub`], and when it can't be made.
    pub fn make_sub(&self, name: &[u8]) -> Result<(Self, bool), Fault> {
        let made = match nix::sys::stat::mkdirat(&self.fd, name, Mode::from_bits_truncate(0o755)) {
            Ok(()) => true,
            Err(Errno::EEXIST) => false,
            Err(errno) => return Err(Fault::new("mkdir", errno)),
        };
        Ok((self.sub(name)?, made))
    }

    /// Everything in this directory but `.` and `..`, in the order of the file system.
    ///
    /// # Errors
    /// When reading it fails; what was read until then is dropped.
    pub fn list(&self) -> Result<Vec<Entry>, Fault> {
        // A descriptor of its own, so that its position is its own.
        let open = |flags| nix::fcntl::openat(&self.fd, c".", flags, Mode::empty());
        let fd = match open(DIRECTORY | OFlag::O_NOATIME) {
            // Only the owner, and root, may leave no trace of the reading.
            Err(Errno::EPERM) => open(DIRECTORY),
            answer => answer,
        };
        let fd = fd.call("open")?;
        let mut listing = Listing::from_fd(fd).call("readdir")?;
        let mut entries = Vec::new();
        for entry in listing.iter() {
            let entry = entry.call("readdir")?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let kind = entry.file_type().map(|t| match t {
                Type::Fifo => FileKind::Fifo,
                Type::CharacterDevice | Type::BlockDevice => FileKind::Device,
                Type::Directory => FileKind::Directory,
                Type::File => FileKind::File,
                Type::Symlink => FileKind::Symlink,
                Type::Socket => FileKind::Socket,
            });
            entries.push(Entry { name: name.to_vec(), kind });
        }
        Ok(entries)
    }

    /// Looks at what a name stands for, itself, never what it points to; `None` when there is no such name.
    ///
    /// # Errors
    /// When the file system can't tell.
    pub fn stat(&self, name: &[u8]) -> Result<Option<Stat>, Fault> {
        match nix::sys::stat::fstatat(&self.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Stat::from_raw(&stat))),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(Fault::new("stat", errno)),
        }
    }

    /// Opens a regular file for reading, past the page cache where `direct` is wanted and possible.
    ///
    /// # Errors
    /// When it can't be opened, is no regular file, or lies on another device.
    pub fn read(&self, name: &[u8], direct: bool) -> Result<InFile, Fault> {
        InFile::open(self.fd.as_fd(), self.device, name, direct)
    }

    /// Creates a file that must not exist yet, for writing and reading back.
    ///
    /// # Errors
    /// When the name is taken or the file can't be created.
    pub fn create(&self, name: &[u8]) -> Result<OutFile, Fault> {
        OutFile::create(self.fd.as_fd(), self.device, name)
    }

    /// Opens a file that is there, for writing.
    ///
    /// # Errors
    /// When it can't be opened as a regular file of this volume.
    pub fn reopen(&self, name: &[u8]) -> Result<OutFile, Fault> {
        OutFile::reopen(self.fd.as_fd(), self.device, name)
    }

    /// Gives a file in this directory its name in `to`, and never replaces one.
    ///
    /// # Errors
    /// [`FaultKind::Exists`](super::FaultKind) when the name is taken.
    pub fn rename(&self, from: &[u8], to: &Dir, name: &[u8]) -> Result<(), Fault> {
        // FUSE before its version 7.23, and with it ntfs-3g, knows no flags and says so only of a name that exists: there
        // is no way to ask beforehand.
        match nix::fcntl::renameat2(&self.fd, from, &to.fd, name, RenameFlags::RENAME_NOREPLACE) {
            Err(Errno::EINVAL | Errno::ENOSYS | Errno::EOPNOTSUPP) => {}
            answer => return answer.call("rename"),
        }
        // A hard link refuses a taken name just as atomically.
        match nix::unistd::linkat(&self.fd, from, &to.fd, name, AtFlags::empty()) {
            Ok(()) => return self.unlink(from),
            Err(Errno::EPERM | Errno::EOPNOTSUPP | Errno::ENOSYS | Errno::EMLINK | Errno::EINVAL) => {}
            Err(errno) => return Err(Fault::new("link", errno)),
        }
        // Neither: look, then rename. Only another program could come in between; piback itself holds the lock.
        if to.stat(name)?.is_some() {
            return Err(Fault::new("rename", Errno::EEXIST));
        }
        nix::fcntl::renameat(&self.fd, from, &to.fd, name).call("rename")
    }

    /// Removes a name that is no directory.
    ///
    /// # Errors
    /// When it can't be removed, or is a directory.
    pub fn unlink(&self, name: &[u8]) -> Result<(), Fault> {
        nix::unistd::unlinkat(&self.fd, name, UnlinkatFlags::NoRemoveDir).call("unlink")
    }

    /// Makes the names in this directory durable. ext4 answers 0 even when its drive was pulled: this call alone
    /// proves nothing there.
    ///
    /// # Errors
    /// When the medium did not take it.
    pub fn sync(&self) -> Result<(), Fault> {
        match nix::unistd::fsync(&self.fd) {
            // Some FUSE file systems have no fsync for directories, and say so.
            Err(Errno::EINVAL | Errno::ENOSYS | Errno::EOPNOTSUPP) => Ok(()),
            answer => answer.call("fsync"),
        }
    }

    /// Makes the whole file system durable. A failed write is told once per descriptor, and only to descriptors
    /// that were open before: call it on one that was opened when the run began.
    ///
    /// # Errors
    /// When the medium did not take it.
    pub fn sync_all(&self) -> Result<(), Fault> {
        nix::unistd::syncfs(&self.fd).call("syncfs")
    }

    /// # Errors
    /// When the file system does not answer.
    pub fn space(&self) -> Result<Space, Fault> {
        let statfs = nix::sys::statfs::fstatfs(&self.fd).call("statfs")?;
        let block = u64::try_from(statfs.block_size()).unwrap_or(4096).max(1);
        let bytes = |blocks: u64| blocks.saturating_mul(block);
        Ok(Space { free: bytes(statfs.blocks_available()), total: bytes(statfs.blocks()), block })
    }

    /// Asks what this file system is known to do.
    ///
    /// # Errors
    /// When the file system does not answer.
    pub fn medium(&self) -> Result<Medium, Fault> {
        let statfs = nix::sys::statfs::fstatfs(&self.fd).call("statfs")?;
        Ok(Medium::from_magic(statfs.filesystem_type().0 as u64))
    }

    /// Locks this directory against other piback runs; `None` when another holds it.
    ///
    /// # Errors
    /// When the file system has no locks.
    pub fn lock(&self) -> Result<Option<Lock>, Fault> {
        let fd = nix::fcntl::openat(&self.fd, c".", DIRECTORY, Mode::empty()).call("open")?;
        let is_ours = flock::try_exclusive(&fd).call("flock")?;
        Ok(is_ours.then_some(Lock { _held: fd }))
    }

    /// Tells whether `path` still leads to this very directory (not to a drive mounted there since, nor to the empty
    /// folder that a vanished drive left).
    #[must_use]
    pub fn is_at(&self, path: &Path) -> bool {
        nix::sys::stat::stat(path).is_ok_and(|s| s.st_dev == self.device && s.st_ino == self.inode)
    }

    /// Tells whether this directory is `other`, or lies anywhere below it.
    ///
    /// # Errors
    /// When a directory on the way up can't be opened.
    pub fn is_within(&self, other: &Dir) -> Result<bool, Fault> {
        let mut at = (self.device, self.inode);
        let mut fd = nix::fcntl::openat(&self.fd, c".", DIRECTORY, Mode::empty()).call("open")?;
        loop {
            if at == (other.device, other.inode) {
                return Ok(true);
            }
            fd = nix::fcntl::openat(&fd, c"..", DIRECTORY, Mode::empty()).call("open")?;
            let stat = nix::sys::stat::fstat(&fd).call("stat")?;
            // The root is its own parent.
            if at == (stat.st_dev, stat.st_ino) {
                return Ok(false);
            }
            at = (stat.st_dev, stat.st_ino);
        }
    }

    /// Tells what this folder and `other` share, as far as the kernel knows: behind a network or a FUSE daemon
    /// nothing can be seen.
    #[must_use]
    pub fn shares_with(&self, other: &Dir) -> Option<Shared> {
        if self.device == other.device {
            return Some(Shared::FileSystem);
        }
        let theirs = disk::disks(other.fd.as_fd(), other.device);
        let ours = disk::disks(self.fd.as_fd(), self.device);
        ours.iter().any(|disk| theirs.contains(disk)).then_some(Shared::Disk)
    }

    /// Tells what the kernel says of the mount that this folder is seen through; `None` where it can't be asked.
    #[must_use]
    pub fn mount(&self) -> Option<MountLine> {
        disk::mount_of(self.fd.as_fd())
    }

    /// The device number of the file system, to compare only.
    #[must_use]
    pub fn device(&self) -> u64 {
        self.device
    }

    /// The inode number, to compare only.
    #[must_use]
    pub fn inode(&self) -> u64 {
        self.inode
    }

    /// Tells whether the block device below is still plugged in, as far as the kernel's list of devices tells. Where
    /// no block device is below (tmpfs, FUSE), the answer is yes.
    #[must_use]
    pub fn device_present(&self) -> bool {
        let (major, minor) = (nix::sys::stat::major(self.device), nix::sys::stat::minor(self.device));
        major == 0 || Path::new(&format!("/sys/dev/block/{major}:{minor}")).exists()
    }

    fn held(fd: OwnedFd) -> Result<Self, Fault> {
        let stat = nix::sys::stat::fstat(&fd).call("stat")?;
        Ok(Dir { fd, device: stat.st_dev, inode: stat.st_ino })
    }
}
