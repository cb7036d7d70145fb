use super::leaf::leaf;
use std::fmt::Write;
use std::str::FromStr;

/// The Wi-Fi's name: 1 to 32 bytes (IEEE 802.11-2020, 9.4.2.2), any of them legal, here always UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssid(String);

impl Ssid {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// hostapd's directive for this name and its value, on one line whatever the name holds.
    ///
    /// `ssid=` takes the rest of the line as it is, so it serves plain ASCII text. Everything else goes into
    /// `ssid2=P"…"`, whose escapes hostapd undoes (`printf_decode` in its `src/utils/common.c`: `\"`, `\\`, `\xHH`).
    #[must_use]
    pub fn hostapd(&self) -> (&'static str, String) {
        let plain = self.0.bytes().all(|b| (0x20..0x7f).contains(&b))
            && !self.0.starts_with(' ')
            && !self.0.ends_with(' ');
        if plain {
            return ("ssid", self.0.clone());
        }
        let mut escaped = String::from("P\"");
        for byte in self.0.bytes() {
            match byte {
                b'"' => escaped.push_str("\\\""),
                b'\\' => escaped.push_str("\\\\"),
                0x20..0x7f => escaped.push(byte as char),
                // Writing to a String can't fail.
                _ => _ = write!(escaped, "\\x{byte:02x}"),
            }
        }
        escaped.push('"');
        ("ssid2", escaped)
    }

    /// Tells whether clients should be told that the name is UTF-8.
    #[must_use]
    pub fn is_ascii(&self) -> bool {
        self.0.is_ascii()
    }
}

impl FromStr for Ssid {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.len() {
            1..=32 => Ok(Ssid(text.to_owned())),
            n => Err(format!("is {n} bytes long; a Wi-Fi name has 1 to 32")),
        }
    }
}

leaf!(Ssid, text, "Ssid", {
    "type": "string", "minLength": 1, "maxLength": 32,
    "description": "The Wi-Fi's name, 1 to 32 bytes of UTF-8"
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_directive_on_one_line_for_any_name() {
        let table = [
            ("NET", "ssid", "NET"),
            ("a # b; %s [x] {{ y }}", "ssid", "a # b; %s [x] {{ y }}"),
            ("\"quoted\"", "ssid", "\"quoted\""),
            (" lead", "ssid2", "P\" lead\""),
            ("trail ", "ssid2", "P\"trail \""),
            ("a\nb\0c", "ssid2", "P\"a\\x0ab\\x00c\""),
            ("é\\\"", "ssid2", "P\"\\xc3\\xa9\\\\\\\"\""),
        ];
        for (name, key, value) in table {
            assert_eq!(name.parse::<Ssid>().unwrap().hostapd(), (key, value.to_owned()), "{name:?}");
        }
    }

    #[test]
    fn the_limit_is_in_bytes() {
        assert!("é".repeat(16).parse::<Ssid>().is_ok());
        assert_eq!("é".repeat(17).parse::<Ssid>().unwrap_err(), "is 34 bytes long; a Wi-Fi name has 1 to 32");
        assert!("".parse::<Ssid>().is_err());
    }
}
