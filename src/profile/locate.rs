//! Finds the place in a YAML text where a key or a value stands.
//!
//! YAML values carry no positions once read. So the text is read again towards the wanted place, and there the
//! reader is told "no": its error carries the place.

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_path_to_error::Segment;
use std::fmt;

/// One step down from the top of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Key(String),
    Index(usize),
}

/// The part to find at the end of the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Key,
    /// The key where it stands a second time, which YAML does not allow.
    SecondKey,
    Value,
}

/// Line and column, from 1; the nearest place that exists if the path ends early.
#[must_use]
pub fn locate(text: &str, path: &[Step], wanted: Wanted) -> (usize, usize) {
    for length in (0..=path.len()).rev() {
        let wanted = if length == path.len() { wanted } else { Wanted::Value };
        let walk = Walk { path: &path[..length], wanted };
        let Err(error) = walk.deserialize(serde_yaml::Deserializer::from_str(text)) else { continue };
        if let (true, Some(at)) = (error.to_string().contains(FOUND), error.location()) {
            return (at.line(), at.column());
        }
    }
    (1, 1)
}

/// The steps of a place that serde reported.
#[must_use]
pub fn steps(path: &serde_path_to_error::Path) -> Vec<Step> {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Map { key } => Some(Step::Key(key.clone())),
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

/// The steps as they are written: `wifi.capabilities[1]`.
#[must_use]
pub fn dotted(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => text.push_str(&format!(".{key}")),
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

const FOUND: &str = "\u{1}piback: here\u{1}";

#[derive(Clone, Copy)]
struct Walk<'a> {
    path: &'a [Step],
    wanted: Wanted,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Any scalar ends here: found, or a path that goes deeper than the text.
        f.write_str(if self.path.is_empty() { FOUND } else { "a section" })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let [first, rest @ ..] = self.path else { return Err(A::Error::custom(FOUND)) };
        let mut on_key = matches!((self.wanted, rest), (Wanted::Key, []));
        let name = match first {
            Step::Key(name) => name.as_str(),
            Step::Index(_) => return Err(A::Error::custom("no list")),
        };
        while let Some(hit) = map.next_key_seed(Key { name, found: on_key })? {
            let first_of_two = hit && matches!((self.wanted, rest), (Wanted::SecondKey, []));
            on_key |= first_of_two;
            if hit && !first_of_two {
                return map.next_value_seed(Walk { path: rest, wanted: self.wanted });
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let [first, rest @ ..] = self.path else { return Err(A::Error::custom(FOUND)) };
        let Step::Index(index) = first else { return Err(A::Error::custom("no section")) };
        for _ in 0..*index {
            if seq.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
        }
        seq.next_element_seed(Walk { path: rest, wanted: self.wanted })?;
        Ok(())
    }
}

/// Reads a key, says whether it is the one, and stops there if the key itself is wanted.
struct Key<'a> {
    name: &'a str,
    found: bool,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Key<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        match (key == self.name, self.found) {
            (true, true) => Err(E::custom(FOUND)),
            (hit, _) => Ok(hit),
        }
    }

    fn visit_bool<E: Error>(self, key: bool) -> Result<bool, E> {
        self.visit_str(&key.to_string())
    }

    fn visit_i64<E: Error>(self, key: i64) -> Result<bool, E> {
        self.visit_str(&key.to_string())
    }

    fn visit_u64<E: Error>(self, key: u64) -> Result<bool, E> {
        self.visit_str(&key.to_string())
    }

    fn visit_f64<E: Error>(self, key: f64) -> Result<bool, E> {
        self.visit_str(&key.to_string())
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        self.visit_str("null")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "version: 1\nwifi:\n  ssid: \"a\"\n  list:\n    - one\n    - two\n  radio: {band: x,  channel: 6}\n";

    fn path(text: &str) -> Vec<Step> {
        text.split('.').map(|s| s.parse().map_or_else(|_| Step::Key(s.to_owned()), Step::Index)).collect()
    }

    #[test]
    fn keys_and_values_are_found() {
        let table = [
            ("version", Wanted::Value, (1, 10)),
            ("wifi", Wanted::Key, (2, 1)),
            ("wifi.ssid", Wanted::Key, (3, 3)),
            ("wifi.ssid", Wanted::Value, (3, 9)),
            ("wifi.list.1", Wanted::Value, (6, 7)),
            ("wifi.radio.channel", Wanted::Value, (7, 30)),
            ("wifi.absent", Wanted::Value, (3, 3)),
        ];
        for (at, wanted, place) in table {
            assert_eq!(locate(TEXT, &path(at), wanted), place, "{at}");
        }
    }
}
