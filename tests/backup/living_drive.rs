//! Drives that people use: they cull, sort and edit with a laptop, and mount with whatever driver they have.

use crate::faulty::{Faults, Mounted};
use crate::rig::{Ended, Rig, noise, put, tree};
use fuser::Errno;
use serde_json::Value;
use std::fs;

fn name(i: u64) -> String {
    format!("DCIM/100CANON/IMG_{i:04}.JPG")
}

fn shot(files: u64) -> Rig {
    let rig = Rig::new();
    for i in 0..files {
        rig.shoot(&name(i), noise(i, 3000 + i as usize));
    }
    rig
}

/// The last line of `--json`.
fn last(run: &Ended) -> Value {
    serde_json::from_str(run.out.lines().last().unwrap()).unwrap()
}

/// Moves a file below the drive's root.
fn move_to(rig: &Rig, from: &str, to: &str) {
    let to = rig.drive.join(to);
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::rename(rig.kept(from), to).unwrap();
}

fn verified(rig: &Rig) -> Value {
    let run = rig.run("verify", &["--json"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    last(&run)
}

#[test]
fn a_file_that_was_moved_is_found_by_its_content_and_recorded_there() {
    let rig = shot(6);
    rig.backed_up();
    move_to(&rig, &name(0), "SD32GB-03/Best/sunrise.jpg");
    move_to(&rig, &name(1), "Albums/2026/beach.jpg");
    move_to(&rig, &name(2), "at the root.jpg");
    let verdict = verified(&rig);
    assert_eq!(verdict["moved"].as_array().unwrap().len(), 3, "{verdict}");
    assert_eq!(verdict["verified"]["files"], 6);
    let said = rig.manifests().len();
    assert_eq!(verified(&rig)["moved"], serde_json::json!([]), "it is known now");
    assert_eq!(rig.manifests().len(), said);
    // The card's photos are safe there: nothing is copied again, and formatting loses nothing.
    assert_eq!(rig.backed_up()["copied"]["files"], 0);
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
    // Moved on, and rotten: both are found where they are now.
    fs::rename(rig.drive.join("Albums/2026/beach.jpg"), rig.drive.join("Albums/beach.jpg")).unwrap();
    assert_eq!(verified(&rig)["moved"][0]["dest"], "/Albums/beach.jpg");
    let mut rotten = noise(2, 3002);
    rotten[1000] ^= 1;
    let time = fs::metadata(rig.drive.join("at the root.jpg")).unwrap().modified().unwrap();
    fs::write(rig.drive.join("at the root.jpg"), rotten).unwrap();
    fs::File::options()
        .write(true)
        .open(rig.drive.join("at the root.jpg"))
        .unwrap()
        .set_modified(time)
        .unwrap();
    let run = rig.run("verify", &[]);
    assert!(run.code == Some(5) && run.says("/at the root.jpg"), "{run:?}");
    assert_eq!(rig.backed_up()["copied"]["files"], 1, "a good copy is put beside");
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
}

#[test]
fn a_new_photo_under_the_name_of_one_that_was_moved_is_another_file() {
    let rig = shot(1);
    rig.backed_up();
    move_to(&rig, &name(0), "SD32GB-03/Best/one.jpg");
    verified(&rig);
    // The camera starts over: the same name and size, at another time.
    put(&rig.card.join(name(0)), &noise(9, 3000), 1_700_009_000);
    assert_eq!(rig.backed_up()["copied"]["files"], 1);
    assert_eq!(rig.read(&name(0)), noise(9, 3000));
    assert_eq!(verified(&rig)["verified"]["files"], 2);
    // The first card again: its photo is in its album, not under its old name.
    rig.shoot(&name(0), noise(0, 3000));
    assert_eq!(rig.backed_up()["copied"]["files"], 0);
    fs::remove_file(rig.kept("Best/one.jpg")).unwrap();
    assert_eq!(rig.backed_up()["copied"]["files"], 1, "what lies under its old name is another photo");
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
}

#[test]
fn a_record_vouches_for_no_other_file_of_its_name_and_size() {
    // Two cards of one label, as FAT has them; the first one's photo is culled, and the second one's takes its name.
    let rig = shot(1);
    let cards = rig.dir.path().join("cards");
    fs::rename(&rig.card, &cards).unwrap();
    let card = Mounted::new(&cards, &rig.card, Faults { fat: true, ..Faults::default() });
    rig.backed_up();
    fs::remove_file(rig.kept(&name(0))).unwrap();
    put(&cards.join(name(0)), &noise(7, 3000), 1_700_009_000);
    rig.backed_up();
    put(&cards.join(name(0)), &noise(0, 3000), 1_700_000_000);
    assert_eq!(rig.backed_up()["copied"]["files"], 1);
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
    card.unmount();
}

#[test]
fn what_is_deleted_unknown_or_edited_is_named_and_taken_as_meant_when_accepted() {
    let rig = shot(6);
    rig.backed_up();
    fs::remove_file(rig.kept(&name(1))).unwrap();
    put(&rig.kept("notes.txt"), b"mine", 1_600_000_000);
    put(&rig.kept(&name(2)), b"edited on a laptop", 1_600_000_000);
    std::os::unix::fs::symlink("DCIM", rig.kept("a link")).unwrap();
    let run = rig.run("verify", &[]);
    assert_eq!(run.code, Some(5), "{run:?}");
    for named in ["IMG_0001.JPG", "notes.txt", "IMG_0002.JPG: written to since", "a link", "--accept"] {
        assert!(run.says(named), "{named} {run:?}");
    }
    assert_eq!(rig.run("verify", &["--accept"]).code, Some(64), "nobody can be asked");
    assert_eq!(rig.run("verify", &["--yes"]).code, Some(64));
    assert_eq!(rig.run("verify", &[]).code, Some(5));
    let run = rig.run("verify", &["--accept", "--yes", "--json"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!((&last(&run)["accepted_files"], &last(&run)["good"]), (&4.into(), &true.into()));
    verified(&rig);
    // What was accepted is watched from then on.
    put(&rig.kept("notes.txt"), b"oops", 1_600_000_000);
    assert_eq!(rig.run("verify", &[]).code, Some(5));
    // And the card's photos are none the less copied, as long as it has them.
    assert_eq!(rig.backed_up()["copied"]["files"], 2);
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
}

#[test]
fn rot_is_never_accepted() {
    let rig = shot(2);
    rig.backed_up();
    let time = fs::metadata(rig.kept(&name(0))).unwrap().modified().unwrap();
    let mut rotten = rig.read(&name(0));
    rotten[9] ^= 1;
    fs::write(rig.kept(&name(0)), rotten).unwrap();
    fs::File::options().write(true).open(rig.kept(&name(0))).unwrap().set_modified(time).unwrap();
    let run = rig.run("verify", &["--accept", "--yes"]);
    assert_eq!(run.code, Some(5), "{run:?}");
    assert_eq!(rig.run("verify", &[]).code, Some(5));
}

#[test]
fn a_file_that_was_taken_over_and_is_gone_counts_no_more() {
    let rig = shot(2);
    rig.backed_up();
    put(&rig.kept("somebody's.txt"), b"x", 0);
    fs::remove_dir_all(rig.drive.join(".piback")).unwrap();
    rig.backed_up();
    assert_eq!(rig.run("verify", &[]).code, Some(5), "no card vouches for it");
    fs::remove_file(rig.kept("somebody's.txt")).unwrap();
    assert_eq!(verified(&rig)["recorded"]["files"], 2);
}

#[test]
fn what_rsync_left_when_it_was_cut_off_is_litter() {
    let rig = shot(2);
    rig.backed_up();
    put(&rig.kept("DCIM/100CANON/.IMG_0009.CR3.aB3xYz"), b"half a photo", 0);
    verified(&rig);
    put(&rig.kept("DCIM/100CANON/.notes.txt.backup"), b"mine", 0);
    assert_eq!(rig.run("verify", &[]).code, Some(5));
}

/// The drive, behind a file system of its own.
fn behind(rig: &Rig, faults: Faults) -> Mounted {
    let behind = rig.dir.path().join("behind");
    fs::rename(&rig.drive, &behind).unwrap();
    Mounted::new(&behind, &rig.drive, faults)
}

#[test]
fn a_change_time_that_moves_by_itself_is_no_change_of_content() {
    let rig = shot(3);
    rig.shoot("DCIM/MVI_0001.MP4", noise(9, 3_000_000));
    let drive = behind(&rig, Faults { restless_ctime: true, ..Faults::default() });
    assert_eq!(rig.backed_up()["copied"]["files"], 4);
    assert_eq!(verified(&rig)["verified"]["files"], 4);
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
    assert_eq!(rig.run("backup", &["--compare", "--json"]).account()["already_safe"]["files"], 4);
    drive.unmount();
}

#[test]
fn one_folder_that_can_t_be_opened_concerns_that_folder() {
    for errno in [Errno::EACCES, Errno::from_i32(117), Errno::EBADMSG, Errno::EIO] {
        let rig = shot(2);
        rig.shoot("DCIM/101CANON/IMG_0100.JPG", noise(100, 500));
        rig.backed_up();
        for i in 10..12 {
            rig.shoot(&name(i), noise(i, 700));
        }
        rig.shoot("DCIM/102CANON/IMG_0200.JPG", noise(200, 500));
        let closed = vec![("DCIM/100CANON".to_owned(), errno)];
        let drive = behind(&rig, Faults { closed, ..Faults::default() });
        let (run, account) = rig.not_safe();
        assert!(account["stopped"].is_null(), "{errno:?} {run:?}");
        assert_eq!(account["copied"]["files"], 1, "all others are copied: {errno:?} {run:?}");
        let bad = account["not_safe_files"].as_array().unwrap();
        assert!(
            bad.iter().all(|file| file["why"].as_str().unwrap().contains("folder on the drive")),
            "{account}"
        );
        assert_eq!(bad.len(), 4, "{account}");
        let run = rig.run("verify", &[]);
        assert!(run.code == Some(5) && !run.says("drive is gone"), "{errno:?} {run:?}");
        drive.set(|faults| faults.closed.clear());
        assert_eq!(rig.backed_up()["copied"]["files"], 2);
        verified(&rig);
        drive.unmount();
    }
}

#[test]
fn a_name_that_the_drive_would_cut_short_is_escaped_at_once() {
    let rig = Rig::new();
    rig.shoot("DCIM/ends.", "dot");
    rig.shoot("DCIM/ends ", "space");
    rig.shoot("trip./day.../IMG_1.JPG", "photo");
    let drive = behind(&rig, Faults { fat: true, ..Faults::default() });
    rig.backed_up();
    let kept: Vec<String> = rig.tree().into_keys().collect();
    assert_eq!(kept, ["DCIM/ends%20", "DCIM/ends%2E", "trip%2E/day..%2E/IMG_1.JPG"]);
    verified(&rig);
    assert_eq!(rig.backed_up()["copied"]["files"], 0);
    drive.unmount();
}

#[test]
fn enoent_at_a_rename_means_the_name_where_the_file_is_there() {
    let rig = Rig::new();
    rig.shoot("DCIM/a:b.jpg", "colon");
    rig.shoot("who?/c.jpg", "question");
    let drive = behind(&rig, Faults { fat: true, refuses_with_enoent: true, ..Faults::default() });
    assert_eq!(rig.backed_up()["copied"]["files"], 2);
    assert_eq!(rig.tree().into_keys().collect::<Vec<_>>(), ["DCIM/a%3Ab.jpg", "who%3F/c.jpg"]);
    verified(&rig);
    drive.unmount();
}

#[test]
fn what_verify_can_t_look_at_is_named() {
    let rig = shot(1);
    rig.backed_up();
    let deep = (0..110).map(|_| "d").collect::<Vec<_>>().join("/");
    fs::create_dir_all(rig.kept(&deep)).unwrap();
    std::os::unix::fs::symlink("/etc", rig.kept("link")).unwrap();
    let run = rig.run("verify", &[]);
    assert_eq!(run.code, Some(5), "{run:?}");
    assert!(run.says("nested too deeply") && run.says("link: a link"), "{run:?}");
    assert!(tree(&rig.drive.join(".piback")).len() < 10);
}

#[test]
fn a_backup_of_which_all_was_deleted_as_meant_is_not_called_as_it_was() {
    let rig = Rig::new();
    rig.shoot("DCIM/100CANON/IMG_0001.JPG", noise(1, 3000));
    rig.backed_up();
    std::fs::remove_file(rig.drive.join(&rig.label).join("DCIM/100CANON/IMG_0001.JPG")).unwrap();
    let run = rig.run("verify", &["--accept", "--yes"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("Nothing of SD32GB-03 is on record here any more."), "{run:?}");
    assert!(!run.out.contains("as it was written"), "{run:?}");
}
