//! Runs a tool that takes its time: what it says is heard while it runs, and it can be stopped.

use super::run::{Output, RunError, SYSTEM_PATH, Tool, find};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Time between two looks at whether to stop.
const LOOK: Duration = Duration::from_millis(200);
/// A tool that was asked to end has so long.
const TO_END: Duration = Duration::from_secs(10);
/// After that, and its killing, whatever holds its pipes is none of it any more.
const TO_CLOSE: Duration = Duration::from_secs(5);
/// Lines of its stderr that are kept.
const KEPT: usize = 200;
/// Longer lines are cut.
const LONGEST_LINE: u64 = 64 * 1024;
/// Bytes of its stdout at a time, and pieces of them on their way.
const PIECE: usize = 256 * 1024;
const AHEAD: usize = 4;

/// A piece of what a running tool says.
pub enum Said<'a> {
    /// A line of its stderr.
    Line(&'a str),
    /// Bytes of its stdout.
    Bytes(&'a [u8]),
}

enum Heard {
    Line(String),
    Bytes(Vec<u8>),
}

/// Runs a tool to its end, whatever its exit code, or until `stop` says so. Its last lines of stderr are in the output;
/// what it wrote to stdout went to `said`.
///
/// The tool's deadline is the longest time in which it says nothing at all.
///
/// # Errors
/// As [`Tool::output`].
pub fn run(tool: &Tool, mut said: impl FnMut(Said), stop: impl Fn() -> bool) -> Result<Output, RunError> {
    let broken = |why: String| RunError::Broken { line: tool.line(), why };
    let mut process = start(tool)?;
    let (tell, heard) = mpsc::sync_channel(AHEAD);
    let threads = serve(tool, &mut process, tell);
    let mut last = VecDeque::new();
    let mut spoke = Instant::now();
    let mut asked: Option<Instant> = None;
    let mut silent = false;
    loop {
        match heard.recv_timeout(LOOK) {
            Ok(Heard::Line(line)) => {
                said(Said::Line(&line));
                if last.len() == KEPT {
                    last.pop_front();
                }
                last.push_back(line);
                spoke = Instant::now();
            }
            Ok(Heard::Bytes(bytes)) => {
                said(Said::Bytes(&bytes));
                spoke = Instant::now();
            }
            Err(RecvTimeoutError::Timeout) => {}
            // Both pipes are closed.
            Err(RecvTimeoutError::Disconnected) => break,
        }
        silent |= spoke.elapsed() > tool.deadline;
        match asked {
            None if silent || stop() => {
                ask_to_end(tool, &process);
                asked = Some(Instant::now());
            }
            Some(since) if since.elapsed() > TO_END + TO_CLOSE => break,
            Some(since) if since.elapsed() > TO_END => {
                // Refused only for one that has ended.
                let _ = process.kill();
            }
            _ => {}
        }
    }
    let is_left = asked.is_some_and(|since| since.elapsed() > TO_END + TO_CLOSE);
    let status = process.wait().map_err(|e| broken(e.to_string()))?;
    if !is_left {
        threads.into_iter().flatten().for_each(|thread| _ = thread.join());
    }
    if silent {
        return Err(RunError::TimedOut { line: tool.line(), after: tool.deadline });
    }
    let stderr = last.into_iter().collect::<Vec<String>>().join("\n");
    Ok(Output { code: status.code(), stdout: String::new(), stderr })
}

/// Feeds a tool, and hears both its pipes, each by a thread.
fn serve(tool: &Tool, process: &mut Child, tell: mpsc::SyncSender<Heard>) -> [Option<JoinHandle<()>>; 3] {
    [
        process.stdin.take().zip(tool.stdin.clone()).map(|(mut pipe, bytes)| {
            // A tool that ended early takes no more; its exit code says why.
            std::thread::spawn(move || _ = pipe.write_all(bytes.expose()))
        }),
        process.stderr.take().map(|pipe| {
            std::thread::spawn({
                let tell = tell.clone();
                move || lines(pipe, &tell)
            })
        }),
        process.stdout.take().map(|pipe| std::thread::spawn(move || pieces(pipe, &tell))),
    ]
}

fn start(tool: &Tool) -> Result<Child, RunError> {
    let program = find(&tool.program).ok_or_else(|| RunError::NotFound { program: tool.program.clone() })?;
    let mut command = Command::new(program);
    command
        .args(&tool.args)
        .env_remove("LC_MESSAGES")
        .env("LC_ALL", "C.UTF-8")
        .env("PATH", SYSTEM_PATH)
        .envs(tool.env.iter().map(|(name, value)| (name, value)))
        .stdin(if tool.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    super::signals::hears_all(&mut command);
    command.spawn().map_err(|e| RunError::Broken { line: tool.line(), why: e.to_string() })
}

/// Asks it and whatever it started to end well; or has it ended, where that is another's work.
fn ask_to_end(tool: &Tool, process: &Child) {
    // What could not be ended so is asked itself.
    if tool.end.as_deref().is_some_and(|end| end.output().is_ok_and(|output| output.code == Some(0))) {
        return;
    }
    if let Ok(pid) = i32::try_from(process.id()) {
        // It may have ended in this moment; nobody waited for it yet, so the number is its own.
        let _ = kill(Pid::from_raw(-pid), Signal::SIGTERM);
    }
}

fn lines(pipe: impl Read, tell: &mpsc::SyncSender<Heard>) {
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    loop {
        line.clear();
        match pipe.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                if tell.send(Heard::Line(text)).is_err() {
                    return;
                }
            }
        }
    }
}

