//! A lock on an open file, which goes with its descriptor. nix's own gives it back when it is dropped, and panics where
//! the kernel refuses that: closing lets go of it all the same, and asks nobody.

use nix::errno::Errno;
use nix::libc;
use std::os::fd::{AsFd, AsRawFd};

/// Locks an open file or directory against other descriptors, at once; `false` when another holds it. The lock ends when
/// the last copy of the descriptor is closed.
///
/// # Errors
/// The kernel's: a file system without locks.
#[allow(unsafe_code, reason = "nix has no flock that does not panic when it is dropped")]
pub fn try_exclusive(fd: &impl AsFd) -> Result<bool, Errno> {
    // SAFETY: flock(2) takes a descriptor, which is open as long as `fd` is borrowed, and touches no memory.
    let answer = unsafe { libc::flock(fd.as_fd().as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) };
    match Errno::result(answer) {
        Ok(_) => Ok(true),
        Err(Errno::EWOULDBLOCK) => Ok(false),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::Host;
    use crate::system::real::RealHost;
    use std::fs::File;

    #[test]
    fn one_holds_it_until_it_is_closed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let [first, second] = [0, 1].map(|_| File::open(file.path()).unwrap());
        assert_eq!(try_exclusive(&first), Ok(true));
        assert_eq!(try_exclusive(&second), Ok(false));
        drop(first);
        assert_eq!(try_exclusive(&second), Ok(true));
    }

    /// A lock whose letting go fails (a drive that was pulled, a network file system) must not end the process.
    #[test]
    fn letting_go_asks_nobody() {
        let root = tempfile::tempdir().unwrap();
        let host = RealHost::tree(root.path()).unwrap();
        let held = host.lock("/lock").unwrap().unwrap();
        assert!(host.lock("/lock").unwrap().is_none());
        let is_lock = |fd: &i32| {
            std::fs::read_link(format!("/proc/self/fd/{fd}")).is_ok_and(|to| to == root.path().join("lock"))
        };
        let of_lock = (0..1024).find(is_lock).unwrap();
        // An O_PATH descriptor in its place: flock(2) answers EBADF to it, close(2) does not.
        let dead = nix::fcntl::open("/", nix::fcntl::OFlag::O_PATH, nix::sys::stat::Mode::empty()).unwrap();
        // SAFETY: the descriptor is `held`'s, which does nothing with it but close it.
        let _ = unsafe { nix::unistd::dup2_raw(&dead, of_lock) }
            .map(std::os::fd::IntoRawFd::into_raw_fd)
            .unwrap();
        drop(held);
        assert!(host.lock("/lock").unwrap().is_some(), "closed is let go");
    }
}
