//! Work that would be for nothing is not done: reading what has no room, walking without end, manifests that say nothing.

use crate::faulty::{Call, Faults, Mounted};
use crate::rig::{Rig, noise, touch, until};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

const MIB: u64 = 1 << 20;
const FIRST: &str = "DCIM/100CANON/IMG_0001.JPG";
const VIDEO: &str = "DCIM/100CANON/MVI_0002.MP4";

/// A photo and a video of 60 MiB on a card, and a drive, both breakable.
fn photo_and_video(card: Faults, drive: Faults) -> (Rig, Mounted, Mounted) {
    let rig = Rig::new();
    rig.shoot(FIRST, noise(1, 200_000));
    fs::File::create(rig.card.join(VIDEO)).unwrap().set_len(60 * MIB).unwrap();
    let behind = rig.dir.path().join("card-behind");
    fs::rename(&rig.card, &behind).unwrap();
    let card = Mounted::new(&behind, &rig.card, card);
    let drive = Mounted::new(&rig.dir.path().join("drive-behind"), &rig.drive, drive);
    (rig, card, drive)
}

#[test]
fn a_file_that_has_no_room_is_not_read() {
    let drive = Faults { free: Some(20 * MIB), ..Faults::default() };
    let (rig, card, drive) = photo_and_video(Faults::default(), drive);
    let (run, account) = rig.not_safe();
    assert_eq!(account["copied"]["files"], 1, "{run:?}");
    assert!(run.says("no room on the drive"), "{run:?}");
    let read = card.log().iter().any(|call| matches!(call, Call::Read(path) if path.ends_with("MP4")));
    assert!(!read, "{:?}", card.log());
    card.unmount();
    drive.unmount();
}

#[test]
fn a_file_that_the_drive_refuses_in_the_middle_is_read_no_further() {
    let drive = Faults { largest: Some(MIB), ..Faults::default() };
    let (rig, card, drive) = photo_and_video(Faults::default(), drive);
    let (run, account) = rig.not_safe();
    assert_eq!(account["copied"]["files"], 1, "{run:?}");
    let read = card.faults.lock().unwrap().read;
    // What is on its way when the refusal comes: the buffers, and the kernel's own reading ahead.
    assert!(read < 40 * MIB, "{read}");
    card.unmount();
    drive.unmount();
}

#[test]
fn forged_sizes_are_said_and_wrap_no_total() {
    let card = Faults { forged: vec!["JPG".into(), "MP4".into()], ..Faults::default() };
    let (rig, card, drive) = photo_and_video(card, Faults::default());
    fs::write(rig.dir.path().join("card-behind/DCIM/IMG_0003.JPG"), b"a third one").unwrap();
    let (run, account) = rig.not_safe();
    assert_eq!(account["on_card"]["bytes"], u64::MAX);
    assert!(run.says("come to more than any card holds"), "{run:?}");
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(5));
    assert!(rig.manifests().is_empty() && rig.litter().is_empty());
    card.unmount();
    drive.unmount();
}

#[test]
fn tries_that_copy_nothing_leave_no_manifests() {
    let (rig, card, drive) =
        photo_and_video(Faults::default(), Faults { free: Some(4 * MIB), ..Faults::default() });
    for _ in 0..3 {
        rig.not_safe();
    }
    assert!(rig.manifests().is_empty(), "{:?}", rig.manifests());
    drive.set(|f| f.free = None);
    assert_eq!(rig.backed_up()["copied"]["files"], 2);
    assert_eq!(rig.run("verify", &[]).code, Some(0));
    card.unmount();
    drive.unmount();
}

#[test]
fn runs_that_are_killed_before_their_first_photo_leave_one_manifest_and_no_damage() {
    let rig = Rig::new();
    rig.shoot(FIRST, noise(1, 200_000));
    let (card, _) = rig.gate_card(0);
    for _ in 0..4 {
        let mut child = rig.command("backup").spawn().unwrap();
        until("the photo is about to be read", || card.is_held() && !rig.manifests().is_empty());
        child.kill().unwrap();
        // The one that waits for the card ends when the card answers.
        card.allow(None);
        child.wait().unwrap();
        card.allow(Some(0));
        assert_eq!(rig.manifests().len(), 1, "{:?}", rig.manifests());
    }
    card.allow(None);
    rig.backed_up();
    assert_eq!(rig.manifests().len(), 1);
    let run = rig.run("verify", &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    card.unmount();
}

#[test]
fn folders_in_folders_end_at_one_depth_for_every_command() {
    let rig = Rig::new();
    rig.shoot(FIRST, noise(1, 1000));
    let nest = |top: &Path, name: &str| {
        let (mut at, mut depth) = (top.to_owned(), 0);
        while depth < 150 {
            (at, depth) = (at.join("d"), depth + 1);
        }
        fs::create_dir_all(&at).unwrap();
        fs::write(at.join(name), b"too deep").unwrap();
    };
    // Ninety-nine below the card's root is the last that is copied.
    let mut last = rig.card.clone();
    (0..99).for_each(|_| last.push("e"));
    fs::create_dir_all(&last).unwrap();
    fs::write(last.join("LAST.JPG"), noise(2, 1000)).unwrap();
    assert_eq!(rig.backed_up()["copied"]["files"], 2);
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
    assert_eq!(rig.run("verify", &[]).code, Some(0));
    nest(&rig.card, "CARD.JPG");
    nest(&rig.kept(""), "DRIVE.JPG");
    for (verb, flags) in
        [("backup", &[][..]), ("safe-to-format", &[]), ("verify", &[]), ("verify", &["--repair"])]
    {
        let run = rig.run(verb, flags);
        assert_eq!(run.code, Some(5), "{verb} {flags:?} {run:?}");
        assert!(run.says("nested too deeply"), "{verb} {flags:?} {run:?}");
    }
}

#[test]
fn reading_a_card_leaves_no_access_times() {
    let rig = Rig::new();
    for i in 0..3 {
        rig.shoot(&format!("DCIM/100CANON/IMG_{i:04}.JPG"), noise(i, 5000));
    }
    let old = |path: &Path| {
        let time = fs::FileTimes::new().set_accessed(std::time::UNIX_EPOCH);
        fs::File::open(path).unwrap().set_times(time).unwrap();
    };
    let accessed = |path: &Path| fs::metadata(path).unwrap().atime();
    let (photo, folder) = (rig.card.join("DCIM/100CANON/IMG_0001.JPG"), rig.card.join("DCIM/100CANON"));
    old(&photo);
    old(&folder);
    assert_eq!(rig.backed_up()["copied"]["files"], 3);
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
    assert_eq!((accessed(&photo), accessed(&folder)), (0, 0));
    // Anybody else's reading is noted here.
    touch(&photo, 1_700_000_001);
    old(&photo);
    fs::read(&photo).unwrap();
    assert_ne!(accessed(&photo), 0, "the card's file system keeps no access times");
}
