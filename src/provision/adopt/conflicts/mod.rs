//! Settings of others that fight with piback's and that no recogniser knows: beyond what `adopt` comments out, piback
//! never edits another's lines, so each is named, with what to do. A registry of kinds, each in a file of its own; `plan`,
//! `apply` and `doctor` read the same list.

mod bridge;
mod by_hand;
mod dhcpcd;
mod dnsmasq;
mod docker;
mod firewalls;
mod found;
mod ifupdown;
mod looked;
mod networkd;
mod ports;
mod radio;
mod rivals;
mod screen;
mod shares;
mod sysctl;
mod tls;
mod units;
mod way_in;

pub use found::{Conflict, Weight};

use crate::error::Problem;
use crate::profile::Profile;
use crate::provision::adopt::ManualSetup;
use crate::provision::adopt::conflicts::found::Found;
use crate::provision::adopt::conflicts::looked::Looked;
use crate::provision::host::facts::Facts;
use crate::system::Host;

/// One row of the registry.
struct Kind {
    name: &'static str,
    look: fn(&Looked<'_>, &mut Found) -> anyhow::Result<()>,
}

const SCREEN: &str = "screen";

/// The registry, in the order in which conflicts are said.
const KINDS: &[Kind] = &[
    Kind { name: "radio", look: radio::look },
    Kind { name: "rival", look: rivals::look },
    Kind { name: "by hand", look: by_hand::look },
    Kind { name: "ifupdown", look: ifupdown::look },
    Kind { name: "dhcpcd", look: dhcpcd::look },
    Kind { name: "networkd", look: networkd::look },
    Kind { name: "bridge", look: bridge::look },
    Kind { name: "unit", look: units::look },
    Kind { name: "dnsmasq", look: dnsmasq::look },
    Kind { name: "sysctl", look: sysctl::look },
    Kind { name: "share", look: shares::look },
    Kind { name: SCREEN, look: screen::look },
    Kind { name: "TLS", look: tls::look },
    Kind { name: "firewall", look: firewalls::look },
    Kind { name: "port", look: ports::look },
    Kind { name: "Docker", look: docker::look },
    Kind { name: "way in", look: way_in::look },
];

/// Finds them.
///
/// # Errors
/// When a file can't be read.
pub fn find(
    host: &dyn Host,
    facts: &Facts,
    profile: &Profile,
    manual: &ManualSetup,
) -> anyhow::Result<Vec<Conflict>> {
    let looked = Looked::new(host, facts, profile, manual)?;
    let mut all = Vec::new();
    for kind in KINDS {
        let mut found = Found { kind: kind.name, list: Vec::new() };
        (kind.look)(&looked, &mut found)?;
        all.append(&mut found.list);
    }
    Ok(all)
}

/// Tells whether an apply on such a host, live or a tree, is refused because of it.
#[must_use]
pub fn stops(conflict: &Conflict, is_live: bool) -> bool {
    match conflict.weight {
        Weight::Said => false,
        Weight::Running => is_live,
        Weight::Refused => true,
    }
}

/// Tells whether it keeps the remote screen from being shown.
#[must_use]
pub fn is_of_screen(conflict: &Conflict) -> bool {
    conflict.kind == SCREEN
}

/// Refuses an apply beside settings that fight with it, all in one go.
///
/// # Errors
/// With each place and its remedy.
pub fn refuse(conflicts: &[Conflict], is_live: bool) -> anyhow::Result<()> {
    let stop: Vec<&Conflict> = conflicts.iter().filter(|c| stops(c, is_live)).collect();
    if stop.is_empty() {
        return Ok(());
    }
    let problem = Problem::failed("settings of others fight with piback's, and nothing was changed");
    Err(stop.iter().fold(problem, |problem, conflict| problem.hint(conflict.to_string())).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{EMBEDDED, load};
    use crate::provision::host::facts::{Stack, os_release};
    use crate::system::FileNode;
    use crate::system::fake::FakeHost;
    use crate::system::run::{Output, Tool};

    /// A running host whose tools answer so, and that has these files.
    fn look(files: &[(&str, &str)], answers: &'static [(&str, &str)]) -> Vec<Conflict> {
        let root = tempfile::tempdir().unwrap();
        let tree = FakeHost::tree(root.path()).unwrap();
        for (path, text) in files {
            for (end, _) in path.match_indices('/').skip(1) {
                tree.make_dir(&path[..end], 0o755).unwrap();
            }
            let file = FileNode { bytes: text.as_bytes().to_vec(), mode: 0o644, uid: 0, gid: 0 };
            tree.write(path, &file).unwrap();
        }
        let host = FakeHost::live(root.path(), |tool: &Tool| {
            let words: Vec<_> = tool.args.iter().map(|a| a.to_string_lossy().into_owned()).collect();
            let line = format!("{} {}", tool.program, words.join(" "));
            let said = answers.iter().find(|(begins, _)| line.starts_with(begins)).map(|(_, said)| *said);
            let code = Some(i32::from(said.is_none()));
            Ok(Output { code, stdout: said.unwrap_or_default().into(), stderr: String::new() })
        })
        .unwrap();
        let (os, stack) = (os_release(""), Stack::NetworkManager);
        let facts = Facts { os, stack, interfaces_d_is_read: false, ssh_ports: vec![22], installed: true };
        let profile = load(EMBEDDED[0].1, "travel").unwrap();
        find(&host, &facts, &profile, &ManualSetup::default()).unwrap()
    }

    #[test]
    fn what_only_a_running_host_shows() {
        type Case =
            (&'static [(&'static str, &'static str)], &'static [(&'static str, &'static str)], &'static str);
        let cases: &[(Case, Weight)] = &[
            (
                (
                    &[],
                    &[(
                        "nft list ruleset",
                        "table inet x {\n chain i {\n  type filter hook input priority 0; policy drop;\n }\n}\n",
                    )],
                    "table inet x chain i",
                ),
                Weight::Refused,
            ),
            (
                (&[], &[("ip -o link show dev wlan0", "3: wlan0: <UP> mtu 1500 master br7 state UP")], "br7"),
                Weight::Refused,
            ),
            (
                (
                    &[],
                    &[("ss -Hlunp", "UNCONN 0 0 0.0.0.0:67 0.0.0.0:* users:((\"dhcpd\",pid=1,fd=7))\n")],
                    "dhcpd on 0.0.0.0:67",
                ),
                Weight::Refused,
            ),
            (
                (
                    &[],
                    &[("ss -Hltnp", "LISTEN 0 5 *:80 *:* users:((\"nginx\",pid=1,fd=7))\n")],
                    "nginx on *:80",
                ),
                // The page is wanted: it could not be there.
                Weight::Refused,
            ),
            (
                (
                    &[("/proc/net/ip_tables_names", "nat\nfilter\n")],
                    &[
                        ("iptables --version", "iptables v1.8.9 (nf_tables)\n"),
                        ("iptables-legacy -w -S", "-P INPUT DROP\n-P FORWARD ACCEPT\n"),
                    ],
                    "iptables-legacy -P INPUT DROP",
                ),
                Weight::Refused,
            ),
            (
                (
                    &[("/var/lib/docker/x", "")],
                    &[(
                        "iptables -w -t nat -S DOCKER",
                        "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\n",
                    )],
                    "Docker's ports 8080",
                ),
                Weight::Said,
            ),
        ];
        for ((files, answers, at), weight) in cases {
            let found = look(files, answers);
            assert!(found.iter().any(|c| c.at == *at && c.weight == *weight), "{at}: {found:?}");
            assert_eq!(found.len(), 1, "{found:?}");
        }
        assert_eq!(look(&[], &[]), []);
        let dnsmasqs = &[("ss -Hlunp", "UNCONN 0 0 0.0.0.0:67 0.0.0.0:* users:((\"dnsmasq\",pid=1,fd=7))\n")];
        assert_eq!(look(&[], dnsmasqs), [], "it is the appliance's own");
    }
}
