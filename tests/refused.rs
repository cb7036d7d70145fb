//! Bad profiles, each with the exact text that `piback plan` answers. The tree stays as it was, the exit code is 1.
//!
//! After a wanted change: `UPDATE_GOLDEN=1 cargo test --test refused`, then read the diff before committing it.
#![allow(clippy::disallowed_methods)]

mod common;

use common::Tree;
use std::path::Path;

#[test]
fn every_bad_profile_is_refused_with_its_own_words() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/refused");
    let mut names: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|e| e.unwrap().path()).collect();
    names.retain(|p| p.extension().is_some_and(|e| e == "yaml"));
    names.sort();
    assert!(names.len() >= 50, "only {} bad profiles", names.len());
    let tree = Tree::new();
    tree.init("travel");
    let mut wrong = Vec::new();
    for file in names {
        tree.write("/etc/piback/profile.yaml", std::fs::read(&file).unwrap());
        let before = tree.snapshot();
        let answer = tree.piback(&["apply", "--stack", "dhcpcd", "--yes"]);
        assert_eq!(answer.code, 1, "{}: {}", file.display(), answer.all());
        assert_eq!(answer.stdout, "", "{}", file.display());
        assert!(tree.snapshot().untouched(&before), "{}: the tree was touched", file.display());
        // As on a host: the tree is another one each time.
        let root = tree.root_text();
        let said = answer.stderr.replace(&format!("--root {root} "), "").replace(&root, "");
        let kept = file.with_extension("txt");
        if update {
            std::fs::write(&kept, &said).unwrap();
        } else if std::fs::read_to_string(&kept).unwrap_or_default() != said {
            wrong.push(format!("{}:\n{said}", kept.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "not as committed (UPDATE_GOLDEN=1 cargo test --test refused):\n{}",
        wrong.join("\n")
    );
}
