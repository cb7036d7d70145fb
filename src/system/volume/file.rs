//! Reading a card's file, and writing, syncing and reading back a drive's.

use super::buffer::ALIGN;
use super::fault::{Call, Fault};
use super::stat::{FileKind, Stat};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, PosixFadviseAdvice};
use nix::libc;
use nix::sys::stat::Mode;
use nix::sys::time::TimeSpec;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// A regular file, open for reading.
#[derive(Debug)]
pub struct InFile {
    fd: OwnedFd,
    direct: bool,
    opened: Stat,
}

/// A file, new in most cases, open for writing and for reading back.
#[derive(Debug)]
pub struct OutFile {
    fd: OwnedFd,
    direct: bool,
}

/// Bytes that a slow card reads in about the time that any request of it takes.
const ONE_REQUEST: u64 = 48 * 1024;

impl InFile {
    /// Opens a name in the folder `dir`, which lies on `device`.
    pub(super) fn open(dir: BorrowedFd<'_>, device: u64, name: &[u8], direct: bool) -> Result<Self, Fault> {
        // O_NONBLOCK: a fifo that took the file's place must not block the run.
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        let open = |flags| match nix::fcntl::openat(dir, name, flags | OFlag::O_NOATIME, Mode::empty()) {
            // Only the owner, and root, may leave no trace of the reading.
            Err(Errno::EPERM) => nix::fcntl::openat(dir, name, flags, Mode::empty()),
            answer => answer,
        };
        let (fd, direct) = match direct {
            true => match open(flags | OFlag::O_DIRECT) {
                Err(Errno::EINVAL | Errno::EOPNOTSUPP) => (open(flags).call("open")?, false),
                answer => (answer.call("open")?, true),
            },
            false => (open(flags).call("open")?, false),
        };
        let stat = Stat::from_raw(&nix::sys::stat::fstat(&fd).call("stat")?);
        let file = InFile { fd, direct, opened: stat };
        if stat.kind != FileKind::File {
            return Err(Fault::new("open", Errno::EINVAL));
        }
        if stat.device != device {
            return Err(Fault::new("open", Errno::EXDEV));
        }
        Ok(file)
    }

    /// Takes over a file that another process opened.
    ///
    /// # Errors
    /// It is no regular file.
    pub fn of(fd: OwnedFd) -> Result<Self, Fault> {
        let stat = Stat::from_raw(&nix::sys::stat::fstat(&fd).call("stat")?);
        if stat.kind != FileKind::File {
            return Err(Fault::new("open", Errno::EINVAL));
        }
        Ok(InFile { fd, direct: false, opened: stat })
    }

    /// The descriptor, to hand it to another process.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Returns what it was when it was opened.
    #[must_use]
    pub fn opened(&self) -> Stat {
        self.opened
    }

    /// Asks what it is now.
    ///
    /// # Errors
    /// When the file system does not answer.
    pub fn stat(&self) -> Result<Stat, Fault> {
        Ok(Stat::from_raw(&nix::sys::stat::fstat(&self.fd).call("stat")?))
    }

    /// Reads from `offset` until `space` is full or the file ends; returns the number of bytes.
    ///
    /// # Errors
    /// When a read fails; bytes before the bad place are lost to the caller, who asks again in smaller pieces.
    pub fn read_at(&mut self, space: &mut [u8], offset: u64) -> Result<usize, Fault> {
        let want = space.len();
        read_full(&self.fd, &mut self.direct, space, want, offset)
    }

    /// Tells the kernel that all of the file will be read soon.
    pub fn prefetch(&self) {
        advise(&self.fd, PosixFadviseAdvice::POSIX_FADV_WILLNEED);
    }

    /// Tells the kernel that of the file only these ends will be read, so that both are under way at once; what is not much
    /// longer than one request is fetched by one, as a whole.
    pub fn prefetch_ends(&self, head: usize, tail_at: u64, tail: usize) {
        let end = tail_at + tail as u64;
        // Without it each end would bring along what is around it.
        advise(&self.fd, PosixFadviseAdvice::POSIX_FADV_RANDOM);
        if end <= ONE_REQUEST {
            advise_range(&self.fd, 0, end, PosixFadviseAdvice::POSIX_FADV_WILLNEED);
        } else {
            advise_range(&self.fd, tail_at, tail as u64, PosixFadviseAdvice::POSIX_FADV_WILLNEED);
            advise_range(&self.fd, 0, head as u64, PosixFadviseAdvice::POSIX_FADV_WILLNEED);
        }
    }

    /// Tells the kernel that nothing more will be read here, and that nothing of it is worth keeping.
    pub fn forget(&self) {
        advise(&self.fd, PosixFadviseAdvice::POSIX_FADV_DONTNEED);
    }

    /// Makes sure that the next reads come from the medium: drops what is cached, and where a page stays all the
    /// same, reads past the cache.
    pub fn from_medium(&mut self) {
        self.forget();
        if !self.direct && still_cached(&self.fd) {
            self.direct = set_direct(&self.fd, true);
        }
    }
}

