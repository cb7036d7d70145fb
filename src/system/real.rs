//! The host itself, or a tree given with `--root`.

use super::attributes::Attributes;
use super::broadcast::Broadcast;
use super::run::{Output, RunError, Tool};
use super::tree::{Place, Tree, libc_mode as kind};
use super::{FileNode, HALF_WRITTEN, Host, Node, clock, flock, process, signals};
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, readlinkat, renameat};
use nix::sys::stat::{Mode, fchmod, mkdirat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, symlinkat, unlinkat};
use std::any::Any;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

/// Larger files are none that piback manages; reading one whole would be a mistake.
const LARGEST: u64 = 16 * 1024 * 1024;

#[derive(Debug)]
pub struct RealHost {
    tree: Tree,
    live: bool,
}

impl RealHost {
    /// The running system.
    ///
    /// # Errors
    /// The kernel's.
    pub fn live() -> io::Result<Self> {
        Ok(RealHost { tree: Tree::open(Path::new("/"))?, live: true })
    }

    /// A tree of files and nothing else: no tool runs, no unit is touched.
    ///
    /// # Errors
    /// The kernel's, as when there is no such directory.
    pub fn tree(root: &Path) -> io::Result<Self> {
        Ok(RealHost { tree: Tree::open(root)?, live: false })
    }

    fn wanted_place<'a>(&self, path: &'a str) -> io::Result<Place<'a>> {
        self.tree.place(path)?.ok_or_else(|| Errno::ENOENT.into())
    }

    /// Writes a file with the attributes of the one that it takes the place of, and over them of the one at `like`.
    fn put(&self, path: &str, file: &FileNode, like: Option<&str>) -> io::Result<()> {
        let place = self.wanted_place(path)?;
        let mut attributes = attributes(&place)?;
        if let Some(like) = like.map(|like| self.tree.place(like)).transpose()?.flatten()
            && let Some(theirs) = self::attributes(&like)?
        {
            attributes.get_or_insert_default().extend(theirs);
        }
        let made = temporary(&place);
        clear(&place, &made)?;
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        // 0600 until mode and owner are right: a secret is never readable by others, not even empty.
        let fd = openat(&place.dir, made.as_str(), flags, Mode::from_bits_truncate(0o600))?;
        let written = fill(fd, file, attributes.as_ref());
        if written.is_err() {
            let _ = unlinkat(&place.dir, made.as_str(), UnlinkatFlags::NoRemoveDir);
            return written;
        }
        self.publish(&place, &made)
    }

    /// Renames `made` into its final name and makes that durable.
    fn publish(&self, place: &Place<'_>, made: &str) -> io::Result<()> {
        let done = renameat(&place.dir, made, &place.dir, place.name).map_err(io::Error::from);
        if done.is_err() {
            // The temporary file would only be in the way; its removal is no part of the outcome.
            let _ = unlinkat(&place.dir, made, UnlinkatFlags::NoRemoveDir);
            return done;
        }
        sync_dir(place)
    }
}

impl Host for RealHost {
    fn read(&self, path: &str) -> io::Result<Node> {
        let Some(place) = self.tree.place(path)? else { return Ok(Node::Absent) };
        let Some(stat) = place.stat()? else { return Ok(Node::Absent) };
        let mode = stat.st_mode & 0o7777;
        match stat.st_mode & kind::S_IFMT {
            kind::S_IFREG => {
                let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
                let bytes = read_all(openat(&place.dir, place.name, flags, Mode::empty())?)?;
                Ok(Node::File(FileNode { bytes, mode, uid: stat.st_uid, gid: stat.st_gid }))
            }
            kind::S_IFLNK => {
                let target = readlinkat(&place.dir, place.name)?;
                let target = target.into_string().map_err(|_| io::Error::from(Errno::EILSEQ))?;
                Ok(Node::Link { target })
            }
            kind::S_IFDIR => Ok(Node::Dir { mode, uid: stat.st_uid, gid: stat.st_gid }),
            _ => Ok(Node::Special),
        }
    }

