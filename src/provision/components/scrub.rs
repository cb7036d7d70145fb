//! The timer that has the drive read again, a little every day.

use crate::profile::Profile;
use crate::provision::components::component::{
    ALL, Checker, Component, File, Ownership, Runs, Service, always, template,
};
use crate::provision::host::facts::Facts;

/// Units find the program by its name.
fn wanted(facts: &Facts, profile: &Profile) -> bool {
    facts.installed && profile.scrub.every.days().is_some()
}

pub static COMPONENT: Component = Component {
    key: "scrub",
    when: wanted,
    files: &[
        File {
            template: template!("piback-scrub.service"),
            path: "/etc/systemd/system/piback-scrub.service",
            mode: 0o644,
            ownership: Ownership::Whole,
            stacks: ALL,
            when: always,
            checker: Checker::Unit,
            notifies: &[],
        },
        File {
            template: template!("piback-scrub.timer"),
            path: "/etc/systemd/system/piback-scrub.timer",
            mode: 0o644,
            ownership: Ownership::Whole,
            stacks: ALL,
            when: always,
            checker: Checker::Unit,
            notifies: &[&COMPONENT],
        },
    ],
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