impl OutFile {
    /// Makes a file of that name in the folder `dir`, which lies on `device`.
    pub(super) fn create(dir: BorrowedFd<'_>, device: u64, name: &[u8]) -> Result<Self, Fault> {
        OutFile::open(dir, device, name, OFlag::O_CREAT | OFlag::O_EXCL, "create")
    }

    /// Opens a file that is there, in the folder `dir`, which lies on `device`.
    pub(super) fn reopen(dir: BorrowedFd<'_>, device: u64, name: &[u8]) -> Result<Self, Fault> {
        OutFile::open(dir, device, name, OFlag::O_NONBLOCK, "open")
    }

    fn open(
        dir: BorrowedFd<'_>,
        device: u64,
        name: &[u8],
        how: OFlag,
        call: &'static str,
    ) -> Result<Self, Fault> {
        let flags = how | OFlag::O_RDWR | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let fd = nix::fcntl::openat(dir, name, flags, Mode::from_bits_truncate(0o644)).call(call)?;
        let file = OutFile { fd, direct: false };
        if how.contains(OFlag::O_EXCL) {
            // Made by this call, in this folder: a regular file on its device.
            return Ok(file);
        }
        let stat = file.stat()?;
        if stat.kind != FileKind::File {
            return Err(Fault::new(call, Errno::EINVAL));
        }
        if stat.device != device {
            return Err(Fault::new(call, Errno::EXDEV));
        }
        Ok(file)
    }

    /// Asks what the file is now.
    ///
    /// # Errors
    /// When the file system does not answer.
    pub fn stat(&self) -> Result<Stat, Fault> {
        Ok(Stat::from_raw(&nix::sys::stat::fstat(&self.fd).call("stat")?))
    }

    /// Writes past the page cache from here on, where the file system can.
    pub fn go_direct(&mut self) {
        self.direct = set_direct(&self.fd, true);
    }

    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// When the medium does not take them. A success proves nothing: a pulled exFAT or ext4 drive still says yes.
    pub fn write_at(&mut self, mut bytes: &[u8], mut offset: u64) -> Result<(), Fault> {
        while !bytes.is_empty() {
            let mut now = bytes;
            if self.direct {
                let whole =
                    if offset.is_multiple_of(ALIGN as u64) { bytes.len() - bytes.len() % ALIGN } else { 0 };
                if whole == 0 {
                    // The ragged end of a file goes through the cache.
                    self.direct = set_direct(&self.fd, false);
                } else {
                    now = &bytes[..whole];
                }
            }
            match nix::sys::uio::pwrite(&self.fd, now, position(offset)?) {
                Ok(0) => return Err(Fault::new("write", Errno::EIO)),
                Ok(n) => {
                    bytes = &bytes[n..];
                    offset += n as u64;
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EINVAL) if self.direct => self.direct = set_direct(&self.fd, false),
                Err(errno) => return Err(Fault::new("write", errno)),
            }
        }
        Ok(())
    }

    /// Asks the kernel to begin writing what is cached of this range. Its answer is 0 on pulled FAT drives and
    /// is not looked at for more than the medium's end.
    ///
    /// # Errors
    /// When the medium is known to be gone.
    pub fn start_writeback(&self, offset: u64, len: u64) -> Result<(), Fault> {
        self.sync_range(offset, len, libc::SYNC_FILE_RANGE_WRITE)
    }

    /// Waits until this range was handed to the device; 0 for `len` means to the end. Unlike `write`, this call
    /// tells on every file system that the device is gone.
    ///
    /// # Errors
    /// When the device did not take it.
    pub fn wait_writeback(&self, offset: u64, len: u64) -> Result<(), Fault> {
        let both = libc::SYNC_FILE_RANGE_WAIT_BEFORE
            | libc::SYNC_FILE_RANGE_WRITE
            | libc::SYNC_FILE_RANGE_WAIT_AFTER;
        self.sync_range(offset, len, both)
    }

    /// Makes the file durable, its times included, and flushes the device's own cache (which `syncfs` on vfat
    /// does not).
    ///
    /// # Errors
    /// When the medium did not take it.
    pub fn sync(&self) -> Result<(), Fault> {
        nix::unistd::fsync(&self.fd).call("fsync")
    }

