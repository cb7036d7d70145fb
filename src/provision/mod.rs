//! profile -> host facts -> render -> plan (diff) -> check -> apply (journal) -> activate -> probe -> commit | unwind

pub mod adopt;
pub mod apply;
pub mod components;
pub mod desired;
pub mod host;
pub mod plan;
pub mod probe;
pub mod resources;
pub mod state;
pub mod text;
pub mod validate;
