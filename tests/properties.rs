//! What must hold for any profile and any host, not just for those that somebody thought of.
#![allow(clippy::disallowed_methods)]

mod common;

use common::{Tree, readers};
use piback::profile::types::Passphrase;
use piback::provision::components;
use piback::provision::components::component::Ownership;
use piback::provision::desired::artifact::{Artifact, Secrets};
use piback::provision::desired::render::render;
use piback::provision::host::facts::{Facts, Stack};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, symlink};

/// Names with everything in them that some config file takes for more than a letter.
fn ssid() -> impl Strategy<Value = String> {
    let nasty = prop::sample::select(vec![
        "\n",
        "\r",
        "\0",
        "\"",
        "'",
        "#",
        ";",
        "%",
        "[",
        "]",
        "{{",
        "}}",
        "{%",
        "\\",
        "\\x41",
        " ",
        "\t",
        "=",
        "$(x)",
        "`x`",
        "é",
        "日",
        "\u{1b}[31m",
        "\u{1}",
        "\u{1}wifi-passphrase\u{1}",
        "ssid=",
        "P\"",
        "\u{2028}",
        "\u{feff}",
    ]);
    let piece =
        prop_oneof![nasty.prop_map(str::to_owned), "[ -~]{1,6}", any::<char>().prop_map(String::from)];
    prop::collection::vec(piece, 1..8)
        .prop_map(|pieces| {
            let mut text: String = pieces.concat();
            while text.len() > 32 {
                text.pop();
            }
            text
        })
        .prop_filter("a name has a byte", |text| !text.is_empty())
}

fn passphrase() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{8,63}", "[0-9a-fA-F]{64}"]
}

#[derive(Debug, Clone)]
struct Sample {
    yaml: String,
    ssid: String,
    passphrase: String,
    channel: u8,
    width: u8,
    address: String,
    network: String,
    prefix: u8,
    first: String,
    last: String,
    upstream: Vec<String>,
    share: bool,
    ssh: bool,
    writable: bool,
    hidden: bool,
    country: String,
    interface: String,
}

prop_compose! {
    fn sample()(
        ssid in ssid(),
        passphrase in passphrase(),
        (band, channel, width) in prop_oneof![
            (1_u8..=11).prop_map(|c| ("2.4GHz", c, 20)),
            (prop::sample::select(vec![36_u8, 40, 44, 48]), prop::sample::select(vec![20_u8, 40, 80]))
                .prop_map(|(c, w)| ("5GHz", c, w)),
        ],
        b in 0_u8..=255, c in 0_u8..=255, pi in 1_u8..=9, first in 10_u8..=100, more in 0_u8..=150,
        upstream in prop::collection::vec(any::<[u8; 3]>().prop_map(|[a, b, c]| format!("9.{a}.{b}.{c}")), 0..3),
        flags in any::<[bool; 4]>(),
        country in prop::sample::select(vec!["US", "DE", "NO", "JP", "CH"]),
        interface in "[a-z][a-z0-9_.-]{0,14}".prop_filter("lo is no radio, eth0 the uplink", |i| i != "lo" && i != "eth0"),
    ) -> Sample {
        let [share, ssh, writable, hidden] = flags;
        let at = |last: u8| format!("10.{b}.{c}.{last}");
        let last = first + more;
        let private = hidden && !upstream.is_empty();
        let quoted = serde_json::to_string(&ssid).unwrap().replace('\u{7f}', "\\u007f");
        let quoted: String = quoted.chars().map(|c| match c {
            // YAML takes these only escaped; JSON leaves them as they are.
            '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => format!("\\u{:04x}", c as u32),
            c => c.to_string(),
        }).collect();
        let yaml = format!("version: 1\n\
            wifi: {{interface: \"{interface}\", ssid: {quoted}, passphrase_file: /etc/piback/secrets/p, country: \"{country}\", hidden: {hidden},\n  \
              radio: {{band: {band}, channel: {channel}, width: {width}}}}}\n\
            network:\n  address: {}/24\n  dhcp: {{range: {}-{}, lease: 12h}}\n  dns: {{upstream: {upstream:?}, private: {private}}}\n\
            uplink: {{interface: eth0, share: {share}, ssh: {ssh}}}\n\
            share: {{writable: {writable}}}\n\
            backup: {{destination: D, mount_root: /media/x}}\n", at(pi), at(first), at(last));
        Sample { yaml, ssid, passphrase, channel, width, address: at(pi), network: at(0), prefix: 24, first: at(first),
            last: at(last), upstream, share, ssh, writable, hidden, country: country.to_owned(), interface }
    }
}

