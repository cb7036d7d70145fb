//! systemd's units.

pub mod quirks;
