use crate::secret::Secret;

/// A WPA2 passphrase (8 to 63 printable ASCII characters) or the 256-bit key itself (64 hex digits):
/// IEEE 802.11-2020, J.4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passphrase(Secret<String>);

/// Letters that can't be taken for another one (no i, l, o), all on the first page of the iPad's keyboard.
const LETTERS: &[u8; 23] = b"abcdefghjkmnpqrstuvwxyz";

/// Sixteen of 23 letters: 72 bits, out of reach of an offline attack on WPA2's 4096 rounds.
const MADE_LENGTH: usize = 16;

impl Passphrase {
    /// Reads the content of a secret's file: one line, its end (LF or CRLF) not part of it.
    ///
    /// # Errors
    /// A sentence with what is allowed. It never quotes the content.
    pub fn from_file_content(content: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(content).map_err(|_| RULE)?;
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.contains('\n') {
            return Err("holds more than one line".into());
        }
        let printable = text.bytes().all(|b| (0x20..0x7f).contains(&b));
        let key = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        if key || (printable && (8..=63).contains(&text.len())) {
            return Ok(Passphrase(Secret::new(text.to_owned())));
        }
        Err(RULE.into())
    }

    /// Makes a passphrase of 16 letters from random bytes; `None` when there were too few.
    /// 256 bytes are always enough for all practical purposes: each serves with 207 chances in 256.
    #[must_use]
    pub fn from_random(random: &[u8]) -> Option<Self> {
        // Bytes above the largest multiple of 23 are dropped, so that every letter is equally likely.
        let made: String = random
            .iter()
            .filter(|b| **b < 207)
            .take(MADE_LENGTH)
            .map(|b| LETTERS[usize::from(b % 23)] as char)
            .collect();
        (made.len() == MADE_LENGTH).then(|| Passphrase(Secret::new(made)))
    }

    /// hostapd's directive for it.
    #[must_use]
    pub fn hostapd_key(&self) -> &'static str {
        if self.0.expose().len() == 64 { "wpa_psk" } else { "wpa_passphrase" }
    }

    #[must_use]
    pub fn secret(&self) -> &Secret<String> {
        &self.0
    }
}

const RULE: &str = "8 to 63 printable ASCII characters, or 64 hex digits, are allowed";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule() {
        let table: [(&[u8], bool); 10] = [
            (b"12345678", true),
            (b"1234567", false),
            (b"correct horse\r\n", true),
            (&[b'a'; 63], true),
            (&[b'a'; 64], true),
            (&[b'g'; 64], false),
            (b"with\nline break", false),
            (b"with \0 nul byte", false),
            ("umlaut übung".as_bytes(), false),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff", false),
        ];
        for (content, good) in table {
            assert_eq!(Passphrase::from_file_content(content).is_ok(), good, "{content:?}");
        }
        assert_eq!(Passphrase::from_file_content(&[b'a'; 64]).unwrap().hostapd_key(), "wpa_psk");
        assert_eq!(Passphrase::from_file_content(b"12345678").unwrap().hostapd_key(), "wpa_passphrase");
    }

    #[test]
    fn made_ones_are_even_and_never_short() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(Passphrase::from_random(&all).unwrap().secret().expose(), "abcdefghjkmnpqrs");
        assert!(Passphrase::from_random(&[255; 256]).is_none());
        assert_eq!(all.iter().filter(|b| **b < 207).filter(|b| **b % 23 == 22).count(), 9);
    }
}