fn pieces(mut pipe: impl Read, tell: &mpsc::SyncSender<Heard>) {
    let mut space = vec![0; PIECE];
    loop {
        match pipe.read(&mut space) {
            Ok(0) | Err(_) => return,
            Ok(n) => {
                if tell.send(Heard::Bytes(space[..n].to_vec())).is_err() {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(tool: &Tool) -> (Output, Vec<String>, Vec<u8>) {
        let (mut lines, mut bytes) = (Vec::new(), Vec::new());
        let output = run(
            tool,
            |said| match said {
                Said::Line(line) => lines.push(line.to_owned()),
                Said::Bytes(piece) => bytes.extend_from_slice(piece),
            },
            || false,
        );
        (output.unwrap(), lines, bytes)
    }

    #[test]
    fn lines_and_bytes_come_while_it_runs_and_the_end_tells_how() {
        let script = "cat; echo one >&2; echo two >&2; head -c 600000 /dev/zero; exit 7";
        let tool = Tool::new("sh").args(["-c", script]).stdin(b"fed ".to_vec());
        let (output, lines, bytes) = heard(&tool);
        assert_eq!((output.code, output.stderr.as_str()), (Some(7), "one\ntwo"));
        assert_eq!(lines, ["one", "two"]);
        assert_eq!((bytes.len(), &bytes[..4]), (600_004, &b"fed "[..]));
        let missing = run(&Tool::new("no-such-tool-here"), |_| {}, || false);
        assert!(matches!(missing, Err(RunError::NotFound { .. })));
    }

    #[test]
    fn what_is_not_of_its_group_is_ended_by_its_own_tool_and_never_waited_for_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let number = dir.path().join("number");
        // As systemd-run: the work is another's, and holds the pipes.
        let script = format!("setsid sh -c 'echo $$ >{}; exec sleep 300' & wait", number.display());
        let end = format!("kill $(cat {})", number.display());
        let tool = Tool::new("sh").args(["-c", &script]).ended_by(Tool::new("sh").args(["-c", &end]));
        let since = Instant::now();
        run(&tool, |_| {}, || number.exists()).unwrap();
        assert!(since.elapsed() < Duration::from_secs(8), "it was ended");
        std::fs::remove_file(&number).unwrap();
        let since = Instant::now();
        run(&Tool::new("sh").args(["-c", &script]), |_| {}, || number.exists()).unwrap();
        assert!(since.elapsed() < Duration::from_secs(60), "nobody waits for what is left");
        let left = std::fs::read_to_string(&number).unwrap();
        Tool::new("kill").arg(left.trim()).output().unwrap();
    }

    #[test]
    fn it_ends_when_it_is_asked_to_or_says_nothing() {
        let since = Instant::now();
        let output = run(&Tool::new("sh").args(["-c", "sleep 60"]), |_| {}, || true).unwrap();
        assert_eq!(output.code, None);
        assert!(since.elapsed() < Duration::from_secs(10), "what it was asked to end, ends");
        let mute = Tool::new("sleep").arg("60").deadline(Duration::from_millis(300));
        assert!(matches!(run(&mute, |_| {}, || false), Err(RunError::TimedOut { .. })));
        assert!(since.elapsed() < Duration::from_secs(30));
    }
}
