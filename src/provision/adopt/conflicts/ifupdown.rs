//! ifupdown: stanzas for the radio in every file that it reads, and scripts that throw out all rules when an interface
//! comes up.

use super::found::{Found, Weight};
use super::looked::{Looked, is_ours};
use crate::provision::host::facts::Stack;
use crate::provision::host::interfaces::{self, INTERFACES};
use crate::provision::text::lines::line_where;
use std::collections::BTreeSet;

const FOLDER: &str = "/etc/network";
/// Folders of scripts that run when an interface comes or goes; NetworkManager runs them too.
const HOOKS: [&str; 5] = [
    "/etc/network/if-pre-up.d",
    "/etc/network/if-up.d",
    "/etc/network/if-down.d",
    "/etc/network/if-post-down.d",
    "/etc/NetworkManager/dispatcher.d",
];

pub fn look(looked: &Looked<'_>, found: &mut Found) -> anyhow::Result<()> {
    let why = match looked.stack {
        Stack::Dhcpcd => "a stanza for the radio stops dhcpcd, and Ethernet with it",
        _ => "a second stanza for the radio fights with piback's",
    };
    // NetworkManager's hosts have no ifupdown as a rule, and then nobody reads these files.
    let is_read = looked.stack != Stack::NetworkManager
        || ["/sbin/ifup", "/usr/sbin/ifup"].iter().any(|ifup| looked.is_there(ifup));
    for (path, text) in files(looked)?.into_iter().filter(|_| is_read) {
        let weight = if path == INTERFACES { Weight::Running } else { Weight::Refused };
        found.line(weight, &path, interfaces::first_stanza(&text, looked.radio), why);
        found.line(Weight::Refused, &path, line_where(&text, empties), EMPTIES);
    }
    for folder in HOOKS {
        for (path, text) in looked.files(folder)? {
            found.line(Weight::Refused, &path, line_where(&text, empties), EMPTIES);
        }
    }
    Ok(())
}

const EMPTIES: &str = "whenever an interface comes or goes, this throws out piback's rules too";

/// Every file that ifupdown reads, with its text: the main one, and what `source` and `source-directory` name.
pub fn files(looked: &Looked<'_>) -> anyhow::Result<Vec<(String, String)>> {
    let (mut todo, mut seen, mut files) = (vec![INTERFACES.to_owned()], BTreeSet::new(), Vec::new());
    while let Some(path) = todo.pop() {
        if is_ours(&path) || !seen.insert(path.clone()) {
            continue;
        }
        let Some(text) = looked.text(&path)? else { continue };
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("source"), Some(named)) => todo.extend(looked.expand(&absolute(named))?),
                (Some("source-directory"), Some(named)) => {
                    for folder in looked.expand(&absolute(named))? {
                        let names = looked.names(&folder).unwrap_or_default();
                        let plain = names.iter().filter(|name| is_plain(name));
                        todo.extend(plain.map(|name| format!("{folder}/{name}")));
                    }
                }
                _ => {}
            }
        }
        files.push((path, text));
    }
    Ok(files)
}

fn absolute(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("{FOLDER}/{path}") }
}

/// Names that `source-directory` takes, interfaces(5).
fn is_plain(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
}

/// Tells whether a line of a script takes all rules of iptables out of the kernel, its own in their place or none.
fn empties(line: &str) -> bool {
    let words: Vec<&str> = line.split(|c: char| c.is_whitespace() || ";&|<".contains(c)).collect();
    let runs = |program: &str| words.iter().position(|w| w.rsplit('/').next() == Some(program));
    let has = |from: usize, any: &[&str]| words[from..].iter().any(|w| any.contains(w));
    let restore = ["iptables-restore", "ip6tables-restore"].iter().find_map(|program| runs(program));
    if let Some(at) = restore {
        return !has(at, &["-n", "--noflush", "--test", "-t"]);
    }
    if let Some(at) = runs("nft") {
        return has(at, &["-f", "--file", "flush"]);
    }
    let Some(at) = ["iptables", "ip6tables"].iter().find_map(|program| runs(program)) else { return false };
    let Some(flush) = words[at..].iter().position(|w| ["-F", "--flush"].contains(w)) else { return false };
    let chain = words.get(at + flush + 1).copied().unwrap_or_default();
    chain.is_empty() || chain.starts_with('-') || ["INPUT", "FORWARD", "POSTROUTING"].contains(&chain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_throws_rules_out() {
        for line in [
            "iptables-restore < /etc/iptables.rules",
            "/sbin/iptables-restore </etc/iptables/rules.v4",
            "pre-up iptables-restore < /etc/iptables.up.rules",
            "nft -f /etc/nftables.conf",
            "sudo nft flush ruleset",
            "iptables -F",
            "iptables -t nat -F; iptables -F MINE",
            "iptables -F INPUT",
        ] {
            assert!(empties(line), "{line}");
        }
        for line in [
            "iptables-restore -n < /etc/more.rules",
            "iptables -F MINE",
            "iptables -A INPUT -j DROP",
            "nft add rule inet mine input drop",
            "echo iptables",
            "",
        ] {
            assert!(!empties(line), "{line}");
        }
    }
}
