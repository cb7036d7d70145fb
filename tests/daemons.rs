//! The real daemons read what is rendered: dnsmasq, Samba, iptables in a network namespace of its own, systemd, and
//! hostapd as far as it goes without a radio. `scripts/test` installs them; their absence is a failure here.
#![allow(clippy::disallowed_methods)]

mod common;

use common::{PASSPHRASE, Tree};
use piback::profile::types::Passphrase;
use piback::profile::{embedded, load};
use piback::provision::components;
use piback::provision::components::component::Checker;
use piback::provision::desired::artifact::{Artifact, Secrets};
use piback::provision::desired::render::render;
use piback::provision::host::facts::{Facts, Stack};
use piback::provision::probe::rules;
use piback::provision::validate;
use piback::provision::validate::result::ValidationResult;
use piback::system::fake::FakeHost;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

const EVERY_OPTION: &str = include_str!("golden/every-option.yaml");

fn secrets() -> Secrets {
    Secrets {
        wifi: Passphrase::from_file_content(PASSPHRASE.as_bytes()).unwrap(),
        screen: Some(Passphrase::from_file_content(b"screen = #1").unwrap()),
    }
}

/// Every stack and profile.
fn all() -> Vec<(String, Vec<Artifact>)> {
    let mut all = Vec::new();
    for stack in [Stack::Ifupdown, Stack::Dhcpcd, Stack::NetworkManager] {
        for name in ["travel", "moving-electrons", "every-option"] {
            let profile = load(embedded(name).unwrap_or(EVERY_OPTION), name).unwrap();
            let facts = Facts {
                os: Default::default(),
                stack,
                interfaces_d_is_read: false,
                ssh_ports: vec![22],
                installed: true,
            };
            let made = render(&profile, &facts, "wpa_passphrase", &BTreeMap::new()).unwrap();
            all.push((format!("{name} on {stack}"), made));
        }
    }
    all
}

fn file(artifacts: &[Artifact], path: &str) -> String {
    artifacts.iter().find(|a| a.path == path).unwrap_or_else(|| panic!("no {path}")).body.expose(&secrets())
}

/// Runs a shell script in a network namespace of its own, which ends with it.
fn in_namespace(script: &str) -> Output {
    let output = Command::new("unshare").args(["--net", "--mount", "sh", "-euc", script]).output().unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains(": not found"), "a tool is missing, scripts/test installs it: {text}");
    output
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn their_own_tests_pass_on_every_profile_and_stack() {
    let tree = Tree::new();
    let host = FakeHost::live(&tree.root(), piback::system::run::Tool::output).unwrap();
    for (name, artifacts) in all() {
        let checks = validate::all(&host, &artifacts, Some(&secrets())).unwrap();
        for check in &checks {
            match &check.result {
                ValidationResult::Passed => {}
                // A drop-in can be read only where its unit is installed. hostapd's is here; NetworkManager would take the
                // test machine's network over and dnsmasq its port 53. The lab's guests have both. Debian's wayvnc has no unit.
                ValidationResult::NotChecked(_)
                    if ["NetworkManager-wait-online", "dnsmasq.service.d", "wayvnc.service.d"]
                        .iter()
                        .any(|u| check.path.contains(u)) => {}
                other => panic!("{name}: {}: {other:?}", check.path),
            }
        }
        let checked = |a: &&Artifact| {
            let entry = components::files().find(|e| e.path == a.path && e.ownership == a.ownership);
            entry.is_some_and(|e| e.checker != Checker::None)
        };
        assert_eq!(checks.len(), artifacts.iter().filter(checked).count(), "{name}");
        assert!(checks.len() >= 7, "{name}");
    }
}

