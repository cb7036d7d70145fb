//! The errors of a profile: place, offending text, what is allowed.

use crate::ui::visible;
use std::fmt;

/// One error, with its place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileError {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// The key, as in `wifi.radio.channel`; empty for the file as a whole.
    pub key: String,
    /// The value as it was typed; `None` where the key is the error.
    pub value: Option<String>,
    /// The mistake, and what is allowed.
    pub why: String,
}

/// Every error of one file, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileErrors {
    pub file: String,
    pub errors: Vec<ProfileError>,
}

impl fmt::Display for ProfileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.errors.len() {
            1 => f.write_str("the profile has an error")?,
            n => write!(f, "the profile has {n} errors")?,
        }
        for error in &self.errors {
            write!(f, "\n  {}:{}:{}: ", visible(&self.file), error.line, error.column)?;
            if !error.key.is_empty() {
                write!(f, "{}: ", visible(&error.key))?;
            }
            if let Some(value) = &error.value {
                write!(f, "`{}` ", visible(&shortened(value)))?;
            }
            f.write_str(&visible(&error.why))?;
        }
        Ok(())
    }
}

impl std::error::Error for ProfileErrors {}

/// Enough of a value to find it by.
fn shortened(value: &str) -> String {
    const LONGEST: usize = 60;
    if value.chars().count() <= LONGEST {
        return value.to_owned();
    }
    value.chars().take(LONGEST).chain(['…']).collect()
}
