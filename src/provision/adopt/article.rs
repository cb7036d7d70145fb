//! Which lines of a file are the 2016 article's, or a near relative's: pure recognisers, line numbers from 0.
//!
//! A line counts only if nothing but a set-up of this access point would have it. What is not known stays where it is;
//! `conflicts` names it if it fights.

use crate::profile::types::Uplinks;
use crate::provision::host::iptables::Rule;
use std::net::Ipv4Addr;

/// Words of a line that is in force, without a comment behind it.
fn effective(line: &str) -> Option<&str> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let line = line.split(" #").next().unwrap_or_default().split("\t#").next().unwrap_or_default().trim();
    (!line.is_empty()).then_some(line)
}

/// `/etc/dnsmasq.conf`: the article's seven lines, with whatever addresses. Only where the radio is all that dnsmasq
/// serves: beside a second interface nobody can tell whose a range is.
pub fn dnsmasq(text: &str, radio: &str) -> Vec<usize> {
    let lines: Vec<(usize, &str, &str)> = text
        .lines()
        .enumerate()
        .filter_map(|(number, line)| {
            let (key, value) = effective(line)?.split_once('=').unwrap_or((effective(line)?, ""));
            Some((number, key.trim(), value.trim()))
        })
        .collect();
    let values =
        |key: &str| lines.iter().filter(|(_, k, _)| *k == key).map(|(_, _, v)| *v).collect::<Vec<_>>();
    if values("interface") != [radio] || values("dhcp-range").len() != 1 || values("listen-address").len() > 1
    {
        return Vec::new();
    }
    let known = |(_, key, value): &&(usize, &str, &str)| match *key {
        "interface" => true,
        "bind-interfaces" | "domain-needed" | "bogus-priv" => value.is_empty(),
        "listen-address" => private(value).is_some(),
        "server" => *value == "8.8.8.8",
        "dhcp-range" => {
            let mut ends = value.split(',').map(private);
            let same_24 = |a: Ipv4Addr, b: Ipv4Addr| a.octets()[..3] == b.octets()[..3];
            matches!((ends.next().flatten(), ends.next().flatten()), (Some(a), Some(b)) if same_24(a, b))
        }
        _ => false,
    };
    lines.iter().filter(known).map(|(number, ..)| *number).collect()
}

fn private(text: &str) -> Option<Ipv4Addr> {
    text.trim().parse().ok().filter(Ipv4Addr::is_private)
}

/// `/etc/network/interfaces`: the radio's static stanza, or the one without an address that Raspbian Jessie shipped,
/// with the lines that bring it up.
pub fn interfaces(text: &str, radio: &str) -> Vec<usize> {
    let lines: Vec<&str> = text.lines().collect();
    let mut known = Vec::new();
    let mut number = 0;
    while let Some(line) = lines.get(number) {
        let words: Vec<&str> = effective(line).unwrap_or_default().split_whitespace().collect();
        let end = match words.as_slice() {
            ["iface", name, ..] if *name == radio => {
                let end = stanza_end(&lines, number);
                if !is_plain_stanza(&words, &lines[number + 1..end]) {
                    return Vec::new();
                }
                end
            }
            [word, names @ ..] if is_auto(word) && names.contains(&radio) => {
                // Beside others' names the line is not the radio's alone, and without it there is no stanza to take.
                if names != [radio] {
                    return Vec::new();
                }
                number + 1
            }
            _ => {
                number += 1;
                continue;
            }
        };
        known.extend(number..end);
        number = end;
    }
    // Lines that only bring up what a file elsewhere describes are no stanza.
    let has_stanza = known.iter().any(|n| lines[*n].trim_start().starts_with("iface"));
    if has_stanza { known } else { Vec::new() }
}

fn is_auto(word: &str) -> bool {
    word == "auto" || word.starts_with("allow-")
}

/// One past the last option of the stanza that begins at `start`: comments and empty lines behind it are not its own.
fn stanza_end(lines: &[&str], start: usize) -> usize {
    let mut end = start + 1;
    for (number, line) in lines.iter().enumerate().skip(start + 1) {
        match effective(line).and_then(|line| line.split_whitespace().next()) {
            None => {}
            Some("iface" | "mapping" | "source" | "source-directory" | "rename" | "template") => break,
            Some(word) if is_auto(word) || word.starts_with("no-") => break,
            Some(_) => end = number + 1,
        }
    }
    end
}

