//! A root directory that paths can't leave: neither through `..` nor through a symbolic link.
//!
//! The kernel resolves inside the root (`openat2` with `RESOLVE_IN_ROOT`, Linux 5.6). Older ones, as on Stretch and
//! Buster, get the same answer by a walk that takes one part at a time and follows links itself.

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat, openat2, readlinkat};
use nix::sys::stat::{FileStat, Mode, fstatat};
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Links in a row before the walk takes them for a circle (the kernel's own limit, path_resolution(7)).
const MOST_LINKS: usize = 40;

#[derive(Debug)]
pub struct Tree {
    root: OwnedFd,
}

/// A directory inside the tree and the name below it that a call is about.
pub struct Place<'a> {
    pub dir: OwnedFd,
    pub name: &'a OsStr,
}

impl Tree {
    pub fn open(root: &Path) -> io::Result<Self> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let root = nix::fcntl::open(root, flags, Mode::empty())?;
        Ok(Tree { root })
    }

    /// Opens what a path leads to, links followed inside the root.
    pub fn open_at(&self, path: &str, flags: OFlag) -> io::Result<OwnedFd> {
        let how = OpenHow::new()
            .flags(flags | OFlag::O_CLOEXEC)
            .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
        // EAGAIN: something was renamed while the kernel resolved `..`; it asks to try again (openat2(2)).
        let mut opened = openat2(&self.root, path, how);
        for _ in 0..8 {
            if matches!(opened, Err(Errno::EAGAIN)) {
                opened = openat2(&self.root, path, how);
            }
        }
        match opened {
            Ok(fd) => Ok(fd),
            // EPERM: the seccomp filter of an old container that does not know the call.
            Err(Errno::ENOSYS | Errno::EPERM) => walk(self.root.as_fd(), path, flags),
            Err(e) => Err(e.into()),
        }
    }

    /// The directory that holds `path`'s last part; `None` when there is no such directory.
    pub fn place<'a>(&self, path: &'a str) -> io::Result<Option<Place<'a>>> {
        let (dir, name) = path.trim_end_matches('/').rsplit_once('/').unwrap_or(("", path));
        if matches!(name, "" | "." | "..") {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not the path of a file"));
        }
        let dir = if dir.is_empty() { "/" } else { dir };
        match self.open_at(dir, OFlag::O_PATH | OFlag::O_DIRECTORY) {
            Ok(dir) => Ok(Some(Place { dir, name: OsStr::from_bytes(name.as_bytes()) })),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }
}

impl Place<'_> {
    /// Reads what stands there, the name itself not followed; `None` for nothing.
    pub fn stat(&self) -> io::Result<Option<FileStat>> {
        match fstatat(&self.dir, self.name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::ENOENT) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
}

/// Does what `openat2` does with `RESOLVE_IN_ROOT`, for kernels without it.
fn walk(root: BorrowedFd<'_>, path: &str, flags: OFlag) -> io::Result<OwnedFd> {
    let look = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut todo: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
    // The directories from the root down to here: `..` goes back along it and stops at the root.
    let mut stack: Vec<OwnedFd> = vec![root.try_clone_to_owned()?];
    let mut links = 0;
    while let Some(part) = todo.pop() {
        if part.is_empty() || part == "." {
            continue;
        }
        if part == ".." {
            if stack.len() > 1 {
                stack.pop();
            }
            continue;
        }
        let Some(here) = stack.last() else { return Err(Errno::ENOENT.into()) };
        let next = openat(here, part.as_str(), look, Mode::empty())?;
        let kind = nix::sys::stat::fstat(&next)?.st_mode & libc_mode::S_IFMT;
        if kind == libc_mode::S_IFLNK {
            links += 1;
            if links > MOST_LINKS {
                return Err(Errno::ELOOP.into());
            }
            let target = readlinkat(here, part.as_str())?;
            let target = target.to_str().ok_or(Errno::EILSEQ)?;
            if target.starts_with('/') {
                stack.truncate(1);
            }
            todo.extend(target.split('/').rev().map(str::to_owned));
            continue;
        }
        stack.push(next);
    }
    let Some(found) = stack.pop() else { return Err(Errno::ENOENT.into()) };
    // Opened for the wanted use by its descriptor, so that nothing can be swapped in between.
    let handle = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&found));
    Ok(nix::fcntl::open(handle.as_str(), (flags & !OFlag::O_NOFOLLOW) | OFlag::O_CLOEXEC, Mode::empty())?)
}

/// The kind bits of `st_mode`, under nix's own names.
pub mod libc_mode {
    use nix::sys::stat::SFlag;
    pub const S_IFMT: u32 = SFlag::S_IFMT.bits();
    pub const S_IFLNK: u32 = SFlag::S_IFLNK.bits();
    pub const S_IFREG: u32 = SFlag::S_IFREG.bits();
    pub const S_IFDIR: u32 = SFlag::S_IFDIR.bits();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Read;
    use std::os::unix::fs::symlink;

    fn read(fd: io::Result<OwnedFd>) -> io::Result<String> {
        let mut text = String::new();
        fs::File::from(fd?).read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn no_way_leads_out_and_both_walks_agree() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        fs::create_dir_all(root.join("etc/real")).unwrap();
        fs::write(dir.path().join("secret"), "outside").unwrap();
        fs::write(root.join("secret"), "inside").unwrap();
        fs::write(root.join("etc/real/file"), "file").unwrap();
        symlink("../../../../secret", root.join("etc/up")).unwrap();
        symlink("/secret", root.join("etc/absolute")).unwrap();
        symlink(dir.path().join("secret"), root.join("etc/host")).unwrap();
        symlink("real", root.join("etc/alias")).unwrap();
        symlink("circle", root.join("etc/circle")).unwrap();
        let tree = Tree::open(&root).unwrap();
        let flags = OFlag::O_RDONLY;
        for (path, wanted) in [
            ("/etc/up", Some("inside")),
            ("/etc/absolute", Some("inside")),
            ("/etc/alias/file", Some("file")),
            ("/../../secret", Some("inside")),
            ("/etc/alias/../../secret", Some("inside")),
            ("/etc/host", None),
            ("/etc/circle", None),
            ("/etc/nothing", None),
        ] {
            let kernel = read(tree.open_at(path, flags)).ok();
            let own = read(walk(tree.root.as_fd(), path, flags)).ok();
            assert_eq!(kernel.as_deref(), wanted, "openat2 {path}");
            assert_eq!(own.as_deref(), wanted, "walk {path}");
        }
    }
}
