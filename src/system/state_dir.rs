//! The folder of piback's state, which is nobody's but root's.

use crate::paths::STATE;
use crate::system::{Host, Node};
use anyhow::{Context, bail};
use std::io::ErrorKind;

/// Makes the state directory and those above the given ones, mode 0700 from `STATE` on.
///
/// # Errors
/// When one can't be made.
pub fn make(host: &dyn Host, dirs: &[&str]) -> anyhow::Result<()> {
    for dir in ["/var", "/var/lib", STATE].iter().chain(dirs) {
        let mode = if dir.starts_with(STATE) { 0o700 } else { 0o755 };
        match host.read(dir).with_context(|| format!("{dir} can't be looked at"))? {
            Node::Absent => match host.make_dir(dir, mode) {
                // Another piback was quicker.
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                made => made.with_context(|| format!("{dir} can't be made"))?,
            },
            Node::Dir { .. } | Node::Link { .. } => {}
            Node::File(_) | Node::Special => bail!("{dir} is no directory; move it away"),
        }
    }
    Ok(())
}
