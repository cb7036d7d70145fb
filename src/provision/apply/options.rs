//! The needs of an apply beyond its plan; the lock, and the place to stop.

use crate::error::Problem;
use crate::paths::LOCK;
use crate::profile::types::Passphrase;
use crate::provision::apply::watchdog::Window;
use crate::provision::desired::artifact::Secrets;
use crate::provision::desired::expected::Expected;
use crate::system::{Host, state_dir};
use anyhow::Context;
use std::any::Any;

/// The needs of an apply beyond its plan.
pub struct Options<'a> {
    /// Secrets for the gaps of the plan's files: for checkers that come with a package.
    pub secrets: Option<&'a Secrets>,
    /// Samba's password for the share's user.
    pub share_password: Option<&'a Passphrase>,
    /// The state that must be proved afterwards, or everything goes back; nothing where all of ours goes, and where an
    /// older generation says it.
    pub expected: Option<&'a Expected>,
    /// Undo all of it unless it is confirmed in time.
    pub window: Option<Window>,
    /// The taker of lines about the progress.
    pub progress: &'a dyn Fn(&str),
}

/// Takes the lock for everything that changes the host. The state directory is made if it is not there.
///
/// # Errors
/// When another process holds it.
pub fn lock(host: &dyn Host) -> anyhow::Result<Box<dyn Any>> {
    state_dir::make(host, &[])?;
    host.lock(LOCK).with_context(|| format!("{LOCK} can't be locked"))?.ok_or_else(|| {
        Problem::failed("another piback is changing this host").hint("wait until it has ended").into()
    })
}

/// Between two steps is the place to stop; what was done is undone then.
///
/// # Errors
/// When somebody asked to stop.
pub fn stop_if_asked(host: &dyn Host) -> anyhow::Result<()> {
    match host.stop_requested() {
        true => Err(Problem::failed("stopped, as you asked").into()),
        false => Ok(()),
    }
}
