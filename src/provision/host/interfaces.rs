//! interfaces(5): ifupdown's main file.

use crate::provision::text::block;
use crate::provision::text::lines::line_where;

/// ifupdown's main file.
pub const INTERFACES: &str = "/etc/network/interfaces";

/// Tells whether an interfaces(5) file reads `interfaces.d/piback` by a line of its own, piback's block left out.
pub fn reads_interfaces_d(text: &str) -> bool {
    let text = block::without(text.as_bytes()).unwrap_or_else(|_| text.as_bytes().to_vec());
    String::from_utf8_lossy(&text).lines().any(|line| {
        let mut words = line.split_whitespace();
        let (word, path) = (words.next(), words.next().unwrap_or_default());
        let path = path.strip_prefix("/etc/network/").unwrap_or(path);
        match word {
            Some("source") => matches!(path, "interfaces.d/*" | "interfaces.d/piback"),
            Some("source-directory") => path.trim_end_matches('/') == "interfaces.d",
            _ => false,
        }
    })
}

/// The first stanza for `radio` in `/etc/network/interfaces`, by its line.
pub fn first_stanza(text: &str, radio: &str) -> Option<usize> {
    line_where(text, |line| {
        let mut words = line.split_whitespace();
        words.next() == Some("iface") && words.next() == Some(radio)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_files() {
        for (text, reads) in [
            ("source-directory /etc/network/interfaces.d\n", true),
            ("source /etc/network/interfaces.d/*\n", true),
            ("  source interfaces.d/*\n", true),
            ("# source /etc/network/interfaces.d/*\n", false),
            ("auto lo\niface lo inet loopback\n", false),
            ("", false),
        ] {
            assert_eq!(reads_interfaces_d(text), reads, "{text}");
        }
    }
}