#[test]
fn each_tool_refuses_a_broken_file() {
    let tree = Tree::new();
    let host = FakeHost::live(&tree.root(), piback::system::run::Tool::output).unwrap();
    let profile = load(embedded("travel").unwrap(), "travel").unwrap();
    let facts = Facts {
        os: Default::default(),
        stack: Stack::NetworkManager,
        interfaces_d_is_read: false,
        ssh_ports: vec![22],
        installed: true,
    };
    for (template, path, bad) in [
        ("dnsmasq.conf", "/etc/dnsmasq.d/piback.conf", "dhcp-rnge=1\n"),
        ("samba.conf", "/etc/samba/piback.conf", "[global]\nsmb prots = 445\n"),
        ("ipv4.rules", "/etc/piback/nat/ipv4.rules", "*nat\n-A NOWHERE -j MASQUERADE\nCOMMIT\n"),
        (
            "ipv6.rules",
            "/etc/piback/nat/ipv6.rules",
            "*filter\n-A INPUT -p tcp --dport x -j ACCEPT\nCOMMIT\n",
        ),
        (
            "piback-nat.service",
            "/etc/systemd/system/piback-nat.service",
            "[Service]\nType=oneshto\nExecStart=/bin/true\n",
        ),
        (
            "hostapd.service.conf",
            "/etc/systemd/system/hostapd.service.d/piback.conf",
            "[Service]\nRestrat=always\n",
        ),
        ("hostapd.conf", "/etc/hostapd/hostapd.conf", "sid=x\n"),
        ("sysctl.conf", "/etc/sysctl.d/99-piback.conf", "net.ipv4.ip_forward\n"),
    ] {
        let own = BTreeMap::from([(template.to_owned(), bad.to_owned())]);
        let artifacts = render(&profile, &facts, "wpa_passphrase", &own).unwrap();
        let checks = validate::all(&host, &artifacts, Some(&secrets())).unwrap();
        let failed: Vec<&str> = checks
            .iter()
            .filter(|c| matches!(c.result, ValidationResult::Failed(_)))
            .map(|c| c.path.as_str())
            .collect();
        assert_eq!(failed, [path], "{template}: {checks:?}");
        assert!(validate::refuse_failures(&checks).is_err());
    }
}

#[test]
fn a_tool_that_is_absent_is_not_taken_for_passed() {
    let tree = Tree::new();
    let absent = |tool: &piback::system::run::Tool| {
        Err(piback::system::run::RunError::NotFound { program: tool.program.clone() })
    };
    let host = FakeHost::live(&tree.root(), absent).unwrap();
    let (_, artifacts) = all().remove(0);
    let checks = validate::tools(&host, &artifacts, Some(&secrets())).unwrap();
    assert!(checks.len() >= 6);
    assert!(
        checks
            .iter()
            .all(|c| matches!(&c.result, ValidationResult::NotChecked(why) if why.contains("not installed")))
    );
}

#[test]
fn hostapd_reads_its_file_and_stops_only_at_the_radio() {
    let tree = Tree::new();
    for (name, artifacts) in all() {
        tree.write("/hostapd.conf", file(&artifacts, "/etc/hostapd/hostapd.conf"));
        let said = text(&in_namespace(&format!("hostapd {} || true", tree.path("/hostapd.conf").display())));
        // "Line 12: …" and "1 errors found in configuration file" are what it says of a file it does not like.
        assert!(!said.contains("Line ") && !said.contains("errors found in configuration"), "{name}: {said}");
        assert!(
            said.contains("nl80211") || said.contains("interface"),
            "{name}: it did not get to the radio: {said}"
        );
    }
    tree.write("/hostapd.conf", "interface=wlan0\ndriver=nl80211\nssid=x\nchanel=1\n");
    let said = text(&in_namespace(&format!("hostapd {} || true", tree.path("/hostapd.conf").display())));
    assert!(said.contains("Line 4"), "a wrong file is not noticed: {said}");
}

/// The commands of a unit, as systemd would run them: `-` in front means that failing is fine.
fn commands(unit: &str, kind: &str, dir: &Path) -> String {
    let line = |line: &str| {
        let command = line.strip_prefix(&format!("{kind}="))?;
        let command = command.replace("/etc/piback/nat", &dir.display().to_string());
        let command = if let Some((before, file)) = command.split_once("--noflush ") {
            format!("{before}--noflush {file}")
        } else {
            command
        };
        Some(match command.strip_prefix('-') {
            Some(command) => format!("{command} 2>/dev/null || true\n"),
            None => format!("{command}\n"),
        })
    };
    // A line goes on after a backslash, which systemd replaces with a space.
    unit.replace("\\\n", " ").lines().filter_map(line).collect()
}

