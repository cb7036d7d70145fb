//! The state that must be proved once a profile is in force.

use crate::profile::Profile;
use serde::{Deserialize, Serialize};

/// The values that the probes hold the host against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    pub radio: String,
    pub address: String,
    pub prefix: u8,
    pub shares_internet: bool,
    /// The address that the user's SSH session came in by, if there is one. Never on record: it is this session's.
    #[serde(skip)]
    pub way_in: Option<String>,
    /// The port that it came in by; SSH's own where that is not known.
    #[serde(skip)]
    pub way_in_port: Option<u16>,
}

impl Expected {
    #[must_use]
    pub fn of(profile: &Profile, way_in: Option<String>) -> Self {
        Expected {
            radio: profile.wifi.interface.to_string(),
            address: profile.network.address.address().to_string(),
            prefix: profile.network.address.prefix(),
            shares_internet: profile.uplink.share,
            way_in,
            way_in_port: None,
        }
    }
}

#[cfg(test)]
impl Expected {
    /// An example for tests.
    pub fn example() -> Self {
        Expected {
            radio: "wlan0".into(),
            address: "10.41.0.1".into(),
            prefix: 24,
            shares_internet: true,
            way_in: None,
            way_in_port: None,
        }
    }
}
