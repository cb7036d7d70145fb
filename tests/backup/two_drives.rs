//! Two drives that heal each other: rot, holes, lost records and kills on either, and no photo is ever lost.

use crate::kills::{count, kill_at};
use crate::rig::{Ended, PIBACK, Rig, ended, noise, put, tree};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A card backed up to two drives.
struct Pair {
    rig: Rig,
    drives: [PathBuf; 2],
}

fn name(i: u64) -> String {
    format!("DCIM/100CANON/IMG_{i:04}.JPG")
}

impl Pair {
    fn new(rig: Rig) -> Self {
        let drives = [rig.drive.clone(), rig.dir.path().join("other")];
        fs::create_dir(&drives[1]).unwrap();
        Pair { rig, drives }
    }

    fn shot(files: u64) -> Self {
        let pair = Pair::new(Rig::new());
        for i in 0..files {
            pair.rig.shoot(&name(i), noise(i, 3000 + i as usize));
        }
        pair.back_up();
        pair
    }

    fn back_up(&self) {
        for drive in &self.drives {
            let mut backup = Command::new(PIBACK);
            backup.arg("backup").arg(&self.rig.label).arg("--source").arg(&self.rig.card);
            let run = ended(backup.arg("--dest").arg(drive));
            assert_eq!(run.code, Some(0), "{run:?}");
        }
    }

    fn verify(&self, flags: &[&str]) -> Command {
        let mut verify = Command::new(PIBACK);
        verify.arg("verify").arg(&self.rig.label).args(flags);
        for drive in &self.drives {
            verify.arg("--dest").arg(drive);
        }
        verify
    }

    fn repair(&self) -> (Ended, Value) {
        let run = ended(self.verify(&["--repair", "--json"]).stdin(std::process::Stdio::null()));
        let verdict =
            serde_json::from_str(run.out.lines().last().unwrap_or_else(|| panic!("{run:?}"))).unwrap();
        (run, verdict)
    }

    /// Repairs, and all must be good then, also for whoever looks anew.
    fn repaired(&self) -> Value {
        let (run, verdict) = self.repair();
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(verdict["good"], true);
        self.all_good();
        verdict
    }

    fn all_good(&self) {
        for drive in 0..2 {
            let run = self.verify_one(drive);
            assert_eq!(run.code, Some(0), "{run:?}");
        }
    }

    fn verify_one(&self, drive: usize) -> Ended {
        let mut verify = Command::new(PIBACK);
        ended(verify.arg("verify").arg(&self.rig.label).arg("--dest").arg(&self.drives[drive]))
    }

    fn kept(&self, drive: usize, path: &str) -> PathBuf {
        self.drives[drive].join(&self.rig.label).join(path)
    }

    fn tree(&self, drive: usize) -> BTreeMap<String, Vec<u8>> {
        tree(&self.drives[drive].join(&self.rig.label))
    }

    /// What was put aside as damaged.
    fn damaged(&self, drive: usize) -> Vec<Vec<u8>> {
        tree(&self.drives[drive].join(".piback/damaged")).into_values().collect()
    }
}

/// Bits that turned by themselves: size and time stay.
fn rot(path: &Path) {
    let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let time = file.metadata().unwrap().modified().unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, 100).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], 100).unwrap();
    file.set_modified(time).unwrap();
}

