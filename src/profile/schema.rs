//! The profile's form, version 1. The doc comments are the descriptions in `piback schema`.

use super::remotes::Remote;
use super::share::Share;
use super::storage::{Backup, Scrub, Tell, Volumes, Web};
use super::types::{
    Address, Automount, Band, By, Capability, Country, DnsServer, Interface, Lease, OnInsert, Page, Radio,
    Range, SecretPath, Ssid, Subnet, Tls, Version, WifiInterface, WrittenRange,
};
use super::uplink::Uplink;
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
    pub volumes: Volumes,
    pub backup: Backup,
    pub scrub: Scrub,
    pub web: Web,
    pub tell: Tell,
    /// Places far away; no name twice.
    pub remotes: Vec<Remote>,
    pub remote_screen: bool,
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
    #[serde(default)]
    volumes: Volumes,
    backup: Backup,
    #[serde(default)]
    scrub: Scrub,
    #[serde(default)]
    web: Web,
    #[serde(default)]
    tell: Tell,
    /// Places far away that get a copy of what is verified, through rclone
    #[serde(default)]
    remotes: Vec<Remote>,
    /// Whether the Pi's desktop is shown on the Wi-Fi, by wayvnc; for systems with a desktop
    #[serde(default)]
    remote_screen: bool,
}

impl TryFrom<ProfileParts> for Profile {
    /// The key that is wrong, `|`, and a sentence.
    type Error = String;

    fn try_from(parts: ProfileParts) -> Result<Self, String> {
        let ProfileParts {
            version,
            wifi,
            network,
            uplink,
            share,
            volumes,
            backup,
            scrub,
            web,
            tell,
            remotes,
            remote_screen,
        } = parts;
        // A radio that is meant otherwise gets its name later, and is held against these then.
        if wifi.interface.by() == &By::Name {
            roles(&uplink, &share, wifi.interface.name())?;
        }
        if let Some(both) = uplink.trusted.iter().find(|name| uplink.interface.named().contains(name)) {
            return Err(format!("uplink.trusted|names {both}, which is an uplink too: it can't be both"));
        }
        if share.names.drives.as_str().eq_ignore_ascii_case(share.names.folder.as_str()) {
            return Err("share.names|are one and the same for Samba, which does not tell a from A".into());
        }
        if backup.on_insert == OnInsert::Start && volumes.mount == Automount::Off {
            return Err(
                "backup.on_insert|starts when a card was mounted, and nobody mounts it: under volumes, mount: auto".into()
            );
        }
        if web.page == Page::Wifi && volumes.mount == Automount::Off {
            return Err(
                "web.page|shows what is mounted, and nobody mounts it: under volumes, mount: auto".into()
            );
        }
        if web.tls != Tls::Off && web.page == Page::Off {
            return Err("web.tls|is of a page, and there is none: under web, page: wifi".into());
        }
        let name = |at: usize| remotes[at].name.as_str().to_ascii_lowercase();
        if let Some(twice) = (1..remotes.len()).find(|at| (0..*at).any(|other| name(other) == name(*at))) {
            return Err(format!("remotes|names {} twice", remotes[twice].name));
        }
        enough_remotes(&backup, &remotes)?;
        fits_country(&wifi)?;
        Ok(Profile {
            version,
            wifi,
            network,
            uplink,
            share,
            volumes,
            backup,
            scrub,
            web,
            tell,
            remotes,
            remote_screen,
        })
    }
}

/// Holds the copies that are wanted far away against the places that there are.
fn enough_remotes(backup: &Backup, remotes: &[Remote]) -> Result<(), String> {
    let (wanted, named) = (backup.copies.remotes(), remotes.len());
    if wanted > named {
        return Err(format!("backup.copies|wants {wanted} remotes, and the profile names {named}"));
    }
    Ok(())
}

