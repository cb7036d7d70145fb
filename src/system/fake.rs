//! For the tests: a host over a real tree that counts its steps (changes of the tree and tools), fails or dies at one of
//! them, notes each, and answers tools from a script.

use super::real::RealHost;
use super::run::{Output, RunError, Tool};
use super::{FileNode, Host, Node};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::io;
use std::path::Path;
use std::time::Duration;

/// The fault that strikes at the chosen step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// That one step fails: a change as on a full disk, a tool with exit code 1.
    Fail,
    /// The step and all that follow fail: the process is dead from here on, as far as the host can tell.
    Die,
}

/// One thing that the host was asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Write {
        path: String,
        file: FileNode,
    },
    Link {
        path: String,
        target: String,
    },
    Remove {
        path: String,
    },
    MakeDir {
        path: String,
        mode: u32,
    },
    RemoveDir {
        path: String,
    },
    Tool(Tool),
    SetClock(i64),
    Wait(Duration),
    /// A line of progress, from [`FakeHost::say`].
    Said(String),
}

/// An event, when it was, and whether the armed fault struck it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    /// Seconds of the fake clock.
    pub at: i64,
    pub event: Event,
    pub fault: Option<Fault>,
}

type Script = dyn Fn(&Tool) -> Result<Output, RunError>;
type Chosen = Box<dyn Fn(&Event) -> bool>;

/// A tool takes a second of the fake clock; changes take no time.
pub struct FakeHost {
    tree: RealHost,
    live: bool,
    now: Cell<i64>,
    steps: Cell<usize>,
    fault: Cell<Option<(usize, Fault)>>,
    chosen: RefCell<Option<(Chosen, Fault)>>,
    dead: Cell<bool>,
    log: RefCell<Vec<Noted>>,
    script: Box<Script>,
}

impl FakeHost {
    /// A tree without tools, as with `--root`.
    ///
    /// # Errors
    /// The kernel's.
    pub fn tree(root: &Path) -> io::Result<Self> {
        Ok(FakeHost {
            tree: RealHost::tree(root)?,
            live: false,
            now: Cell::new(1_467_000_000),
            steps: Cell::new(0),
            fault: Cell::new(None),
            chosen: RefCell::default(),
            dead: Cell::new(false),
            log: RefCell::default(),
            script: Box::new(|tool| Err(RunError::NotFound { program: tool.program.clone() })),
        })
    }

    /// A running system whose tools answer as `script` says.
    ///
    /// # Errors
    /// The kernel's.
    pub fn live(
        root: &Path,
        script: impl Fn(&Tool) -> Result<Output, RunError> + 'static,
    ) -> io::Result<Self> {
        Ok(FakeHost { live: true, script: Box::new(script), ..FakeHost::tree(root)? })
    }

    /// Lets the step number `at` (from 1) fail or kill. A process that had died is another one from here on.
    pub fn arm(&self, at: usize, fault: Fault) {
        self.chosen.take();
        self.fault.set(Some((at, fault)));
        self.steps.set(0);
        self.dead.set(false);
    }

    /// Lets the next step that is `chosen` fail or kill.
    pub fn arm_when(&self, fault: Fault, chosen: impl Fn(&Event) -> bool + 'static) {
        self.arm(usize::MAX, fault);
        self.chosen.replace(Some((Box::new(chosen), fault)));
    }

