//! Records that earlier versions left on a host, and what is open on it: settled at boot, recovered by the next command,
//! undone by the timer and gone back from by the piback of today. `tests/records/VERSION/STACK/` holds a host a file:
//! its tree, and how its units and its kernel were.
//!
//! A release that changes a record writes a set of its own and leaves the older ones as they are:
//! `WRITE_RECORDS=tests/records/VERSION cargo test --test records write`.
#![allow(clippy::disallowed_methods)]

mod common;
#[path = "common/pi.rs"]
mod pi;

use common::{Snapshot, Tree};
use pi::{Model, Pi, STACKS, Unit, by_hand, fresh_on, pi_on, runs, window, writes};
use piback::provision::apply::{self, Recovered};
use piback::provision::host::facts::Stack;
use piback::provision::plan;
use piback::provision::resources::unit::change;
use piback::provision::state::State;
use piback::system::Host;
use piback::system::fake::{Event, Fault};
use std::path::{Path, PathBuf};
use std::time::Duration;

const RECORDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/records");

/// A host as one text.
fn packed(pi: &Pi) -> String {
    let mut text = String::new();
    let model = pi.model.borrow();
    for (name, Unit { file, active }) in &model.units {
        text.push_str(&format!("unit {name} {file} {active}\n"));
    }
    model.packages.iter().for_each(|package| text.push_str(&format!("package {package}\n")));
    model.rules.iter().for_each(|rule| text.push_str(&format!("rule {rule}\n")));
    text.push_str(&format!("address {}\n", model.address));
    text.push_str(&format!("chains {}\nsamba-knows {}\n", model.chains, model.samba_knows));
    for (path, entry) in &pi.tree.snapshot().0 {
        // Only its being there counts, and not even that.
        if path.ends_with("/journal/reserve") {
            continue;
        }
        let body = String::from_utf8(entry.bytes.clone()).unwrap();
        assert!(!body.lines().any(|line| line.starts_with("=== ")), "{path}");
        match entry.kind {
            'd' => text.push_str(&format!("=== dir {:04o} {path}\n", entry.mode)),
            'l' => text.push_str(&format!("=== link {path} {body}\n")),
            _ if body.is_empty() || body.ends_with('\n') => {
                text.push_str(&format!("=== file {:04o} {path}\n{body}", entry.mode));
            }
            _ => text.push_str(&format!("=== file-without-end {:04o} {path}\n{body}\n", entry.mode)),
        }
    }
    text
}

/// A host out of its text.
fn unpacked(stack: Stack, text: &str) -> Pi {
    let mut blocks = text.split("=== ");
    let mut model = Model { radio: "ENABLED", ..Model::default() };
    for line in blocks.next().unwrap().lines() {
        let (word, rest) = line.split_once(' ').unwrap();
        match word {
            "unit" => {
                let words: Vec<&str> = rest.split(' ').collect();
                let file = ["enabled", "disabled", "masked"].into_iter().find(|f| *f == words[1]).unwrap();
                model.units.insert(words[0].to_owned(), Unit { file, active: words[2] == "true" });
            }
            "package" => model.packages.push(rest.to_owned()),
            "rule" => model.rules.push(rest.to_owned()),
            "address" => model.address = rest.to_owned(),
            "chains" => model.chains = rest == "true",
            "samba-knows" => model.samba_knows = rest == "true",
            other => panic!("{other}?"),
        }
    }
    let tree = Tree::new();
    let mut kernel = None;
    for block in blocks {
        let (head, body) = block.split_once('\n').unwrap();
        let words: Vec<&str> = head.split(' ').collect();
        let path = tree.path(words[if words[0] == "link" { 1 } else { 2 }]);
        let mode = u32::from_str_radix(words[1], 8).unwrap_or_default();
        match words[0] {
            "dir" => std::fs::create_dir_all(&path).unwrap(),
            "link" => std::os::unix::fs::symlink(words[2], &path).unwrap(),
            "file" => std::fs::write(&path, body).unwrap(),
            _ => std::fs::write(&path, body.strip_suffix('\n').unwrap()).unwrap(),
        }
        if words[0] != "link" {
            tree.set_mode(words[2], mode);
        }
        if words[2].ends_with("/ip_forward") {
            kernel = Some(body.to_owned());
        }
    }
    let pi = pi_on(stack, model, tree);
    pi.tree.write("/proc/sys/net/ipv4/ip_forward", kernel.unwrap());
    pi
}

