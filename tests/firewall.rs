//! docs/FIREWALL.md held against real packets: every pair of its tables, in network namespaces, without another firewall,
//! with Docker's rules and with ufw's.
#![allow(clippy::disallowed_methods)]

mod common;

use common::Tree;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

const OTHERS: [&str; 3] = ["none", "docker", "ufw"];

/// What world.py calls the columns of the tables.
fn target(column: &str) -> &str {
    match column {
        "SSH" => "pi ssh",
        "page" => "pi page",
        "share" => "pi share",
        "other ports" => "pi other",
        "10.41.0.1" => "pi by the Wi-Fi's address",
        other => other,
    }
}

/// The cells below a heading of docs/FIREWALL.md: `hotel > pi ssh IPv4` to `yes`, `no` or `host`.
fn table(docs: &str, heading: &str, family: u8) -> BTreeMap<String, String> {
    let section = docs.split("\n## ").find(|s| s.starts_with(heading)).unwrap_or_else(|| panic!("{heading}"));
    let rows: Vec<Vec<&str>> = section
        .lines()
        .filter(|line| line.starts_with('|') && !line.starts_with("|---"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let (head, rows) = rows.split_first().unwrap();
    let mut cells = BTreeMap::new();
    for row in rows {
        let from = if row[0] == "Wi-Fi client" { "client" } else { row[0] };
        for (column, cell) in head.iter().zip(row).skip(1).filter(|(_, cell)| **cell != ".") {
            cells.insert(format!("{from} > {} IPv{family}", target(column)), (*cell).to_owned());
        }
    }
    cells
}

/// What the host's own rules make of a pair that piback leaves to them.
fn host_lets(pair: &str, other: &str) -> bool {
    let (from, to) = pair.rsplit_once(" IPv").unwrap().0.split_once(" > ").unwrap();
    match other {
        // Its policy drops what is passed on, but for its own containers; world.py gives IPv6 none.
        "docker" => {
            to.starts_with("pi")
                || from != "trusted"
                || ["container", "published"].contains(&to)
                || pair.ends_with('6')
        }
        "ufw" => to == "pi ssh" && from != "phone",
        // There is no Docker then.
        _ => to != "published",
    }
}

/// Renders the rules and asks every neighbour.
fn seen(uplinks: &str, other: &str, more: &str) -> BTreeMap<String, Option<String>> {
    let tree = Tree::new();
    tree.init("travel");
    let profile = tree.read("/etc/piback/profile.yaml");
    let wanted = format!("  interface: {uplinks}\n  trusted: [gadget0]\n");
    assert!(profile.contains("  interface: auto\n"), "{profile}");
    let profile = profile.replace("  interface: auto\n", &wanted);
    tree.write("/etc/piback/profile.yaml", format!("{profile}{more}"));
    for (program, text) in [
        ("/usr/bin/labwc", ""),
        ("/usr/lib/systemd/system/wayvnc.service", ""),
        ("/etc/rpi-issue", ""),
        ("/etc/piback/secrets/screen-password", "screen password\n"),
    ] {
        tree.write(program, text);
        tree.set_mode(program, 0o600);
    }
    let out = tree.dir.path().join("out");
    let answer = tree.piback(&["render", out.to_str().unwrap(), "--stack", "networkmanager"]);
    assert_eq!(answer.code, 0, "{}", answer.all());
    let output = Command::new("unshare")
        .args(["--net", "--mount", "python3"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/firewall/world.py"))
        .args(["etc/piback/nat/ipv4.rules", "etc/piback/nat/ipv6.rules"].map(|file| out.join(file)))
        .arg(other)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn hold(uplinks: &str) {
    let docs = include_str!("../docs/FIREWALL.md");
    for other in OTHERS {
        let seen = seen(uplinks, other, "");
        let mut wrong = Vec::new();
        let mut held = 0;
        for family in [4, 6] {
            for (pair, cell) in table(docs, &format!("IPv{family}, `interface: {uplinks}`"), family) {
                let open = seen.get(&pair).unwrap_or_else(|| panic!("{pair} was not tried")).is_some();
                let wanted = match cell.as_str() {
                    "yes" => true,
                    "no" => false,
                    "host" => host_lets(&pair, other),
                    strange => panic!("{pair}: {strange}"),
                };
                held += 1;
                if open != wanted {
                    wrong.push(format!("{pair}: {cell} in the docs, but open is {open}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{uplinks}, {other}: {wrong:#?}");
        assert!(held > 120, "only {held} pairs were held");
        // Shared internet goes out under the Pi's own address: the hotel sees no address of the Wi-Fi's.
        assert_eq!(seen["client > hotel IPv4"].as_deref(), Some("192.168.7.50"), "{other}");
        assert_eq!(seen["client > pi share IPv4"].as_deref(), Some("10.41.0.60"), "{other}");
    }
}

#[test]
fn with_auto_every_pair_is_as_the_docs_say() {
    hold("auto");
}

#[test]
fn with_named_uplinks_every_pair_is_as_the_docs_say() {
    hold("[eth0, usb0]");
}

#[test]
fn the_screen_is_open_to_the_wi_fi_alone() {
    for other in OTHERS {
        let seen = seen("auto", other, "remote_screen: true\n");
        assert!(seen["client > pi screen IPv4"].is_some(), "{other}");
        for from in ["hotel", "phone", "vpn", "lan"] {
            for family in [4, 6] {
                assert_eq!(seen[&format!("{from} > pi screen IPv{family}")], None, "{from}, {other}");
            }
        }
    }
    // Where it is not wanted, what the host's own rules drop stays dropped.
    assert_eq!(seen("auto", "ufw", "")["client > pi screen IPv4"], None);
}
