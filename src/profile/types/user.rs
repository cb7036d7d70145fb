use super::leaf::leaf;
use std::fmt;
use std::str::FromStr;

/// A system user's name, by the rule of Debian's `adduser`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserName(String);

impl UserName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for UserName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = (1..=32).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'));
        if fits && text != "root" {
            return Ok(UserName(text.to_owned()));
        }
        Err("is no user for the share; lower-case letters, digits, - and _ are allowed, and not root".into())
    }
}

leaf!(UserName, text, "UserName", {
    "type": "string", "pattern": "^[a-z][a-z0-9_-]{0,31}$",
    "description": "The system user that owns the share"
});
