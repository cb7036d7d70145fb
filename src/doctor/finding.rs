//! A check, what it looks at and what it finds; and how a check asks a tool.

use super::drive::Drive;
use crate::media::health::Health;
use crate::profile::Profile;
use crate::provision::desired::subnet::Choice;
use crate::provision::host::facts::Facts;
use crate::system::Host;
use crate::system::run::{RunError, Tool};
use crate::ui::visible;
use serde::Serialize;

/// One check of the registry.
pub struct Check {
    pub name: &'static str,
    /// The state that it hopes for, in a line that `--json` repeats.
    pub line: &'static str,
    /// Set where `apply` refuses to begin as long as this is bad, because nothing good could come of it.
    pub stops_apply: bool,
    pub run: fn(&Subject<'_>) -> Finding,
}

impl Check {
    /// Looks, and makes what was found harmless to print: tools repeat what others chose, names and addresses.
    #[must_use]
    pub fn look(&self, subject: &Subject<'_>) -> Finding {
        let mut finding = (self.run)(subject);
        finding.found = visible(&finding.found);
        finding.remedy = finding.remedy.map(|remedy| visible(&remedy));
        finding
    }
}

/// The host as a check sees it, with everything that was read before.
pub struct Subject<'a> {
    pub host: &'a dyn Host,
    /// The profile, where there is a good one.
    pub profile: Option<&'a Profile>,
    pub facts: Option<&'a Facts>,
    /// The drives for backups, where what is plugged in is known.
    pub drives: Option<&'a [Drive]>,
    /// The devices of everything that is plugged in, where that is known.
    pub health: Option<&'a [Health]>,
    /// The Wi-Fi's subnet beside the uplink's, where that is known.
    pub lan: Option<&'a Choice>,
}

/// The answer of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub level: Level,
    pub found: String,
    /// The thing to do, as a sentence or a command.
    pub remedy: Option<String>,
    /// Set where `piback apply` is the remedy: then it is no reason for apply to refuse.
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
    pub fn good(found: impl Into<String>) -> Self {
        Finding { level: Level::Good, found: found.into(), remedy: None, apply_mends: false }
    }

    pub fn unknown(why: impl Into<String>) -> Self {
        Finding { level: Level::Unknown, found: why.into(), remedy: None, apply_mends: false }
    }

    pub fn warning(found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Finding { level: Level::Warning, ..Finding::bad(found, remedy) }
    }

    pub fn bad(found: impl Into<String>, remedy: impl Into<String>) -> Self {
        let (found, remedy) = (found.into(), Some(remedy.into()));
        Finding { level: Level::Bad, found, remedy, apply_mends: false }
    }

    /// Bad, and gone with the next apply.
    pub fn mended_by_apply(found: impl Into<String>) -> Self {
        Finding { apply_mends: true, ..Finding::bad(found, "sudo piback apply") }
    }
}

/// Returns what a tool printed, or the finding that says why that is not known.
pub fn said(subject: &Subject<'_>, tool: &Tool) -> Result<String, Finding> {
    if !subject.host.is_live() {
        return Err(Finding::unknown("only a running host can say"));
    }
    match subject.host.output(tool) {
        Ok(output) => Ok(output.stdout),
        Err(RunError::NotFound { program }) => Err(Finding::unknown(format!("{program} is not installed"))),
        Err(e) => Err(Finding::unknown(e.to_string())),
    }
}

/// Returns a file's text, nothing where there is no such file, or the finding that says why it is not known.
pub fn text(subject: &Subject<'_>, path: &str) -> Result<Option<String>, Finding> {
    let bytes = subject.host.read_followed(path);
    let bytes = bytes.map_err(|e| Finding::unknown(format!("{path} can't be read: {e}")))?;
    Ok(bytes.map(|b| String::from_utf8_lossy(&b).into_owned()))
}
