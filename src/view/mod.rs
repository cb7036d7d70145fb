//! The texts that people and programs read: a plan, a run while it goes, and what stands at its end.

pub mod account;
pub mod answer;
pub mod drives;
pub mod following;
pub mod jobs;
pub mod plan;
pub mod progress;
pub mod qr;
pub mod report;
pub mod screen;
pub mod scrubbed;
pub mod sent;
