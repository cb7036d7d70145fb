//! A Pi that was set up by hand from the article, on each network stack: what is commented out, what stays, what comes back.
#![allow(clippy::disallowed_methods)]

mod common;

use common::Tree;
use piback::provision::adopt;
use piback::provision::desired::Desired;
use piback::provision::host::facts::{Facts, Stack};
use piback::provision::host::systemd;
use piback::provision::plan;
use piback::provision::resources::rule::{self, RuleChange};
use piback::provision::resources::unit::change;
use piback::provision::state::State;
use piback::system::fake::FakeHost;
use piback::system::run::Output;
use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

const SCRIPT: &str = "/home/pi/scripts/hotspot-boot.sh";

/// The article's files, and a profile; nothing is applied.
fn by_hand() -> Tree {
    let tree = Tree::new();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/article"), &tree, "");
    std::fs::remove_file(tree.path("/README.md")).unwrap();
    tree.set_mode("/etc/rc.local", 0o755);
    tree.set_mode(SCRIPT, 0o750);
    tree.set_mode("/etc/hostapd/hostapd.conf", 0o640);
    tree.init("moving-electrons");
    tree
}

fn copy(from: &Path, tree: &Tree, to: &str) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = format!("{to}/{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            copy(&entry.path(), tree, &to);
        } else {
            tree.write(&to, std::fs::read(entry.path()).unwrap());
        }
    }
}

/// Lines in force, anywhere in a file.
fn active(tree: &Tree, path: &str) -> Vec<String> {
    let text = tree.read(path);
    text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).map(str::to_owned).collect()
}

fn append(tree: &Tree, path: &str, text: &str) {
    tree.write(path, format!("{}{text}", tree.read(path)));
}

#[test]
fn the_article_s_pi_is_taken_over_and_given_back() {
    for stack in ["ifupdown", "dhcpcd", "networkmanager"] {
        let tree = by_hand();
        let before = tree.snapshot();
        let plan = tree.piback(&["plan", "--stack", stack, "--check"]);
        assert_eq!(plan.code, 2, "{}", plan.all());
        for line in [
            "change /etc/rc.local",
            "-sudo /home/pi/scripts/hotspot-boot.sh &",
            "+#piback# sudo /home/pi/scripts/hotspot-boot.sh &",
            "+#piback# bind-interfaces      # and nothing else",
            "+#piback# iface wlan0 inet static",
            "change /etc/hostapd/hostapd.conf",
        ] {
            assert!(plan.stdout.contains(line), "{stack}: no {line}:\n{}", plan.stdout);
        }
        assert!(plan.stderr.contains("/etc/rc.local:9: a set-up by hand"), "{}", plan.stderr);
        assert!(plan.stderr.contains("/etc/sysctl.conf stays"), "{}", plan.stderr);
        assert!(
            plan.stderr
                .contains("its shares (Backup) are there beside piback's, and reached over the Wi-Fi alone"),
            "{}",
            plan.stderr
        );
        assert!(!plan.all().contains("made by hand in 2016"), "its passphrase is nobody's to see");
        assert!(tree.snapshot().untouched(&before), "a plan changes nothing");

        let apply = tree.piback(&["apply", "--stack", stack, "--yes"]);
        assert_eq!(apply.code, 0, "{}", apply.all());
        let again = tree.piback(&["plan", "--check"]);
        assert_eq!((again.code, again.stderr.as_str()), (0, ""), "{stack}: {}", again.all());
        assert_eq!(active(&tree, "/etc/dnsmasq.conf"), [""; 0], "{stack}");
        assert!(!active(&tree, "/etc/rc.local").iter().any(|l| l.contains("hotspot")), "{stack}");
        assert!(active(&tree, "/etc/rc.local").contains(&"exit 0".to_owned()), "{stack}");
        assert!(!active(&tree, "/etc/network/interfaces").iter().any(|l| l.contains("wlan0")), "{stack}");
        assert!(active(&tree, "/etc/network/interfaces").contains(&"iface eth0 inet manual".to_owned()));
        let denied = active(&tree, "/etc/dhcpcd.conf").contains(&"denyinterfaces wlan0".to_owned());
        assert_eq!(denied, stack != "dhcpcd", "{stack}");
        assert_eq!(tree.mode("/etc/rc.local"), 0o755);
        assert!(tree.read(SCRIPT).contains("\nsudo iptables"), "a script that nobody calls is left alone");
        let doctor = tree.piback(&["doctor"]);
        assert!(!doctor.stdout.contains("set-up by hand"), "{}", doctor.stdout);

        let back = tree.piback(&["rollback", "--original", "--yes"]);
        assert_eq!(back.code, 0, "{}", back.all());
        assert_eq!(tree.snapshot().without(&["/var"]), before.without(&["/var"]), "{stack}");
    }
}

