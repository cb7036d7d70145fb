//! The kernel's word on a name or an open file.

use nix::sys::stat::{FileStat, SFlag};

/// The kind of thing that a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    File,
    Directory,
    Symlink,
    Fifo,
    Socket,
    Device,
}

/// The answer of `stat` about a name or an open file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    pub kind: FileKind,
    /// In bytes.
    pub size: u64,
    /// Modification time, nanoseconds since 1970; saturated at what an `i64` holds.
    pub mtime: i64,
    /// Change time, likewise.
    pub ctime: i64,
    pub device: u64,
    pub inode: u64,
}

impl Stat {
    /// Tells whether it is a regular file of this size.
    #[must_use]
    pub fn is_file_of(&self, size: u64) -> bool {
        self.kind == FileKind::File && self.size == size
    }

    pub(super) fn from_raw(stat: &FileStat) -> Self {
        let kind = match SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) {
            SFlag::S_IFDIR => FileKind::Directory,
            SFlag::S_IFLNK => FileKind::Symlink,
            SFlag::S_IFIFO => FileKind::Fifo,
            SFlag::S_IFSOCK => FileKind::Socket,
            SFlag::S_IFREG => FileKind::File,
            _ => FileKind::Device,
        };
        let nanoseconds = |s: i64, ns: i64| s.saturating_mul(1_000_000_000).saturating_add(ns);
        Stat {
            kind,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            mtime: nanoseconds(stat.st_mtime, stat.st_mtime_nsec),
            ctime: nanoseconds(stat.st_ctime, stat.st_ctime_nsec),
            device: stat.st_dev,
            inode: stat.st_ino,
        }
    }
}
