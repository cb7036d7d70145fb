//! Jobs that were asked for or run: their state, the queue, and the requests that reach them.
//!
//! A job is piback itself, run as a process of its own with `backup`, `verify` or `safe-to-format` and `--json`. Its
//! state is folded from the lines that it prints and from nothing else, so that it outlives whoever looks on.
//!
//! A [`Control`] answers [`protocol::Request`]s. A [`keeper::Keeper`] does it for cards and drives, wherever they are: plain
//! folders ([`folders`]), or what is plugged in ([`plugged`], whose jobs are [`units`] of systemd). [`server`] carries the same
//! requests over a socket as lines of JSON, and [`remote`] asks there.

pub mod album;
mod care;
mod claim;
mod control;
pub mod door;
pub mod fold;
pub mod folders;
pub mod health;
pub mod job;
pub mod keeper;
mod kept;
pub mod places;
pub mod plugged;
pub mod protocol;
pub mod queue;
mod records;
pub mod remote;
pub mod rot;
pub mod runner;
pub mod server;
pub mod state;
pub mod store;
pub mod units;
pub mod uplink;
pub mod world;

pub use control::Control;
