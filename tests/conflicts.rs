//! Settings of others that fight with piback's, each kind on a tree: what `plan` says, whether `apply` refuses and leaves
//! everything as it was, what `doctor` says; and that the same host without them has nothing in the way.
#![allow(clippy::disallowed_methods)]

mod common;

use common::Tree;

/// A case: its stack, the files, the place that is named and a word of the reason.
struct Case {
    stack: &'static str,
    files: &'static [(&'static str, &'static str)],
    at: &'static str,
    why: &'static str,
}

const fn case(
    stack: &'static str,
    files: &'static [(&'static str, &'static str)],
    at: &'static str,
    why: &'static str,
) -> Case {
    Case { stack, files, at, why }
}

const NETWORKD: (&str, &str) = ("/etc/systemd/system/multi-user.target.wants/systemd-networkd.service", "");

/// Settings beside which an apply is refused.
const REFUSED: &[Case] = &[
    case(
        "dhcpcd",
        &[("/etc/samba/smb.conf", "[global]\n\n  [ pI ]\npath = /x\n")],
        "/etc/samba/smb.conf:3: ",
        "share.names.folder",
    ),
    case(
        "dhcpcd",
        &[
            ("/etc/samba/smb.conf", "include = /etc/samba/more.conf\n"),
            ("/etc/samba/more.conf", "[DRIVES]\n"),
        ],
        "/etc/samba/more.conf:1: ",
        "share.names.drives",
    ),
    case(
        "ifupdown",
        &[
            ("/etc/network/interfaces", "source net/*.cfg\n"),
            ("/etc/network/net/a.cfg", "\niface wlan0 inet dhcp\n"),
        ],
        "/etc/network/net/a.cfg:2: ",
        "second stanza",
    ),
    case(
        "dhcpcd",
        &[
            ("/etc/network/interfaces", "source-directory interfaces.d\n"),
            ("/etc/network/interfaces.d/wlan", "iface wlan0 inet dhcp\n"),
        ],
        "/etc/network/interfaces.d/wlan:1: ",
        "stops dhcpcd",
    ),
    case(
        "networkmanager",
        &[("/etc/network/if-up.d/rules", "#!/bin/sh\niptables-restore < /etc/iptables.rules\n")],
        "/etc/network/if-up.d/rules:2: ",
        "throws out",
    ),
    case(
        "ifupdown",
        &[("/etc/network/interfaces", "iface eth0 inet dhcp\n  post-up iptables-restore < /etc/rules\n")],
        "/etc/network/interfaces:2: ",
        "throws out",
    ),
    case(
        "dhcpcd",
        &[("/etc/dhcpcd.conf", "allowinterfaces eth*\n")],
        "/etc/dhcpcd.conf:1: ",
        "giving the radio",
    ),
    case(
        "networkmanager",
        &[NETWORKD, ("/etc/systemd/network/20-ap.network", "[Match]\nName=wl*\n[Network]\nDHCPServer=yes\n")],
        "/etc/systemd/network/20-ap.network:2: ",
        "systemd-networkd takes wlan0",
    ),
    case(
        "dhcpcd",
        &[("/etc/systemd/system/multi-user.target.wants/wpa_supplicant@wlan0.service", "")],
        "wpa_supplicant@wlan0.service: ",
        "client of other networks",
    ),
    case(
        "dhcpcd",
        &[("/etc/dnsmasq.d/mine", "no-dhcp-interface=wl*\n")],
        "/etc/dnsmasq.d/mine:1: ",
        "serving the Wi-Fi",
    ),
    case(
        "dhcpcd",
        &[("/etc/dnsmasq.d/mine", "bind-interfaces\n")],
        "/etc/dnsmasq.d/mine:1: ",
        "bind-dynamic",
    ),
    case(
        "dhcpcd",
        &[("/etc/dnsmasq.d/mine", "dhcp-option=6,8.8.8.8\n")],
        "/etc/dnsmasq.d/mine:1: ",
        "another name server",
    ),
    case("dhcpcd", &[("/etc/dnsmasq.conf", "port=5353\n")], "/etc/dnsmasq.conf:1: ", "serving the Wi-Fi"),
    case(
        "dhcpcd",
        &[("/etc/dnsmasq.d/mine", "dhcp-range=10.41.0.9,10.41.0.20\n")],
        "/etc/dnsmasq.d/mine:1: ",
        "beside piback's range",
    ),
    case(
        "dhcpcd",
        &[("/etc/default/dnsmasq", "ENABLED=1\n")],
        "/etc/default/dnsmasq: ",
        "does not read /etc/dnsmasq.d",
    ),
    case(
        "dhcpcd",
        &[("/etc/sysctl.d/99-zz.conf", "net/ipv4/ip_forward = 0\n")],
        "/etc/sysctl.d/99-zz.conf:1: ",
        "no internet",
    ),
    case(
        "dhcpcd",
        &[("/etc/ufw/ufw.conf", "ENABLED=yes\n"), ("/etc/ufw/sysctl.conf", "net/ipv4/ip_forward=0\n")],
        "/etc/ufw/sysctl.conf:1: ",
        "no internet",
    ),
    case(
        "networkmanager",
        &[(
            "/etc/systemd/system/hostapd.service.d/override.conf",
            "[Service]\nExecStart=\nExecStart=/usr/sbin/hostapd /x\n",
        )],
        "/etc/systemd/system/hostapd.service.d/override.conf:3: ",
        "as Debian starts it",
    ),
    case(
        "dhcpcd",
        &[("/etc/systemd/system/hostapd.service", "[Service]\n")],
        "/etc/systemd/system/hostapd.service: ",
        "the place of Debian's",
    ),
    case(
        "dhcpcd",
        &[("/etc/systemd/system/multi-user.target.wants/raspapd.service", "")],
        "raspapd.service: ",
        "RaspAP takes the radio",
    ),
    case(
        "dhcpcd",
        &[("/etc/systemd/system/multi-user.target.wants/autohotspot.service", "")],
        "autohotspot.service: ",
        "autohotspot",
    ),
    case(
        "dhcpcd",
        &[("/var/spool/cron/crontabs/root", "*/5 * * * * /usr/bin/autohotspot\n")],
        "/var/spool/cron/crontabs/root:1: ",
        "starts autohotspot",
    ),
    case(
        "networkmanager",
        &[("/etc/systemd/system/multi-user.target.wants/comitup.service", "")],
        "comitup.service: ",
        "apt purge comitup",
    ),
    case(
        "networkmanager",
        &[("/etc/systemd/system/multi-user.target.wants/wifi-connect.service", "")],
        "wifi-connect.service: ",
        "balena",
    ),
    case(
        "networkmanager",
        &[("/etc/systemd/system/timers.target.wants/AccessPopup.timer", "")],
        "AccessPopup.timer: ",
        "AccessPopup",
    ),
    case(
        "dhcpcd",
        &[("/etc/rc.local", "#!/bin/sh\ncreate_ap wlan0 eth0 Net &\nexit 0\n")],
        "/etc/rc.local:2: ",
        "starts create_ap",
    ),
    case(
        "networkmanager",
        &[("/etc/systemd/system/multi-user.target.wants/firewalld.service", "")],
        "firewalld.service: ",
        "--zone=trusted",
    ),
    case(
        "networkmanager",
        &[
            ("/etc/systemd/system/sysinit.target.wants/nftables.service", ""),
            (
                "/etc/nftables.conf",
                "flush ruleset\ntable inet filter {\n chain input {\n  type filter hook input priority 0; policy drop;\n }\n}\n",
            ),
        ],
        "/etc/nftables.conf:4: ",
        "iifname \"wlan0\" accept",
    ),
    case(
        "ifupdown",
        &[("/etc/network/interfaces", "iface br0 inet dhcp\n  bridge_ports eth0 wlan0\n")],
        "/etc/network/interfaces:2: ",
        "a bridge has wlan0",
    ),
];

