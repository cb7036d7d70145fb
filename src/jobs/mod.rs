//! Jobs that were asked for or run: their state, the queue, and the requests that reach them.
//!
//! A job is piback itself, run as a process of its own with `backup`, `verify` or `safe-to-format` and `--json`. Its
//! state is folded from the lines that it prints and from nothing else, so that it outlives whoever looks on.
//!
//! A [`Control`] answers [`protocol::Request`]s. [`folders::Folders`] does it for plain folders; a socket that carries
//! the same requests as lines of JSON is one more.

pub mod album;
mod claim;
mod control;
pub mod fold;
pub mod folders;
pub mod job;
mod kept;
pub mod protocol;
pub mod queue;
mod records;
pub mod state;
pub mod world;

pub use control::Control;
