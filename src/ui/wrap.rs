//! Text folded at words, for a narrow terminal.

/// Breaks every line of `text` at blanks so that it has at most `width` characters; what is broken off is indented by
/// two more than its line. A word that is longer than a line stays whole. Colours take no room.
#[must_use]
pub fn wrap(text: &str, width: usize) -> String {
    text.split('\n').map(|line| one(line, width)).collect::<Vec<_>>().join("\n")
}

fn one(line: &str, width: usize) -> String {
    if room(line) <= width {
        return line.to_owned();
    }
    let indent = line.len() - line.trim_start_matches(' ').len();
    let mut folded = " ".repeat(indent);
    let mut used = indent;
    let mut first = true;
    for word in line[indent..].split(' ') {
        let len = room(word);
        if first {
            used += len;
        } else if used + 1 + len <= width {
            folded.push(' ');
            used += 1 + len;
        } else {
            folded.push('\n');
            folded.push_str(&" ".repeat(indent + 2));
            used = indent + 2 + len;
        }
        folded.push_str(word);
        first = false;
    }
    folded
}

/// Characters that are seen.
fn room(text: &str) -> usize {
    let mut hidden = false;
    let seen = text.chars().filter(|c| {
        hidden |= *c == '\x1b';
        let seen = !hidden;
        hidden &= *c != 'm';
        seen
    });
    seen.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_words_and_nothing_is_lost() {
        assert_eq!(wrap("short", 10), "short");
        assert_eq!(wrap("one two three four", 9), "one two\n  three\n  four");
        assert_eq!(wrap("  a/long/path.jpg: no copy here", 16), "  a/long/path.jpg:\n    no copy here");
        assert_eq!(wrap("\x1b[31mred and dead\x1b[0m", 12), "\x1b[31mred and dead\x1b[0m");
        assert_eq!(wrap("\x1b[31mred and dead\x1b[0m", 8), "\x1b[31mred and\n  dead\x1b[0m");
        assert_eq!(wrap("a b\nc d e", 3), "a b\nc d\n  e");
    }
}
