//! The seam: the only room with side effects. Everything above takes values and returns values.
#![allow(clippy::disallowed_methods)]

pub mod process;
pub mod run;
