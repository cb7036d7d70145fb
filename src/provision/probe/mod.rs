//! Proof that the appliance is up. A unit that systemd calls active is none: hostapd is "active" while its radio is
//! still waiting for a country. Each probe asks the thing itself, through tools whose output is parsed here.

pub mod baseline;
pub mod clients;

use crate::provision::desired::expected::Expected;
use crate::provision::host::addresses;
use crate::system::Host;
use crate::system::run::Tool;
use serde::Serialize;
use std::cell::RefCell;

/// One thing that must be so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Probe {
    pub name: &'static str,
    pub ok: bool,
    /// Whether its tool could be asked at all; if not, it may be so or not.
    pub known: bool,
    /// What was found, in a few words.
    pub found: String,
    /// The unit whose journal says more.
    pub unit: Option<&'static str>,
}

const HAS_IPV6: &str = "/proc/net/if_inet6";

/// Looks once at everything.
#[must_use]
pub fn look(host: &dyn Host, expected: &Expected) -> Vec<Probe> {
    let silent: RefCell<Vec<(String, String)>> = RefCell::default();
    let said = |tool: Tool| match host.output(&tool) {
        // hostapd_cli and iw fail where what they are asked for is not there: that is an answer.
        Ok(output) if output.code == Some(0) || matches!(&*tool.program, "hostapd_cli" | "iw") => {
            output.stdout
        }
        Ok(output) => {
            silent.borrow_mut().push((tool.program, first_line(&output.stderr, "it failed")));
            output.stdout
        }
        Err(e) => {
            silent.borrow_mut().push((tool.program, e.to_string()));
            e.to_string()
        }
    };
    let addresses = said(Tool::new("ip").args(["-o", "addr", "show"]));
    let udp = said(Tool::new("ss").args(["-Hlun"]));
    let tcp = said(Tool::new("ss").args(["-Hltn"]));
    let mut probes = vec![
        access_point(&said(Tool::new("hostapd_cli").args(["-i", &expected.radio, "status"]))),
        radio_type(&said(Tool::new("iw").args(["dev", &expected.radio, "info"]))),
        address(&addresses, expected),
        socket("DNS", &udp, &expected.address, 53, "dnsmasq.service"),
        socket("DHCP", &udp, "0.0.0.0", 67, "dnsmasq.service"),
        socket("share", &tcp, &expected.address, 445, "smbd.service"),
        rules(&said(Tool::new("iptables").args(["-w", "-S"])), "firewall", "-j PIBACK-INPUT"),
    ];
    // A kernel without IPv6 has nothing to close.
    if host.read_followed(HAS_IPV6).is_ok_and(|there| there.is_some()) {
        let ipv6 = said(Tool::new("ip6tables").args(["-w", "-S"]));
        probes.push(rules(&ipv6, "IPv6 firewall", "-j PIBACK-INPUT"));
    }
    if expected.shares_internet {
        let nat = said(Tool::new("iptables").args(["-w", "-t", "nat", "-S"]));
        probes.push(rules(&nat, "NAT", "-j MASQUERADE"));
        probes.push(forwarding(&said(Tool::new("sysctl").args(["-n", "net.ipv4.ip_forward"]))));
    }
    if let Some(way_in) = &expected.way_in {
        probes.push(way_in_is_open(&addresses, &tcp, way_in));
    }
    for probe in &mut probes {
        if let Some((_, why)) = silent.borrow().iter().find(|(program, _)| program == asked(probe.name)) {
            probe.known = false;
            probe.found = first_line(why, "not known");
        }
    }
    probes
}

/// The tool that a probe's answer comes from.
fn asked(name: &str) -> &'static str {
    match name {
        "access point" => "hostapd_cli",
        "radio" => "iw",
        "DNS" | "DHCP" | "share" => "ss",
        "firewall" | "NAT" => "iptables",
        "IPv6 firewall" => "ip6tables",
        "forwarding" => "sysctl",
        _ => "ip",
    }
}

fn probe(name: &'static str, ok: bool, found: impl Into<String>, unit: Option<&'static str>) -> Probe {
    // Tools repeat what others chose: names, addresses, states.
    Probe { name, ok, known: true, found: crate::ui::visible(&found.into()), unit }
}

/// `hostapd_cli status`: lines of `key=value`.
fn access_point(text: &str) -> Probe {
    let state = text.lines().find_map(|l| l.strip_prefix("state="));
    let found = state.map_or_else(|| first_line(text, "hostapd does not answer"), |s| format!("state {s}"));
    probe("access point", state == Some("ENABLED"), found, Some("hostapd.service"))
}

/// `iw dev wlan0 info`: an indented line `type AP`.
fn radio_type(text: &str) -> Probe {
    let kind = text.lines().find_map(|l| l.trim().strip_prefix("type "));
    let found = kind.map_or_else(|| first_line(text, "iw does not know it"), |k| format!("type {k}"));
    probe("radio", kind == Some("AP"), found, Some("hostapd.service"))
}