#[test]
fn the_rules_load_twice_without_doubling_leave_others_alone_and_go_again() {
    let tree = Tree::new();
    for (name, artifacts) in all() {
        tree.write("/nat/clear.sh", file(&artifacts, "/etc/piback/nat/clear.sh"));
        tree.write("/nat/ipv4.rules", file(&artifacts, "/etc/piback/nat/ipv4.rules"));
        tree.write("/nat/ipv6.rules", file(&artifacts, "/etc/piback/nat/ipv6.rules"));
        let unit = file(&artifacts, "/etc/systemd/system/piback-nat.service");
        let dir = tree.path("/nat");
        let start =
            format!("{}{}", commands(&unit, "ExecStartPre", &dir), commands(&unit, "ExecStart", &dir));
        let stop = commands(&unit, "ExecStopPost", &dir);
        // `-w` waits for the lock in /run, which the mount namespace keeps off the host's own.
        let script = format!(
            "mount -t tmpfs none /run\n\
             show() {{ iptables -t nat -S; iptables -S; ip6tables -S; }}\n\
             iptables -A FORWARD -s 203.0.113.1 -j DROP\n\
             iptables -t nat -A POSTROUTING -o other0 -j MASQUERADE\n\
             show > {0}/before\n{start}show > {0}/once\n{start}show > {0}/twice\n\
             export SERVICE_RESULT=success\n{stop}show > {0}/after\n",
            tree.root().display()
        );
        let output = in_namespace(&script);
        assert!(output.status.success(), "{name}: {}", text(&output));
        let (before, once, twice, after) =
            (tree.read("before"), tree.read("once"), tree.read("twice"), tree.read("after"));
        assert_eq!(once, twice, "{name}: a second start changes rules");
        assert_eq!(before, after, "{name}: a stop leaves rules behind");
        for rule in ["-A FORWARD -s 203.0.113.1/32 -j DROP", "-A POSTROUTING -o other0 -j MASQUERADE"] {
            assert!(once.contains(rule), "{name}: another's rule is gone: {rule}");
        }
        assert_eq!(once.matches("-j PIBACK-FORWARD").count(), 2, "{name}: one jump each for IPv4 and IPv6");
        let shared = !name.starts_with("every-option");
        // Their own rule names other0.
        let ours =
            |line: &&str| line.starts_with("-A PIBACK-POSTROUTING -s ") && line.ends_with("-j MASQUERADE");
        assert_eq!(once.lines().any(|line| ours(&line)), shared, "{name}");
    }
}

#[test]
fn rules_in_the_kernel_read_back_as_their_file_does_and_one_that_was_touched_does_not() {
    let tree = Tree::new();
    let dir = tree.path("/nat");
    for (name, artifacts) in all() {
        for (tool, family) in [("iptables", "ipv4"), ("ip6tables", "ipv6")] {
            let (path, at) = (format!("/etc/piback/nat/{family}.rules"), format!("/nat/{family}.rules"));
            tree.write(&at, file(&artifacts, &path));
            // Another tool's chains and rules around ours, before and after.
            let script = format!(
                "mount -t tmpfs none /run\ncd {0}\n{tool} -N DOCKER-USER\n{tool} -A FORWARD -j DOCKER-USER\n\
                 {tool}-restore --noflush < {family}.rules\n{tool} -I FORWARD -j DOCKER-USER\n{tool}-save > there\n\
                 unshare --net sh -c '{tool}-restore -w --noflush && {tool}-save' < {family}.rules > wanted\n\
                 {tool} -D PIBACK-INPUT 2\n{tool}-save > less\n{tool} -I PIBACK-FORWARD -j ACCEPT\n{tool}-save > more\n",
                dir.display()
            );
            let output = in_namespace(&script);
            assert!(output.status.success(), "{name}: {}", text(&output));
            let read = |file: &str| std::fs::read_to_string(dir.join(file)).unwrap();
            let wanted = read("wanted");
            let said = |file: &str| {
                let table =
                    |table| rules::difference(&rules::ours(&wanted, table), &rules::ours(&read(file), table));
                (table("filter"), table("nat"))
            };
            assert!(rules::ours(&wanted, "filter").len() > 20, "{name}: {wanted}");
            assert_eq!(said("there"), (None, None), "{name} {family}");
            assert!(
                said("less").0.is_some_and(|s| s.starts_with("a rule is missing: -A PIBACK-INPUT")),
                "{name}"
            );
            assert!(said("more").0.is_some() && said("more").1.is_none(), "{name}");
        }
    }
}

