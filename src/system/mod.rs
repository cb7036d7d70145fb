//! The seam: the only room with side effects. Everything above takes values and returns values.
//!
//! `provision` sees the host through [`Host`]: [`real::RealHost`] does it, [`read_only::ReadOnly`] refuses to write
//! (that is what `plan` runs on), [`fake::FakeHost`] counts, fails and dies on demand for the tests.
#![allow(clippy::disallowed_methods)]

mod attributes;
pub mod broadcast;
pub mod child;
pub mod clock;
pub mod devices;
pub mod dpkg;
pub mod fake;
mod flock;
pub mod folder;
pub mod http;
pub mod input;
pub mod led;
pub mod limit;
pub mod local;
pub mod mount;
pub mod process;
pub mod random;
pub mod read_only;
pub mod real;
pub mod run;
pub mod rundir;
pub mod scratch;
pub mod signals;
pub mod state_dir;
pub mod stream;
pub mod tls;
mod tree;
pub mod volume;

use run::{Output, RunError, Tool};
use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// The end of a file's name that is being written beside its final one; it begins with a dot.
pub const HALF_WRITTEN: &str = ".piback-new";

/// The thing at a path of the host, the last part of the path never followed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Node {
    #[default]
    Absent,
    File(FileNode),
    /// A symbolic link and where it points, as written in it.
    Link {
        target: String,
    },
    /// A directory, with its mode (12 bits) and owner.
    Dir {
        mode: u32,
        uid: u32,
        gid: u32,
    },
    /// A device, a socket, a fifo.
    Special,
}

/// A regular file: all that piback restores of one.
#[derive(Clone, PartialEq, Eq)]
pub struct FileNode {
    pub bytes: Vec<u8>,
    /// Permission bits with setuid, setgid and sticky: 12 bits.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
}

/// Never shows the bytes: they may hold a passphrase.
impl std::fmt::Debug for FileNode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FileNode({} bytes, {:o}, {}:{})", self.bytes.len(), self.mode, self.uid, self.gid)
    }
}

/// The machine that is provisioned, or a tree that will be one. Paths are absolute, as on the host.
pub trait Host {
    /// Reads what stands at `path`; parts of the path before the last are followed, but never out of the root.
    ///
    /// # Errors
    /// The kernel's.
    fn read(&self, path: &str) -> io::Result<Node>;

    /// The bytes of the regular file at `path`, links followed inside the root; `None` when there is none.
    ///
    /// # Errors
    /// The kernel's.
    fn read_followed(&self, path: &str) -> io::Result<Option<Vec<u8>>>;

    /// Names in a directory, sorted; none when it is absent.
    ///
    /// # Errors
    /// The kernel's.
    fn list(&self, path: &str) -> io::Result<Vec<String>>;

    /// Puts a file there at once and durably, in the place of any file or link. The directory must exist. The attributes
    /// of a file that was there stay: its ACL, its capability, the user's own.
    ///
    /// # Errors
    /// The kernel's; the old file is then still there.
    fn write(&self, path: &str, file: &FileNode) -> io::Result<()>;

    /// The same, with the attributes of the file at `like` as well.
    ///
    /// # Errors
    /// As [`Host::write`].
    fn write_like(&self, path: &str, file: &FileNode, like: &str) -> io::Result<()>;

    /// Counts the other names (hard links) of the file at `path`, which keep its text when it is replaced.
    ///
    /// # Errors
    /// The kernel's.
    fn other_names(&self, path: &str) -> io::Result<u64>;

    /// Puts a symbolic link there at once and durably, in the place of any file or link.
    ///
    /// # Errors
    /// The kernel's.
    fn link(&self, path: &str, target: &str) -> io::Result<()>;

    /// Removes a file or link; none there is fine.
    ///
    /// # Errors
    /// The kernel's.
    fn remove(&self, path: &str) -> io::Result<()>;

    /// Makes one directory; the one above must exist.
    ///
    /// # Errors
    /// The kernel's.
    fn make_dir(&self, path: &str, mode: u32) -> io::Result<()>;

    /// Removes a directory if it is empty; `false` when it is not.
    ///
    /// # Errors
    /// The kernel's.
    fn remove_dir(&self, path: &str) -> io::Result<bool>;

    /// Runs a tool of the host to its end, whatever its exit code.
    ///
    /// # Errors
    /// As [`Tool::output`]; always on a tree, where no tool may run.
    fn output(&self, tool: &Tool) -> Result<Output, RunError>;

    /// Sends a datagram and returns the first that comes back from there.
    ///
    /// # Errors
    /// Nothing came within this time, or nobody is there; always where there is no network of one's own, as on a tree
    /// (`Unsupported`).
    fn exchange(&self, _to: SocketAddr, _packet: &[u8], _within: Duration) -> io::Result<Vec<u8>> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "it has no network of its own"))
    }

    /// Asks everybody on one interface's network, this host's own servers among them.
    ///
    /// # Errors
    /// As [`broadcast::ask`]; always where there is no network of one's own (`Unsupported`).
    fn broadcast(&self, _question: &broadcast::Broadcast<'_>) -> io::Result<Vec<u8>> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "it has no network of its own"))
    }

    /// Asks a server for a page over plain HTTP, and returns its answer, head and all.
    ///
    /// # Errors
    /// It did not answer within this time; always on a tree (`Unsupported`).
    fn get(&self, _server: &str, _port: u16, _path: &str, _within: Duration) -> io::Result<String> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "it has no network of its own"))
    }

    /// Shakes hands over TLS with whoever listens there, as a browser would at that moment that trusts this one authority
    /// and typed the address.
    ///
    /// # Errors
    /// Nobody answers, or with what a browser would refuse; always on a tree (`Unsupported`).
    fn shake_hands(
        &self,
        _with: SocketAddr,
        _authority: &[u8],
        _moment: i64,
        _within: Duration,
    ) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "it has no network of its own"))
    }

    /// Takes the lock of piback's state, which one process may hold; `None` when another one has it.
    ///
    /// # Errors
    /// The kernel's.
    fn lock(&self, path: &str) -> io::Result<Option<Box<dyn Any>>>;

    /// Seconds since 1970.
    fn now(&self) -> i64;

    /// Sets the clock to so many seconds since 1970.
    ///
    /// # Errors
    /// The kernel's; always where there is no clock of one's own, as on a tree.
    fn set_clock(&self, _seconds: i64) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "it has no clock of its own"))
    }

    /// Seconds since boot, by a clock that nobody sets.
    fn uptime(&self) -> u64;

    /// Tells whether somebody asked to stop: Ctrl-C, or a shutdown.
    fn stop_requested(&self) -> bool;

    /// Waits.
    fn wait(&self, time: std::time::Duration);

    /// Tells whether this is the running system, with units and packages, and not just a tree of files.
    fn is_live(&self) -> bool;

    /// Tells whether files can be given to any owner.
    fn can_chown(&self) -> bool;

    /// Runs a tool and takes any exit code but 0 for an error.
    ///
    /// # Errors
    /// As [`Tool::run`].
    fn run(&self, tool: &Tool) -> Result<Output, RunError> {
        let output = self.output(tool)?;
        if output.code == Some(0) {
            return Ok(output);
        }
        Err(RunError::Failed { line: tool.line(), output })
    }
}