fn stack() -> impl Strategy<Value = Stack> {
    prop::sample::select(vec![Stack::Ifupdown, Stack::Dhcpcd, Stack::NetworkManager])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// No value breaks out of its line in any template, and none is lost.
    #[test]
    fn rendered_files_read_back_as_the_profile(sample in sample(), stack in stack()) {
        let profile = match piback::profile::load(&sample.yaml, "p") {
            Ok(profile) => profile,
            Err(e) => panic!("{e}\n{}", sample.yaml),
        };
        prop_assert_eq!(profile.wifi.ssid.as_str(), &sample.ssid);
        let facts = Facts { os: Default::default(), stack, interfaces_d_is_read: false, ssh_ports: vec![22], installed: true };
        let wifi = Passphrase::from_file_content(sample.passphrase.as_bytes()).unwrap();
        let artifacts = render(&profile, &facts, wifi.hostapd_key(), &BTreeMap::new()).unwrap();
        let secrets = Secrets { wifi, screen: None };
        let file = |path: &str| artifacts.iter().find(|a: &&Artifact| a.path == path).map(|a| a.body.expose(&secrets));

        let hostapd = readers::hostapd(&file("/etc/hostapd/hostapd.conf").unwrap());
        let value = |key: &str| hostapd.get(key).map(String::as_str);
        prop_assert_eq!(value("ssid"), Some(sample.ssid.as_str()));
        prop_assert_eq!(value("wpa_passphrase").or(value("wpa_psk")), Some(sample.passphrase.as_str()));
        prop_assert_eq!(value("channel").unwrap(), sample.channel.to_string());
        prop_assert_eq!(value("hw_mode").unwrap(), if sample.channel > 14 { "a" } else { "g" });
        prop_assert_eq!(value("ht_capab").unwrap().contains("HT40"), sample.width > 20);
        prop_assert_eq!(value("vht_oper_chwidth") == Some("1"), sample.width == 80);
        prop_assert_eq!(value("ignore_broadcast_ssid").unwrap(), if sample.hidden { "1" } else { "0" });
        prop_assert_eq!(value("country_code").unwrap(), &sample.country);
        prop_assert_eq!(value("interface").unwrap(), &sample.interface);

        let dnsmasq = readers::dnsmasq(&file("/etc/dnsmasq.d/piback.conf").unwrap());
        prop_assert_eq!(&dnsmasq["interface"], &vec![sample.interface.clone()]);
        prop_assert_eq!(&dnsmasq["listen-address"], &vec![sample.address.clone()]);
        prop_assert_eq!(&dnsmasq["dhcp-range"], &vec![format!("{},{},255.255.255.0,12h", sample.first, sample.last)]);
        // The profile's servers stand in dnsmasq's own file where they are asked alone, else in the script that falls back on them.
        let private = profile.network.dns.private;
        let own = if private { sample.upstream.clone() } else { Vec::new() };
        prop_assert_eq!(dnsmasq.get("server").cloned().unwrap_or_default(), own);
        prop_assert_eq!(dnsmasq.contains_key("servers-file"), !private);
        let script = file("/etc/piback/dns/servers.sh").unwrap_or_default();
        let falls_back = script.contains(&format!("servers='{}'\n", sample.upstream.join(" ")));
        prop_assert_eq!(falls_back, !private && !sample.upstream.is_empty());
        let spares_loopback = stack == Stack::NetworkManager;
        prop_assert_eq!(dnsmasq.contains_key("except-interface"), spares_loopback);
        prop_assert_eq!(&dnsmasq["host-record"], &vec![format!("piback.lan,piback,{}", sample.address)]);
        prop_assert_eq!(dnsmasq.len(), 11 + usize::from(spares_loopback));

        let samba = readers::samba(&file("/etc/samba/piback.conf").unwrap());
        prop_assert_eq!(&samba["global"]["interfaces"], &format!("lo {}", sample.interface));
        prop_assert_eq!(samba["Drives"]["read only"] == "no", sample.writable);
        prop_assert_eq!(samba.len(), 3);

        let rules = readers::words(&file("/etc/piback/nat/ipv4.rules").unwrap());
        let masquerade = ["-A", "PIBACK-POSTROUTING", "-s", &format!("{}/{}", sample.network, sample.prefix), "-o", "eth0", "-j", "MASQUERADE"].map(String::from).to_vec();
        prop_assert_eq!(rules.contains(&masquerade), sample.share);
        let ssh = ["-A", "PIBACK-INPUT", "-i", "eth0", "-p", "tcp", "--dport", "22", "-j", "RETURN"].map(String::from).to_vec();
        prop_assert_eq!(rules.contains(&ssh), sample.ssh);
        prop_assert_eq!(file("/etc/sysctl.d/99-piback.conf").is_some(), sample.share);

        match stack {
            Stack::Ifupdown => {
                let lines = readers::words(&file("/etc/network/interfaces.d/piback").unwrap());
                prop_assert_eq!(&lines[2], &["address", &sample.address].map(String::from));
                let deny = readers::words(&file("/etc/dhcpcd.conf").unwrap());
                prop_assert_eq!(deny, vec![vec!["denyinterfaces".to_owned(), sample.interface.clone()]]);
            }
            Stack::Dhcpcd => {
                let lines = readers::words(&file("/etc/dhcpcd.conf").unwrap());
                prop_assert_eq!(&lines[0], &["interface", &sample.interface].map(String::from));
                prop_assert_eq!(&lines[1][1], &format!("ip_address={}/{}", sample.address, sample.prefix));
                prop_assert_eq!(lines.len(), 3);
            }
            Stack::NetworkManager => {
                let lines = readers::words(&file("/etc/NetworkManager/conf.d/99-piback.conf").unwrap());
                prop_assert_eq!(&lines[1], &[format!("unmanaged-devices+=interface-name:{}", sample.interface)]);
            }
        }
        // Nothing but lines: no control character in any file.
        for artifact in &artifacts {
            let text = artifact.body.expose(&secrets);
            prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{}", artifact.path);
        }
    }
}

