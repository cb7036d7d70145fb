//! Command lines and places that are refused before anything is written.

use crate::rig::{Rig, noise, stamps, tree};
use std::fs;

#[test]
fn a_label_is_never_part_of_a_path_unchecked() {
    let mut rig = Rig::new();
    rig.shoot("a.jpg", "photo");
    for label in [
        "..",
        ".",
        "../x",
        "a/b",
        "/etc",
        ".piback",
        ".hidden",
        "a\nb",
        "a\u{1b}[31m",
        "",
        "x:y",
        "*",
        "a\\b",
    ] {
        rig.label = label.into();
        for verb in ["backup", "verify", "safe-to-format"] {
            let run = rig.run(verb, &[]);
            assert_eq!(run.code, Some(64), "{label:?} {run:?}");
            assert!(!run.err.contains('\u{1b}'));
        }
    }
    assert!(tree(&rig.drive).is_empty());
    assert_eq!(fs::read_dir(rig.dir.path()).unwrap().count(), 2);
}

#[test]
fn card_and_drive_must_not_overlap() {
    let rig = Rig::new();
    rig.shoot("DCIM/IMG_0001.JPG", "photo");
    fs::create_dir(rig.card.join("backup")).unwrap();
    fs::create_dir_all(rig.drive.join("in/DCIM")).unwrap();
    std::os::unix::fs::symlink(&rig.card, rig.dir.path().join("alias")).unwrap();
    let before = stamps(&rig.card);
    let alias = rig.dir.path().join("alias");
    for (source, dest) in [
        (&rig.card, &rig.card),
        (&rig.card, &rig.card.join("backup")),
        (&alias, &rig.card),
        (&rig.card, &alias.join("backup")),
        (&rig.drive.join("in"), &rig.drive),
    ] {
        let mut case = Rig::new();
        (case.card, case.drive) = (source.clone(), dest.clone());
        let run = case.run("backup", &[]);
        assert_eq!(run.code, Some(1), "{source:?} {dest:?} {run:?}");
    }
    assert_eq!(stamps(&rig.card), before);
    assert!(tree(&rig.drive).is_empty());
}

#[test]
fn a_file_in_the_place_of_the_records_is_named() {
    let rig = Rig::new();
    rig.shoot("a", "b");
    std::fs::write(rig.drive.join(".piback"), "mine").unwrap();
    for verb in ["backup", "verify", "safe-to-format"] {
        let run = rig.run(verb, &[]);
        assert_eq!(run.code, Some(1), "{verb} {run:?}");
        assert!(run.says(".piback is no folder") && run.says("rename it or move it away"), "{verb} {run:?}");
    }
    assert_eq!(tree(&rig.drive).len(), 1);
}

#[test]
fn what_is_not_there_is_said_and_not_made() {
    let rig = Rig::new();
    rig.shoot("a", "b");
    for flags in [["--source", "/nowhere", "--dest", "/tmp"], ["--source", "/proc/version", "--dest", "/tmp"]]
    {
        let run = crate::rig::ended(
            std::process::Command::new(crate::rig::PIBACK).arg("backup").arg("X").args(flags),
        );
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.says(flags[1]));
    }
    let run = rig.run("verify", &[]);
    assert_eq!(run.code, Some(1));
    assert!(run.says("no backup of SD32GB-03"));
    assert_eq!(rig.run("verify", &["--sample", "0%"]).code, Some(64));
}

