//! Text of others, shown so that it can do nothing.

/// `text` with every control character (escape sequences, newlines, C1 and bidi controls) shown as an escape, so
/// that a file name or a tool's output can't move the cursor or forge a line.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let bidi = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || bidi || matches!(c, '\u{2028}' | '\u{2029}') {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_never_shown_raw() {
        assert_eq!(visible("a\x1b[31m\nb\u{202e}é"), "a\\u{1b}[31m\\nb\\u{202e}é");
    }
}
