//! The uplink, as whoever keeps the jobs is asked for it: where the internet comes from, and a hotel's Wi-Fi by a second radio.

use crate::secret::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The uplink, as `piback uplink --json` says it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uplink {
    pub ways: Vec<Way>,
    /// `yes`, `sign-in needed`, `no` or `not known`.
    pub internet: String,
    /// The sign-in page's address, if it says.
    pub sign_in: Option<String>,
    /// Why there is none.
    pub why: Option<String>,
    /// The second radio, which joins networks; nothing where none can be joined.
    pub radio: Option<String>,
    /// Why none can.
    pub no_radio: Option<String>,
    pub no_radio_hints: Vec<String>,
    /// Names of the networks that piback joined once.
    pub known: Vec<String>,
}

/// An interface that may lead to the internet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    pub interface: String,
    /// `cable`, `phone`, `wifi` or `vpn`.
    pub kind: String,
    pub address: Option<String>,
    pub in_use: bool,
    pub metered: bool,
}

/// A network that can be heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    pub ssid: String,
    /// Of 100.
    pub signal: u8,
    /// Empty for an open one.
    pub security: String,
    pub joined: bool,
    /// piback joined it once.
    pub known: bool,
}

/// A secret on its way to whoever needs it: in a request's own line, and in no other text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handed(Secret<String>);

impl Handed {
    #[must_use]
    pub fn new(text: String) -> Self {
        Handed(Secret::new(text))
    }

    /// The value itself, for a process's standard input.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl Serialize for Handed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'a> Deserialize<'a> for Handed {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        // serde's own words would have what was there instead of a text.
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(Handed::new(text)),
            _ => Err(serde::de::Error::custom("a passphrase is a text")),
        }
    }
}
