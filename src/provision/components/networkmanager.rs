//! NetworkManager: keeps off the radio.

use crate::provision::components::component::{
    Checker, Component, File, Ownership, Runs, Service, always, template,
};
use crate::provision::components::dnsmasq;
use crate::provision::host::facts::Stack;

/// Tells NetworkManager what it leaves alone.
pub const CONF: &str = "/etc/NetworkManager/conf.d/99-piback.conf";

pub static COMPONENT: Component = Component {
    key: "networkmanager",
    when: always,
    files: &[
        File {
            template: template!("networkmanager.conf"),
            path: CONF,
            mode: 0o644,
            ownership: Ownership::Whole,
            stacks: &[Stack::NetworkManager],
            when: always,
            checker: Checker::None,
            notifies: &[&COMPONENT],
        },
        // dnsmasq is what waits.
        File {
            template: template!("networkmanager-wait.conf"),
            path: "/etc/systemd/system/NetworkManager-wait-online.service.d/piback.conf",
            mode: 0o644,
            ownership: Ownership::Whole,
            stacks: &[Stack::NetworkManager],
            when: always,
            checker: Checker::Unit,
            notifies: &[&dnsmasq::COMPONENT],
        },
    ],
    others: &[],
    packages: &[],
    service: Some(Service {
        runs: Runs::Unit("NetworkManager.service"),
        turn: 2,
        is_enabled_by_us: false,
        reloads: true,
        starts_after_settling: Some("NetworkManager.service"),
        stack: None,
    }),
    listens: &[],
};
