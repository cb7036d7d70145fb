//! dnsmasq: addresses and names for the Wi-Fi.

use crate::provision::components::component::{
    ALL, At, Checker, Component, File, On, Others, Ownership, Package, Protocol, Runs, Service, Socket,
    always, on_every_host, template,
};

/// dnsmasq's own file, in which a set-up by hand has its lines.
pub const CONF: &str = "/etc/dnsmasq.conf";

/// The folder in which it reads every file.
pub const FOLDER: &str = "/etc/dnsmasq.d";

/// The port that names are asked at.
pub const NAMES: u16 = 53;

/// The ports that an address is asked at, and asked from (RFC 2131, 4.1).
pub const LEASES: u16 = 67;
pub const LEASES_FROM: u16 = 68;

/// The appliance's name on its own Wi-Fi: as the template has it.
pub const NAME: &str = "piback.lan";
/// The same without a domain: such a name is never asked of others (`domain-needed`).
pub const SHORT_NAME: &str = "piback";

pub static COMPONENT: Component = Component {
    key: "dnsmasq",
    when: always,
    files: &[File {
        template: template!("dnsmasq.conf"),
        path: "/etc/dnsmasq.d/piback.conf",
        mode: 0o644,
        ownership: Ownership::Whole,
        stacks: ALL,
        when: always,
        checker: Checker::Dnsmasq,
        notifies: &[&COMPONENT],
    }],
    others: &[Others { at: At::Path(CONF), notifies: &[&COMPONENT] }],
    packages: &[Package { turn: 1, name: "dnsmasq", when: on_every_host }],
    service: Some(Service {
        runs: Runs::Unit("dnsmasq.service"),
        turn: 6,
        is_enabled_by_us: true,
        reloads: false,
        starts_after_settling: Some("dnsmasq.service"),
        stack: None,
    }),
    listens: &[
        Socket {
            name: "DNS",
            protocol: Protocol::Udp,
            port: NAMES,
            on: On::Radio,
            is_own: |process| process == "dnsmasq",
        },
        Socket {
            name: "DHCP",
            protocol: Protocol::Udp,
            port: LEASES,
            on: On::Any,
            is_own: |process| process == "dnsmasq",
        },
    ],
};
