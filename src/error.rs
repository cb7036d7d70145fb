//! An error in the form that the exit code and the reader need.
//!
//! Most errors are plain [`anyhow`] chains and end with exit code 1. Where the exit code or a remedy depends on
//! the error, it is a [`Problem`]: a kind, one sentence, and hints that say what to type.

use std::fmt;
use std::io;

/// Decides the exit code. The numbers are part of the command line's contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 1: failed, nothing was left half-done.
    Failed,
    /// 1: refused before anything was done, because only root may do it.
    NeedsRoot,
    /// 3: `apply` failed and the previous state is back.
    RolledBack,
    /// 4: rolling back did not finish; the hints say what remains.
    RollbackIncomplete,
    /// 64: the command line itself was wrong.
    Usage,
}

impl Kind {
    /// The process exit code of this kind.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Failed | Kind::NeedsRoot => 1,
            Kind::RolledBack => 3,
            Kind::RollbackIncomplete => 4,
            Kind::Usage => 64,
        }
    }
}

/// The end of a command that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// 0: done, or nothing to do.
    Done,
    /// 2: `plan --check` found changes.
    Pending,
    /// 5: something is not safely on the drive, or not what the manifest says; it was listed.
    NotSafe,
}

impl Outcome {
    /// The process exit code of this outcome.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Outcome::Done => 0,
            Outcome::Pending => 2,
            Outcome::NotSafe => 5,
        }
    }
}

/// An error whose kind or remedy matters. Cause chains go around it with [`anyhow::Context`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub kind: Kind,
    /// The event, the file or device that it happened to, and why: one sentence.
    pub what: String,
    /// The things to do about it, each a sentence or a command to type.
    pub hints: Vec<String>,
}

impl Problem {
    #[must_use]
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Problem { kind, what: what.into(), hints: Vec::new() }
    }

    /// A plain failure, exit code 1.
    #[must_use]
    pub fn failed(what: impl Into<String>) -> Self {
        Problem::new(Kind::Failed, what)
    }

    /// Only root may do it, and nothing was done yet; exit code 1.
    #[must_use]
    pub fn needs_root(what: impl Into<String>) -> Self {
        Problem::new(Kind::NeedsRoot, what).hint("put sudo in front of the command")
    }

    /// A wrong command line, exit code 64.
    #[must_use]
    pub fn usage(what: impl Into<String>) -> Self {
        Problem::new(Kind::Usage, what)
    }

    /// Adds what the reader can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Problem {}

/// The exit code of an error chain: that of the outermost [`Problem`] in it, else 1.
#[must_use]
pub fn exit_code(error: &anyhow::Error) -> u8 {
    kind(error).exit_code()
}

/// Tells whether the same command line, typed by root, would get on.
#[must_use]
pub fn needs_root(error: &anyhow::Error) -> bool {
    kind(error) == Kind::NeedsRoot
}

/// Tells whether the kernel refused it to this user.
#[must_use]
pub fn is_denied(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|e| e.kind() == io::ErrorKind::PermissionDenied)
}

fn kind(error: &anyhow::Error) -> Kind {
    error.downcast_ref::<Problem>().map_or(Kind::Failed, |p| p.kind)
}

/// The hints of the outermost [`Problem`] in an error chain; where there is none, what the kernel's answer suggests.
#[must_use]
pub fn hints(error: &anyhow::Error) -> Vec<String> {
    if let Some(problem) = error.downcast_ref::<Problem>() {
        return problem.hints.clone();
    }
    let kind = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    let hint = match kind {
        Some(io::ErrorKind::PermissionDenied) => "try it with sudo",
        Some(io::ErrorKind::StorageFull) => "make room on that disk, and type it again",
        Some(io::ErrorKind::ReadOnlyFilesystem) => "that disk is read-only; piback doctor says more",
        _ => return Vec::new(),
    };
    vec![hint.to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn the_kind_survives_context() {
        let error =
            Err::<(), _>(Problem::new(Kind::RolledBack, "hostapd did not start").hint("piback doctor"))
                .context("apply")
                .unwrap_err();
        assert_eq!(exit_code(&error), 3);
        assert_eq!(hints(&error), ["piback doctor"]);
        assert_eq!(exit_code(&anyhow::anyhow!("disk full")), 1);
    }
}
