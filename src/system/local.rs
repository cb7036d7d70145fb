//! Local sockets: lines of text between processes of this host, and now and then an open file beside a line.

use super::volume::{Fault, InFile};
use nix::cmsg_space;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, UnixAddr, getsockopt, recvmsg, sendmsg, sockopt,
};
use std::fs;
use std::io::{self, IoSlice, IoSliceMut, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

/// The first descriptor that systemd hands over (sd_listen_fds(3)).
const FIRST_HANDED: RawFd = 3;
/// More are never handed over.
const MOST_HANDED: u32 = 16;
/// Read at once.
const PIECE: usize = 4096;

/// A socket that others connect to.
#[derive(Debug)]
pub struct Listener(UnixListener);

/// One connection.
#[derive(Debug)]
pub struct Line {
    stream: UnixStream,
    /// Received, and not given out yet.
    received: Vec<u8>,
    file: Option<OwnedFd>,
}

/// The other end's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    pub uid: u32,
    pub gid: u32,
    pub pid: i32,
}

/// The one descriptor that systemd opened for this process; none where it opened none.
///
/// # Errors
/// There are several, or it is not what was meant.
pub fn handed() -> io::Result<Option<OwnedFd>> {
    let mut all = all_handed()?;
    match all.len() {
        0 | 1 => Ok(all.pop()),
        more => Err(io::Error::other(format!("{more} sockets were handed over, and one is wanted"))),
    }
}

/// All descriptors that systemd opened for this process, in the order of its unit.
///
/// # Errors
/// One is not what was meant.
pub fn all_handed() -> io::Result<Vec<OwnedFd>> {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u32>().ok());
    if number("LISTEN_PID") != Some(std::process::id()) {
        return Ok(Vec::new());
    }
    let take = |at: u32| {
        // SAFETY: systemd gave this number to this very process, and nobody here has taken it yet: `main` begins with
        // one verb, and that verb asks once.
        let fd = unsafe { OwnedFd::from_raw_fd(FIRST_HANDED + at as RawFd) };
        fcntl(&fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        Ok(fd)
    };
    (0..number("LISTEN_FDS").unwrap_or_default().min(MOST_HANDED)).map(take).collect()
}