/// `ip -o addr show`: `3: wlan0    inet 10.41.0.1/24 brd …`.
fn address(text: &str, expected: &Expected) -> Probe {
    let wanted = format!("{}/{}", expected.address, expected.prefix);
    let there: Vec<&str> =
        addresses::listed(text).filter(|(i, _)| *i == expected.radio).map(|(_, a)| a).collect();
    let found = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
    probe("address", there.contains(&wanted.as_str()), found, Some("hostapd.service"))
}

/// `ss -Hln`: the local address is the fourth word, `10.41.0.1%wlan0:53`, `0.0.0.0:67`, `*:445`.
fn socket(name: &'static str, text: &str, address: &str, port: u16, unit: &'static str) -> Probe {
    let on_port: Vec<&str> = locals(text).filter(|(_, p)| *p == port.to_string()).map(|(a, _)| a).collect();
    let serves = |a: &&str| *a == address || matches!(*a, "0.0.0.0" | "*" | "[::]");
    let found = if on_port.is_empty() {
        format!("nobody listens on port {port}")
    } else {
        format!("port {port} on {}", on_port.join(", "))
    };
    probe(name, on_port.iter().any(serves), found, Some(unit))
}

/// Local address, without its interface, and port.
fn locals(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| {
        let local = line.split_whitespace().find(|word| word.contains(':'))?;
        let (address, port) = local.rsplit_once(':')?;
        Some((address.split('%').next().unwrap_or(address), port))
    })
}

fn rules(text: &str, name: &'static str, rule: &str) -> Probe {
    let found = if text.contains(rule) { "rules are loaded" } else { "the rules are not loaded" };
    probe(name, text.contains(rule), found, Some("piback-nat.service"))
}

fn forwarding(text: &str) -> Probe {
    let on = text.trim() == "1";
    probe("forwarding", on, if on { "on" } else { "off" }, Some("systemd-sysctl.service"))
}

/// The address is still there, and something still listens for SSH.
fn way_in_is_open(addresses_text: &str, tcp: &str, way_in: &str) -> Probe {
    let (address, zone) = addresses::split_zone(way_in);
    let there = addresses::listed(addresses_text)
        .any(|(on, a)| a.split('/').next() == Some(address) && (zone.is_empty() || zone == on));
    let ssh = locals(tcp).any(|(_, port)| port == "22");
    let found = match (there, ssh) {
        (true, true) => format!("SSH on {way_in}"),
        (false, _) => format!("{way_in} is gone"),
        (true, false) => "nobody listens for SSH".to_owned(),
    };
    probe("your way in", there && ssh, found, None)
}

fn first_line(text: &str, fallback: &str) -> String {
    let line = text.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or(fallback);
    crate::ui::visible(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_local_way_in_is_looked_for_on_its_interface() {
        let addresses = "2: eth0    inet6 fe80::1/64 scope link\n";
        let listens = "LISTEN 0 128 [::]:22 [::]:*\n";
        assert!(way_in_is_open(addresses, listens, "fe80::1%eth0").ok);
        assert!(!way_in_is_open(addresses, listens, "fe80::1%wlan0").ok);
        assert!(!way_in_is_open(addresses, listens, "fe80::2%eth0").ok);
    }

    #[test]
    fn what_the_tools_say() {
        assert!(access_point("state=ENABLED\nphy=phy0\n").ok);
        assert_eq!(access_point("state=COUNTRY_UPDATE\n").found, "state COUNTRY_UPDATE");
        assert_eq!(access_point("state=\x1b[2J").found, "state \\u{1b}[2J");
        let silent =
            access_point("Failed to connect to hostapd - wpa_ctrl_open: No such file or directory\n");
        assert!(!silent.ok && silent.found.starts_with("Failed to connect"));
        assert!(radio_type("Interface wlan0\n\tifindex 3\n\ttype AP\n").ok);
        assert!(!radio_type("Interface wlan0\n\ttype managed\n").ok);
        let ip = "1: lo    inet 127.0.0.1/8 scope host lo\n3: wlan0    inet 10.41.0.1/24 brd 10.41.0.255 scope global wlan0\n\
                  3: wlan0    inet6 fe80::1/64 scope link\n2: eth0    inet 192.0.2.9/24 scope global\n";
        let expected = Expected::example();
        assert!(address(ip, &expected).ok);
        assert!(!address(ip, &Expected { prefix: 16, ..expected.clone() }).ok);
        assert!(!address("", &expected).ok);
        // iproute2 5.10 (Bullseye) and 6.15 (Trixie).
        let udp = "UNCONN 0      0         10.41.0.1%wlan0:53         0.0.0.0:*          \nUNCONN 0 0 0.0.0.0:67 0.0.0.0:*\n";
        assert!(socket("DNS", udp, "10.41.0.1", 53, "x").ok && socket("DHCP", udp, "0.0.0.0", 67, "x").ok);
        assert!(!socket("DNS", "UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:*\n", "10.41.0.1", 53, "x").ok);
        assert!(way_in_is_open(ip, "LISTEN 0 128 0.0.0.0:22 0.0.0.0:*\n", "192.0.2.9").ok);
        assert!(!way_in_is_open(ip, "LISTEN 0 128 0.0.0.0:22 0.0.0.0:*\n", "192.0.2.10").ok);
        assert!(!way_in_is_open(ip, "", "192.0.2.9").ok);
    }
}
