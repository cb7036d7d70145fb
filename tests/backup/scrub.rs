//! `scrub`: rot is found without a card, labels together, drives side by side, and nothing is claimed that was not read.

use crate::rig::{Ended, PIBACK, Rig, ended, noise};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

fn name(i: u64) -> String {
    format!("DCIM/100CANON/IMG_{i:04}.JPG")
}

fn scrub(drives: &[&Path], flags: &[&str]) -> Ended {
    let mut command = Command::new(PIBACK);
    command.arg("scrub").args(flags);
    for drive in drives {
        command.arg("--dest").arg(drive);
    }
    ended(&mut command)
}

fn all(drives: &[&Path]) -> (Ended, Value) {
    let run = scrub(drives, &["--share", "100%", "--json"]);
    let answer = run.out.lines().last().and_then(|line| serde_json::from_str(line).ok());
    (run, answer.unwrap_or(Value::Null))
}

/// Two labels of six files each on one drive.
fn two_labels() -> Rig {
    let mut rig = Rig::new();
    for label in ["SD32GB-03", "SD64GB-01"] {
        rig.label = label.into();
        for i in 0..6 {
            rig.shoot(&name(i), noise(i + label.len() as u64 * 100, 5_000 + i as usize));
        }
        rig.backed_up();
    }
    rig
}

fn rot(path: &Path) {
    let time = fs::metadata(path).unwrap().modified().unwrap();
    let mut content = fs::read(path).unwrap();
    content[100] ^= 4;
    fs::write(path, content).unwrap();
    fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn all_labels_are_read_and_the_days_are_remembered() {
    let rig = two_labels();
    let (run, answer) = all(&[&rig.drive]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!((&answer["event"], &answer["clean"]), (&"scrubbed".into(), &true.into()));
    let row = &answer["drives"][0];
    assert_eq!((&row["read"]["files"], &row["on_record"]["files"]), (&12.into(), &12.into()), "{row}");
    assert_eq!(row["longest_ago_days"], 0);
    for label in ["SD32GB-03", "SD64GB-01"] {
        let text = fs::read_to_string(rig.drive.join(format!(".piback/scrub/{label}.txt"))).unwrap();
        assert_eq!(text.lines().count(), 7, "{text}");
    }
    let text = scrub(&[&rig.drive], &["--share", "100"]);
    assert!(text.code == Some(0) && text.says("All 12 files were read or copied today."), "{text:?}");
    // What it remembers is no photo and no record: the other verbs are as before.
    assert_eq!(rig.run("verify", &[]).code, Some(0));
    // A list that is damaged costs a memory, no more.
    fs::write(rig.drive.join(".piback/scrub/SD32GB-03.txt"), b"\xff\x00 nothing").unwrap();
    assert_eq!(all(&[&rig.drive]).0.code, Some(0));
}

#[test]
fn a_part_reads_a_part() {
    let rig = two_labels();
    let run = scrub(&[&rig.drive], &["--share", "25%", "--json"]);
    let answer: Value = serde_json::from_str(run.out.lines().last().unwrap()).unwrap();
    let read = answer["drives"][0]["read"]["files"].as_u64().unwrap();
    assert!(run.code == Some(0) && (3..=4).contains(&read), "{answer}");
    for bad in ["0", "101", "x", "-5"] {
        assert_eq!(scrub(&[&rig.drive], &["--share", bad]).code, Some(64), "{bad}");
    }
}

#[test]
fn rot_and_what_is_gone_are_named_and_the_next_backup_mends_them() {
    let rig = two_labels();
    rot(&rig.kept(&name(2)));
    fs::remove_file(rig.kept(&name(4))).unwrap();
    let (run, answer) = all(&[&rig.drive]);
    assert_eq!((run.code, &answer["clean"]), (Some(5), &false.into()), "{run:?}");
    let bad: Vec<&str> = answer["drives"][0]["bad_files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["path"].as_str().unwrap())
        .collect();
    assert_eq!(bad, [format!("SD64GB-01/{}", name(2)), format!("SD64GB-01/{}", name(4))]);
    let text = scrub(&[&rig.drive], &["--share", "100"]);
    assert!(text.says("NOT GOOD: 2 files not as recorded.") && !text.says("were read"), "{text:?}");
    // The rotten one keeps its size and time: only what the scrub left on the drive tells the backup.
    let account = rig.backed_up();
    assert_eq!(account["copied"]["files"], 2, "{account}");
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
}

#[test]
fn known_damage_is_counted_until_it_is_mended() {
    let rig = two_labels();
    let known = || piback::backup::last_read(&rig.drive).unwrap();
    assert_eq!((known().files, known().rotten), (12, 0));
    rot(&rig.kept(&name(3)));
    assert_eq!(all(&[&rig.drive]).0.code, Some(5));
    assert_eq!(known().rotten, 1, "nobody says that all is well");
    // On a thread as small as those that follow jobs.
    let drive = rig.drive.clone();
    let small = std::thread::Builder::new().stack_size(256 * 1024);
    let told = small.spawn(move || piback::jobs::rot::is_on(&drive)).unwrap().join().unwrap();
    assert!(told, "the light tells it");
    rig.backed_up();
    let after = known();
    assert_eq!(after.rotten, 0, "{after:?}");
    assert!(!piback::jobs::rot::is_on(&rig.drive));
    assert!(!piback::jobs::rot::is_on(&rig.drive.join("nowhere")));
}

#[test]
fn a_drive_that_is_in_use_is_read_and_nothing_is_written_to_it() {
    let rig = two_labels();
    let folder = fs::File::open(&rig.drive).unwrap();
    let held = nix::fcntl::Flock::lock(folder, nix::fcntl::FlockArg::LockExclusiveNonblock).unwrap();
    let before = crate::rig::stamps(&rig.drive);
    let (run, answer) = all(&[&rig.drive]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let notes = answer["drives"][0]["notes"].to_string();
    assert!(notes.contains("could not be written down"), "{notes}");
    assert_eq!(crate::rig::stamps(&rig.drive), before);
    drop(held);
    assert_eq!(all(&[&rig.drive]).1["drives"][0]["notes"].as_array().unwrap().len(), 0);
}

#[test]
fn each_drive_has_its_own_row_and_one_without_backups_says_so() {
    let rig = two_labels();
    let empty = rig.dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let (run, answer) = all(&[&rig.drive, &empty]);
    assert_eq!(run.code, Some(5), "{run:?}");
    assert_eq!((&answer["drives"][0]["clean"], &answer["drives"][1]["clean"]), (&true.into(), &false.into()));
    assert!(answer["drives"][1]["error"].as_str().unwrap().contains("no backup on drive"), "{answer}");
    assert_eq!(all(&[&empty]).0.code, Some(1));
}

#[test]
fn lost_records_are_said() {
    let rig = two_labels();
    fs::write(&rig.manifests()[0], "not a manifest").unwrap();
    let (run, answer) = all(&[&rig.drive]);
    assert_eq!(run.code, Some(5), "{run:?}");
    assert!(!answer["drives"][0]["damaged_manifests"].as_array().unwrap().is_empty(), "{answer}");
}
