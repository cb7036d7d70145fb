//! What went wrong once, each with the assertion that it does not again: hosts that somebody edited, records that are
//! damaged, templates that leak.
#![allow(clippy::disallowed_methods)]

mod common;

use common::{PASSPHRASE, Tree};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Command, Stdio};

fn ready() -> Tree {
    let tree = Tree::new();
    tree.init("travel");
    tree
}

fn apply(tree: &Tree) -> common::Answer {
    tree.piback(&["apply", "--stack", "dhcpcd", "--yes"])
}

fn applied() -> Tree {
    let tree = ready();
    assert_eq!(apply(&tree).code, 0);
    tree
}

fn original(tree: &Tree) -> common::Answer {
    tree.piback(&["rollback", "--original", "--yes"])
}

#[test]
fn a_template_can_t_put_the_passphrase_where_others_read_it() {
    let tree = ready();
    tree.write("/etc/piback/templates/dnsmasq.conf", "dhcp-option=252,{{ wifi.secret }}\n");
    let answer = apply(&tree);
    assert_eq!(answer.code, 1);
    assert!(answer.stderr.contains("which others can read"), "{}", answer.stderr);
    assert!(!tree.path("/etc/dnsmasq.d/piback.conf").exists());
}

#[test]
fn a_known_secret_is_masked_wherever_it_stands() {
    let tree = applied();
    tree.write("/etc/dnsmasq.d/piback.conf", format!("dhcp-option=252,{PASSPHRASE}\n"));
    for args in [vec!["plan"], vec!["plan", "--json"], vec!["rollback", "--original"]] {
        let answer = tree.piback(&args);
        assert!(
            answer.all().contains("252,********") && !answer.all().contains(PASSPHRASE),
            "{args:?}: {}",
            answer.all()
        );
    }
}

#[test]
fn a_template_can_t_forge_the_marks_of_a_block() {
    let tree = ready();
    for line in ["# BEGIN piback", "  # END piback  "] {
        tree.write("/etc/piback/templates/samba-include.conf", format!("{line}\nx\n"));
        let answer = apply(&tree);
        assert_eq!(answer.code, 1, "{}", answer.all());
        assert!(answer.stderr.contains("marks a piback block"), "{}", answer.stderr);
    }
}

#[test]
fn a_template_that_is_no_file_is_an_error_not_an_empty_config() {
    let tree = ready();
    std::fs::create_dir_all(tree.path("/etc/piback/templates/dnsmasq.conf")).unwrap();
    let answer = apply(&tree);
    assert_eq!(answer.code, 1);
    assert!(answer.stderr.contains("is no file that can be read"), "{}", answer.stderr);
}

#[test]
fn marks_that_somebody_broke_don_t_stand_in_the_way_back() {
    let tree = ready();
    tree.write("/etc/dhcpcd.conf", "hostname\n");
    assert_eq!(apply(&tree).code, 0);
    tree.write("/etc/dhcpcd.conf", "hostname\n# BEGIN piback\nhalf a block\n");
    assert_eq!(tree.piback(&["plan"]).code, 1);
    let back = original(&tree);
    assert_eq!(back.code, 0, "{}", back.all());
    assert_eq!(tree.read("/etc/dhcpcd.conf"), "hostname\n");
}

#[test]
fn a_file_that_somebody_removed_comes_back_as_it_was_before_piback() {
    let tree = ready();
    tree.write("/etc/dhcpcd.conf", "hostname\n");
    assert_eq!(apply(&tree).code, 0);
    std::fs::remove_file(tree.path("/etc/dhcpcd.conf")).unwrap();
    assert_eq!(original(&tree).code, 0);
    assert_eq!(tree.read("/etc/dhcpcd.conf"), "hostname\n");
}

#[test]
fn a_file_of_the_user_s_own_between_two_lives_of_piback_is_kept() {
    let tree = applied();
    assert_eq!(original(&tree).code, 0);
    tree.write("/etc/hostapd/hostapd.conf", "ssid=mine\n");
    assert_eq!(apply(&tree).code, 0);
    assert_eq!(original(&tree).code, 0);
    assert_eq!(tree.read("/etc/hostapd/hostapd.conf"), "ssid=mine\n");
}

