//! Proof that the appliance is up. A unit that systemd calls active is none: hostapd is "active" while its radio is
//! still waiting for a country. Each probe asks the thing itself, through tools whose output is parsed here.

mod asked;
mod asker;
pub mod baseline;
pub mod clients;
mod dhcp;
pub mod dns;
pub mod rules;

use crate::provision::components::component::{Component, On, Protocol, Socket};
use crate::provision::components::{self, dnsmasq, forwarding, hostapd, nat, networkmanager, web};
use crate::provision::desired::expected::Expected;
use crate::provision::host::{addresses, ssh};
use crate::system::run::Tool;
use crate::system::{Host, Node};
use asker::{Answer, Asker, IPV4, address, first_line};
use serde::Serialize;

/// One thing that must be so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Probe {
    pub name: &'static str,
    pub ok: bool,
    /// True where its tool could be asked at all; if not, it may be so or not.
    pub known: bool,
    /// Words for what was found.
    pub found: String,
    /// The unit whose journal says more.
    pub unit: Option<&'static str>,
}

/// A row of the registry. Its name is on disk while an apply is open, and never changes.
struct Row {
    name: &'static str,
    /// The tool that the answer comes from: where it can't be asked, the answer is not known.
    asks: &'static str,
    of: Option<&'static Component>,
    look: Look,
}

