//! The kernel's forwarding between Wi-Fi and Ethernet.

use crate::provision::components::component::{
    ALL, Checker, Component, File, Ownership, Runs, Service, always, template,
};

/// piback's file of kernel settings.
pub const CONF: &str = "/etc/sysctl.d/99-piback.conf";

pub static COMPONENT: Component = Component {
    key: "sysctl",
    when: |_, profile| profile.uplink.share,
    files: &[File {
        template: template!("sysctl.conf"),
        path: CONF,
        mode: 0o644,
        ownership: Ownership::Whole,
        stacks: ALL,
        when: always,
        checker: Checker::Sysctl,
        notifies: &[&COMPONENT],
    }],
    others: &[],
    packages: &[],
    service: Some(Service {
        runs: Runs::Unit("systemd-sysctl.service"),
        turn: 0,
        is_enabled_by_us: false,
        reloads: false,
        // It runs before local file systems are there.
        starts_after_settling: None,
        stack: None,
    }),
    listens: &[],
};
