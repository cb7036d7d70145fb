//! The rules of ARCHITECTURE.md, held against what the source says. What clippy.toml can't ban by name is here.
#![allow(clippy::disallowed_methods)]

mod cases;
mod source;

use source::{Kind, Source, in_circles, sources, uses};
use std::collections::BTreeSet;

/// Rooms of one floor never import each other; arrows go down.
const FLOORS: [&[&str]; 10] = [
    &["main"],
    &["commands"],
    &["view", "doctor"],
    &["web"],
    &["jobs"],
    &["remote"],
    &["backup", "media", "provision", "photo", "firstboot"],
    &["profile", "system"],
    &["ui", "certificate"],
    &["cli", "error", "secret", "paths"],
];

/// The same within `provision/`, the highest floor first.
const PROVISION: [&[&str]; 8] = [
    &["apply"],
    &["plan"],
    &["resources", "probe"],
    &["validate", "adopt", "state"],
    &["desired"],
    &["components"],
    &["host"],
    &["text"],
];

/// Rooms that take values and return values.
const PURE: [&str; 15] = [
    "firstboot/",
    "photo/",
    "web/view.rs",
    "profile/",
    "provision/text/",
    "provision/components/",
    "provision/desired/",
    "provision/adopt/article.rs",
    "media/volume.rs",
    "media/lsblk.rs",
    "media/blkid.rs",
    "media/complaints.rs",
    "media/smart.rs",
    "media/mountinfo.rs",
    "media/drives.rs",
];

/// Ports that daemons of the appliance listen on.
const PORTS: [&str; 3] = ["53", "67", "445"];

/// Where what piback keeps on a host lies.
const STATE: &str = "/var/lib/piback";

/// Fails with what breaks a rule. There is no list of exceptions.
fn hold(rule: &str, breaches: impl IntoIterator<Item = String>) {
    let breaches: BTreeSet<String> = breaches.into_iter().collect();
    assert!(breaches.is_empty(), "{rule}:\n{breaches:#?}");
}

fn floor(floors: &[&[&str]], room: &str) -> Option<usize> {
    floors.iter().position(|rooms| rooms.contains(&room))
}

/// The room of a file: the folder, or the file itself where it lies in none.
fn room(name: &str) -> &str {
    name.split('/').next().unwrap().trim_end_matches(".rs")
}

#[test]
fn arrows_go_downwards_only() {
    let sources = sources();
    let mut breaches = Vec::new();
    for (from, targets) in uses(&sources) {
        for to in targets {
            let (a, b) = (room(from), room(to));
            if a == b || from == "lib.rs" || (from == "main.rs" && to == "lib.rs") {
                continue;
            }
            let high = |room: &str| floor(&FLOORS, room).unwrap_or_else(|| panic!("{room} is on no floor"));
            let knows_the_command_line = b == "cli" && high(a) > 1;
            if high(a) >= high(b) || knows_the_command_line {
                breaches.push(format!("{from} -> {to}"));
            }
        }
    }
    hold("floors", breaches);
}

#[test]
fn the_rooms_of_provision_have_an_order() {
    let sources = sources();
    let room = |name: &str| name.strip_prefix("provision/")?.split_once('/').map(|(room, _)| room.to_owned());
    let mut breaches = Vec::new();
    for source in sources.iter().filter(|s| s.name.starts_with("provision/") && !s.tokens.is_empty()) {
        let stands = room(&source.name).is_some_and(|room| floor(&PROVISION, &room).is_some());
        if !stands && source.name != "provision/mod.rs" {
            breaches.push(format!("{} stands in no room", source.name));
        }
    }
    for (from, targets) in uses(&sources) {
        for to in targets {
            let (Some(a), Some(b)) = (room(from), room(to)) else { continue };
            let high = |room: &str| floor(&PROVISION, room);
            if a != b && high(&a).is_some() && high(&b).is_some() && high(&a) >= high(&b) {
                breaches.push(format!("{from} -> {to}"));
            }
        }
    }
    for source in &sources {
        let far = |path: &[String]| path.starts_with(&["super".to_owned(), "super".to_owned()]);
        if source.paths().iter().any(|(path, _)| far(path)) {
            breaches.push(format!("{} names another room by super::super", source.name));
        }
    }
    hold("provision", breaches);
}

#[test]
fn no_file_uses_itself_through_others() {
    let sources = sources();
    hold("circle", in_circles(&uses(&sources)).into_iter().map(str::to_owned));
}

#[test]
fn resources_and_probes_know_no_plan_and_apply_never_renders() {
    let mut breaches = Vec::new();
    for source in sources() {
        let words: &[&str] = match source.name.as_str() {
            name if name.starts_with("provision/resources/") => &["Plan", "Intent", "Phase"],
            name if name.starts_with("provision/probe") => &["Plan", "Intent", "Phase"],
            name if name.starts_with("provision/apply") => &["render"],
            _ => &[],
        };
        let named = words.iter().filter(|word| source.names(word));
        breaches.extend(named.map(|word| format!("{} names {word}", source.name)));
    }
    hold("values", breaches);
}