/// The way a row is answered: whether it is so, and in words what was found; `None` where there is nothing to ask.
#[derive(Clone, Copy)]
enum Look {
    Ask(fn(&Asker<'_>, &Expected) -> Option<Answer>),
    Listens(&'static Socket),
}

/// The registry, in the order in which it is shown: the radio, then a row for each socket, then what is in the kernel.
fn rows() -> Vec<Row> {
    let row = |name, asks, of, ask| Row { name, asks, of, look: Look::Ask(ask) };
    let (access_point, rules) = (Some(&hostapd::COMPONENT), Some(&nat::COMPONENT));
    let mut rows = vec![
        row("access point", "hostapd_cli", access_point, |asker, expected| {
            Some(access_point_state(&asker.said(Tool::new("hostapd_cli").args([
                "-i",
                &expected.radio,
                "status",
            ]))))
        }),
        row("radio", "iw", access_point, |asker, expected| {
            Some(radio_type(&asker.said(Tool::new("iw").args(["dev", &expected.radio, "info"]))))
        }),
        row(ADDRESS, "ip", access_point, |asker, expected| Some(address(&asker.addresses, expected))),
    ];
    rows.extend(components::sockets().map(|(component, socket)| Row {
        name: socket.name,
        asks: "ss",
        of: Some(component),
        look: Look::Listens(socket),
    }));
    rows.push(row("names", "dns", Some(&dnsmasq::COMPONENT), asked::names));
    rows.push(row("leases", asked::LEASES, Some(&dnsmasq::COMPONENT), asked::leases));
    rows.push(row("certificate", asked::CERTIFICATE, Some(&web::COMPONENT), asked::certificate));
    rows.push(row("claim", "nmcli", Some(&networkmanager::COMPONENT), claim));
    rows.extend([
        row("firewall", IPV4, rules, |asker, _| Some(loaded(asker, IPV4, "filter"))),
        // A kernel without IPv6 has nothing to close.
        row("IPv6 firewall", IPV6, rules, |asker, _| {
            asker.host.read_followed(HAS_IPV6).ok().flatten()?;
            Some(loaded(asker, IPV6, "filter"))
        }),
        row("NAT", IPV4, rules, |asker, expected| {
            expected.shares_internet.then(|| loaded(asker, IPV4, "nat"))
        }),
        row("forwarding", "sysctl", Some(&forwarding::COMPONENT), |asker, expected| {
            let ask = || asker.said(Tool::new("sysctl").args(["-n", "net.ipv4.ip_forward"]));
            expected.shares_internet.then(|| forwards(&ask()))
        }),
        row("your way in", "ip", None, |asker, expected| {
            let port = expected.way_in_port.unwrap_or(ssh::DEFAULT_PORT);
            Some(way_in_is_open(&asker.addresses, &asker.tcp, expected.way_in.as_deref()?, port))
        }),
    ]);
    rows
}

/// The row of the radio's address, which another component gives on each stack.
pub const ADDRESS: &str = "address";

const IPV6: &str = "ip6tables-save";

const HAS_IPV6: &str = "/proc/net/if_inet6";

/// Looks once at everything.
#[must_use]
pub fn look(host: &dyn Host, expected: &Expected) -> Vec<Probe> {
    let asker = Asker::new(host);
    let mut probes = Vec::new();
    for row in rows() {
        let answer = match row.look {
            Look::Ask(ask) => ask(&asker, expected),
            // Nobody listens for a part of the appliance that is not there.
            Look::Listens(_) if row.of.is_some_and(|component| is_absent(host, component)) => None,
            Look::Listens(socket) => Some(listens(socket, &asker, expected)),
        };
        // Tools repeat what others chose: names, addresses, states.
        probes.extend(answer.map(|(ok, found)| {
            let unit = row.of.and_then(Component::unit);
            (row.asks, Probe { name: row.name, ok, known: true, found: crate::ui::visible(&found), unit })
        }));
    }
    let silent = asker.silent.into_inner();
    let known = |(asks, mut probe): (&str, Probe)| {
        if let Some((_, why)) = silent.iter().find(|(program, _)| program == asks) {
            probe.known = false;
            probe.found = first_line(why, "not known");
        }
        probe
    };
    probes.into_iter().map(known).collect()
}

/// Tells a component that the profile does not want.
fn is_absent(host: &dyn Host, component: &Component) -> bool {
    components::sign_of(component).is_some_and(|sign| host.read(&sign).is_ok_and(|node| node == Node::Absent))
}

/// Asks NetworkManager, where it is told to keep off the radio: it would take it, and its address, from the access point.
fn claim(asker: &Asker<'_>, expected: &Expected) -> Option<Answer> {
    let told = asker.host.read(networkmanager::CONF).is_ok_and(|node| node != Node::Absent);
    let ask =
        || asker.said(Tool::new("nmcli").args(["-g", "GENERAL.STATE", "device", "show", &expected.radio]));
    told.then(|| {
        let said = ask();
        // Of one that does not answer nothing is known.
        let is_silent = asker.silent.borrow().iter().any(|(program, _)| program == "nmcli");
        if is_silent { (true, said) } else { keeps_off(&said) }
    })
}

/// `nmcli -g GENERAL.STATE device show wlan0`: `10 (unmanaged)`, `30 (disconnected)`.
fn keeps_off(text: &str) -> Answer {
    let keeps = text.trim().starts_with("10 ");
    (
        keeps,
        if keeps { "NetworkManager keeps off the radio" } else { "NetworkManager manages the radio" }
            .to_owned(),
    )
}

/// `hostapd_cli status`: lines of `key=value`.
fn access_point_state(text: &str) -> Answer {
    let state = text.lines().find_map(|l| l.strip_prefix("state="));
    let found = state.map_or_else(|| first_line(text, "hostapd does not answer"), |s| format!("state {s}"));
    (state == Some("ENABLED"), found)
}

/// `iw dev wlan0 info`: an indented line `type AP`.
fn radio_type(text: &str) -> Answer {
    let kind = text.lines().find_map(|l| l.trim().strip_prefix("type "));
    let found = kind.map_or_else(|| first_line(text, "iw does not know it"), |k| format!("type {k}"));
    (kind == Some("AP"), found)
}

fn listens(socket: &Socket, asker: &Asker<'_>, expected: &Expected) -> Answer {
    let address = match socket.on {
        On::Radio | On::RadioAlone => expected.address.as_str(),
        On::Any => "0.0.0.0",
    };
    let text = match socket.protocol {
        Protocol::Udp => &asker.udp,
        Protocol::Tcp => &asker.tcp,
    };
    bound(text, address, socket.port, socket.on == On::RadioAlone)
}

/// `ss -Hln`: the local address is the fourth word, `10.41.0.1%wlan0:53`, `0.0.0.0:67`, `*:445`.
fn bound(text: &str, address: &str, port: u16, alone: bool) -> Answer {
    let on_port: Vec<&str> = locals(text).filter(|(_, p)| *p == port.to_string()).map(|(a, _)| a).collect();
    let is_all = |a: &&str| matches!(*a, "0.0.0.0" | "*" | "[::]");
    if alone {
        return (!on_port.is_empty() && on_port.iter().all(|a| *a == address), found_on(&on_port, port));
    }
    let serves = |a: &&str| *a == address || is_all(a);
    (on_port.iter().any(serves), found_on(&on_port, port))
}

fn found_on(on_port: &[&str], port: u16) -> String {
    match on_port {
        [] => format!("nobody listens on port {port}"),
        there => format!("port {port} on {}", there.join(", ")),
    }
}

/// Local address, without its interface, and port.
fn locals(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| {
        let local = line.split_whitespace().find(|word| word.contains(':'))?;
        let (address, port) = local.rsplit_once(':')?;
        Some((address.split('%').next().unwrap_or(address), port))
    })
}

/// Rules in the kernel beside our file. Where ours are there and can't be compared, that is said and is no fault.
fn loaded(asker: &Asker<'_>, save: &'static str, table: &str) -> Answer {
    match asker.rules(save).difference(table) {
        Ok(None) => (true, "rules are loaded".to_owned()),
        Ok(Some(found)) => (false, found),
        Err(why) => {
            asker.silent.borrow_mut().push((save.to_owned(), why.clone()));
            (true, why)
        }
    }
}

fn forwards(text: &str) -> Answer {
    let on = text.trim() == "1";
    (on, (if on { "on" } else { "off" }).to_owned())
}

/// The address is still there, and something still listens on the port that the session came in by.
fn way_in_is_open(addresses_text: &str, tcp: &str, way_in: &str, port: u16) -> Answer {
    let (address, zone) = addresses::split_zone(way_in);
    let there = addresses::listed(addresses_text)
        .any(|(on, a)| a.split('/').next() == Some(address) && (zone.is_empty() || zone == on));
    let ssh = locals(tcp).any(|(_, on)| on == port.to_string());
    let found = match (there, ssh) {
        (true, true) => format!("SSH on {way_in}"),
        (false, _) => format!("{way_in} is gone"),
        (true, false) => format!("nobody listens for SSH on port {port}"),
    };
    (there && ssh, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_local_way_in_is_looked_for_on_its_interface() {
        let addresses = "2: eth0    inet6 fe80::1/64 scope link\n";
        let listens = "LISTEN 0 128 [::]:22 [::]:*\n";
        assert!(way_in_is_open(addresses, listens, "fe80::1%eth0", 22).0);
        assert!(!way_in_is_open(addresses, listens, "fe80::1%wlan0", 22).0);
        assert!(!way_in_is_open(addresses, listens, "fe80::2%eth0", 22).0);
    }

    #[test]
    fn what_the_tools_say() {
        assert!(access_point_state("state=ENABLED\nphy=phy0\n").0);
        assert_eq!(access_point_state("state=COUNTRY_UPDATE\n").1, "state COUNTRY_UPDATE");
        let silent =
            access_point_state("Failed to connect to hostapd - wpa_ctrl_open: No such file or directory\n");
        assert!(!silent.0 && silent.1.starts_with("Failed to connect"));
        assert!(radio_type("Interface wlan0\n\tifindex 3\n\ttype AP\n").0);
        assert!(!radio_type("Interface wlan0\n\ttype managed\n").0);
        let ip = "1: lo    inet 127.0.0.1/8 scope host lo\n3: wlan0    inet 10.41.0.1/24 brd 10.41.0.255 scope global wlan0\n\
                  3: wlan0    inet6 fe80::1/64 scope link\n2: eth0    inet 192.0.2.9/24 scope global\n";
        let expected = Expected::example();
        assert!(address(ip, &expected).0);
        assert!(!address(ip, &Expected { prefix: 16, ..expected.clone() }).0);
        assert!(!address("", &expected).0);
        // iproute2 5.10 (Bullseye) and 6.15 (Trixie).
        let udp = "UNCONN 0      0         10.41.0.1%wlan0:53         0.0.0.0:*          \nUNCONN 0 0 0.0.0.0:67 0.0.0.0:*\n";
        assert!(bound(udp, "10.41.0.1", 53, false).0 && bound(udp, "0.0.0.0", 67, false).0);
        let screen =
            |on: &str| bound(&format!("LISTEN 0 16 {on}:5900 0.0.0.0:*\n"), "10.41.0.1", 5900, true).0;
        assert!(screen("10.41.0.1"));
        assert!(
            !screen("0.0.0.0") && !screen("*") && !screen("127.0.0.1"),
            "the desktop is there for everybody"
        );
        assert!(!bound("UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:*\n", "10.41.0.1", 53, false).0);
        assert!(way_in_is_open(ip, "LISTEN 0 128 0.0.0.0:22 0.0.0.0:*\n", "192.0.2.9", 22).0);
        assert!(!way_in_is_open(ip, "LISTEN 0 128 0.0.0.0:22 0.0.0.0:*\n", "192.0.2.10", 22).0);
        assert!(!way_in_is_open(ip, "", "192.0.2.9", 22).0);
        assert!(way_in_is_open(ip, "LISTEN 0 128 0.0.0.0:2222 0.0.0.0:*\n", "192.0.2.9", 2222).0);
        assert!(!way_in_is_open(ip, "LISTEN 0 128 0.0.0.0:22 0.0.0.0:*\n", "192.0.2.9", 2222).0);
    }

    #[test]
    fn what_a_tool_repeats_is_harmless_to_print() {
        let root = tempfile::tempdir().unwrap();
        let host = crate::system::fake::FakeHost::live(root.path(), |_| {
            let stdout = "state=\x1b[2J\n".to_owned();
            Ok(crate::system::run::Output { code: Some(0), stdout, stderr: String::new() })
        })
        .unwrap();
        assert_eq!(look(&host, &Expected::example())[0].found, "state \\u{1b}[2J");
    }
}
