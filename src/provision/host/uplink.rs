//! Which networks the host reaches besides its own Wi-Fi: from `ip`, whose output is parsed here.

use crate::system::Host;
use crate::system::run::Tool;
use anyhow::Context;
use std::fmt;
use std::net::Ipv4Addr;

/// A network that the host reaches by another interface than its Wi-Fi.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub interface: String,
    pub address: Ipv4Addr,
    pub prefix: u8,
    /// True where `address` is the interface's own, and not that of a route.
    pub own: bool,
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has = if self.own { "has" } else { "leads to" };
        write!(f, "{} {has} {}/{}", crate::ui::visible(&self.interface), self.address, self.prefix)
    }
}

/// The internet that the host has, by where its default routes lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Internet {
    None,
    Ipv4,
    /// The Pi's own connections work; the Wi-Fi has IPv4 alone, and nobody translates.
    OnlyIpv6,
}

impl Internet {
    /// Says it in words for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Internet::None => "there is no internet now; card, drive and share work without",
            Internet::Ipv4 => "IPv4",
            Internet::OnlyIpv6 => {
                "the uplink has IPv6 alone: the Pi itself reaches the internet, clients of the Wi-Fi do not; card, drive \
                 and share work"
            }
        }
    }
}

/// Asks where the default routes lead; `None` where nobody says. A VPN halves the default route.
#[must_use]
pub fn internet(host: &dyn Host) -> Option<Internet> {
    let said = |family: &str| -> Option<String> {
        let routes = Tool::new("ip").args(["-o", family, "route", "show"]);
        host.output(&routes).ok().filter(|o| o.code == Some(0)).map(|o| o.stdout)
    };
    let (four, six) = (said("-4")?, said("-6").unwrap_or_default());
    Some(match (leads_out(&four), leads_out(&six)) {
        (true, _) => Internet::Ipv4,
        (false, true) => Internet::OnlyIpv6,
        (false, false) => Internet::None,
    })
}

fn leads_out(routes: &str) -> bool {
    let wide = ["default", "0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1", "2000::/3"];
    routes.lines().any(|line| {
        let mut words = line.split_whitespace();
        words.next().is_some_and(|first| wide.contains(&first))
            && words.any(|word| word == "dev" || word == "via")
    })
}

/// All networks of interfaces other than `radio`. None on a tree, which has no interfaces.
///
/// # Errors
/// When `ip` can't say.
pub fn look(host: &dyn Host, radio: &str) -> anyhow::Result<Vec<Taken>> {
    if !host.is_live() {
        return Ok(Vec::new());
    }
    let said = |args: [&str; 4]| -> anyhow::Result<String> {
        Ok(host.run(&Tool::new("ip").args(args)).context("which networks Ethernet has")?.stdout)
    };
    let mut taken = addresses(&said(["-o", "-4", "addr", "show"])?);
    taken.extend(routes(&said(["-o", "-4", "route", "show"])?));
    taken.retain(|t| t.interface != radio && t.interface != "lo");
    Ok(taken)
}

/// Reads `ip -o -4 addr show`: `2: eth0    inet 192.168.1.23/24 brd …`.
#[must_use]
pub fn addresses(text: &str) -> Vec<Taken> {
    let line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = words.iter().position(|w| *w == "inet")?;
        // A tunnel: `inet 10.8.0.2 peer 10.8.0.1/32`.
        let (address, prefix) = words.get(at + 1)?.split_once('/').unwrap_or((words[at + 1], "32"));
        let interface = (*words.get(1)?).to_owned();
        Some(Taken { interface, address: address.parse().ok()?, prefix: prefix_of(prefix)?, own: true })
    };
    text.lines().filter_map(line).collect()
}

/// `ip -o -4 route show`: `10.0.0.0/8 via 192.168.1.1 dev eth0 …`. Routes as wide as a default route (a VPN halves it)
/// lead everywhere and are in nobody's way.
fn routes(text: &str) -> Vec<Taken> {
    const WIDE: u8 = 8;
    let line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (address, prefix) = words.first()?.split_once('/').unwrap_or((words[0], "32"));
        let (address, prefix): (Ipv4Addr, u8) = (address.parse().ok()?, prefix_of(prefix)?);
        let dev = words.iter().position(|w| *w == "dev")?;
        let interface = (*words.get(dev + 1)?).to_owned();
        (prefix >= WIDE).then_some(Taken { interface, address, prefix, own: false })
    };
    text.lines().filter_map(line).collect()
}

fn prefix_of(text: &str) -> Option<u8> {
    text.parse().ok().filter(|p| *p <= 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_routes_lead() {
        assert!(leads_out("default via 192.168.1.1 dev eth0 proto dhcp metric 100\n"));
        assert!(leads_out("10.8.0.0/24 dev tun0\n0.0.0.0/1 via 10.8.0.1 dev tun0\n"));
        assert!(leads_out("default nhid 7 via fe80::1 dev eth0 proto ra metric 100 pref medium\n"));
        assert!(!leads_out("fe80::/64 dev eth0 proto kernel\nunreachable default\n") && !leads_out(""));
    }

    #[test]
    fn what_ip_says() {
        let text = "1: lo    inet 127.0.0.1/8 scope host lo\n2: eth0    inet 192.168.1.23/24 brd 192.168.1.255 scope global eth0\n\
                    3: x inet 1.2.3.4/99 x\n4: tun0    inet 10.8.0.2 peer 10.8.0.1/32 scope global tun0\n5: y inet\n\n";
        let said: Vec<String> = addresses(text).iter().map(ToString::to_string).collect();
        assert_eq!(said, ["lo has 127.0.0.1/8", "eth0 has 192.168.1.23/24", "tun0 has 10.8.0.2/32"]);

        let text = "default via 192.168.1.1 dev eth0 proto dhcp metric 100 \n10.0.0.0/8 via 192.168.1.9 dev eth0 \n\
                    0.0.0.0/1 via 10.8.0.1 dev tun0\n10.8.0.1 dev tun0 proto kernel\nblackhole 10.1.0.0/16\n\
                    192.168.1.0/24 dev eth0 proto kernel scope link src 192.168.1.23 metric 100 \n172.17.0.0/16 dev\n";
        let said: Vec<String> = routes(text).iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            ["eth0 leads to 10.0.0.0/8", "tun0 leads to 10.8.0.1/32", "eth0 leads to 192.168.1.0/24"]
        );
    }
}