#[test]
fn edits_around_a_block_survive_the_way_back() {
    let tree = ready();
    tree.write("/etc/dhcpcd.conf", "hostname\n");
    assert_eq!(apply(&tree).code, 0);
    let text = tree.read("/etc/dhcpcd.conf");
    tree.write("/etc/dhcpcd.conf", format!("{text}# mine\n"));
    let back = original(&tree);
    assert_eq!(back.code, 0);
    assert!(back.stderr.contains("those edits stay"), "{}", back.stderr);
    assert_eq!(tree.read("/etc/dhcpcd.conf"), "hostname\n# mine\n");
}

#[test]
fn a_block_stays_where_its_file_s_owner_moved_it() {
    let tree = ready();
    tree.write("/etc/dhcpcd.conf", "hostname\n");
    assert_eq!(apply(&tree).code, 0);
    let text = tree.read("/etc/dhcpcd.conf");
    tree.write("/etc/dhcpcd.conf", format!("{text}# mine\n"));
    assert_eq!(tree.piback(&["plan", "--stack", "dhcpcd", "--check"]).code, 0, "nothing of ours has changed");
}

#[test]
fn a_file_whose_mode_or_owner_moved_is_planned_and_mended() {
    let tree = applied();
    let path = tree.path("/etc/dnsmasq.d/piback.conf");
    let now = || std::fs::metadata(&path).map(|m| (m.mode() & 0o7777, m.uid())).unwrap();
    let is_root = now().1 == 0 && std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let moves: [&dyn Fn(); 2] = [
        &|| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap(),
        // Who is not root can give nothing away, and nothing can be given away there.
        &|| {
            if is_root {
                std::os::unix::fs::chown(&path, Some(1000), None).unwrap()
            }
        },
    ];
    let before = now();
    for moved in moves {
        moved();
        let pending = now() != before;
        assert_eq!(tree.piback(&["plan", "--stack", "dhcpcd", "--check"]).code, i32::from(pending) * 2);
        assert_eq!(apply(&tree).code, 0);
        assert_eq!(now(), before);
    }
}

#[test]
fn a_way_back_for_mode_and_owner_alone() {
    let tree = ready();
    tree.write("/etc/hostapd/hostapd.conf", "ssid=mine\n");
    let path = tree.path("/etc/hostapd/hostapd.conf");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(apply(&tree).code, 0);
    tree.write("/etc/hostapd/hostapd.conf", "ssid=mine\n");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(original(&tree).code, 0);
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
}

#[test]
fn a_damaged_record_does_not_stand_in_the_way_back() {
    let tree = ready();
    tree.write("/etc/dhcpcd.conf", "hostname\n");
    let before = tree.snapshot().without(&["/var"]);
    for damage in ["", "{", "{\"schema\": 1}", "\u{0}\u{1}"] {
        assert_eq!(apply(&tree).code, 0);
        let last = tree.snapshot().0.keys().rfind(|p| p.contains("/generations/0")).unwrap().clone();
        tree.write(&last, damage);
        let plan = tree.piback(&["plan"]);
        assert_eq!(plan.code, 1);
        assert!(plan.stderr.contains("damaged"), "{}", plan.stderr);
        let back = original(&tree);
        assert_eq!(back.code, 0, "{damage:?}: {}", back.all());
        assert_eq!(tree.snapshot().without(&["/var"]), before, "{damage:?}");
    }
}

#[test]
fn lost_originals_are_an_error_and_nothing_is_deleted() {
    let tree = ready();
    tree.write("/etc/hostapd/hostapd.conf", "ssid=mine\n");
    assert_eq!(apply(&tree).code, 0);
    std::fs::remove_dir_all(tree.path("/var/lib/piback/originals")).unwrap();
    let before = tree.snapshot();
    let back = original(&tree);
    assert_eq!(back.code, 1);
    assert!(back.stderr.contains("not on record any more"), "{}", back.stderr);
    assert!(tree.snapshot().untouched(&before));
}