#[test]
fn what_the_user_added_survives_and_so_does_what_he_adds_later() {
    for stack in ["ifupdown", "dhcpcd", "networkmanager"] {
        let tree = by_hand();
        append(&tree, "/etc/dnsmasq.conf", "address=/nas.lan/192.168.1.9\ncache-size=500");
        append(
            &tree,
            "/etc/network/interfaces",
            "auto eth1\niface eth1 inet static\n    netmask 255.255.255.0\n",
        );
        append(&tree, "/etc/dhcpcd.conf", "interface eth1\nstatic ip_address=10.9.9.2/24\n");
        append(&tree, SCRIPT, "vncserver :1\n");
        let rc = tree.read("/etc/rc.local").replace("\nexit 0", "\n/home/pi/scripts/leds.sh\n\nexit 0");
        tree.write("/etc/rc.local", rc.clone());
        let before = tree.snapshot();
        let apply = tree.piback(&["apply", "--stack", stack, "--yes"]);
        assert_eq!(apply.code, 0, "{}", apply.all());
        assert_eq!(active(&tree, "/etc/dnsmasq.conf"), ["address=/nas.lan/192.168.1.9", "cache-size=500"]);
        assert!(active(&tree, "/etc/network/interfaces").contains(&"netmask 255.255.255.0".to_owned()));
        // The script has more to do: it is called still, without its rules.
        assert_eq!(active(&tree, SCRIPT), ["vncserver :1"]);
        assert_eq!(tree.mode(SCRIPT), 0o750);
        assert_eq!(tree.read("/etc/rc.local"), rc);
        assert_eq!(tree.piback(&["plan", "--check"]).code, 0, "{stack}");

        // By hand again: commented out again. A line of his own: nothing to do.
        append(&tree, SCRIPT, "iptables -A FORWARD -i wlan0 -o eth0 -j ACCEPT\n");
        assert_eq!(tree.piback(&["plan", "--check"]).code, 2);
        append(&tree, SCRIPT, "echo later\n");
        assert_eq!(tree.piback(&["apply", "--yes"]).code, 0);
        assert_eq!(active(&tree, SCRIPT), ["vncserver :1", "echo later"]);

        let back = tree.piback(&["rollback", "--original", "--yes"]);
        assert_eq!(back.code, 0, "{}", back.all());
        assert!(back.stderr.contains(&format!("{SCRIPT} was edited")), "{}", back.stderr);
        let script = tree.read(SCRIPT);
        assert!(script.contains("\nsudo iptables") && script.ends_with("echo later\n"), "{script}");
        assert!(!script.contains("#piback#"), "{script}");
        let (now, then) = (tree.snapshot(), before);
        assert_eq!(now.without(&["/var", SCRIPT]), then.without(&["/var", SCRIPT]), "{stack}");
    }
}

#[test]
fn what_is_not_known_is_named_and_left_alone() {
    for (path, line, number) in [
        ("/etc/dnsmasq.conf", "interface=eth1", 1),
        ("/etc/network/interfaces", "iface wlan0 inet dhcp\n    wpa-ssid home", 10),
        ("/etc/dhcpcd.conf", "denyinterfaces eth1 wlan0", 13),
        ("/etc/rc.local", "cd /home/pi; ./scripts/hotspot-boot.sh", 12),
        (SCRIPT, "iptables -t nat -A POSTROUTING -s 10.0.0.0/8 -j MASQUERADE", 4),
    ] {
        let tree = by_hand();
        tree.write("/sbin/dhcpcd", "");
        append(&tree, path, &format!("{line}\n"));
        let plan = tree.piback(&["plan", "--stack", "dhcpcd"]);
        assert!(plan.stderr.contains(&format!("{path}:{number}: ")), "{path}: {}", plan.stderr);
        let doctor = tree.piback(&["doctor", "--json"]);
        assert_eq!(doctor.code, 1);
        assert!(doctor.stdout.contains("put a # before it"), "{path}: {}", doctor.stdout);
        let own: Vec<&str> = line.lines().collect();
        assert_eq!(tree.piback(&["apply", "--stack", "dhcpcd", "--yes"]).code, 0);
        assert!(own.iter().all(|l| tree.read(path).lines().any(|x| x == *l)), "{path}: {}", tree.read(path));
    }
}

