//! `piback drift`: whoever logs in is told that the host is no longer as its profile says, and of nothing else.
#![allow(clippy::disallowed_methods)]

mod common;

use common::Tree;

const MOTD: &str = "/run/motd.d/piback";

/// A Bullseye of a few files, applied to.
fn applied() -> Tree {
    let tree = Tree::new();
    tree.write("/etc/os-release", "VERSION_ID=\"11\"\n");
    tree.init("travel");
    let answer = tree.piback(&["apply", "--stack", "dhcpcd", "--yes"]);
    assert_eq!(answer.code, 0, "{}", answer.all());
    tree
}

fn look(tree: &Tree) -> Option<String> {
    let answer = tree.piback(&["drift"]);
    assert_eq!(answer.code, 0, "{}", answer.all());
    let motd = tree.path(MOTD).exists().then(|| tree.read(MOTD));
    assert!(motd.as_ref().is_none_or(|motd| answer.all().contains(motd.as_str())), "{}", answer.all());
    motd
}

#[test]
fn what_an_upgrade_took_is_told_until_it_is_mended_and_nothing_is_applied() {
    let tree = applied();
    assert_eq!(look(&tree), None, "all is as it should be");

    std::fs::remove_file(tree.path("/etc/hostapd/hostapd.conf")).unwrap();
    let before = tree.snapshot();
    let told = look(&tree).expect("a file is gone");
    assert!(told.contains("1 new file.") && told.contains("sudo piback apply"), "{told}");
    assert!(told.lines().all(|line| line.len() <= 40), "{told}");
    std::fs::remove_dir_all(tree.path("/run")).unwrap();
    assert_eq!(tree.snapshot(), before, "it only tells");

    assert_eq!(look(&tree).as_deref(), Some(told.as_str()));
    assert_eq!(tree.piback(&["apply", "--stack", "dhcpcd", "--yes"]).code, 0);
    assert_eq!(look(&tree), None, "what is mended is told no more");
}

#[test]
fn a_profile_that_can_not_be_read_is_told_as_not_known() {
    let tree = applied();
    tree.write("/etc/piback/profile.yaml", "wifi: [\n");
    let told = look(&tree).expect("nobody knows");
    assert!(told.contains("not known"), "{told}");
}

#[test]
fn where_piback_never_applied_there_is_nothing_to_tell() {
    let tree = Tree::new();
    assert_eq!(look(&tree), None);
}
