//! Settings of others that fight with piback's and that no recogniser knows: beyond what `adopt` comments out, piback
//! never edits another's lines, so each is named, with what to do.

use crate::profile::Profile;
use crate::profile::types::Uplinks;
use crate::provision::adopt::{ManualSetup, article};
use crate::provision::host::facts::{Facts, Stack};
use crate::provision::host::interfaces::{self, INTERFACES};
use crate::provision::text::block;
use crate::provision::text::lines::line_where;
use crate::system::Host;
use anyhow::Context;

/// Finds them, a sentence each with its remedy.
///
/// # Errors
/// When a file can't be read.
pub fn find(
    host: &dyn Host,
    facts: &Facts,
    profile: &Profile,
    manual: &ManualSetup,
) -> anyhow::Result<Vec<String>> {
    let read = |path: &str| -> anyhow::Result<String> {
        if let Some(text) = manual.after(path) {
            return Ok(text.to_owned());
        }
        let bytes = host.read_followed(path).with_context(|| format!("{path} can't be read"))?;
        let bytes = block::without(&bytes.unwrap_or_default()).unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let (radio, uplinks) = (profile.wifi.interface.as_str(), &profile.uplink.interface);
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
        say(INTERFACES, interfaces::first_stanza(&read(INTERFACES)?, radio), stanza);
    }
    if facts.stack == Stack::Dhcpcd {
        let line = denied(&read("/etc/dhcpcd.conf")?, radio);
        say("/etc/dhcpcd.conf", line, "this keeps dhcpcd from giving the radio its address");
    }
    if facts.stack == Stack::NetworkManager {
        // Elsewhere piback's own line stands below it, and the last one wins.
        let line = other_conf(&read("/etc/default/hostapd")?);
        say("/etc/default/hostapd", line, "hostapd is started with another file than piback's");
    }
    let rc_local = read("/etc/rc.local")?;
    // A `#` before all that an `if` holds would break the script.
    let twice = "this loads the NAT rules a second time (in an if that holds nothing else, `: #`)";
    let gone = "this calls a script that is not there, and nobody knows what it did";
    let missing = |path: &str| host.read_followed(path).map(|script| script.is_none());
    say("/etc/rc.local", nat_rule(&rc_local, uplinks, radio), twice);
    for (line, path) in scripts(&rc_local) {
        match path {
            Some(path) if missing(&path).with_context(|| format!("{path} can't be read"))? => {
                say("/etc/rc.local", Some(line), gone);
            }
            Some(path) => say(&path, nat_rule(&read(&path)?, uplinks, radio), twice),
            None => say("/etc/rc.local", Some(line), twice),
        }
    }
    Ok(found)
}

/// `bind-interfaces` excludes `bind-dynamic`, and its own ranges and addresses would count beside piback's.
fn dnsmasq(text: &str) -> Option<usize> {
    line_where(text, |line| {
        let key = line.split(['=', ' ', '\t', '#']).next().unwrap_or_default();
        ["bind-interfaces", "dhcp-range", "listen-address", "interface"].contains(&key)
    })
}

fn denied(text: &str, radio: &str) -> Option<usize> {
    line_where(text, |line| {
        let mut words = line.split_whitespace();
        words.next() == Some("denyinterfaces") && words.any(|word| word == radio)
    })
}

fn other_conf(text: &str) -> Option<usize> {
    line_where(text, |line| {
        let value = line.strip_prefix("DAEMON_CONF=").map(|v| v.trim_matches(['"', '\'']));
        value.is_some_and(|v| !v.is_empty() && v != "/etc/hostapd/hostapd.conf")
    })
}

/// Lines of rc.local that have to do with the article's script, and its path where they do nothing but call it.
fn scripts(rc_local: &str) -> Vec<(usize, Option<String>)> {
    let known = article::calls(rc_local);
    let lines = rc_local.lines().enumerate();
    lines
        .filter(|(_, line)| !line.trim_start().starts_with('#') && line.contains("hotspot-boot.sh"))
        .map(|(number, _)| {
            (number + 1, known.iter().find(|(at, _)| *at == number).map(|(_, path)| path.clone()))
        })
        .collect()
}

/// Rules that masquerade, a set of rules that takes the place of piback's, or one of the article's that had to stay.
fn nat_rule(script: &str, uplinks: &Uplinks, radio: &str) -> Option<usize> {
    line_where(script, |line| {
        line.contains("MASQUERADE")
            || line.contains("iptables-restore")
            || article::is_rule(line, uplinks, radio)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fights() {
        let eth0 = Uplinks::Named(vec!["eth0".parse().unwrap()]);
        let conf = "# x\n#interface=eth0\ninterface=wlan0      # the radio\nbind-interfaces\n";
        assert_eq!(dnsmasq(conf), Some(3));
        assert_eq!(dnsmasq("domain-needed\ninterface-name=x,y\n#piback# bind-interfaces\n"), None);
        let stanza = "auto lo\niface lo inet loopback\nallow-hotplug wlan0\n  iface wlan0 inet static\n";
        assert_eq!(interfaces::first_stanza(stanza, "wlan0"), Some(4));
        assert_eq!(interfaces::first_stanza("#iface wlan0 inet manual\n", "wlan0"), None);
        assert_eq!(denied("hostname\ndenyinterfaces eth1 wlan0\n", "wlan0"), Some(2));
        assert_eq!(other_conf("#DAEMON_CONF=\"\"\nDAEMON_CONF=\"/etc/hostapd/hostapd.conf\"\n"), None);
        assert_eq!(other_conf("DAEMON_CONF='/home/pi/ap.conf'\n"), Some(1));
        assert_eq!(
            nat_rule("#!/bin/sh\n#iptables -j MASQUERADE\niptables-restore < /x\n", &eth0, "wlan0"),
            Some(3)
        );
        let rule = "if x; then\n  iptables -A FORWARD -i wlan0 -o eth0 -j ACCEPT\nfi\n";
        assert_eq!(nat_rule(rule, &eth0, "wlan0"), Some(2));
        assert_eq!(nat_rule("iptables -A INPUT -p tcp --dport 22 -j ACCEPT\n", &eth0, "wlan0"), None);
    }

    #[test]
    fn a_call_that_can_be_read_leads_to_its_script() {
        let rc = "#!/bin/sh -e\ncd /home/pi; ./hotspot-boot.sh\nsudo /home/pi/hotspot-boot.sh &\n#hotspot-boot.sh\nexit 0\n";
        assert_eq!(scripts(rc), [(2, None), (3, Some("/home/pi/hotspot-boot.sh".to_owned()))]);
    }
}
