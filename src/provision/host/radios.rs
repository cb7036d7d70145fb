//! The network interfaces that there are, and which of them is the radio that a profile means.

use crate::profile::types::{By, WifiInterface};
use crate::system::run::Tool;
use crate::system::{Host, Node};
use std::fmt;

const NET: &str = "/sys/class/net";

/// `addr_assign_type` of an address that somebody has set (netdevice.h: NET_ADDR_SET). NetworkManager gives a radio that is
/// in no network a made-up one, another at each scan.
const SET: &str = "3";

/// One interface, as the kernel shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    pub name: String,
    /// Its hardware address, lower case: of a radio its own, whatever it shows while it looks for networks.
    pub mac: String,
    /// The place where it is plugged in: `platform`, `usb-1.2`; none for one that is only software.
    pub path: Option<String>,
    pub is_radio: bool,
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", crate::ui::visible(&self.name), crate::ui::visible(&self.mac))?;
        if let Some(path) = &self.path {
            write!(f, ", {path}")?;
        }
        f.write_str(if self.is_radio { ", a radio)" } else { ")" })
    }
}

/// The interfaces of a live host but lo; none on a tree, or where the kernel does not say.
#[must_use]
pub fn look(host: &dyn Host) -> Vec<Device> {
    if !host.is_live() {
        return Vec::new();
    }
    let names = host.list(NET).unwrap_or_default();
    let mut devices: Vec<Device> =
        names.into_iter().filter(|name| name != "lo").filter_map(|name| device(host, name)).collect();
    if !devices.is_empty() && !devices.iter().any(|device| device.is_radio) {
        // Some drivers do not show it there.
        let said = host.output(&Tool::new("iw").arg("dev")).map(|output| output.stdout).unwrap_or_default();
        let is_radio =
            |name: &str| said.lines().any(|line| line.trim().strip_prefix("Interface ") == Some(name));
        devices.iter_mut().for_each(|device| device.is_radio = is_radio(&device.name));
    }
    devices
}

fn device(host: &dyn Host, name: String) -> Option<Device> {
    let Ok(Node::Link { target }) = host.read(&format!("{NET}/{name}")) else { return None };
    let text = |what: &str| {
        let bytes = host.read_followed(&format!("{NET}/{name}/{what}")).ok().flatten().unwrap_or_default();
        String::from_utf8_lossy(&bytes).trim().to_ascii_lowercase()
    };
    let own =
        Some(text("phy80211/macaddress")).filter(|own| !own.is_empty() && text("addr_assign_type") == SET);
    let mac = own.unwrap_or_else(|| text("address"));
    let is_radio = matches!(host.read(&format!("{NET}/{name}/phy80211")), Ok(node) if node != Node::Absent);
    Some(Device { path: path(&target), name, mac, is_radio })
}

/// `../../devices/platform/soc/…/usb1/1-1/1-1.2/1-1.2:1.0/net/wlan1` is at `usb-1.2`; without USB the board's own.
fn path(target: &str) -> Option<String> {
    let ports = |part: &str| {
        let (bus, ports) = part.split_once('-')?;
        let number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        (number(bus) && ports.split('.').all(number)).then(|| format!("usb-{ports}"))
    };
    target
        .split('/')
        .rev()
        .find_map(ports)
        .or_else(|| target.contains("/platform/").then(|| "platform".to_owned()))
}

