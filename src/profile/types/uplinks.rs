use super::interface::Interface;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use std::fmt;

/// Interfaces that the internet may come from: `auto`, an interface, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uplinks {
    /// Wherever the default route leads: a cable, a phone, a second radio, a VPN.
    Auto,
    /// These and no others; never empty, none twice.
    Named(Vec<Interface>),
}

impl Uplinks {
    /// The interfaces that the profile names; none with `auto`.
    #[must_use]
    pub fn named(&self) -> &[Interface] {
        match self {
            Uplinks::Auto => &[],
            Uplinks::Named(names) => names,
        }
    }

    /// Tells whether the internet may come from an interface of this name.
    #[must_use]
    pub fn may_be(&self, name: &str) -> bool {
        match self {
            Uplinks::Auto => true,
            Uplinks::Named(names) => names.iter().any(|one| one.as_str() == name),
        }
    }
}

impl fmt::Display for Uplinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Uplinks::Auto => f.write_str("auto"),
            Uplinks::Named(names) => {
                f.write_str(&names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Uplinks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMore)
    }
}

struct OneOrMore;

impl<'de> Visitor<'de> for OneOrMore {
    type Value = Uplinks;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("auto, an interface as in eth0, or a list of interfaces")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Uplinks, E> {
        match text {
            "auto" => Ok(Uplinks::Auto),
            name => Ok(Uplinks::Named(vec![name.parse().map_err(E::custom)?])),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Uplinks, A::Error> {
        let names = Vec::<Interface>::deserialize(SeqAccessDeserializer::new(list))?;
        if names.is_empty() {
            return Err(A::Error::custom("is an empty list; auto or an interface is wanted, as in eth0"));
        }
        if let Some(twice) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
            return Err(A::Error::custom(format!("names {} twice", twice.1)));
        }
        Ok(Uplinks::Named(names))
    }
}

impl schemars::JsonSchema for Uplinks {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Uplinks".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let interface = generator.subschema_for::<Interface>();
        schemars::json_schema!({
            "description": "auto (wherever the default route leads), an interface, or a list of interfaces",
            "anyOf": [
                { "const": "auto" },
                interface,
                { "type": "array", "items": interface, "minItems": 1, "uniqueItems": true },
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Uplinks, String> {
        serde_yaml::from_str(text).map_err(|e| e.to_string())
    }

    #[test]
    fn one_more_or_auto() {
        assert_eq!(read("auto").unwrap(), Uplinks::Auto);
        assert_eq!(read("eth0").unwrap().to_string(), "eth0");
        assert_eq!(read("[end0, usb0]").unwrap().to_string(), "end0, usb0");
        assert!(read("[]").unwrap_err().contains("empty list"));
        assert!(read("[eth0, eth0]").unwrap_err().contains("eth0 twice"));
        assert!(read("'eth0; reboot'").unwrap_err().contains("no interface name"));
        assert!(read("[auto]").is_ok_and(|u| u.may_be("auto") && !u.may_be("eth0")));
        assert!(read("7").unwrap_err().contains("auto, an interface"));
        assert!(Uplinks::Auto.may_be("wg0"));
    }
}
