//! The run directory: where a running backup can be found, followed and asked to stop.
//!
//! One file for each running backup. Its process holds a record lock on it for as long as it lives, and writes one
//! line of JSON for each thing that happens. The lock is of the fcntl kind because the kernel then says whose it is:
//! a pid that was merely written down may long be another process's.

use super::folder::Folder;
use super::process;
use crate::ui::visible;
use anyhow::{Context, bail};
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Who may look into the run directory.
const PRIVATE: u32 = 0o700;
/// The run directory's folders below a tree that `--root` names.
const IN_TREE: [&str; 2] = ["run", "piback"];
/// Time between two lines about a running backup's progress.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);
/// The run directory is memory: after this much, only what is no mere progress is still written (8 MiB are half a
/// day at one line a second).
const MOST_PROGRESS: u64 = 8 * 1024 * 1024;
/// Longer lines are none that piback wrote; the longest is the account that lists every file of a pulled card.
const LONGEST_LINE: usize = 64 * 1024 * 1024;

/// The first line of a running backup's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub schema: u32,
    /// The verb that runs; empty of a run that an earlier version began.
    #[serde(default)]
    pub command: String,
    /// Always `run`.
    pub event: String,
    pub pid: i32,
    pub label: String,
    /// The folder that the backup goes to, for people.
    pub destination: String,
}

/// The last line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct End {
    schema: u32,
    /// The verb that runs; empty of a run that an earlier version began.
    #[serde(default)]
    command: String,
    /// Always `end`.
    event: String,
    exit_code: u8,
}

/// The open run directory: this user's own, and nobody else's.
#[derive(Debug)]
pub struct RunDir {
    folder: Folder,
    path: PathBuf,
}

impl RunDir {
    /// Opens the run directory, and makes it if it is missing.
    ///
    /// # Errors
    /// It can't be made, is no real folder, or belongs to another user.
    pub fn open(root: Option<&Path>) -> anyhow::Result<RunDir> {
        if let Some(root) = root {
            return RunDir::in_tree(root);
        }
        let path = place();
        let made = DirBuilder::new().mode(PRIVATE).create(&path);
        if let Err(e) = made
            && e.kind() != ErrorKind::AlreadyExists
        {
            return Err(e).with_context(|| shown(&path));
        }
        RunDir::existing_at(path)?.context("the run directory went away")
    }

    /// Opens the run directory if there is one.
    ///
    /// # Errors
    /// As [`RunDir::open`].
    pub fn existing(root: Option<&Path>) -> anyhow::Result<Option<RunDir>> {
        let Some(root) = root else { return RunDir::existing_at(place()) };
        let path = root.join(IN_TREE.join("/"));
        match Folder::open(root).and_then(|root| IN_TREE.iter().try_fold(root, |at, name| at.sub(name))) {
            Ok(folder) => Ok(Some(RunDir::private(folder, path)?)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e).with_context(|| shown(&path)),
        }
    }

    /// Opens a tree's own, and makes it if it is missing. A link on the way, which may lead out of the tree, is refused.
    fn in_tree(root: &Path) -> anyhow::Result<RunDir> {
        let path = root.join(IN_TREE.join("/"));
        let made = Folder::open(root)
            .and_then(|root| root.make_sub(IN_TREE[0], 0o755))
            .and_then(|run| run.make_sub(IN_TREE[1], PRIVATE));
        RunDir::private(made.with_context(|| shown(&path))?, path)
    }

