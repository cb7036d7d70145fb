//! The ways that every single value of the profile shares: it is read from text by `FromStr`, whose error is a sentence
//! that says what is allowed, and it describes itself in the JSON Schema.

/// Implements `Deserialize` and `JsonSchema` for a type that implements `FromStr<Err = String>`.
///
/// `text`: YAML must give a string (a number or `true` would lose what was typed: `007`, `1e3`).
/// `any`: a bare number is as good as a string.
macro_rules! leaf {
    ($type:ty, $mode:ident, $name:literal, $schema:tt) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = crate::profile::types::leaf::scalar(
                    deserializer,
                    crate::profile::types::leaf::leaf!(@mode $mode),
                )?;
                text.parse().map_err(|e: String| serde::de::Error::custom(e))
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    };
    (@mode text) => { false };
    (@mode any) => { true };
}

pub(super) use leaf;

use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Reads one YAML scalar as the text that was typed.
pub(super) fn scalar<'de, D: Deserializer<'de>>(
    deserializer: D,
    bare_is_fine: bool,
) -> Result<String, D::Error> {
    deserializer.deserialize_any(Scalar { bare_is_fine })
}

struct Scalar {
    bare_is_fine: bool,
}

impl Scalar {
    fn bare<E: Error>(&self, text: String) -> Result<String, E> {
        if self.bare_is_fine { Ok(text) } else { Err(E::custom("must be text: put it in quotes")) }
    }
}

impl<'de> Visitor<'de> for Scalar {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a single value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<String, E> {
        self.bare(value.to_string())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<String, E> {
        self.bare(value.to_string())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<String, E> {
        self.bare(value.to_string())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<String, E> {
        self.bare(value.to_string())
    }

    fn visit_unit<E: Error>(self) -> Result<String, E> {
        Err(E::custom("has no value"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<String, A::Error> {
        Err(A::Error::custom("is a list where a single value belongs"))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<String, A::Error> {
        Err(A::Error::custom("is a section where a single value belongs"))
    }
}
