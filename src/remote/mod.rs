//! offers -> sums -> look there -> upload -> look there -> record.
//!
//! A copy far away of what is verified on a drive, through rclone. `answers`, `trouble` and `place` are pure; `rclone` lays
//! out command lines; `record` is the drive's memory of what went where; `send` is the work.

mod account;
pub mod answers;
mod batches;
mod holds;
mod item;
mod look;
pub mod place;
mod rclone;
mod record;
mod send;
mod trouble;
mod upload;

pub use account::{NotSent, Sent, Stopped, To};
pub use holds::holds;
pub use rclone::{Rclone, Sandbox};
pub use record::{ByRecord, by_record};
pub use send::send;
