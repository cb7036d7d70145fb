//! Generations, kept plans, and the real binary killed at random moments.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]

mod common;

use common::Tree;
use std::process::{Command, Stdio};
use std::time::Duration;

fn set_channel(tree: &Tree, from: u8, to: u8) {
    let text =
        tree.read("/etc/piback/profile.yaml").replace(&format!("channel: {from}"), &format!("channel: {to}"));
    tree.write("/etc/piback/profile.yaml", text);
}

fn channel(tree: &Tree) -> String {
    let text = tree.read("/etc/hostapd/hostapd.conf");
    text.lines().find_map(|l| l.strip_prefix("channel=")).unwrap().to_owned()
}

fn applied(tree: &Tree) {
    let answer = tree.piback(&["apply", "--stack", "dhcpcd", "--yes"]);
    assert_eq!(answer.code, 0, "{}", answer.all());
}

#[test]
fn one_back_to_a_certain_one_and_to_the_original() {
    let tree = Tree::new();
    tree.init("travel");
    let before = tree.snapshot().without(&["/var"]);
    for (from, to) in [(6, 1), (1, 11), (11, 6)] {
        set_channel(&tree, from, to);
        applied(&tree);
    }
    assert_eq!(tree.piback(&["rollback", "--yes"]).code, 0);
    assert_eq!(channel(&tree), "11", "one back");
    let answer = tree.piback(&["rollback", "--to", "1", "--yes"]);
    assert_eq!(answer.code, 0, "{}", answer.all());
    assert!(
        answer.stdout.contains("-channel=11") && answer.stdout.contains("+channel=1"),
        "{}",
        answer.stdout
    );
    assert_eq!(channel(&tree), "1");
    assert_eq!(tree.piback(&["rollback", "--to", "99", "--yes"]).code, 1);
    let list = tree.piback(&["status", "--generations"]).stdout;
    assert_eq!(list.lines().count(), 5, "{list}");
    assert!(list.lines().last().unwrap().contains("rollback --to 1"), "{list}");
    assert_eq!(tree.piback(&["rollback", "--original", "--yes"]).code, 0);
    let mut now = tree.snapshot().without(&["/var"]);
    now.0.remove("/etc/piback/profile.yaml");
    let mut wanted = before.clone();
    wanted.0.remove("/etc/piback/profile.yaml");
    assert_eq!(now, wanted);
    // Further back there is nothing: it does not go forward again.
    let answer = tree.piback(&["rollback", "--yes"]);
    assert_eq!(answer.code, 0, "{}", answer.all());
    let mut now = tree.snapshot().without(&["/var"]);
    now.0.remove("/etc/piback/profile.yaml");
    assert_eq!(now, wanted);
}

/// `network.address: auto`: the choice is on record, stays, and goes where a generation goes.
#[test]
fn a_chosen_address_is_remembered_by_the_generation_that_chose_it() {
    let tree = Tree::new();
    tree.init("travel");
    let set = |from: &str, to: &str| {
        let text = tree.read("/etc/piback/profile.yaml");
        assert!(text.contains(from), "{text}");
        tree.write("/etc/piback/profile.yaml", text.replace(from, to));
    };
    let range = || {
        let text = tree.read("/etc/dnsmasq.d/piback.conf");
        text.lines().find_map(|l| l.strip_prefix("dhcp-range=")).unwrap().to_owned()
    };
    set("address: 10.41.0.1/24", "address: auto");
    applied(&tree);
    assert_eq!(range(), "10.41.0.50,10.41.0.100,255.255.255.0,12h");

    // As if the hotel of that apply had had 10.41.0.0/24: the same choice is made again, though the first is free now.
    let record = "/var/lib/piback/generations/000001.json";
    let text = tree.read(record);
    assert!(text.contains("\"chosen\": \"10.41.0.1/24\""), "{text}");
    tree.write(record, text.replace("\"chosen\": \"10.41.0.1/24\"", "\"chosen\": \"172.27.41.1/24\""));
    applied(&tree);
    assert_eq!(range(), "172.27.41.50,172.27.41.100,255.255.255.0,12h");
    assert_eq!(tree.piback(&["plan", "--stack", "dhcpcd", "--check"]).code, 0);
    let out = tree.dir.path().join("out");
    assert_eq!(tree.piback(&["render", out.to_str().unwrap(), "--stack", "dhcpcd"]).code, 0);
    let rendered = std::fs::read_to_string(out.join("etc/dnsmasq.d/piback.conf")).unwrap();
    assert!(rendered.contains("listen-address=172.27.41.1\n"), "{rendered}");

    // A fixed one in between is not remembered as a choice.
    set("address: auto", "address: 10.99.0.1/24");
    applied(&tree);
    assert_eq!(range(), "10.99.0.50,10.99.0.100,255.255.255.0,12h");
    assert_eq!(tree.piback(&["rollback", "--to", "2", "--yes"]).code, 0);
    assert_eq!(range(), "172.27.41.50,172.27.41.100,255.255.255.0,12h");
    set("address: 10.99.0.1/24", "address: auto");
    assert_eq!(
        tree.piback(&["plan", "--stack", "dhcpcd", "--check"]).code,
        0,
        "it stays where it went back to"
    );
}

