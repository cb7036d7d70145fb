//! Samba: cards and drives as shares.

use crate::provision::components::component::{
    ALL, Checker, Component, File, On, Ownership, Package, Protocol, Runs, Service, Socket, always,
    on_every_host, template, unit_file,
};
use crate::provision::text::block::Position;

/// Samba's own file.
pub const CONF: &str = "/etc/samba/smb.conf";

pub static COMPONENT: Component = Component {
    key: "samba",
    when: always,
    files: &[
        File {
            template: template!("samba.conf"),
            path: "/etc/samba/piback.conf",
            mode: 0o644,
            ownership: Ownership::Whole,
            stacks: ALL,
            when: always,
            checker: Checker::Samba,
            notifies: &[&COMPONENT],
        },
        unit_file!("smbd.service.conf", "/etc/systemd/system/smbd.service.d/piback.conf", &[&COMPONENT]),
        File {
            template: template!("samba-include.conf"),
            path: CONF,
            mode: 0o644,
            ownership: Ownership::Block(Position::End),
            stacks: ALL,
            when: always,
            checker: Checker::None,
            notifies: &[&COMPONENT],
        },
    ],
    others: &[],
    packages: &[
        Package { turn: 6, name: "samba", when: on_every_host },
        Package { turn: 7, name: "samba-common-bin", when: on_every_host },
        // vfs_fruit is in a package of its own before Trixie, and in samba itself from then on.
        Package {
            turn: 8,
            name: "samba-vfs-modules",
            when: |facts| facts.os.version.is_some_and(|version| version < 13),
        },
    ],
    service: Some(Service {
        runs: Runs::Unit("smbd.service"),
        turn: 7,
        is_enabled_by_us: true,
        reloads: false,
        starts_after_settling: Some("smbd.service"),
        stack: None,
    }),
    // Its children rename themselves: smbd[10.41.0.57], smbd-notifyd.
    listens: &[Socket {
        name: "share",
        protocol: Protocol::Tcp,
        port: 445,
        on: On::Radio,
        is_own: |process| process.starts_with("smbd"),
    }],
};
