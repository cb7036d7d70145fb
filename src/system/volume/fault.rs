//! The answer of a system call, and what it means for a backup.

use nix::errno::Errno;
use std::fmt;

/// A call that failed, and its error number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The system call's name, for messages.
    pub call: &'static str,
    errno: Errno,
}

/// The meaning of a failed call for the medium or the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// Input/output error: a bad sector, or a medium that is gone (only a second look tells).
    Io,
    /// Structures of the file system make no sense: this concerns one file or folder.
    Damaged,
    /// The device, or the daemon behind a FUSE mount, is not there any more.
    Gone,
    /// The medium turned read-only: what ext4 answers when its drive is pulled.
    ReadOnly,
    /// Full, or over quota.
    NoSpace,
    /// Larger than the file system can hold (4 GiB - 1 on FAT32).
    TooLarge,
    /// The file system can't hold this name.
    BadName,
    /// The name is taken.
    Exists,
    /// No such file or directory.
    Missing,
    /// A component is no directory, or is a link.
    NotADirectory,
    /// Another file system is mounted here.
    OtherDevice,
    /// The call, or this use of it, is unknown to the file system.
    Unsupported,
    /// Not allowed.
    Denied,
    /// This process, or the host, has no more open files to give: neither the medium's fault nor the name's.
    Exhausted,
    Other,
}

impl Fault {
    pub(super) fn new(call: &'static str, errno: Errno) -> Self {
        Fault { call, errno }
    }

    #[must_use]
    pub fn kind(self) -> FaultKind {
        match self.errno {
            Errno::EIO => FaultKind::Io,
            Errno::EUCLEAN | Errno::EBADMSG => FaultKind::Damaged,
            Errno::ENODEV
            | Errno::ENXIO
            | Errno::ENOTCONN
            | Errno::ESTALE
            | Errno::ESHUTDOWN
            | Errno::ENOMEDIUM => FaultKind::Gone,
            Errno::EROFS => FaultKind::ReadOnly,
            Errno::ENOSPC | Errno::EDQUOT => FaultKind::NoSpace,
            Errno::EFBIG => FaultKind::TooLarge,
            Errno::ENAMETOOLONG | Errno::EILSEQ => FaultKind::BadName,
            Errno::EEXIST => FaultKind::Exists,
            Errno::ENOENT => FaultKind::Missing,
            Errno::ENOTDIR | Errno::ELOOP => FaultKind::NotADirectory,
            Errno::EXDEV => FaultKind::OtherDevice,
            Errno::ENOSYS | Errno::EOPNOTSUPP | Errno::EINVAL => FaultKind::Unsupported,
            Errno::EACCES | Errno::EPERM => FaultKind::Denied,
            Errno::EMFILE | Errno::ENFILE => FaultKind::Exhausted,
            _ => FaultKind::Other,
        }
    }

    /// Tells whether a *drive* that answers this can't be written any further: on a pulled one vfat and exFAT say EIO
    /// or ENODEV, ext4 says EROFS or EIO. For a card, EIO alone may be one bad sector.
    #[must_use]
    pub fn ends_the_drive(self) -> bool {
        matches!(self.kind(), FaultKind::Io | FaultKind::Gone | FaultKind::ReadOnly)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.errno.desc(), self.call)
    }
}

impl std::error::Error for Fault {}

/// Names the call of a failed nix result.
pub(super) trait Call<T> {
    fn call(self, call: &'static str) -> Result<T, Fault>;
}

impl<T> Call<T> for nix::Result<T> {
    fn call(self, call: &'static str) -> Result<T, Fault> {
        self.map_err(|errno| Fault::new(call, errno))
    }
}
