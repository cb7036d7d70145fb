//! The command line's contract: names, flags, exit codes, JSON.
#![allow(clippy::disallowed_methods)]

mod common;

use common::{PASSPHRASE, Tree, piback};

fn json(answer: &common::Answer) -> serde_json::Value {
    let first = answer.stdout.lines().next().unwrap_or_else(|| panic!("no JSON: {}", answer.stderr));
    assert_eq!(answer.stdout.lines().count(), 1, "one object: {}", answer.stdout);
    let value: serde_json::Value = serde_json::from_str(first).expect("JSON");
    assert_eq!(value["schema"], 1);
    value
}

#[test]
fn the_life_of_a_tree() {
    let tree = Tree::new();
    tree.write("/etc/dhcpcd.conf", "hostname\n");
    tree.write("/etc/hostapd/hostapd.conf", "ssid=old\nwpa_passphrase=somebody else's secret\n");
    tree.set_mode("/etc/hostapd/hostapd.conf", 0o644);
    tree.init("moving-electrons");
    assert_eq!(tree.mode("/etc/piback/secrets/wifi-passphrase"), 0o600);
    assert_eq!(tree.mode("/etc/piback/secrets/share-password"), 0o600);
    assert_eq!(tree.mode("/etc/piback/secrets"), 0o700);
    let before = tree.snapshot();

    let plan = tree.piback(&["plan", "--stack", "ifupdown", "--check"]);
    assert_eq!(plan.code, 2);
    assert!(plan.stdout.contains("change /etc/hostapd/hostapd.conf"), "{}", plan.stdout);
    assert!(plan.stdout.contains("mode 0644 -> 0600"), "{}", plan.stdout);
    assert!(plan.stdout.contains("+wpa_passphrase=******** (changed)"), "{}", plan.stdout);
    assert!(!plan.all().contains("somebody else's") && !plan.all().contains(PASSPHRASE));
    assert!(tree.snapshot().untouched(&before), "a plan changes nothing");
    let pending = json(&tree.piback(&["plan", "--stack", "ifupdown", "--json"]));
    assert_eq!(pending["pending"], true);
    assert_eq!(pending["stack"], "ifupdown");
    assert!(pending["files"].as_array().unwrap().len() >= 10);
    assert_eq!(
        pending["checks"][2]["result"], "not-checked",
        "no tool runs with --root: {}",
        pending["checks"]
    );

    assert_eq!(tree.piback(&["apply", "--stack", "ifupdown", "--yes"]).code, 0);
    let hostapd = tree.read("/etc/hostapd/hostapd.conf");
    assert!(
        hostapd.contains("\nssid=NET\n") && hostapd.contains(&format!("\nwpa_passphrase={PASSPHRASE}\n"))
    );
    assert_eq!(tree.mode("/etc/hostapd/hostapd.conf"), 0o600);
    assert!(tree.read("/etc/dhcpcd.conf").ends_with("# END piback\nhostname\n"));
    assert_eq!(tree.piback(&["plan", "--stack", "ifupdown", "--check"]).code, 0);
    assert_eq!(json(&tree.piback(&["plan", "--json"]))["pending"], false);

    // Drift is shown and mended.
    tree.write("/etc/dnsmasq.d/piback.conf", "by hand\n");
    tree.set_mode("/etc/sysctl.d/99-piback.conf", 0o666);
    let plan = tree.piback(&["plan", "--check"]);
    assert_eq!(plan.code, 2);
    assert!(plan.stdout.contains("-by hand") && plan.stdout.contains("mode 0666 -> 0644"), "{}", plan.stdout);
    assert_eq!(tree.piback(&["apply", "--yes"]).code, 0);
    assert_eq!(tree.mode("/etc/sysctl.d/99-piback.conf"), 0o644);
    assert_eq!(tree.piback(&["plan", "--check"]).code, 0);

    let back = tree.piback(&["rollback", "--original", "--yes"]);
    assert_eq!(back.code, 0, "{}", back.all());
    assert_eq!(tree.snapshot().without(&["/var"]), before.without(&["/var"]));
    assert_eq!(tree.piback(&["rollback", "--original", "--yes"]).stdout, "Nothing to do.\n");
}