/// Finds the interface that a profile means.
///
/// # Errors
/// A sentence with what there is, where it is not there or could be several. On a tree nobody can say, and nothing is wrong.
pub fn find<'a>(wanted: &WifiInterface, devices: &'a [Device]) -> Result<Option<&'a Device>, String> {
    if devices.is_empty() {
        return Ok(None);
    }
    let radios = || devices.iter().filter(|device| device.is_radio);
    let own = |device: &&Device| device.path.as_deref() == Some("platform");
    let all: Vec<&Device> = match wanted.by() {
        By::Name => devices.iter().filter(|device| device.name == wanted.as_str()).collect(),
        By::Auto if radios().count() > 1 && radios().any(|device| own(&device)) => {
            radios().filter(own).collect()
        }
        By::Auto => radios().collect(),
        By::Mac(mac) => {
            // A VLAN on top of it has the same.
            let all = || devices.iter().filter(|device| device.mac == *mac);
            if all().any(|d| d.is_radio) { all().filter(|d| d.is_radio).collect() } else { all().collect() }
        }
        By::Path(path) => radios().filter(|device| device.path.as_deref() == Some(path)).collect(),
    };
    let there = || devices.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match (all.as_slice(), wanted.by()) {
        ([one], _) => Ok(Some(one)),
        ([], By::Name) => Err(format!("there is no interface {wanted}; there are {}", there())),
        ([], By::Auto) => Err(format!("there is no radio; there are {}", there())),
        ([], by) => Err(format!("there is no radio at {by}; there are {}", there())),
        (_, by) => Err(format!("wifi.interface: {by} could be several; there are {}", there())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::fake::FakeHost;
    use crate::system::scratch::Scratch;

    fn device(name: &str, mac: &str, path: Option<&str>, is_radio: bool) -> Device {
        Device { name: name.into(), mac: mac.into(), path: path.map(str::to_owned), is_radio }
    }

    #[test]
    fn where_it_is_plugged_in() {
        let usb = "../../devices/platform/soc/3f980000.usb/usb1/1-1/1-1.2/1-1.2:1.0/net/wlan1";
        assert_eq!(path(usb).as_deref(), Some("usb-1.2"));
        let own = "../../devices/platform/soc/fe300000.mmcnr/mmc_host/mmc1/mmc1:0001/mmc1:0001:1/net/wlan0";
        assert_eq!(path(own).as_deref(), Some("platform"));
        assert_eq!(path("../../devices/virtual/net/tun0"), None);
    }

    #[test]
    fn a_made_up_address_is_not_the_radios() {
        let root = Scratch::new().unwrap();
        let radio = "devices/virtual/mac80211_hwsim/hwsim0/net/wlan0";
        let host = FakeHost::live(root.path(), |_| Ok(Default::default())).unwrap();
        root.write("sys/class/net/bonding_masters", b"").unwrap();
        host.link("/sys/class/net/wlan0", &format!("../../{radio}")).unwrap();
        let seen = |kind: &str| {
            for (file, text) in [
                ("address", "F2:45:bb:79:7a:f1\n"),
                ("addr_assign_type", kind),
                ("phy80211/macaddress", "02:00:00:00:00:00\n"),
            ] {
                root.write(&format!("sys/{radio}/{file}"), text.as_bytes()).unwrap();
            }
            look(&host).into_iter().map(|device| (device.mac, device.is_radio)).collect::<Vec<_>>()
        };
        assert_eq!(seen("3\n"), [("02:00:00:00:00:00".to_owned(), true)]);
        // A second interface of one radio, as hostapd makes them, has an address of its own.
        assert_eq!(seen("0\n"), [("f2:45:bb:79:7a:f1".to_owned(), true)]);
    }

    #[test]
    fn roles_stay_when_names_swap() {
        let wanted = |text: &str| text.parse::<WifiInterface>().unwrap();
        let before = [
            device("eth0", "b8:27:eb:00:00:01", Some("usb-1.1"), false),
            device("wlan0", "b8:27:eb:00:00:02", Some("platform"), true),
            device("wlan1", "00:0f:00:00:00:03", Some("usb-1.2"), true),
        ];
        let mut after = before.clone();
        after[1].name = "wlan1".into();
        after[2].name = "wlan0".into();
        let name =
            |text: &str, devices: &[Device]| find(&wanted(text), devices).map(|d| d.unwrap().name.clone());
        for (text, first, then) in [
            ("auto", "wlan0", "wlan1"),
            ("platform", "wlan0", "wlan1"),
            ("00:0F:00:00:00:03", "wlan1", "wlan0"),
            ("usb-1.2", "wlan1", "wlan0"),
            ("wlan0", "wlan0", "wlan0"),
        ] {
            assert_eq!(name(text, &before).unwrap(), first, "{text}");
            assert_eq!(name(text, &after).unwrap(), then, "{text}");
        }
        let missing = name("wlan7", &before).unwrap_err();
        assert!(missing.contains("no interface wlan7") && missing.contains("wlan1 (00:0f"), "{missing}");
        assert!(name("usb-1.9", &before).unwrap_err().contains("no radio at usb-1.9"));
        assert!(name("auto", &before[..1]).unwrap_err().contains("no radio; there are eth0"));
        let two = [before[2].clone(), device("wlan2", "00:0f:00:00:00:04", Some("usb-1.3"), true)];
        assert!(name("auto", &two).unwrap_err().contains("could be several"));
        assert_eq!(find(&wanted("auto"), &[]), Ok(None), "a tree has none");
    }
}