    fn read_followed(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        match self.tree.open_at(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK) {
            Ok(fd) if nix::sys::stat::fstat(&fd)?.st_mode & kind::S_IFMT == kind::S_IFREG => {
                read_all(fd).map(Some)
            }
            Ok(_) => Ok(None),
            Err(e) if matches!(e.raw_os_error(), Some(code) if absent(code)) => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let fd = match self.tree.open_at(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY) {
            Ok(fd) => fd,
            Err(e) if matches!(e.raw_os_error(), Some(code) if absent(code)) => return Ok(Vec::new()),
            Err(e) => return Err(e),
        };
        let mut names = Vec::new();
        for entry in Dir::from_fd(fd)?.iter() {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn write(&self, path: &str, file: &FileNode) -> io::Result<()> {
        self.put(path, file, None)
    }

    fn write_like(&self, path: &str, file: &FileNode, like: &str) -> io::Result<()> {
        self.put(path, file, Some(like))
    }

    fn other_names(&self, path: &str) -> io::Result<u64> {
        let stat = self.tree.place(path)?.map_or(Ok(None), |place| place.stat())?;
        let file = stat.filter(|stat| stat.st_mode & kind::S_IFMT == kind::S_IFREG);
        // 32 bits on a Pi.
        #[allow(clippy::useless_conversion)]
        let names = file.map_or(1, |stat| u64::from(stat.st_nlink));
        Ok(names.saturating_sub(1))
    }

    fn link(&self, path: &str, target: &str) -> io::Result<()> {
        let place = self.wanted_place(path)?;
        let made = temporary(&place);
        clear(&place, &made)?;
        symlinkat(target, &place.dir, made.as_str())?;
        self.publish(&place, &made)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let Some(place) = self.tree.place(path)? else { return Ok(()) };
        match unlinkat(&place.dir, place.name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) => sync_dir(&place),
            Err(Errno::ENOENT) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    fn make_dir(&self, path: &str, mode: u32) -> io::Result<()> {
        let place = self.wanted_place(path)?;
        mkdirat(&place.dir, place.name, Mode::from_bits_truncate(mode))?;
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let made = openat(&place.dir, place.name, flags, Mode::empty())?;
        // The umask had its say in mkdirat.
        fchmod(&made, Mode::from_bits_truncate(mode))?;
        sync_dir(&place)
    }

    fn remove_dir(&self, path: &str) -> io::Result<bool> {
        let Some(place) = self.tree.place(path)? else { return Ok(true) };
        match unlinkat(&place.dir, place.name, UnlinkatFlags::RemoveDir) {
            Ok(()) => sync_dir(&place).map(|()| true),
            Err(Errno::ENOENT) => Ok(true),
            // Not empty, in use, or not a directory any more: not ours to remove.
            Err(Errno::ENOTEMPTY | Errno::EEXIST | Errno::EBUSY | Errno::ENOTDIR) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    fn output(&self, tool: &Tool) -> Result<Output, RunError> {
        if self.live {
            return tool.output();
        }
        Err(RunError::Broken { line: tool.line(), why: "no tool of the host runs with --root".into() })
    }

    fn exchange(&self, to: SocketAddr, packet: &[u8], within: Duration) -> io::Result<Vec<u8>> {
        if !self.live {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "a tree has no network"));
        }
        let any: SocketAddr = if to.is_ipv4() { ([0; 4], 0).into() } else { ([0; 16], 0).into() };
        let socket = UdpSocket::bind(any)?;
        // Only what comes from there is received.
        socket.connect(to)?;
        socket.set_read_timeout(Some(within))?;
        socket.send(packet)?;
        let mut space = [0; 1500];
        let count = socket.recv(&mut space)?;
        Ok(space[..count].to_vec())
    }

    fn broadcast(&self, question: &Broadcast<'_>) -> io::Result<Vec<u8>> {
        if !self.live {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "a tree has no network"));
        }
        super::broadcast::ask(question)
    }

    fn get(&self, server: &str, port: u16, path: &str, within: Duration) -> io::Result<String> {
        if !self.live {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "a tree has no network"));
        }
        super::http::get(server, port, path, within)
    }

