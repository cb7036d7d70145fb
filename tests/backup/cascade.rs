//! A second pass from the first drive: what it leaves, says and ends with is what one pass would, and what it sees of the
//! first drive's copies is said as well.

use crate::faulty::{Faults, Gone, Meanwhile, Mounted};
use crate::rig::{Ended, Rig, ended, noise, tree, until};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const VIDEO: &str = "DCIM/100CANON/MVI_0006.MP4";

/// A profile with this word for `backup.cascade`. Returns its path.
pub fn profile_with(folder: &Path, cascade: &str) -> String {
    let text = include_str!("../../profiles/travel.yaml");
    let with = text.replace("\nbackup:\n", &format!("\nbackup:\n  cascade: {cascade}\n"));
    assert_ne!(with, text);
    let path = folder.join("profile.yaml");
    fs::write(&path, with).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A card, the first drive behind a file system that counts and breaks, and a second one.
struct Two {
    rig: Rig,
    behind: PathBuf,
    first: Mounted,
    other: PathBuf,
    bytes: u64,
}

fn name(i: u64) -> String {
    format!("DCIM/100CANON/IMG_{i:04}.JPG")
}

impl Two {
    fn shot(faults: Faults) -> Self {
        let rig = Rig::apart();
        for i in 0..40 {
            rig.shoot(&name(i), noise(i, 30_000 + i as usize));
        }
        rig.shoot(VIDEO, noise(6, 9_000_077));
        let (behind, other) = (rig.dir.path().join("behind"), rig.dir.path().join("other"));
        [&behind, &other].into_iter().for_each(|folder| fs::create_dir(folder).unwrap());
        let first = Mounted::new(&behind, &rig.drive, faults);
        let bytes = tree(&rig.card).values().map(|content| content.len() as u64).sum();
        Two { rig, behind, first, other, bytes }
    }

    fn backup(&self, cascade: &str) -> (Ended, Value) {
        let profile = profile_with(self.rig.dir.path(), cascade);
        let mut command = self.rig.command("backup");
        let run = ended(command.arg("--dest").arg(&self.other).args(["--json", "--profile", &profile]));
        let account = run.account();
        (run, account)
    }

    /// Bytes that were read of the first drive since the last call.
    fn read(&self) -> u64 {
        let mut read = 0;
        self.first.set(|faults| read = std::mem::take(&mut faults.read));
        read
    }

    fn on_other(&self) -> BTreeMap<String, Vec<u8>> {
        tree(&self.other.join(&self.rig.label))
    }

    /// Empties both drives.
    fn clear(&self) {
        for drive in [&self.behind, &self.other] {
            for entry in fs::read_dir(drive).unwrap() {
                fs::remove_dir_all(entry.unwrap().path()).unwrap();
            }
        }
    }
}

/// What a drive's records say of files, without the run's own name.
fn records(drive: &Path) -> Vec<String> {
    let texts = tree(&drive.join(".piback/manifests")).into_values();
    let text: String = texts.map(|bytes| String::from_utf8(bytes).unwrap()).collect();
    let mut of_files: Vec<String> =
        text.lines().filter(|line| line.contains(r#""path""#)).map(str::to_owned).collect();
    of_files.sort();
    assert!(of_files.len() >= 40, "{text}");
    of_files
}

#[test]
fn records_account_and_exit_code_are_those_of_one_pass() {
    for bad_sector in [false, true] {
        let mut two = Two::shot(Faults::default());
        let card = two.rig.dir.path().join("card-in-front");
        fs::create_dir(&card).unwrap();
        let mut faults = Faults::default();
        if bad_sector {
            faults.bad.push((VIDEO.into(), 5_000_000..5_000_512));
        }
        let in_front = Mounted::new(&two.rig.card, &card, faults);
        let shot = std::mem::replace(&mut two.rig.card, card);
        let mut seen = Vec::new();
        for cascade in ["never", "always"] {
            two.clear();
            two.read();
            let (run, account) = two.backup(cascade);
            let mut of_card = 0;
            in_front.set(|faults| of_card = std::mem::take(&mut faults.read));
            assert_eq!(run.code, Some(if bad_sector { 5 } else { 0 }), "{run:?}");
            let trees = (tree(&two.behind.join(&two.rig.label)), two.on_other());
            assert!(bad_sector || trees == (tree(&shot), tree(&shot)));
            let read = two.read();
            let passes = if cascade == "always" && !bad_sector { 2 } else { 1 };
            if !bad_sector {
                // Once for the proof, and once for the other drive.
                let once = passes * two.bytes;
                assert!((once..once + once / 10).contains(&read), "{cascade}: {read} of {}", two.bytes);
                assert!(of_card < two.bytes + two.bytes / 50, "{cascade}: {of_card} of the card");
            }
            seen.push((account, trees, records(&two.behind), records(&two.other)));
        }
        assert!(seen[0] == seen[1], "{:#?}\n{:#?}", seen[0].0, seen[1].0);
        in_front.unmount();
    }
}

#[test]
fn folders_that_are_on_no_usb_bus_are_copied_in_one_pass_unless_asked() {
    let two = Two::shot(Faults::default());
    assert_eq!(two.backup("auto").0.code, Some(0));
    assert!(two.read() < two.bytes + two.bytes / 2);
}

/// Backs up in two passes with a first drive that can't give back what it got: the other one gets all of the card, and the
/// account says why it is on no more than that one. Returns what it says of the first one.
fn first_is_no_help(two: &Two, why: &str) -> Value {
    let (run, account) = two.backup("always");
    assert_eq!(run.code, Some(5), "{run:?}");
    let sentence = account["sentence"].as_str().unwrap();
    assert!(sentence.starts_with("safe on 1 of 2: ") && sentence.contains(why), "{sentence}");
    assert!(two.on_other() == tree(&two.rig.card));
    let [first, other] = [0, 1].map(|at| account["drives"][at].clone());
    assert_eq!((&first["safe"], &other["safe"]), (&false.into(), &true.into()), "{account}");
    first
}

fn not_safe(of_drive: &Value) -> Vec<&str> {
    of_drive["not_safe_files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect()
}

/// Files of the first drive whose records say that they are not as they were.
fn rotten(two: &Two) -> usize {
    let texts = tree(&two.behind.join(".piback/manifests")).into_values();
    texts.map(|bytes| String::from_utf8(bytes).unwrap().matches("rotten").count()).sum()
}

#[test]
fn what_rots_between_the_passes_comes_from_the_card_and_is_said_of_the_first_drive() {
    let two = Two::shot(Faults { meanwhile: Some((VIDEO.into(), Meanwhile::Rot)), ..Faults::default() });
    let first = first_is_no_help(&two, "other bytes than were written");
    let on_first = fs::read(two.behind.join(&two.rig.label).join(VIDEO)).unwrap();
    assert!(on_first != fs::read(two.rig.card.join(VIDEO)).unwrap(), "nothing rotted");
    assert_eq!(not_safe(&first), [VIDEO]);
    assert_eq!(first["copied"]["files"], 40);
    assert_eq!(rotten(&two), 1, "on record");
    let verified = ended(two.rig.command("verify").arg("--json"));
    assert_eq!(verified.code, Some(5), "{verified:?}");
    // And the next backup does not take its word.
    let (run, account) = two.backup("always");
    assert_eq!((run.code, &account["sentence"]), (Some(0), &"safe on 2 of 2".into()), "{run:?}");
    assert_eq!(account["drives"][0]["copied"]["files"], 1, "{account}");
}

#[test]
fn what_can_t_be_read_back_comes_from_the_card_and_is_said_of_the_first_drive() {
    let bad = vec![(VIDEO.into(), 5_000_000..5_000_512), (name(3), 0..512)];
    let two = Two::shot(Faults { bad, ..Faults::default() });
    let first = first_is_no_help(&two, "can't read it back");
    assert_eq!(not_safe(&first), [name(3).as_str(), VIDEO]);
    assert_eq!(rotten(&two), 2, "on record");
}

#[test]
fn a_first_drive_that_is_pulled_in_the_second_pass_is_no_safe_one_and_the_card_gives_the_rest() {
    let two = Two::shot(Faults::default());
    let left = two.bytes + two.bytes / 2;
    two.first.set(|now| now.gone_after_read = Some((left, Gone::Nodev)));
    let first = first_is_no_help(&two, "the drive is gone");
    assert_eq!(first["stopped"], "the drive is gone", "{first}");
}

#[test]
fn a_first_drive_that_fails_when_it_has_given_all_is_no_safe_one() {
    let (unreadable, pulled) = ("can't read it back", "the drive is gone");
    for (gone, why) in [(None, unreadable), (Some(Gone::Nodev), pulled), (Some(Gone::Eio), pulled)] {
        let two = Two::shot(Faults::default());
        let behind = two.rig.dir.path().join("behind-other");
        // Slow to read back: when all is written there, the first one has nothing more to give.
        let limit = Faults { read_limit: Some(6_000_000), ..Faults::default() };
        let other = Mounted::new(&behind, &two.other, limit);
        let given = || {
            let mut written = 0;
            other.set(|faults| written = faults.written);
            written >= two.bytes
        };
        std::thread::scope(|scope| {
            let run = scope.spawn(|| first_is_no_help(&two, why));
            until("all is written", || given() || run.is_finished());
            two.first.set(|faults| match gone {
                Some(_) => faults.gone = gone,
                None => faults.bad.push((String::new(), 0..u64::MAX)),
            });
            run.join().unwrap();
        });
        other.unmount();
    }
}

#[test]
fn a_first_drive_that_gives_nothing_back_is_not_asked_for_every_file() {
    let bad = (0..40).map(|i| (name(i), 0..512)).chain([(VIDEO.into(), 0..512)]).collect();
    let two = Two::shot(Faults { bad, ..Faults::default() });
    let first = first_is_no_help(&two, "can't read it back");
    assert_eq!(not_safe(&first), [0, 1, 2].map(name));
    assert!(first["notes"].to_string().contains("asked for no more"), "{first}");
}

/// Pulls the card after so large a part of what the first pass reads of it. With `had` the first drive has one photo from
/// an earlier backup, the first in order: only the card can give that to the other one.
fn card_is_pulled(had: bool, part: u64) {
    let mut two = Two::shot(Faults::default());
    let pages = |content: &Vec<u8>| (content.len() as u64).next_multiple_of(4096);
    let all = tree(&two.rig.card);
    let mut later: u64 = all.values().map(pages).sum();
    if had {
        for path in all.keys().filter(|path| **path != name(0)) {
            fs::remove_file(two.rig.card.join(path)).unwrap();
        }
        two.rig.backed_up();
        for (path, content) in all.iter().filter(|(path, _)| **path != name(0)) {
            two.rig.shoot(path, content);
        }
        later -= pages(&all[&name(0)]);
    }
    let card = two.rig.dir.path().join("card-in-front");
    fs::create_dir(&card).unwrap();
    let gone_after_read = Some((later / part, Gone::Nodev));
    let in_front = Mounted::new(&two.rig.card, &card, Faults { gone_after_read, ..Faults::default() });
    two.rig.card = card;
    let (run, account) = two.backup("always");
    in_front.unmount();
    let (mut first, other) = (tree(&two.behind.join(&two.rig.label)), two.on_other());
    assert!(first.len() > 10 && (part > 1 || first.len() >= 40), "{had} {part}: {}", first.len());
    if had {
        first.remove(&name(0));
    }
    assert!(first == other, "{had} {part}: {} and {}", first.len(), other.len());
    assert_eq!(run.code, Some(if had || part > 1 { 5 } else { 0 }), "{run:?}");
    let lacks = &account["drives"][1]["not_safe_files"].as_array().unwrap();
    assert_eq!(lacks.len(), 41 - other.len());
    assert!(lacks.iter().all(|file| file["why"] == "the card is gone"), "{lacks:?}");
}

#[test]
fn a_pulled_card_keeps_from_the_other_drive_nothing_that_the_first_has() {
    for (had, part) in [(false, 1), (true, 1), (false, 2), (true, 2)] {
        card_is_pulled(had, part);
    }
}

#[test]
fn a_pulled_card_is_no_matter_to_a_drive_that_gets_all_it_lacks() {
    let mut two = Two::shot(Faults::default());
    let all = tree(&two.rig.card);
    all.keys()
        .filter(|path| *path != VIDEO)
        .for_each(|path| fs::remove_file(two.rig.card.join(path)).unwrap());
    // Two of three drives have the video: only the card can give it to the last one.
    assert_eq!(two.backup("always").0.code, Some(0));
    all.iter().filter(|(path, _)| *path != VIDEO).for_each(|(path, content)| two.rig.shoot(path, content));
    let (card, third) = (two.rig.dir.path().join("card-in-front"), two.rig.dir.path().join("third"));
    [&card, &third].into_iter().for_each(|folder| fs::create_dir(folder).unwrap());
    let in_front = Mounted::new(&two.rig.card, &card, Faults::default());
    two.rig.card = card;
    two.first.set(|faults| faults.read_limit = Some(800_000));
    let ends = || {
        let texts = tree(&two.behind.join(".piback/manifests")).into_values();
        texts.filter(|text| String::from_utf8_lossy(text).contains(r#""end""#)).count()
    };
    let profile = profile_with(two.rig.dir.path(), "always");
    let mut command = two.rig.command("backup");
    command.arg("--dest").arg(&two.other).arg("--dest").arg(&third).args(["--json", "--profile", &profile]);
    std::thread::scope(|scope| {
        let run = scope.spawn(|| ended(&mut command).account());
        until("the first pass is over", || ends() == 2 || run.is_finished());
        in_front.set(|faults| faults.gone = Some(Gone::Nodev));
        let account = run.join().unwrap();
        let sentence = account["sentence"].as_str().unwrap();
        assert!(
            sentence.starts_with("safe on 2 of 3: ") && sentence.contains("the card is gone"),
            "{account}"
        );
        assert_eq!(not_safe(&account["drives"][2]), [VIDEO]);
    });
    in_front.unmount();
}

/// Numbers and words of the lines about a run's progress.
fn progress(run: &Ended, field: &str) -> Vec<Value> {
    let lines = run.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["event"] == "progress").map(|line| line[field].clone()).collect()
}

#[test]
fn the_card_is_not_called_slower_while_the_first_drive_is_read() {
    let two = Two::shot(Faults { read_limit: Some(4_000_000), ..Faults::default() });
    let (run, _) = two.backup("always");
    assert_eq!(run.code, Some(0), "{run:?}");
    let slower = progress(&run, "slower");
    assert!(slower.len() > 3 && !slower.contains(&"card".into()), "{slower:?}");
}

#[test]
fn what_is_begun_from_the_first_drive_and_comes_from_the_card_counts_once_as_written() {
    const LONG: &str = "DCIM/100CANON/MVI_0041.MP4";
    let bad = vec![(LONG.into(), 24_500_000..24_500_512)];
    let two = Two::shot(Faults { bad, ..Faults::default() });
    // So long that some of it was told as written before the place that can't be read.
    two.rig.shoot(LONG, noise(41, 25_000_000));
    let behind = two.rig.dir.path().join("behind-other");
    fs::create_dir(&behind).unwrap();
    // Slow to read back, so that progress is told when all is written.
    let limit = Faults { read_limit: Some(12_000_000), ..Faults::default() };
    let other = Mounted::new(&behind, &two.other, limit);
    let (run, _) = two.backup("always");
    other.unmount();
    assert_eq!(run.code, Some(5), "{run:?}");
    let written = progress(&run, "written_bytes");
    assert_eq!(written.last().unwrap(), &Value::from(2 * (two.bytes + 25_000_000)), "{written:?}");
}

#[test]
fn a_first_drive_that_fills_up_ends_alone() {
    let two = Two::shot(Faults { full_after: Some(4_000_000), ..Faults::default() });
    let (run, account) = two.backup("always");
    assert_eq!(run.code, Some(5), "{run:?}");
    let sentence = account["sentence"].as_str().unwrap();
    assert!(sentence.starts_with("safe on 1 of 2: ") && sentence.contains("no room"), "{sentence}");
    assert!(two.on_other() == tree(&two.rig.card));
}

#[test]
fn other_photos_of_the_same_names_go_through_as_well() {
    let two = Two::shot(Faults::default());
    assert_eq!(two.backup("always").0.code, Some(0));
    fs::remove_dir_all(two.other.join(&two.rig.label)).unwrap();
    fs::remove_dir_all(two.other.join(".piback")).unwrap();
    two.rig.format();
    for i in 0..40 {
        two.rig.shoot(&name(i), noise(100 + i, 30_000 + i as usize));
    }
    two.read();
    let (run, _) = two.backup("always");
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(two.on_other() == tree(&two.rig.card));
    let bytes: u64 = tree(&two.rig.card).values().map(|content| content.len() as u64).sum();
    assert!(two.read() >= 2 * bytes, "under the names that the first drive gave them");
}
