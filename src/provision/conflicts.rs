//! Settings of others that fight with piback's: most of all those of a Pi that was set up by hand, from the article or
//! one of its many relatives. piback never edits another's lines, so each is named, with what to do.

use super::block;
use super::host::{Facts, INTERFACES, Stack};
use crate::profile::Profile;
use crate::system::Host;
use anyhow::Context;

/// What was found, a sentence each with its remedy.
///
/// # Errors
/// When a file can't be read.
pub fn find(host: &dyn Host, facts: &Facts, profile: &Profile) -> anyhow::Result<Vec<String>> {
    let read = |path: &str| -> anyhow::Result<String> {
        let bytes = host.read_followed(path).with_context(|| format!("{path} can't be read"))?;
        let bytes = block::without(&bytes.unwrap_or_default()).unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let radio = profile.wifi.interface.as_str();
    let mut found = Vec::new();
    let mut say = |path: &str, line: Option<usize>, why: &str| {
        if let Some(line) = line {
            found.push(format!("{path}:{line}: {why}; put a # before it"));
        }
    };
    let beside = "dnsmasq does not start with this beside piback's file";
    say("/etc/dnsmasq.conf", dnsmasq(&read("/etc/dnsmasq.conf")?), beside);
    let stanza = match facts.stack {
        Stack::Dhcpcd => "a stanza for the radio stops dhcpcd, and Ethernet with it",
        _ => "a second stanza for the radio fights with piback's",
    };
    if facts.stack != Stack::NetworkManager {
        say(INTERFACES, interfaces(&read(INTERFACES)?, radio), stanza);
    }
    if facts.stack == Stack::Dhcpcd {
        let line = denied(&read("/etc/dhcpcd.conf")?, radio);
        say("/etc/dhcpcd.conf", line, "this keeps dhcpcd from giving the radio its address");
    }
    say("/etc/rc.local", nat_script(&read("/etc/rc.local")?), "this loads the NAT rules a second time");
    Ok(found)
}

/// The first line of `matches`, from 1; comments don't count.
fn line_where(text: &str, matches: impl Fn(&str) -> bool) -> Option<usize> {
    let active = |line: &str| !line.trim_start().starts_with('#') && matches(line.trim());
    text.lines().position(active).map(|index| index + 1)
}

/// `bind-interfaces` excludes `bind-dynamic`, and its own ranges and addresses would count beside piback's.
fn dnsmasq(text: &str) -> Option<usize> {
    line_where(text, |line| {
        let key = line.split(['=', ' ', '\t', '#']).next().unwrap_or_default();
        ["bind-interfaces", "dhcp-range", "listen-address", "interface"].contains(&key)
    })
}

fn interfaces(text: &str, radio: &str) -> Option<usize> {
    line_where(text, |line| {
        let mut words = line.split_whitespace();
        words.next() == Some("iface") && words.next() == Some(radio)
    })
}

fn denied(text: &str, radio: &str) -> Option<usize> {
    line_where(text, |line| {
        let mut words = line.split_whitespace();
        words.next() == Some("denyinterfaces") && words.any(|word| word == radio)
    })
}

/// The article's script is called from rc.local by its name.
fn nat_script(text: &str) -> Option<usize> {
    line_where(text, |line| line.contains("hotspot-boot.sh"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_article_s_own_files() {
        let conf = "# x\n#interface=eth0\ninterface=wlan0      # Use interface wlan0\nbind-interfaces\n";
        assert_eq!(dnsmasq(conf), Some(3));
        assert_eq!(dnsmasq("domain-needed\ninterface-name=x,y\n"), None);
        let stanza = "auto lo\niface lo inet loopback\nallow-hotplug wlan0\n  iface wlan0 inet static\n";
        assert_eq!(interfaces(stanza, "wlan0"), Some(4));
        assert_eq!(interfaces("#iface wlan0 inet manual\n", "wlan0"), None);
        assert_eq!(denied("hostname\ndenyinterfaces eth1 wlan0\n", "wlan0"), Some(2));
        assert_eq!(nat_script("#!/bin/sh -e\nsudo /home/pi/scripts/hotspot-boot.sh &\nexit 0\n"), Some(2));
    }
}
