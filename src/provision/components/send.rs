//! The timer that has verified photos sent far away, while the internet is there.

use crate::profile::{Profile, SendWhen};
use crate::provision::components::component::{
    ALL, Checker, Component, File, Ownership, Runs, Service, always, template,
};
use crate::provision::host::facts::Facts;

/// Units find the program by its name.
fn wanted(facts: &Facts, profile: &Profile) -> bool {
    facts.installed && profile.remotes.iter().any(|remote| remote.when != SendWhen::Asked)
}

pub static COMPONENT: Component = Component {
    key: "send",
    when: wanted,
    files: &[
        File {
            template: template!("piback-send.service"),
            path: "/etc/systemd/system/piback-send.service",
            mode: 0o644,
            ownership: Ownership::Whole,
            stacks: ALL,
            when: always,
            checker: Checker::Unit,
            notifies: &[],
        },
        File {
            template: template!("piback-send.timer"),
            path: "/etc/systemd/system/piback-send.timer",
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
        runs: Runs::Unit("piback-send.timer"),
        turn: 13,
        is_enabled_by_us: true,
        reloads: false,
        starts_after_settling: Some("piback-send.timer"),
        stack: None,
    }),
    listens: &[],
};
