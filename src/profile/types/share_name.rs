use super::leaf::leaf;
use std::fmt;
use std::str::FromStr;

/// A share's name: what every client of Samba's can show, and none of its own sections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareName(String);

impl ShareName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ShareName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Sections of Samba's with a meaning of their own.
const SAMBAS: [&str; 5] = ["global", "homes", "printers", "print$", "ipc$"];

impl FromStr for ShareName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = (1..=32).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        if fits && !SAMBAS.contains(&text.to_ascii_lowercase().as_str()) {
            return Ok(ShareName(text.to_owned()));
        }
        Err("is no name for a share; up to 32 letters, digits, - and _ are allowed, as in Photos".into())
    }
}

leaf!(ShareName, text, "ShareName", {
    "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$",
    "description": "The name of a share, as the Files app shows it"
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert!("Photos-2".parse::<ShareName>().is_ok());
        for bad in ["", "Homes", "a b", "a]\n[b", "x/y", "-a"] {
            assert!(bad.parse::<ShareName>().is_err(), "{bad}");
        }
    }
}
