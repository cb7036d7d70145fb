//! Sets single values in a profile's text and leaves everything else, comments too, as it was.

use super::locate::{Step, Wanted, dotted, locate};
use serde_yaml::Value as Yaml;
use std::fmt;

/// Why a value can't be set in this text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditError {
    pub key: String,
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not a value on one line there; set it by hand", self.key)
    }
}

impl std::error::Error for EditError {}

/// `text` with the value at `keys` (as in `wifi.ssid`) set to `value`, written as a quoted string.
///
/// # Errors
/// [`EditError`] when the key is absent, or the result would not read back as exactly this one change.
pub fn set_scalar(text: &str, keys: &str, value: &str) -> Result<String, EditError> {
    let path: Vec<Step> = keys.split('.').map(|k| Step::Key(k.to_owned())).collect();
    let error = || EditError { key: dotted(&path) };
    let mut wanted: Yaml = serde_yaml::from_str(text).map_err(|_| error())?;
    let target = keys.split('.').try_fold(&mut wanted, |at, key| at.get_mut(key)).ok_or_else(error)?;
    if target.as_str() == Some(value) {
        return Ok(text.to_owned());
    }
    *target = Yaml::String(value.to_owned());

    let (line, column) = locate(text, &path, Wanted::Value);
    let start = offset(text, line, column).ok_or_else(error)?;
    let end = start + scalar_length(&text[start..]);
    let edited = format!("{}{}{}", &text[..start], quoted(value), &text[end..]);
    // The proof that nothing else moved: the edited text reads as the old values and this new one.
    match serde_yaml::from_str::<Yaml>(&edited) {
        Ok(read) if read == wanted => Ok(edited),
        _ => Err(error()),
    }
}

/// A YAML double-quoted scalar. JSON's strings are among them, but for a few characters that YAML won't take raw.
fn quoted(value: &str) -> String {
    let mut text = String::from("\"");
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            c if c.is_control()
                || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') =>
            {
                text.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

/// Byte offset of a line and column, both from 1, the column in characters.
fn offset(text: &str, line: usize, column: usize) -> Option<usize> {
    let begin: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let rest = &text[begin..];
    let within: usize = rest.chars().take(column - 1).map(char::len_utf8).sum();
    (begin + within < text.len()).then_some(begin + within)
}

/// Bytes of the one-line scalar that `text` begins with.
fn scalar_length(text: &str) -> usize {
    let line = text.split(['\n', '\r']).next().unwrap_or_default();
    match line.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let mut escaped = false;
            for (i, c) in line.char_indices().skip(1) {
                match c {
                    '\\' if quote == '"' && !escaped => escaped = true,
                    c if c == quote && !escaped => return i + 1,
                    _ => escaped = false,
                }
            }
            line.len()
        }
        _ => {
            let value = line.split(" #").next().unwrap_or_default();
            value.trim_end().len()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# top\nwifi:\n  ssid: Travel   # the name\n  other: \"a\\\"b\" # x\nlist: [1]\n";

    #[test]
    fn one_value_changes_and_comments_stay() {
        let edited = set_scalar(TEXT, "wifi.ssid", "Ünï \"q\" #\n\u{7f}\u{85}").unwrap();
        assert_eq!(edited, TEXT.replace("Travel", "\"Ünï \\\"q\\\" #\\u000a\\u007f\\u0085\""));
        let edited = set_scalar(TEXT, "wifi.other", "c").unwrap();
        assert_eq!(edited, TEXT.replace("\"a\\\"b\"", "\"c\""));
        assert_eq!(set_scalar(TEXT, "wifi.ssid", "Travel").unwrap(), TEXT);
    }

    #[test]
    fn what_can_not_be_edited_is_refused() {
        assert!(set_scalar(TEXT, "wifi.absent", "x").is_err());
        assert!(set_scalar("a: |\n  two\n  lines\n", "a", "x").is_err());
    }
}
