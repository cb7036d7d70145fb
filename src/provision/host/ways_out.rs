//! The interfaces that may lead to the internet: what each is, which one is in use, whether its traffic is counted.

use crate::provision::host::radios;
use crate::provision::host::uplink::{self, Taken};
use crate::system::run::Tool;
use crate::system::{Host, Node};
use serde::Serialize;

/// The kind of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Cable,
    /// A phone by USB, or a modem.
    Phone,
    Wifi,
    /// A tunnel through another one.
    Vpn,
}

impl Kind {
    /// The word for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Kind::Cable => "cable",
            Kind::Phone => "phone",
            Kind::Wifi => "Wi-Fi",
            Kind::Vpn => "VPN",
        }
    }
}

/// One interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WayOut {
    pub interface: String,
    pub kind: Kind,
    /// `192.168.1.23/24`; none without one.
    pub address: Option<String>,
    /// The default route leads there, and no better one elsewhere.
    pub in_use: bool,
    /// True for a phone, and for what NetworkManager calls metered.
    pub metered: bool,
}

/// Drivers of phones and modems (drivers/net/usb in the kernel's sources). A cable's USB adapter has one of its own.
const PHONES: [&str; 8] =
    ["rndis_host", "ipheth", "cdc_ether", "cdc_ncm", "cdc_mbim", "huawei_cdc_ncm", "qmi_wwan", "cdc_subset"];

/// `/sys/class/net/NAME/type` of a tunnel (if_arp.h: ARPHRD_NONE, ARPHRD_PPP, tunnels).
const TUNNELS: [&str; 5] = ["65534", "512", "768", "769", "776"];

/// Looks at all interfaces but the appliance's radio, loopback and what containers use. None on a tree.
///
/// # Errors
/// When `ip` can't say.
pub fn look(host: &dyn Host, radio: &str) -> anyhow::Result<Vec<WayOut>> {
    if !host.is_live() {
        return Ok(Vec::new());
    }
    let said = |args: &[&str]| -> anyhow::Result<String> {
        Ok(host.run(&Tool::new("ip").args(args.iter().copied()))?.stdout)
    };
    let addresses = uplink::addresses(&said(&["-o", "-4", "addr", "show"])?);
    let devices = radios::look(host);
    let used = best(&said(&["-o", "-4", "route", "show"])?);
    let names = names(&said(&["-o", "link", "show", "up"])?);
    let outside = |name: &String| name != radio && name != "lo" && !is_inside(name);
    let ways = names.into_iter().filter(outside).map(|name| {
        let is_radio = devices.iter().any(|device| device.is_radio && device.name == name);
        let kind = if is_radio { Kind::Wifi } else { wired(host, &name) };
        WayOut {
            address: address(&addresses, &name),
            in_use: used.as_deref() == Some(name.as_str()),
            metered: kind == Kind::Phone || is_metered(host, &name),
            kind,
            interface: name,
        }
    });
    Ok(carried(ways.collect()))
}

/// A VPN costs what carries it costs: nobody says which way it goes, so one that is metered will do.
fn carried(mut ways: Vec<WayOut>) -> Vec<WayOut> {
    let is_any = ways.iter().any(|way| way.metered && way.address.is_some());
    ways.iter_mut().filter(|way| way.kind == Kind::Vpn).for_each(|way| way.metered |= is_any);
    ways
}

/// Bridges of containers and virtual machines, as iptables writes a pattern: Docker (`docker0`, `br-` and twelve hex
/// digits), libvirt, Podman, CNI, LXC and LXD name them so by default.
pub const INSIDE: &[&str] = &["docker+", "br-+", "virbr+", "podman+", "cni+", "lxcbr+", "lxdbr+"];

/// Tells whether an interface belongs to containers or virtual machines of this host: a bridge, or an end of a wire to one.
fn is_inside(name: &str) -> bool {
    let begins = INSIDE.iter().map(|pattern| pattern.trim_end_matches('+'));
    begins.chain(["veth"]).any(|begin| name.starts_with(begin))
}

