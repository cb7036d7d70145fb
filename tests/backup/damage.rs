//! Manifests that are lost or damaged: `verify` claims nothing that no intact record vouches for, `backup` mends what a
//! card can vouch for, and what it can't stays visible.

use crate::faulty::{Faults, Mounted};
use crate::rig::{Ended, Rig, noise, put, stamps};
use serde_json::Value;
use std::fs;

fn name(i: u64) -> String {
    format!("DCIM/100CANON/IMG_{i:04}.JPG")
}

fn backed_up(files: u64) -> Rig {
    let rig = Rig::new();
    for i in 0..files {
        rig.shoot(&name(i), noise(i, 3000 + i as usize));
    }
    rig.backed_up();
    rig
}

fn verdict(run: &Ended) -> Value {
    serde_json::from_str(run.out.lines().last().unwrap()).unwrap()
}

/// Verifies, and these files, no others, must be named with these words.
fn bad(rig: &Rig, expected: &[(u64, &str)]) -> Value {
    let run = rig.run("verify", &["--json"]);
    assert_eq!(run.code, Some(5), "{run:?}");
    let verdict = verdict(&run);
    assert_eq!(verdict["good"], false);
    let mut named: Vec<_> = verdict["bad_files"].as_array().unwrap().clone();
    named.sort_by_key(|f| f["path"].as_str().unwrap().to_owned());
    let paths: Vec<_> = named.iter().map(|f| f["path"].as_str().unwrap().to_owned()).collect();
    assert_eq!(paths, expected.iter().map(|(i, _)| name(*i)).collect::<Vec<_>>(), "{verdict}");
    for (file, (_, why)) in named.iter().zip(expected) {
        assert!(file["why"].as_str().unwrap().contains(why), "{file}");
    }
    verdict
}

fn rot(rig: &Rig, i: u64) {
    let mut content = rig.read(&name(i));
    content[100] ^= 4;
    fs::write(rig.kept(&name(i)), content).unwrap();
}

/// The manifest with one bit flipped in the record of a file.
fn flip_record(rig: &Rig, run: usize, i: u64) {
    let path = rig.manifests().remove(run);
    let mut text = fs::read(&path).unwrap();
    let needle = name(i);
    let at = text.windows(needle.len()).position(|w| w == needle.as_bytes()).unwrap();
    text[at + 3] ^= 1;
    fs::write(path, text).unwrap();
}

#[test]
fn a_damaged_file_with_a_damaged_record_is_never_called_good() {
    let rig = backed_up(3);
    rot(&rig, 1);
    flip_record(&rig, 0, 1);
    let before = stamps(&rig.drive);
    for _ in 0..2 {
        let verdict = bad(&rig, &[(1, "no record vouches for it")]);
        assert_eq!(verdict["damaged_manifests"][0], "manifest 000001: 1 damaged record");
        assert_eq!(verdict["unrecorded"]["files"], 1);
        assert_eq!(verdict["verified"]["files"], 2);
    }
    assert_eq!(stamps(&rig.drive), before, "and its hash is not taken over");
    // For people: both by name.
    let run = rig.run("verify", &[]);
    assert!(run.says("NOT GOOD") && run.says(&name(1)) && run.says("1 damaged record"), "{run:?}");
    // The card has the photo: it goes beside the damaged file, which no card vouches for.
    let account = rig.backed_up();
    assert_eq!((&account["copied"]["files"], &account["taken_over_files"]), (&1.into(), &1.into()));
    assert_eq!(rig.read("DCIM/100CANON/IMG_0001~2.JPG"), noise(1, 3001));
    bad(&rig, &[(1, "no card vouches for it")]);
    // Whoever looked at it and put it away is done.
    fs::remove_file(rig.kept(&name(1))).unwrap();
    let run = rig.run("verify", &["--json"]);
    assert_eq!((run.code, &verdict(&run)["recorded"]["files"]), (Some(0), &3.into()), "{run:?}");
}

#[test]
fn lost_manifests_are_rebuilt_by_backup_and_only_the_card_vouches() {
    for how in ["folder", "files", "emptied", "torn"] {
        let rig = backed_up(8);
        let before = stamps(&rig.drive.join(&rig.label));
        // No longer on the card: nothing but the lost record could tell whether it is the photo.
        fs::remove_file(rig.card.join(name(7))).unwrap();
        rot(&rig, 7);
        let before = before.keys().collect::<Vec<_>>().len();
        match how {
            "folder" => fs::remove_dir_all(rig.drive.join(".piback")).unwrap(),
            "files" => fs::remove_file(&rig.manifests()[0]).unwrap(),
            "emptied" => fs::write(&rig.manifests()[0], "").unwrap(),
            _ => {
                let text = fs::read(&rig.manifests()[0]).unwrap();
                let first = text.iter().position(|b| *b == b'\n').unwrap();
                fs::write(&rig.manifests()[0], &text[..first + 40]).unwrap();
            }
        }
        let all: Vec<_> = (0..8).map(|i| (i, "no record vouches for it")).collect();
        bad(&rig, &all);
        bad(&rig, &all);
        let account = rig.backed_up();
        assert_eq!(account["copied"]["files"], 0, "{how}");
        assert_eq!(account["already_safe"]["files"], 7, "{how}");
        assert_eq!(stamps(&rig.drive.join(&rig.label)).len(), before);
        if how == "torn" {
            // As after a power cut: that much may be missing of a run that was cut off, so nothing else is touched.
            bad(&rig, &[(7, "no record vouches for it")]);
            continue;
        }
        assert_eq!(account["taken_over_files"], 1, "{how}");
        bad(&rig, &[(7, "no card vouches for it")]);
        // What happens to it from now on is noticed.
        rot(&rig, 7);
        rot(&rig, 7);
        fs::write(rig.kept(&name(7)), noise(77, 3007)).unwrap();
        bad(&rig, &[(7, "other bytes")]);
        // A card that has what is there vouches for it.
        rig.shoot(&name(7), noise(77, 3007));
        assert_eq!(rig.backed_up()["copied"]["files"], 0, "{how}");
        assert_eq!(rig.run("verify", &[]).code, Some(0), "{how}");
    }
}

