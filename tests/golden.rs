//! Every template, for each network stack and each embedded profile, against committed text.
//!
//! After a wanted change: `UPDATE_GOLDEN=1 cargo test --test golden`, then read the diff before committing it.
#![allow(clippy::disallowed_methods)]

mod common;

use common::Tree;
use std::path::{Path, PathBuf};

const STACKS: [&str; 3] = ["ifupdown", "dhcpcd", "networkmanager"];
const PROFILES: [&str; 3] = ["travel", "moving-electrons", "every-option"];

fn golden(profile: &str, stack: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(profile).join(stack)
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo = vec![dir.to_path_buf()];
    while let Some(dir) = todo.pop() {
        for entry in std::fs::read_dir(&dir).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { todo.push(path) } else { found.push(path) }
        }
    }
    let mut names: Vec<PathBuf> = found.iter().map(|p| p.strip_prefix(dir).unwrap().to_path_buf()).collect();
    names.sort();
    names
}

#[test]
fn every_template_renders_as_committed() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    for profile in PROFILES {
        let tree = Tree::new();
        tree.init("travel");
        let text = match profile {
            "every-option" => std::fs::read_to_string(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/golden/every-option.yaml"
            ))
            .unwrap(),
            name => piback::profile::embedded(name).unwrap().to_owned(),
        };
        tree.write("/etc/piback/profile.yaml", text);
        tree.write("/usr/bin/piback", "");
        tree.write("/etc/piback/secrets/screen-password", "screen password\n");
        tree.set_mode("/etc/piback/secrets/screen-password", 0o600);
        for stack in STACKS {
            let out = tree.dir.path().join(format!("out-{stack}"));
            let answer = tree.piback(&["render", out.to_str().unwrap(), "--stack", stack]);
            assert_eq!(answer.code, 0, "{}", answer.all());
            let golden = golden(profile, stack);
            if update {
                let _ = std::fs::remove_dir_all(&golden);
            }
            let (made, kept) = (files(&out), files(&golden));
            for name in &made {
                let text = std::fs::read_to_string(out.join(name)).unwrap();
                if update {
                    std::fs::create_dir_all(golden.join(name).parent().unwrap()).unwrap();
                    std::fs::write(golden.join(name), &text).unwrap();
                } else if std::fs::read_to_string(golden.join(name)).unwrap_or_default() != text {
                    wrong.push(format!("{profile}/{stack}/{}", name.display()));
                }
            }
            if !update {
                wrong.extend(
                    kept.iter()
                        .filter(|k| !made.contains(k))
                        .map(|k| format!("{profile}/{stack}/{} is not made", k.display())),
                );
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "not as committed (UPDATE_GOLDEN=1 cargo test --test golden):\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_template_has_a_golden() {
    let all: Vec<String> = PROFILES
        .iter()
        .flat_map(|profile| STACKS.iter().flat_map(|stack| files(&golden(profile, stack))))
        .map(|p| format!("/{}", p.display()))
        .collect();
    for entry in piback::provision::components::files() {
        assert!(all.iter().any(|p| p == entry.path), "{} has no golden", entry.template.name);
    }
}
