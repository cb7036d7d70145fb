//! Paths as text: any bytes in, any text out of a manifest refused that is no harmless relative path.

use crate::ui::visible;

/// A path as JSON can carry it: bytes that are no UTF-8 become `%E9`, and `%` itself `%25`.
#[must_use]
pub fn to_text(path: &[u8]) -> String {
    let mut text = String::with_capacity(path.len());
    for chunk in path.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == '%' { text.push_str("%25") } else { text.push(c) }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// The path that [`to_text`] wrote; `None` for anything that does not stay below its root.
#[must_use]
pub fn from_text(text: &str) -> Option<Vec<u8>> {
    let path = bytes_of(text)?;
    let harmless = |part: &[u8]| !part.is_empty() && part != b"." && part != b".." && !part.contains(&0);
    path.split(|b| *b == b'/').all(harmless).then_some(path)
}

/// The path that [`to_text`] wrote, for a screen: nothing in it moves the cursor or forges a line.
#[must_use]
pub fn shown(text: &str) -> String {
    bytes_of(text).map_or_else(|| visible(text), |path| visible(&String::from_utf8_lossy(&path)))
}

fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let mut path = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%' {
            let hex = std::str::from_utf8(rest.get(..2)?).ok()?;
            path.push(u8::from_str_radix(hex, 16).ok()?);
            rest = &rest[2..];
        } else {
            path.push(*first);
        }
    }
    Some(path)
}

/// The place on a drive that [`to_text`] wrote: below the label's folder, or, with a slash before it, below the root.
#[must_use]
pub fn place_from_text(text: &str) -> Option<Vec<u8>> {
    match text.strip_prefix('/') {
        Some(below_root) => Some([b"/", from_text(below_root)?.as_slice()].concat()),
        None => from_text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_survive() {
        for path in [&b"DCIM/100%/a.jpg"[..], b"caf\xe9/\xff\xfe", "é/写".as_bytes(), b"a\nb\x1b"] {
            assert_eq!(from_text(&to_text(path)).unwrap(), path);
        }
    }

    #[test]
    fn a_screen_shows_the_name_and_obeys_none() {
        for (path, screen) in
            [(&b"100%.JPG"[..], "100%.JPG"), (b"caf\xe9", "caf\u{fffd}"), (b"a\x1b[2J\nb", "a\\u{1b}[2J\\nb")]
        {
            assert_eq!(shown(&to_text(path)), screen);
        }
        // Written by somebody else.
        assert_eq!(shown("5% off"), "5% off");
    }

    #[test]
    fn nothing_leads_out() {
        for text in [
            "",
            "/etc/passwd",
            "../x",
            "a/../../b",
            "a//b",
            "a/.",
            "%2E%2E/x",
            "a/%2e%2e",
            "a%00b",
            "%",
            "%G0",
            "a/",
        ] {
            assert_eq!(from_text(text), None, "{text}");
            assert_eq!(place_from_text(&format!("/{text}")), None, "/{text}");
        }
    }
}
