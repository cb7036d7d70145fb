//! `piback boot`: the file on the boot partition in every form that editors give it, and the power cut at every change.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]

mod common;

use clap::Parser;
use common::Tree;
use piback::cli::{Cli, Command};
use piback::commands::boot;
use piback::error::Outcome;
use piback::system::fake::{FakeHost, Fault};
use piback::ui::Ui;

const FILE: &str = "/boot/firmware/piback.yaml";
const STATUS: &str = "/boot/firmware/piback-status.txt";
const WIFI: &str = "/etc/piback/secrets/wifi-passphrase";
const FULL: &str = "# mine\nwifi:\n  country: DE\n  ssid: Alps\nfirst_boot:\n  passphrase: open sesame # secret\n  \
                    share_password: also a secret\n  hostname: Alps-Pi\n";

/// A Bullseye of a few files.
fn tree(file: impl AsRef<[u8]>) -> Tree {
    let tree = Tree::new();
    tree.write("/etc/os-release", "VERSION_ID=\"11\"\n");
    tree.write("/etc/dhcpcd.conf", "hostname\n");
    tree.write("/sbin/dhcpcd", "");
    tree.write("/etc/hosts", "127.0.1.1\told\n");
    tree.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/bash\n");
    std::fs::create_dir_all(tree.path("/home/ann")).unwrap();
    tree.write(FILE, file);
    tree
}

fn take_over(tree: &Tree) -> common::Answer {
    tree.piback(&["boot"])
}

#[test]
fn the_country_alone_makes_an_appliance_with_a_passphrase_of_its_own() {
    let tree = tree("wifi:\n  country: DE\n");
    let answer = take_over(&tree);
    assert_eq!(answer.code, 0, "{}", answer.all());
    let passphrase = tree.read(WIFI);
    let passphrase = passphrase.trim();
    assert!(tree.read("/etc/hostapd/hostapd.conf").contains(&format!("wpa_passphrase={passphrase}\n")));
    let status = tree.read(STATUS);
    assert!(status.starts_with("piback: ready\r\n"), "{status}");
    for told in [passphrase, "Travel", "10.41.0.1", tree.read("/etc/piback/secrets/share-password").trim()] {
        assert!(status.contains(told), "{told}: {status}");
    }
    assert!(!answer.all().contains(passphrase), "a secret is nobody's but the file's");
    assert!(std::fs::read(tree.path("/boot/firmware/piback-wifi.png")).unwrap().starts_with(b"\x89PNG"));
    assert_eq!(tree.read(FILE), "wifi:\n  country: DE\n", "nothing in it was secret");
    assert_eq!(tree.piback(&["plan", "--check"]).code, 0);

    let before = tree.snapshot();
    assert_eq!(take_over(&tree).code, 0);
    assert!(tree.snapshot().untouched(&before), "a second boot writes nothing");

    // An edit is taken over; the passphrase stays.
    tree.write(FILE, "wifi:\n  country: DE\n  ssid: Alps\n");
    assert_eq!(take_over(&tree).code, 0);
    assert!(tree.read("/etc/hostapd/hostapd.conf").contains("\nssid=Alps\n"));
    assert_eq!(tree.read(WIFI).trim(), passphrase);
    assert!(tree.read(STATUS).contains(passphrase), "it is still one that was made here");
}

#[test]
fn secrets_leave_the_file_and_nothing_else_does() {
    let tree = tree(FULL);
    let answer = take_over(&tree);
    assert_eq!(answer.code, 0, "{}", answer.all());
    assert_eq!(tree.read(WIFI), "open sesame\n");
    assert_eq!(tree.read("/etc/piback/secrets/share-password"), "also a secret\n");
    assert_eq!(tree.read("/etc/hostname"), "alps-pi\n");
    assert_eq!(tree.read("/etc/hosts"), "127.0.1.1\talps-pi\n");
    let taken = "# taken over; write a new one here to change it";
    let blanked = FULL.replace("open sesame # secret", taken).replace("also a secret", taken);
    assert_eq!(tree.read(FILE), blanked);
    let status = tree.read(STATUS);
    assert!(!status.contains("sesame") && !status.contains("also a"), "{status}");
    assert!(
        !tree.path("/boot/firmware/piback-wifi.png").exists(),
        "the passphrase is not given back as a picture"
    );
    let before = tree.snapshot();
    assert_eq!(take_over(&tree).code, 0);
    assert!(tree.snapshot().untouched(&before));
}