/// Lines of rc.local that load rules in a form, or at a place, that nobody can take out for the user.
#[test]
fn rules_in_rc_local_that_stay_are_named() {
    let rule = "iptables -A FORWARD -i wlan0 -o eth0 -j ACCEPT";
    for (lines, number) in [
        ("iptables-restore < /etc/iptables.ipv4.nat".to_owned(), 12),
        (format!("if true; then\n{rule}\nfi"), 13),
        // The same line twice, once as all that an `if` holds.
        (format!("{rule}\nif true; then\n{rule}\nfi"), 12),
        (format!("if true; then\nsudo {SCRIPT} &\nfi"), 13),
    ] {
        let tree = by_hand();
        tree.write("/sbin/dhcpcd", "");
        append(&tree, "/etc/rc.local", &format!("{lines}\n"));
        let plan = tree.piback(&["plan", "--stack", "dhcpcd"]);
        assert!(
            plan.stderr.contains(&format!("/etc/rc.local:{number}: this loads")),
            "{lines}: {}",
            plan.stderr
        );
        assert!(tree.piback(&["doctor"]).stdout.contains("this loads the NAT rules"), "{lines}");
        assert_eq!(tree.piback(&["apply", "--stack", "dhcpcd", "--yes"]).code, 0);
        assert!(
            tree.read("/etc/rc.local").ends_with(&format!("{lines}\n")),
            "{}",
            tree.read("/etc/rc.local")
        );
        let shell = std::process::Command::new("sh").arg("-n").arg(tree.path("/etc/rc.local")).status();
        assert!(shell.unwrap().success(), "{lines}");
    }
}

#[test]
fn the_call_of_a_script_that_is_not_there_stays() {
    let tree = by_hand();
    std::fs::remove_file(tree.path(SCRIPT)).unwrap();
    let before = tree.read("/etc/rc.local");
    let plan = tree.piback(&["plan", "--stack", "dhcpcd"]);
    assert!(
        plan.stderr.contains("/etc/rc.local:9: this calls a script that is not there"),
        "{}",
        plan.stderr
    );
    assert_eq!(tree.piback(&["apply", "--stack", "dhcpcd", "--yes"]).code, 0);
    assert_eq!(tree.read("/etc/rc.local"), before);
}

/// ifupdown's block goes with ifupdown, or as soon as a line of the user's does the same, though lines stay commented out.
#[test]
fn a_block_that_is_not_needed_any_more_goes() {
    const FILE: &str = "/etc/network/interfaces";
    const OWN: &str = "source-directory /etc/network/interfaces.d\n";
    for next in ["dhcpcd", "ifupdown"] {
        let tree = by_hand();
        let bare = tree.read(FILE).replace(OWN, "");
        tree.write(FILE, &bare);
        assert_eq!(tree.piback(&["apply", "--stack", "ifupdown", "--yes"]).code, 0);
        assert!(tree.read(FILE).contains("# BEGIN piback"), "{}", tree.read(FILE));
        if next == "ifupdown" {
            append(&tree, FILE, OWN);
        }
        assert_eq!(tree.piback(&["apply", "--stack", next, "--yes"]).code, 0);
        let now = tree.read(FILE);
        assert!(!now.contains("# BEGIN piback") && now.contains("#piback# iface wlan0"), "{next}: {now}");
        assert_eq!(tree.piback(&["plan", "--stack", next, "--check"]).code, 0, "{next}");
        assert_eq!(tree.piback(&["rollback", "--original", "--yes"]).code, 0);
        let own = if next == "ifupdown" { OWN } else { "" };
        assert_eq!(tree.read(FILE), format!("{bare}{own}"), "{next}");
    }
}

