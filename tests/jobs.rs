//! What jobs claim rests on looks at real folders.
#![allow(clippy::disallowed_methods)]

use piback::jobs::world::card;
use std::fs;

#[test]
fn every_change_changes_the_number_and_a_look_does_not() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    fs::create_dir_all(root.join("DCIM/100")).unwrap();
    fs::write(root.join("DCIM/100/a.JPG"), "aaaa").unwrap();
    fs::write(root.join("DCIM/100/b.MOV"), "bb").unwrap();
    let look = || card(root, &|path, _, _| path.ends_with(b"a.JPG")).unwrap();
    let first = look();
    assert_eq!((first.files, first.bytes, first.photos, first.videos), (2, 6, 1, 1));
    assert_eq!((first.new_files, first.new_bytes), (1, 2));
    fs::read(root.join("DCIM/100/a.JPG")).unwrap();
    assert_eq!(look(), first);
    let mut seen = vec![first.signature];
    let mut differs = |what: &str| {
        let now = look().signature;
        assert!(now.is_some() && !seen.contains(&now), "{what}");
        seen.push(now);
        now
    };
    fs::write(root.join("DCIM/100/a.JPG"), "AAAA").unwrap();
    differs("written over with as many bytes");
    fs::rename(root.join("DCIM/100/a.JPG"), root.join("DCIM/100/c.JPG")).unwrap();
    differs("renamed");
    fs::create_dir(root.join("MISC")).unwrap();
    differs("a folder more");
    fs::remove_file(root.join("DCIM/100/b.MOV")).unwrap();
    let last = differs("one less");
    fs::create_dir(root.join(".Trashes")).unwrap();
    assert_eq!(look().signature, last, "what a computer leaves is no change");
    std::os::unix::fs::symlink("/etc", root.join("link")).unwrap();
    differs("a link");
    assert_eq!(card(&root.join("nowhere"), &|_, _, _| true), None);
}