/// The interface of the default route with the lowest metric; a VPN halves the default route, and wins.
fn best(routes: &str) -> Option<String> {
    let route = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let after =
            |word: &str| words.iter().position(|one| *one == word).and_then(|at| words.get(at + 1).copied());
        let wide = match *words.first()? {
            "default" => 1,
            "0.0.0.0/1" | "128.0.0.0/1" => 0,
            _ => return None,
        };
        let metric: u32 = after("metric").and_then(|metric| metric.parse().ok()).unwrap_or(0);
        Some(((wide, metric), after("dev")?.to_owned()))
    };
    routes.lines().filter_map(route).min_by_key(|(rank, _)| *rank).map(|(_, name)| name)
}

/// `ip -o link show up`: `2: eth0@if5: <BROADCAST,…> mtu …`.
fn names(text: &str) -> Vec<String> {
    let name = |line: &str| Some(line.split(": ").nth(1)?.split('@').next()?.to_owned());
    text.lines().filter_map(name).collect()
}

fn address(addresses: &[Taken], name: &str) -> Option<String> {
    let own = addresses.iter().find(|taken| taken.interface == name);
    own.map(|taken| format!("{}/{}", taken.address, taken.prefix))
}

/// Tells a phone and a tunnel from a cable.
fn wired(host: &dyn Host, name: &str) -> Kind {
    let sys = |what: &str| format!("/sys/class/net/{name}/{what}");
    let text = |what: &str| {
        let bytes = host.read_followed(&sys(what)).ok().flatten().unwrap_or_default();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    };
    // A modem, whatever the kernel calls its kind: its card is paid by the byte.
    if name.starts_with("ppp") || name.starts_with("wwan") {
        return Kind::Phone;
    }
    if TUNNELS.contains(&text("type").as_str()) {
        return Kind::Vpn;
    }
    match host.read(&sys("device/driver")) {
        Ok(Node::Link { target }) if PHONES.iter().any(|driver| target.ends_with(&format!("/{driver}"))) => {
            Kind::Phone
        }
        _ => Kind::Cable,
    }
}

/// Asks NetworkManager: `yes`, `no`, or a guess of either. Nobody says so elsewhere.
fn is_metered(host: &dyn Host, name: &str) -> bool {
    let ask = Tool::new("nmcli").args(["-g", "GENERAL.METERED", "device", "show", name]);
    host.output(&ask)
        .is_ok_and(|output| output.code == Some(0) && output.stdout.trim_start().starts_with("yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vpn_over_a_phone_is_metered() {
        let way = |interface: &str, kind, metered| WayOut {
            interface: interface.into(),
            kind,
            address: Some("10.0.0.2/24".into()),
            metered,
            in_use: kind == Kind::Vpn,
        };
        let tunnel = |over: WayOut| carried(vec![over, way("tun0", Kind::Vpn, false)])[1].metered;
        assert!(tunnel(way("usb0", Kind::Phone, true)));
        assert!(!tunnel(way("eth0", Kind::Cable, false)));
    }

    #[test]
    fn the_default_route_of_the_lowest_metric_is_in_use_and_a_vpn_wins() {
        let cable = "default via 192.168.1.1 dev eth0 proto dhcp metric 100\ndefault via 192.168.42.129 dev usb0 metric 50\n";
        assert_eq!(best(cable).as_deref(), Some("usb0"));
        assert_eq!(
            best(&format!("{cable}0.0.0.0/1 via 10.8.0.1 dev tun0 metric 900\n")).as_deref(),
            Some("tun0")
        );
        assert_eq!(best("default via 10.0.0.1 dev eth0\n10.0.0.0/8 dev eth0\n").as_deref(), Some("eth0"));
        assert_eq!(best("unreachable default\n10.0.0.0/24 dev eth0\n"), None);
    }

    #[test]
    fn names_and_addresses_as_ip_says_them() {
        let links =
            "1: lo: <LOOPBACK,UP> mtu 65536\n2: eth0@if5: <BROADCAST,UP> mtu 1500\n3: wlan0: <UP> mtu 1500\n";
        assert_eq!(names(links), ["lo", "eth0", "wlan0"]);
        let addresses = uplink::addresses(
            "1: lo    inet 127.0.0.1/8 scope host lo\n2: eth0    inet 192.168.1.23/24 brd 192.168.1.255 scope\n",
        );
        assert_eq!(address(&addresses, "eth0").as_deref(), Some("192.168.1.23/24"));
        assert_eq!(address(&addresses, "eth"), None);
        assert!(is_inside("docker0") && is_inside("veth1") && !is_inside("eth0"));
    }
}