/// Holds band, channel and width against what is allowed in the country.
fn fits_country(wifi: &Wifi) -> Result<(), String> {
    let country = wifi.country.as_str();
    if wifi.radio.band() == Band::Ghz2 && wifi.radio.channel() > wifi.country.last_channel() {
        return Err(format!("wifi.radio.channel|is closed in {country}; 1 to 11 are allowed there"));
    }
    if wifi.radio.band() == Band::Ghz5 {
        match wifi.country.widest_5ghz() {
            0 => {
                return Err(format!(
                    "wifi.radio.band|is closed to access points in {country}, as the kernel knows it; 2.4GHz is allowed"
                ));
            }
            widest if wifi.radio.width().mhz() > widest => {
                return Err(format!("wifi.radio.width|is too wide for {country}; {widest} is allowed there"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Holds the radio against the interfaces that have another part to play.
///
/// # Errors
/// The key that is wrong, `|`, and a sentence.
pub fn roles(uplink: &Uplink, share: &Share, radio: &Interface) -> Result<(), String> {
    if uplink.interface.named().contains(radio) {
        return Err("uplink.interface|is the Wi-Fi's own interface; Ethernet's is wanted, as in eth0".into());
    }
    if uplink.trusted.contains(radio) {
        return Err("uplink.trusted|names the Wi-Fi's own interface, which has rules of its own".into());
    }
    if share.also_on.contains(radio) {
        return Err("share.also_on|names the Wi-Fi's own interface, which has the share anyway".into());
    }
    Ok(())
}

/// The appliance's own Wi-Fi.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wifi {
    /// The radio's interface
    pub interface: WifiInterface,
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
    /// Whether clients are kept from each other, where the radio can: then the iPad reaches the Pi and the internet alone
    #[serde(default)]
    pub isolate_clients: bool,
}

fn capabilities() -> Vec<Capability> {
    vec![Capability::ShortGi20]
}

/// Addresses and names on the appliance's Wi-Fi.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "NetworkParts")]
#[schemars(with = "NetworkParts")]
pub struct Network {
    /// The address; with `auto`, the first of [`Subnet::FREE`] until [`Network::at`] names another one.
    pub address: Subnet,
    /// Whether piback chooses the address.
    pub auto: bool,
    pub dhcp: Dhcp,
    pub dns: Dns,
}

impl Network {
    /// The same network elsewhere; for `auto` alone, whose range follows the address.
    #[must_use]
    pub fn at(&self, address: Subnet) -> Self {
        let [first, last] = [self.dhcp.range.first(), self.dhcp.range.last()].map(|end| end.octets()[3]);
        let range = WrittenRange::Last(first, last).beside(&address);
        Network { address, dhcp: Dhcp { range, ..self.dhcp.clone() }, ..self.clone() }
    }
}

/// As written, before the range was held against the subnet.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Network")]
struct NetworkParts {
    address: Address,
    dhcp: DhcpParts,
    #[serde(default)]
    dns: Dns,
}

impl TryFrom<NetworkParts> for Network {
    /// The key that is wrong, `|`, and a sentence.
    type Error = String;

    fn try_from(parts: NetworkParts) -> Result<Self, String> {
        let (auto, possible) = match &parts.address {
            Address::Auto => (true, &Subnet::FREE[..]),
            Address::Fixed(subnet) => (false, std::slice::from_ref(subnet)),
        };
        if auto && matches!(parts.dhcp.range, WrittenRange::Whole(_)) {
            return Err("dhcp.range|names a subnet, which is piback's choice with address: auto; the last \
                        numbers are allowed, as in .50-.100"
                .into());
        }
        let address = possible[0];
        let range = parts.dhcp.range.beside(&address);
        range.fits(&address).map_err(|e| format!("dhcp.range|{e}"))?;
        let own: Vec<String> = possible.iter().map(|subnet| subnet.address().to_string()).collect();
        let itself = parts.dns.upstream.iter().map(ToString::to_string).find(|server| own.contains(server));
        if let Some(own) = itself {
            return Err(format!("dns.upstream|holds {own}, the Pi's own address: it would ask itself"));
        }
        if parts.dns.private && parts.dns.upstream.is_empty() {
            return Err("dns.private|needs servers in dns.upstream: there is nobody else to ask".into());
        }
        let dhcp = Dhcp { range, lease: parts.dhcp.lease };
        Ok(Network { address, auto, dhcp, dns: parts.dns })
    }
}

/// What clients are given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dhcp {
    pub range: Range,
    pub lease: Lease,
}

/// What clients are given.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Dhcp")]
struct DhcpParts {
    range: WrittenRange,
    lease: Lease,
}

/// Who answers for names beyond the appliance.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dns {
    /// Name servers to ask where the uplink's own network names none
    #[serde(default)]
    pub upstream: Vec<DnsServer>,
    /// Whether those are asked alone, wherever the Pi is; a hotel's sign-in page then may not be found
    #[serde(default)]
    pub private: bool,
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
    fn auto_takes_its_range_along() {
        let network = |address: &str, range: &str| {
            serde_yaml::from_str::<Network>(&format!(
                "{{address: {address}, dhcp: {{range: {range}, lease: 12h}}}}"
            ))
        };
        let auto = network("auto", ".50-.100").unwrap();
        assert!(auto.auto && auto.address == Subnet::FREE[0]);
        let moved = auto.at(Subnet::FREE[1]);
        assert_eq!(moved.dhcp.range.to_string(), "172.27.41.50-172.27.41.100");
        assert!(moved.auto && moved.dhcp.range.fits(&moved.address).is_ok());
        let fixed = network("192.168.9.1/24", ".50-.100").unwrap();
        assert_eq!(fixed.dhcp.range.to_string(), "192.168.9.50-192.168.9.100");
        assert!(!fixed.auto && fixed == network("192.168.9.1/24", "192.168.9.50-192.168.9.100").unwrap());
        assert!(network("auto", "10.41.0.50-10.41.0.100").unwrap_err().to_string().contains(".50-.100"));
        assert!(network("auto", ".1-.100").is_err());
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
