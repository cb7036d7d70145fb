//! The profile's form, version 1. The doc comments are the descriptions in `piback schema`.

use super::types::{
    Band, Capability, Country, DataPath, DnsServer, Interface, Lease, Radio, Range, SecretPath, Ssid, Subnet,
    UserName, Version, VolumeLabel,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// A piback profile.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "ProfileParts")]
#[schemars(with = "ProfileParts")]
pub struct Profile {
    pub version: Version,
    pub wifi: Wifi,
    pub network: Network,
    pub uplink: Uplink,
    pub share: Share,
    pub backup: Backup,
}

/// A piback profile.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Profile")]
struct ProfileParts {
    /// Version of this form
    version: Version,
    wifi: Wifi,
    network: Network,
    uplink: Uplink,
    #[serde(default)]
    share: Share,
    backup: Backup,
}

impl TryFrom<ProfileParts> for Profile {
    /// The key that is wrong, `|`, and a sentence.
    type Error = String;

    fn try_from(parts: ProfileParts) -> Result<Self, String> {
        let ProfileParts { version, wifi, network, uplink, share, backup } = parts;
        if uplink.interface == wifi.interface {
            return Err(
                "uplink.interface|is the Wi-Fi's own interface; Ethernet's is wanted, as in eth0".into()
            );
        }
        // The kernel's regulatory database has 2467 and 2472 MHz closed there.
        let closed = ["US", "CA"].contains(&wifi.country.as_str());
        if closed && wifi.radio.band() == Band::Ghz2 && wifi.radio.channel() > 11 {
            let country = wifi.country.as_str();
            return Err(format!("wifi.radio.channel|is closed in {country}; 1 to 11 are allowed there"));
        }
        Ok(Profile { version, wifi, network, uplink, share, backup })
    }
}

/// The appliance's own Wi-Fi.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wifi {
    /// The radio's interface
    pub interface: Interface,
    pub ssid: Ssid,
    /// The file, mode 0600, that holds the passphrase
    pub passphrase_file: SecretPath,
    pub country: Country,
    pub radio: Radio,
    /// 802.11n capabilities beyond the width
    #[serde(default = "capabilities")]
    pub capabilities: Vec<Capability>,
    /// Whether the name is left out of beacons (that hides nothing from an attacker)
    #[serde(default)]
    pub hidden: bool,
}

fn capabilities() -> Vec<Capability> {
    vec![Capability::ShortGi20]
}

/// Addresses and names on the appliance's Wi-Fi.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "NetworkParts")]
#[schemars(with = "NetworkParts")]
pub struct Network {
    pub address: Subnet,
    pub dhcp: Dhcp,
    pub dns: Dns,
}

/// As written, before the range was held against the subnet.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Network")]
struct NetworkParts {
    address: Subnet,
    dhcp: Dhcp,
    #[serde(default)]
    dns: Dns,
}

impl TryFrom<NetworkParts> for Network {
    /// The key that is wrong, `|`, and a sentence.
    type Error = String;

    fn try_from(parts: NetworkParts) -> Result<Self, String> {
        parts.dhcp.range.fits(&parts.address).map_err(|e| format!("dhcp.range|{e}"))?;
        let own = parts.address.address().to_string();
        if parts.dns.upstream.iter().any(|server| server.to_string() == own) {
            return Err(format!("dns.upstream|holds {own}, the Pi's own address: it would ask itself"));
        }
        Ok(Network { address: parts.address, dhcp: parts.dhcp, dns: parts.dns })
    }
}

/// What clients are given.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dhcp {
    pub range: Range,
    pub lease: Lease,
}

/// Who answers for names beyond the appliance.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dns {
    /// Name servers to ask; none: those that Ethernet's DHCP names
    #[serde(default)]
    pub upstream: Vec<DnsServer>,
}

/// Ethernet, where the internet comes from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Uplink {
    pub interface: Interface,
    /// Whether the Wi-Fi's clients reach the internet through it
    #[serde(default = "yes")]
    pub share: bool,
    /// Whether SSH is open on it; everything else that knocks there is turned away
    #[serde(default = "yes")]
    pub ssh: bool,
}

fn yes() -> bool {
    true
}

/// The SMB share.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Share {
    /// System user that owns what is written over the share, and the name to log in with
    pub user: UserName,
    /// The file, mode 0600, that holds the share's password
    pub password_file: SecretPath,
    /// Whether cards and drive may be written over the network
    pub writable: bool,
    /// A folder on the Pi for everything else, always writable
    pub folder: DataPath,
}

impl Default for Share {
    fn default() -> Self {
        // Parsed from constants that the tests of this file parse too.
        let share = || -> Result<Share, String> {
            Ok(Share {
                user: "piback".parse()?,
                password_file: "/etc/piback/secrets/share-password".parse()?,
                writable: false,
                folder: "/srv/piback".parse()?,
            })
        };
        share().unwrap_or_else(|e| unreachable!("the default share: {e}"))
    }
}

/// Where backups go.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// Label of the drive that receives them
    pub destination: VolumeLabel,
    /// The folder that cards and drives are mounted below
    pub mount_root: DataPath,
}

/// The JSON Schema of the profile, from the types above.
#[must_use]
pub fn json_schema() -> schemars::Schema {
    schemars::schema_for!(Profile)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_share_exists() {
        assert_eq!(Share::default().user.as_str(), "piback");
    }

    #[test]
    fn every_key_is_described() {
        let schema = serde_json::to_value(json_schema()).unwrap();
        let text = serde_json::to_string_pretty(&schema).unwrap();
        for key in ["passphrase_file", "capabilities", "mount_root", "upstream", "additionalProperties"] {
            assert!(text.contains(key), "{key} is missing:\n{text}");
        }
    }
}
