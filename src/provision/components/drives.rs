//! Cards and drives: what mounting them needs.

use crate::provision::components::component::{Component, Package, always, on_every_host};

pub static COMPONENT: Component = Component {
    key: "drives",
    when: always,
    files: &[],
    others: &[],
    packages: &[Package { turn: 5, name: "ntfs-3g", when: on_every_host }],
    service: None,
    listens: &[],
};
