//! rclone, which speaks with the places far away.

use crate::profile::Profile;
use crate::provision::components::component::{Component, Package};
use crate::provision::host::facts::Facts;

/// A remote that waits to be asked needs it all the same.
fn wanted(_: &Facts, profile: &Profile) -> bool {
    !profile.remotes.is_empty()
}

pub static COMPONENT: Component = Component {
    key: "remotes",
    when: wanted,
    files: &[],
    others: &[],
    packages: &[Package { turn: 9, name: "rclone", when: |_| true }],
    service: None,
    listens: &[],
};
