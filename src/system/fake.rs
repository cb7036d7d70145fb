//! For the tests: a host over a real tree that counts its changes, fails or dies at the k-th, and answers tools
//! from a script.

use super::real::RealHost;
use super::run::{Output, RunError, Tool};
use super::{FileNode, Host, Node};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::io;
use std::path::Path;

/// The fault that strikes at the chosen change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// That one call fails, as on a full disk.
    Fail,
    /// The call and all that follow fail: the process is dead from here on, as far as the tree can tell.
    Die,
}

type Script = dyn Fn(&Tool) -> Result<Output, RunError>;

pub struct FakeHost {
    tree: RealHost,
    live: bool,
    now: Cell<i64>,
    changes: Cell<usize>,
    fault: Cell<Option<(usize, Fault)>>,
    dead: Cell<bool>,
    tools: RefCell<Vec<String>>,
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
            changes: Cell::new(0),
            fault: Cell::new(None),
            dead: Cell::new(false),
            tools: RefCell::default(),
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

    /// Lets the change number `at` (from 1) fail or kill.
    pub fn arm(&self, at: usize, fault: Fault) {
        self.fault.set(Some((at, fault)));
        self.changes.set(0);
        self.dead.set(false);
    }

    /// Changes since the last [`FakeHost::arm`], or since the start.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.changes.get()
    }

    /// Tells whether [`Fault::Die`] struck.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.dead.get()
    }

    /// Command lines that ran since the last call.
    pub fn take_tools(&self) -> Vec<String> {
        self.tools.take()
    }

    fn change(&self) -> io::Result<()> {
        if self.dead.get() {
            return Err(io::Error::other("killed"));
        }
        self.changes.set(self.changes.get() + 1);
        match self.fault.get() {
            Some((at, fault)) if at == self.changes.get() => {
                self.dead.set(fault == Fault::Die);
                Err(io::Error::from_raw_os_error(nix::errno::Errno::ENOSPC as i32))
            }
            _ => Ok(()),
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
        self.change()?;
        self.tree.write(path, file)
    }

    fn link(&self, path: &str, target: &str) -> io::Result<()> {
        self.change()?;
        self.tree.link(path, target)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.change()?;
        self.tree.remove(path)
    }

    fn make_dir(&self, path: &str, mode: u32) -> io::Result<()> {
        self.change()?;
        self.tree.make_dir(path, mode)
    }

    fn remove_dir(&self, path: &str) -> io::Result<bool> {
        self.change()?;
        self.tree.remove_dir(path)
    }

    fn output(&self, tool: &Tool) -> Result<Output, RunError> {
        if self.dead.get() {
            return Err(RunError::Broken { line: tool.line(), why: "killed".into() });
        }
        self.tools.borrow_mut().push(tool.line());
        (self.script)(tool)
    }

    fn lock(&self, path: &str) -> io::Result<Option<Box<dyn Any>>> {
        self.tree.lock(path)
    }

    fn now(&self) -> i64 {
        self.now.get()
    }

    fn uptime(&self) -> u64 {
        u64::try_from(self.now.get()).unwrap_or_default()
    }

    fn stop_requested(&self) -> bool {
        false
    }

    fn wait(&self, time: std::time::Duration) {
        self.now.set(self.now.get() + i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
    }

    fn is_live(&self) -> bool {
        self.live
    }

    fn can_chown(&self) -> bool {
        self.tree.can_chown()
    }
}
