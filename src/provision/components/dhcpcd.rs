//! dhcpcd: gives the radio its address, or keeps off it where ifupdown does.

use crate::provision::components::component::{
    At, Checker, Component, File, Others, Ownership, Runs, Service, always, template,
};
use crate::provision::components::samba;
use crate::provision::host::facts::Stack;
use crate::provision::text::block::Position;

/// dhcpcd's own file.
pub const CONF: &str = "/etc/dhcpcd.conf";

pub static COMPONENT: Component = Component {
    key: "dhcpcd",
    when: always,
    files: &[
        File {
            template: template!("dhcpcd-deny.conf"),
            path: CONF,
            mode: 0o644,
            ownership: Ownership::Block(Position::Top),
            stacks: &[Stack::Ifupdown],
            when: always,
            checker: Checker::None,
            notifies: &[&COMPONENT],
        },
        // Whatever gives the radio its address notifies Samba too, which listens on the addresses that are there when
        // it starts.
        File {
            template: template!("dhcpcd-static.conf"),
            path: CONF,
            mode: 0o644,
            ownership: Ownership::Block(Position::End),
            stacks: &[Stack::Dhcpcd],
            when: always,
            checker: Checker::None,
            notifies: &[&COMPONENT, &samba::COMPONENT],
        },
    ],
    others: &[Others { at: At::Path(CONF), notifies: &[] }],
    packages: &[],
    service: Some(Service {
        runs: Runs::Unit("dhcpcd.service"),
        turn: 3,
        is_enabled_by_us: false,
        reloads: false,
        starts_after_settling: Some("dhcpcd.service"),
        stack: None,
    }),
    listens: &[],
};
