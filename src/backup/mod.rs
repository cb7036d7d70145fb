//! card -> scan -> plan -> copy -> verify -> publish -> report.
//!
//! Knows no screen and no mount: two folders go in, [`events`] come out while it works, and an
//! [`account::Account`] at the end. What it promises stands in `docs/BACKUP.md`.

pub mod account;
mod adopted;
mod card_errors;
mod card_seen;
mod clips;
mod copies;
mod copy;
mod digest;
mod drive;
mod endpoints;
mod engine;
pub mod events;
mod findings;
pub mod label;
pub mod manifest;
mod matched;
mod matching;
mod mhl;
mod mirror;
mod names;
mod naming;
pub mod offers;
mod on_drive;
mod passes;
pub mod reason;
mod repair;
mod safe;
mod samples;
mod scan;
mod scrub;
mod source;
mod stale;
mod unseen;
mod untracked;
mod verify;

pub use card_errors::{CardErrors, card_errors};
pub use endpoints::Endpoints;
pub use engine::{Backed, backup};
pub use names::{DEEPEST, is_clutter};
pub use on_drive::Options;
pub use repair::{Patient, Repaired, Repairs, repair};
pub use safe::{Answer, Away, Compared, safe_to_format};
pub use scrub::{Ages, Scrubbed, last_read, read_within, scrub};
pub use verify::{Finding, Verdict, accept, verify, verify_rest};
