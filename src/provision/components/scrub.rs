//! The timer that has the drive read again, a little every day.

use crate::profile::Profile;
use crate::provision::components::component::{Component, Runs, Service, unit_file};
use crate::provision::host::facts::Facts;

/// Units find the program by its name.
fn wanted(facts: &Facts, profile: &Profile) -> bool {
    facts.installed && profile.scrub.every.days().is_some()
}

pub static COMPONENT: Component = Component {
    key: "scrub",
    when: wanted,
    files: &[unit_file!("piback-scrub.service", &[]), unit_file!("piback-scrub.timer", &[&COMPONENT])],
    others: &[],
    packages: &[],
    service: Some(Service {
        runs: Runs::Unit("piback-scrub.timer"),
        turn: 10,
        is_enabled_by_us: true,
        reloads: false,
        starts_after_settling: Some("piback-scrub.timer"),
        stack: None,
    }),
    listens: &[],
};
