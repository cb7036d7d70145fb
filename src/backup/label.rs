//! A card's label, checked: it becomes one folder on the drive.

use crate::error::Problem;
use crate::system::folder::Folder;
use crate::ui::visible;
use anyhow::Context;
use std::fmt;
use std::path::Path;

/// A volume label that is safe as exactly one path component, on every file system that a drive may have.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(String);

impl Label {
    /// # Errors
    /// A usage error that names the character or rule that stands in the way.
    pub fn new(text: &str) -> Result<Self, Problem> {
        let refuse = |why: &str| {
            Problem::usage(format!("\"{}\" can't be a folder on the drive: {why}", visible(text)))
                .hint("a label is a plain name such as SD32GB-03")
        };
        if text.is_empty() {
            return Err(refuse("it is empty"));
        }
        if text.len() > 255 {
            return Err(refuse("it is longer than 255 bytes"));
        }
        if text.starts_with('.') {
            return Err(refuse("it begins with a dot"));
        }
        if text.starts_with(' ') || text.ends_with([' ', '.']) {
            return Err(refuse("it begins or ends with a space, or ends with a dot"));
        }
        if visible(text) != text {
            return Err(refuse("it holds a control character"));
        }
        if let Some(c) = text.chars().find(|c| FORBIDDEN.contains(*c)) {
            return Err(refuse(&format!("it holds {c}")));
        }
        Ok(Label(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Characters that FAT and exFAT forbid in names, besides control characters.
pub(super) const FORBIDDEN: &str = "\"*/:<>?\\|";

/// Labels that have records on the drive, in order.
///
/// # Errors
/// When the drive can't be read.
pub fn labels(dest: &Path) -> anyhow::Result<Vec<Label>> {
    let shown = || visible(&dest.to_string_lossy());
    let root = Folder::open(dest).with_context(shown)?;
    let manifests = match root.sub(".piback").and_then(|own| own.sub("manifests")) {
        Ok(folder) => folder,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e).with_context(|| format!("{}/.piback/manifests", shown())),
    };
    let names = manifests.folders().with_context(|| format!("{}/.piback/manifests", shown()))?;
    let mut labels: Vec<Label> = names.iter().filter_map(|name| Label::new(name).ok()).collect();
    labels.sort();
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_one_harmless_folder() {
        for good in ["SD32GB-03", "a", "Canon EOS R5", "Kärtchen", "A~2", "..A"[2..].into(), &"x".repeat(255)]
        {
            assert_eq!(Label::new(good).unwrap().as_str(), good);
        }
        let long = "x".repeat(256);
        for bad in [
            "",
            ".",
            "..",
            ".piback",
            ".hidden",
            "a/b",
            "/",
            "a\\b",
            "a:b",
            "a\0b",
            "a\nb",
            "a\x1b[31m",
            "a\u{202e}b",
            "a ",
            " a",
            "a.",
            "*",
            "what?",
            &long,
        ] {
            let problem = Label::new(bad).unwrap_err();
            assert_eq!(problem.kind.exit_code(), 64, "{bad:?}");
            assert!(!problem.what.contains('\x1b'));
        }
    }
}