/// The same settings where they do no harm: switched off, of another interface, sorted before, of another name.
const HARMLESS: &[&[(&str, &str)]] = &[
    &[("/etc/samba/smb.conf", "[global]\n# [pi]\n")],
    &[("/etc/network/interfaces", "source net/*\n"), ("/etc/network/net/a", "iface eth1 inet dhcp\n")],
    &[("/etc/network/not-read", "iface wlan0 inet dhcp\n")],
    &[("/etc/dhcpcd.conf", "allowinterfaces eth0 wlan*\ndenyinterfaces veth*\n")],
    &[("/etc/systemd/network/20-ap.network", "[Match]\nName=wl*\n")],
    &[NETWORKD, ("/etc/systemd/network/10-lan.network", "[Match]\nName=en*\n")],
    &[("/etc/dnsmasq.d/README", "# bind-interfaces\n"), ("/etc/dnsmasq.d/old.dpkg-old", "bind-interfaces\n")],
    &[(
        "/etc/dnsmasq.d/lan",
        "interface=eth1\ndhcp-range=192.168.7.10,192.168.7.20,1h\nno-dhcp-interface=eth0\n",
    )],
    &[("/etc/sysctl.d/10-x.conf", "net.ipv4.ip_forward=0\n")],
    &[("/etc/systemd/system/hostapd.service.d/nice.conf", "[Service]\nNice=-5\n")],
    &[(
        "/etc/nftables.conf",
        "table inet filter {\n chain input {\n  type filter hook input priority 0; policy drop;\n }\n}\n",
    )],
    &[("/etc/default/dnsmasq", "CONFIG_DIR=/etc/dnsmasq.d,.dpkg-dist\n")],
];

