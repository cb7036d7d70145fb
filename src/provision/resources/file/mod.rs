//! Files: own ones, blocks in others', others' lines commented out.

pub mod change;
pub mod plan;
pub mod run;
