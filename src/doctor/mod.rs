//! The doctor: what stands in the way, each with its remedy. Checks are a registry; each looks at one thing, stands
//! beside the parser of what it asks for, and says what it could not find out.

mod board;
pub mod drive;
mod drives;
mod finding;
mod network;
mod radio;
mod records;
mod units;

pub use finding::{Check, Finding, Level, Subject};

use crate::error::Problem;

/// The registry, in the order in which it is read.
pub const CHECKS: &[Check] = &[
    records::PROFILE,
    records::APPLY,
    network::STACK,
    board::ROOT,
    units::UNITS,
    radio::RADIO,
    radio::COUNTRY,
    radio::CHANNEL,
    network::SUBNET,
    network::PORTS,
    drives::DRIVES,
    board::POWER,
    board::CLOCK,
];

/// Runs the whole registry.
#[must_use]
pub fn examine(subject: &Subject<'_>) -> Vec<(&'static str, Finding)> {
    CHECKS.iter().map(|check| (check.name, check.look(subject))).collect()
}

/// Refuses an apply that could not end well, before anything is cut off.
///
/// # Errors
/// With the finding and its remedy.
pub fn refuse(subject: &Subject<'_>) -> anyhow::Result<()> {
    for check in CHECKS.iter().filter(|c| c.stops_apply && subject.host.is_live()) {
        let finding = check.look(subject);
        if finding.level == Level::Bad && !finding.apply_mends {
            let problem = Problem::failed(finding.found);
            return Err(finding.remedy.into_iter().fold(problem, Problem::hint).into());
        }
    }
    Ok(())
}