fn tree(files: &[(&str, &str)]) -> Tree {
    let tree = Tree::new();
    for program in ["/sbin/ifup", "/sbin/dhcpcd", "/usr/sbin/NetworkManager"] {
        tree.write(program, "");
    }
    tree.init("travel");
    for (path, text) in files {
        tree.write(path, text);
    }
    tree
}

#[test]
fn what_fights_is_named_and_an_apply_refused() {
    let mut wrong = Vec::new();
    for case in REFUSED {
        let tree = tree(case.files);
        let before = tree.snapshot();
        let plan = tree.piback(&["plan", "--stack", case.stack]);
        let named = plan.stderr.lines().any(|line| line.contains(case.at) && line.contains(case.why));
        let apply = tree.piback(&["apply", "--stack", case.stack, "--yes"]);
        let refused = apply.code == 1 && apply.stderr.contains(case.at) && tree.snapshot().untouched(&before);
        if !named || !refused {
            wrong.push(format!(
                "{}: plan:\n{}\napply: {}\n{}",
                case.at, plan.stderr, apply.code, apply.stderr
            ));
        }
        // A line that is commented out, a file that is gone: nothing is in the way any more.
        for (path, _) in case.files {
            std::fs::remove_file(tree.path(path)).unwrap();
        }
        let apply = tree.piback(&["apply", "--stack", case.stack, "--yes"]);
        assert_eq!(apply.code, 0, "{}: {}", case.at, apply.all());
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), REFUSED.len(), wrong.join("\n"));
}

#[test]
fn the_doctor_reads_the_same_list() {
    let tree = tree(&[("/etc/samba/smb.conf", "[PI]\n"), ("/etc/dnsmasq.d/x", "bind-interfaces\n")]);
    let doctor = tree.piback(&["doctor", "--json"]);
    assert_eq!(doctor.code, 1, "{}", doctor.all());
    assert!(
        doctor.stdout.contains("/etc/samba/smb.conf:1: ") && doctor.stdout.contains("/etc/dnsmasq.d/x:1: ")
    );
}

#[test]
fn what_does_no_harm_is_not_refused() {
    for files in HARMLESS {
        let tree = tree(files);
        let stack = if files[0].0.contains("dhcpcd") { "dhcpcd" } else { "networkmanager" };
        let apply = tree.piback(&["apply", "--stack", stack, "--yes"]);
        assert_eq!(apply.code, 0, "{files:?}: {}", apply.all());
        assert_eq!(tree.piback(&["plan", "--stack", stack, "--check"]).stderr, "", "{files:?}");
    }
}