#[test]
fn each_drive_heals_from_the_other() {
    let pair = Pair::shot(6);
    let whole = pair.tree(0);
    rot(&pair.kept(0, &name(0)));
    let rotten = fs::read(pair.kept(0, &name(0))).unwrap();
    fs::remove_file(pair.kept(0, &name(1))).unwrap();
    fs::write(pair.kept(1, &name(2)), b"written over").unwrap();
    fs::remove_file(pair.kept(1, &name(3))).unwrap();
    let plain = ended(&mut pair.verify(&["--json"]));
    assert_eq!(plain.code, Some(5), "nothing is repaired unasked: {plain:?}");
    assert!(pair.damaged(0).is_empty());

    let verdict = pair.repaired();
    assert_eq!(verdict["good_drives"], 2);
    let rows = verdict["drives"].as_array().unwrap();
    for (row, bytes, damaged) in [(&rows[0], 6001, 1), (&rows[1], 6005, 1)] {
        let repaired = row["repaired"].as_array().unwrap();
        assert_eq!(repaired.iter().map(|one| one["bytes"].as_u64().unwrap()).sum::<u64>(), bytes, "{row}");
        assert_eq!(repaired.iter().filter(|one| !one["damaged"].is_null()).count(), damaged, "{row}");
        assert_eq!(row["verified"]["files"], 6);
    }
    assert_eq!(pair.tree(0), whole);
    assert_eq!(pair.tree(1), whole);
    // What was damaged is kept as it was, where the answer says.
    assert_eq!(pair.damaged(0), [rotten]);
    assert_eq!(pair.damaged(1), [b"written over".to_vec()]);
    let told =
        rows[0]["repaired"].as_array().unwrap().iter().find_map(|one| one["damaged"].as_str()).unwrap();
    assert!(pair.drives[0].join(told).is_file(), "{told}");
    let manifests = tree(&pair.drives[0].join(".piback/manifests"));
    let last = String::from_utf8(manifests.into_values().next_back().unwrap()).unwrap();
    assert!(last.contains(r#""t":"aside""#) && last.contains(r#""t":"repaired""#), "{last}");
    // The copy has the time of the photo.
    let time = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    assert_eq!(time(&pair.kept(0, &name(0))), time(&pair.rig.card.join(name(0))));
    // To the next backup all of it is safe, by its old records.
    assert_eq!(pair.rig.backed_up()["copied"]["files"], 0);
    assert_eq!(pair.repaired()["drives"][0]["repaired"], serde_json::json!([]), "nothing is left to do");
}

#[test]
fn a_drive_that_was_pulled_at_half_catches_up_from_the_other_with_the_card_gone() {
    let pair = Pair::new(Rig::new());
    let shoot = |i: u64| pair.rig.shoot(&name(i), noise(i, 3000 + i as usize));
    let back_up = |drive: &Path| {
        let mut backup = Command::new(PIBACK);
        backup.arg("backup").arg(&pair.rig.label).arg("--source").arg(&pair.rig.card);
        backup.arg("--dest").arg(drive);
        backup
    };
    (0..3).for_each(shoot);
    assert_eq!(ended(&mut back_up(&pair.drives[0])).code, Some(0));
    (3..6).for_each(shoot);
    let calls = count(&mut back_up(&pair.drives[1]));
    let _ = kill_at(&mut back_up(&pair.drives[0]), calls / 2);
    assert!(pair.tree(0).len() < 6, "it was not pulled at half");
    assert_eq!(ended(&mut back_up(&pair.drives[1])).code, Some(0));
    // A photo of the same name that is none of the card's stays as it is.
    assert!(!pair.kept(0, &name(5)).exists());
    fs::write(pair.kept(0, &name(5)), "another photo").unwrap();
    // On the other, one of them rotted: its bytes go nowhere.
    rot(&pair.kept(1, &name(4)));
    let card = pair.rig.dir.path().join("away");
    fs::rename(&pair.rig.card, &card).unwrap();

    let plain = ended(&mut pair.verify(&["--repair"]));
    assert!(!pair.kept(0, &name(3)).exists(), "nothing catches up unasked: {plain:?}");
    let run = ended(&mut pair.verify(&["--repair", "--catch-up"]));
    assert_eq!(run.code, Some(5), "the rotten one is good nowhere: {run:?}");
    let kept: HashSet<Vec<u8>> = pair.tree(0).into_values().collect();
    for i in [0, 1, 2, 3, 5] {
        assert!(kept.contains(&noise(i, 3000 + i as usize)), "{i} is missing: {run:?}");
    }
    assert_eq!(fs::read(pair.kept(0, &name(5))).unwrap(), b"another photo");
    let rotten = fs::read(pair.kept(1, &name(4))).unwrap();
    assert!(!kept.contains(&rotten), "rot was copied");

    fs::remove_file(pair.kept(0, &name(5))).unwrap();

    // With the card back all is good; a drive that never had the label catches up whole.
    assert_eq!(
        ended(&mut pair.verify(&["--repair", "--catch-up", "--source", card.to_str().unwrap()])).code,
        Some(0)
    );
    pair.all_good();
    fs::remove_dir_all(&pair.drives[0]).unwrap();
    fs::create_dir(&pair.drives[0]).unwrap();
    let run = ended(&mut pair.verify(&["--repair", "--catch-up"]));
    assert_eq!(run.code, Some(0), "{run:?}");
    pair.all_good();
    assert_eq!(pair.tree(0), pair.tree(1));
}

#[test]
fn what_is_good_nowhere_is_named_and_left_alone_until_the_card_gives_it() {
    let pair = Pair::shot(3);
    for drive in 0..2 {
        rot(&pair.kept(drive, &name(1)));
    }
    let before = [pair.tree(0), pair.tree(1)];
    let (run, verdict) = pair.repair();
    assert_eq!(run.code, Some(5), "{run:?}");
    for row in verdict["drives"].as_array().unwrap() {
        assert_eq!(row["good"], false);
        assert_eq!(row["bad_files"][0]["path"], name(1), "{row}");
    }
    assert_eq!([pair.tree(0), pair.tree(1)], before);
    assert!(pair.damaged(0).is_empty() && pair.damaged(1).is_empty());
    // Another photo under that name on the card is none that a record knows.
    let photo = fs::read(pair.rig.card.join(name(1))).unwrap();
    pair.rig.shoot(&name(1), noise(99, photo.len()));
    let card = pair.rig.card.to_str().unwrap();
    assert_eq!(ended(&mut pair.verify(&["--repair", "--source", card])).code, Some(5));
    assert_eq!([pair.tree(0), pair.tree(1)], before);
    // Nor does its name on the card matter, where its content is right.
    pair.rig.shoot("DCIM/999OTHER/X.JPG", &photo);
    let run = ended(&mut pair.verify(&["--repair", "--source", card]));
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(fs::read(pair.kept(0, &name(1))).unwrap(), photo);
    pair.all_good();
}

#[test]
fn one_drive_heals_from_the_card_and_from_its_own_copies() {
    let pair = Pair::shot(3);
    rot(&pair.kept(0, &name(0)));
    let alone = |flags: &[&str]| {
        let mut verify = Command::new(PIBACK);
        verify.arg("verify").arg(&pair.rig.label).arg("--dest").arg(&pair.drives[0]).arg("--repair");
        ended(verify.args(flags))
    };
    let run = alone(&[]);
    assert_eq!(run.code, Some(5), "{run:?}");
    assert!(run.out.contains("no good copy") || run.out.contains("other bytes"), "{run:?}");
    let run = alone(&["--source", pair.rig.card.to_str().unwrap()]);
    assert_eq!(run.code, Some(0), "{run:?}");
    // The user's own copy elsewhere on the drive is as good as any.
    put(&pair.kept(0, "Best/my favourite.jpg"), &noise(2, 3002), 1_700_000_000);
    rot(&pair.kept(0, &name(2)));
    alone(&[]);
    assert_eq!(fs::read(pair.kept(0, &name(2))).unwrap(), noise(2, 3002));
}

#[test]
fn lost_records_come_back_by_the_other_drive_and_by_the_lists() {
    for lists_too in [true, false] {
        let pair = Pair::shot(5);
        let whole = pair.tree(0);
        let lost = if lists_too { ".piback" } else { ".piback/manifests" };
        fs::remove_dir_all(pair.drives[0].join(lost)).unwrap();
        rot(&pair.kept(0, &name(3)));
        fs::remove_file(pair.kept(0, &name(4))).unwrap();
        assert_eq!(pair.verify_one(0).code, Some(5));
        let verdict = pair.repaired();
        assert_eq!(verdict["drives"][0]["vouched_files"], 3, "{verdict}");
        assert_eq!(verdict["drives"][0]["repaired"].as_array().unwrap().len(), 2, "{verdict}");
        assert_eq!(pair.tree(0), whole);
        assert_eq!(pair.damaged(0).len(), 1);
        assert_eq!(pair.rig.backed_up()["copied"]["files"], 0, "the records are as good as the old ones");
    }
}

#[test]
fn its_own_lists_speak_for_a_drive_that_lost_its_records() {
    let pair = Pair::shot(4);
    fs::remove_dir_all(pair.drives[0].join(".piback/manifests")).unwrap();
    // The other drive knows nothing of this label.
    fs::remove_dir_all(pair.drives[1].join(".piback")).unwrap();
    fs::remove_dir_all(pair.kept(1, "")).unwrap();
    put(&pair.kept(1, "copy.jpg"), &noise(1, 3001), 1_700_000_000);
    fs::remove_file(pair.kept(0, &name(1))).unwrap();
    rot(&pair.kept(0, &name(2)));
    let (run, verdict) = pair.repair();
    assert_eq!(run.code, Some(5), "{run:?}");
    let row = &verdict["drives"][0];
    assert_eq!(row["vouched_files"], 2, "{verdict}");
    assert_eq!(row["repaired"][0]["path"], name(1), "{verdict}");
    assert!(row["bad_files"].as_array().unwrap().iter().any(|bad| bad["path"] == name(2)), "{verdict}");
    assert_eq!(fs::read(pair.kept(0, &name(1))).unwrap(), noise(1, 3001));
}

#[test]
fn another_photo_of_the_same_name_is_never_put_aside() {
    let pair = Pair::shot(2);
    // One drive lost its records; under a name it has another photo, which no witness knows.
    fs::remove_dir_all(pair.drives[0].join(".piback")).unwrap();
    put(&pair.kept(0, &name(0)), &noise(77, 5000), 1_650_000_000);
    let (run, verdict) = pair.repair();
    assert_eq!(run.code, Some(5), "{run:?}");
    assert_eq!(fs::read(pair.kept(0, &name(0))).unwrap(), noise(77, 5000), "{verdict}");
    let beside = name(0).replace(".JPG", "~2.JPG");
    assert_eq!(fs::read(pair.kept(0, &beside)).unwrap(), noise(0, 3000));
    assert_eq!(verdict["drives"][0]["bad_files"][0]["path"], name(0), "{verdict}");
    assert!(pair.damaged(0).is_empty());
}

#[test]
fn a_drive_without_a_backup_is_a_row_and_one_that_is_given_twice_is_refused() {
    let pair = Pair::shot(2);
    fs::remove_dir_all(&pair.drives[1]).unwrap();
    fs::create_dir(&pair.drives[1]).unwrap();
    let run = ended(&mut pair.verify(&["--json"]));
    assert_eq!(run.code, Some(5), "{run:?}");
    let verdict: Value = serde_json::from_str(run.out.lines().last().unwrap()).unwrap();
    assert_eq!(verdict["good_drives"], 1);
    assert_eq!(verdict["drives"][0]["good"], true);
    assert!(verdict["drives"][1]["error"].as_str().unwrap().contains("no backup of"), "{verdict}");
    let drive = pair.drives[0].to_str().unwrap();
    let twice = ["verify", &pair.rig.label, "--dest", drive, "--dest", drive];
    assert_eq!(ended(Command::new(PIBACK).args(twice)).code, Some(64));
}

/// The contents that were published on a drive are there: under their names, or kept as damaged or temporary.
fn still_there(pair: &Pair, drive: usize) -> HashSet<Vec<u8>> {
    let mut all: HashSet<Vec<u8>> = pair.tree(drive).into_values().collect();
    all.extend(pair.damaged(drive));
    all
}

#[test]
fn killed_at_any_moment_of_a_repair_every_photo_is_there_and_the_next_one_ends_it() {
    let pair = Pair::new(Rig::in_memory());
    for i in 0..5 {
        pair.rig.shoot(&name(i), noise(i, 3000 + i as usize));
    }
    pair.rig.shoot("DCIM/101CANON/MVI_0001.MP4", noise(7, 2_500_000));
    pair.rig.shoot("DCIM/102CANON/IMG_0009.JPG", noise(9, 3000));
    pair.back_up();
    let whole = pair.tree(0);
    let damage = |pair: &Pair| {
        rot(&pair.kept(0, &name(0)));
        rot(&pair.kept(0, "DCIM/101CANON/MVI_0001.MP4"));
        fs::remove_file(pair.kept(0, &name(1))).unwrap();
        rot(&pair.kept(1, &name(2)));
        fs::remove_dir_all(pair.kept(1, "DCIM/102CANON")).unwrap();
    };
    damage(&pair);
    let base = pair.rig.dir.path().join("base");
    let copy = |from: &Path, to: &Path| {
        let _ = fs::remove_dir_all(to);
        assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
    };
    fs::create_dir(&base).unwrap();
    for (n, drive) in pair.drives.iter().enumerate() {
        copy(drive, &base.join(n.to_string()));
    }
    let calls = count(&mut pair.verify(&["--repair"]));
    let rounds = 100;
    for round in 0..rounds {
        let mut at = 1 + round * calls / rounds + round * 7919 % (calls / rounds);
        loop {
            for (n, drive) in pair.drives.iter().enumerate() {
                copy(&base.join(n.to_string()), drive);
            }
            match kill_at(&mut pair.verify(&["--repair"]), at) {
                Ok(()) => break,
                Err((_, made)) => at = 1 + at % made,
            }
        }
        let before = [still_there(&pair, 0), still_there(&pair, 1)];
        for content in whole.values() {
            assert!(before.iter().any(|drive| drive.contains(content)), "killed at call {at} of {calls}");
        }
        for (drive, there) in before.iter().enumerate() {
            for content in tree(&base.join(drive.to_string()).join(&pair.rig.label)).values() {
                assert!(there.contains(content), "killed at call {at} of {calls}: a byte is lost");
            }
        }
        let (run, _) = pair.repair();
        assert_eq!(run.code, Some(0), "killed at call {at} of {calls}: {run:?}");
        assert_eq!(pair.tree(0), whole, "killed at call {at} of {calls}");
        assert_eq!(pair.tree(1), whole, "killed at call {at} of {calls}");
        if round % 10 == 0 {
            pair.all_good();
        }
    }
}

/// What happens to two drives, with few enough names that things meet.
#[derive(Debug, Clone)]
enum Step {
    Shoot { name: u8, size: u8 },
    Format,
    BackUp { drive: bool },
    Rot { drive: bool, name: u8 },
    Remove { drive: bool, name: u8 },
    LoseRecords { drive: bool, lists_too: bool },
    Repair,
    Kill { at: u16 },
}

fn step() -> impl Strategy<Value = Step> {
    let drive = any::<bool>;
    prop_oneof![
        4 => (0u8..5, 0u8..2).prop_map(|(name, size)| Step::Shoot { name, size }),
        1 => Just(Step::Format),
        4 => drive().prop_map(|drive| Step::BackUp { drive }),
        3 => (drive(), 0u8..5).prop_map(|(drive, name)| Step::Rot { drive, name }),
        2 => (drive(), 0u8..5).prop_map(|(drive, name)| Step::Remove { drive, name }),
        1 => (drive(), drive()).prop_map(|(drive, lists_too)| Step::LoseRecords { drive, lists_too }),
        3 => Just(Step::Repair),
        3 => (1u16..1500).prop_map(|at| Step::Kill { at }),
    ]
}

/// A photo that is whole on a drive, not damaged there since it was published, stays whole on one of the two.
fn history(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let pair = Pair::new(Rig::in_memory());
    let mut shots = 0;
    let mut shot: HashSet<Vec<u8>> = HashSet::new();
    // By drive: whole photos under their names, and every byte that lies there, rotten ones too.
    let mut whole: [BTreeMap<String, Vec<u8>>; 2] = Default::default();
    let mut bytes: [HashSet<Vec<u8>>; 2] = Default::default();
    for step in steps {
        match step {
            Step::Shoot { name: n, size } => {
                shots += 1;
                let time = 1_700_000_000 + shots as i64;
                let content = noise(shots, [3000, 4000][usize::from(size)]);
                put(&pair.rig.card.join(name(n.into())), &content, time);
                shot.insert(content);
            }
            Step::Format => pair.rig.format(),
            Step::BackUp { drive } => {
                let mut backup = Command::new(PIBACK);
                backup.arg("backup").arg(&pair.rig.label).arg("--source").arg(&pair.rig.card);
                let run = ended(backup.arg("--dest").arg(&pair.drives[usize::from(drive)]));
                let empty = tree(&pair.rig.card).is_empty();
                prop_assert_eq!(run.code, Some(i32::from(empty)), "{:?}", run);
            }
            Step::Rot { drive, name: n } | Step::Remove { drive, name: n } => {
                let path = name(n.into());
                let file = pair.kept(drive.into(), &path);
                if !file.is_file() {
                    continue;
                }
                whole[usize::from(drive)].remove(&path);
                bytes[usize::from(drive)].remove(&fs::read(&file).unwrap());
                match step {
                    Step::Rot { .. } => rot(&file),
                    _ => fs::remove_file(file).unwrap(),
                }
            }
            Step::LoseRecords { drive, lists_too } => {
                let what = if lists_too { ".piback/manifests" } else { ".piback" };
                // Its damaged files are kept below that folder: these are not the records.
                let lost = pair.drives[usize::from(drive)].join(what);
                if what == ".piback" && lost.join("damaged").is_dir() {
                    let _ = fs::remove_dir_all(lost.join("manifests"));
                    let _ = fs::remove_dir_all(lost.join("mhl"));
                } else {
                    let _ = fs::remove_dir_all(lost);
                }
            }
            Step::Repair => {
                let (run, verdict) = pair.repair_or_nothing();
                prop_assert!(matches!(run.code, Some(0 | 1 | 5)), "{:?}", run);
                if run.code == Some(0) {
                    prop_assert_eq!(&verdict["good"], &Value::Bool(true));
                    for drive in 0..2 {
                        let again = pair.verify_one(drive);
                        prop_assert_eq!(again.code, Some(0), "{:?}", again);
                    }
                }
            }
            Step::Kill { at } => {
                let _ = kill_at(&mut pair.verify(&["--repair"]), at.into());
            }
        }
        for drive in 0..2 {
            let now = pair.tree(drive);
            for (path, content) in &whole[drive] {
                prop_assert!(now.get(path) == Some(content), "a published photo changed: {}", path);
            }
            let there = still_there(&pair, drive);
            prop_assert!(bytes[drive].iter().all(|content| there.contains(content)), "bytes are gone");
            let published = now.into_iter().filter(|(path, _)| !path.ends_with(".tmp"));
            for (path, content) in published {
                bytes[drive].insert(content.clone());
                if shot.contains(&content) {
                    whole[drive].insert(path, content);
                }
            }
        }
    }
    Ok(())
}

impl Pair {
    fn repair_or_nothing(&self) -> (Ended, Value) {
        let run = ended(&mut self.verify(&["--repair", "--json"]));
        let last = run.out.lines().last().map_or(Value::Null, |line| serde_json::from_str(line).unwrap());
        (run, last)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_drives_in_any_history_lose_no_published_byte(steps in prop::collection::vec(step(), 8..30)) {
        history(steps)?;
    }
}
