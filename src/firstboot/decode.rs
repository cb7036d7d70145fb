//! Bytes to text: what editors on other systems make of a plain file.

use std::fmt;

/// A file's text, and what has to be put back when it is written again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The text, its lines ended by LF alone.
    pub text: String,
    /// A byte order mark stood in front.
    pub mark: bool,
    /// Lines were ended by CR LF.
    pub crlf: bool,
}

/// UTF-8's byte order mark, which Windows' editors put in front (RFC 3629, 6).
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Larger files are no boot files.
const LARGEST: usize = 256 * 1024;

/// Why bytes are no text that can be taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// UTF-16, which Windows calls Unicode.
    Utf16,
    /// A word processor's file and not plain text: its kind.
    NotPlain(&'static str),
    /// Not UTF-8 from this line on.
    Encoding { line: usize },
    /// More bytes than a boot file has.
    Size(usize),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreadable::Utf16 => f.write_str("is saved as UTF-16 (also called Unicode), and UTF-8 is needed"),
            Unreadable::NotPlain(kind) => write!(f, "is {kind}, and plain text is needed"),
            Unreadable::Encoding { line } => write!(f, "line {line}: a letter there is not UTF-8"),
            Unreadable::Size(bytes) => write!(f, "is {bytes} bytes long; at most {LARGEST} are read"),
        }
    }
}

impl Unreadable {
    /// Tells what to do about it, in the words of the usual editors.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Unreadable::Utf16 | Unreadable::Encoding { .. } => {
                "save it again as UTF-8: in Notepad, Save as, Encoding: UTF-8"
            }
            Unreadable::NotPlain(_) => {
                "save it again as plain text: in TextEdit, Format, Make Plain Text; in Word, Save as, Plain Text"
            }
            Unreadable::Size(_) => "it is the wrong file: a profile is a page of text",
        }
    }
}

/// Reads a boot file's bytes as text.
///
/// # Errors
/// [`Unreadable`], which tells what to do.
pub fn decode(bytes: &[u8]) -> Result<Decoded, Unreadable> {
    if bytes.len() > LARGEST {
        return Err(Unreadable::Size(bytes.len()));
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || looks_like_utf16(bytes) {
        return Err(Unreadable::Utf16);
    }
    if bytes.starts_with(b"{\\rtf") {
        return Err(Unreadable::NotPlain("rich text"));
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return Err(Unreadable::NotPlain("a word processor's file"));
    }
    let mark = bytes.starts_with(MARK);
    let body = if mark { &bytes[MARK.len()..] } else { bytes };
    let text = std::str::from_utf8(body).map_err(|e| {
        let line = body[..e.valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
        Unreadable::Encoding { line }
    })?;
    let crlf = text.contains("\r\n");
    Ok(Decoded { text: text.replace("\r\n", "\n"), mark, crlf })
}

impl Decoded {
    /// Turns a changed text into bytes of the same form.
    #[must_use]
    pub fn encode(&self, text: &str) -> Vec<u8> {
        let mut bytes = if self.mark { MARK.to_vec() } else { Vec::new() };
        match self.crlf {
            true => bytes.extend(text.replace('\n', "\r\n").bytes()),
            false => bytes.extend(text.bytes()),
        }
        bytes
    }
}

/// Every second byte of Latin text is 0 in UTF-16, also where no mark says so.
fn looks_like_utf16(bytes: &[u8]) -> bool {
    let zeros = |odd: usize| bytes.iter().skip(odd).step_by(2).filter(|b| **b == 0).count();
    bytes.len() >= 4 && (zeros(0) * 4 > bytes.len() || zeros(1) * 4 > bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, little: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|u| if little { u.to_le_bytes() } else { u.to_be_bytes() }).collect()
    }

    #[test]
    fn every_form_comes_back_as_it_was() {
        for bytes in
            [&b"a: 1\nb: 2\n"[..], b"a: 1\r\nb: 2\r\n", b"\xef\xbb\xbfa: 1\r\n", b"\xef\xbb\xbf", b""]
        {
            let decoded = decode(bytes).unwrap();
            assert!(!decoded.text.contains(['\r', '\u{feff}']));
            assert_eq!(decoded.encode(&decoded.text), bytes);
        }
    }

    #[test]
    fn what_is_no_plain_utf8_is_refused_with_what_to_do() {
        let table = [
            (utf16("\u{feff}wifi:\n", true), Unreadable::Utf16, "Notepad"),
            (utf16("\u{feff}wifi:\n", false), Unreadable::Utf16, "Notepad"),
            (utf16("wifi:\n", true), Unreadable::Utf16, "Notepad"),
            (utf16("wifi:\n", false), Unreadable::Utf16, "Notepad"),
            (b"a: 1\nb: \xfcbung\n".to_vec(), Unreadable::Encoding { line: 2 }, "UTF-8"),
            (b"{\\rtf1\\ansi".to_vec(), Unreadable::NotPlain("rich text"), "TextEdit"),
            (b"PK\x03\x04rest".to_vec(), Unreadable::NotPlain("a word processor's file"), "Word"),
            (vec![b'a'; LARGEST + 1], Unreadable::Size(LARGEST + 1), "wrong file"),
        ];
        for (bytes, wanted, remedy) in table {
            let said = decode(&bytes).unwrap_err();
            assert_eq!(said, wanted);
            assert!(said.remedy().contains(remedy), "{said}");
        }
    }
}
