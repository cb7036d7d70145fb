//! The whole staged set is looked at before anything is written: by our own checkers everywhere, by the daemons'
//! own tools where they are installed. What could not be checked is said to be so, never taken for passed.

mod hostapd;
mod sysctl;
mod tools;

use crate::error::Problem;
use crate::provision::catalog::{CATALOG, Checker};
use crate::provision::desired::artifact::{Artifact, Secrets};
use crate::system::Host;
use serde::Serialize;

/// One look at one file, or at files that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Who looked: a tool, or piback's own checker.
    pub by: String,
    pub path: String,
    #[serde(flatten)]
    pub result: CheckResult,
}

/// Two ways not to pass: it ran and said no, or it could not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "result", content = "why")]
pub enum CheckResult {
    Passed,
    Failed(String),
    NotChecked(String),
}

impl Check {
    fn new(by: &str, path: &str, result: CheckResult) -> Self {
        Check { by: by.to_owned(), path: path.to_owned(), result }
    }

    /// One line for people.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.result {
            CheckResult::Passed => format!("checked: {} ({})", self.path, self.by),
            CheckResult::Failed(why) => format!("refused: {} ({}): {why}", self.path, self.by),
            CheckResult::NotChecked(why) => format!("not checked: {} ({why})", self.path),
        }
    }
}

/// Everything that can be checked before anything is written.
///
/// # Errors
/// When the scratch directory for the tools can't be used.
pub fn all(host: &dyn Host, artifacts: &[Artifact], secrets: Option<&Secrets>) -> anyhow::Result<Vec<Check>> {
    let mut checks = own(artifacts, secrets);
    checks.extend(tools(host, artifacts, secrets)?);
    Ok(checks)
}

/// piback's own checkers: for daemons that have no test of their own.
#[must_use]
pub fn own(artifacts: &[Artifact], secrets: Option<&Secrets>) -> Vec<Check> {
    let check = |artifact: &Artifact| {
        let text = text(artifact, secrets);
        let errors = match checker(artifact) {
            Checker::Hostapd => hostapd::check(&text),
            Checker::Sysctl => sysctl::check(&text),
            _ => return None,
        };
        let result = match errors.is_empty() {
            true => CheckResult::Passed,
            false => CheckResult::Failed(masked(&errors.join("; "), secrets)),
        };
        Some(Check::new("piback", &artifact.path, result))
    };
    artifacts.iter().filter_map(check).collect()
}

/// The daemons' own tools, on a live host.
///
/// # Errors
/// When the scratch directory can't be used.
pub fn tools(
    host: &dyn Host,
    artifacts: &[Artifact],
    secrets: Option<&Secrets>,
) -> anyhow::Result<Vec<Check>> {
    let mut checks = tools::run(host, artifacts, secrets)?;
    for check in &mut checks {
        if let CheckResult::Failed(why) | CheckResult::NotChecked(why) = &mut check.result {
            *why = masked(why, secrets);
        }
    }
    Ok(checks)
}

/// What a checker quotes of a file must not be its secret.
fn masked(text: &str, secrets: Option<&Secrets>) -> String {
    secrets.map_or_else(|| text.to_owned(), |secrets| secrets.mask(text))
}

/// # Errors
/// With every check that failed.
pub fn refuse_failures(checks: &[Check]) -> anyhow::Result<()> {
    let failed: Vec<String> =
        checks.iter().filter(|c| matches!(c.result, CheckResult::Failed(_))).map(Check::text).collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(Problem::failed(failed.join("\n  "))
        .hint("look at the profile and at your templates in /etc/piback/templates")
        .into())
}

fn checker(artifact: &Artifact) -> Checker {
    let same = |path: &str| path == artifact.path;
    CATALOG.iter().find(|e| same(e.path) && e.form == artifact.form).map_or(Checker::None, |e| e.checker)
}

fn text(artifact: &Artifact, secrets: Option<&Secrets>) -> String {
    secrets.map_or_else(|| artifact.body.masked(), |secrets| artifact.body.expose(secrets))
}