    fn existing_at(path: PathBuf) -> anyhow::Result<Option<RunDir>> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name().and_then(|n| n.to_str())) else {
            bail!("{} can't be the run directory", shown(&path));
        };
        // /tmp is everybody's: what lies there under our name must be a real folder, ours, and closed to others.
        let folder = match Folder::open(parent).and_then(|p| p.sub(name)) {
            Ok(folder) => folder,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e).with_context(|| shown(&path)),
        };
        RunDir::private(folder, path).map(Some)
    }

    /// Takes a folder for the run directory: this user's, and closed to others.
    fn private(folder: Folder, path: PathBuf) -> anyhow::Result<RunDir> {
        let stat = folder.stat().with_context(|| shown(&path))?;
        if stat.st_uid != process::user() {
            bail!("{} belongs to another user", shown(&path));
        }
        if stat.st_mode & 0o077 != 0 {
            fchmod(&folder, Mode::from_bits_truncate(PRIVATE)).with_context(|| shown(&path))?;
        }
        Ok(RunDir { folder, path })
    }

    /// Registers this process as a running backup.
    ///
    /// # Errors
    /// The file can't be made or locked.
    pub fn start(&self, label: &str, destination: &Path) -> anyhow::Result<Running> {
        self.sweep();
        let pid = process::pid();
        let (name, temporary) = (file_name(pid), format!(".{pid}.new"));
        let file = || -> anyhow::Result<File> {
            let _ = self.folder.remove(&temporary);
            let mut file = self.folder.create(&temporary, 0o600)?;
            // Locked before it has its name: whoever finds it under that name unlocked knows that its run is over.
            fcntl(&file, FcntlArg::F_SETLK(&whole_file())).map_err(io::Error::from)?;
            let header = Header {
                schema: crate::ui::JSON_SCHEMA,
                command: "backup".to_owned(),
                event: "run".to_owned(),
                pid,
                label: label.to_owned(),
                destination: destination.to_string_lossy().into_owned(),
            };
            file.write_all(line(&header).as_bytes())?;
            self.folder.rename(&temporary, &name)?;
            Ok(file)
        };
        let file = file().with_context(|| shown(&self.path.join(&name)))?;
        let folder = self.folder.sub(".").with_context(|| shown(&self.path))?;
        Ok(Running { folder, name, file, written: 0, last_progress: None })
    }

    /// The backups that run now, oldest pid first. This process's own is left out.
    ///
    /// # Errors
    /// The directory can't be read.
    pub fn running(&self) -> anyhow::Result<Vec<Found>> {
        let mut found = Vec::new();
        for name in self.names()? {
            let Some(file) = self.folder.file(&name).with_context(|| shown(&self.path.join(&name)))? else {
                continue;
            };
            let Some(pid) = holder(&file).with_context(|| shown(&self.path.join(&name)))? else { continue };
            let mut follower = Follower { file, position: 0, partial: Vec::new() };
            let header = follower.lines()?.into_iter().next().and_then(|l| serde_json::from_str(&l).ok());
            let Some(header) = header else { continue };
            follower.position = 0;
            follower.partial.clear();
            found.push(Found { header, pid, follower });
        }
        found.sort_by_key(|f| f.pid);
        Ok(found)
    }

    /// Removes what runs that were killed left behind.
    fn sweep(&self) {
        for name in self.names().unwrap_or_default() {
            if let Ok(Some(file)) = self.folder.file(&name)
                && matches!(holder(&file), Ok(None))
            {
                let _ = self.folder.remove(&name);
            }
        }
    }

    /// The runs' files. Not this process's own: closing any descriptor of it would let go of its lock.
    fn names(&self) -> anyhow::Result<Vec<String>> {
        let mut names = self.folder.names().with_context(|| shown(&self.path))?;
        let own = file_name(process::pid());
        names.retain(|n| is_a_runs(n) && *n != own);
        Ok(names)
    }
}

/// This process, registered as a running backup. Its death in any way lets go of the lock.
#[derive(Debug)]
pub struct Running {
    folder: Folder,
    name: String,
    file: File,
    written: u64,
    last_progress: Option<Instant>,
}

impl Running {
    /// Appends one line of JSON. What can't be written is dropped: a full /run must not stop a backup.
    pub fn event<T: Serialize>(&mut self, event: &T) {
        let line = line(event);
        self.written += line.len() as u64;
        let _ = self.file.write_all(line.as_bytes());
    }

    /// As [`Running::event`], at most once a second.
    pub fn progress<T: Serialize>(&mut self, event: &T) {
        let now = Instant::now();
        let early = self.last_progress.is_some_and(|last| now.duration_since(last) < PROGRESS_EVERY);
        if early || self.written > MOST_PROGRESS {
            return;
        }
        self.last_progress = Some(now);
        self.event(event);
    }

    /// Tells the followers how it ended, and takes the file away; those who have it open read it to its end.
    ///
    /// # Errors
    /// The file can't be removed; the next backup does it.
    pub fn end(mut self, exit_code: u8) -> anyhow::Result<()> {
        self.event(&End {
            schema: crate::ui::JSON_SCHEMA,
            command: "backup".to_owned(),
            event: "end".to_owned(),
            exit_code,
        });
        self.folder.remove(&self.name).context("remove the status file")
    }
}