    fn shake_hands(
        &self,
        with: SocketAddr,
        authority: &[u8],
        moment: i64,
        within: Duration,
    ) -> io::Result<()> {
        if !self.live {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "a tree has no network"));
        }
        super::tls::shake_hands(with, authority, moment, within)
    }

    fn lock(&self, path: &str) -> io::Result<Option<Box<dyn Any>>> {
        let place = self.wanted_place(path)?;
        let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let fd = openat(&place.dir, place.name, flags, Mode::from_bits_truncate(0o600))?;
        Ok(flock::try_exclusive(&fd)?.then(|| Box::new(fd) as Box<dyn Any>))
    }

    fn now(&self) -> i64 {
        clock::now()
    }

    fn set_clock(&self, seconds: i64) -> io::Result<()> {
        if !self.live {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "a tree has no clock"));
        }
        clock::set(seconds)
    }

    fn uptime(&self) -> u64 {
        clock::monotonic().as_secs()
    }

    fn stop_requested(&self) -> bool {
        signals::stop_requested()
    }

    fn wait(&self, time: std::time::Duration) {
        clock::sleep(time);
    }

    fn is_live(&self) -> bool {
        self.live
    }

    fn can_chown(&self) -> bool {
        process::is_root()
    }
}

/// Nothing there: also where a part of the path is a file, or links go in a circle.
fn absent(code: i32) -> bool {
    [Errno::ENOENT, Errno::ENOTDIR, Errno::ELOOP].map(|e| e as i32).contains(&code)
}

fn read_all(fd: OwnedFd) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::from(fd).take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 16 MiB"));
    }
    Ok(bytes)
}

/// The attributes of the regular file there; `None` where there is none.
fn attributes(place: &Place<'_>) -> io::Result<Option<Attributes>> {
    let is_file = place.stat()?.is_some_and(|stat| stat.st_mode & kind::S_IFMT == kind::S_IFREG);
    if !is_file {
        return Ok(None);
    }
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    Attributes::read(openat(&place.dir, place.name, flags, Mode::empty())?).map(Some)
}

/// Owner, mode, attributes, content and durability of a new file, in the order in which no other user can ever read it.
fn fill(fd: OwnedFd, file: &FileNode, attributes: Option<&Attributes>) -> io::Result<()> {
    if process::is_root() {
        fchown(&fd, Some(Uid::from_raw(file.uid)), Some(Gid::from_raw(file.gid)))?;
    }
    if let Some(attributes) = attributes {
        attributes.give(&fd)?;
        // An ACL is a mode as well.
        fchmod(&fd, Mode::from_bits_truncate(0o600))?;
    }
    let mut handle = File::from(fd);
    handle.write_all(&file.bytes)?;
    attributes.map_or(Ok(()), |attributes| attributes.give_capability(&handle))?;
    // After chown and write, which both take setuid away.
    fchmod(handle.as_fd(), Mode::from_bits_truncate(file.mode))?;
    handle.sync_all()
}

/// One name per final name: a leftover of a killed run is found and replaced by the next one.
fn temporary(place: &Place<'_>) -> String {
    format!(".{}{HALF_WRITTEN}", place.name.to_string_lossy())
}

fn clear(place: &Place<'_>, made: &str) -> io::Result<()> {
    match unlinkat(&place.dir, made, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

/// Makes a rename or a removal durable: the directory has to be synced, not the file (fsync(2)).
fn sync_dir(place: &Place<'_>) -> io::Result<()> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let dir = openat(&place.dir, ".", flags, Mode::empty())?;
    match nix::unistd::fsync(&dir) {
        // Some file systems (FUSE, 9p) can't sync a directory and say so.
        Ok(()) | Err(Errno::EINVAL | Errno::ENOTSUP) => Ok(()),
        Err(e) => Err(e.into()),
    }
}