#[test]
fn rules_that_load_half_way_stay_at_boot_and_go_after_a_failed_apply() {
    let tree = Tree::new();
    let (_, artifacts) = all().into_iter().next().unwrap();
    tree.write("/nat/clear.sh", file(&artifacts, "/etc/piback/nat/clear.sh"));
    tree.write("/nat/ipv4.rules", file(&artifacts, "/etc/piback/nat/ipv4.rules"));
    let unit = file(&artifacts, "/etc/systemd/system/piback-nat.service");
    let start = commands(&unit, "ExecStart", &tree.path("/nat"));
    let stop = commands(&unit, "ExecStopPost", &tree.path("/nat"));
    // An apply is open as long as its journal is there.
    for (open, stay) in
        [("", true), ("mkdir -p /var/lib/piback/journal; touch /var/lib/piback/journal/intent.json", false)]
    {
        let script = format!(
            "mount -t tmpfs none /run\nmount -t tmpfs none /var/lib\n{open}\n\
             ( {start} ) && [ -e /proc/net/if_inet6 ] && exit 9\n\
             export SERVICE_RESULT=exit-code\n{stop}iptables -S > {0}/after\n",
            tree.root().display()
        );
        let output = in_namespace(&script);
        assert!(output.status.success(), "{}", text(&output));
        assert_eq!(tree.read("after").contains("-A INPUT -j PIBACK-INPUT"), stay, "{}", tree.read("after"));
    }
}

#[test]
fn dnsmasq_starts_before_the_address_and_serves_it_and_no_other() {
    let tree = Tree::new();
    let (_, artifacts) = all().into_iter().find(|(name, _)| name == "travel on dhcpcd").unwrap();
    tree.write("/dnsmasq.conf", file(&artifacts, "/etc/dnsmasq.d/piback.conf"));
    let script = format!(
        "mount -t tmpfs none /run; mkdir -p /run/dnsmasq\n\
         ip link set lo up; ip link add wlan0 type veth peer name ipad0; ip link add eth0 type veth peer name hotel0; ip link set ipad0 up; ip link set hotel0 up\n\
         ip addr add 192.0.2.7/24 dev eth0; ip link set eth0 up\n\
         dnsmasq --keep-in-foreground --conf-file={0}/dnsmasq.conf --pid-file= --dhcp-leasefile={0}/leases --user=root >{0}/log 2>&1 &\n\
         pid=$!\n\
         sleep 1; kill -0 $pid\n\
         ip link set wlan0 up; ip addr add 10.41.0.1/24 dev wlan0\n\
         for i in 1 2 3 4 5 6 7 8 9 10; do ss -Hlun | grep -q 10.41.0.1:53 && break; sleep 1; done\n\
         ss -Hlun | awk '{{print $4}}' > {0}/udp; ss -Hltn | awk '{{print $4}}' > {0}/tcp\n\
         kill $pid; wait $pid || true\n",
        tree.root().display()
    );
    let output = in_namespace(&script);
    let log = std::fs::read_to_string(tree.path("log")).unwrap_or_default();
    assert!(output.status.success(), "{}{log}", text(&output));
    let (udp, tcp) = (tree.read("udp"), tree.read("tcp"));
    assert!(udp.contains("10.41.0.1:53") && tcp.contains("10.41.0.1:53"), "no DNS on the Wi-Fi: {udp}{tcp}");
    assert!(!udp.contains("192.0.2.7") && !tcp.contains("192.0.2.7"), "DNS on Ethernet: {udp}{tcp}");
}
