//! What this process was given: its environment, its user.

use std::path::PathBuf;

/// Whether `NO_COLOR` is set to anything but the empty string (<https://no-color.org>).
#[must_use]
pub fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
}

/// Whether this process may change the host.
#[must_use]
pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// This machine's name, for records.
#[must_use]
pub fn host_name() -> String {
    nix::unistd::gethostname().map_or_else(|_| "unknown".into(), |name| name.to_string_lossy().into_owned())
}

/// The user that this process acts as.
#[must_use]
pub fn user() -> u32 {
    nix::unistd::geteuid().as_raw()
}

#[must_use]
pub fn pid() -> i32 {
    nix::unistd::getpid().as_raw()
}

/// The login session's folder for sockets and locks, if the environment names one by an absolute path.
#[must_use]
pub fn runtime_dir() -> Option<PathBuf> {
    let dir = PathBuf::from(std::env::var_os("XDG_RUNTIME_DIR")?);
    (dir.is_absolute() && dir.is_dir()).then_some(dir)
}

/// The group that this process acts as.
#[must_use]
pub fn group() -> u32 {
    nix::unistd::getegid().as_raw()
}