fn is_plain_stanza(words: &[&str], body: &[&str]) -> bool {
    let allowed: &[&str] = match words {
        [_, _, "inet", "static"] => &["address", "netmask", "network", "broadcast", "wpa-conf"],
        [_, _, "inet", "manual"] => &["wpa-conf", "wpa-roam"],
        _ => return false,
    };
    let option = |line: &&str| {
        let word = effective(line).and_then(|line| line.split_whitespace().next());
        word.is_none_or(|word| allowed.contains(&word)) && !line.trim_end().ends_with('\\')
    };
    body.iter().all(option)
}

/// `/etc/dhcpcd.conf`: the article's line, alone with this radio.
pub fn denied(text: &str, radio: &str) -> Vec<usize> {
    let known = |line: &str| {
        effective(line).is_some_and(|l| l.split_whitespace().collect::<Vec<_>>() == ["denyinterfaces", radio])
    };
    text.lines().enumerate().filter(|(_, line)| known(line)).map(|(number, _)| number).collect()
}

/// Of a shell script, the lines that load the article's rules, each a command of its own.
pub fn rules(script: &str, uplinks: &Uplinks, radio: &str) -> Vec<usize> {
    commands(script, |line| Rule::of_command(line).is_some_and(|rule| is_known_rule(&rule, uplinks, radio)))
}

/// Tells whether a line loads one of the article's rules, wherever it stands.
pub fn is_rule(line: &str, uplinks: &Uplinks, radio: &str) -> bool {
    effective(line).and_then(Rule::of_command).is_some_and(|rule| is_known_rule(&rule, uplinks, radio))
}

/// Of a shell script, the lines that call another one named `hotspot-boot.sh`, with its path.
pub fn calls(script: &str) -> Vec<(usize, String)> {
    let lines: Vec<&str> = script.lines().collect();
    commands(script, |line| called(line).is_some())
        .into_iter()
        .filter_map(|number| Some((number, called(lines[number])?)))
        .collect()
}

/// Tells whether a script does nothing but load the article's rules.
pub fn is_rules_alone(script: &str, uplinks: &Uplinks, radio: &str) -> bool {
    let known = rules(script, uplinks, radio);
    script.lines().enumerate().all(|(number, line)| effective(line).is_none() || known.contains(&number))
}

/// `sudo /home/pi/scripts/hotspot-boot.sh &`: the path.
pub fn called(line: &str) -> Option<String> {
    let line = effective(line)?.trim_end_matches('&').trim();
    let mut words = line.split_whitespace().peekable();
    words.next_if_eq(&"sudo");
    words.next_if(|word| ["sh", "bash", "/bin/sh", "/bin/bash"].contains(word));
    let path = words.next().filter(|path| path.starts_with('/') && path.ends_with("/hotspot-boot.sh"))?;
    let plain =
        path.chars().all(|c| c.is_ascii_alphanumeric() || "/-_.".contains(c)) && !path.contains("/../");
    (plain && words.next().is_none()).then(|| path.to_owned())
}

/// Lines of a script that are what `known` says and a command of their own: not a part of `if`, a loop or a list, which
/// would be left without one.
fn commands(script: &str, known: impl Fn(&str) -> bool) -> Vec<usize> {
    let mut before = "";
    let mut found = Vec::new();
    for (number, line) in script.lines().enumerate() {
        let Some(text) = effective(line) else { continue };
        let opens = ["then", "do", "else", "{", "(", "&&", "||", "|", "\\", "!"]
            .iter()
            .any(|end| before.ends_with(end));
        match (opens, known(text)) {
            (false, true) => found.push(number),
            // The next one is the first of its kind's block too: a block of nothing but these stays whole.
            (true, true) => continue,
            (_, false) => {}
        }
        before = text;
    }
    found
}

/// Tells whether it is one of the article's three, for this radio and one of these uplinks.
#[must_use]
pub fn is_known_rule(rule: &Rule, uplinks: &Uplinks, radio: &str) -> bool {
    uplink_of(rule, radio).is_some_and(|uplink| uplinks.may_be(uplink))
}

