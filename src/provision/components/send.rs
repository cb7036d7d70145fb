//! The timer that has verified photos sent far away, while the internet is there.

use crate::profile::{Profile, SendWhen};
use crate::provision::components::component::{Component, Runs, Service, unit_file};
use crate::provision::host::facts::Facts;

/// Units find the program by its name.
fn wanted(facts: &Facts, profile: &Profile) -> bool {
    facts.installed && profile.remotes.iter().any(|remote| remote.when != SendWhen::Asked)
}

/// The name of the `number`th unit of an rclone; `invocation` is the unit's that it works for, whose end takes it along
/// (`ExecStopPost=` in its template).
#[must_use]
pub fn unit_of_rclone(invocation: &str, pid: i32, number: u32) -> String {
    format!("piback-rclone-{invocation}-{pid}-{number}")
}

pub static COMPONENT: Component = Component {
    key: "send",
    when: wanted,
    files: &[unit_file!("piback-send.service", &[]), unit_file!("piback-send.timer", &[&COMPONENT])],
    others: &[],
    packages: &[],
    service: Some(Service {
        runs: Runs::Unit("piback-send.timer"),
        turn: 13,
        is_enabled_by_us: true,
        reloads: false,
        starts_after_settling: Some("piback-send.timer"),
        stack: None,
    }),
    listens: &[],
};
