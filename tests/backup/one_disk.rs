//! Two copies that are lost together are no backup, and whatever leads to the card never gets it written.

use crate::cascade::profile_with;
use crate::rig::{Ended, PIBACK, Rig, ended, noise, put, stamps, tree};
use std::fs;
use std::process::Command;

fn photos() -> Rig {
    let rig = Rig::new();
    for i in 0..3 {
        rig.shoot(&format!("DCIM/100CANON/IMG_{i:04}.JPG"), noise(i, 3000));
    }
    rig
}

/// `safe-to-format` as it is without the flag for trying out.
fn asked(rig: &Rig) -> Ended {
    let mut command = Command::new(PIBACK);
    command.args(["safe-to-format", &rig.label, "--json", "--source"]).arg(&rig.card);
    ended(command.arg("--dest").arg(&rig.drive))
}

#[test]
fn siblings_on_one_file_system_are_never_safe_to_format() {
    let rig = photos();
    let run = rig.run("backup", &["--json"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.account()["shared"], "filesystem");
    assert!(
        run.err.contains("3 files on SD32GB-03 are on the drive, verified. THIS IS NO BACKUP"),
        "{run:?}"
    );
    let run = rig.run("backup", &["--json"]);
    assert!(run.err.contains("on the drive, verified on 20"), "nothing was read: {run:?}");
    let run = asked(&rig);
    assert_eq!(run.code, Some(5), "{run:?}");
    let answer: serde_json::Value = serde_json::from_str(run.out.lines().last().unwrap()).unwrap();
    assert_eq!((&answer["safe_to_format"], &answer["shared"]), (&false.into(), &"filesystem".into()));
    assert_eq!(answer["on_drive"]["files"], 3, "it was compared all the same");
    assert!(run.err.contains("NO: card and drive are one file system"), "{run:?}");
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0), "with the flag for trying out");
}

#[test]
fn a_card_on_another_file_system_is_no_case_for_the_flag() {
    let rig = photos();
    let memory = tempfile::tempdir_in("/dev/shm").unwrap();
    let mut other = Rig::new();
    other.card = rig.card.clone();
    other.drive = memory.path().to_owned();
    let run = other.run("backup", &["--json"]);
    assert!(run.account()["shared"].is_null() && !run.err.contains("NO BACKUP"), "{run:?}");
    let run = asked(&other);
    assert_eq!(run.code, Some(0), "{run:?}");
}

/// Runs a backup in a mount namespace of its own, after this script.
fn backup_after(rig: &Rig, mounts: &str) -> Ended {
    let script = format!("set -e; {mounts}; exec \"$@\"");
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", &script, "sh", PIBACK, "backup", &rig.label]);
    command.arg("--source").arg(&rig.card).arg("--dest").arg(&rig.drive);
    ended(command.env("CARD", &rig.card).env("DRIVE", &rig.drive).env("LABEL", &rig.label))
}

#[test]
fn a_bind_mount_never_gets_the_card_written() {
    for (what, mounts) in [
        ("the card itself", "mount --bind \"$CARD\" \"$DRIVE\""),
        ("a folder of the card", "mount --bind \"$CARD/DCIM/100CANON\" \"$DRIVE\""),
        ("the label's folder is the card", "mount --bind \"$CARD\" \"$DRIVE/$LABEL\""),
        ("a folder of the label is the card's", "mount --bind \"$CARD/DCIM\" \"$DRIVE/$LABEL/DCIM\""),
        ("piback's own folder is the card's", "mount --bind \"$CARD/DCIM\" \"$DRIVE/.piback\""),
        ("the card is the label's folder", "mount --bind \"$DRIVE/$LABEL/DCIM\" \"$CARD\""),
    ] {
        let rig = photos();
        fs::create_dir_all(rig.kept("DCIM")).unwrap();
        put(&rig.kept("DCIM/there.JPG"), b"there", 1);
        fs::create_dir(rig.drive.join(".piback")).unwrap();
        let before = (stamps(&rig.card), tree(&rig.drive));
        let run = backup_after(&rig, mounts);
        assert_ne!(run.code, Some(0), "{what} {run:?}");
        assert_eq!(stamps(&rig.card), before.0, "{what}: the card was written {run:?}");
        let added: Vec<_> =
            tree(&rig.drive).into_keys().filter(|path| !before.1.contains_key(path)).collect();
        assert!(added.iter().all(|path| path.starts_with(".piback/")), "{what} {added:?} {run:?}");
    }
}

#[test]
fn a_card_with_a_file_called_piback_is_a_card() {
    let rig = photos();
    rig.shoot(".piback", "somebody's notes");
    assert_eq!(rig.backed_up()["copied"]["files"], 4);
    assert_eq!(rig.read(".piback"), b"somebody's notes");
    // A folder is what a drive has.
    fs::remove_file(rig.card.join(".piback")).unwrap();
    fs::create_dir(rig.card.join(".piback")).unwrap();
    assert_eq!(rig.run("backup", &[]).code, Some(1));
}

#[test]
fn two_folders_of_one_disk_are_one_copy() {
    let rig = Rig::apart();
    rig.shoot("DCIM/100CANON/IMG_0001.JPG", noise(1, 3000));
    let second = rig.dir.path().join("second");
    fs::create_dir(&second).unwrap();
    let asked = |verb: &str| {
        let mut command = Command::new(PIBACK);
        command.args([verb, &rig.label, "--json", "--source"]).arg(&rig.card);
        command.arg("--dest").arg(&rig.drive).arg("--dest").arg(&second);
        ended(&mut command)
    };
    assert_eq!(asked("backup").code, Some(0));
    let run = asked("safe-to-format");
    assert_eq!(run.code, Some(5), "{run:?}");
    let answer: serde_json::Value = serde_json::from_str(run.out.lines().last().unwrap()).unwrap();
    assert_eq!((&answer["yes_drives"], &answer["safe_to_format"]), (&1.into(), &false.into()), "{answer}");
    assert_eq!(answer["copies_on"], serde_json::json!(["drive"]), "{answer}");
    assert_eq!(answer["drives"][1]["one_disk_with"].as_str(), rig.drive.to_str(), "{answer}");
    assert!(
        run.err.contains("NO: SD32GB-03 is safe on 1 of 2: ") && run.err.contains(": one disk with "),
        "{run:?}"
    );
    // One of them alone is a copy, whichever has all of it.
    fs::remove_dir_all(rig.drive.join(&rig.label)).unwrap();
    let run = asked("safe-to-format");
    let answer: serde_json::Value = serde_json::from_str(run.out.lines().last().unwrap()).unwrap();
    assert_eq!(answer["copies_on"], serde_json::json!(["second"]), "{answer}");
}

#[test]
fn the_copies_of_a_profile_that_is_named_count_for_folders_too() {
    let rig = Rig::apart();
    rig.shoot("DCIM/100CANON/IMG_0001.JPG", noise(1, 3000));
    assert_eq!(rig.run("backup", &[]).code, Some(0));
    let empty = rig.dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let code = |flags: &[&str]| {
        let mut command = Command::new(PIBACK);
        command.args(["safe-to-format", &rig.label, "--source"]).arg(&rig.card);
        ended(command.arg("--dest").arg(&rig.drive).arg("--dest").arg(&empty).args(flags)).code
    };
    let any = profile_with(rig.dir.path(), "auto\n  copies: any");
    assert_eq!((code(&[]), code(&["--profile", &any])), (Some(5), Some(0)));
    let all = profile_with(rig.dir.path(), "auto\n  copies: all");
    assert_eq!(code(&["--profile", &all]), Some(5));
}
