//! hostapd: the access point.

use crate::provision::components::component::{
    ALL, Checker, Component, File, Ownership, Package, Runs, Service, always, on_every_host, template,
    unit_file,
};
use crate::provision::components::samba;
use crate::provision::host::facts::Stack;
use crate::provision::text::block::Position;

pub static COMPONENT: Component = Component {
    key: "hostapd",
    when: always,
    files: &[
        // 0600: it holds the passphrase.
        File {
            template: template!("hostapd.conf"),
            path: "/etc/hostapd/hostapd.conf",
            mode: 0o600,
            ownership: Ownership::Whole,
            stacks: ALL,
            when: always,
            checker: Checker::Hostapd,
            notifies: &[&COMPONENT],
        },
        // It gives the radio its address on NetworkManager's hosts.
        unit_file!(
            "hostapd.service.conf",
            "/etc/systemd/system/hostapd.service.d/piback.conf",
            &[&COMPONENT, &samba::COMPONENT]
        ),
        // Nobody takes notice: udev reads its rules again by itself.
        File {
            template: template!("radio.rules"),
            path: "/etc/udev/rules.d/99-piback-radio.rules",
            mode: 0o644,
            ownership: Ownership::Whole,
            stacks: ALL,
            when: always,
            checker: Checker::None,
            notifies: &[],
        },
        File {
            template: template!("hostapd-default"),
            path: "/etc/default/hostapd",
            mode: 0o644,
            ownership: Ownership::Block(Position::End),
            stacks: &[Stack::Ifupdown, Stack::Dhcpcd],
            when: always,
            checker: Checker::None,
            notifies: &[&COMPONENT],
        },
    ],
    others: &[],
    packages: &[
        Package { turn: 0, name: "hostapd", when: on_every_host },
        Package { turn: 3, name: "iw", when: on_every_host },
        Package { turn: 4, name: "rfkill", when: on_every_host },
    ],
    service: Some(Service {
        runs: Runs::Unit("hostapd.service"),
        turn: 5,
        is_enabled_by_us: true,
        reloads: false,
        starts_after_settling: Some("hostapd.service"),
        stack: None,
    }),
    listens: &[],
};
