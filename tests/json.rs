//! The JSON contract: every verb with `--json`, every line held against docs/JSON.md.
#![allow(clippy::disallowed_methods)]

mod common;

use common::{Answer, Tree, piback};
use piback::cli::Command;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The tables of docs/JSON.md: what of each verb's events is documented.
struct Contract(BTreeMap<(String, String), BTreeSet<String>>);

impl Contract {
    fn read() -> Self {
        let text = include_str!("../docs/JSON.md");
        let mut known: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for row in text.lines().filter(|line| line.starts_with("| ") && line.matches('|').count() == 4) {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let words = |cell: &str| -> BTreeSet<String> {
                cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
            };
            for event in words(cells[2]) {
                for command in cells[1].split(", ") {
                    known.entry((command.to_owned(), event.clone())).or_default().extend(words(cells[3]));
                }
            }
        }
        Contract(known)
    }

    /// Every line is an object with the three fields first, an event that is documented, and documented fields.
    fn holds(&self, verb: &str, answer: &Answer, said: &mut BTreeSet<(String, String)>) -> Vec<Value> {
        assert!(!answer.stdout.is_empty(), "{verb} says nothing: {}", answer.stderr);
        let lines: Vec<Value> = answer.stdout.lines().map(|l| serde_json::from_str(l).expect(l)).collect();
        for (text, line) in answer.stdout.lines().zip(&lines) {
            assert!(
                text.starts_with(&format!("{{\"schema\":1,\"command\":\"{verb}\",\"event\":\"")),
                "{text}"
            );
            let event = line["event"].as_str().unwrap().to_owned();
            let key = |command: &str| (command.to_owned(), event.clone());
            let documented = self.0.get(&key(verb)).or_else(|| self.0.get(&key("any")));
            let documented = documented.unwrap_or_else(|| panic!("{verb} {event} is not in docs/JSON.md"));
            for field in line
                .as_object()
                .unwrap()
                .keys()
                .filter(|f| !["schema", "command", "event"].contains(&f.as_str()))
            {
                assert!(documented.contains(field), "{verb} {event}: {field} is not in docs/JSON.md");
            }
            said.insert(key(verb));
        }
        lines
    }
}

/// A scratch folder with a card and a drive.
fn card_and_drive() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, content) in [
        (&b"card/DCIM/100CANON/IMG_0001.JPG"[..], "one"),
        (b"card/DCIM/100CANON/caf\xe9 100%.JPG", "two"),
        (b"drive/SD/DCIM/100CANON/IMG_0001.JPG", "another"),
    ] {
        let path = dir.path().join(OsStr::from_bytes(path));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    std::os::unix::fs::symlink("x", dir.path().join(OsStr::from_bytes(b"card/DCIM/li\xffnk"))).unwrap();
    dir
}