#[test]
fn the_torn_last_line_of_a_run_that_was_cut_off_is_no_damage() {
    let rig = backed_up(3);
    let manifest = rig.manifests().remove(0);
    let whole = fs::read(&manifest).unwrap();
    fs::write(&manifest, &whole[..whole.len() - 9]).unwrap();
    assert_eq!(rig.run("verify", &[]).code, Some(0));
    // In the record of the last file: that file was never acknowledged, and is named.
    let ends: Vec<_> = whole.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at).collect();
    fs::write(&manifest, &whole[..ends[3] - 10]).unwrap();
    let verdict = bad(&rig, &[(2, "no record vouches for it")]);
    assert_eq!(verdict["damaged_manifests"].as_array().unwrap().len(), 0);
    // The same line, with its end, in a run that came to its end: damage.
    let mut altered = whole.clone();
    altered[ends[3] - 10] ^= 1;
    fs::write(&manifest, &altered).unwrap();
    let verdict = bad(&rig, &[(2, "no record vouches for it")]);
    assert_eq!(verdict["damaged_manifests"][0], "manifest 000001: 1 damaged record");
    // And what stands behind the end.
    fs::write(&manifest, [&whole[..], b"x"].concat()).unwrap();
    assert_eq!(bad(&rig, &[])["damaged_manifests"][0], "manifest 000001: 1 damaged record");
}

#[test]
fn a_manifest_that_is_missing_or_cut_short_in_the_middle_is_missed() {
    for cut in [false, true] {
        let rig = backed_up(2);
        for run in 1..4 {
            rig.shoot(&name(10 * run), noise(10 * run, 500));
            rig.backed_up();
        }
        let manifest = rig.manifests().remove(1);
        // The photo of that run is gone too: nothing on the drive speaks of it any more.
        fs::remove_file(rig.kept(&name(10))).unwrap();
        fs::remove_file(rig.card.join(name(10))).unwrap();
        if cut {
            let text = fs::read_to_string(&manifest).unwrap();
            fs::write(&manifest, &text[..=text.find('\n').unwrap()]).unwrap();
        } else {
            fs::remove_file(&manifest).unwrap();
        }
        let text = if cut { "manifest 000002: its end is missing" } else { "manifest 000002 is missing" };
        assert_eq!(bad(&rig, &[])["damaged_manifests"][0], text);
        assert_eq!(rig.run("verify", &["--sample", "10%"]).code, Some(5));
        // A backup looks at every file that is there; the rest is known to be lost, and said for ever.
        rig.backed_up();
        let run = rig.run("verify", &[]);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(run.says(text) && run.says("dealt with") && !run.says("is as it was written"), "{run:?}");
    }
    // The last one: the media hash list of its run tells that there was one.
    let rig = backed_up(2);
    fs::remove_file(rig.manifests().remove(0)).unwrap();
    fs::remove_dir_all(rig.drive.join(&rig.label)).unwrap();
    assert_eq!(bad(&rig, &[])["damaged_manifests"][0], "manifest 000001 is missing");
}

#[test]
fn a_torn_or_altered_record_loses_nothing_and_backup_mends_it() {
    let whole = fs::read(&backed_up(8).manifests()[0]).unwrap();
    let mut altered = whole.clone();
    altered[whole.len() / 2] ^= 1;
    let middle = whole.iter().position(|b| *b == b'\n').unwrap() + 40;
    for damaged in [
        &whole[..whole.len() - 5],
        &whole[..whole.len() / 2],
        &whole[..middle],
        &altered,
        b"",
        b"\0\0\0\n\xff",
        &[b'x'; 3_000_000],
    ] {
        let rig = backed_up(8);
        let before = stamps(&rig.drive.join(&rig.label));
        fs::write(&rig.manifests()[0], damaged).unwrap();
        let account = rig.backed_up();
        assert_eq!((&account["copied"]["files"], &account["taken_over_files"]), (&0.into(), &0.into()));
        assert_eq!(stamps(&rig.drive.join(&rig.label)), before);
        assert_eq!(rig.run("verify", &[]).code, Some(0));
        let before = stamps(&rig.drive);
        rig.backed_up();
        assert_eq!(stamps(&rig.drive), before, "mended once");
    }
}