#[test]
fn old_generations_are_pruned_and_the_original_stays() {
    let tree = Tree::new();
    tree.write("/etc/dnsmasq.d/piback.conf", "mine\n");
    tree.init("travel");
    for number in 0_u8..25 {
        let (from, to) = if number % 2 == 0 { (6, 1) } else { (1, 6) };
        set_channel(&tree, from, to);
        applied(&tree);
    }
    assert_eq!(tree.piback(&["status", "--generations"]).stdout.lines().count(), 20);
    assert_eq!(tree.piback(&["rollback", "--original", "--yes"]).code, 0);
    assert_eq!(tree.read("/etc/dnsmasq.d/piback.conf"), "mine\n");
}

#[test]
fn a_kept_plan_is_carried_out_only_on_the_host_that_it_saw() {
    let tree = Tree::new();
    tree.init("travel");
    let file = tree.dir.path().join("plan.json");
    let name = file.to_str().unwrap();
    assert_eq!(tree.piback(&["plan", "--stack", "dhcpcd", "--out", name]).code, 0);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains(common::PASSPHRASE));
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&file).unwrap()) & 0o7777, 0o600);
    let again = tree.piback(&["plan", "--stack", "dhcpcd", "--out", name]);
    assert_eq!(again.code, 1, "never written over");
    assert!(
        again.stderr.contains("is there already") && again.stderr.contains("another file"),
        "{}",
        again.stderr
    );

    tree.write("/etc/samba/smb.conf", "[global]\n");
    let before = tree.snapshot();
    let moved = tree.piback(&["apply", name, "--stack", "dhcpcd", "--yes"]);
    assert_eq!(moved.code, 1);
    assert!(moved.stderr.contains("/etc/samba/smb.conf is not as it was"), "{}", moved.stderr);
    assert!(tree.snapshot().untouched(&before));
    std::fs::remove_file(tree.path("/etc/samba/smb.conf")).unwrap();
    set_channel(&tree, 6, 1);
    let other = tree.piback(&["apply", name, "--stack", "dhcpcd", "--yes"]);
    assert_eq!(other.code, 1);
    assert!(other.stderr.contains("/etc/hostapd/hostapd.conf would not be"), "{}", other.stderr);
    assert!(!other.stderr.contains("host has moved"), "{}", other.stderr);
    set_channel(&tree, 1, 6);
    assert_eq!(tree.piback(&["apply", name, "--stack", "dhcpcd", "--yes"]).code, 0);
    assert_eq!(tree.piback(&["apply", name, "--stack", "dhcpcd", "--yes"]).code, 1, "once is enough");
    assert_eq!(tree.piback(&["apply", "/etc/hostname", "--yes"]).code, 1);
}

#[test]
fn two_applies_at_once_one_waits_for_nobody() {
    let tree = Tree::new();
    tree.init("travel");
    applied(&tree);
    set_channel(&tree, 6, 1);
    let host = piback::system::real::RealHost::tree(&tree.root()).unwrap();
    let lock = piback::provision::apply::lock(&host).unwrap();
    let answer = tree.piback(&["apply", "--yes"]);
    assert_eq!(answer.code, 1);
    assert!(answer.stderr.contains("another piback"), "{}", answer.stderr);
    assert_eq!(channel(&tree), "6");
    drop(lock);
    assert_eq!(tree.piback(&["apply", "--yes"]).code, 0);
}