    /// Steps since the last [`FakeHost::arm`], or since the start.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.steps.get()
    }

    /// Tells whether [`Fault::Die`] struck.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.dead.get()
    }

    /// Events since the last call.
    pub fn take_log(&self) -> Vec<Noted> {
        self.log.take()
    }

    /// Command lines that ran since the last call of this or of [`FakeHost::take_log`].
    pub fn take_tools(&self) -> Vec<String> {
        let ran = self.log.take().into_iter().filter(|noted| noted.fault != Some(Fault::Die));
        ran.filter_map(|noted| match noted.event {
            Event::Tool(tool) => Some(tool.line()),
            _ => None,
        })
        .collect()
    }

    /// Notes a line of progress among the events.
    pub fn say(&self, line: &str) {
        self.note(Event::Said(line.to_owned()), None);
    }

    fn note(&self, event: Event, fault: Option<Fault>) {
        if !self.dead.get() || fault == Some(Fault::Die) {
            self.log.borrow_mut().push(Noted { at: self.now.get(), event, fault });
        }
    }

    /// Counts and notes a step; the fault that strikes it.
    fn step(&self, event: Event) -> Option<Fault> {
        if self.dead.get() {
            return Some(Fault::Die);
        }
        self.steps.set(self.steps.get() + 1);
        let by_number = self.fault.get().filter(|(at, _)| *at == self.steps.get()).map(|(_, fault)| fault);
        let by_choice =
            self.chosen.borrow_mut().take_if(|(chosen, _)| chosen(&event)).map(|(_, fault)| fault);
        let fault = by_number.or(by_choice);
        self.dead.set(fault == Some(Fault::Die));
        self.note(event, fault);
        fault
    }

    fn change(&self, event: Event) -> io::Result<()> {
        match self.step(event) {
            None => Ok(()),
            Some(Fault::Fail) => Err(io::Error::from_raw_os_error(nix::errno::Errno::ENOSPC as i32)),
            Some(Fault::Die) => Err(io::Error::other("killed")),
        }
    }
}

impl Host for FakeHost {
    fn read(&self, path: &str) -> io::Result<Node> {
        self.tree.read(path)
    }

    fn read_followed(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        self.tree.read_followed(path)
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        self.tree.list(path)
    }

    fn write(&self, path: &str, file: &FileNode) -> io::Result<()> {
        self.change(Event::Write { path: path.to_owned(), file: file.clone() })?;
        self.tree.write(path, file)
    }

    fn write_like(&self, path: &str, file: &FileNode, like: &str) -> io::Result<()> {
        self.change(Event::Write { path: path.to_owned(), file: file.clone() })?;
        self.tree.write_like(path, file, like)
    }

    fn other_names(&self, path: &str) -> io::Result<u64> {
        self.tree.other_names(path)
    }

    fn link(&self, path: &str, target: &str) -> io::Result<()> {
        self.change(Event::Link { path: path.to_owned(), target: target.to_owned() })?;
        self.tree.link(path, target)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.change(Event::Remove { path: path.to_owned() })?;
        self.tree.remove(path)
    }

    fn make_dir(&self, path: &str, mode: u32) -> io::Result<()> {
        self.change(Event::MakeDir { path: path.to_owned(), mode })?;
        self.tree.make_dir(path, mode)
    }

    fn remove_dir(&self, path: &str) -> io::Result<bool> {
        self.change(Event::RemoveDir { path: path.to_owned() })?;
        self.tree.remove_dir(path)
    }

    fn output(&self, tool: &Tool) -> Result<Output, RunError> {
        let fault = self.step(Event::Tool(tool.clone()));
        self.now.set(self.now.get() + 1);
        match fault {
            None => (self.script)(tool),
            Some(Fault::Fail) => {
                let stderr = "made to fail".to_owned();
                Ok(Output { code: Some(1), stdout: String::new(), stderr })
            }
            Some(Fault::Die) => Err(RunError::Broken { line: tool.line(), why: "killed".into() }),
        }
    }

    fn lock(&self, path: &str) -> io::Result<Option<Box<dyn Any>>> {
        self.tree.lock(path)
    }

    fn now(&self) -> i64 {
        self.now.get()
    }

    fn set_clock(&self, seconds: i64) -> io::Result<()> {
        self.change(Event::SetClock(seconds))?;
        self.now.set(seconds);
        Ok(())
    }

    fn uptime(&self) -> u64 {
        u64::try_from(self.now.get()).unwrap_or_default()
    }

    fn stop_requested(&self) -> bool {
        false
    }

    fn wait(&self, time: Duration) {
        self.note(Event::Wait(time), None);
        self.now.set(self.now.get() + i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
    }

    fn is_live(&self) -> bool {
        self.live
    }

    fn can_chown(&self) -> bool {
        self.tree.can_chown()
    }
}
