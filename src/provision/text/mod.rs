//! Texts of files, pure: marked blocks, lines commented out, diffs.

pub mod block;
pub mod comment_out;
pub mod diff;
pub mod lines;
pub mod pattern;