/// A change of stack takes up what the new one needs commented out and gives back what it does not.
#[test]
fn lines_go_aside_and_come_back_with_the_stack() {
    let tree = by_hand();
    let before = tree.snapshot();
    let denied = |tree: &Tree| active(tree, "/etc/dhcpcd.conf").contains(&"denyinterfaces wlan0".to_owned());
    for (stack, is_denied) in
        [("ifupdown", true), ("dhcpcd", false), ("networkmanager", true), ("dhcpcd", false)]
    {
        let apply = tree.piback(&["apply", "--stack", stack, "--yes"]);
        assert_eq!(apply.code, 0, "{}", apply.all());
        assert_eq!(denied(&tree), is_denied, "{stack}");
        assert_eq!(tree.piback(&["plan", "--stack", stack, "--check"]).code, 0, "{stack}");
    }
    assert_eq!(tree.piback(&["rollback", "--to", "1", "--yes"]).code, 0);
    assert!(denied(&tree));
    assert_eq!(tree.piback(&["rollback", "--original", "--yes"]).code, 0);
    assert_eq!(tree.snapshot().without(&["/var"]), before.without(&["/var"]));
}

/// The record is lost (a card was cleaned up): the marks say what was commented out.
#[test]
fn without_a_record_the_marks_bring_the_lines_back() {
    let tree = by_hand();
    let before = tree.read("/etc/rc.local");
    assert_eq!(tree.piback(&["apply", "--stack", "dhcpcd", "--yes"]).code, 0);
    std::fs::remove_dir_all(tree.path("/var/lib/piback")).unwrap();
    assert_eq!(tree.piback(&["apply", "--stack", "dhcpcd", "--yes"]).code, 0);
    assert!(!active(&tree, "/etc/rc.local").iter().any(|l| l.contains("hotspot")));
    assert_eq!(tree.piback(&["rollback", "--original", "--yes"]).code, 0);
    assert_eq!(tree.read("/etc/rc.local"), before);
}

/// The kernel still has the rules that the script loaded at boot: those go, and come back.
#[test]
fn rules_in_the_kernel_go_with_the_script_and_come_back_with_it() {
    let tree = by_hand();
    let kernel: Rc<RefCell<Vec<String>>> = Rc::default();
    // rc.local ran twice.
    for _ in 0..2 {
        kernel.borrow_mut().extend(
            [
                "-t nat POSTROUTING -o eth0 -j MASQUERADE",
                "-t filter FORWARD -i eth0 -o wlan0 -m state --state RELATED,ESTABLISHED -j ACCEPT",
                "-t filter FORWARD -i wlan0 -o eth0 -j ACCEPT",
            ]
            .map(str::to_owned),
        );
    }
    kernel.borrow_mut().push("-t nat POSTROUTING -o tun0 -j MASQUERADE".to_owned());
    let shared = Rc::clone(&kernel);
    let host = FakeHost::live(&tree.root(), move |tool| {
        let words: Vec<String> = tool.args.iter().map(|a| a.to_string_lossy().into_owned()).collect();
        let verb = words[3].clone();
        let rule = words.iter().filter(|w| **w != "-w" && **w != verb).cloned().collect::<Vec<_>>().join(" ");
        let mut rules = shared.borrow_mut();
        let at = rules.iter().position(|r| *r == rule);
        let code = match (verb.as_str(), at) {
            ("-C", Some(_)) => 0,
            ("-D", Some(at)) => {
                rules.remove(at);
                0
            }
            ("-A", _) => {
                rules.push(rule);
                0
            }
            _ => 1,
        };
        Ok(Output { code: Some(code), stdout: String::new(), stderr: String::new() })
    })
    .unwrap();
    let profile = piback::profile::load(&tree.read("/etc/piback/profile.yaml"), "profile").unwrap();
    let facts = Facts {
        os: Default::default(),
        stack: Stack::Dhcpcd,
        interfaces_d_is_read: true,
        ssh_ports: vec![22],
        installed: true,
    };
    let mut desired = Desired {
        stack_named: false,
        stack: Some(facts.stack),
        made_by: "apply".into(),
        radio: "wlan0".into(),
        ..Desired::original()
    };
    adopt::find(&host, &facts, &profile).unwrap().join(&mut desired.artifacts);
    let state = State::default();
    let plan = plan::files(&host, &desired, &state).unwrap();
    let rules = rule::plan(&host, &desired, &state, &plan.files).unwrap();
    let said: Vec<String> = rules.iter().map(RuleChange::text).collect();
    assert_eq!(said.len(), 3, "{said:?}");
    assert_eq!(said[0], "iptables -w -t nat -D POSTROUTING -o eth0 -j MASQUERADE");
    rule::carry_out(&host, &rules).unwrap();
    assert_eq!(*kernel.borrow(), ["-t nat POSTROUTING -o tun0 -j MASQUERADE"], "another's rule stays");
    assert_eq!(rule::plan(&host, &desired, &state, &plan.files).unwrap(), [], "gone is gone");

    // The script has rules of its owner's by now, and the kernel too: those are none of piback's.
    append(
        &tree,
        SCRIPT,
        "iptables -A INPUT -j DROP\niptables -t nat -A POSTROUTING -o tun0 -j MASQUERADE\n",
    );
    kernel.borrow_mut().push("-t filter INPUT -j DROP".to_owned());
    assert_eq!(rule::plan(&host, &desired, &state, &plan.files).unwrap(), []);
    kernel.borrow_mut().pop();

    let back: Vec<RuleChange> = rules.iter().map(RuleChange::reversed).collect();
    rule::carry_out(&host, &back).unwrap();
    rule::carry_out(&host, &back).unwrap();
    assert_eq!(kernel.borrow().len(), 4, "each once: {:?}", kernel.borrow());
}