/// A backup that runs.
#[derive(Debug)]
pub struct Found {
    pub header: Header,
    /// As the kernel says, not as the file does.
    pub pid: i32,
    pub follower: Follower,
}

impl Found {
    /// Asks it to stop at the next batch boundary.
    ///
    /// # Errors
    /// It ended meanwhile, or belongs to another user.
    pub fn interrupt(&self) -> anyhow::Result<()> {
        // Asked again right here: the pid of a process that ended may be given to another one.
        match holder(&self.follower.file)? {
            Some(pid) if pid == self.pid => {
                kill(Pid::from_raw(pid), Signal::SIGINT).with_context(|| format!("process {pid}"))
            }
            _ => bail!("it has ended meanwhile"),
        }
    }
}

/// Reads a running backup's lines as they come.
#[derive(Debug)]
pub struct Follower {
    file: File,
    position: u64,
    partial: Vec<u8>,
}

/// The news since the last time.
#[derive(Debug, PartialEq, Eq)]
pub enum News {
    Lines(Vec<String>),
    /// It ended with this exit code; these were its last lines.
    Ended(Vec<String>, u8),
    /// Its process is gone and left no last word; these were its last lines.
    Died(Vec<String>),
}

impl Follower {
    /// Reads what came since the last call; does not wait.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn news(&mut self) -> anyhow::Result<News> {
        // First the lock, then the lines: what was written before it was let go is then surely read.
        let alive = holder(&self.file)?.is_some();
        let mut lines = self.lines()?;
        let end = lines.iter().position(|l| serde_json::from_str::<End>(l).is_ok_and(|e| e.event == "end"));
        if let Some(at) = end {
            let code = serde_json::from_str::<End>(&lines[at])?.exit_code;
            lines.truncate(at);
            return Ok(News::Ended(lines, code));
        }
        Ok(if alive { News::Lines(lines) } else { News::Died(lines) })
    }

    fn lines(&mut self) -> anyhow::Result<Vec<String>> {
        let mut lines = Vec::new();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = self.file.read_at(&mut buffer, self.position).context("read the status file")?;
            if read == 0 {
                return Ok(lines);
            }
            self.position += read as u64;
            for piece in buffer[..read].split_inclusive(|b| *b == b'\n') {
                self.partial.extend_from_slice(piece);
                if self.partial.ends_with(b"\n") {
                    let line = std::mem::take(&mut self.partial);
                    lines.push(String::from_utf8_lossy(&line[..line.len() - 1]).into_owned());
                }
                if self.partial.len() > LONGEST_LINE {
                    bail!("the status file holds a line that no piback wrote");
                }
            }
        }
    }
}

/// The process that holds the lock; `None` when nobody does.
fn holder(file: &File) -> anyhow::Result<Option<i32>> {
    let mut lock = whole_file();
    fcntl(file, FcntlArg::F_GETLK(&mut lock)).map_err(io::Error::from).context("ask for the lock")?;
    if i32::from(lock.l_type) == libc::F_UNLCK {
        return Ok(None);
    }
    if lock.l_pid <= 0 {
        bail!("its process lies outside of this container");
    }
    Ok(Some(lock.l_pid))
}

/// A write lock on the whole file.
fn whole_file() -> libc::flock {
    libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

/// `/run/piback` for root; the session's own folder for others, and one in /tmp where there is none.
fn place() -> PathBuf {
    if process::is_root() {
        return PathBuf::from("/run/piback");
    }
    match process::runtime_dir() {
        Some(dir) => dir.join("piback"),
        None => PathBuf::from(format!("/tmp/piback-{}", process::user())),
    }
}

fn file_name(pid: i32) -> String {
    format!("{pid}.jsonl")
}

/// Tells a name that [`file_name`] makes from any other: those are somebody else's.
fn is_a_runs(name: &str) -> bool {
    let pid = name.strip_suffix(".jsonl").and_then(|pid| pid.parse().ok());
    pid.is_some_and(|pid| file_name(pid) == name)
}

fn line<T: Serialize>(event: &T) -> String {
    // An event that can't be written as JSON is a line that says nothing.
    let mut line = serde_json::to_string(event).unwrap_or_default();
    line.push('\n');
    line
}

fn shown(path: &Path) -> String {
    visible(&path.to_string_lossy())
}

#[cfg(test)]
#[path = "rundir_tests.rs"]
mod tests;
