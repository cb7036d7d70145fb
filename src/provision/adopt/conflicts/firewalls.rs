//! Other firewalls: those that drop or reject what iptables has accepted, whatever piback's rules say. An `ip filter` table
//! is no other firewall: piback's chains stand in it, before the others' rules.

use super::found::{Found, Weight};
use super::looked::Looked;
use crate::provision::components::rivals::{FIREWALLD, NFTABLES};
use crate::system::run::Tool;

const ZONE: &str = "/etc/firewalld/zones/trusted.xml";
const RULES: &str = "/etc/nftables.conf";

pub fn look(looked: &Looked<'_>, found: &mut Found) -> anyhow::Result<()> {
    let radio = looked.radio;
    if !looked.on(&[FIREWALLD]).is_empty() {
        let zone = looked.text(ZONE)?.unwrap_or_default();
        let (why, weight) = match zone.contains(&format!("interface name=\"{radio}\"")) {
            true => (format!("{radio} is in its zone trusted, and stays open"), Weight::Said),
            false => {
                (format!("it rejects what comes from {radio}, whatever other rules say"), Weight::Refused)
            }
        };
        let remedy = format!(
            "sudo firewall-cmd --permanent --zone=trusted --add-interface={radio} && sudo firewall-cmd --reload"
        );
        found.add(weight, FIREWALLD, why, remedy);
    }
    let why = "it drops what piback's rules let in";
    let remedy = |what: &str| format!("let {radio} in there: iifname \"{radio}\" accept, {what}");
    let listed = looked.said(&Tool::new("nft").args(["list", "ruleset"]));
    let mut in_kernel = false;
    for chain in closed(listed.as_deref().unwrap_or_default(), radio) {
        let (chain, _) = chain;
        // firewalld has its own word above.
        if !chain.contains("table inet firewalld") {
            in_kernel = true;
            found.add(Weight::Refused, chain, why, remedy("before its other rules"));
        }
    }
    if !in_kernel && !looked.on(&[NFTABLES]).is_empty() {
        let text = looked.text(RULES)?.unwrap_or_default();
        for (_, line) in closed(&text, radio) {
            found.add(Weight::Refused, format!("{RULES}:{line}"), why, remedy("before its other rules"));
        }
    }
    legacy(looked, found);
    Ok(())
}

/// Rules of the older kernel interface beside today's: both must let a packet through.
fn legacy(looked: &Looked<'_>, found: &mut Found) {
    let is_nft =
        looked.said(&Tool::new("iptables").arg("--version")).is_some_and(|v| v.contains("nf_tables"));
    // Asking loads the old tables where they are not: the list of them says without.
    let tables = looked.host.read_followed("/proc/net/ip_tables_names").ok().flatten().unwrap_or_default();
    if !is_nft || !String::from_utf8_lossy(&tables).lines().any(|table| table == "filter") {
        return;
    }
    let rules = looked.said(&Tool::new("iptables-legacy").args(["-w", "-S"])).unwrap_or_default();
    let drops = |line: &&str| {
        line.ends_with(" DROP") && line.starts_with("-P ") && !line.contains(" OUTPUT ")
            || ["-j DROP", "-j REJECT"].iter().any(|end| line.contains(end))
    };
    if let Some(rule) = rules.lines().find(drops) {
        let why = "rules of iptables-legacy stand beside nf_tables', and drop what those let in";
        found.add(
            Weight::Refused,
            format!("iptables-legacy {rule}"),
            why,
            "sudo iptables-legacy -F, and -P INPUT and FORWARD ACCEPT; and out of what loads them",
        );
    }
}

