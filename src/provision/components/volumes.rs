//! Cards and drives that are mounted when they are plugged in, and backed up where the profile says so.

use crate::profile::{Automount, OnInsert, Profile};
use crate::provision::components::component::{
    ALL, Checker, Component, File, Ownership, Runs, Service, always, template, unit_file,
};
use crate::provision::host::facts::Facts;

/// The unit that mounts a volume, without the kernel's name for it and the suffix.
pub const VOLUME: &str = "piback-volume@";
/// The unit that backs up a card, likewise.
pub const INSERT: &str = "piback-insert@";

/// Units find the program by its name; one that lies elsewhere, as in a folder of builds, mounts nothing by itself.
fn mounts(facts: &Facts, profile: &Profile) -> bool {
    facts.installed && profile.volumes.mount == Automount::Auto
}

fn starts(_: &Facts, profile: &Profile) -> bool {
    profile.backup.on_insert == OnInsert::Start
}

pub static COMPONENT: Component = Component {
    key: "volumes",
    when: mounts,
    files: &[
        // udev looks by itself whether its rules changed (udev(7)), so nothing has to be told.
        File {
            template: template!("volumes.rules"),
            // After 60-persistent-storage.rules, which asks what file system it is.
            path: "/etc/udev/rules.d/90-piback-volumes.rules",
            mode: 0o644,
            ownership: Ownership::Whole,
            stacks: ALL,
            when: always,
            checker: Checker::None,
            notifies: &[&COMPONENT],
        },
        unit_file!("piback-volume@.service", &[&COMPONENT]),
        File {
            template: template!("piback-insert@.service"),
            path: "/etc/systemd/system/piback-insert@.service",
            mode: 0o644,
            ownership: Ownership::Whole,
            stacks: ALL,
            when: starts,
            checker: Checker::Unit,
            notifies: &[],
        },
        unit_file!("piback-volumes.service", &[&COMPONENT]),
    ],
    others: &[],
    packages: &[],
    service: Some(Service {
        runs: Runs::Unit("piback-volumes.service"),
        turn: 9,
        is_enabled_by_us: true,
        reloads: false,
        starts_after_settling: Some("piback-volumes.service"),
        stack: None,
    }),
    listens: &[],
};
