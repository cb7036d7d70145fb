//! A job's process: started, and heard.

use super::health::Facts;
use super::job::Job;
use super::places::World;
use super::uplink::Handed;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io;
use std::sync::Arc;

/// The wish beyond verb and label.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The card's device, as the kernel calls it, where the label alone does not tell.
    #[serde(default)]
    pub kname: Option<String>,
    /// Everything on the card is read and compared.
    #[serde(default)]
    pub compare: bool,
}

/// Whom to tell what a process says; both on a thread of their own.
pub struct Told {
    /// Each line that it prints.
    pub line: Box<dyn FnMut(&str) + Send>,
    /// Its exit code, once; none where it was killed.
    pub end: Box<dyn FnOnce(Option<u8>) + Send>,
}

/// Asks a process to end well.
pub type Stop = Arc<dyn Fn() + Send + Sync>;

/// Whoever starts the processes.
pub trait Runner: Send + Sync {
    /// Starts a job.
    ///
    /// # Errors
    /// It can't be started.
    fn start(&self, job: &Job, order: &Order, world: &World, told: Told) -> io::Result<Stop>;

    /// Hears a job again that an earlier process of whoever keeps the jobs has started; none where it left no trace.
    fn again(&self, id: &str, told: Told) -> Option<Stop>;

    /// Forgets a job's traces: it is over, and was heard to its end.
    fn forget(&self, id: &str);

    /// Hears that a job began, or is over.
    fn tell(&self, _: &Job) {}

    /// Runs a verb of the appliance's own to its end; returns the JSON object that it ended with.
    ///
    /// # Errors
    /// It can't be run.
    fn verb(&self, args: &[&str]) -> io::Result<Value>;

    /// The same, with a secret on its standard input.
    ///
    /// # Errors
    /// It can't be run.
    fn verb_with(&self, args: &[&str], secret: &Handed) -> io::Result<Value>;

    /// Looks how cards and drives are. It may take as long as they take.
    ///
    /// # Errors
    /// It can't be asked.
    fn health(&self, world: &World) -> io::Result<Facts>;
}
