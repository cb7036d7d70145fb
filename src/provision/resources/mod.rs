//! Kinds of things that an apply changes: for each, how it is looked at, planned, done and undone.

pub mod rule;
pub mod unit;
