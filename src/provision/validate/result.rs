//! Results of checks: passed, failed, or not checked.

use crate::provision::components;
use crate::provision::components::component::Checker;
use crate::provision::desired::artifact::{Artifact, Secrets};
use serde::Serialize;

/// One look at one file, or at files that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Validation {
    /// Who looked: a tool, or piback's own checker.
    pub by: String,
    pub path: String,
    #[serde(flatten)]
    pub result: ValidationResult,
}

/// Two ways not to pass: it ran and said no, or it could not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "result", content = "why")]
pub enum ValidationResult {
    Passed,
    Failed(String),
    NotChecked(String),
}

impl Validation {
    /// Makes one.
    #[must_use]
    pub fn new(by: &str, path: &str, result: ValidationResult) -> Self {
        Validation { by: by.to_owned(), path: path.to_owned(), result }
    }

    /// One line for people.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.result {
            ValidationResult::Passed => format!("checked: {} ({})", self.path, self.by),
            ValidationResult::Failed(why) => format!("refused: {} ({}): {why}", self.path, self.by),
            ValidationResult::NotChecked(why) => format!("not checked: {} ({why})", self.path),
        }
    }
}

pub fn checker(artifact: &Artifact) -> Checker {
    let same = |path: &str| path == artifact.path;
    components::files()
        .find(|e| same(e.path) && e.ownership == artifact.ownership)
        .map_or(Checker::None, |e| e.checker)
}

pub fn text(artifact: &Artifact, secrets: Option<&Secrets>) -> String {
    secrets.map_or_else(|| artifact.body.masked(), |secrets| artifact.body.expose(secrets))
}

/// Masks the secrets in what a checker quotes of a file.
pub fn masked(text: &str, secrets: Option<&Secrets>) -> String {
    secrets.map_or_else(|| text.to_owned(), |secrets| secrets.mask(text))
}
