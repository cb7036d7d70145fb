//! Marked blocks in files that others own too. Their lines are never edited: a block is put in, replaced, taken out.

use std::fmt;

const BEGIN: &str = "# BEGIN piback: made by `piback apply`, changes inside are lost";
const END: &str = "# END piback";
/// Enough of the first line to know a block by, also one of another version.
const BEGIN_MARK: &[u8] = b"# BEGIN piback";

/// The place of a new block. One that is there already keeps its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Position {
    /// Before everything else: for settings that must stand above any section.
    Top,
    /// After everything else: for sections, and for settings where the last one wins.
    End,
}

/// Why a file's block can't be told from the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockError {
    /// A first line without a last one; the line, from 1.
    Open(usize),
    /// A last line without a first one; the line, from 1.
    Stray(usize),
    /// A second block; the line, from 1.
    Second(usize),
}

impl fmt::Display for BlockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BlockError::Open(line) => write!(f, "the piback block that begins in line {line} has no end"),
            BlockError::Stray(line) => write!(f, "line {line} ends a piback block that never began"),
            BlockError::Second(line) => write!(f, "a second piback block begins in line {line}"),
        }
    }
}

impl std::error::Error for BlockError {}

/// `text` with its block set to `body`; every other byte stays as it is. A last line without an end gets one when a
/// block follows it.
///
/// # Errors
/// [`BlockError`] when the markers in `text` make no single block.
pub fn set(text: &[u8], body: &str, position: Position) -> Result<Vec<u8>, BlockError> {
    let newline = if body.is_empty() || body.ends_with('\n') { "" } else { "\n" };
    let block = format!("{BEGIN}\n{body}{newline}{END}\n");
    let (before, after) = match (find(text)?, position) {
        (Some((start, end)), _) => (&text[..start], &text[end..]),
        (None, Position::Top) => (&text[..0], text),
        (None, Position::End) => (text, &text[..0]),
    };
    let mut result = before.to_vec();
    if !result.is_empty() && !result.ends_with(b"\n") {
        result.push(b'\n');
    }
    result.extend_from_slice(block.as_bytes());
    result.extend_from_slice(after);
    Ok(result)
}

/// `text` without its block.
///
/// # Errors
/// As [`set`].
pub fn without(text: &[u8]) -> Result<Vec<u8>, BlockError> {
    Ok(match find(text)? {
        Some((start, end)) => [&text[..start], &text[end..]].concat(),
        None => text.to_vec(),
    })
}

/// `text` with empty lines in the place of its block, so that all others keep their numbers.
///
/// # Errors
/// As [`set`].
pub fn blanked(text: &[u8]) -> Result<Vec<u8>, BlockError> {
    Ok(match find(text)? {
        Some((start, end)) => {
            let lines = text[start..end].iter().filter(|byte| **byte == b'\n').count();
            [&text[..start], &vec![b'\n'; lines], &text[end..]].concat()
        }
        None => text.to_vec(),
    })
}

/// Tells whether a text has a line that would be taken for the begin or end of a block.
#[must_use]
pub fn has_marker(text: &str) -> bool {
    text.lines().any(|l| l.trim().as_bytes().starts_with(BEGIN_MARK) || l.trim() == END)
}

/// First byte of the block and first byte after it.
fn find(text: &[u8]) -> Result<Option<(usize, usize)>, BlockError> {
    let (mut begun, mut found, mut at) = (None, None, 0);
    for (index, line) in text.split_inclusive(|b| *b == b'\n').enumerate() {
        let number = index + 1;
        // An editor may have turned line ends into CRLF, or added spaces.
        let trimmed = line.trim_ascii();
        if trimmed.starts_with(BEGIN_MARK) {
            if begun.is_some() || found.is_some() {
                return Err(BlockError::Second(number));
            }
            begun = Some((at, number));
        } else if trimmed == END.as_bytes() {
            let (start, _) = begun.take().ok_or(BlockError::Stray(number))?;
            found = Some((start, at + line.len()));
        }
        at += line.len();
    }
    match begun {
        Some((_, number)) => Err(BlockError::Open(number)),
        None => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_comes_changes_and_goes() {
        let table: [(&[u8], Position); 6] = [
            (b"", Position::End),
            (b"a\nb\n", Position::Top),
            (b"a\nb\n", Position::End),
            (b"a\r\nb\r\n", Position::End),
            (b"\xff\xfe\n", Position::Top),
            (b"interface eth0\n", Position::Top),
        ];
        for (text, position) in table {
            let once = set(text, "x=1", position).unwrap();
            assert_eq!(set(&once, "x=1\n", position).unwrap(), once, "setting again changes nothing");
            assert_eq!(without(&set(&once, "y", position).unwrap()).unwrap(), text);
        }
        assert_eq!(
            set(b"end", "x", Position::End).unwrap(),
            [b"end\n", &set(b"", "x", Position::End).unwrap()[..]].concat()
        );
    }

    #[test]
    fn it_keeps_its_place_and_is_known_with_crlf() {
        let text = format!("a\r\n{BEGIN}\r\nold\r\n{END}\r\nb\r\n");
        let changed = set(text.as_bytes(), "new\n", Position::Top).unwrap();
        assert_eq!(String::from_utf8(changed).unwrap(), format!("a\r\n{BEGIN}\nnew\n{END}\nb\r\n"));
    }

    #[test]
    fn broken_markers_are_refused() {
        assert_eq!(without(b"a\n# BEGIN piback\nb\n"), Err(BlockError::Open(2)));
        assert_eq!(without(b"# END piback\n"), Err(BlockError::Stray(1)));
        assert_eq!(
            without(b"# BEGIN piback\n# END piback\n# BEGIN piback\n# END piback\n"),
            Err(BlockError::Second(3))
        );
    }
}
