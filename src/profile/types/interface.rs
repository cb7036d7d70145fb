use super::leaf::leaf;
use std::fmt;
use std::str::FromStr;

/// A network interface's name: 1 to 15 bytes (Linux's `IFNAMSIZ` less its NUL).
///
/// The kernel allows more characters; the config files of hostapd, ifupdown and iptables (`+` is a wildcard there)
/// don't agree on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface(String);

impl Interface {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Interface {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = (1..=15).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
        if fits && text != "lo" {
            return Ok(Interface(text.to_owned()));
        }
        Err("is no interface name; a letter and up to 14 letters, digits, - _ . are allowed, as in wlan0"
            .into())
    }
}

leaf!(Interface, text, "Interface", {
    "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_.-]{0,14}$",
    "description": "A network interface, as in wlan0"
});
