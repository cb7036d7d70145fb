//! What a new user types in the first hour, slips included: what is theirs is not written over, and what is said is true.
#![allow(clippy::disallowed_methods)]

mod common;

use common::{Answer, Tree, piback};
use std::process::{Command, Stdio};

fn json(answer: &Answer) -> serde_json::Value {
    serde_json::from_str(&answer.stdout).unwrap_or_else(|e| panic!("{e}: {}", answer.all()))
}

/// A tree that `init` was run on.
fn ready() -> Tree {
    let tree = Tree::new();
    tree.init("travel");
    tree
}

#[test]
fn pages_are_written_over_pages_alone() {
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("man");
    let name = pages.to_str().unwrap();
    assert_eq!(piback(&["man", name]).code, 0);
    let again = piback(&["man", name]);
    assert_eq!(again.code, 0, "its own pages: {}", again.all());

    for mine in ["piback.1", "piback-verify.1"] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(mine), "mine\n").unwrap();
        let refused = piback(&["man", dir.path().to_str().unwrap()]);
        assert!(refused.code == 1 && refused.stderr.contains("is there already"), "{}", refused.all());
        assert_eq!(std::fs::read_to_string(dir.path().join(mine)).unwrap(), "mine\n");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is written by halves");
    }
}

#[test]
fn a_picture_is_never_written_over_another_file() {
    let tree = ready();
    let (png, svg) = (tree.dir.path().join("p.jpg"), tree.dir.path().join("p.svg"));
    std::fs::write(&svg, "mine").unwrap();
    let (png, svg) = (png.to_str().unwrap(), svg.to_str().unwrap());
    for args in [vec!["qr", "--svg", svg], vec!["qr", "--png", svg], vec!["qr", "--png", png, "--svg", svg]] {
        let refused = tree.piback(&args);
        assert!(refused.code == 1 && refused.stderr.contains("is there already"), "{}", refused.all());
        assert!(refused.stderr.contains("remove this one"), "{}", refused.stderr);
        assert_eq!(std::fs::read_to_string(svg).unwrap(), "mine");
        assert!(!std::path::Path::new(png).exists(), "nothing is written by halves");
    }
    assert_eq!(tree.piback(&["qr", "--png", png]).code, 0);
    assert_eq!(tree.piback(&["qr", "--png", png]).code, 1);
}

#[test]
fn a_generation_that_is_not_there_is_not_gone_back_to() {
    let tree = ready();
    let refused = tree.piback(&["rollback", "--to", "99", "--yes"]);
    assert!(refused.code == 1 && refused.stderr.contains("there is no generation 99"), "{}", refused.all());
    assert!(refused.stderr.contains("nothing was applied"), "{}", refused.stderr);
    assert_eq!(tree.piback(&["rollback", "--yes"]).code, 0);
}

#[test]
fn what_is_to_be_typed_is_quoted() {
    let tree = Tree::new();
    let dir = tree.dir.path();
    for folder in ["card/DCIM/100CANON", "-dash"] {
        std::fs::create_dir_all(dir.join(folder)).unwrap();
    }
    std::fs::write(dir.join("card/DCIM/100CANON/IMG_0001.JPG"), "a photo").unwrap();
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_piback"));
        let output = command.current_dir(dir).args(args).args(["--source", "card", "--dest=-dash"]).output();
        String::from_utf8_lossy(&output.unwrap().stdout).into_owned()
    };
    run(&["backup", "NO NAME"]);
    std::fs::write(dir.join("card/DCIM/100CANON/IMG_0002.JPG"), "another photo").unwrap();
    let said = run(&["safe-to-format", "NO NAME", "--allow-same-filesystem"]);
    assert!(said.contains("piback backup 'NO NAME' --source card --dest=-dash"), "{said}");
}

