//! The rules for iptables: what may come in over the Wi-Fi, and NAT.

use crate::provision::components::component::{
    ALL, At, Checker, Component, File, Others, Ownership, Package, Runs, Service, always, on_every_host,
    template, unit_file,
};

/// The script that is run at the end of boot, in which the article calls its own.
pub const RC_LOCAL: &str = "/etc/rc.local";

/// The rules as they are loaded, with `iptables-restore` and with `ip6tables-restore`.
pub const IPV4_RULES: &str = "/etc/piback/nat/ipv4.rules";
pub const IPV6_RULES: &str = "/etc/piback/nat/ipv6.rules";

pub static COMPONENT: Component = Component {
    key: "nat",
    when: always,
    files: &[
        File {
            template: template!("ipv4.rules"),
            path: IPV4_RULES,
            mode: 0o644,
            ownership: Ownership::Whole,
            stacks: ALL,
            when: always,
            checker: Checker::Iptables,
            notifies: &[&COMPONENT],
        },
        File {
            template: template!("ipv6.rules"),
            path: IPV6_RULES,
            mode: 0o644,
            ownership: Ownership::Whole,
            stacks: ALL,
            when: always,
            checker: Checker::Ip6tables,
            notifies: &[&COMPONENT],
        },
        File {
            template: template!("nat-clear.sh"),
            path: "/etc/piback/nat/clear.sh",
            mode: 0o644,
            ownership: Ownership::Whole,
            stacks: ALL,
            when: always,
            checker: Checker::None,
            notifies: &[&COMPONENT],
        },
        unit_file!("piback-nat.service", &[&COMPONENT]),
    ],
    others: &[
        Others { at: At::Path(RC_LOCAL), notifies: &[] },
        Others { at: At::Named("hotspot-boot.sh"), notifies: &[] },
    ],
    packages: &[Package { turn: 2, name: "iptables", when: on_every_host }],
    service: Some(Service {
        runs: Runs::Unit("piback-nat.service"),
        turn: 1,
        is_enabled_by_us: true,
        reloads: false,
        starts_after_settling: Some("piback-nat.service"),
        stack: None,
    }),
    listens: &[],
};
