//! Lines commented out: made a comment by a mark of piback's own, which can be taken off again to the byte.

use crate::provision::text::block::{self, BlockError};
use std::collections::BTreeSet;

/// The beginning of a line that was commented out.
pub const MARK: &str = "#piback# ";

/// `text` with the mark before the lines of these numbers, from 0. A line that has it keeps one.
#[must_use]
pub fn mark(text: &[u8], lines: &BTreeSet<usize>) -> Vec<u8> {
    marked_where(text, |number, line| lines.contains(&number) && !is_marked(line))
}

/// `text` with all marks taken off.
#[must_use]
pub fn back(text: &[u8]) -> Vec<u8> {
    lines_of(text).flat_map(|line| line.strip_prefix(MARK.as_bytes()).unwrap_or(line).to_vec()).collect()
}

/// Others' part of a file: without piback's block and marks.
///
/// # Errors
/// As [`block::without`].
pub fn theirs(text: &[u8]) -> Result<Vec<u8>, BlockError> {
    block::without(text).map(|rest| back(&rest))
}

/// The runs of lines that are commented out, each once: what a record keeps of them.
#[must_use]
pub fn hunks(text: &[u8]) -> Vec<String> {
    let mut hunks: Vec<String> = Vec::new();
    let mut run: Vec<String> = Vec::new();
    for line in lines_of(text).map(Some).chain([None]) {
        match line.and_then(|line| line.strip_prefix(MARK.as_bytes())) {
            Some(line) => run.push(plain(line)),
            None if run.is_empty() => {}
            None => {
                let hunk = run.join("\n");
                run.clear();
                if !hunks.contains(&hunk) {
                    hunks.push(hunk);
                }
            }
        }
    }
    hunks
}

/// `text` with exactly these hunks commented out, wherever they stand; piback's block is left alone.
#[must_use]
pub fn put(text: &[u8], hunks: &[String]) -> Vec<u8> {
    let text = back(text);
    let lines: Vec<String> = lines_of(&text).map(plain).collect();
    let mut blocked = false;
    let free: Vec<bool> = lines
        .iter()
        .map(|line| {
            let edge = block::has_marker(line);
            blocked ^= edge;
            !blocked && !edge
        })
        .collect();
    let mut marked = BTreeSet::new();
    for hunk in hunks {
        let hunk: Vec<&str> = hunk.split('\n').collect();
        for start in 0..=lines.len().saturating_sub(hunk.len()) {
            let range = start..start + hunk.len();
            if lines.get(range.clone()).is_some_and(|run| run == hunk)
                && free[range.clone()].iter().all(|f| *f)
            {
                marked.extend(range);
            }
        }
    }
    // Also before a line that begins like a mark: one was taken off just now.
    marked_where(&text, |number, _| marked.contains(&number))
}

fn marked_where(text: &[u8], which: impl Fn(usize, &[u8]) -> bool) -> Vec<u8> {
    let marked = |(number, line): (usize, &[u8])| match which(number, line) {
        true => [MARK.as_bytes(), line].concat(),
        false => line.to_vec(),
    };
    lines_of(text).enumerate().flat_map(marked).collect()
}

fn lines_of(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|b| *b == b'\n')
}

fn is_marked(line: &[u8]) -> bool {
    line.starts_with(MARK.as_bytes())
}

/// A line to compare and to keep on record, without its end.
fn plain(line: &[u8]) -> String {
    String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provision::text::block::Position;

    #[test]
    fn what_is_put_aside_comes_back_to_the_byte() {
        for text in
            ["a\nb\nc\n", "a\nb\nc", "a\r\nb\r\nc\r\n", "x\n\n", "", "#piback# b", "a\n#piback# #piback# b\n"]
        {
            let marked = mark(text.as_bytes(), &[1, 2].into());
            assert_eq!(back(&marked), back(text.as_bytes()), "{text:?}");
            assert_eq!(mark(&marked, &[1, 2].into()), marked, "once is enough");
            assert_eq!(put(text.as_bytes(), &hunks(&marked)), marked, "{text:?}");
        }
        assert_eq!(mark(b"a\nb\n\xffc", &[1].into()), b"a\n#piback# b\n\xffc");
    }

    #[test]
    fn a_piece_is_found_by_all_of_its_lines_and_never_in_piback_s_block() {
        let text = "iface eth0\n  netmask x\niface wlan0\n  netmask x\nend\n";
        let marked = put(text.as_bytes(), &["iface wlan0\n  netmask x".into()]);
        assert_eq!(
            String::from_utf8(marked.clone()).unwrap(),
            "iface eth0\n  netmask x\n#piback# iface wlan0\n#piback#   netmask x\nend\n"
        );
        assert_eq!(hunks(&marked), ["iface wlan0\n  netmask x"]);
        let both = block::set(b"deny wlan0\n", "deny wlan0\n", Position::End).unwrap();
        let marked = put(&both, &["deny wlan0".into()]);
        assert_eq!(marked, block::set(b"#piback# deny wlan0\n", "deny wlan0\n", Position::End).unwrap());
        assert_eq!(theirs(&marked).unwrap(), b"deny wlan0\n");
        assert_eq!(put(&marked, &[]), both);
    }
}
