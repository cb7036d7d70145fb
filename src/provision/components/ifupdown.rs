//! ifupdown: brings the radio up with its address.

use crate::provision::components::component::{
    At, Checker, Component, File, Others, Ownership, Runs, Service, always, template,
};
use crate::provision::components::samba;
use crate::provision::host::facts::Stack;
use crate::provision::host::interfaces::INTERFACES;
use crate::provision::text::block::Position;

pub static COMPONENT: Component = Component {
    key: "ifup",
    when: always,
    files: &[
        File {
            template: template!("interfaces"),
            path: "/etc/network/interfaces.d/piback",
            mode: 0o644,
            ownership: Ownership::Whole,
            stacks: &[Stack::Ifupdown],
            when: always,
            checker: Checker::None,
            notifies: &[&COMPONENT, &samba::COMPONENT],
        },
        File {
            template: template!("interfaces-source"),
            path: INTERFACES,
            mode: 0o644,
            ownership: Ownership::Block(Position::End),
            stacks: &[Stack::Ifupdown],
            when: |facts, _| !facts.interfaces_d_is_read,
            checker: Checker::None,
            notifies: &[&COMPONENT],
        },
    ],
    others: &[Others { at: At::Path(INTERFACES), notifies: &[] }],
    packages: &[],
    service: Some(Service {
        runs: Runs::Interface,
        turn: 4,
        is_enabled_by_us: false,
        reloads: false,
        starts_after_settling: Some("networking.service"),
        // No other host has an `ifup` to run.
        stack: Some(Stack::Ifupdown),
    }),
    listens: &[],
};
