//! What piback knows about a label's files on a drive: `DRIVE/.piback/manifests/LABEL/RUN.jsonl`.
//!
//! One file per run that had something to say, only ever appended to while its run lasts and never touched
//! after. One record a line: sixteen hex digits (the low half of the XXH3-128 of the rest), a space, JSON. A line
//! that does not fit its checksum, as the last one after a power cut, counts for nothing; the file it spoke of is
//! then known by its content again.

mod index;
mod log;
mod path;
mod record;

pub use index::{Index, Known};
pub use log::{Log, Runs};
pub use path::{from_text, to_text};
pub use record::{FileRecord, Record, Run};