/// What works beside piback, and not as before, is said while something is about to change.
#[test]
fn what_changes_for_the_user_is_said() {
    for (files, at, why) in [
        (
            &[("/etc/samba/smb.conf", "[Music]\npath = /m\n")][..],
            "/etc/samba/smb.conf: ",
            "over the Wi-Fi alone",
        ),
        (&[("/etc/create_ap.conf", "")][..], "/etc/create_ap.conf: ", "switched off"),
        (
            &[
                ("/etc/systemd/system/multi-user.target.wants/firewalld.service", ""),
                ("/etc/firewalld/zones/trusted.xml", "<zone><interface name=\"wlan0\"/></zone>"),
            ][..],
            "firewalld.service: ",
            "stays open",
        ),
    ] {
        let tree = tree(files);
        let plan = tree.piback(&["plan", "--stack", "networkmanager"]);
        let said = |text: &str| text.lines().any(|line| line.contains(at) && line.contains(why));
        assert!(said(&plan.stderr), "{at}: {}", plan.stderr);
        assert_eq!(tree.piback(&["apply", "--stack", "networkmanager", "--yes"]).code, 0, "{at}");
        assert_eq!(tree.piback(&["plan", "--stack", "networkmanager", "--check"]).stderr, "", "{at}");
        assert!(said(&tree.piback(&["doctor"]).stdout), "{at}");
    }
}

/// A Pi that has a share of such a name keeps it, and piback's get others.
#[test]
fn the_profile_gives_the_shares_other_names_and_more_places() {
    let tree = tree(&[("/etc/samba/smb.conf", "[pi]\n[drives]\n")]);
    let profile = tree.read("/etc/piback/profile.yaml");
    let share = "share:\n  names: {drives: Cards, folder: Inbox}\n  also_on: [eth1]";
    tree.write("/etc/piback/profile.yaml", profile.replace("share:\n  user", &format!("{share}\n  user")));
    let plan = tree.piback(&["plan", "--stack", "networkmanager"]);
    assert!(plan.stderr.contains("reached over the Wi-Fi and eth1"), "{}", plan.stderr);
    assert_eq!(tree.piback(&["apply", "--stack", "networkmanager", "--yes"]).code, 0);
    let samba = tree.read("/etc/samba/piback.conf");
    assert!(samba.contains("[Cards]") && samba.contains("[Inbox]"), "{samba}");
    assert!(samba.contains("\ninterfaces = lo wlan0 eth1\n"), "{samba}");
    for rules in ["/etc/piback/nat/ipv4.rules", "/etc/piback/nat/ipv6.rules"] {
        assert!(
            tree.read(rules).contains("-A PIBACK-INPUT -i eth1 -p tcp --dport 445 -j RETURN\n"),
            "{rules}"
        );
    }
}

/// A Pi with a desktop that wayvnc can show, the screen wanted, and its password; with what is `more`.
fn desktop(more: &[(&str, &str)]) -> Tree {
    let tree = tree(&[
        ("/usr/bin/labwc", ""),
        ("/usr/bin/wayvnc", ""),
        ("/usr/lib/systemd/system/wayvnc.service", ""),
        ("/etc/lightdm/lightdm.conf", "[Seat:*]\nuser-session=LXDE-pi-labwc\n"),
        ("/etc/piback/secrets/screen-password", "screen secret\n"),
    ]);
    tree.set_mode("/etc/piback/secrets/screen-password", 0o600);
    for (path, text) in more {
        tree.write(path, text);
    }
    let profile = tree.read("/etc/piback/profile.yaml");
    tree.write("/etc/piback/profile.yaml", format!("{profile}remote_screen: true\n"));
    tree
}

