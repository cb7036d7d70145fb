//! The floors of ARCHITECTURE.md, held against what the source says. What clippy.toml can't ban by name is here.
#![allow(clippy::disallowed_methods)]

use std::path::{Path, PathBuf};

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut found, mut todo): (Vec<PathBuf>, _) = (Vec::new(), vec![root.clone()]);
    while let Some(dir) = todo.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { todo.push(path) } else { found.push(path) }
        }
    }
    let read = |p: PathBuf| {
        let name = p.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(p).unwrap())
    };
    found.into_iter().map(read).collect()
}

/// The code before the tests of a file, without comments. A file that is all tests begins with `#![cfg(test)]`.
fn code(text: &str) -> String {
    let text = text.split("#![cfg(test)]").next().unwrap_or_default();
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn arrows_go_downwards_only() {
    let floors: [(&str, &[&str]); 9] = [
        ("commands/", &[]),
        ("provision/", &["commands", "backup"]),
        ("backup/", &["commands", "provision"]),
        ("profile/", &["commands", "provision", "backup", "system"]),
        ("system/", &["commands", "provision", "backup", "profile"]),
        ("ui.rs", &["commands", "provision", "backup", "profile", "system"]),
        ("error.rs", &["commands", "provision", "backup", "profile", "system", "ui", "secret"]),
        ("secret.rs", &["commands", "provision", "backup", "profile", "system", "ui", "error"]),
        ("cli.rs", &["commands", "provision", "backup", "profile", "system", "ui"]),
    ];
    for (name, text) in sources() {
        let code = code(&text);
        for (floor, above) in floors.iter().filter(|(floor, _)| name.starts_with(floor)) {
            for room in *above {
                assert!(!code.contains(&format!("crate::{room}")), "{name} ({floor}) uses {room}");
            }
        }
    }
}

#[test]
fn side_effects_have_one_room() {
    for (name, text) in sources() {
        let code = code(&text);
        if name.starts_with("system/") {
            continue;
        }
        for banned in
            ["nix::", "duct::", "use nix", "use duct", "std::fs", "std::net::Tcp", "std::net::Udp", "libc::"]
        {
            assert!(!code.contains(banned), "{name} uses {banned}");
        }
        let allows = code.contains("allow(clippy::disallowed");
        assert!(!allows || name == "ui.rs", "{name} lifts the ban");
    }
}

#[test]
fn pure_rooms_know_no_host() {
    for (name, text) in sources() {
        let pure = name.starts_with("profile/")
            || name.starts_with("provision/text/")
            || name.starts_with("provision/desired/")
            || ["provision/catalog.rs", "provision/adopt/article.rs"].contains(&name.as_str());
        if pure {
            assert!(!code(&text).contains("system::"), "{name} reaches for the system");
        }
    }
}

#[test]
fn nothing_panics_on_purpose_and_no_file_grows_too_large() {
    for (name, text) in sources() {
        let code = code(&text);
        for banned in [".unwrap()", ".expect(", "panic!(", "todo!(", "unimplemented!("] {
            assert!(!code.contains(banned), "{name} has {banned}");
        }
        let lines = text.lines().count();
        assert!(lines <= 500, "{name} has {lines} lines");
    }
}
