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
    /// It is backed up as soon as the drive is there, once.
    Start,
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
            OnInsert::Start => "start",
        })
    }
}

impl FromStr for OnInsert {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(OnInsert::Off),
            "start" => Ok(OnInsert::Start),
            _ => Err("is not known here; start and off are allowed".into()),
        }
    }
}

leaf!(Automount, text, "Automount", {
    "type": "string", "enum": ["off", "auto"],
    "description": "auto: piback mounts what is plugged in, cards read-only, the enrolled drive writable"
});

leaf!(Page, text, "Page", {
    "type": "string", "enum": ["off", "wifi"],
    "description": "wifi: the page is served on the appliance's own Wi-Fi, at its address"
});

leaf!(OnInsert, text, "OnInsert", {
    "type": "string", "enum": ["off", "start"],
    "description": "start: a card is backed up as soon as it and the drive are there"
});