#[test]
fn a_screen_is_shown_where_there_is_one_and_its_password_nowhere() {
    let tree = desktop(&[]);
    let apply = |tree: &Tree| tree.piback(&["apply", "--stack", "networkmanager", "--yes", "--json"]);
    let plan = tree.piback(&["plan", "--stack", "networkmanager"]);
    let applied = apply(&tree);
    assert_eq!(applied.code, 0, "{}", applied.all());
    assert_eq!(tree.mode("/etc/piback/wayvnc/config"), 0o600);
    assert!(tree.read("/etc/piback/wayvnc/config").contains("\npassword=screen secret\n"));
    for said in [&plan, &applied] {
        assert!(said.all().contains("/etc/piback/wayvnc/config"), "{}", said.all());
        assert!(!said.all().contains("screen secret"), "{}", said.all());
    }
    for (path, entry) in &tree.snapshot().0 {
        let is_its_own = path == "/etc/piback/wayvnc/config" || path.ends_with("screen-password");
        let text = String::from_utf8_lossy(&entry.bytes).into_owned();
        assert!(is_its_own || !text.contains("screen secret"), "{path}");
    }
    // A new password is a change, and neither the old nor the new one is shown.
    tree.write("/etc/piback/secrets/screen-password", "another word\n");
    tree.set_mode("/etc/piback/secrets/screen-password", 0o600);
    let applied = apply(&tree);
    assert!(applied.code == 0 && !applied.all().contains("another word"), "{}", applied.all());
    assert!(!applied.all().contains("screen secret"), "{}", applied.all());
    assert!(tree.read("/etc/piback/wayvnc/config").contains("\npassword=another word\n"));
    // An earlier generation gets today's password.
    let rollback = tree.piback(&["rollback", "--to", "1", "--yes"]);
    assert!(rollback.code == 0 && !rollback.all().contains("another word"), "{}", rollback.all());
    assert!(tree.read("/etc/piback/wayvnc/config").contains("\npassword=another word\n"));
    // Off by default, and off again.
    let profile = tree.read("/etc/piback/profile.yaml").replace("remote_screen: true\n", "");
    tree.write("/etc/piback/profile.yaml", profile);
    assert_eq!(apply(&tree).code, 0);
    assert!(!tree.path("/etc/piback/wayvnc/config").exists());
    assert!(!tree.path("/etc/systemd/system/wayvnc.service.d/piback.conf").exists());
}

#[test]
fn a_screen_that_can_not_be_shown_is_refused_before_anything_changes() {
    type Change = fn(&Tree);
    let cases: &[(Change, &str, &str)] = &[
        // Lite. Its password is not asked for first: it would be in vain.
        (
            |tree| {
                std::fs::remove_file(tree.path("/usr/bin/labwc")).unwrap();
                std::fs::remove_file(tree.path("/etc/piback/secrets/screen-password")).unwrap();
            },
            "no Wayland desktop",
            "the page at http://10.41.0.1",
        ),
        (
            |tree| tree.write("/etc/lightdm/lightdm.conf", "[Seat:*]\nautologin-session=LXDE-pi-x\n"),
            "/etc/lightdm/lightdm.conf:2: the desktop runs on X11",
            "raspi-config",
        ),
        (
            |tree| std::fs::remove_file(tree.path("/usr/lib/systemd/system/wayvnc.service")).unwrap(),
            "wayvnc.service: Debian's wayvnc has no such unit",
            "full-upgrade",
        ),
        (
            |tree| {
                let wants = "/etc/systemd/system/multi-user.target.wants/vncserver-x11-serviced.service";
                tree.write(wants, "");
            },
            "RealVNC shows the screen on every network",
            "sudo systemctl disable --now vncserver-x11-serviced.service",
        ),
        (
            |tree| std::fs::remove_file(tree.path("/etc/piback/secrets/screen-password")).unwrap(),
            "there is no such file",
            "/etc/piback/secrets/screen-password",
        ),
        (
            |tree| tree.set_mode("/etc/piback/secrets/screen-password", 0o644),
            "others can read it",
            "chmod 600",
        ),
        (
            |tree| tree.write("/etc/piback/secrets/screen-password", "ends with space \n"),
            "begins or ends with a space",
            "choose another one",
        ),
    ];
    for (change, why, remedy) in cases {
        let tree = desktop(&[]);
        change(&tree);
        let before = tree.snapshot();
        let apply = tree.piback(&["apply", "--stack", "networkmanager", "--yes"]);
        assert_eq!(apply.code, 1, "{why}: {}", apply.all());
        assert!(apply.stderr.contains(why) && apply.stderr.contains(remedy), "{why}: {}", apply.all());
        assert!(tree.snapshot().untouched(&before), "{why}");
        // Not wanted, it is no matter.
        let profile = tree.read("/etc/piback/profile.yaml").replace("remote_screen: true\n", "");
        tree.write("/etc/piback/profile.yaml", profile);
        let apply = tree.piback(&["apply", "--stack", "networkmanager", "--yes"]);
        assert_eq!(apply.code, 0, "{why}: {}", apply.all());
    }
}