/// The hosts that a version leaves: a name, and how it comes to be from a Pi that was set up by hand.
fn hosts(stack: Stack) -> Vec<(&'static str, Pi)> {
    let start = || {
        let pi = by_hand(stack);
        pi.tree.write(
            "/etc/passwd",
            "root:x:0:0::/:/bin/sh\npiback:x:999:999::/nonexistent:/usr/sbin/nologin\n",
        );
        pi.tree.write("/srv/piback/IMG_0001.JPG", "a photo\n");
        pi.tree.write("/media/piback/.keep", "");
        pi
    };
    let cut = |pi: Pi, channel, at: Box<dyn Fn(&Event) -> bool>| {
        pi.host.arm_when(Fault::Die, at);
        let ended = pi.apply(channel, None);
        assert!(ended.is_err() && pi.host.is_dead(), "{ended:?}");
        pi
    };
    let applied = |pi: Pi, channel| {
        pi.apply(channel, None).unwrap();
        pi
    };
    let undoing = start();
    undoing.model.borrow_mut().broken = Some("dnsmasq.service");
    let waits = start();
    waits.apply(6, window()).unwrap();
    let mut other_stack = applied(applied(start(), 6), 11);
    other_stack.stack = pi::next(stack);
    other_stack.model.borrow_mut().units.extend(fresh_on(other_stack.stack).units);
    let gone =
        |event: &Event| matches!(event, Event::Remove { path } if path == "/etc/dnsmasq.d/piback.conf");
    vec![
        ("before", start()),
        ("writing", cut(start(), 6, Box::new(writes("/etc/hostapd/hostapd.conf")))),
        ("written", cut(start(), 6, Box::new(runs("systemctl restart hostapd.service")))),
        ("undoing", cut(undoing, 6, Box::new(gone))),
        ("provisional", waits),
        ("first", applied(start(), 6)),
        ("changed", applied(applied(start(), 6), 11)),
        ("changed-writing", cut(applied(start(), 6), 11, Box::new(runs("systemctl daemon-reload")))),
        ("stack-written", cut(other_stack, 6, Box::new(runs("systemctl restart hostapd.service")))),
    ]
}

/// Nothing is written unless it is asked for; that what is written can be read is seen every time.
#[test]
fn write_and_read() {
    let folder = std::env::var_os("WRITE_RECORDS").map(PathBuf::from);
    for stack in STACKS {
        for (name, pi) in hosts(stack) {
            let text = packed(&pi);
            assert_eq!(packed(&unpacked(stack, &text)), text, "{stack} {name}");
            if let Some(folder) = &folder {
                let folder = folder.join(stack.to_string());
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(folder.join(format!("{name}.txt")), text).unwrap();
            }
        }
    }
}

/// One version's hosts on one stack.
struct Set {
    stack: Stack,
    dir: PathBuf,
}

impl Set {
    fn all() -> Vec<Set> {
        let versions = std::fs::read_dir(RECORDS).unwrap().map(|entry| entry.unwrap().path());
        let sets: Vec<Set> = versions
            .flat_map(|version| STACKS.map(|stack| Set { stack, dir: version.join(stack.to_string()) }))
            .collect();
        assert!(sets.len() >= 3, "no records");
        sets
    }

    fn host(&self, name: &str) -> Pi {
        let file = self.dir.join(name).with_extension("txt");
        let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        unpacked(self.stack, &text)
    }

    fn files(&self, name: &str) -> Snapshot {
        self.host(name).files()
    }

    fn text(&self) -> String {
        let dir = self.dir.strip_prefix(Path::new(RECORDS)).unwrap();
        dir.display().to_string()
    }
}

fn is_settled(pi: &Pi, at: &str) {
    assert!(!pi.tree.path("/var/lib/piback/journal").exists(), "{at}: the journal is open");
    assert!(!pi.tree.path("/run/systemd/system/piback-confirm.timer").exists(), "{at}: the timer is armed");
}

#[test]
fn at_boot_what_is_open_is_settled() {
    for set in Set::all() {
        for (name, settled, becomes) in [
            ("writing", Recovered::Undone, "before"),
            ("undoing", Recovered::Undone, "before"),
            ("provisional", Recovered::Undone, "before"),
            ("written", Recovered::Finished, "first"),
            ("changed-writing", Recovered::Finished, "changed"),
            ("first", Recovered::Nothing, "first"),
        ] {
            let at = format!("{} {name}", set.text());
            let pi = set.host(name);
            pi.power_cut();
            assert_eq!(apply::settle(&pi.host, true).unwrap(), settled, "{at}");
            assert_eq!(pi.files(), set.files(becomes), "{at}");
            is_settled(&pi, &at);
            pi.boot_goes_on();
            let model = pi.model.borrow();
            let serves = model.units.get("piback-nat.service").is_some_and(|unit| unit.active);
            assert_eq!((serves, model.chains), (becomes != "before", becomes != "before"), "{at}");
        }
    }
}

