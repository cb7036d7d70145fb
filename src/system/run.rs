//! Runs the host's tools: no shell, a fixed locale and PATH, a deadline, and an error that shows what was typed.

use crate::ui::visible;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A tool to run. Arguments are shown in errors and by `ps`: a secret goes in through [`Tool::stdin`] only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    pub program: String,
    pub args: Vec<OsString>,
    pub env: Vec<(String, String)>,
    pub stdin: Option<crate::secret::Secret<Vec<u8>>>,
    pub deadline: Duration,
    /// The tool that ends it, where the end of its process is not the end of its work.
    pub end: Option<Box<Tool>>,
}

/// The output of a tool, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Output {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Why there is no good output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunError {
    /// The tool is not installed: a message of its own, because the remedy is another one.
    NotFound { program: String },
    /// It ran and said no.
    Failed { line: String, output: Output },
    /// It did not end in time and was killed.
    TimedOut { line: String, after: Duration },
    /// It could not be started or waited for.
    Broken { line: String, why: String },
}

impl Tool {
    /// `program` is looked up in the system's own folders, never in the caller's PATH.
    pub fn new(program: impl Into<String>) -> Self {
        Tool {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            stdin: None,
            deadline: Duration::from_secs(60),
            end: None,
        }
    }

    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    #[must_use]
    pub fn args<I: IntoIterator<Item = S>, S: Into<OsString>>(mut self, args: I) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub fn stdin(mut self, bytes: Vec<u8>) -> Self {
        self.stdin = Some(crate::secret::Secret::new(bytes));
        self
    }

    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    #[must_use]
    pub fn ended_by(mut self, end: Tool) -> Self {
        self.end = Some(Box::new(end));
        self
    }

    /// The command line as a person would type it, for messages.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = visible(&self.program);
        for arg in &self.args {
            let arg = visible(&arg.to_string_lossy());
            let plain =
                !arg.is_empty() && arg.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=,@+%".contains(c));
            line.push(' ');
            if plain { line.push_str(&arg) } else { line.push_str(&format!("'{arg}'")) }
        }
        line
    }

    /// Runs it to its end, whatever its exit code.
    ///
    /// # Errors
    /// [`RunError::NotFound`], [`RunError::TimedOut`] or [`RunError::Broken`]; never [`RunError::Failed`].
    pub fn output(&self) -> Result<Output, RunError> {
        let broken = |e: io::Error| match e.kind() {
            io::ErrorKind::NotFound => RunError::NotFound { program: self.program.clone() },
            _ => RunError::Broken { line: self.line(), why: e.to_string() },
        };
        let mut expression = duct::cmd(&self.program, &self.args)
            .env_remove("LC_MESSAGES")
            .env("LC_ALL", "C.UTF-8")
            .env("PATH", SYSTEM_PATH)
            .stdout_capture()
            .stderr_capture()
            .unchecked()
            // A Ctrl-C is for piback, which ends between two steps; apt must not be torn apart by it.
            .before_spawn(|command| {
                std::os::unix::process::CommandExt::process_group(command, 0);
                super::signals::hears_all(command);
                Ok(())
            });
        for (name, value) in &self.env {
            expression = expression.env(name, value);
        }
        expression = match &self.stdin {
            Some(bytes) => expression.stdin_bytes(bytes.expose().clone()),
            None => expression.stdin_null(),
        };
        let handle = expression.start().map_err(broken)?;
        match handle.wait_deadline(Instant::now() + self.deadline).map_err(broken)? {
            Some(output) => Ok(Output {
                code: output.status.code(),
                stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
                stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            }),
            None => {
                handle.kill().map_err(broken)?;
                Err(RunError::TimedOut { line: self.line(), after: self.deadline })
            }
        }
    }

    /// Runs it, and takes any exit code but 0 for an error.
    ///
    /// # Errors
    /// As [`Tool::output`], and [`RunError::Failed`].
    pub fn run(&self) -> Result<Output, RunError> {
        let output = self.output()?;
        if output.code == Some(0) {
            return Ok(output);
        }
        Err(RunError::Failed { line: self.line(), output })
    }
}

/// Finds a tool in the system's own folders, as [`Tool`] does.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    SYSTEM_PATH.split(':').map(|folder| Path::new(folder).join(program)).find(|path| path.is_file())
}

/// The folders where Debian keeps its tools; `/usr/sbin` is not in every login's PATH.
pub(super) const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::NotFound { program } => write!(f, "{}: not installed", visible(program)),
            RunError::Failed { line, output } => {
                match output.code {
                    Some(code) => write!(f, "`{line}` ended with {code}")?,
                    None => write!(f, "`{line}` was killed")?,
                }
                let said = if output.stderr.trim().is_empty() { &output.stdout } else { &output.stderr };
                let said: Vec<&str> = said.lines().filter(|l| !l.trim().is_empty()).collect();
                // The last lines are where tools say what was wrong.
                for said in &said[said.len().saturating_sub(5)..] {
                    write!(f, "\n  {}", visible(said.trim_end()))?;
                }
                Ok(())
            }
            RunError::TimedOut { line, after } => {
                write!(f, "`{line}` did not end within {} s and was stopped", after.as_secs())
            }
            RunError::Broken { line, why } => write!(f, "`{line}` could not be run: {why}"),
        }
    }
}

impl std::error::Error for RunError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_ways_to_end() {
        assert_eq!(Tool::new("echo").arg("hi").run().unwrap().stdout, "hi\n");
        assert!(matches!(Tool::new("no-such-tool-here").run(), Err(RunError::NotFound { .. })));
        let failed = Tool::new("sh").args(["-c", "echo bad >&2; exit 7"]).run().unwrap_err().to_string();
        assert_eq!(failed, "`sh -c 'echo bad >&2; exit 7'` ended with 7\n  bad");
        let slow = Tool::new("sleep").arg("30").deadline(Duration::from_millis(50)).run();
        assert!(matches!(slow, Err(RunError::TimedOut { .. })));
    }

    #[test]
    fn standard_input_is_fed_and_never_shown() {
        let tool = Tool::new("cat").stdin(b"marker".to_vec());
        assert_eq!(tool.run().unwrap().stdout, "marker");
        assert!(!format!("{tool:?} {}", tool.line()).contains("marker"));
    }

    #[test]
    fn a_tool_hears_signals_that_this_thread_does_not_take() {
        use nix::sys::signal::{SigSet, Signal};
        let mut asks = SigSet::empty();
        asks.add(Signal::SIGINT);
        asks.add(Signal::SIGTERM);
        asks.thread_block().unwrap();
        let status = Tool::new("cat").arg("/proc/self/status").run().unwrap().stdout;
        asks.thread_unblock().unwrap();
        assert!(status.contains("SigBlk:\t0000000000000000\n"), "{status}");
    }
}
