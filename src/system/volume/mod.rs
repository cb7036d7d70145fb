//! Files on a card or a drive, reached through directory descriptors.
//!
//! Everything hangs on a [`Dir`] that was opened once: names are single components, links are never followed,
//! another file system in the way is an error, and every return code comes back as a [`Fault`]. What the calls
//! answer when a card or a drive is pulled was measured, per file system; the rules that follow from it stand
//! beside the calls.

mod buffer;
mod dir;
mod disk;
mod fault;
mod file;
mod medium;
mod stat;

pub use buffer::{ALIGN, Buffer};
pub use dir::{Dir, Entry, Lock, Space};
pub use disk::{MountLine, Shared};
pub use fault::{Fault, FaultKind};
pub use file::{InFile, OutFile};
pub use medium::Medium;
pub use stat::{FileKind, Stat};
