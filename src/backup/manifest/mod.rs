//! Records of a label's files on a drive: `DRIVE/.piback/manifests/LABEL/RUN.jsonl`.
//!
//! One file per run that had something to say, only ever appended to while its run lasts and never touched
//! after. One record a line: sixteen hex digits (the low half of the XXH3-128 of the rest), a space, JSON. A line
//! that does not fit its checksum counts for nothing: the file that it spoke of is not vouched for until a backup finds
//! it on the card again. Only the torn last line of a run that was cut off is no damage: nothing was promised of it.

mod damage;
mod index;
mod log;
mod path;
mod record;
mod witness;

pub use damage::Damage;
pub use index::{Index, Known};
pub use log::{Log, Runs};
pub use path::{from_text, shown, to_text};
pub use record::{FileRecord, Record, Run};
pub use witness::{Generation, HISTORY, generations, runs_with_lists};