#[test]
fn an_empty_card_is_no_reason_to_format_it() {
    // What an unmounted card looks like.
    let rig = Rig::new();
    let run = rig.run("safe-to-format", &[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.says("mounted"));
    let run = rig.run("backup", &["--json"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert_eq!(run.account()["safe"], false);
    assert!(run.err.contains("no files") && run.err.contains("mounted"), "{run:?}");
    assert_eq!(rig.run("backup", &[]).out, "", "it is said once");
    // Folders alone are no photos either.
    fs::create_dir_all(rig.card.join("DCIM/100CANON")).unwrap();
    assert_eq!(rig.run("backup", &[]).code, Some(1));
    assert!(tree(&rig.drive).is_empty(), "nothing to say, nothing written");
}

#[test]
fn no_records_are_no_good_backup() {
    let rig = Rig::new();
    fs::create_dir_all(rig.kept("DCIM")).unwrap();
    rig.shoot("DCIM/IMG_0001.JPG", "photo");
    // A run that got nothing onto the drive leaves a manifest, and no file on record.
    let behind = rig.dir.path().join("behind");
    let faults = crate::faulty::Faults { full_in: Some("SD32GB-03/".into()), ..Default::default() };
    let mounted = crate::faulty::Mounted::new(&behind, &rig.drive, faults);
    assert_eq!(rig.run("backup", &[]).code, Some(5));
    let run = rig.run("verify", &["--json"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(!run.out.contains("\"good\":true"), "{run:?}");
    mounted.unmount();
}

#[test]
fn safe_to_format_says_no_and_names_what_is_missing() {
    let rig = Rig::new();
    for i in 0..4 {
        rig.shoot(&format!("DCIM/IMG_{i}.JPG"), noise(i, 2_000_000));
    }
    rig.backed_up();
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
    rig.shoot("DCIM/IMG_9.JPG", noise(9, 100));
    let one = noise(1, 2_000_000).into_iter().rev().collect::<Vec<_>>();
    fs::write(rig.kept("DCIM/IMG_1.JPG"), one).unwrap();
    fs::remove_file(rig.kept("DCIM/IMG_2.JPG")).unwrap();
    let run = rig.run("safe-to-format", &[]);
    assert_eq!(run.code, Some(5));
    for (name, missing) in
        [("IMG_0", false), ("IMG_1", true), ("IMG_2", true), ("IMG_3", false), ("IMG_9", true)]
    {
        assert_eq!(run.out.contains(name), missing, "{name} {run:?}");
    }
    assert!(run.out.contains("NO: 3 files"), "{run:?}");
}

#[test]
fn what_is_to_be_typed_next_names_the_folders() {
    let rig = Rig::new();
    (0..3).for_each(|i| rig.shoot(&format!("DCIM/IMG_{i}.JPG"), noise(i, 2_000)));
    let (card, drive) = (rig.card.display(), rig.drive.display());
    let never = rig.run("safe-to-format", &[]);
    let copy =
        format!("This copies what is missing: piback backup SD32GB-03 --source {card} --dest {drive}\n");
    assert!(never.code == Some(5) && never.out.contains(&copy), "{never:?}");
    rig.backed_up();
    fs::remove_file(rig.kept("DCIM/IMG_0.JPG")).unwrap();
    let lost = rig.run("verify", &[]);
    let at =
        |text: &str| lost.out.find(&format!("piback {text}")).unwrap_or_else(|| panic!("{text}: {lost:?}"));
    // First what brings it back.
    let again = at(&format!("backup SD32GB-03 --dest {drive}\n"));
    let repair = at(&format!("verify SD32GB-03 --dest {drive} --repair\n"));
    assert!(
        again < repair && repair < at(&format!("verify SD32GB-03 --dest {drive} --accept\n")),
        "{lost:?}"
    );
    fs::write(rig.kept("DCIM/IMG_1.JPG"), noise(9, 2_000)).unwrap();
    let rotten = rig.run("verify", &[]);
    assert!(rotten.says("IMG_1.JPG: ") && rotten.says("--repair"), "{rotten:?}");
}

#[test]
fn a_label_that_is_not_there_is_answered_with_those_that_are() {
    let mut rig = Rig::new();
    rig.shoot("a.jpg", "photo");
    rig.backed_up();
    rig.label = "SD32GB-30".into();
    let run = rig.run("verify", &[]);
    assert!(run.code == Some(1) && run.err.contains("backups on it: SD32GB-03"), "{run:?}");
}

#[test]
fn a_drive_that_is_too_small_for_many_says_it_once() {
    let rig = Rig::new();
    (0..30).for_each(|i| rig.shoot(&format!("DCIM/IMG_{i:04}.JPG"), noise(i, 2_000_000)));
    let behind = rig.dir.path().join("behind");
    let full = crate::faulty::Faults { free: Some(20_000_000), ..Default::default() };
    let drive = crate::faulty::Mounted::new(&behind, &rig.drive, full);
    let run = rig.run("backup", &[]);
    let lines = run.out.lines().filter(|line| line.contains("no room on the drive for")).count();
    assert!(run.code == Some(5) && lines == 1 && run.says("take a larger drive"), "{run:?}");
    let all = rig.run("backup", &["-v"]);
    assert!(all.says("IMG_0029.JPG: no room on the drive for it"), "{all:?}");
    drive.unmount();
}
