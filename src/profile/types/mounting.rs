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

/// The number of drives, of those that the profile names, that must have a photo before it counts as safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Copies {
    /// Each of them.
    #[default]
    All,
    /// One of them, whichever.
    Any,
}

impl fmt::Display for Copies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Copies::All => "all",
            Copies::Any => "any",
        })
    }
}

impl FromStr for Copies {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Copies::All),
            "any" => Ok(Copies::Any),
            _ => Err("is not known here; all and any are allowed".into()),
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

leaf!(Copies, text, "Copies", {
    "type": "string", "enum": ["all", "any"],
    "description": "all: a photo is safe when it is on every drive; any: when it is on one of them"
});

leaf!(OnInsert, text, "OnInsert", {
    "type": "string", "enum": ["off", "start"],
    "description": "start: a card is backed up as soon as it and the drive are there"
});
