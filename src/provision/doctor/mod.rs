//! What stands in the way, each with its remedy. Checks are a registry; each looks at one thing, through tools whose
//! output is parsed in `parse`, and says what it could not find out.

mod checks;
mod drive;
mod parse;

use crate::profile::Profile;
use crate::provision::desired::subnet::Choice;
use crate::provision::drive::Drive;
use crate::provision::host::facts::{Facts, Stack};
use crate::system::Host;
use serde::Serialize;

/// One check of the registry.
pub struct Check {
    pub name: &'static str,
    /// What it looks at, for `doctor --list` and the documentation.
    pub line: &'static str,
    run: fn(&Patient<'_>) -> Finding,
}

impl Check {
    /// What it finds, harmless to print: tools repeat what others chose, names and addresses.
    #[must_use]
    pub fn look(&self, patient: &Patient<'_>) -> Finding {
        let mut finding = (self.run)(patient);
        finding.found = crate::ui::visible(&finding.found);
        finding.remedy = finding.remedy.map(|remedy| crate::ui::visible(&remedy));
        finding
    }
}

/// What a check looks at.
pub struct Patient<'a> {
    pub host: &'a dyn Host,
    /// The profile, where there is a good one.
    pub profile: Option<&'a Profile>,
    pub facts: Option<&'a Facts>,
    /// The drives for backups, where what is plugged in is known.
    pub drives: Option<&'a [Drive]>,
    /// The Wi-Fi's subnet beside the uplink's, where that is known.
    pub lan: Option<&'a Choice>,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub level: Level,
    pub found: String,
    /// What to do, as a sentence or a command.
    pub remedy: Option<String>,
    /// Whether `piback apply` is the remedy: then it is no reason for apply to refuse.
    #[serde(skip)]
    pub apply_mends: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Good,
    /// It could not be found out: neither good nor bad.
    Unknown,
    Warning,
    /// The appliance does not work, or not safely, as long as this is so.
    Bad,
}

impl Finding {
    fn good(found: impl Into<String>) -> Self {
        Finding { level: Level::Good, found: found.into(), remedy: None, apply_mends: false }
    }

    fn unknown(why: impl Into<String>) -> Self {
        Finding { level: Level::Unknown, found: why.into(), remedy: None, apply_mends: false }
    }

    fn warning(found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Finding { level: Level::Warning, ..Finding::bad(found, remedy) }
    }

    fn bad(found: impl Into<String>, remedy: impl Into<String>) -> Self {
        let (found, remedy) = (found.into(), Some(remedy.into()));
        Finding { level: Level::Bad, found, remedy, apply_mends: false }
    }

    /// Bad, and gone with the next apply.
    fn mended_by_apply(found: impl Into<String>) -> Self {
        Finding { apply_mends: true, ..Finding::bad(found, "sudo piback apply") }
    }
}

/// The registry, in the order in which it is shown.
pub const CHECKS: &[Check] = &[
    Check { name: "profile", line: "the profile can be read", run: checks::profile },
    Check { name: "apply", line: "no apply was cut off, or waits to be confirmed", run: checks::apply },
    Check { name: "stack", line: "who brings up the network, and nobody else", run: checks::stack },
    Check { name: "root", line: "the system's own disk can be written and stays written", run: checks::root },
    Check { name: "units", line: "the daemons start at boot and run", run: checks::units },
    Check { name: "radio", line: "the radio is not switched off", run: checks::radio },
    Check { name: "country", line: "the kernel knows the country", run: checks::country },
    Check {
        name: "channel",
        line: "the radio can do the profile's channel and width here",
        run: checks::channel,
    },
    Check { name: "subnet", line: "the Wi-Fi's addresses are not the uplink's", run: checks::subnet },
    Check { name: "ports", line: "nobody else holds the ports 53, 67 and 445", run: checks::ports },
    Check { name: "drives", line: "the drive for backups is there and can take them", run: checks::drives },
    Check { name: "power", line: "the power supply is strong enough", run: checks::power },
    Check { name: "clock", line: "the time of day is set", run: checks::clock },
];

/// Runs the whole registry.
#[must_use]
pub fn examine(patient: &Patient<'_>) -> Vec<(&'static str, Finding)> {
    CHECKS.iter().map(|check| (check.name, check.look(patient))).collect()
}

/// What apply refuses to work against: found before anything is cut off.
///
/// # Errors
/// With the finding and its remedy.
pub fn refuse(patient: &Patient<'_>) -> anyhow::Result<()> {
    for check in
        CHECKS.iter().filter(|c| matches!(c.name, "root" | "subnet" | "stack") && patient.host.is_live())
    {
        let finding = check.look(patient);
        if finding.level == Level::Bad && !finding.apply_mends {
            let problem = crate::error::Problem::failed(finding.found);
            return Err(finding.remedy.into_iter().fold(problem, crate::error::Problem::hint).into());
        }
    }
    Ok(())
}

/// The stack by its name in the profile's world, for messages.
fn stack_name(stack: Stack) -> &'static str {
    match stack {
        Stack::Ifupdown => "ifupdown",
        Stack::Dhcpcd => "dhcpcd",
        Stack::NetworkManager => "NetworkManager",
    }
}
