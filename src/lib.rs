//! piback turns a Raspberry Pi into a travel photo-backup appliance, and runs it from then on.
//!
//! Two pipelines share one small foundation:
//!
//! ```text
//! profile -> host facts -> render -> plan (diff) -> check -> apply (journal) -> activate -> probe -> commit | unwind
//! card    -> scan       -> plan   -> copy        -> verify -> publish        -> report
//! ```
//!
//! Nine floors, arrows only downwards: `main`; [`commands`]; [`view`] and [`doctor`]; [`web`]; [`jobs`]; [`remote`]; [`provision`],
//! [`firstboot`], [`backup`], [`media`] and [`photo`] side by side; [`profile`], [`system`]; [`ui`], [`certificate`]; [`error`], [`secret`], [`paths`],
//! [`cli`].

pub mod backup;
pub mod certificate;
pub mod cli;
pub mod commands;
pub mod doctor;
pub mod error;
pub mod firstboot;
pub mod jobs;
pub mod media;
pub mod paths;
pub mod photo;
pub mod profile;
pub mod provision;
pub mod remote;
pub mod secret;
pub mod system;
pub mod ui;
pub mod view;
pub mod web;
