//! `backup`, `verify` and `safe-to-format`, as a photographer uses them and as the world breaks them.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]

mod account;
mod card_changed;
mod cascade;
mod clips;
mod damage;
mod faults;
mod faulty;
mod kills;
mod lists;
mod living_drive;
mod lying_card;
mod manifests;
mod meanwhile;
mod names;
mod nothing_useless;
mod one_disk;
mod one_read;
mod pulled;
mod refusals;
mod rig;
mod rivals;
mod scrub;
mod signals;
mod two_drives;
mod year;
