//! A host that refuses to be changed: `plan` runs on it, so that nothing it calls can write by mistake.

use super::broadcast::Broadcast;
use super::run::{Output, RunError, Tool};
use super::{FileNode, Host, Node};
use std::any::Any;
use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

pub struct ReadOnly<'a> {
    host: &'a dyn Host,
    /// Answers that were had already, where the host is looked at once: as it is now.
    asked: Option<RefCell<Vec<(Tool, Output)>>>,
}

impl<'a> ReadOnly<'a> {
    #[must_use]
    pub fn new(host: &'a dyn Host) -> Self {
        ReadOnly { host, asked: None }
    }

    /// One look: a tool that is asked the same again answers the same, and is not started for it. Whoever waits looks anew.
    #[must_use]
    pub fn at_once(host: &'a dyn Host) -> Self {
        ReadOnly { host, asked: Some(RefCell::default()) }
    }
}

fn refused<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "a plan changes nothing"))
}

impl Host for ReadOnly<'_> {
    fn read(&self, path: &str) -> io::Result<Node> {
        self.host.read(path)
    }

    fn read_followed(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        self.host.read_followed(path)
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        self.host.list(path)
    }

    fn write(&self, _: &str, _: &FileNode) -> io::Result<()> {
        refused()
    }

    fn write_like(&self, _: &str, _: &FileNode, _: &str) -> io::Result<()> {
        refused()
    }

    fn other_names(&self, path: &str) -> io::Result<u64> {
        self.host.other_names(path)
    }

    fn link(&self, _: &str, _: &str) -> io::Result<()> {
        refused()
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        refused()
    }

    fn make_dir(&self, _: &str, _: u32) -> io::Result<()> {
        refused()
    }

    fn remove_dir(&self, _: &str) -> io::Result<bool> {
        refused()
    }

    /// Tools that only look: the callers of a plan run no others.
    fn output(&self, tool: &Tool) -> Result<Output, RunError> {
        let Some(asked) = &self.asked else { return self.host.output(tool) };
        let before =
            asked.borrow().iter().find(|(before, _)| before == tool).map(|(_, output)| output.clone());
        if let Some(output) = before {
            return Ok(output);
        }
        let output = self.host.output(tool)?;
        asked.borrow_mut().push((tool.clone(), output.clone()));
        Ok(output)
    }

    /// A question changes nothing.
    fn exchange(&self, to: SocketAddr, packet: &[u8], within: Duration) -> io::Result<Vec<u8>> {
        self.host.exchange(to, packet, within)
    }

    /// Nor does this one.
    fn broadcast(&self, question: &Broadcast<'_>) -> io::Result<Vec<u8>> {
        self.host.broadcast(question)
    }

    /// Nor does this one.
    fn get(&self, server: &str, port: u16, path: &str, within: Duration) -> io::Result<String> {
        self.host.get(server, port, path, within)
    }

    /// Nor does this one.
    fn shake_hands(
        &self,
        with: SocketAddr,
        authority: &[u8],
        moment: i64,
        within: Duration,
    ) -> io::Result<()> {
        self.host.shake_hands(with, authority, moment, within)
    }

    fn lock(&self, _: &str) -> io::Result<Option<Box<dyn Any>>> {
        refused()
    }

    fn now(&self) -> i64 {
        self.host.now()
    }

    fn uptime(&self) -> u64 {
        self.host.uptime()
    }

    fn stop_requested(&self) -> bool {
        self.host.stop_requested()
    }

    fn wait(&self, time: std::time::Duration) {
        self.host.wait(time);
        if let Some(asked) = &self.asked {
            asked.borrow_mut().clear();
        }
    }

    fn is_live(&self) -> bool {
        self.host.is_live()
    }

    fn can_chown(&self) -> bool {
        self.host.can_chown()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::fake::FakeHost;

    #[test]
    fn one_look_asks_a_question_once_and_a_wait_makes_it_a_new_one() {
        let root = tempfile::tempdir().unwrap();
        let fake =
            FakeHost::live(root.path(), |_| Ok(Output { code: Some(0), ..Output::default() })).unwrap();
        let (all, one) = (Tool::new("ss").args(["-Hltn"]), Tool::new("ss").args(["-Hlun"]));
        let host = ReadOnly::at_once(&fake);
        for tool in [&all, &one, &all, &all] {
            host.output(tool).unwrap();
        }
        assert_eq!(fake.take_tools(), ["ss -Hltn", "ss -Hlun"]);
        host.wait(Duration::from_secs(1));
        host.output(&all).unwrap();
        assert_eq!(fake.take_tools(), ["ss -Hltn"]);
        let host = ReadOnly::new(&fake);
        host.output(&all).unwrap();
        host.output(&all).unwrap();
        assert_eq!(fake.take_tools().len(), 2);
    }
}
