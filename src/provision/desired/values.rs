//! Values that a template can lay out.

use crate::paths;
use crate::profile::types::{Band, Subnet};
use crate::profile::{self, Profile};
use crate::provision::components::tls;
use crate::provision::desired::artifact::{SCREEN_GAP, WIFI_GAP};
use crate::provision::host::facts::{Facts, Stack};
use crate::provision::host::ways_out::INSIDE;
use serde::Serialize;

/// Everything that a template can lay out. Documented for users in docs/TEMPLATES.md.
#[derive(Serialize)]
pub struct Values {
    stack: Stack,
    own_address: bool,
    wifi: Wifi,
    network: Network,
    uplink: Uplink,
    share: Share,
    backup: Backup,
    scrub: Scrub,
    screen: Screen,
    web: Web,
    paths: Paths,
}

#[derive(Serialize)]
struct Wifi {
    interface: String,
    interface_unit: String,
    ssid_key: &'static str,
    ssid_value: String,
    ssid_ascii: bool,
    country: String,
    hw_mode: &'static str,
    channel: u8,
    width: crate::profile::types::Width,
    capabilities: Vec<String>,
    ac: bool,
    center80: Option<u8>,
    hidden: u8,
    isolate_clients: bool,
    secret_key: String,
    secret: &'static str,
}

#[derive(Serialize)]
struct Network {
    address: String,
    prefix: u8,
    netmask: String,
    network: String,
    broadcast: String,
    first: String,
    last: String,
    lease: String,
    upstream: Vec<String>,
    private_dns: bool,
    /// Every address that the Wi-Fi may get, the one that it has first.
    addresses: Vec<String>,
    serves_loopback: bool,
}

#[derive(Serialize)]
struct Uplink {
    interfaces: Vec<String>,
    /// Matches of iptables, with a space in front, for what comes from an uplink and what goes to one: any with `auto`.
    from: Vec<String>,
    to: Vec<String>,
    trusted: Vec<String>,
    inside: &'static [&'static str],
    ssh_ports: Vec<u16>,
    share: bool,
    ssh: bool,
}

#[derive(Serialize)]
struct Share {
    user: String,
    folder: String,
    writable: bool,
    drives: String,
    folder_name: String,
    also_on: Vec<String>,
    elsewhere: Vec<String>,
}

#[derive(Serialize)]
struct Backup {
    mount_root: String,
}

#[derive(Serialize)]
struct Scrub {
    daily_percent: u16,
}

#[derive(Serialize)]
struct Web {
    tls: bool,
}

#[derive(Serialize)]
struct Screen {
    wanted: bool,
    secret: &'static str,
}

/// Tools that units call. They moved between `/sbin` and `/usr/sbin` over the releases (iptables with Buster, its old
/// place gone with Bullseye), and a unit needs an absolute path: `env` finds them in the unit's own PATH.
#[derive(Serialize)]
struct Paths {
    ip: &'static str,
    iptables: &'static str,
    ip6tables: &'static str,
    rfkill: &'static str,
    journal: &'static str,
    certificate: &'static str,
}

impl Uplink {
    fn new(profile: &Profile, facts: &Facts) -> Self {
        let uplink = &profile.uplink;
        let named = |way: &str| match uplink.interface.named() {
            [] => vec![String::new()],
            names => names.iter().map(|name| format!(" {way} {name}")).collect(),
        };
        Uplink {
            interfaces: uplink.interface.named().iter().map(ToString::to_string).collect(),
            from: named("-i"),
            to: named("-o"),
            trusted: uplink.trusted.iter().map(ToString::to_string).collect(),
            inside: INSIDE,
            ssh_ports: facts.ssh_ports.clone(),
            share: uplink.share,
            ssh: uplink.ssh,
        }
    }
}

impl Share {
    fn new(profile: &Profile) -> Self {
        let share = &profile.share;
        Share {
            user: share.user.to_string(),
            folder: share.folder.to_string(),
            writable: share.writable,
            drives: share.names.drives.to_string(),
            folder_name: share.names.folder.to_string(),
            also_on: share.also_on.iter().map(ToString::to_string).collect(),
            elsewhere: share.elsewhere(&profile.uplink),
        }
    }
}

impl Values {
    /// Lays them out.
    #[must_use]
    pub fn new(profile: &Profile, facts: &Facts, secret_key: &str) -> Self {
        let (wifi, network) = (&profile.wifi, &profile.network);
        let (ssid_key, ssid_value) = wifi.ssid.hostapd();
        let ht40 = wifi.radio.ht40().map(str::to_owned);
        Values {
            stack: facts.stack,
            own_address: facts.stack == Stack::NetworkManager,
            wifi: Wifi {
                interface: wifi.interface.to_string(),
                interface_unit: unit_name(wifi.interface.as_str()),
                ssid_key,
                ssid_value,
                ssid_ascii: wifi.ssid.is_ascii(),
                country: wifi.country.as_str().to_owned(),
                hw_mode: if wifi.radio.band() == Band::Ghz2 { "g" } else { "a" },
                channel: wifi.radio.channel(),
                width: wifi.radio.width(),
                capabilities: ht40
                    .into_iter()
                    .chain(wifi.capabilities.iter().map(ToString::to_string))
                    .collect(),
                ac: wifi.radio.band() == Band::Ghz5,
                center80: wifi.radio.center80(),
                hidden: u8::from(wifi.hidden),
                isolate_clients: wifi.isolate_clients,
                secret_key: secret_key.to_owned(),
                secret: WIFI_GAP,
            },
            network: Network {
                address: network.address.address().to_string(),
                prefix: network.address.prefix(),
                netmask: network.address.netmask().to_string(),
                network: network.address.network().to_string(),
                broadcast: network.address.broadcast().to_string(),
                first: network.dhcp.range.first().to_string(),
                last: network.dhcp.range.last().to_string(),
                lease: network.dhcp.lease.to_string(),
                upstream: network.dns.upstream.iter().map(ToString::to_string).collect(),
                private_dns: network.dns.private,
                addresses: addresses(network),
                serves_loopback: facts.stack != Stack::NetworkManager,
            },
            uplink: Uplink::new(profile, facts),
            share: Share::new(profile),
            backup: Backup { mount_root: profile.backup.mount_root.to_string() },
            scrub: Scrub { daily_percent: profile.scrub.every.daily_percent().unwrap_or_default() },
            screen: Screen { wanted: profile.remote_screen, secret: SCREEN_GAP },
            web: Web { tls: tls::is_wanted(facts, profile) },
            paths: Paths {
                ip: "/usr/bin/env ip",
                iptables: "/usr/bin/env iptables",
                ip6tables: "/usr/bin/env ip6tables",
                rfkill: "/usr/bin/env rfkill",
                journal: paths::INTENT,
                certificate: paths::CERTIFICATE,
            },
        }
    }
}

fn addresses(network: &profile::Network) -> Vec<String> {
    let own = network.address.address();
    let others = Subnet::FREE.iter().map(Subnet::address).filter(|other| network.auto && *other != own);
    std::iter::once(own).chain(others).map(|address| address.to_string()).collect()
}

/// An interface's name inside a unit's name: systemd.unit(5), "string escaping".
fn unit_name(interface: &str) -> String {
    interface.replace('-', "\\x2d")
}
