//! piback run once more, as a process of its own that outlives whoever started it.

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child as Process, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

/// Longer lines are none that piback writes; the longest is an account that lists every file of a pulled card.
const LONGEST_LINE: u64 = 64 * 1024 * 1024;
/// Of the thread that follows it: reading lines takes no more.
const STACK: usize = 256 * 1024;

/// A running piback.
#[derive(Debug, Clone)]
pub struct Child {
    pid: Pid,
    /// None once it was waited for: its number may be another one's then.
    process: Arc<Mutex<Option<Process>>>,
}

/// Starts this very program with other arguments, in a process group of its own, so that a Ctrl-C is not for it.
///
/// `line` is called with each line of its output, and `end` once, with its exit code, or none where a signal ended it;
/// both on a thread of their own.
///
/// # Errors
/// When it can't be started.
pub fn start(
    args: &[OsString],
    line: impl FnMut(&str) + Send + 'static,
    end: impl FnOnce(Option<u8>) + Send + 'static,
) -> io::Result<Child> {
    begin(args, None, line, end)
}

/// Starts it with a short `input`, which it need not read.
fn begin(
    args: &[OsString],
    input: Option<&str>,
    mut line: impl FnMut(&str) + Send + 'static,
    end: impl FnOnce(Option<u8>) + Send + 'static,
) -> io::Result<Child> {
    let mut command = Command::new(program()?);
    let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
    command.args(args).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
    super::signals::hears_all(&mut command);
    let mut process = command.spawn()?;
    if let (Some(text), Some(mut stdin)) = (input, process.stdin.take()) {
        // The kernel takes up to a page of it whether or not anybody reads; one that ended already says why.
        let _ = stdin.write_all(text.as_bytes());
    }
    let output = process.stdout.take();
    let pid = Pid::from_raw(i32::try_from(process.id()).map_err(io::Error::other)?);
    let child = Child { pid, process: Arc::new(Mutex::new(Some(process))) };
    let followed = child.clone();
    let follow = move || {
        let mut output = output.map(BufReader::new);
        let mut text = Vec::new();
        while let Some(output) = &mut output {
            text.clear();
            match output.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut text) {
                Ok(0) | Err(_) => break,
                Ok(_) => line(String::from_utf8_lossy(&text).trim_end()),
            }
        }
        end(followed.wait());
    };
    std::thread::Builder::new().name("job".into()).stack_size(STACK).spawn(follow)?;
    Ok(child)
}

/// This very program. Where an upgrade of the package has put another in its place, the one that runs is still there for its
/// own process.
fn program() -> io::Result<PathBuf> {
    let path = std::env::current_exe()?;
    Ok(if path.exists() { path } else { PathBuf::from("/proc/self/exe") })
}

/// Runs this very program with other arguments to its end, with a short text on its standard input if there is one; returns the
/// last lines of its output.
///
/// # Errors
/// When it can't be started.
pub fn run(args: &[OsString], input: Option<&str>) -> io::Result<Vec<String>> {
    const MOST: usize = 16;
    let (told, lines) = mpsc::channel();
    let ended = told.clone();
    begin(args, input, move |text| _ = told.send(Some(text.to_owned())), move |_| _ = ended.send(None))?;
    let mut last = VecDeque::new();
    while let Ok(Some(line)) = lines.recv() {
        if last.len() == MOST {
            last.pop_front();
        }
        last.push_back(line);
    }
    Ok(last.into())
}

impl Child {
    /// Asks it to end well (SIGINT); nothing where it has ended.
    pub fn interrupt(&self) {
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        if process.is_some() {
            // It may have ended in this moment; then nobody is there to hear it, and the number is still its own.
            let _ = kill(self.pid, Signal::SIGINT);
        }
    }

    fn wait(&self) -> Option<u8> {
        // Waits without letting go of the number, so that nobody waits for the lock meanwhile.
        while waitid(Id::Pid(self.pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT)
            == Err(nix::errno::Errno::EINTR)
        {}
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner).take();
        let status = process?.wait().ok()?;
        match status.signal() {
            Some(_) => None,
            None => status.code().and_then(|code| u8::try_from(code).ok()),
        }
    }
}
