use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// The number of places, of those that the profile names, that must have a photo before it counts as safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Copies {
    /// Each of the drives.
    #[default]
    All,
    /// One of the drives, whichever.
    Any,
    /// Each of the drives, and so many remotes: what a command line may ask for.
    AllAnd { remotes: u8 },
    /// So many drives, one at least, and so many remotes.
    Count { drives: u8, remotes: u8 },
}

impl Copies {
    /// Tells whether this many of the drives are enough.
    #[must_use]
    pub fn enough(self, have: usize, of: usize) -> bool {
        match self {
            Copies::All | Copies::AllAnd { .. } => have == of,
            Copies::Any => have > 0,
            Copies::Count { drives, .. } => have >= usize::from(drives),
        }
    }

    /// The same with so many remotes.
    #[must_use]
    pub fn and_remotes(self, remotes: usize) -> Self {
        let remotes = u8::try_from(remotes).unwrap_or(u8::MAX);
        match self {
            Copies::All => Copies::AllAnd { remotes },
            Copies::Any => Copies::Count { drives: 1, remotes },
            Copies::AllAnd { .. } => Copies::AllAnd { remotes },
            Copies::Count { drives, .. } => Copies::Count { drives, remotes },
        }
    }

    /// Remotes that must have it too.
    #[must_use]
    pub fn remotes(self) -> usize {
        match self {
            Copies::Count { remotes, .. } | Copies::AllAnd { remotes } => usize::from(remotes),
            Copies::All | Copies::Any => 0,
        }
    }
}

/// More drives than that are not named (`backup.destinations`); more remotes nobody has.
const MOST: u8 = 3;

impl<'de> Deserialize<'de> for Copies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrCount)
    }
}

struct WordOrCount;

const RULE: &str = "is not known here; all, any and {drives: 1, remotes: 1} are allowed";

impl<'de> Visitor<'de> for WordOrCount {
    type Value = Copies;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("all, any, or a number of drives and of remotes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Copies, E> {
        match text {
            "all" => Ok(Copies::All),
            "any" => Ok(Copies::Any),
            _ => Err(E::custom(RULE)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Copies, A::Error> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Count {
            drives: u8,
            #[serde(default)]
            remotes: u8,
        }
        let Count { drives, remotes } = Count::deserialize(MapAccessDeserializer::new(map))?;
        if !(1..=MOST).contains(&drives) || remotes > MOST {
            return Err(A::Error::custom(format!(
                "counts too few or too many; 1 to {MOST} drives and up to {MOST} remotes are allowed"
            )));
        }
        Ok(Copies::Count { drives, remotes })
    }
}

impl JsonSchema for Copies {
    fn schema_name() -> Cow<'static, str> {
        "Copies".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "all: a photo is safe when it is on every drive; any: when it is on one of them; or so many drives and remotes",
            "oneOf": [
                { "type": "string", "enum": ["all", "any"] },
                { "type": "object", "additionalProperties": false, "required": ["drives"], "properties": {
                    "drives": { "type": "integer", "minimum": 1, "maximum": MOST },
                    "remotes": { "type": "integer", "minimum": 0, "maximum": MOST }
                } }
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_or_numbers() {
        let of = |yaml: &str| serde_yaml::from_str::<Copies>(yaml);
        assert_eq!((of("all").unwrap(), of("any").unwrap()), (Copies::All, Copies::Any));
        assert_eq!(of("{drives: 1, remotes: 1}").unwrap(), Copies::Count { drives: 1, remotes: 1 });
        assert_eq!(of("{drives: 2}").unwrap(), Copies::Count { drives: 2, remotes: 0 });
        for bad in [
            "two",
            "{drives: 0, remotes: 1}",
            "{remotes: 1}",
            "{drives: 4}",
            "{drives: 1, remotes: 9}",
            "{drives: 1, x: 1}",
            "2",
        ] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn enough_is_all_one_or_the_number() {
        let count = Copies::Count { drives: 2, remotes: 1 };
        for (copies, have, of, enough) in [
            (Copies::All, 2, 2, true),
            (Copies::All, 1, 2, false),
            (Copies::Any, 1, 3, true),
            (Copies::Any, 0, 3, false),
            (count, 2, 3, true),
            (count, 1, 1, false),
        ] {
            assert_eq!(copies.enough(have, of), enough, "{copies:?} {have} of {of}");
        }
        assert_eq!((count.remotes(), Copies::All.remotes()), (1, 0));
    }
}
