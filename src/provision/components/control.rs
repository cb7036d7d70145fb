//! Whoever keeps the jobs: a socket, the service behind it that is gone when nothing happens, and a unit for each job.

use crate::profile::Profile;
use crate::provision::components::component::{Component, Runs, Service, unit_file};
use crate::provision::host::facts::Facts;

/// The socket's unit: where it is, jobs can be asked for.
pub const SOCKET: &str = "/etc/systemd/system/piback-control.socket";
/// The group whose members may.
pub const GROUP: &str = "piback";
/// The unit of a job, without its id and the suffix.
pub const JOB: &str = "piback-job@";

/// Units find the program by its name; one that lies elsewhere, as in a folder of builds, keeps no jobs.
fn wanted(facts: &Facts, _: &Profile) -> bool {
    facts.installed
}

pub static COMPONENT: Component = Component {
    key: "control",
    when: wanted,
    files: &[
        unit_file!("piback-control.service", &[]),
        unit_file!("piback-job@.service", &[]),
        unit_file!("piback-control.socket", SOCKET, &[&COMPONENT]),
    ],
    others: &[],
    packages: &[],
    service: Some(Service {
        runs: Runs::Unit("piback-control.socket"),
        turn: 11,
        is_enabled_by_us: true,
        reloads: false,
        starts_after_settling: Some("piback-control.socket"),
        stack: None,
    }),
    listens: &[],
};
