//! systemd's units.

pub mod change;
pub mod plan;
pub mod quirks;
pub mod run;
