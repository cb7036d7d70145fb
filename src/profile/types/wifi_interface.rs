use super::interface::Interface;
use super::leaf::leaf;
use std::fmt;
use std::str::FromStr;

/// The radio, by its name, its hardware address, the place where it is plugged in, or `auto`. A name may be another
/// radio's after the next boot, and the others may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WifiInterface {
    name: Interface,
    by: By,
}

/// The way in which a profile means its radio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    Name,
    /// The only radio, or the Pi's own among several.
    Auto,
    /// Six bytes in hex, lower case, with colons.
    Mac(String),
    /// `platform` is the Pi's own; `usb-1.2` the way through hubs and ports.
    Path(String),
}

/// The name where nobody can be asked, as on a tree.
const USUAL: &str = "wlan0";

impl WifiInterface {
    /// The interface's name, as it was found last.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.name.as_str()
    }

    #[must_use]
    pub fn name(&self) -> &Interface {
        &self.name
    }

    #[must_use]
    pub fn by(&self) -> &By {
        &self.by
    }

    /// The same radio under the name that it has now.
    #[must_use]
    pub fn named(&self, name: Interface) -> Self {
        WifiInterface { name, by: self.by.clone() }
    }
}

impl fmt::Display for WifiInterface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

/// As the profile has it.
impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            By::Name => f.write_str("its name"),
            By::Auto => f.write_str("auto"),
            By::Mac(text) | By::Path(text) => f.write_str(text),
        }
    }
}

impl FromStr for WifiInterface {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let by = if text == "auto" {
            By::Auto
        } else if is_mac(text) {
            By::Mac(text.to_ascii_lowercase())
        } else if is_path(text) {
            By::Path(text.to_owned())
        } else {
            let wrong = |_| {
                "is no interface: auto, a name as in wlan0, a hardware address as in b8:27:eb:00:00:02, platform or \
                 usb-1.2 are allowed"
            };
            return Ok(WifiInterface { name: text.parse().map_err(wrong)?, by: By::Name });
        };
        Ok(WifiInterface { name: USUAL.parse()?, by })
    }
}

fn is_mac(text: &str) -> bool {
    let bytes: Vec<&str> = text.split(':').collect();
    bytes.len() == 6 && bytes.iter().all(|b| b.len() == 2 && b.chars().all(|c| c.is_ascii_hexdigit()))
}

fn is_path(text: &str) -> bool {
    let number = |part: &str| !part.is_empty() && part.len() <= 3 && part.chars().all(|c| c.is_ascii_digit());
    text == "platform" || text.strip_prefix("usb-").is_some_and(|ports| ports.split('.').all(number))
}

leaf!(WifiInterface, text, "WifiInterface", {
    "type": "string",
    "pattern": "^([A-Za-z][A-Za-z0-9_.-]{0,14}|([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}|usb-[0-9]{1,3}([.][0-9]{1,3})*)$",
    "description": "The radio: auto, a name as in wlan0, a hardware address, platform (the Pi's own) or usb-1.2"
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_radio_is_meant_by() {
        let of = |text: &str| text.parse::<WifiInterface>().unwrap();
        assert_eq!((of("wlan1").as_str(), of("wlan1").by()), ("wlan1", &By::Name));
        assert_eq!((of("auto").as_str(), of("auto").by()), ("wlan0", &By::Auto));
        assert_eq!(of("B8:27:EB:00:00:02").by(), &By::Mac("b8:27:eb:00:00:02".into()));
        assert_eq!(of("usb-1.2").by(), &By::Path("usb-1.2".into()));
        assert_eq!(of("usb-port").by(), &By::Name);
        for bad in ["", "b8:27:eb:00:00", "wlan0; x", "b8:27:eb:00:00:zz"] {
            assert!(bad.parse::<WifiInterface>().unwrap_err().contains("platform"), "{bad}");
        }
    }
}