    /// Sets the modification time, nanoseconds since 1970.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn set_mtime(&self, mtime: i64) -> Result<(), Fault> {
        let time = TimeSpec::new(mtime.div_euclid(1_000_000_000), mtime.rem_euclid(1_000_000_000));
        nix::sys::stat::futimens(&self.fd, &TimeSpec::UTIME_OMIT, &time).call("utimens")
    }

    /// Drops what the kernel has cached of this (durable) file.
    pub fn forget(&self) {
        advise(&self.fd, PosixFadviseAdvice::POSIX_FADV_DONTNEED);
    }

    /// Prepares reading back from the medium: what is cached is dropped, and reads go past the cache. Where the
    /// file system has no O_DIRECT, dropping is all that can be done.
    pub fn from_medium(&mut self) {
        self.forget();
        self.direct = set_direct(&self.fd, true);
    }

    /// Reads up to `want` bytes from `offset`, fewer only where the file ends; returns the number of bytes. `space` has
    /// to hold whole blocks for O_DIRECT, so that a little more may be returned. It should not hold many more: the
    /// kernel fills with zeros whatever of it lies behind the file's end.
    ///
    /// # Errors
    /// When a read fails.
    pub fn read_at(&mut self, space: &mut [u8], want: usize, offset: u64) -> Result<usize, Fault> {
        let whole = want.next_multiple_of(ALIGN).min(space.len());
        read_full(&self.fd, &mut self.direct, &mut space[..whole], want, offset)
    }

    fn sync_range(&self, offset: u64, len: u64, flags: libc::c_uint) -> Result<(), Fault> {
        let (offset, len) = (position(offset)?, position(len)?);
        // SAFETY: a plain system call on a descriptor that `self` owns; nix has no wrapper for it.
        let answer = unsafe { libc::sync_file_range(self.fd.as_raw_fd(), offset, len, flags) };
        match Errno::result(answer) {
            // Not every FUSE version knows it; `sync` follows in every case.
            Ok(_) | Err(Errno::ESPIPE | Errno::ENOSYS | Errno::EINVAL | Errno::EOPNOTSUPP) => Ok(()),
            Err(errno) => Err(Fault::new("sync_file_range", errno)),
        }
    }
}

fn position(offset: u64) -> Result<libc::off_t, Fault> {
    libc::off_t::try_from(offset).map_err(|_| Fault::new("seek", Errno::EOVERFLOW))
}

fn read_full(
    fd: &OwnedFd,
    direct: &mut bool,
    space: &mut [u8],
    want: usize,
    offset: u64,
) -> Result<usize, Fault> {
    let mut filled = 0;
    while filled < want {
        match nix::sys::uio::pread(fd, &mut space[filled..], position(offset + filled as u64)?) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(Errno::EINTR) => {}
            // A short read left an offset that O_DIRECT does not take, or the file system has no O_DIRECT. What
            // comes through the cache now was not in it before: nobody else reads this file.
            Err(Errno::EINVAL) if *direct => *direct = set_direct(fd, false),
            Err(errno) => return Err(Fault::new("read", errno)),
        }
    }
    Ok(filled)
}

fn advise(fd: &OwnedFd, advice: PosixFadviseAdvice) {
    advise_range(fd, 0, 0, advice);
}

fn advise_range(fd: &OwnedFd, offset: u64, len: u64, advice: PosixFadviseAdvice) {
    let (Ok(offset), Ok(len)) = (position(offset), position(len)) else { return };
    // Advice changes speed, never content: there is nothing to do about a refusal.
    let _ = nix::fcntl::posix_fadvise(fd, offset, len, advice);
}

/// Turns O_DIRECT on or off; returns whether it is on afterwards.
fn set_direct(fd: &OwnedFd, on: bool) -> bool {
    // The other flags stay: without O_NOATIME the next read would be noted on the card.
    let Ok(flags) = nix::fcntl::fcntl(fd.as_fd(), FcntlArg::F_GETFL) else { return false };
    let mut flags = OFlag::from_bits_retain(flags);
    flags.set(OFlag::O_DIRECT, on);
    let set = nix::fcntl::fcntl(fd.as_fd(), FcntlArg::F_SETFL(flags)).is_ok();
    on && set
}

/// Tells whether the first byte of the file is in the page cache, or the kernel can't tell. An empty file counts as
/// not cached.
fn still_cached(fd: &OwnedFd) -> bool {
    let mut byte = [0u8; 1];
    let vector = libc::iovec { iov_base: byte.as_mut_ptr().cast(), iov_len: 1 };
    // SAFETY: one vector of one byte that outlives the call, on a descriptor that is open; nix has no preadv2.
    let answer = unsafe { libc::preadv2(fd.as_raw_fd(), &raw const vector, 1, 0, libc::RWF_NOWAIT) };
    !matches!(Errno::result(answer), Ok(0) | Err(Errno::EAGAIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_the_cache_and_back_leaves_the_other_flags() {
        let fd = nix::fcntl::open(".", OFlag::O_RDWR | OFlag::O_TMPFILE | OFlag::O_NOATIME, Mode::S_IRUSR)
            .unwrap();
        let flags = || OFlag::from_bits_retain(nix::fcntl::fcntl(fd.as_fd(), FcntlArg::F_GETFL).unwrap());
        for on in [true, false] {
            assert_eq!(set_direct(&fd, on), on && flags().contains(OFlag::O_DIRECT));
            assert!(flags().contains(OFlag::O_NOATIME), "{on}: {:?}", flags());
        }
    }
}
