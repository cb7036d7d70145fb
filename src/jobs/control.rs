//! Whoever keeps the jobs.

use super::protocol::{Answer, Picture, Refusal, RefusalKind, Request};
use super::state::State;
use crate::system::volume::InFile;

/// Whoever keeps the jobs. Called from several threads at once; every call may take as long as the drive takes.
pub trait Control: Send + Sync {
    /// Does what is asked for.
    fn ask(&self, request: &Request) -> Answer;

    /// Opens a photo on the drive by its record, never by a path; none where there is no such record, or not this file
    /// any more.
    fn open(&self, id: &str) -> Option<(Picture, InFile)>;

    /// Whom to call whenever something changed; it must not wait.
    fn watch(&self, changed: Box<dyn Fn() + Send + Sync>);

    /// Looks at cards and drives again, and tells the watcher if anything is not as it was.
    fn look(&self);
}

impl dyn Control {
    /// The whole state; with a `look` at the world, or as it was last seen.
    ///
    /// # Errors
    /// Why there is none.
    pub fn state(&self, look: bool) -> Result<State, Refusal> {
        match self.ask(&Request::State { look }) {
            Answer::State(state) => Ok(*state),
            Answer::Refused(refusal) => Err(refusal),
            _ => Err(Refusal::new(RefusalKind::Failed, "control gave another answer", "")),
        }
    }
}