#[test]
fn every_form_that_editors_give_it_is_read() {
    let text = "wifi:\n  country: DE\n  ssid: Alps\nfirst_boot:\n  passphrase: open sesame\n";
    let crlf = text.replace('\n', "\r\n");
    let marked = format!("\u{feff}{crlf}");
    let forms = [("piback.yaml", text), ("piback.yml", &crlf), ("PIBACK.YAML.TXT", &marked)];
    for (name, form) in forms {
        let tree = tree("");
        std::fs::remove_file(tree.path(FILE)).unwrap();
        let path = format!("/boot/{name}");
        tree.write(&path, form);
        let answer = take_over(&tree);
        assert_eq!(answer.code, 0, "{name}: {}", answer.all());
        assert!(tree.read("/etc/hostapd/hostapd.conf").contains("\nssid=Alps\n"));
        let taken = "# taken over; write a new one here to change it";
        assert_eq!(tree.read(&path), form.replace("open sesame", taken), "{name}");
        assert!(tree.read("/boot/piback-status.txt").contains("ready"));
    }
}

#[test]
fn a_bad_file_leaves_the_running_state_and_says_what_is_wrong() {
    let tree = tree(FULL);
    assert_eq!(take_over(&tree).code, 0);
    let good = tree.read("/etc/hostapd/hostapd.conf");
    let utf16: Vec<u8> = "\u{feff}wifi:\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let table: [(&[u8], &[&str]); 4] = [
        (
            b"wifi:\n  country: XX\n  chanel: 3\n",
            &["line 2, column 12: wifi.country", "line 3, column 3: wifi.chanel"],
        ),
        (
            b"wifi:\n  country: DE\nfirst_boot:\n  passphrase: short7!\n",
            &["line 4, column 15: first_boot.passphrase"],
        ),
        (&utf16, &["UTF-16", "Encoding: UTF-8"]),
        (b"wifi:\n\tcountry: DE\n", &["line 2"]),
    ];
    for (bytes, told) in table {
        tree.write(FILE, bytes);
        let answer = take_over(&tree);
        assert_eq!(answer.code, 1, "{}", answer.all());
        let status = tree.read(STATUS);
        assert!(status.contains("not taken over") && status.contains("goes on as it was before"), "{status}");
        for word in told {
            assert!(status.contains(word), "{word}: {status}");
        }
        assert!(!status.contains("short7!") && !answer.all().contains("short7!"));
        assert_eq!(tree.read("/etc/hostapd/hostapd.conf"), good);
        assert_eq!(tree.read(WIFI), "open sesame\n");
        assert_eq!(tree.piback(&["plan", "--check"]).code, 0);
    }
    tree.write("/boot/firmware/piback.yml", "wifi:\n  country: DE\n");
    assert_eq!(take_over(&tree).code, 1);
    assert!(tree.read(STATUS).contains("two files"), "{}", tree.read(STATUS));
}

#[test]
fn an_apply_that_fails_puts_profile_and_secrets_back() {
    let tree = tree(FULL);
    assert_eq!(take_over(&tree).code, 0);
    let profile = tree.read("/etc/piback/profile.yaml");
    // What apply refuses: a template of the user's that can't be rendered.
    tree.write("/etc/piback/templates/hostapd.conf", "{{ nothing_of_the_kind }}");
    tree.write(FILE, "wifi:\n  country: FR\nfirst_boot:\n  passphrase: another one\n");
    assert_ne!(take_over(&tree).code, 0);
    assert_eq!(tree.read("/etc/piback/profile.yaml"), profile);
    assert_eq!(tree.read(WIFI), "open sesame\n");
    assert!(tree.read(FILE).contains("another one"), "it is not kept elsewhere, so it stays");
    assert!(tree.read(STATUS).contains("not taken over"));
    std::fs::remove_file(tree.path("/etc/piback/templates/hostapd.conf")).unwrap();
    assert_eq!(take_over(&tree).code, 0, "the next boot tries again");
    assert_eq!(tree.read(WIFI), "another one\n");
}