#[test]
fn the_next_command_recovers_what_is_open() {
    for set in Set::all() {
        for (name, recovered, becomes) in [
            ("writing", Recovered::Undone, "before"),
            ("undoing", Recovered::Undone, "before"),
            ("written", Recovered::Finished, "first"),
            ("provisional", Recovered::Finished, "first"),
            ("changed-writing", Recovered::Finished, "changed"),
        ] {
            let at = format!("{} {name}", set.text());
            let pi = set.host(name);
            assert_eq!(apply::recover(&pi.host).unwrap(), recovered, "{at}");
            assert_eq!(pi.files(), set.files(becomes), "{at}");
            is_settled(&pi, &at);
            if becomes == "before" {
                assert_eq!(pi.world(), set.host("before").world(), "{at}");
            }
            // And it can be gone on from: to what this version makes of a host that nothing was done to.
            pi.apply(11, None).unwrap();
            let fresh = set.host("before");
            fresh.apply(11, None).unwrap();
            assert_eq!(pi.files(), fresh.files(), "{at}");
            pi.roll_back().unwrap();
            assert_eq!(pi.files(), set.files("before"), "{at}");
        }
    }
}

#[test]
fn the_timer_undoes_what_was_not_confirmed() {
    for set in Set::all() {
        let pi = set.host("provisional");
        assert_eq!(apply::settle(&pi.host, false).unwrap(), Recovered::Nothing, "the window is open");
        pi.host.wait(Duration::from_secs(1000));
        assert_eq!(apply::settle(&pi.host, false).unwrap(), Recovered::Undone);
        assert_eq!(pi.files(), set.files("before"), "{}", set.text());
        assert_eq!(pi.world(), set.host("before").world(), "{}", set.text());
        is_settled(&pi, &set.text());
    }
}

#[test]
fn what_is_open_is_undone_by_hand() {
    for set in Set::all() {
        for (name, becomes) in [
            ("writing", "before"),
            ("written", "before"),
            ("undoing", "before"),
            ("provisional", "before"),
            ("changed-writing", "first"),
            ("stack-written", "changed"),
        ] {
            let at = format!("{} {name}", set.text());
            let pi = set.host(name);
            assert!(apply::roll_back_open(&pi.host).unwrap(), "{at}");
            assert_eq!(pi.files(), set.files(becomes), "{at}");
            is_settled(&pi, &at);
            if becomes == "before" {
                assert_eq!(pi.world(), set.host("before").world(), "{at}");
            }
        }
    }
}

#[test]
fn generations_and_originals_are_gone_back_to() {
    for set in Set::all() {
        let pi = set.host("changed");
        pi.roll_back_to(1).unwrap();
        assert_eq!(pi.files(), set.files("first"), "{}", set.text());
        pi.roll_back().unwrap();
        assert_eq!(pi.files(), set.files("before"), "{}", set.text());
        let before = set.host("before");
        let (now, then) = (pi.model.borrow(), before.model.borrow());
        for name in ["dnsmasq.service", "smbd.service"] {
            assert_eq!(now.units[name], then.units[name], "{}: {name}", set.text());
        }
        assert!(!now.chains, "{}", set.text());
        for rule in &then.rules {
            assert!(now.rules.contains(rule), "{}: {rule}", set.text());
        }
    }
}

/// Templates may change from version to version; how their texts are kept, hashed and ordered may not: then every unit
/// would be restarted by an upgrade that changes nothing.
#[test]
fn an_upgrade_alone_plans_nothing() {
    for set in Set::all() {
        let pi = set.host("changed");
        let state = State::read(&pi.host).unwrap();
        let last = state.last.as_ref().unwrap();
        let (mut desired, facts) = pi.desired(11);
        desired.artifacts.retain_mut(|artifact| {
            let then = last.artifacts.iter().find(|then| then.path == artifact.path);
            then.is_some_and(|then| {
                artifact.body = then.body.clone();
                true
            })
        });
        assert_eq!(desired.artifacts, last.artifacts, "{}: order, mode or form", set.text());
        let mut plan = plan::files(&pi.host, &desired, &state).unwrap();
        let (profile, password) = (pi::profile(11), pi::password());
        plan::add_live(&pi.host, &facts, &profile, &password, &desired, &state, &mut plan).unwrap();
        let units: Vec<String> = plan.units.iter().map(change::UnitChange::steps).collect();
        let files: Vec<&str> = plan.files.iter().map(|file| file.path.as_str()).collect();
        assert!(
            plan.is_empty(),
            "{}: {files:?} {units:?} {:?} {:?} {:?}",
            set.text(),
            plan.accounts,
            plan.packages,
            plan.notes
        );
    }
}