#[test]
fn killed_at_200_random_moments_apply_completes_and_the_original_comes_back() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let start = || {
        let tree = Tree::new();
        tree.write("/etc/dhcpcd.conf", "hostname\r\npersistent");
        tree.write("/etc/hostapd/hostapd.conf", "ssid=hand-made\n");
        tree.set_mode("/etc/hostapd/hostapd.conf", 0o640);
        tree.init("travel");
        tree
    };
    // How long an undisturbed apply takes here, so that the kills fall all over it. The fastest of three: one that had
    // to wait for the machine's other work would send most kills to after the end.
    let undisturbed = || {
        let tree = start();
        let begun = std::time::Instant::now();
        applied(&tree);
        u64::try_from(begun.elapsed().as_micros()).unwrap()
    };
    let mut whole = (0..3).map(|_| undisturbed()).min().unwrap();
    let (mut cut, mut before_or_after) = (0, 0);
    for round in 0..200 {
        let tree = start();
        let original = tree.snapshot().without(&["/var"]);
        let mut child = Command::new(env!("CARGO_BIN_EXE_piback"))
            .args(["apply", "--stack", "dhcpcd", "--yes", "--root", &tree.root_text()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(random() % whole));
        child.kill().unwrap();
        let ended = child.wait().unwrap().success();
        let now = tree.snapshot().without(&["/var"]);
        let journal = tree.path("/var/lib/piback/journal").exists();
        if !ended && (journal || now != original) {
            cut += 1
        } else {
            before_or_after += 1;
        }
        // The machine's other work comes and goes meanwhile: too late is answered with sooner, too soon with later.
        match ended {
            true => whole -= whole / 50,
            false if !journal && now == original => whole += whole / 50,
            false => {}
        }
        if tree.path("/var/lib/piback/journal/intent.json").exists() {
            let notice = tree.piback(&["status"]).stderr;
            assert!(notice.contains("was cut off"), "round {round}: {notice}");
            let doctor = tree.piback(&["doctor"]).stdout;
            assert!(doctor.contains("bad apply: "), "round {round}: {doctor}");
        }
        if round % 2 == 0 {
            applied(&tree);
            assert_eq!(channel(&tree), "6");
            let settled = tree.snapshot();
            assert!(
                !settled.0.keys().any(|p| p.contains(".piback-new") || p.contains("/journal")),
                "litter in round {round}"
            );
            applied(&tree);
            assert!(tree.snapshot().untouched(&settled), "round {round}");
        } else if journal {
            assert_eq!(tree.piback(&["rollback", "--yes"]).code, 0);
        }
        let back = tree.piback(&["rollback", "--original", "--yes"]);
        assert_eq!(back.code, 0, "round {round}: {}", back.all());
        assert_eq!(tree.snapshot().without(&["/var"]), original, "round {round}");
    }
    println!(
        "{cut} of 200 kills came in the middle, {before_or_after} before the first change or after the last"
    );
    assert!(cut >= 20, "only {cut} kills hit");
}

#[test]
fn no_secret_is_in_any_byte_of_output_or_state() {
    let tree = Tree::new();
    let marker = "marker-0f9d-secret";
    let file = tree.dir.path().join("marker");
    std::fs::write(&file, marker).unwrap();
    let mut said = String::new();
    let mut run = |args: &[&str]| {
        let answer = tree.piback(args);
        said.push_str(&answer.all());
        answer.code
    };
    run(&["init", "--country", "US", "--passphrase-file", file.to_str().unwrap(), "--yes", "--json", "-v"]);
    let share = tree.read("/etc/piback/secrets/share-password");
    let plan = tree.dir.path().join("plan");
    let out = tree.dir.path().join("out");
    for args in [
        vec!["plan", "--stack", "dhcpcd", "-v", "--out", plan.to_str().unwrap()],
        vec!["plan", "--stack", "dhcpcd", "--json"],
        vec!["render", out.to_str().unwrap(), "--stack", "dhcpcd"],
        vec!["apply", "--stack", "dhcpcd", "--yes", "-v"],
        vec!["status", "--json"],
        vec!["status", "--generations"],
    ] {
        assert_eq!(run(&args), 0, "{args:?}");
    }
    // Changed, drifted, refused, rolled back: none of them shows it.
    std::fs::write(tree.path("/etc/piback/secrets/wifi-passphrase"), format!("{marker}-2\n")).unwrap();
    tree.write("/etc/hostapd/hostapd.conf", format!("wpa_passphrase={marker}-3\n#wpa_psk={marker}\n"));
    run(&["plan"]);
    run(&["apply", "--yes", "--json"]);
    tree.write("/etc/piback/templates/hostapd.conf", "wpa_passphrase={{ wifi.secret | upper }}\n");
    run(&["plan"]);
    tree.write("/etc/piback/templates/hostapd.conf", "interface=w\n{{ wifi.secret }}={{ wifi.secret }}\n");
    run(&["plan", "-v"]);
    std::fs::remove_file(tree.path("/etc/piback/templates/hostapd.conf")).unwrap();
    run(&["rollback", "--yes"]);
    run(&["rollback", "--original", "--yes", "--json"]);

    for secret in [marker, share.trim_end()] {
        assert!(!said.contains(secret), "printed");
        assert!(!std::fs::read_to_string(&plan).unwrap().contains(secret), "in the kept plan");
        for (path, entry) in tree.snapshot().0 {
            if path.starts_with("/etc/piback/secrets/") {
                assert_eq!(entry.mode & 0o077, 0);
                continue;
            }
            let found = entry.bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
            assert!(!found, "{path} holds a secret");
        }
    }
}

/// ACLs, capabilities and the user's own attributes of a file, as the kernel keeps them.
mod attributes {
    use rustix::fs::{XattrFlags, fsetxattr, getxattr, setxattr};
    use std::path::Path;