/// What stood at a managed path before.
#[derive(Debug, Clone)]
enum Prior {
    Absent,
    File { bytes: Vec<u8>, mode: u32, uid: u32 },
    Link { target: &'static str },
}

fn prior() -> impl Strategy<Value = Prior> {
    let line = prop_oneof![
        "[ -~]{0,30}",
        Just("interface eth0".to_owned()),
        Just("wpa_passphrase=somebody else's".to_owned()),
        Just("[global]".to_owned()),
        Just("source /etc/network/interfaces.d/*".to_owned()),
    ];
    let text = (prop::collection::vec(line, 0..6), prop::sample::select(vec!["\n", "\r\n"]), any::<bool>())
        .prop_map(|(lines, end, last)| {
            let text = lines.join(end);
            if last { text + end } else { text }.into_bytes()
        });
    let block = "# BEGIN piback: old\nold=1\n# END piback\n";
    let with_block = text.clone().prop_map(move |t| [&t[..], b"\n", block.as_bytes(), &t[..]].concat());
    let bytes = prop_oneof![4 => text, 1 => with_block, 1 => prop::collection::vec(any::<u8>(), 0..40)];
    let file =
        (bytes, prop::sample::select(vec![0o644_u32, 0o600, 0o444, 0o400, 0o755, 0o4755, 0o000]), 0_u32..3)
            .prop_map(|(bytes, mode, uid)| Prior::File { bytes, mode, uid });
    let link = prop::sample::select(vec![
        "/opt/target",
        "../../../../../../../outside",
        "nowhere",
        "/etc/passwd",
        "loop",
        "..",
    ]);
    prop_oneof![3 => Just(Prior::Absent), 4 => file, 2 => link.prop_map(|target| Prior::Link { target })]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn apply_is_idempotent_and_rollback_is_its_inverse(
        priors in prop::collection::vec(prior(), components::files().count()),
        stack in stack(),
        second in stack(),
    ) {
        let tree = Tree::new();
        std::fs::write(tree.dir.path().join("outside"), "not ours").unwrap();
        tree.write("/opt/target", "linked\n");
        tree.write("/etc/passwd", "root:x:0:0::/:/bin/sh\n");
        for (entry, prior) in components::files().zip(&priors) {
            let path = tree.path(entry.path);
            if path.symlink_metadata().is_ok() {
                continue;
            }
            match prior {
                Prior::Absent => {}
                Prior::File { bytes, mode, uid } => {
                    tree.write(entry.path, bytes);
                    let _ = std::os::unix::fs::chown(&path, Some(*uid), Some(*uid));
                    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(*mode)).unwrap();
                }
                Prior::Link { target } => {
                    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                    symlink(target, &path).unwrap();
                }
            }
        }
        let names = [stack, second].map(|s| s.to_string());
        tree.init("travel");
        let before = tree.snapshot();
        let apply = tree.piback(&["apply", "--stack", &names[0], "--yes"]);
        // Random bytes can hold half a block, and a link to a directory is none to a file: refused, nothing changed.
        if apply.code != 0 {
            prop_assert_eq!(apply.code, 1, "{}", apply.all());
            prop_assert!(tree.snapshot().untouched(&before), "{}", apply.all());
            return Ok(());
        }
        let first = tree.snapshot();
        let again = tree.piback(&["apply", "--stack", &names[0], "--yes"]);
        prop_assert_eq!(again.code, 0, "{}", again.all());
        prop_assert!(tree.snapshot().untouched(&first), "a second apply touched something");
        prop_assert_eq!(tree.piback(&["plan", "--stack", &names[0], "--check"]).code, 0);

        // The stack changes, as after an upgrade, and only its own files are there.
        let other = tree.piback(&["apply", "--stack", &names[1], "--yes"]);
        prop_assert_eq!(other.code, 0, "{}", other.all());
        for entry in components::files() {
            let ours = entry.ownership == Ownership::Whole && !entry.stacks.iter().any(|s| s.to_string() == names[1]);
            let now = tree.snapshot();
            if ours {
                prop_assert_eq!(now.0.get(entry.path), before.0.get(entry.path), "{} was not taken back", entry.path);
            }
        }

        let back = tree.piback(&["rollback", "--original", "--yes"]);
        prop_assert_eq!(back.code, 0, "{}", back.all());
        let state = ["/var"];
        prop_assert_eq!(tree.snapshot().without(&state), before.without(&state));
        prop_assert_eq!(std::fs::read_to_string(tree.dir.path().join("outside")).unwrap(), "not ours");
    }
}