#[test]
fn a_profile_of_a_windows_editor_is_read() {
    let tree = ready();
    let text = tree.read("/etc/piback/profile.yaml");
    // No comment first: the mark is before a key.
    let text = &text[text.find("version:").unwrap()..];
    let marked = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let file = tree.dir.path().join("mine.yaml");
    let name = file.to_str().unwrap();
    tree.write("/etc/piback/profile.yaml", &marked);
    std::fs::write(&file, &marked).unwrap();
    let init = ["init", "--from", name, "--yes", "--force"];
    for args in [
        vec!["plan", "--stack", "dhcpcd"],
        vec!["plan", "--stack", "dhcpcd", "--profile", name],
        init.to_vec(),
    ] {
        let answer = tree.piback(&args);
        assert_eq!(answer.code, 0, "{args:?}: {}", answer.all());
    }
    let wide: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    tree.write("/etc/piback/profile.yaml", &wide);
    std::fs::write(&file, &wide).unwrap();
    for args in [vec!["plan"], init.to_vec()] {
        let said = tree.piback(&args).stderr;
        assert!(said.contains("UTF-16") && said.contains("Notepad"), "{args:?}: {said}");
    }
}

#[test]
fn an_answer_that_a_full_disk_swallowed_is_an_error() {
    let tree = ready();
    let root = tree.root_text();
    let dir = tree.dir.path();
    for folder in ["card/DCIM/100CANON", "drive"] {
        std::fs::create_dir_all(dir.join(folder)).unwrap();
    }
    std::fs::write(dir.join("card/DCIM/100CANON/IMG_0001.JPG"), "a photo").unwrap();
    let ends = ["SD", "--source", "card", "--dest", "drive", "--json"];
    let run = |args: &[&str], out: Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_piback"));
        let output = command.current_dir(dir).args(args).stdout(out).stderr(Stdio::piped()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for args in [
        vec!["status", "--json", "--root", &root],
        vec!["qr", "--json", "--root", &root],
        [&["backup"], &ends[..]].concat(),
        [&["safe-to-format", "--allow-same-filesystem"], &ends[..]].concat(),
        vec!["verify", "SD", "--dest", "drive", "--json"],
    ] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let (code, said) = run(&args, full.into());
        assert_eq!(code, Some(1), "{args:?}: {said}");
        assert!(said.contains("could not be written"), "{args:?}: {said}");
        // A follower that left is another thing.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let (code, said) = run(&args, writer.into());
        assert_eq!(code, Some(0), "{args:?}: {said}");
    }
}

#[test]
fn init_names_paths_where_they_lie() {
    let tree = Tree::new();
    let said = json(&tree.piback(&["init", "--country", "DE", "--yes", "--json"]));
    for (key, path) in [
        ("profile", "/etc/piback/profile.yaml"),
        ("passphrase_file", "/etc/piback/secrets/wifi-passphrase"),
        ("password_file", "/etc/piback/secrets/share-password"),
    ] {
        assert_eq!(said[key], tree.path(path).to_str().unwrap(), "{said}");
    }
}

#[test]
fn an_empty_profile_has_a_remedy_that_works() {
    let tree = Tree::new();
    tree.write("/etc/piback/profile.yaml", "");
    let plan = tree.piback(&["plan"]);
    assert!(plan.stderr.contains("init --force"), "{}", plan.stderr);
    assert_eq!(tree.piback(&["init", "--force", "--country", "DE", "--yes"]).code, 0);
    let other = tree.dir.path().join("e.yaml");
    std::fs::write(&other, "# nothing yet\n").unwrap();
    let plan = tree.piback(&["plan", "--profile", other.to_str().unwrap()]);
    assert!(plan.stderr.contains("e.yaml") && !plan.stderr.contains("init"), "{}", plan.stderr);
}

#[test]
fn doctor_names_the_stacks_that_can_be_named() {
    let said = ready().piback(&["doctor"]).all();
    assert!(said.contains("apply --stack networkmanager (or dhcpcd, ifupdown)"), "{said}");
}
