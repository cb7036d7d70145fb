//! The run directory: where a run can be found, followed and asked to stop.
//!
//! One file for each backup, verify or safe-to-format that runs. Its process holds a record lock on it for as long as it lives, and writes one
//! line of JSON for each thing that happens. The lock is of the fcntl kind because the kernel then says whose it is:
//! a pid that was merely written down may long be another process's.

mod follow;
mod lines;

pub use follow::{Follower, Found, News};
pub use lines::Header;

use super::folder::Folder;
use super::process;
use crate::ui::visible;
use anyhow::{Context, bail};
use follow::{holder, whole_file};
use lines::End;
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::stat::{Mode, fchmod};
use serde::Serialize;
use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Who may look into the run directory.
const PRIVATE: u32 = 0o700;
/// The run directory's folders below a tree that `--root` names.
const IN_TREE: [&str; 2] = ["run", "piback"];
/// Root's own on a host.
const OF_ROOT: &str = "/run/piback";
/// Time between two lines about a running backup's progress.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);
/// The run directory is memory: after this much, only what is no mere progress is still written (8 MiB are half a
/// day at one line a second).
const MOST_PROGRESS: u64 = 8 * 1024 * 1024;

/// The name of this process's own file, where it is a job.
static OWN: OnceLock<String> = OnceLock::new();

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

    /// Tells whether root has a run directory on this host.
    #[must_use]
    pub fn root_has_one() -> bool {
        Path::new(OF_ROOT).exists()
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

    /// Registers this process as a run of a verb.
    ///
    /// # Errors
    /// The file can't be made or locked.
    pub fn start(&self, command: &str, label: &str, destination: &Path) -> anyhow::Result<Running> {
        self.sweep();
        self.register(file_name(process::pid()), command, label, destination, None)
    }

    /// Registers this process as a job. Its file stays when it ends, for whoever keeps the jobs to read.
    ///
    /// # Errors
    /// As [`RunDir::start`].
    pub fn start_job(
        &self,
        id: &str,
        command: &str,
        label: &str,
        destination: &Path,
    ) -> anyhow::Result<Running> {
        let name = job_name(id);
        if !is_a_jobs(&name) || OWN.set(name.clone()).is_err() {
            bail!("{} is no job of this process", visible(id));
        }
        self.register(name, command, label, destination, Some(id))
    }

    fn register(
        &self,
        name: String,
        command: &str,
        label: &str,
        destination: &Path,
        job: Option<&str>,
    ) -> anyhow::Result<Running> {
        let pid = process::pid();
        let temporary = format!(".{pid}.new");
        let file = || -> anyhow::Result<File> {
            let _ = self.folder.remove(&temporary);
            let mut file = self.folder.create(&temporary, 0o600)?;
            // Locked before it has its name: whoever finds it under that name unlocked knows that its run is over.
            fcntl(&file, FcntlArg::F_SETLK(&whole_file())).map_err(io::Error::from)?;
            let header = Header {
                schema: crate::ui::JSON_SCHEMA,
                command: command.to_owned(),
                event: "run".to_owned(),
                pid,
                label: label.to_owned(),
                destination: destination.to_string_lossy().into_owned(),
                job: job.map(str::to_owned),
            };
            file.write_all(line(&header).as_bytes())?;
            self.folder.rename(&temporary, &name)?;
            Ok(file)
        };
        let file = file().with_context(|| shown(&self.path.join(&name)))?;
        let folder = self.folder.sub(".").with_context(|| shown(&self.path))?;
        let (command, stays) = (command.to_owned(), job.is_some());
        Ok(Running { folder, name, file, command, stays, written: 0, last_progress: None })
    }

    /// A job's lines, from the first one on; none where it has not begun, or was forgotten.
    ///
    /// # Errors
    /// The file can't be opened.
    pub fn job(&self, id: &str) -> anyhow::Result<Option<Follower>> {
        let name = job_name(id);
        if !is_a_jobs(&name) {
            return Ok(None);
        }
        let file = self.folder.file(&name).with_context(|| shown(&self.path.join(&name)))?;
        Ok(file.map(Follower::new))
    }

    /// Ids of the jobs whose process is gone, and whose lines are still there.
    pub fn ended_jobs(&self) -> Vec<String> {
        let ended = |name: &String| {
            let file = self.folder.file(name).ok().flatten();
            file.is_some_and(|file| matches!(holder(&file), Ok(None)))
        };
        let names = self.names().unwrap_or_default();
        let jobs = names.iter().filter(|name| is_a_jobs(name) && ended(name));
        jobs.filter_map(|name| Some(name.strip_prefix("job-")?.strip_suffix(".jsonl")?.to_owned())).collect()
    }

    /// Takes away a job's lines: what was to be known of them is kept elsewhere.
    pub fn forget_job(&self, id: &str) {
        let name = job_name(id);
        if is_a_jobs(&name) {
            let _ = self.folder.remove(&name);
        }
    }

    /// The runs that go on now, oldest pid first. This process's own is left out.
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
            let mut follower = Follower::new(file);
            let Some(header) = follower.header()? else { continue };
            found.push(Found { header, pid, follower });
        }
        found.sort_by_key(|f| f.pid);
        Ok(found)
    }

    /// Removes what runs that were killed left behind.
    fn sweep(&self) {
        for name in self.names().unwrap_or_default().into_iter().filter(|name| is_a_runs(name)) {
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
        names.retain(|n| (is_a_runs(n) || is_a_jobs(n)) && *n != own && Some(n) != OWN.get());
        Ok(names)
    }
}

/// This process, registered as a run. Its death in any way lets go of the lock.
#[derive(Debug)]
pub struct Running {
    folder: Folder,
    name: String,
    file: File,
    command: String,
    /// True of a job: its file is left.
    stays: bool,
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

    /// Tells the followers how it ended, and takes the file away but for a job's; those who have it open read it to its
    /// end.
    ///
    /// # Errors
    /// The file can't be removed; the next run does it.
    pub fn end(mut self, exit_code: u8) -> anyhow::Result<()> {
        self.event(&End {
            schema: crate::ui::JSON_SCHEMA,
            command: self.command.clone(),
            event: "end".to_owned(),
            exit_code,
        });
        if self.stays {
            return Ok(());
        }
        self.folder.remove(&self.name).context("remove the status file")
    }
}

/// `/run/piback` for root; the session's own folder for others, and one in /tmp where there is none.
fn place() -> PathBuf {
    if process::is_root() {
        return PathBuf::from(OF_ROOT);
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

fn job_name(id: &str) -> String {
    format!("job-{id}.jsonl")
}

/// Tells a name that [`job_name`] makes: a job's id is sixteen hex digits.
fn is_a_jobs(name: &str) -> bool {
    let id = name.strip_prefix("job-").and_then(|rest| rest.strip_suffix(".jsonl"));
    id.is_some_and(|id| id.len() == 16 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
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