/// Base chains of `nft list ruleset`, or of a file in its form, on the way into the Pi or through it, that drop or reject
/// by policy or by a rule for all, before they accept what comes from the radio; by name and line, from 1.
fn closed(text: &str, radio: &str) -> Vec<(String, usize)> {
    let (mut found, mut table, mut chain) = (Vec::new(), String::new(), String::new());
    let (mut is_base, mut is_open) = (false, false);
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let words: Vec<&str> =
            line.split(|c: char| c.is_whitespace() || c == ';').filter(|w| !w.is_empty()).collect();
        match words.first().copied() {
            Some("table") => table = line.trim_end_matches('{').trim().to_owned(),
            Some("chain") => {
                chain = words.get(1).unwrap_or(&"").trim_end_matches('{').to_owned();
                (is_base, is_open) = (false, false);
            }
            _ => {}
        }
        // What iptables-nft made: piback's chains stand first in it.
        if ["table ip filter", "table ip6 filter"].contains(&table.as_str()) {
            continue;
        }
        let hook = words.iter().position(|w| *w == "hook").and_then(|at| words.get(at + 1));
        is_base |= hook.is_some_and(|hook| ["input", "forward", "prerouting"].contains(hook));
        let names = line.contains(&format!("\"{radio}\"")) || words.contains(&radio);
        is_open |= words.contains(&"accept") && (words.len() == 1 || names);
        let policy = words.windows(2).any(|w| w == ["policy", "drop"]);
        let for_all = ["drop", "reject"].iter().any(|end| {
            let plain = |w: &&str| {
                ["counter", "packets", "bytes", "log", end].contains(w) || w.parse::<u64>().is_ok()
            };
            words.contains(end) && words.iter().take_while(|w| *w != end).all(plain)
        });
        let of_the_radio = names && ["drop", "reject"].iter().any(|end| words.contains(end));
        if is_base && !is_open && (policy && !opens_later(text, number, radio) || for_all || of_the_radio) {
            found.push((format!("{table} chain {chain}"), number + 1));
            is_open = true;
        }
    }
    found
}

/// Tells whether a chain whose policy stands at `line` accepts what comes from the radio further down.
fn opens_later(text: &str, line: usize, radio: &str) -> bool {
    let rest = text.lines().skip(line + 1).take_while(|line| line.trim() != "}");
    let opens = |line: &str| {
        let line = line.split('#').next().unwrap_or_default();
        let words: Vec<&str> = line.split_whitespace().collect();
        let names = line.contains(&format!("\"{radio}\"")) || words.contains(&radio);
        words.contains(&"accept") && (words.len() == 1 || names)
    };
    rest.into_iter().any(opens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        closed(text, "wlan0").into_iter().map(|(name, line)| format!("{name}:{line}")).collect()
    }

    #[test]
    fn chains_that_close() {
        let by_policy = "flush ruleset\ntable inet filter {\n\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n\
                         \t\tct state established,related accept\n\t\ttcp dport 22 accept\n\t}\n\tchain out {\n\t\ttype filter hook output priority 0; policy drop;\n\t}\n}\n";
        assert_eq!(names(by_policy), ["table inet filter chain input:4"]);
        let open = by_policy.replace("tcp dport 22 accept", "iifname \"wlan0\" accept");
        assert_eq!(names(&open), [""; 0]);
        let by_rule = "table inet mine {\n chain f {\n  type filter hook forward priority 0; policy accept;\n  tcp dport 25 drop\n  counter packets 1 bytes 2 reject with icmpx admin-prohibited\n }\n}\n";
        assert_eq!(names(by_rule), ["table inet mine chain f:5"]);
        let debians =
            "table inet filter {\n chain input {\n  type filter hook input priority filter;\n }\n}\n";
        assert_eq!(names(debians), [""; 0]);
        let ours = "table ip filter {\n chain INPUT {\n  type filter hook input priority filter; policy drop;\n  counter packets 0 bytes 0 jump PIBACK-INPUT\n }\n}\n";
        assert_eq!(names(ours), [""; 0]);
        let named = "table inet x {\n chain i {\n  type filter hook input priority 0;\n  iifname \"wlan0\" tcp dport 445 drop\n }\n}\n";
        assert_eq!(names(named), ["table inet x chain i:4"]);
        let jumped = "table inet x {\n chain i {\n  iifname \"wlan0\" drop\n }\n}\n";
        assert_eq!(names(jumped), [""; 0], "nobody comes there by itself");
    }
}