/// All records gone, or those of a first apply that was cut off and whose intent is lost: the originals know what is
/// piback's all the same.
#[test]
fn lost_records_are_said_and_the_originals_come_back() {
    for also in [false, true] {
        let tree = ready();
        tree.write("/etc/dhcpcd.conf", "hostname\n");
        tree.write("/etc/hostapd/hostapd.conf", "ssid=mine\n");
        let before = tree.snapshot().without(&["/var"]);
        assert_eq!(apply(&tree).code, 0);
        std::fs::remove_dir_all(tree.path("/var/lib/piback/generations")).unwrap();
        if also {
            std::fs::create_dir(tree.path("/var/lib/piback/journal")).unwrap();
            std::fs::remove_file(tree.path("/etc/dnsmasq.d/piback.conf")).unwrap();
        }
        let damaged = tree.snapshot();
        for verb in [vec!["status"], vec!["plan"], vec!["doctor"]] {
            let answer = tree.piback(&verb);
            assert_eq!(answer.code, 1, "{verb:?}: {}", answer.all());
            assert!(answer.all().contains("not on record any more"), "{verb:?}: {}", answer.all());
            assert!(answer.all().contains("rollback --original"), "{verb:?}: {}", answer.all());
        }
        assert!(tree.snapshot().untouched(&damaged));
        let back = original(&tree);
        assert_eq!(back.code, 0, "{}", back.all());
        assert_eq!(tree.snapshot().without(&["/var"]), before);
        // From here on all is as ever.
        assert_eq!(apply(&tree).code, 0);
        assert_eq!(original(&tree).code, 0);
        assert_eq!(tree.snapshot().without(&["/var"]), before);
    }
}

/// The list of originals is there twice, and one that was changed is not believed: mode and owner of what comes back
/// stand in it.
#[test]
fn a_damaged_list_of_originals_is_passed_over_for_its_copy() {
    let index = "/var/lib/piback/originals/index.json";
    let copy = "/var/lib/piback/originals/index-copy.json";
    let damages: [fn(&str) -> String; 3] = [
        |_| String::new(),
        |text| text.replace("\"mode\": 420", "\"mode\": 511"),
        |text| text[..text.len() / 2].into(),
    ];
    for damage in damages {
        let tree = ready();
        tree.write("/etc/dhcpcd.conf", "hostname\n");
        let before = tree.snapshot().without(&["/var"]);
        assert_eq!(apply(&tree).code, 0);
        let whole = tree.read(index);
        assert_eq!(whole, tree.read(copy));
        assert_ne!(damage(&whole), whole);
        // The copy alone: said, and no hindrance.
        tree.write(copy, damage(&whole));
        let doctor = tree.piback(&["doctor"]);
        assert!(doctor.all().contains("one of the two lists"), "{}", doctor.all());
        assert_eq!(tree.piback(&["plan", "--check"]).code, 0);
        // Both.
        tree.write(index, damage(&whole));
        assert_eq!(tree.piback(&["plan"]).code, 1);
        let lost = original(&tree);
        assert_eq!(lost.code, 1, "{}", lost.all());
        // The index alone.
        tree.write(copy, &whole);
        let back = original(&tree);
        assert_eq!(back.code, 0, "{}", back.all());
        assert!(back.all().contains("its copy"), "{}", back.all());
        assert_eq!(tree.snapshot().without(&["/var"]), before);
        // Mended by the way.
        assert_eq!(tree.read(index), tree.read(copy));
    }
    let tree = ready();
    assert_eq!(apply(&tree).code, 0);
    let whole = tree.read(index);
    std::fs::remove_file(tree.path(index)).unwrap();
    let back = original(&tree);
    assert_eq!(back.code, 0);
    assert!(back.all().contains("is gone; its copy is there"), "{}", back.all());
    // An earlier version's: no checksum, no copy.
    assert_eq!(apply(&tree).code, 0);
    let (rest, _) = whole.rsplit_once(",\n  \"sha256\"").unwrap();
    tree.write(index, format!("{rest}\n}}\n"));
    std::fs::remove_file(tree.path(copy)).unwrap();
    assert!(!tree.piback(&["doctor"]).all().contains("one of the two lists"));
    assert_eq!(original(&tree).code, 0);
}

#[test]
fn a_lost_state_does_not_make_piback_s_own_files_the_original() {
    let tree = ready();
    tree.write("/etc/dhcpcd.conf", "hostname\n");
    let before = tree.snapshot().without(&["/var"]);
    assert_eq!(apply(&tree).code, 0);
    std::fs::remove_dir_all(tree.path("/var")).unwrap();
    assert_eq!(apply(&tree).code, 0);
    assert!(
        !tree
            .snapshot()
            .0
            .iter()
            .any(|(p, e)| p.starts_with("/var") && String::from_utf8_lossy(&e.bytes).contains(PASSPHRASE))
    );
    assert_eq!(original(&tree).code, 0);
    let after = tree.snapshot().without(&["/var"]);
    let files = |s: &common::Snapshot| {
        s.0.iter().filter(|(_, e)| e.kind == 'f').map(|(p, e)| (p.clone(), e.clone())).collect::<Vec<_>>()
    };
    assert_eq!(files(&after), files(&before));
}

