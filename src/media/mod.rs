//! Cards and drives: what is plugged in, found by label, reached, and taken off again.
//!
//! Knows no backup and no appliance: labels and folders go in, two open folders come out.

pub mod appear;
pub mod blkid;
pub mod bus;
pub mod complaints;
pub mod device;
pub mod drives;
pub mod ends;
pub mod enrolled;
pub mod find;
pub mod health;
pub mod lsblk;
pub mod mountinfo;
pub mod plugged;
pub mod reach;
pub mod smart;
pub mod volume;
pub mod waiting;