#[test]
fn a_changed_profile_changes_what_depends_on_it() {
    let tree = Tree::new();
    tree.init("travel");
    assert_eq!(tree.piback(&["apply", "--stack", "networkmanager", "--yes"]).code, 0);
    let profile = tree.read("/etc/piback/profile.yaml").replace("channel: 6", "channel: 11");
    tree.write("/etc/piback/profile.yaml", profile);
    let plan = json(&tree.piback(&["plan", "--json", "--check"]));
    let paths: Vec<&str> =
        plan["files"].as_array().unwrap().iter().map(|f| f["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["/etc/hostapd/hostapd.conf"]);
    assert!(plan["files"][0]["diff"].as_str().unwrap().contains("\n-channel=6\n+channel=11\n"));

    // Without the uplink shared, the file that shares it goes.
    let profile = tree.read("/etc/piback/profile.yaml").replace("share: true", "share: false");
    tree.write("/etc/piback/profile.yaml", profile);
    assert_eq!(tree.piback(&["apply", "--yes"]).code, 0);
    assert!(!tree.path("/etc/sysctl.d/99-piback.conf").exists());
}

#[test]
fn the_stack_is_found_or_asked_for() {
    let tree = Tree::new();
    tree.init("travel");
    let answer = tree.piback(&["plan"]);
    assert_eq!(answer.code, 1);
    assert!(answer.stderr.contains("--stack"), "{}", answer.stderr);
    for (files, version, stack) in [
        (vec!["/sbin/dhcpcd", "/sbin/ifup"], "8", "ifupdown"),
        (vec!["/sbin/dhcpcd"], "11", "dhcpcd"),
        (
            vec!["/sbin/dhcpcd", "/sbin/ifup", "/etc/systemd/system/multi-user.target.wants/dhcpcd.service"],
            "10",
            "dhcpcd",
        ),
        (vec!["/sbin/dhcpcd", "/usr/sbin/NetworkManager"], "11", "dhcpcd"),
        (vec!["/sbin/ifup"], "12", "ifupdown"),
        (vec!["/usr/sbin/NetworkManager"], "13", "networkmanager"),
        (
            vec![
                "/sbin/ifup",
                "/usr/sbin/NetworkManager",
                "/etc/systemd/system/multi-user.target.wants/NetworkManager.service",
            ],
            "12",
            "networkmanager",
        ),
    ] {
        let tree = Tree::new();
        tree.init("travel");
        tree.write("/etc/os-release", format!("VERSION_ID=\"{version}\"\n"));
        files.iter().for_each(|f| tree.write(f, ""));
        let answer = json(&tree.piback(&["plan", "--json"]));
        assert_eq!(answer["stack"], stack, "{files:?} on {version}");
    }
}

#[test]
fn a_stack_that_was_named_stays_until_another_is_or_it_is_gone() {
    let tree = Tree::new();
    tree.init("travel");
    tree.write("/etc/os-release", "VERSION_ID=\"12\"\n");
    for file in [
        "/sbin/ifup",
        "/usr/sbin/NetworkManager",
        "/etc/systemd/system/multi-user.target.wants/NetworkManager.service",
    ] {
        tree.write(file, "");
    }
    let plan = || json(&tree.piback(&["plan", "--json"]));
    assert_eq!(plan()["stack"], "networkmanager", "what is found");
    assert_eq!(tree.piback(&["apply", "--stack", "ifupdown", "--yes"]).code, 0);
    assert_eq!(plan()["stack"], "ifupdown");
    assert_eq!(tree.piback(&["plan", "--check"]).code, 0, "nothing flips back by itself");
    // Something else changes, and nobody names it again.
    let profile = tree.read("/etc/piback/profile.yaml").replace("share: true", "share: false");
    tree.write("/etc/piback/profile.yaml", profile);
    assert_eq!(tree.piback(&["apply", "--yes"]).code, 0);
    assert_eq!(plan()["stack"], "ifupdown");
    std::fs::remove_file(tree.path("/sbin/ifup")).unwrap();
    assert_eq!(plan()["stack"], "networkmanager", "an upgrade took it away");
    tree.write("/sbin/ifup", "");
    assert_eq!(tree.piback(&["apply", "--stack", "networkmanager", "--yes"]).code, 0);
    assert_eq!(plan()["stack"], "networkmanager");
}

#[test]
fn init_makes_secrets_and_keeps_what_is_there() {
    let tree = Tree::new();
    let args = ["init", "--country", "DE", "--yes"];
    assert_eq!(tree.piback(&args).code, 0);
    let secret = tree.read("/etc/piback/secrets/wifi-passphrase");
    assert!(
        secret.trim_end().len() == 16 && secret.trim_end().bytes().all(|b| b.is_ascii_lowercase()),
        "{secret}"
    );
    assert_ne!(secret, tree.read("/etc/piback/secrets/share-password"));
    let before = tree.snapshot();
    let again = tree.piback(&args);
    assert_eq!(again.code, 1);
    assert!(again.stderr.contains("--force"), "{}", again.stderr);
    assert!(tree.snapshot().untouched(&before));
    let forced =
        tree.piback(&["init", "--country", "CH", "--ssid", "a \"b\" #c", "--yes", "--force", "--json"]);
    assert_eq!(json(&forced)["passphrase"], "kept");
    assert_eq!(tree.read("/etc/piback/secrets/wifi-passphrase"), secret);
    assert!(!forced.all().contains(secret.trim_end()));
    let profile = tree.read("/etc/piback/profile.yaml");
    assert!(
        profile.contains("ssid: \"a \\\"b\\\" #c\"")
            && profile.contains("country: \"CH\"")
            && profile.contains("# What the iPad shows")
    );
    // A profile of one's own is a start too.
    let other = Tree::new();
    let from = tree.path("/etc/piback/profile.yaml");
    let answer = other.piback(&["init", "--from", from.to_str().unwrap(), "--drive", "X", "--yes"]);
    assert_eq!(answer.code, 0, "{}", answer.all());
    assert!(other.read("/etc/piback/profile.yaml").contains("destination: \"X\""));
}

#[test]
fn bad_input_to_init_writes_nothing() {
    let tree = Tree::new();
    let short = tree.dir.path().join("short");
    std::fs::write(&short, "1234567\n").unwrap();
    for (args, code, said) in [
        (vec!["--yes"], 64, "--country"),
        (vec!["--country", "XX", "--yes"], 64, "is no country code"),
        (vec!["--country", "US", "--ssid", "", "--yes"], 64, "0 bytes"),
        (vec!["--country", "US", "--drive", "a/b", "--yes"], 64, "is no volume label"),
        (vec!["--country", "US", "--passphrase-file", short.to_str().unwrap(), "--yes"], 1, "8 to 63"),
        (vec!["--country", "US", "--passphrase-file", "/nowhere", "--yes"], 1, "/nowhere"),
        (vec!["--country", "US", "--from", "/nowhere", "--yes"], 1, "travel, moving-electrons"),
    ] {
        let args: Vec<&str> = ["init"].into_iter().chain(args).collect();
        let answer = tree.piback(&args);
        assert_eq!(answer.code, code, "{args:?}: {}", answer.all());
        assert!(answer.stderr.contains(said), "{args:?}: {}", answer.stderr);
        assert!(!answer.all().contains("1234567"), "a secret is shown");
        assert!(tree.snapshot().0.is_empty(), "{args:?} wrote something");
    }
}

#[test]
fn secrets_that_others_can_read_are_refused() {
    let tree = Tree::new();
    tree.init("travel");
    tree.set_mode("/etc/piback/secrets/wifi-passphrase", 0o644);
    let answer = tree.piback(&["plan", "--stack", "dhcpcd"]);
    assert_eq!(answer.code, 1);
    assert!(answer.stderr.contains("chmod 600"), "{}", answer.stderr);
}

#[test]
fn an_own_template_takes_the_place_and_plan_says_so() {
    let tree = Tree::new();
    tree.init("travel");
    tree.write("/etc/piback/templates/dnsmasq.conf", "interface={{ wifi.interface }}\n# mine\n");
    tree.write("/etc/piback/templates/unknown.conf", "x");
    let plan = tree.piback(&["plan", "--stack", "dhcpcd"]);
    assert!(plan.stderr.contains("/etc/piback/templates/dnsmasq.conf takes the place"), "{}", plan.stderr);
    assert!(plan.stderr.contains("unknown.conf is no template"), "{}", plan.stderr);
    assert_eq!(tree.piback(&["apply", "--stack", "dhcpcd", "--yes"]).code, 0);
    assert_eq!(tree.read("/etc/dnsmasq.d/piback.conf"), "interface=wlan0\n# mine\n");
    tree.write("/etc/piback/templates/dnsmasq.conf", "{{ nothing }}\n");
    let before = tree.snapshot();
    let answer = tree.piback(&["apply", "--yes"]);
    assert_eq!(answer.code, 1);
    assert!(
        answer.stderr.contains("/etc/piback/templates/dnsmasq.conf") && answer.stderr.contains("nothing"),
        "{}",
        answer.stderr
    );
    assert!(tree.snapshot().untouched(&before));
    let loops = "{% for a in range(end=99999) %}{% for b in range(end=99999) %}{% endfor %}{% endfor %}";
    tree.write("/etc/piback/templates/dnsmasq.conf", loops);
    let answer = tree.piback(&["plan"]);
    assert_eq!(answer.code, 1);
    assert!(answer.stderr.contains("/etc/piback/templates/dnsmasq.conf") && answer.stderr.contains("loop"));
}

#[test]
fn usage_errors_end_with_64_and_failures_with_1() {
    for (args, code) in [
        (vec!["plan", "--no-such-flag"], 64),
        (vec!["no-such-command"], 64),
        (vec!["apply", "--stack", "systemd"], 64),
        (vec![], 64),
        (vec!["--help"], 0),
        (vec!["--version"], 0),
        (vec!["plan", "--root", "/no/such/root"], 1),
        (vec!["schema"], 0),
        (vec!["man"], 0),
        (vec!["completions", "bash"], 0),
    ] {
        let answer = piback(&args);
        assert_eq!(answer.code, code, "{args:?}: {}", answer.all());
        assert!(!answer.all().contains("panicked") && !answer.all().contains("stack backtrace"), "{args:?}");
    }
    // Nobody can be asked in a test: without --yes nothing is applied.
    let tree = Tree::new();
    tree.init("travel");
    let before = tree.snapshot();
    let answer = tree.piback(&["apply", "--stack", "dhcpcd"]);
    assert_eq!(answer.code, 64);
    assert!(answer.stderr.contains("--yes"), "{}", answer.stderr);
    assert!(tree.snapshot().untouched(&before));
}

#[test]
fn errors_are_json_too() {
    let tree = Tree::new();
    let value = json(&tree.piback(&["plan", "--json"]));
    assert_eq!(value["exit_code"], 1);
    assert!(value["error"].as_str().unwrap().contains("there is no profile"));
    assert!(
        value["hints"][0].as_str().unwrap().contains(&format!("piback --root {} init", tree.root_text()))
    );
    let typing_error = json(&tree.piback(&["statsu", "--json"]));
    assert!(typing_error["hints"][0].as_str().unwrap().contains("'status'"), "{typing_error}");
    let usage = json(&tree.piback(&["backup", "--json"]));
    assert_eq!(usage["error"], "the following required arguments were not provided: <LABEL>");
}

#[test]
fn the_schema_is_made_from_the_types() {
    let schema: serde_json::Value = serde_json::from_str(&piback(&["schema"]).stdout).unwrap();
    assert_eq!(schema["properties"]["version"]["$ref"], "#/$defs/Version");
    assert_eq!(schema["$defs"]["Wifi"]["additionalProperties"], false);
    assert!(schema["$defs"]["Network"]["properties"]["dhcp"].is_object());
}

#[test]
fn man_pages_and_rendered_files_are_written_where_asked() {
    let tree = Tree::new();
    let dir = tree.dir.path().join("man");
    assert_eq!(piback(&["man", dir.to_str().unwrap()]).code, 0);
    let apply = std::fs::read_to_string(dir.join("piback-apply.1")).unwrap();
    for name in ["uplink-join", "uplink-scan", "uplink-forget", "image-user-data"] {
        assert!(dir.join(format!("piback-{name}.1")).exists(), "{name}");
    }
    // Each page that is referred to is there.
    for file in std::fs::read_dir(&dir).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap().replace('\\', "");
        for (at, _) in text.match_indices("(1)") {
            let name = text[..at].rsplit(|c: char| !c.is_alphanumeric() && c != '-').next().unwrap();
            assert!(dir.join(format!("{name}.1")).exists(), "{name}");
        }
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = piback(&["completions", shell]).stdout;
        assert!(script.contains("safe-to-format") && !script.contains("settle"), "{shell}");
    }
    assert!(apply.contains("piback\\-apply") || apply.contains("piback-apply"), "{apply}");
    tree.init("travel");
    let before = tree.snapshot();
    let out = tree.dir.path().join("out");
    let answer = tree.piback(&["render", out.to_str().unwrap(), "--stack", "networkmanager", "--json"]);
    assert_eq!(json(&answer)["stack"], "networkmanager");
    let hostapd = std::fs::read_to_string(out.join("etc/hostapd/hostapd.conf")).unwrap();
    assert!(hostapd.contains("wpa_passphrase=********"), "{hostapd}");
    assert!(tree.snapshot().untouched(&before));
    // Once more over its own, and never over somebody's files, whatever they are called.
    let render =
        |dir: &std::path::Path| tree.piback(&["render", dir.to_str().unwrap(), "--stack", "networkmanager"]);
    assert_eq!(render(&out).code, 0);
    let other = tree.dir.path().join("other");
    std::fs::create_dir_all(other.join("etc/hostapd")).unwrap();
    std::fs::write(other.join("etc/hostapd/hostapd.conf"), "mine").unwrap();
    let refused = render(&other);
    assert!(
        refused.code == 1 && refused.stderr.contains("name a directory that is not there yet"),
        "{}",
        refused.all()
    );
    assert_eq!(std::fs::read_to_string(other.join("etc/hostapd/hostapd.conf")).unwrap(), "mine");
}

#[test]
fn the_article_s_own_configuration_is_taken_over() {
    let tree = Tree::new();
    let conf = tree.dir.path().join("backup_photos.conf");
    let args =
        ["init", "--from", "moving-electrons", "--ssid", "NET", "--country", "US", "--yes", "--from-conf"];
    let args: Vec<&str> = args.iter().copied().chain([conf.to_str().unwrap()]).collect();
    std::fs::write(&conf, "mount folder=/mnt/usb/\r\ndestination folder = BIGDRIVE\r\n").unwrap();
    let answer = tree.piback(&args);
    assert_eq!(answer.code, 0, "{}", answer.all());
    let profile = tree.read("/etc/piback/profile.yaml");
    assert!(
        profile.contains("destination: \"BIGDRIVE\"") && profile.contains("mount_root: \"/mnt/usb\""),
        "{profile}"
    );

    let other = Tree::new();
    std::fs::write(&conf, "mount folder=../x\nnonsense\n").unwrap();
    let answer = other.piback(&args);
    assert_eq!(answer.code, 1);
    assert!(answer.stderr.contains("line 1") && answer.stderr.contains("line 2"), "{}", answer.stderr);
    assert!(other.snapshot().0.is_empty());
}

#[test]
fn what_is_to_be_typed_names_the_tree() {
    let tree = Tree::new();
    let root = tree.root_text();
    let plan = tree.piback(&["plan"]);
    let profile = format!("{root}/etc/piback/profile.yaml");
    assert!(plan.stderr.contains(&format!("there is no profile: {profile}")), "{}", plan.stderr);
    assert!(plan.stderr.contains(&format!("piback --root {root} init")), "{}", plan.stderr);
    let init = tree.piback(&["init", "--country", "DE", "--yes"]);
    for line in [
        format!("profile     {profile}\n"),
        format!("({root}/etc/piback/secrets/wifi-passphrase)"),
        format!("Read a secret with `cat FILE`. Next: piback --root {root} apply\n"),
    ] {
        assert!(init.stdout.contains(&line), "{line}: {}", init.stdout);
    }
    let again = tree.piback(&["init", "--country", "DE", "--yes"]);
    assert!(again.stderr.contains(&format!("piback --root {root} init --force")), "{}", again.stderr);
    let status = tree.piback(&["status"]);
    assert!(status.all().contains(&format!("`piback --root {root} apply` does")), "{}", status.all());
    tree.write("/etc/piback/profile.yaml", "version: 1\nwifi: 7\n");
    let wrong = tree.piback(&["plan"]);
    assert!(wrong.stderr.contains(&format!("{profile}:")), "{}", wrong.stderr);
    let doctor = tree.piback(&["doctor", "--json"]);
    assert!(doctor.stdout.contains(&format!("piback --root {root} ")), "{}", doctor.stdout);
    let json = json(&tree.piback(&["plan", "--json"]));
    assert!(json["error"].as_str().unwrap().contains(&profile), "{json}");
}
