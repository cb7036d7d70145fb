use super::leaf::leaf;
use std::fmt;
use std::str::FromStr;

/// Who mounts what is plugged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Automount {
    /// Nobody, or a desktop; piback for the time of a backup.
    #[default]
    Off,
    /// piback, as soon as they are plugged in.
    Auto,
}

/// The reaction to a card that is plugged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnInsert {
    /// None: the backup is started by hand.
    #[default]
    Off,
    /// `status` and the page say that it has something new.
    Ask,
    /// It is backed up as soon as the drive is there, once.
    Start,
}

/// The use of the Pi's green light.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Led {
    /// Left to the system.
    #[default]
    Off,
    /// It tells how a job goes, by how fast it blinks.
    Auto,
}

impl fmt::Display for Led {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Led::Off => "off",
            Led::Auto => "auto",
        })
    }
}

impl FromStr for Led {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Led::Off),
            "auto" => Ok(Led::Auto),
            _ => Err("is not known here; auto and off are allowed".into()),
        }
    }
}

/// The network that the page is served on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Page {
    /// Nowhere.
    #[default]
    Off,
    /// On the appliance's own Wi-Fi, port 80.
    Wifi,
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Page::Off => "off",
            Page::Wifi => "wifi",
        })
    }
}

impl FromStr for Page {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Page::Off),
            "wifi" => Ok(Page::Wifi),
            _ => Err("is not known here; wifi and off are allowed".into()),
        }
    }
}

/// The page's encryption, above the Wi-Fi's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tls {
    /// None: plain http.
    #[default]
    Off,
    /// https, with a certificate by an authority of the appliance's own.
    LocalCa,
}

impl Tls {
    /// The first word of the page's address.
    #[must_use]
    pub fn scheme(self) -> &'static str {
        match self {
            Tls::Off => "http",
            Tls::LocalCa => "https",
        }
    }
}

impl fmt::Display for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Tls::Off => "off",
            Tls::LocalCa => "local-ca",
        })
    }
}

impl FromStr for Tls {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Tls::Off),
            "local-ca" => Ok(Tls::LocalCa),
            _ => Err("is not known here; local-ca and off are allowed".into()),
        }
    }
}

impl fmt::Display for Automount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Automount::Off => "off",
            Automount::Auto => "auto",
        })
    }
}

impl FromStr for Automount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Automount::Off),
            "auto" => Ok(Automount::Auto),
            _ => Err("is not known here; auto and off are allowed".into()),
        }
    }
}

impl fmt::Display for OnInsert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OnInsert::Off => "off",
            OnInsert::Ask => "ask",
            OnInsert::Start => "start",
        })
    }
}

impl FromStr for OnInsert {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(OnInsert::Off),
            "ask" => Ok(OnInsert::Ask),
            "start" => Ok(OnInsert::Start),
            _ => Err("is not known here; start, ask and off are allowed".into()),
        }
    }
}

leaf!(Automount, text, "Automount", {
    "type": "string", "enum": ["off", "auto"],
    "description": "auto: piback mounts what is plugged in, cards read-only, the enrolled drive writable"
});

leaf!(Led, text, "Led", {
    "type": "string", "enum": ["off", "auto"],
    "description": "auto: the Pi's green light tells how a backup goes, by how fast it blinks"
});

leaf!(Page, text, "Page", {
    "type": "string", "enum": ["off", "wifi"],
    "description": "wifi: the page is served on the appliance's own Wi-Fi, at its address"
});

leaf!(Tls, text, "Tls", {
    "type": "string", "enum": ["off", "local-ca"],
    "description": "local-ca: https on port 443, by an authority of the appliance's own, which each iPad has to be told to trust (docs/PAGE.md); off: plain http, on a Wi-Fi that is encrypted"
});

leaf!(OnInsert, text, "OnInsert", {
    "type": "string", "enum": ["off", "ask", "start"],
    "description": "start: a card is backed up as soon as it and the drive are there; ask: status and logged-in terminals say that it has something new"
});