#[test]
fn keys_let_the_first_user_in() {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1rVX2n4p3uVw1u0qyq3sVvYb0VxYb0VxYb0VxYb0Vx me";
    let file = format!("wifi: {{country: DE}}\nfirst_boot:\n  ssh_keys:\n    - {key}\n");
    let tree = tree(&file);
    let answer = take_over(&tree);
    assert_eq!(answer.code, 0, "{}", answer.all());
    assert_eq!(tree.read("/home/ann/.ssh/authorized_keys"), format!("{key}\n"));
    assert_eq!(tree.mode("/home/ann/.ssh/authorized_keys"), 0o600);

    let nobody = self::tree(file);
    nobody.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
    assert_eq!(take_over(&nobody).code, 1);
    assert!(nobody.read(STATUS).contains("no user") && nobody.read(STATUS).contains("Nothing is set up yet"));
}

/// One boot; the words go nowhere.
fn boot_once(host: &FakeHost) -> anyhow::Result<Outcome> {
    let cli = Cli::parse_from(["piback", "boot", "--json"]);
    let Command::Boot(args) = &cli.command else { unreachable!("it was typed") };
    for _ in 0..200 {
        let ran = boot::on(host, args, &cli.global, &Ui::new("boot", false, false, true));
        match &ran {
            // A process that another test starts in this moment has the lock too, until it is another program.
            Err(e) if e.to_string().contains("another piback is changing") => {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            _ => return ran,
        }
    }
    panic!("the lock is held for good")
}

#[test]
fn a_power_cut_at_any_change_leaves_the_old_or_the_new() {
    let next = FULL.replace("Alps", "Sea").replace("open sesame", "fish and chips");
    // What a tree holds that a boot is for.
    let end = |tree: &Tree| {
        let files = ["/etc/hostapd/hostapd.conf", "/etc/piback/profile.yaml", WIFI, FILE, "/etc/hostname"];
        files.map(|path| tree.read(path))
    };
    let prepared = || {
        let tree = tree(FULL);
        assert_eq!(take_over(&tree).code, 0);
        tree.write(FILE, &next);
        tree
    };
    let whole = prepared();
    let host = FakeHost::tree(&whole.root()).unwrap();
    boot_once(&host).unwrap();
    let (changes, wanted) = (host.steps(), end(&whole));
    assert!(changes > 20, "{changes}");
    for at in 1..=changes {
        let tree = prepared();
        let old = end(&tree);
        let host = FakeHost::tree(&tree.root()).unwrap();
        host.arm(at, Fault::Die);
        let cut = boot_once(&host);
        assert!(host.is_dead() && cut.is_err(), "change {at} of {changes}");
        let secret_somewhere =
            tree.read(FILE).contains("fish and chips") || tree.read(WIFI) == "fish and chips\n";
        assert!(secret_somewhere, "change {at}: the passphrase is lost");
        for (path, (old, new)) in ["hostapd", "profile", "wifi", "file"].iter().zip(old.iter().zip(&wanted)) {
            let now =
                &end(&tree)[["hostapd", "profile", "wifi", "file"].iter().position(|p| p == path).unwrap()];
            assert!(now == old || now == new, "change {at}: {path} is neither old nor new");
        }
        let next_boot = FakeHost::tree(&tree.root()).unwrap();
        boot_once(&next_boot).unwrap_or_else(|e| panic!("change {at}: {e:#}"));
        assert_eq!(end(&tree), wanted, "change {at} of {changes}");
        assert!(tree.read(STATUS).contains("ready"), "change {at}");
        assert!(!tree.path("/var/lib/piback/boot-open.json").exists(), "change {at}");
        assert_eq!(tree.piback(&["plan", "--check"]).code, 0, "change {at}");
    }
}

#[test]
fn a_file_that_goes_after_a_power_cut_leaves_the_old() {
    let tree = tree(FULL);
    assert_eq!(take_over(&tree).code, 0);
    let old =
        [tree.read(WIFI), tree.read("/etc/piback/profile.yaml"), tree.read("/etc/hostapd/hostapd.conf")];
    for at in 1.. {
        tree.write(FILE, FULL.replace("Alps", "Sea").replace("open sesame", "fish and chips"));
        let host = FakeHost::tree(&tree.root()).unwrap();
        host.arm(at, Fault::Die);
        if boot_once(&host).is_ok() || tree.read("/etc/hostapd/hostapd.conf").contains("Sea") {
            break;
        }
        std::fs::remove_file(tree.path(FILE)).unwrap();
        boot_once(&FakeHost::tree(&tree.root()).unwrap()).unwrap();
        let now =
            [tree.read(WIFI), tree.read("/etc/piback/profile.yaml"), tree.read("/etc/hostapd/hostapd.conf")];
        assert_eq!(now, old, "change {at}");
    }
}