#[test]
fn side_effects_have_one_room() {
    for source in sources().iter().filter(|s| !s.name.starts_with("system/")) {
        for (path, line) in source.paths() {
            let path = path.join("::");
            for banned in ["nix", "duct", "libc", "std::fs", "std::net::Tcp", "std::net::Udp", "std::process"]
            {
                let is = path == banned || path.starts_with(&format!("{banned}::"));
                let is = is || banned.ends_with("p") && path.starts_with(banned);
                let exit = path.starts_with("std::process::ExitCode");
                assert!(!is || exit, "{}:{line} uses {path}", source.name);
            }
        }
        let allows = source.text.contains("allow(clippy::disallowed");
        assert!(!allows || source.name == "ui.rs", "{} lifts the ban", source.name);
    }
}

#[test]
fn pure_rooms_know_no_host() {
    let sources = sources();
    let mut breaches = Vec::new();
    for (from, targets) in uses(&sources) {
        if PURE.iter().any(|pure| from.starts_with(pure)) {
            let hosts = targets.into_iter().filter(|to| to.starts_with("system/"));
            breaches.extend(hosts.map(|to| format!("{from} -> {to}")));
        }
    }
    hold("pure", breaches);
}

#[test]
fn units_and_ports_are_named_by_components_only() {
    let elsewhere = |s: &&Source| !s.name.starts_with("provision/components/");
    let mut breaches = Vec::new();
    for source in sources().iter().filter(elsewhere) {
        for token in &source.tokens {
            let found = match token.kind {
                Kind::Text => token.text.split(|c: char| !is_of_a_unit(c)).find(|word| is_unit(word)),
                Kind::Number if !source.name.starts_with("backup/") => {
                    PORTS.iter().find(|port| token.text == **port).copied()
                }
                _ => None,
            };
            // Piback's own units are the watchdog's.
            if let Some(found) = found.filter(|f| !f.starts_with("piback-")) {
                breaches.push(format!("{}: {found}", source.name));
            }
        }
    }
    hold("units", breaches);
}

fn is_of_a_unit(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_@.".contains(c)
}

fn is_unit(word: &str) -> bool {
    let ends = [".service", ".timer", ".socket", ".path", ".mount"];
    ends.iter().any(|end| word.strip_suffix(end).is_some_and(|name| !name.is_empty()))
}

#[test]
fn what_lies_on_a_host_is_named_once() {
    let mut breaches = Vec::new();
    for source in sources().iter().filter(|s| s.name != "paths.rs") {
        let named = |text: &str| text.contains("var/lib/piback");
        if source.tokens.iter().any(|t| t.kind == Kind::Text && named(&t.text)) {
            breaches.push(source.name.clone());
        }
    }
    hold("paths", breaches);
    for script in ["prerm", "postrm"] {
        let path = format!("{}/scripts/package.d/{script}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.lines().any(|line| line == format!("STATE={STATE}")), "{path} has another folder");
    }
}

#[test]
fn files_of_commands_are_verbs() {
    use clap::CommandFactory;
    let command = piback::cli::Cli::command();
    let verbs: BTreeSet<String> = command.get_subcommands().map(|c| c.get_name().replace('-', "_")).collect();
    let files: BTreeSet<String> = sources()
        .iter()
        .filter_map(|s| s.name.strip_prefix("commands/")?.strip_suffix(".rs").map(str::to_owned))
        .filter(|name| !["mod", "context", "running"].contains(&name.as_str()))
        .collect();
    assert_eq!(files, verbs);
}

#[test]
fn nothing_panics_on_purpose() {
    for source in sources() {
        let words: Vec<&str> = source.tokens.iter().map(|t| t.text.as_str()).collect();
        for (at, word) in words.iter().enumerate() {
            let next = words.get(at + 1).copied().unwrap_or_default();
            let called = ["unwrap", "expect"].contains(word) && next == "(" && at > 0 && words[at - 1] == ".";
            let made = ["panic", "todo", "unimplemented"].contains(word) && next == "!";
            assert!(!called && !made, "{}:{} has {word}", source.name, source.tokens[at].line);
        }
    }
}

#[test]
fn no_file_and_no_function_grows_too_large() {
    let mut breaches = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        if lines > 400 {
            breaches.push(format!("{} has {lines} lines", source.name));
        }
        for (name, lines) in source.functions().into_iter().filter(|(_, lines)| *lines > 60) {
            breaches.push(format!("{}::{name} has {lines} lines", source.name));
        }
    }
    hold("size", breaches);
}

#[test]
fn the_subject_of_a_sentence_comes_first() {
    let mut breaches = Vec::new();
    for source in sources() {
        let mut before = "";
        for line in source.text.lines().map(str::trim_start) {
            let doc = |line: &str| line.starts_with("///") || line.starts_with("//!");
            let first = doc(line) && !doc(before);
            let said = line.trim_start_matches(['/', '!']).trim_start();
            let word = said.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            // Their comments are what `--help` and the schema say to people.
            let shown =
                ["cli/mod.rs", "cli/texts.rs", "profile/schema.rs", "profile/share.rs", "profile/uplink.rs"]
                    .contains(&source.name.as_str());
            if first && !shown && ["What", "Whether", "Where", "How"].contains(&word) {
                breaches.push(format!("{}: {said}", source.name));
            }
            before = line;
        }
    }
    hold("prose", breaches);
}
