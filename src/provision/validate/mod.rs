//! The whole staged set is looked at before anything is written: by our own checkers everywhere, by the daemons'
//! own tools where they are installed. What could not be checked is said to be so, never taken for passed.

mod hostapd;
pub mod result;
mod sysctl;
mod tools;
mod wayvnc;

use crate::error::Problem;
use crate::provision::components::component::Checker;
use crate::provision::desired::artifact::{Artifact, Secrets};
use crate::provision::validate::result::{Validation, ValidationResult, checker, masked, text};
use crate::system::Host;

/// Everything that can be checked before anything is written.
///
/// # Errors
/// When the scratch directory for the tools can't be used.
pub fn all(
    host: &dyn Host,
    artifacts: &[Artifact],
    secrets: Option<&Secrets>,
) -> anyhow::Result<Vec<Validation>> {
    let mut checks = own(artifacts, secrets);
    checks.extend(tools(host, artifacts, secrets)?);
    Ok(checks)
}

/// piback's own checkers: for daemons that have no test of their own.
#[must_use]
pub fn own(artifacts: &[Artifact], secrets: Option<&Secrets>) -> Vec<Validation> {
    let check = |artifact: &Artifact| {
        let text = text(artifact, secrets);
        let errors = match checker(artifact) {
            Checker::Hostapd => hostapd::check(&text),
            Checker::Sysctl => sysctl::check(&text),
            Checker::Wayvnc => wayvnc::check(&text),
            _ => return None,
        };
        let result = match errors.is_empty() {
            true => ValidationResult::Passed,
            false => ValidationResult::Failed(masked(&errors.join("; "), secrets)),
        };
        Some(Validation::new("piback", &artifact.path, result))
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
) -> anyhow::Result<Vec<Validation>> {
    let mut checks = tools::run(host, artifacts, secrets)?;
    for check in &mut checks {
        if let ValidationResult::Failed(why) | ValidationResult::NotChecked(why) = &mut check.result {
            *why = masked(why, secrets);
        }
    }
    Ok(checks)
}

/// # Errors
/// With every check that failed.
pub fn refuse_failures(checks: &[Validation]) -> anyhow::Result<()> {
    let failed: Vec<String> = checks
        .iter()
        .filter(|c| matches!(c.result, ValidationResult::Failed(_)))
        .map(Validation::text)
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(Problem::failed(failed.join("\n  "))
        .hint("look at the profile and at your templates in /etc/piback/templates")
        .into())
}
