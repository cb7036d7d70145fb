//! Values that must never be seen: Debug, Display and Serialize all show the same mask.

use serde::{Serialize, Serializer};
use std::fmt;

/// The text in the place of a secret wherever text is shown.
pub const MASK: &str = "********";

/// A secret. The only way to the value is [`Secret::expose`], so that every use can be found by its name.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    pub fn new(value: T) -> Self {
        Secret(value)
    }

    /// The value itself. For writing it to its own 0600 file, or to a tool's standard input: nothing else.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl<T> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_shows_the_value() {
        let secret = Secret::new("correct horse");
        assert_eq!(format!("{secret} {secret:?} {secret:#?}"), format!("{MASK} {MASK} {MASK}"));
        assert_eq!(serde_json::to_string(&secret).unwrap(), format!("\"{MASK}\""));
    }
}
