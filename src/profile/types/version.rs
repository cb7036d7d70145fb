use super::leaf::leaf;
use std::str::FromStr;

/// The version of the profile's own form. There is one: 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version;

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "1" {
            Ok(Version)
        } else {
            Err("is no version that this piback reads; 1 is allowed".into())
        }
    }
}

leaf!(Version, any, "Version", { "const": 1 });
