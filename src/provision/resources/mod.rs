//! Kinds of things that an apply changes: for each, how it is looked at, planned, done and undone. Slices in, values out:
//! the order among the kinds is `apply`'s.

pub mod account;
pub mod file;
pub mod kernel;
pub mod package;
pub mod rule;
pub mod unit;
