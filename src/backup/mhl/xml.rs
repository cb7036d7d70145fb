//! The text of a generation. Element names and their order are those of the ASC MHL 2.0 schema
//! (<https://github.com/ascmitc/mhl-specification>).

use crate::backup::manifest::{Known, from_text, to_text};
use jiff::Timestamp;
use std::fmt::Write as _;

/// The end of a generation.
pub const TAIL: &str = "  </hashes>\n</hashlist>\n";

/// A file that a list speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Below the label's folder.
    pub dest: Vec<u8>,
    pub size: u64,
    pub hash: u128,
}

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

/// Takes one line of a list that [`entry`] wrote; `path` keeps a file's path and size until its hash comes.
pub fn listed(line: &str, path: &mut Option<(Vec<u8>, u64)>) -> Option<Listed> {
    let line = line.trim();
    if let Some(rest) = line.strip_prefix("<path size=\"") {
        let (size, rest) = rest.split_once('"')?;
        let text = rest.split_once('>')?.1.strip_suffix("</path>")?;
        // As a record's path it is held against the same rule: it stays below the label's folder.
        let below = from_text(&to_text(unescaped(text).as_bytes()))?;
        *path = Some((below, size.parse().ok()?));
        return None;
    }
    let rest = line.strip_prefix("<xxh128 ")?.split_once('>')?.1;
    let hash = u128::from_str_radix(rest.strip_suffix("</xxh128>")?, 16).ok()?;
    let (dest, size) = path.take()?;
    Some(Listed { dest, size, hash })
}

/// The text that [`escaped`] wrote.
fn unescaped(text: &str) -> String {
    let plain =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#9;", "\t"), ("&#10;", "\n"), ("&amp;", "&")];
    plain.iter().fold(text.to_owned(), |text, (code, c)| text.replace(code, c))
}

/// Tells whether XML 1.0 allows this character in text.
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
    fn an_entry_comes_back_and_a_torn_one_does_not() {
        let name = "DCIM/a&lt;<b>\"\t\n é&amp;.jpg";
        let known = Known {
            path: b"x",
            dest: name.as_bytes(),
            size: 7,
            mtime: 1,
            ctime: 2,
            sample: 3,
            hash: 0xabc,
            day: 0,
            partial: false,
            accepted: false,
        };
        let text = entry(name, &known, "2026-11-23T00:00:00Z");
        let read = |text: &str| {
            let mut path = None;
            text.lines().filter_map(|line| listed(line, &mut path)).collect::<Vec<_>>()
        };
        assert_eq!(read(&text), [Listed { dest: name.as_bytes().to_vec(), size: 7, hash: 0xabc }]);
        for end in 0..text.find("</xxh128>").unwrap() {
            assert!(read(text.get(..end).unwrap_or_default()).is_empty(), "{end}");
        }
        assert!(read(&text.replace("DCIM/", "../")).is_empty(), "it leads out of the label's folder");
    }

    #[test]
    fn text_is_escaped_and_the_impossible_left_out() {
        assert_eq!(escaped("a<b>&\"\n"), "a&lt;b&gt;&amp;&quot;&#10;");
        assert!(is_xml('é') && is_xml('\n') && !is_xml('\x01') && !is_xml('\u{ffff}'));
    }
}
