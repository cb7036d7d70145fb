use super::leaf::leaf;
use std::fmt;
use std::str::FromStr;

/// A volume's label, as it was given when the volume was formatted: 1 to 32 characters, none of them a control
/// character or a slash. FAT holds 11, exFAT 15, ext4 16, NTFS 32.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeLabel(String);

impl VolumeLabel {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VolumeLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for VolumeLabel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !(1..=32).contains(&text.chars().count()) {
            return Err("is no volume label; 1 to 32 characters are allowed".into());
        }
        if text.chars().any(|c| c.is_control() || c == '/') || text.starts_with('.') {
            return Err(
                "is no volume label; no slash, no control character, no dot in front is allowed".into()
            );
        }
        if text.trim() != text {
            return Err("begins or ends with a space; a volume label can't".into());
        }
        Ok(VolumeLabel(text.to_owned()))
    }
}

leaf!(VolumeLabel, text, "VolumeLabel", {
    "type": "string", "minLength": 1, "maxLength": 32, "pattern": "^[^./][^/]*$",
    "description": "The label of a card or a drive"
});