/// Reads what systemd keeps for this process alone under a name (systemd.exec(5), `LoadCredential=`); none where it keeps
/// nothing.
///
/// # Errors
/// It can't be read.
pub fn credential(name: &str) -> io::Result<Option<Vec<u8>>> {
    let Some(folder) = std::env::var_os("CREDENTIALS_DIRECTORY") else { return Ok(None) };
    match fs::read(Path::new(&folder).join(name)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// Takes over a listening socket of the network, to be waited for by a runtime.
///
/// # Errors
/// It is none.
pub fn tcp(socket: OwnedFd) -> io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::from(socket);
    listener.local_addr()?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

impl Listener {
    /// Takes over a socket that systemd opened.
    #[must_use]
    pub fn of(fd: OwnedFd) -> Self {
        Listener(UnixListener::from(fd))
    }

    /// Makes a socket at `path`, for this user alone where the folder does not say otherwise. One that a process which is
    /// gone left there is taken away.
    ///
    /// # Errors
    /// Something else is there, or the folder can't be written.
    pub fn bind(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::FileTypeExt;
        let stale = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
        if stale && UnixStream::connect(path).is_err() {
            fs::remove_file(path)?;
        }
        Ok(Listener(UnixListener::bind(path)?))
    }

    /// Waits for a connection; none when nobody came within this time.
    ///
    /// # Errors
    /// The kernel's: no descriptors are left.
    pub fn accept(&self, within: Duration) -> io::Result<Option<Line>> {
        let within = PollTimeout::try_from(within).unwrap_or(PollTimeout::MAX);
        let mut wait = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        match poll(&mut wait, within) {
            Ok(0) | Err(Errno::EINTR) => Ok(None),
            Ok(_) => Ok(Some(Line::of(self.0.accept()?.0))),
            Err(e) => Err(e.into()),
        }
    }
}

impl Line {
    fn of(stream: UnixStream) -> Self {
        Line { stream, received: Vec::new(), file: None }
    }

    /// Both ends of a connection.
    ///
    /// # Errors
    /// The kernel's.
    #[cfg(test)]
    pub fn pair() -> io::Result<(Line, Line)> {
        UnixStream::pair().map(|(one, other)| (Line::of(one), Line::of(other)))
    }

    /// Connects to the socket at `path`.
    ///
    /// # Errors
    /// There is none, nobody listens, or this user may not.
    pub fn connect(path: &Path) -> io::Result<Self> {
        Ok(Line::of(UnixStream::connect(path)?))
    }

    /// The process at the other end, as the kernel saw it connect.
    ///
    /// # Errors
    /// The kernel's.
    pub fn peer(&self) -> io::Result<Peer> {
        let found = getsockopt(&self.stream, sockopt::PeerCredentials)?;
        Ok(Peer { uid: found.uid(), gid: found.gid(), pid: found.pid() })
    }

    /// Limits how long one read or one write may wait.
    ///
    /// # Errors
    /// The kernel's.
    pub fn patience(&self, read: Duration, write: Duration) -> io::Result<()> {
        self.stream.set_read_timeout(Some(read))?;
        self.stream.set_write_timeout(Some(write))
    }

    /// Sends a line.
    ///
    /// # Errors
    /// The other end is gone, or takes nothing.
    pub fn send(&mut self, text: &str) -> io::Result<()> {
        self.stream.write_all(format!("{text}\n").as_bytes())
    }

    /// Sends a line with an open file.
    ///
    /// # Errors
    /// As [`Line::send`].
    pub fn send_with(&mut self, text: &str, file: &InFile) -> io::Result<()> {
        let line = format!("{text}\n");
        let fds = [file.as_fd().as_raw_fd()];
        let beside = [ControlMessage::ScmRights(&fds)];
        let fd = self.stream.as_raw_fd();
        let sent =
            sendmsg::<UnixAddr>(fd, &[IoSlice::new(line.as_bytes())], &beside, MsgFlags::MSG_NOSIGNAL, None)?;
        self.stream.write_all(&line.as_bytes()[sent..])
    }

    /// The next line without its end; none when the other end has closed.
    ///
    /// # Errors
    /// It is longer than `most` bytes (`InvalidData`), nothing came in time, or the connection broke.
    pub fn next(&mut self, most: usize) -> io::Result<Option<String>> {
        let mut looked = 0;
        loop {
            if let Some(end) = self.received[looked..].iter().position(|byte| *byte == b'\n') {
                let rest = self.received.split_off(looked + end + 1);
                let mut line = std::mem::replace(&mut self.received, rest);
                line.pop();
                return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
            }
            looked = self.received.len();
            if looked > most {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is too long"));
            }
            if self.receive()? == 0 {
                return Ok(None);
            }
        }
    }

    /// The open file that came beside the lines read so far, if it is a regular one.
    ///
    /// # Errors
    /// It is something else.
    pub fn file(&mut self) -> Result<Option<InFile>, Fault> {
        self.file.take().map(InFile::of).transpose()
    }

    fn receive(&mut self) -> io::Result<usize> {
        let mut piece = [0; PIECE];
        let mut space = cmsg_space!([RawFd; 1]);
        let mut parts = [IoSliceMut::new(&mut piece)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let fd = self.stream.as_raw_fd();
        let received = loop {
            match recvmsg::<UnixAddr>(fd, &mut parts, Some(&mut space), flags) {
                Err(Errno::EINTR) => {}
                other => break other?,
            }
        };
        let count = received.bytes;
        for message in received.cmsgs()? {
            if let ControlMessageOwned::ScmRights(fds) = message {
                // SAFETY: the kernel has just made these descriptors for this process, and nobody else knows of them. Those
                // but the last are closed.
                for fd in fds {
                    self.file = Some(unsafe { OwnedFd::from_raw_fd(fd) });
                }
            }
        }
        self.received.extend_from_slice(&piece[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::volume::Dir;

    fn pair() -> (Line, Line) {
        Line::pair().unwrap()
    }

    #[test]
    fn lines_come_whole_and_in_order_and_long_ones_not_at_all() {
        let (mut one, mut other) = pair();
        one.stream.write_all(b"first\nsec").unwrap();
        assert_eq!(other.next(100).unwrap().as_deref(), Some("first"));
        one.stream.write_all(b"ond\n\nlast").unwrap();
        assert_eq!(other.next(100).unwrap().as_deref(), Some("second"));
        assert_eq!(other.next(100).unwrap().as_deref(), Some(""));
        drop(one);
        assert_eq!(other.next(100).unwrap(), None, "what has no end is no line");
        let (mut one, mut other) = pair();
        one.stream.write_all(&[b'x'; 3 * PIECE]).unwrap();
        assert_eq!(other.next(100).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_file_comes_beside_its_line_and_the_other_end_is_known() {
        let scratch = tempfile::tempdir().unwrap();
        fs::write(scratch.path().join("a.jpg"), "photo").unwrap();
        let file = Dir::open(scratch.path()).unwrap().read(b"a.jpg", false).unwrap();
        let (mut one, mut other) = pair();
        one.send_with("here", &file).unwrap();
        assert_eq!(other.next(100).unwrap().as_deref(), Some("here"));
        let mut got = other.file().unwrap().unwrap();
        let mut bytes = [0; 10];
        assert_eq!(got.read_at(&mut bytes, 0).unwrap(), 5);
        assert_eq!(got.opened(), file.opened());
        assert!(other.file().unwrap().is_none());
        let peer = one.peer().unwrap();
        assert_eq!((peer.uid, peer.pid), (crate::system::process::user(), crate::system::process::pid()));
    }

    #[test]
    fn a_socket_that_a_dead_process_left_is_made_anew_and_a_living_one_is_not() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("socket");
        let first = Listener::bind(&path).unwrap();
        assert!(Listener::bind(&path).is_err());
        drop(first);
        let second = Listener::bind(&path).unwrap();
        assert!(second.accept(Duration::from_millis(1)).unwrap().is_none());
        let mut line = Line::connect(&path).unwrap();
        line.send("hello").unwrap();
        let mut other = second.accept(Duration::from_secs(5)).unwrap().unwrap();
        assert_eq!(other.next(100).unwrap().as_deref(), Some("hello"));
    }
}
