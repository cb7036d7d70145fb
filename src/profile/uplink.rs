//! The profile's part about everything that is not the Wi-Fi.

use super::types::{CheckUrl, Interface, Uplinks};
use schemars::JsonSchema;
use serde::Deserialize;

/// Everything that is not the Wi-Fi: where the internet comes from, and who may come in from there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Uplink {
    /// Where the internet comes from
    #[serde(default = "wherever")]
    pub interface: Uplinks,
    /// Whether the Wi-Fi's clients reach the internet through it
    #[serde(default = "yes")]
    pub share: bool,
    /// Whether SSH is open on it; everything else that knocks there is turned away
    #[serde(default = "yes")]
    pub ssh: bool,
    /// Interfaces that piback leaves to you, as a USB gadget or a LAN of your own: open to the Pi, closed to the Wi-Fi
    #[serde(default)]
    pub trusted: Vec<Interface>,
    /// The page that `piback uplink` asks whether the internet is there
    #[serde(default)]
    pub check: CheckUrl,
}

fn wherever() -> Uplinks {
    Uplinks::Auto
}

fn yes() -> bool {
    true
}