    pub const ACL: &str = "system.posix_acl_access";
    pub const CAPABILITY: &str = "security.capability";
    pub const NOTE: &str = "user.note";

    /// `u::rw-,u:1234:r--,g::r--,m::r--,o::r--`, which is mode 0644.
    pub fn acl() -> Vec<u8> {
        let mut bytes = 2u32.to_le_bytes().to_vec();
        let all = u32::MAX;
        for (tag, bits, id) in [(1u16, 6u16, all), (2, 4, 1234), (4, 4, all), (0x10, 4, all), (0x20, 4, all)]
        {
            bytes.extend([tag.to_le_bytes(), bits.to_le_bytes()].concat());
            bytes.extend(id.to_le_bytes());
        }
        bytes
    }

    /// `cap_net_bind_service=ep`
    pub fn capability() -> Vec<u8> {
        [0x0200_0001u32, 1 << 10, 0, 0, 0].iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// `false`, said aloud, where the file system of the test has none of them.
    pub fn give(path: &Path) -> bool {
        let given = setxattr(path, NOTE, b"mine", XattrFlags::empty())
            .and_then(|()| setxattr(path, ACL, &acl(), XattrFlags::empty()));
        if given.is_err() {
            assert!(std::env::var_os("CI").is_none(), "no extended attributes here: {given:?}");
            eprintln!("SKIPPED: no extended attributes here");
            return false;
        }
        // Root's to give.
        let file = std::fs::File::open(path).unwrap();
        let _ = fsetxattr(&file, CAPABILITY, &capability(), XattrFlags::empty());
        true
    }

    pub fn of(path: &Path) -> [Option<Vec<u8>>; 3] {
        [NOTE, ACL, CAPABILITY].map(|name| {
            let mut space = [0; 256];
            let length = getxattr(path, name, &mut space[..]).ok()?;
            Some(space[..length].to_vec())
        })
    }
}

/// What is written in the place of a file has its ACL, its capability and the user's own attributes; so has what comes back,
/// also where the file was gone in between.
#[test]
fn attributes_of_a_replaced_file_stay_and_come_back() {
    for is_gone in [false, true] {
        let tree = Tree::new();
        tree.init("travel");
        let paths = ["/etc/dhcpcd.conf", "/etc/hostapd/hostapd.conf"];
        for path in paths {
            tree.write(path, "# mine\n");
            tree.set_mode(path, 0o644);
            if !attributes::give(&tree.path(path)) {
                return;
            }
        }
        let before = paths.map(|path| (attributes::of(&tree.path(path)), tree.mode(path)));
        applied(&tree);
        let [config, hostapd] = paths.map(|path| attributes::of(&tree.path(path)));
        assert_eq!(config, before[0].0, "lines of piback's in another's file");
        assert_eq!(hostapd[0], before[1].0[0], "a file of piback's in the place of another");
        assert_eq!(hostapd[2], before[1].0[2]);
        // The passphrase is inside: the ACL is there, and its mask lets nobody in.
        let mask = |acl: &[u8]| u16::from_le_bytes([acl[4 + 3 * 8 + 2], acl[4 + 3 * 8 + 3]]);
        assert_eq!((tree.mode(paths[1]), mask(hostapd[1].as_ref().unwrap())), (0o600, 0));
        if is_gone {
            paths.iter().for_each(|path| std::fs::remove_file(tree.path(path)).unwrap());
        }
        let answer = tree.piback(&["rollback", "--original", "--yes"]);
        assert_eq!(answer.code, 0, "{}", answer.all());
        let after = paths.map(|path| (attributes::of(&tree.path(path)), tree.mode(path)));
        assert_eq!(after, before, "gone in between: {is_gone}");
    }
}

#[test]
fn a_file_with_another_name_is_named_before_it_is_replaced() {
    let tree = Tree::new();
    tree.init("travel");
    tree.write("/etc/dhcpcd.conf", "# mine\n");
    std::fs::create_dir_all(tree.path("/home/pi")).unwrap();
    std::fs::hard_link(tree.path("/etc/dhcpcd.conf"), tree.path("/home/pi/dhcpcd")).unwrap();
    let note = "/etc/dhcpcd.conf has another name (a hard link), which keeps the old text";
    let plan = tree.piback(&["plan", "--stack", "dhcpcd"]);
    assert!(plan.all().contains(note), "{}", plan.all());
    applied(&tree);
    assert_eq!(tree.read("/home/pi/dhcpcd"), "# mine\n");
    // It is one of its own now.
    set_channel(&tree, 6, 1);
    let plan = tree.piback(&["plan", "--stack", "dhcpcd"]);
    assert!(!plan.all().contains("another name"), "{}", plan.all());
}