#[test]
fn files_of_others_are_named_and_never_moved_or_listed_as_photos() {
    let rig = Rig::new();
    for i in 0..4 {
        rig.shoot(&name(i), noise(i, 3000));
    }
    // From a time before piback: one of them is on the card too.
    put(&rig.kept(&name(1)), &noise(1, 3000), 0);
    put(&rig.kept(&name(9)), &noise(9, 3000), 0);
    let (run, account) = rig.backup();
    assert_eq!((run.code, account["copied"]["files"].as_u64()), (Some(0), Some(3)));
    assert_eq!(account["taken_over_files"], 1);
    assert!(run.says("UNCHECKED"), "{run:?}");
    bad(&rig, &[(9, "no card vouches for it")]);
    // Put there since.
    put(&rig.kept(&name(8)), &noise(8, 3000), 0);
    bad(&rig, &[(8, "no record vouches for it"), (9, "no card vouches for it")]);
    assert_eq!(rig.run("backup", &["--mirror"]).code, Some(0));
    assert_eq!(rig.read(&name(9)), noise(9, 3000), "--mirror moves only what came from a card");
    let lists = crate::rig::tree(&rig.drive.join(".piback/mhl"));
    let list = lists.iter().find(|(path, _)| path.ends_with(".mhl")).unwrap().1;
    assert!(!String::from_utf8_lossy(list).contains("IMG_0009"), "no list vouches for it either");
    // What a computer leaves when it looks at the drive is no reason for alarm.
    fs::remove_file(rig.kept(&name(8))).unwrap();
    rig.shoot(&name(9), noise(9, 3000));
    rig.backed_up();
    for litter in [".DS_Store", "DCIM/._100CANON", "DCIM/Thumbs.db"] {
        put(&rig.kept(litter), b"x", 0);
    }
    assert_eq!(rig.run("verify", &[]).code, Some(0));
}

#[test]
fn a_label_s_folder_that_is_gone_is_missed_file_by_file() {
    let rig = backed_up(3);
    fs::remove_dir_all(rig.drive.join(&rig.label)).unwrap();
    bad(&rig, &[(0, "no copy"), (1, "no copy"), (2, "no copy")]);
    // An empty folder is no backup.
    let rig = Rig::new();
    fs::create_dir(rig.drive.join(&rig.label)).unwrap();
    let run = rig.run("verify", &[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.says("no backup of"));
}

#[test]
fn a_sample_claims_no_more_than_it_read() {
    let rig = backed_up(40);
    let run = rig.run("verify", &["--sample", "5%"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(!run.says("is as it was written"), "{run:?}");
    put(&rig.kept("DCIM/stray.JPG"), b"x", 0);
    let run = rig.run("verify", &["--sample", "5%"]);
    assert_eq!(run.code, Some(5), "{run:?}");
    assert!(run.says("stray.JPG"));
    // Taken over, it is named by every sample.
    fs::remove_dir_all(rig.drive.join(".piback")).unwrap();
    rig.backed_up();
    let run = rig.run("verify", &["--sample", "5%"]);
    assert_eq!(run.code, Some(5), "{run:?}");
    assert!(run.says("stray.JPG: taken over unchecked"), "{run:?}");
}

#[test]
fn a_bad_sector_in_a_manifest_does_not_stop_a_backup() {
    let rig = Rig::new();
    for i in 0..3 {
        rig.shoot(&name(i), noise(i, 3000));
    }
    let behind = rig.dir.path().join("behind");
    let mounted = Mounted::new(&behind, &rig.drive, Faults::default());
    rig.backed_up();
    let manifest = rig.manifests().remove(0).file_name().unwrap().to_str().unwrap().to_owned();
    mounted.set(|f| f.bad = vec![(manifest, 0..1 << 40)]);
    let run = rig.run("verify", &[]);
    assert_eq!(run.code, Some(5), "{run:?}");
    assert!(run.says("manifest 000001 can't be read"), "{run:?}");
    rig.shoot(&name(3), noise(3, 3000));
    let account = rig.backed_up();
    assert_eq!((&account["copied"]["files"], &account["already_safe"]["files"]), (&1.into(), &3.into()));
    assert_eq!(rig.run("verify", &[]).code, Some(0));
    mounted.unmount();
}

#[test]
fn names_that_differ_in_case_from_their_record_are_known_where_case_does_not_count() {
    let rig = Rig::new();
    let behind = rig.dir.path().join("behind");
    // The folder is there in another case, as from another camera or by hand.
    fs::create_dir_all(behind.join(&rig.label).join("dcim")).unwrap();
    let mounted = Mounted::new(&behind, &rig.drive, Faults { fat: true, ..Faults::default() });
    rig.shoot("DCIM/IMG_0001.JPG", "photo");
    rig.backed_up();
    assert_eq!(rig.tree().into_keys().collect::<Vec<_>>(), ["dcim/IMG_0001.JPG"]);
    let run = rig.run("verify", &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    mounted.unmount();
}
