//! What this process was given: its environment, its user.

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