/// Back to the original on a running Pi: the radio gets its stanza's address before anything is started that needs it,
/// and the rules come back. Where there is no ifupdown, nobody is asked to read the stanza.
#[test]
fn going_back_brings_the_stanza_up_and_the_rules_in() {
    for has_ifup in [true, false] {
        let tree = by_hand();
        assert_eq!(tree.piback(&["apply", "--stack", "dhcpcd", "--yes"]).code, 0);
        if has_ifup {
            tree.write("/sbin/ifup", "");
        }
        let host = FakeHost::live(&tree.root(), |tool| {
            let words: Vec<_> = tool.args.iter().map(|a| a.to_string_lossy().into_owned()).collect();
            let (code, stdout) = match tool.program.as_str() {
                "systemctl" => (0, "Id=hostapd.service\nLoadState=loaded\nActiveState=active\n".to_owned()),
                "iptables" if words.iter().any(|w| w == "-C") => (1, String::new()),
                other => panic!("{other} {words:?}"),
            };
            Ok(Output { code: Some(code), stdout, stderr: String::new() })
        })
        .unwrap();
        let mut state = State::read(&host).unwrap();
        state.activated.insert("hostapd".into(), "x".into());
        state.originals.units.insert("hostapd".into(), running());
        state.activated.insert("nat".into(), "x".into());
        // As on the article's Pi: dnsmasq is to start at boot, and loses the race for its address.
        state.activated.insert("dnsmasq".into(), "x".into());
        let failed = systemd::UnitState { active: "failed".into(), ..running() };
        state.originals.units.insert("dnsmasq".into(), failed);
        let desired = Desired::original();
        let mut plan = plan::files(&host, &desired, &state).unwrap();
        plan::add_way_back(&host, &desired, &state, &mut plan).unwrap();
        let steps: Vec<String> = plan.units.iter().map(change::UnitChange::steps).collect();
        let mut wanted = vec![
            "dnsmasq.service: stop",
            "piback-nat.service: disable and stop",
            "wlan0: start",
            "hostapd.service: restart",
        ];
        wanted.retain(|step| has_ifup || !step.starts_with("wlan0"));
        assert_eq!(steps, wanted);
        assert!(plan.units[0].enable, "it starts at boot again");
        assert!(plan.rules.len() == 3 && plan.rules.iter().all(|r| r.comes), "{:?}", plan.rules);
    }
}

fn running() -> systemd::UnitState {
    systemd::UnitState { load: "loaded".into(), file: "enabled".into(), active: "active".into() }
}