#[test]
fn every_verb_keeps_the_contract() {
    let contract = Contract::read();
    let mut said = BTreeSet::new();
    let tree = Tree::new();
    let folders = card_and_drive();
    let at = |name: &str| folders.path().join(name).to_str().unwrap().to_owned();
    let (card, drive, pages, rendered) = (at("card"), at("drive"), at("pages"), at("rendered"));
    let mut walk = |verb: &str, args: &[&str], code: i32| {
        let line: Vec<&str> = [&[verb][..], args, &["--json"]].concat();
        let answer = tree.piback(&line);
        assert_eq!(answer.code, code, "{line:?} {}", answer.all());
        contract.holds(verb, &answer, &mut said)
    };
    // Without a profile most of them fail, and say so.
    for verb in ["plan", "apply", "rollback", "status", "doctor", "confirm", "settle", "render"] {
        let line = match verb {
            "render" => vec![verb, &rendered, "--json"],
            "apply" | "rollback" => vec![verb, "--yes", "--json"],
            _ => vec![verb, "--json"],
        };
        contract.holds(verb, &tree.piback(&line), &mut BTreeSet::new());
    }
    let init = ["--ssid", "Net", "--country", "US", "--drive", "D", "--yes"];
    walk("init", &init, 0);
    walk("init", &init, 1);
    walk("plan", &["--stack", "dhcpcd"], 0);
    walk("apply", &["--stack", "dhcpcd", "--yes"], 0);
    walk("status", &["--generations"], 0);
    walk("render", &[&rendered], 0);
    walk("settle", &[], 0);
    walk("drift", &[], 0);
    walk("boot", &[], 0);
    walk("confirm", &[], 1);
    walk("rollback", &["--original", "--yes"], 0);
    walk("schema", &[], 0);
    walk("completions", &["bash"], 0);
    walk("man", &[], 0);
    walk("image", &["user-data", "--os", "bookworm"], 0);
    walk("man", &[&pages], 0);
    walk("qr", &[], 0);
    walk("attach", &[], 1);
    // A tree has no cards and drives: nothing of this machine is taken off, nor switched off.
    walk("eject", &["--all"], 64);
    walk("poweroff", &[], 64);
    walk("volume", &["all"], 64);
    walk("cancel", &["SD"], 1);
    walk("uplink", &[], 64);
    let both = ["SD", "--source", &card, "--dest", &drive];
    let backup = walk("backup", &both, 5);
    let account = backup.last().unwrap();
    let paths = |list: &str| -> Vec<&str> {
        account[list].as_array().unwrap().iter().map(|f| f["path"].as_str().unwrap()).collect()
    };
    assert_eq!(paths("not_safe_files"), ["DCIM/li%FFnk"]);
    assert_eq!(paths("renamed"), ["DCIM/100CANON/IMG_0001.JPG"]);
    assert_eq!(account["renamed"][0]["why"], "name_taken");
    walk("safe-to-format", &both, 5);
    walk("scrub", &["--dest", &drive, "--share", "100%"], 0);
    let (rclone, far) = (folders.path().join("rclone.conf"), folders.path().join("far"));
    std::fs::write(&rclone, format!("[far]\ntype = alias\nremote = {}\n", far.display())).unwrap();
    let there = ["far", "--dest", &drive, "--folder", "x", "--config", rclone.to_str().unwrap()];
    let sent = walk("send", &there, 0);
    // What an alias leads to is not looked at, so no hash counts.
    assert_eq!(sent.last().unwrap()["remotes"][0]["new"], sent.last().unwrap()["remotes"][0]["size_only"]);
    std::fs::write(folders.path().join(OsStr::from_bytes(b"drive/SD/DCIM/100CANON/caf\xe9 100%.JPG")), "rot")
        .unwrap();
    let verdict = walk("verify", &["SD", "--dest", &drive], 5);
    assert!(verdict.last().unwrap()["bad_files"].to_string().contains("caf%E9 100%25.JPG"));
    // These look at what is plugged in here: nothing that is known.
    contract.holds("cards", &piback(&["cards", "--json"]), &mut said);
    contract.holds("enroll", &piback(&["enroll", "NO-SUCH-DRIVE", "--yes", "--json"]), &mut said);
    contract.holds("doctor", &tree.piback(&["doctor", "--json"]), &mut said);
    // It serves until it is told to end: that it can't is what it says here.
    contract.holds(
        "web",
        &piback(&["web", "--listen", "127.0.0.1:1", "--source", &card, "--dest", "/nowhere", "--json"]),
        &mut said,
    );
    // Nobody keeps jobs here, and systemd started neither of these.
    for args in [&["control"][..], &["job", "0123456789abcdef"], &["pair"], &["pair", "--list"]] {
        contract.holds(args[0], &piback(&[args, &["--json"]].concat()), &mut said);
    }
    // The past: this machine's clock must not move.
    contract.holds("set-time", &piback(&["set-time", "@0", "--json"]), &mut said);
    // Wrong usage, with a verb and without one.
    contract.holds("backup", &piback(&["backup", "--json"]), &mut said);
    contract.holds("piback", &piback(&["--json", "nonsense"]), &mut said);
    let verbs: BTreeSet<&str> = said.iter().map(|(verb, _)| verb.as_str()).collect();
    for verb in Command::VERBS {
        assert!(verbs.contains(verb), "{verb} was not walked");
        assert!(
            contract.0.keys().any(|(command, _)| command == verb) || verb == "attach",
            "{verb} in docs/JSON.md"
        );
    }
    assert!(Path::new(&pages).join("piback.1").exists());
}