#[test]
fn going_back_twice_goes_back_two() {
    let tree = ready();
    for (from, to) in [("6", "1"), ("1", "11"), ("11", "6")] {
        let text = tree
            .read("/etc/piback/profile.yaml")
            .replace(&format!("channel: {from}\n"), &format!("channel: {to}\n"));
        tree.write("/etc/piback/profile.yaml", text);
        assert_eq!(apply(&tree).code, 0);
    }
    let channel = |tree: &Tree| {
        tree.read("/etc/hostapd/hostapd.conf")
            .lines()
            .find_map(|l| l.strip_prefix("channel=").map(str::to_owned))
            .unwrap()
    };
    // A broken profile is a reason to go back, not a hindrance.
    tree.write("/etc/piback/profile.yaml", "nonsense");
    assert_eq!(tree.piback(&["rollback", "--yes"]).code, 0);
    assert_eq!(channel(&tree), "11");
    assert_eq!(tree.piback(&["rollback", "--yes"]).code, 0);
    assert_eq!(channel(&tree), "1");
    assert_eq!(tree.piback(&["rollback", "--yes"]).code, 0);
    assert!(!tree.path("/etc/hostapd/hostapd.conf").exists(), "before the first apply there was nothing");
}

#[test]
fn render_never_writes_over_a_tree_in_use() {
    let tree = applied();
    let before = tree.snapshot();
    let answer = tree.piback(&["render", &tree.root_text()]);
    assert_eq!(answer.code, 1);
    assert!(answer.stderr.contains("holds other files"), "{}", answer.stderr);
    assert!(tree.snapshot().untouched(&before));
    // What was rendered before is rendered anew.
    let out = tree.dir.path().join("out");
    for stack in ["dhcpcd", "networkmanager"] {
        assert_eq!(tree.piback(&["render", out.to_str().unwrap(), "--stack", stack]).code, 0);
    }
}

#[test]
fn a_record_of_somebody_s_tree_can_t_move_the_cursor() {
    let tree = applied();
    let record = "/var/lib/piback/generations/000001.json";
    let forged = tree.read(record).replace(r#""made_by": "apply""#, r#""made_by": "\u001b[2Japply""#);
    tree.write(record, forged);
    for args in [&["status"][..], &["status", "--generations"]] {
        let answer = tree.piback(args);
        assert!(answer.all().contains(r"\u{1b}[2Japply"), "{}", answer.all());
        assert!(!answer.all().contains('\u{1b}'), "{}", answer.all());
    }
    // Nor can what is no record: the reader's own error quotes it.
    tree.write(record, r#"{"stack": "\u001b[2J"}"#);
    let answer = tree.piback(&["status"]);
    assert_eq!(answer.code, 1);
    assert!(answer.stderr.contains("[2J") && !answer.all().contains('\u{1b}'), "{}", answer.all());
}

#[test]
fn links_of_others_are_never_written_through() {
    let tree = ready();
    let other = tree.dir.path().join("other");
    std::fs::write(&other, "not ours").unwrap();
    std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o604)).unwrap();
    let same = || {
        let meta = std::fs::symlink_metadata(&other).unwrap();
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "not ours");
        assert_eq!(meta.mode() & 0o7777, 0o604);
    };
    // A folder that somebody else prepared.
    let pages = tree.dir.path().join("pages");
    std::fs::create_dir(&pages).unwrap();
    std::os::unix::fs::symlink(&other, pages.join("piback.1")).unwrap();
    std::fs::hard_link(&other, pages.join("piback-apply.1")).unwrap();
    assert_eq!(common::piback(&["man", pages.to_str().unwrap()]).code, 1);
    same();
    // Pages are replaced, and a page elsewhere that they lead to is not.
    let elsewhere = tree.dir.path().join("elsewhere");
    std::fs::write(&elsewhere, ".TH piback 1\n").unwrap();
    for (page, linked) in [("piback.1", true), ("piback-apply.1", false)] {
        std::fs::remove_file(pages.join(page)).unwrap();
        match linked {
            true => std::os::unix::fs::symlink(&elsewhere, pages.join(page)).unwrap(),
            false => std::fs::hard_link(&elsewhere, pages.join(page)).unwrap(),
        }
    }
    assert_eq!(common::piback(&["man", pages.to_str().unwrap()]).code, 0);
    assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), ".TH piback 1\n");
    assert!(std::fs::read_to_string(pages.join("piback.1")).unwrap().contains(".TH piback"));
    // A managed file that has another name outside the tree.
    for path in ["/etc/hostapd/hostapd.conf", "/etc/samba/smb.conf"] {
        std::fs::create_dir_all(tree.path(path).parent().unwrap()).unwrap();
        let _ = std::fs::remove_file(tree.path(path));
        std::fs::hard_link(&other, tree.path(path)).unwrap();
    }
    assert_eq!(apply(&tree).code, 0);
    same();
    assert_eq!(original(&tree).code, 0);
    same();
}

