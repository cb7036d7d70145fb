//! dnsmasq's other files: it reads them all as one, and a line in any of them may take from piback's what it says.

use super::found::{Found, Weight};
use super::looked::Looked;
use crate::profile::types::Subnet;
use crate::provision::components::dnsmasq::{CONF, FOLDER};
use crate::provision::text::lines::line_where;
use crate::provision::text::pattern;
use std::net::Ipv4Addr;

/// Settings of Debian's script that starts it.
const DEFAULTS: &str = "/etc/default/dnsmasq";

pub fn look(looked: &Looked<'_>, found: &mut Found) -> anyhow::Result<()> {
    let main = looked.text(CONF)?.unwrap_or_default();
    found.line(
        Weight::Running,
        CONF,
        of_its_own(&main),
        "dnsmasq does not start with this beside piback's file",
    );
    let mut files = vec![(CONF.to_owned(), main.clone())];
    files.extend(looked.files(FOLDER)?.into_iter().filter(|(path, _)| is_read(path)));
    let (radio, subnet) = (looked.radio, &looked.profile.network.address);
    for (path, text) in &files {
        let first =
            (path != CONF).then(|| line_where(text, |line| key(line).0 == "bind-interfaces")).flatten();
        found.line(
            Weight::Refused,
            path,
            first,
            "dnsmasq does not start with this beside piback's bind-dynamic",
        );
        let line = line_where(text, |line| keeps_off(line, radio));
        found.line(Weight::Refused, path, line, "this keeps dnsmasq from serving the Wi-Fi");
        let line = line_where(text, other_dns);
        found.line(
            Weight::Refused,
            path,
            line,
            "this sends the Wi-Fi's clients to another name server than the Pi",
        );
        let line = (path != CONF).then(|| line_where(text, |line| ranges(line, subnet))).flatten();
        found.line(
            Weight::Refused,
            path,
            line,
            "this hands out addresses of the Wi-Fi beside piback's range",
        );
    }
    let reads =
        |text: &str| line_where(text, |line| line.trim_start_matches("export ").starts_with("CONFIG_DIR="));
    let by_itself = line_where(&main, |line| key(line).0 == "conf-dir" && key(line).1.starts_with(FOLDER));
    if let Some(defaults) = looked.text(DEFAULTS)?
        && reads(&defaults).is_none()
        && by_itself.is_none()
        && !defaults.trim().is_empty()
    {
        let remedy = format!("add to it: CONFIG_DIR={FOLDER},.dpkg-dist,.dpkg-old,.dpkg-new");
        found.add(
            Weight::Refused,
            DEFAULTS,
            format!("dnsmasq does not read {FOLDER}, where piback's file lies"),
            remedy,
        );
    }
    Ok(())
}

/// Tells whether Debian's dnsmasq reads a file of its folder by its name.
pub fn is_read(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    !name.starts_with(['.', '#'])
        && !name.ends_with('~')
        && ![".dpkg-dist", ".dpkg-old", ".dpkg-new"].iter().any(|end| name.ends_with(end))
}

/// Key and value of a line, without the comment behind it.
fn key(line: &str) -> (&str, &str) {
    let line = line.split('#').next().unwrap_or_default();
    let (key, value) = line.split_once('=').unwrap_or((line, ""));
    (key.trim(), value.trim())
}

/// `bind-interfaces` excludes `bind-dynamic`; a main file's own ranges and addresses would count beside piback's.
fn of_its_own(text: &str) -> Option<usize> {
    line_where(text, |line| {
        ["bind-interfaces", "dhcp-range", "listen-address", "interface"].contains(&key(line).0)
    })
}

fn keeps_off(line: &str, radio: &str) -> bool {
    let (key, value) = key(line);
    match key {
        "no-dhcp-interface" | "except-interface" => {
            value.split(',').any(|one| pattern::fits(one.trim(), radio))
        }
        // 0 is off.
        "port" => value != "53",
        _ => false,
    }
}

/// `dhcp-option=6,…` or `option:dns-server`, for all: one with a tag or another interface's name is somebody else's.
fn other_dns(line: &str) -> bool {
    let (key, value) = key(line);
    let mut words = value.split(',').map(str::trim);
    ["dhcp-option", "dhcp-option-force"].contains(&key)
        && words.next().is_some_and(|first| ["6", "option:dns-server"].contains(&first))
        && !words.all(|server| server == "0.0.0.0")
}

fn ranges(line: &str, subnet: &Subnet) -> bool {
    let (key, value) = key(line);
    let within = |word: &str| word.trim().parse::<Ipv4Addr>().is_ok_and(|a| subnet.overlaps(a, 32));
    key == "dhcp-range" && value.split(',').any(within)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fights() {
        let conf = "# x\n#interface=eth0\ninterface=wlan0      # the radio\nbind-interfaces\n";
        assert_eq!(of_its_own(conf), Some(3));
        assert_eq!(of_its_own("domain-needed\ninterface-name=x,y\n#piback# bind-interfaces\n"), None);
        assert!(
            keeps_off("no-dhcp-interface=eth0, wl*", "wlan0")
                && !keeps_off("no-dhcp-interface=eth0", "wlan0")
        );
        assert!(keeps_off("port=0", "wlan0") && keeps_off("except-interface = wlan0 # x", "wlan0"));
        assert!(other_dns("dhcp-option=6,8.8.8.8") && other_dns("dhcp-option=option:dns-server,1.1.1.1"));
        assert!(!other_dns("dhcp-option=6,0.0.0.0") && !other_dns("dhcp-option=tag:lan,6,8.8.8.8"));
        assert!(!other_dns("dhcp-option=3,10.0.0.1"));
        let subnet: Subnet = "10.41.0.1/24".parse().unwrap();
        assert!(ranges("dhcp-range=set:x,10.41.0.9,10.41.0.20,1h", &subnet));
        assert!(!ranges("dhcp-range=192.168.7.10,192.168.7.20,1h", &subnet));
        assert!(is_read("/etc/dnsmasq.d/mine") && !is_read("/etc/dnsmasq.d/mine.dpkg-old"));
    }
}
