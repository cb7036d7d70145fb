//! profile -> host facts -> render -> plan (diff) -> check -> apply (journal) -> activate -> probe -> commit | unwind

pub mod block;
pub mod catalog;
pub mod host;
pub mod render;