#[test]
fn init_never_writes_over_a_secret_of_somebody_s_own() {
    let tree = Tree::new();
    tree.write("/etc/piback/secrets/wifi-passphrase", "my-good-pass-99\n");
    tree.set_mode("/etc/piback/secrets/wifi-passphrase", 0o644);
    let answer = tree.piback(&["init", "--country", "US", "--yes"]);
    assert_eq!(answer.code, 1, "{}", answer.all());
    assert!(answer.stderr.contains("chmod 600"), "{}", answer.stderr);
    assert_eq!(tree.read("/etc/piback/secrets/wifi-passphrase"), "my-good-pass-99\n");
    assert!(!tree.path("/etc/piback/profile.yaml").exists());
}

#[test]
fn init_force_keeps_the_profile_that_it_writes_over() {
    let tree = ready();
    let mine = tree.read("/etc/piback/profile.yaml").replace("channel: 6", "channel: 11");
    tree.write("/etc/piback/profile.yaml", &mine);
    assert_eq!(tree.piback(&["init", "--country", "US", "--yes", "--force"]).code, 0);
    assert_eq!(tree.read("/etc/piback/profile.yaml.before"), mine);
}

#[test]
fn a_kept_plan_knows_its_stack() {
    let tree = ready();
    tree.write("/sbin/dhcpcd", "");
    let file = tree.dir.path().join("plan");
    let name = file.to_str().unwrap();
    assert_eq!(tree.piback(&["plan", "--stack", "ifupdown", "--out", name]).code, 0);
    let answer = tree.piback(&["apply", name, "--yes"]);
    assert_eq!(answer.code, 0, "{}", answer.all());
    assert!(tree.path("/etc/network/interfaces.d/piback").exists());
}

#[test]
fn output_that_a_full_disk_swallowed_is_an_error() {
    for args in [["schema"].as_slice(), &["man"], &["completions", "bash"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let status = Command::new(env!("CARGO_BIN_EXE_piback"))
            .args(args)
            .stdout(Stdio::from(full))
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(1), "{args:?}");
    }
}

#[test]
fn one_json_object_whatever_happens() {
    let tree = ready();
    for (args, code) in [
        (vec!["apply", "--stack", "dhcpcd", "--json"], 64),
        (vec!["apply", "--stack", "dhcpcd", "--json", "--yes"], 0),
        (vec!["apply", "--json", "--no-such-flag"], 64),
        (vec!["rollback", "--original", "--json", "--yes"], 0),
        (vec!["doctor", "--json"], 1),
    ] {
        let answer = tree.piback(&args);
        assert_eq!(answer.code, code, "{args:?}: {}", answer.all());
        let values: Vec<serde_json::Value> =
            answer.stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!(values[0]["schema"], 1, "{args:?}: {}", answer.stdout);
        let objects = if args[0] == "doctor" { 2 } else { 1 };
        assert_eq!(values.len(), objects, "{args:?}: {}", answer.stdout);
    }
}

#[test]
fn what_fights_with_piback_is_named_with_its_line() {
    let tree = ready();
    tree.write("/etc/dnsmasq.conf", "interface=wlan0\nbind-interfaces\n");
    tree.write("/etc/network/interfaces", "auto lo\niface wlan0 inet static\n");
    tree.write("/etc/rc.local", "#!/bin/sh -e\nsudo /home/pi/scripts/hotspot-boot.sh &\nexit 0\n");
    let plan = tree.piback(&["plan", "--stack", "dhcpcd"]);
    for said in ["/etc/dnsmasq.conf:1:", "/etc/network/interfaces:2:", "/etc/rc.local:2:"] {
        assert!(plan.stderr.contains(said), "{said}: {}", plan.stderr);
    }
}

