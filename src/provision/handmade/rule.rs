//! The article's NAT rules, which its script leaves in the kernel: read from the script's lines, taken out and put back.

use crate::system::Host;
use crate::system::run::Tool;
use serde::{Deserialize, Serialize};

/// One rule, as a script's line adds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// `nat` or `filter`.
    pub table: String,
    /// One of that table's own chains.
    pub chain: String,
    /// What stands behind the chain.
    pub spec: Vec<String>,
}

/// A rule that is to go, or to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleChange {
    pub rule: Rule,
    /// Whether the kernel is to have it.
    pub comes: bool,
}

impl Rule {
    /// `sudo iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE`, and nothing else on the line.
    #[must_use]
    pub fn of_command(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace().peekable();
        words.next_if_eq(&"sudo");
        words.next().filter(|w| matches!(*w, "iptables" | "/sbin/iptables" | "/usr/sbin/iptables"))?;
        words.next_if_eq(&"-w");
        let table = match words.next_if_eq(&"-t") {
            Some(_) => words.next()?,
            None => "filter",
        };
        words.next_if_eq(&"-A")?;
        let chain = words.next()?.to_owned();
        let spec: Vec<String> = words.map(str::to_owned).collect();
        // What a shell would not hand over as it stands is no plain rule.
        let plain = |w: &String| w.chars().all(|c| c.is_ascii_alphanumeric() || "-_,./:!+".contains(c));
        let rule = Rule { table: table.to_owned(), chain, spec };
        (plain(&rule.table) && plain(&rule.chain) && rule.spec.iter().all(plain)).then_some(rule)
    }

    /// Whether it is one of the article's three, for these interfaces.
    #[must_use]
    pub fn is_article_s(&self, uplink: &str, radio: &str) -> bool {
        let spec = self.spec.join(" ");
        match (self.table.as_str(), self.chain.as_str()) {
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
    pub fn uplink(&self, radio: &str) -> Option<&str> {
        let named = self
            .spec
            .windows(2)
            .filter(|pair| pair[0] == "-i" || pair[0] == "-o")
            .map(|pair| pair[1].as_str());
        named.filter(|name| *name != radio).find(|name| self.is_article_s(name, radio))
    }

    fn tool(&self, verb: &str) -> Tool {
        Tool::new("iptables").args(["-w", "-t", &self.table, verb, &self.chain]).args(&self.spec)
    }

    /// Whether the kernel has it.
    #[must_use]
    pub fn is_loaded(&self, host: &dyn Host) -> bool {
        host.output(&self.tool("-C")).is_ok_and(|o| o.code == Some(0))
    }
}

impl RuleChange {
    /// The command that does it, for people.
    #[must_use]
    pub fn text(&self) -> String {
        self.rule.tool(if self.comes { "-A" } else { "-D" }).line()
    }

    /// What undoes it.
    #[must_use]
    pub fn reversed(&self) -> Self {
        RuleChange { rule: self.rule.clone(), comes: !self.comes }
    }
}

/// Takes rules out and puts them in. What is so already is left alone.
///
/// # Errors
/// When iptables refuses one.
pub fn carry_out(host: &dyn Host, changes: &[RuleChange]) -> anyhow::Result<()> {
    // A script that ran twice has loaded them twice; an end all the same, should a rule not go.
    const MOST: usize = 16;
    for change in changes {
        let mut rounds = 0;
        while change.rule.is_loaded(host) != change.comes && rounds < MOST {
            host.run(&change.rule.tool(if change.comes { "-A" } else { "-D" }))?;
            rounds += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_of_the_article() {
        for line in [
            "sudo iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE",
            "iptables -w -A FORWARD -i eth0 -o wlan0 -m state --state RELATED,ESTABLISHED -j ACCEPT",
            "/sbin/iptables -A FORWARD -i eth0 -o wlan0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            "iptables -A FORWARD -i wlan0 -o eth0 -j ACCEPT  ",
        ] {
            assert!(Rule::of_command(line).unwrap().is_article_s("eth0", "wlan0"), "{line}");
        }
        for line in [
            "iptables -A FORWARD -i wlan0 -o eth0 -j DROP",
            "iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE",
            "iptables -t nat -I POSTROUTING -o eth0 -j MASQUERADE",
            "iptables -A FORWARD -i wlan0 -o eth0 -j ACCEPT; reboot",
            "iptables -A INPUT -i wlan0 -j ACCEPT",
            "echo iptables",
        ] {
            assert!(!Rule::of_command(line).is_some_and(|r| r.is_article_s("eth0", "wlan0")), "{line}");
        }
        for line in ["iptables -t $(reboot) -A POSTROUTING -j X", "iptables -A `reboot` -j X"] {
            assert_eq!(Rule::of_command(line), None, "{line}");
        }
        let uplink = |line| Rule::of_command(line).and_then(|r| r.uplink("wlan0").map(str::to_owned));
        assert_eq!(uplink("iptables -t nat -A POSTROUTING -o usb0 -j MASQUERADE").as_deref(), Some("usb0"));
        assert_eq!(uplink("iptables -A FORWARD -i wlan0 -o usb0 -j ACCEPT").as_deref(), Some("usb0"));
        assert_eq!(uplink("iptables -t nat -A POSTROUTING -o wlan0 -j MASQUERADE"), None);
        assert_eq!(uplink("iptables -A INPUT -i eth0 -j DROP"), None);
        let rule = Rule::of_command("iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE").unwrap();
        let goes = RuleChange { rule, comes: false };
        assert_eq!(goes.text(), "iptables -w -t nat -D POSTROUTING -o eth0 -j MASQUERADE");
        assert_eq!(goes.reversed().text(), "iptables -w -t nat -A POSTROUTING -o eth0 -j MASQUERADE");
    }
}
