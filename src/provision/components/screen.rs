//! The remote screen: Raspberry Pi OS's own wayvnc, which attaches itself to the desktop of whoever is logged in.

use crate::profile::Profile;
use crate::provision::components::component::{
    ALL, Checker, Component, File, On, Ownership, Package, Protocol, Runs, Service, Socket, always,
    on_every_host, template, unit_file,
};
use crate::provision::host::facts::Facts;

/// The drop-in: where it is, the screen is shown.
pub const DROP_IN: &str = "/etc/systemd/system/wayvnc.service.d/piback.conf";

/// wayvnc's unit: Raspberry Pi's package has one, Debian's has none.
pub const UNIT: &str = "wayvnc.service";

/// Units of RealVNC's, which Raspberry Pi OS has for X11 desktops: they show the screen on every network.
pub const REALVNC: [&str; 2] = ["vncserver-x11-serviced.service", "vncserver-virtuald.service"];

fn wanted(_: &Facts, profile: &Profile) -> bool {
    profile.remote_screen
}

pub static COMPONENT: Component = Component {
    key: "screen",
    when: wanted,
    files: &[
        // 0600: it holds the password.
        File {
            template: template!("wayvnc.conf"),
            path: "/etc/piback/wayvnc/config",
            mode: 0o600,
            ownership: Ownership::Whole,
            stacks: ALL,
            when: always,
            checker: Checker::Wayvnc,
            notifies: &[&COMPONENT],
        },
        unit_file!("wayvnc.service.conf", DROP_IN, &[&COMPONENT]),
    ],
    others: &[],
    packages: &[Package { turn: 10, name: "wayvnc", when: on_every_host }],
    service: Some(Service {
        runs: Runs::Unit(UNIT),
        turn: 14,
        is_enabled_by_us: true,
        reloads: false,
        starts_after_settling: Some(UNIT),
        stack: None,
    }),
    listens: &[Socket {
        name: "screen",
        protocol: Protocol::Tcp,
        port: 5900,
        on: On::RadioAlone,
        is_own: |process| process.starts_with("wayvnc"),
    }],
};