/// Tells whether it is one of the article's three, for these interfaces.
#[must_use]
pub fn is_article_rule(rule: &Rule, uplink: &str, radio: &str) -> bool {
    let spec = rule.spec.join(" ");
    match (rule.table.as_str(), rule.chain.as_str()) {
        ("nat", "POSTROUTING") => spec == format!("-o {uplink} -j MASQUERADE"),
        ("filter", "FORWARD") => {
            let answers = format!("-i {uplink} -o {radio} -m");
            let accept = "RELATED,ESTABLISHED -j ACCEPT";
            spec == format!("-i {radio} -o {uplink} -j ACCEPT")
                || spec == format!("{answers} state --state {accept}")
                || spec == format!("{answers} conntrack --ctstate {accept}")
        }
        _ => false,
    }
}

/// The uplink, if it is one of the article's three for this radio, with whatever uplink.
#[must_use]
pub fn uplink_of<'r>(rule: &'r Rule, radio: &str) -> Option<&'r str> {
    let named =
        rule.spec.windows(2).filter(|pair| pair[0] == "-i" || pair[0] == "-o").map(|pair| pair[1].as_str());
    named.filter(|name| *name != radio).find(|name| is_article_rule(rule, name, radio))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(name: &str) -> Uplinks {
        Uplinks::Named(vec![name.parse().unwrap()])
    }

    const DNSMASQ: &str = "interface=wlan0      # the radio\n\
        listen-address=192.168.1.1 # the Pi\n\
        bind-interfaces      # nothing else\nserver=8.8.8.8       # names\n\
        domain-needed        # no short names\nbogus-priv           # nor private\n\
        dhcp-range=192.168.1.50,192.168.1.100,12h # for clients\n";

    #[test]
    fn the_article_s_dnsmasq_conf() {
        assert_eq!(dnsmasq(DNSMASQ, "wlan0"), [0, 1, 2, 3, 4, 5, 6]);
        let own =
            format!("# mine\naddress=/nas/192.168.1.9\n{DNSMASQ}server=/lan/192.168.1.9\nserver=1.1.1.1\n");
        assert_eq!(
            dnsmasq(&own, "wlan0"),
            [2, 3, 4, 5, 6, 7, 8],
            "the user's own lines are not the article's"
        );
        for not in [
            DNSMASQ.replace("wlan0", "wlan1"),
            format!("{DNSMASQ}interface=eth1\n"),
            format!("{DNSMASQ}dhcp-range=10.0.0.5,10.0.0.9\n"),
            "bind-interfaces\n".to_owned(),
            "#interface=wlan0\n#dhcp-range=192.168.1.50,192.168.1.100\n".to_owned(),
        ] {
            assert_eq!(dnsmasq(&not, "wlan0"), [0; 0], "{not}");
        }
        // A range with a tag or a public one stays, and is named as what fights.
        let tagged = DNSMASQ.replace("dhcp-range=", "dhcp-range=set:x,");
        assert_eq!(dnsmasq(&tagged, "wlan0"), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn the_article_s_stanza() {
        let text = "source-directory /etc/network/interfaces.d\n\nauto lo\niface lo inet loopback\n\niface eth0 inet manual\n\n\
                    allow-hotplug wlan0\niface wlan0 inet static\n    address 192.168.1.1\n    netmask 255.255.255.0\n\
                    #    wpa-conf x\n    broadcast 192.168.1.255\n#    wpa-conf /etc/x\n\n#allow-hotplug wlan1\n";
        assert_eq!(interfaces(text, "wlan0"), [7, 8, 9, 10, 11, 12]);
        let jessie = "allow-hotplug wlan0\niface wlan0 inet manual\n    wpa-conf /etc/wpa_supplicant/wpa_supplicant.conf\n\n\
                      allow-hotplug wlan1\niface wlan1 inet manual\n";
        assert_eq!(interfaces(jessie, "wlan0"), [0, 1, 2]);
        for not in [
            "auto lo wlan0\niface wlan0 inet static\n address 10.0.0.1\n",
            "iface wlan0 inet static\n address 10.0.0.1\n gateway 10.0.0.2\n",
            "iface wlan0 inet static\n address 10.0.0.1\n up iptables-restore < /etc/iptables.ipv4.nat\n",
            "iface wlan0 inet dhcp\n wpa-ssid home\n",
            "iface wlan0 inet static\n address \\\n 10.0.0.1\n",
            "allow-hotplug wlan0\n",
            "iface wlan01 inet static\n",
            "",
        ] {
            assert_eq!(interfaces(not, "wlan0"), [0; 0], "{not}");
        }
    }

    #[test]
    fn the_article_s_boot_script_and_its_call() {
        let rc = "#!/bin/sh -e\n_IP=$(hostname -I) || true\nif [ \"$_IP\" ]; then\n  printf x\nfi\n\n\
                  sudo /home/pi/scripts/hotspot-boot.sh &\n\nexit 0\n";
        assert_eq!(calls(rc), [(6, "/home/pi/scripts/hotspot-boot.sh".to_owned())]);
        for (line, path) in [
            ("/root/hotspot-boot.sh", Some("/root/hotspot-boot.sh")),
            ("sudo sh /home/me/hotspot-boot.sh&", Some("/home/me/hotspot-boot.sh")),
            ("sudo /home/pi/hotspot-boot.sh && echo done", None),
            ("/home/$U/hotspot-boot.sh", None),
            ("cd /home/pi; ./hotspot-boot.sh", None),
            ("/home/pi/../x/hotspot-boot.sh", None),
        ] {
            assert_eq!(called(line).as_deref(), path, "{line}");
        }
        assert_eq!(calls("if true; then\n/root/hotspot-boot.sh\nfi\n"), []);

        let script = "#!/bin/sh\nsudo iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE  \n\
                      sudo iptables -A FORWARD -i eth0 -o wlan0 -m state --state RELATED,ESTABLISHED -j ACCEPT  \n\
                      sudo iptables -A FORWARD -i wlan0 -o eth0 -j ACCEPT  \n";
        assert_eq!(rules(script, &on("eth0"), "wlan0"), [1, 2, 3]);
        assert!(is_rules_alone(script, &on("eth0"), "wlan0"));
        assert!(!is_rules_alone(&format!("{script}vncserver :1\n"), &on("eth0"), "wlan0"));
        assert_eq!(rules(script, &on("eth1"), "wlan0"), [0; 0]);
        assert_eq!(
            rules(
                "if true; then\niptables -A FORWARD -i wlan0 -o eth0 -j ACCEPT\nfi\n",
                &on("eth0"),
                "wlan0"
            ),
            [0; 0]
        );
        assert_eq!(
            rules(&format!("if true; then\n{script}fi\n"), &on("eth0"), "wlan0"),
            [0; 0],
            "an empty block is no shell"
        );
    }

    #[test]
    fn the_article_s_line_in_dhcpcd_conf() {
        assert_eq!(denied("hostname\ndenyinterfaces wlan0 \n", "wlan0"), [1]);
        assert_eq!(
            denied("denyinterfaces wlan0 eth1\n#denyinterfaces wlan0\ndenyinterfaces wlan01\n", "wlan0"),
            [0; 0]
        );
    }

    #[test]
    fn the_article_s_three_rules() {
        for line in [
            "sudo iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE",
            "iptables -w -A FORWARD -i eth0 -o wlan0 -m state --state RELATED,ESTABLISHED -j ACCEPT",
            "/sbin/iptables -A FORWARD -i eth0 -o wlan0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            "iptables -A FORWARD -i wlan0 -o eth0 -j ACCEPT  ",
        ] {
            assert!(is_article_rule(&Rule::of_command(line).unwrap(), "eth0", "wlan0"), "{line}");
        }
        for line in [
            "iptables -A FORWARD -i wlan0 -o eth0 -j DROP",
            "iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE",
            "iptables -t nat -I POSTROUTING -o eth0 -j MASQUERADE",
            "iptables -A FORWARD -i wlan0 -o eth0 -j ACCEPT; reboot",
            "iptables -A INPUT -i wlan0 -j ACCEPT",
            "echo iptables",
        ] {
            assert!(!Rule::of_command(line).is_some_and(|r| is_article_rule(&r, "eth0", "wlan0")), "{line}");
        }
        for line in ["iptables -t $(reboot) -A POSTROUTING -j X", "iptables -A `reboot` -j X"] {
            assert_eq!(Rule::of_command(line), None, "{line}");
        }
        let uplink = |line| Rule::of_command(line).and_then(|r| uplink_of(&r, "wlan0").map(str::to_owned));
        assert_eq!(uplink("iptables -t nat -A POSTROUTING -o usb0 -j MASQUERADE").as_deref(), Some("usb0"));
        assert_eq!(uplink("iptables -A FORWARD -i wlan0 -o usb0 -j ACCEPT").as_deref(), Some("usb0"));
        assert_eq!(uplink("iptables -t nat -A POSTROUTING -o wlan0 -j MASQUERADE"), None);
        assert_eq!(uplink("iptables -A INPUT -i eth0 -j DROP"), None);
    }
}
