//! The text of a generation. Element names and their order are those of the ASC MHL 2.0 schema
//! (<https://github.com/ascmitc/mhl-specification>).

use crate::backup::manifest::Known;
use jiff::Timestamp;
use std::fmt::Write as _;

/// The end of a generation.
pub const TAIL: &str = "  </hashes>\n</hashlist>\n";

/// The beginning of a generation.
pub fn head(now: Timestamp, host: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<hashlist version=\"2.0\" xmlns=\"urn:ASC:MHL:v2.0\">\n  \
         <creatorinfo>\n    <creationdate>{}</creationdate>\n    <hostname>{}</hostname>\n    \
         <tool version=\"{}\">piback</tool>\n  </creatorinfo>\n  <processinfo>\n    <process>transfer</process>\n    \
         <ignore>\n      <pattern>.DS_Store</pattern>\n      <pattern>ascmhl</pattern>\n      \
         <pattern>ascmhl/</pattern>\n    </ignore>\n  </processinfo>\n  <hashes>\n",
        now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        escaped(host),
        env!("CARGO_PKG_VERSION"),
    )
}

/// One file of a generation.
pub fn entry(path: &str, known: &Known<'_>, stamp: &str) -> String {
    let mut text = format!("    <hash>\n      <path size=\"{}\"", known.size);
    if let Ok(time) = Timestamp::from_nanosecond(i128::from(known.mtime)) {
        // Formatting into a string does not fail.
        let _ = write!(text, " lastmodificationdate=\"{}\"", time.strftime("%Y-%m-%dT%H:%M:%SZ"));
    }
    let _ = write!(
        text,
        ">{}</path>\n      <xxh128 action=\"original\" hashdate=\"{stamp}\">{:032x}</xxh128>\n    </hash>\n",
        escaped(path),
        known.hash
    );
    text
}

/// Whether XML 1.0 allows this character in text.
pub fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Text as XML carries it.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // A parser would normalise raw ones.
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_the_impossible_left_out() {
        assert_eq!(escaped("a<b>&\"\n"), "a&lt;b&gt;&amp;&quot;&#10;");
        assert!(is_xml('é') && is_xml('\n') && !is_xml('\x01') && !is_xml('\u{ffff}'));
    }
}
