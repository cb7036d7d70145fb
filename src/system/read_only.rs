//! A host that refuses to be changed: `plan` runs on it, so that nothing it calls can write by mistake.

use super::broadcast::Broadcast;
use super::run::{Output, RunError, Tool};
use super::{FileNode, Host, Node};
use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

pub struct ReadOnly<'a>(pub &'a dyn Host);

fn refused<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "a plan changes nothing"))
}

impl Host for ReadOnly<'_> {
    fn read(&self, path: &str) -> io::Result<Node> {
        self.0.read(path)
    }

    fn read_followed(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        self.0.read_followed(path)
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        self.0.list(path)
    }

    fn write(&self, _: &str, _: &FileNode) -> io::Result<()> {
        refused()
    }

    fn write_like(&self, _: &str, _: &FileNode, _: &str) -> io::Result<()> {
        refused()
    }

    fn other_names(&self, path: &str) -> io::Result<u64> {
        self.0.other_names(path)
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
        self.0.output(tool)
    }

    /// A question changes nothing.
    fn exchange(&self, to: SocketAddr, packet: &[u8], within: Duration) -> io::Result<Vec<u8>> {
        self.0.exchange(to, packet, within)
    }

    /// Nor does this one.
    fn broadcast(&self, question: &Broadcast<'_>) -> io::Result<Vec<u8>> {
        self.0.broadcast(question)
    }

    /// Nor does this one.
    fn get(&self, server: &str, port: u16, path: &str, within: Duration) -> io::Result<String> {
        self.0.get(server, port, path, within)
    }

    fn lock(&self, _: &str) -> io::Result<Option<Box<dyn Any>>> {
        refused()
    }

    fn now(&self) -> i64 {
        self.0.now()
    }

    fn uptime(&self) -> u64 {
        self.0.uptime()
    }

    fn stop_requested(&self) -> bool {
        self.0.stop_requested()
    }

    fn wait(&self, time: std::time::Duration) {
        self.0.wait(time);
    }

    fn is_live(&self) -> bool {
        self.0.is_live()
    }

    fn can_chown(&self) -> bool {
        self.0.can_chown()
    }
}
