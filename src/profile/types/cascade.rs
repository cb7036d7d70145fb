use super::leaf::leaf;
use std::fmt;
use std::str::FromStr;

/// The way to the second drive: from the card together with the first one, or from the first one afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cascade {
    /// Afterwards where the card and all drives hang on one USB 2 bus.
    #[default]
    Auto,
    /// Afterwards.
    Always,
    /// Together.
    Never,
}

impl fmt::Display for Cascade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cascade::Auto => "auto",
            Cascade::Always => "always",
            Cascade::Never => "never",
        })
    }
}

impl FromStr for Cascade {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Cascade::Auto),
            "always" => Ok(Cascade::Always),
            "never" => Ok(Cascade::Never),
            _ => Err("is not known here; auto, always and never are allowed".into()),
        }
    }
}

leaf!(Cascade, text, "Cascade", {
    "type": "string", "enum": ["auto", "always", "never"],
    "description": "always: the further drives get their copy from the first one, after the card's pass; never: all from the card, in one pass; auto: always where the card and all drives hang on one USB 2 bus"
});
