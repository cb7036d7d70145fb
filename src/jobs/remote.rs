//! Asks whoever keeps the jobs over a local socket.

use super::control::Control;
use super::protocol::{Answer, Line as Asked, Picture, Refusal, RefusalKind, Request, VERSION};
use crate::system::clock;
use crate::system::local::Line;
use crate::system::volume::InFile;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The longest answer: a state with all its jobs, or a job's account that lists every file of a pulled card.
const LONGEST: usize = 64 * 1024 * 1024;
/// A look at a drive that spins up takes its time.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);
const TAKE_WITHIN: Duration = Duration::from_secs(10);
/// Time before a watcher that lost its connection tries again.
const AGAIN: Duration = Duration::from_secs(2);

/// Whoever keeps the jobs, at the other end of a socket.
#[derive(Debug, Clone)]
pub struct Remote {
    socket: PathBuf,
}

/// The lines of a job.
#[derive(Debug)]
pub struct Followed(Line);

/// The next thing that a job says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    Line(String),
    /// Its exit code; none where it was killed.
    Ended(Option<u8>),
}

impl Remote {
    #[must_use]
    pub fn new(socket: &Path) -> Self {
        Remote { socket: socket.to_owned() }
    }

    /// Asks once.
    ///
    /// # Errors
    /// Nobody listens there, this user may not ask, or the answer is none.
    pub fn request(&self, request: &Request) -> io::Result<Answer> {
        self.exchange(request).map(|(answer, _)| answer)
    }

    /// Follows a job's lines from the first one on.
    ///
    /// # Errors
    /// As [`Remote::request`].
    pub fn follow(&self, id: &str) -> io::Result<Followed> {
        self.open(&Request::Follow { id: id.to_owned() }).map(Followed)
    }

    fn open(&self, request: &Request) -> io::Result<Line> {
        let mut line = Line::connect(&self.socket)?;
        line.patience(ANSWER_WITHIN, TAKE_WITHIN)?;
        let asked = Asked { v: VERSION, request: request.clone() };
        line.send(&serde_json::to_string(&asked).map_err(io::Error::other)?)?;
        Ok(line)
    }

    fn exchange(&self, request: &Request) -> io::Result<(Answer, Line)> {
        let mut line = self.open(request)?;
        let answer = next(&mut line)?;
        Ok((answer, line))
    }
}

fn next(line: &mut Line) -> io::Result<Answer> {
    let text = line.next(LONGEST)?.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
    serde_json::from_str(&text).map_err(io::Error::other)
}

impl Followed {
    /// Waits for what it says next.
    ///
    /// # Errors
    /// The connection broke, or the job is not known.
    pub fn read(&mut self) -> io::Result<Next> {
        loop {
            match next(&mut self.0)? {
                Answer::Said { line } => return Ok(Next::Line(line)),
                Answer::Ended { exit_code } => return Ok(Next::Ended(exit_code)),
                Answer::Refused(refusal) => return Err(io::Error::other(refusal.error)),
                _ => {}
            }
        }
    }
}

impl Control for Remote {
    fn ask(&self, request: &Request) -> Answer {
        self.request(request).unwrap_or_else(|e| {
            let what = format!("whoever keeps the jobs does not answer: {e}");
            Answer::Refused(Refusal::new(RefusalKind::Failed, what, "piback doctor says more"))
        })
    }

    fn open(&self, id: &str) -> Option<(Picture, InFile)> {
        let (answer, mut line) = self.exchange(&Request::Open { id: id.to_owned() }).ok()?;
        match (answer, line.file()) {
            (Answer::Opened { picture }, Ok(Some(file))) => Some((*picture, file)),
            _ => None,
        }
    }

    fn watch(&self, changed: Box<dyn Fn() + Send + Sync>) {
        let remote = self.clone();
        // Without it a page shows what changed a while later.
        let _ = std::thread::Builder::new().name("watch".into()).stack_size(128 * 1024).spawn(move || {
            loop {
                if let Ok(mut line) = remote.open(&Request::Watch) {
                    // Whatever changed meanwhile was not heard.
                    changed();
                    while let Ok(answer) = next(&mut line) {
                        if answer == Answer::Changed {
                            changed();
                        }
                    }
                }
                clock::sleep(AGAIN);
            }
        });
    }

    fn look(&self) {
        let _ = self.request(&Request::Look);
    }
}
