//! A run that is followed from outside: is it alive, what did it say, how did it end.

use super::lines::{End, Header, LONGEST_LINE};
use anyhow::{Context, bail};
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// A run that goes on.
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

/// Reads a run's lines as they come.
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
    pub(super) fn new(file: File) -> Self {
        Follower { file, position: 0, partial: Vec::new() }
    }

    /// The first line; the lines are read from the beginning after it.
    pub(super) fn header(&mut self) -> anyhow::Result<Option<Header>> {
        let header = self.lines()?.into_iter().next().and_then(|line| serde_json::from_str(&line).ok());
        self.position = 0;
        self.partial.clear();
        Ok(header)
    }

    /// Asks its process to stop at the next batch boundary; tells whether there is one.
    ///
    /// # Errors
    /// It belongs to another user.
    pub fn interrupt(&self) -> anyhow::Result<bool> {
        let Some(pid) = holder(&self.file)? else { return Ok(false) };
        kill(Pid::from_raw(pid), Signal::SIGINT).with_context(|| format!("process {pid}"))?;
        Ok(true)
    }

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
pub(super) fn holder(file: &File) -> anyhow::Result<Option<i32>> {
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
pub(super) fn whole_file() -> libc::flock {
    libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}
