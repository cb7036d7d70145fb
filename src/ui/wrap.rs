//! Breaks lines between words, for terminals as narrow as an iPad's upright SSH client. Pure.

use unicode_width::UnicodeWidthChar;

/// `text` with lines broken between words at `width` columns; what follows a break is indented by two more spaces than
/// its line. A word that is longer than a line stays whole: a path can be copied then.
#[must_use]
pub fn wrapped(text: &str, width: usize) -> String {
    text.split('\n').map(|line| line_wrapped(line, width)).collect::<Vec<_>>().join("\n")
}

fn line_wrapped(line: &str, width: usize) -> String {
    if columns(line) <= width {
        return line.to_owned();
    }
    let indent = line.len() - line.trim_start_matches(' ').len() + 2;
    let mut result = String::new();
    let mut used = 0;
    for word in line.split_inclusive(' ') {
        let needed = columns(word.trim_end_matches(' '));
        if used > indent && used + needed > width {
            result.truncate(result.trim_end_matches(' ').len());
            result.push('\n');
            result.push_str(&" ".repeat(indent));
            used = indent;
        }
        result.push_str(word);
        used += columns(word);
    }
    result.truncate(result.trim_end_matches(' ').len());
    result
}

/// Columns that a text takes on a terminal, colour codes left out: Chinese and Japanese letters take two.
#[must_use]
pub fn columns(text: &str) -> usize {
    let mut count = 0;
    let mut escape = false;
    for c in text.chars() {
        match (escape, c) {
            (false, '\u{1b}') => escape = true,
            (true, 'm') => escape = false,
            (false, _) => count += c.width().unwrap_or(0),
            (true, _) => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_words_and_never_inside() {
        assert_eq!(wrapped("short\nlines", 10), "short\nlines");
        assert_eq!(
            wrapped("note: what was half-done is undone", 16),
            "note: what was\n  half-done is\n  undone"
        );
        assert_eq!(wrapped("  -> one two three", 12), "  -> one two\n    three");
        assert_eq!(wrapped("at /a/very/long/path/to/it now", 12), "at\n  /a/very/long/path/to/it\n  now");
        assert_eq!(wrapped("\u{1b}[31mred\u{1b}[0m word", 8), "\u{1b}[31mred\u{1b}[0m word");
        // Two columns each, as the terminal draws them.
        assert_eq!(wrapped("日本 日本 日本 日本", 10), "日本 日本\n  日本\n  日本");
        assert_eq!(wrapped("cafe\u{301} cafe\u{301}", 9), "cafe\u{301} cafe\u{301}");
        assert_eq!(wrapped("a table    of   values", 40), "a table    of   values");
    }
}