#[test]
fn edits_made_between_a_cut_and_its_undoing_are_kept() {
    use piback::provision::apply as engine;
    use piback::provision::desired::render;
    use piback::provision::plan;

    use piback::system::fake::{FakeHost, Fault};
    let tree = Tree::new();
    tree.write("/etc/dhcpcd.conf", "hostname\n");
    let facts = piback::provision::host::facts::Facts {
        os: Default::default(),
        stack: piback::provision::host::facts::Stack::Dhcpcd,
        interfaces_d_is_read: true,
        ssh_ports: vec![22],
        installed: true,
    };
    let profile = piback::profile::load(piback::profile::embedded("travel").unwrap(), "travel").unwrap();
    let wifi = piback::profile::types::Passphrase::from_file_content(PASSPHRASE.as_bytes()).unwrap();
    let secrets = piback::provision::desired::artifact::Secrets { wifi, screen: None };
    let artifacts = render::render(&profile, &facts, "wpa_passphrase", &Default::default()).unwrap();
    let desired = piback::provision::desired::Desired {
        stack: Some(facts.stack),
        stack_named: false,
        artifacts,
        secrets: Some(secrets.clone()),
        made_by: "apply".into(),
        ..piback::provision::desired::Desired::original()
    };
    let host = FakeHost::tree(&tree.root()).unwrap();
    let _lock = engine::lock(&host).unwrap();
    let state = piback::provision::state::State::read(&host).unwrap();
    let plan = plan::files(&host, &desired, &state).unwrap();
    // Far enough that dhcpcd.conf, the first file, is written.
    let options = engine::Options {
        secrets: Some(&secrets),
        share_password: None,
        expected: None,
        window: None,
        progress: &|_| {},
    };
    host.arm(26, Fault::Die);
    assert!(engine::apply(&host, &plan, &state, &options).is_err());
    let text = tree.read("/etc/dhcpcd.conf");
    assert!(text.contains("BEGIN piback"), "the cut came too early for this test");
    tree.write("/etc/dhcpcd.conf", format!("{text}# mine\n"));
    let host = FakeHost::tree(&tree.root()).unwrap();
    assert_eq!(engine::recover(&host).unwrap(), engine::Recovered::Undone);
    assert_eq!(tree.read("/etc/dhcpcd.conf"), "hostname\n");
    let kept: Vec<String> = tree
        .snapshot()
        .0
        .iter()
        .filter(|(p, e)| p.contains("/edited/") && e.kind == 'f')
        .map(|(_, e)| String::from_utf8_lossy(&e.bytes).into_owned())
        .collect();
    assert_eq!(kept, [format!("{text}# mine\n")]);
}

/// What is no profile at all is told apart at once, however much of it there is.
#[test]
fn a_profile_of_thousands_of_keys_or_brackets_ends_at_once() {
    let tree = ready();
    let profile = tree.read("/etc/piback/profile.yaml");
    let keys: String = (0..8000).map(|i| format!("key{i}: 1\n")).collect();
    let deep = format!("wifi: {}\n", "{a: ".repeat(60_000));
    let lists = format!("wifi: {}\n", "[".repeat(200_000));
    for text in [format!("{profile}{keys}"), deep, lists] {
        tree.write("/etc/piback/profile.yaml", text);
        let begun = std::time::Instant::now();
        let answer = tree.piback(&["plan", "--stack", "dhcpcd"]);
        assert_eq!(answer.code, 1);
        assert!(answer.stderr.contains("is it a profile at all?"), "{}", answer.stderr);
        assert!(answer.stderr.lines().count() < 80, "{}", answer.stderr);
        // Twenty seconds and more before; a slow machine has room here.
        assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    }
}

/// On a running host this is a refusal, as unit tests show; a tree is only told.
#[test]
fn a_profile_or_template_that_others_can_write_is_said() {
    let tree = ready();
    tree.write("/etc/piback/templates/sysctl.conf", "# nothing\n");
    for path in ["/etc/piback/profile.yaml", "/etc/piback/templates/sysctl.conf"] {
        std::fs::set_permissions(tree.path(path), std::fs::Permissions::from_mode(0o666)).unwrap();
        for verb in [vec!["plan", "--stack", "dhcpcd"], vec!["doctor"]] {
            let answer = tree.piback(&verb);
            let said = format!("{path} can be written by others (mode 666)");
            assert!(answer.all().contains(&said), "{verb:?}: {}", answer.all());
        }
        std::fs::set_permissions(tree.path(path), std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    assert!(!tree.piback(&["plan", "--stack", "dhcpcd"]).all().contains("by others"));
}
