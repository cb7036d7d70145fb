//! Cards and drives that break, each in its own way.

use crate::faulty::{Faults, Gone, Meanwhile, Mounted};
use crate::rig::{Ended, Rig, noise, tree};
use fuser::Errno;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

const MIB: u64 = 1024 * 1024;

fn name(i: u64) -> String {
    format!("DCIM/100CANON/IMG_{i:04}.JPG")
}

/// A rig whose card goes through a breakable file system; the card's files are behind it.
fn breakable_card(files: u64, len: usize, faults: Faults) -> (Rig, Mounted, PathBuf) {
    let rig = Rig::new();
    for i in 0..files {
        rig.shoot(&name(i), noise(i, len));
    }
    let behind = rig.dir.path().join("card-behind");
    fs::rename(&rig.card, &behind).unwrap();
    let mounted = Mounted::new(&behind, &rig.card, faults);
    (rig, mounted, behind)
}

pub fn breakable_drive(files: u64, len: usize, faults: Faults) -> (Rig, Mounted) {
    let rig = Rig::new();
    for i in 0..files {
        rig.shoot(&name(i), noise(i, len));
    }
    let behind = rig.dir.path().join("drive-behind");
    let mounted = Mounted::new(&behind, &rig.drive, faults);
    (rig, mounted)
}

fn not_safe_paths(account: &Value) -> Vec<String> {
    let files = account["not_safe_files"].as_array().unwrap();
    files.iter().map(|f| f["path"].as_str().unwrap().to_owned()).collect()
}

/// Every file under a final name on the drive is, byte for byte, one of the card's.
fn only_complete_files(rig: &Rig, card: &std::path::Path) {
    let shot = tree(card);
    for (path, content) in rig.tree() {
        if !path.ends_with(".tmp") && !path.ends_with(".partial") {
            assert_eq!(Some(&content), shot.get(&path), "{path}");
        }
    }
}

fn why(run: &Ended, account: &Value, text: &str) {
    let why = account["not_safe_files"][0]["why"].as_str().unwrap();
    assert!(why.contains(text), "{why}\n{run:?}");
}

#[test]
fn a_bad_sector_is_named_with_its_ranges_and_the_rest_is_kept() {
    // One small file in one piece, and one large file in several.
    for (len, at) in [(100_000, 40_960), (7 * MIB as usize + 33, 3 * MIB + 8192)] {
        let (rig, mounted, behind) = breakable_card(4, len, Faults::default());
        mounted.set(|f| f.bad = vec![("IMG_0001.JPG".into(), at + 100..at + 200)]);
        let (run, account) = rig.not_safe();
        assert_eq!(account["copied"]["files"], 3, "{run:?}");
        assert_eq!(not_safe_paths(&account), [name(1)]);
        why(&run, &account, &format!("4096 bytes can't be read (bytes {at}-{})", at + 4095));
        why(&run, &account, "IMG_0001.JPG.partial");
        let mut expected = noise(1, len);
        expected[at as usize..at as usize + 4096].fill(0);
        assert!(rig.read(&format!("{}.partial", name(1))) == expected);
        assert!(!rig.kept(&name(1)).exists());
        only_complete_files(&rig, &behind);
        let errors = || piback::backup::card_errors(&rig.drive, &rig.label).unwrap();
        assert_eq!((errors().files, errors().days), (1, 1));
        assert_eq!(piback::backup::card_errors(&rig.drive, "OTHER"), None, "of it nothing is known");
        // Still bad: nothing is kept twice, and it is still not safe.
        let (_, account) = rig.not_safe();
        assert_eq!((account["copied"]["files"].as_u64(), rig.tree().len()), (Some(0), 4));
        assert_eq!(rig.run("safe-to-format", &[]).code, Some(5));
        // What was kept is verified like everything else.
        assert_eq!(rig.run("verify", &[]).code, Some(0));
        // A better reader gives the whole file, which goes beside the partial one.
        mounted.set(|f| f.bad.clear());
        rig.backed_up();
        assert!(rig.read(&name(1)) == noise(1, len));
        assert_eq!(errors().files, 1, "what a card could not give once is told on");
        assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
        mounted.unmount();
    }
}

#[test]
fn several_bad_places_and_a_dead_end_are_all_listed() {
    let len = 600_000;
    let (rig, mounted, _) = breakable_card(2, len, Faults::default());
    mounted.set(|f| {
        f.bad = vec![
            ("IMG_0000.JPG".into(), 0..1),
            ("IMG_0000.JPG".into(), 81_920..90_112),
            ("IMG_0000.JPG".into(), 500_000..1 << 40),
        ];
    });
    let (run, account) = rig.not_safe();
    why(&run, &account, "bytes 0-4095, 81920-90111, 499712-599999");
    let kept = rig.read(&format!("{}.partial", name(0)));
    assert!(kept[4096..81_920] == noise(0, len)[4096..81_920]);
    assert!(kept[90_112..499_712] == noise(0, len)[90_112..499_712]);
    mounted.unmount();
}

#[test]
fn a_card_pulled_in_the_middle_ends_the_run_and_the_rest_is_not_safe() {
    for gone in [Gone::Nodev, Gone::Eio] {
        let (rig, mounted, behind) = breakable_card(60, 200_000, Faults::default());
        mounted.set(|f| f.gone_after_read = Some((5_000_000, gone)));
        let (run, account) = rig.not_safe();
        assert!(run.says("the card is gone"), "{gone:?} {run:?}");
        assert_eq!(account["stopped"], "the card is gone");
        let copied = account["copied"]["files"].as_u64().unwrap();
        assert!(copied > 0 && copied < 60, "what was read before is safe: {copied}");
        assert_eq!(rig.tree().len() as u64, copied, "no partial files of a card that is gone");
        only_complete_files(&rig, &behind);
        assert!(rig.litter().is_empty());
        mounted.set(|f| (f.gone, f.gone_after_read) = (None, None));
        let account = rig.backed_up();
        assert_eq!(account["already_safe"]["files"], copied);
        assert_eq!(rig.tree(), tree(&behind));
        mounted.unmount();
    }
}

#[test]
fn a_drive_pulled_in_the_middle_is_noticed_even_where_writes_still_succeed() {
    for gone in [Gone::Nodev, Gone::Eio, Gone::LikeExfat] {
        for len in [100_000, 3 * MIB as usize] {
            let (rig, mounted) = breakable_drive(20, len, Faults::default());
            mounted.set(|f| f.gone_after_written = Some((7 * len as u64 + 12_345, gone)));
            let (run, account) = rig.not_safe();
            assert_eq!(account["stopped"], "the drive is gone", "{gone:?} {run:?}");
            let claimed = account["copied"]["files"].as_u64().unwrap();
            mounted.set(|f| (f.gone, f.gone_after_written) = (None, None));
            only_complete_files(&rig, &rig.card);
            assert!(rig.tree().keys().filter(|p| !p.ends_with(".tmp")).count() as u64 >= claimed);
            rig.backed_up();
            assert_eq!(rig.tree(), tree(&rig.card));
            assert!(rig.litter().is_empty());
            mounted.unmount();
        }
    }
}

#[test]
fn a_drive_gone_before_the_run_writes_claims_nothing() {
    let (rig, mounted) = breakable_drive(3, 1000, Faults::default());
    mounted.set(|f| f.gone = Some(Gone::Nodev));
    assert_eq!(rig.run("backup", &[]).code, Some(1));
    assert_eq!(rig.run("verify", &[]).code, Some(1));
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(1));
    mounted.unmount();
}

#[test]
fn a_drive_too_small_is_told_before_and_takes_what_fits() {
    let (rig, mounted) =
        breakable_drive(30, MIB as usize, Faults { free: Some(20 * MIB), ..Faults::default() });
    let (run, account) = rig.not_safe();
    let planned = run.out.lines().find(|l| l.contains("\"planned\"")).unwrap();
    let planned: Value = serde_json::from_str(planned).unwrap();
    // 8 MiB stay free, for the records too.
    assert_eq!(planned["short"], 18 * MIB);
    assert!(run.says("too little"), "{run:?}");
    why(&run, &account, "no room");
    assert!(rig.litter().is_empty());
    only_complete_files(&rig, &rig.card);
    mounted.unmount();
}

#[test]
fn a_drive_full_in_the_middle_keeps_complete_files_only() {
    for len in [100_000, 3 * MIB as usize] {
        let (rig, mounted) = breakable_drive(12, len, Faults::default());
        mounted.set(|f| f.full_after = Some(5 * len as u64 + 20_000));
        let (run, account) = rig.not_safe();
        why(&run, &account, "no room");
        assert!(rig.litter().is_empty(), "{run:?}");
        only_complete_files(&rig, &rig.card);
        mounted.set(|f| f.full_after = None);
        rig.backed_up();
        assert_eq!(rig.tree(), tree(&rig.card));
        mounted.unmount();
    }
}

#[test]
fn a_file_larger_than_the_file_system_holds_is_listed_and_the_others_copied() {
    let (rig, mounted) = breakable_drive(3, 100_000, Faults { largest: Some(4 * MIB), ..Faults::default() });
    rig.shoot("DCIM/100CANON/MVI_0001.MP4", noise(9, 5 * MIB as usize));
    let (run, account) = rig.not_safe();
    assert_eq!(not_safe_paths(&account), ["DCIM/100CANON/MVI_0001.MP4"]);
    why(&run, &account, "too large");
    assert_eq!((account["copied"]["files"].as_u64(), rig.litter().len()), (Some(3), 0));
    mounted.unmount();
}

#[test]
fn a_file_that_changes_while_it_is_read_is_not_published() {
    for what in [Meanwhile::Grow, Meanwhile::Shrink, Meanwhile::Rewrite] {
        for len in [300_000, 5 * MIB as usize] {
            let (rig, mounted, _) = breakable_card(3, len, Faults::default());
            mounted.set(|f| f.meanwhile = Some(("IMG_0001.JPG".into(), what)));
            let (run, account) = rig.not_safe();
            assert_eq!(not_safe_paths(&account), [name(1)], "{what:?} {len}");
            why(&run, &account, "changed");
            assert!(!rig.kept(&name(1)).exists());
            assert!(rig.litter().is_empty());
            // It holds still now.
            rig.backed_up();
            mounted.unmount();
        }
    }
}

#[test]
fn files_of_any_length_around_a_block_a_megabyte_and_a_chunk_arrive_whole() {
    let rig = Rig::new();
    for edge in [512, 4096, MIB, 2 * MIB, 4 * MIB, 8 * MIB] {
        for len in [edge - 1, edge, edge + 1, edge + 4095, edge + 4097] {
            rig.shoot(&name(len), noise(len, len as usize));
        }
    }
    rig.backed_up();
    assert_eq!(rig.tree(), tree(&rig.card));
}

#[test]
fn short_answers_make_no_short_files() {
    let (rig, mounted, behind) = breakable_card(3, 3 * MIB as usize + 7, Faults::default());
    mounted.set(|f| f.short_reads = Some(33_333));
    let (run, account) = rig.backup();
    if run.code == Some(0) {
        assert_eq!(rig.tree(), tree(&behind));
    } else {
        // The kernel took the short answer for the end of the file: then nothing is claimed of it.
        assert_eq!(account["safe"], false);
        only_complete_files(&rig, &behind);
    }
    mounted.set(|f| f.short_reads = None);
    rig.backed_up();
    assert_eq!(rig.tree(), tree(&behind));
    mounted.unmount();
}

#[test]
fn a_drive_that_can_only_rename_plainly_takes_a_backup_and_keeps_both_photos_of_a_name() {
    let (rig, mounted) = breakable_drive(3, 100_000, Faults { plain_renames: true, ..Faults::default() });
    rig.backed_up();
    assert_eq!(rig.tree(), tree(&rig.card));
    let before = rig.tree();
    rig.shoot(&name(1), noise(77, 100_000));
    rig.backed_up();
    let after = rig.tree();
    assert_eq!(after.len(), 4, "{:?}", after.keys());
    assert!(before.iter().all(|(path, content)| after.get(path) == Some(content)));
    assert!(rig.litter().is_empty());
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
    mounted.unmount();
}

#[test]
fn a_bad_sector_on_the_drive_is_named_by_verify_and_by_safe_to_format() {
    let (rig, mounted) = breakable_drive(3, 100_000, Faults::default());
    rig.backed_up();
    mounted.set(|f| f.bad = vec![("IMG_0002.JPG".into(), 50_000..50_001)]);
    let verify = rig.run("verify", &[]);
    assert_eq!(verify.code, Some(5));
    assert!(verify.says(&name(2)) && !verify.says(&name(1)), "{verify:?}");
    let safe = rig.run("safe-to-format", &[]);
    assert_eq!(safe.code, Some(5));
    assert!(safe.says(&name(2)) && !safe.says(&name(1)), "{safe:?}");
    assert!(safe.says("the drive can't read it back"), "{safe:?}");
    mounted.unmount();
}

#[test]
fn safe_to_format_says_of_a_folder_on_the_drive_that_can_t_be_opened_that_it_can_t() {
    let (rig, mounted) = breakable_drive(3, 1_000, Faults::default());
    rig.backed_up();
    for errno in [Errno::EACCES, Errno::EIO] {
        mounted.set(|f| f.closed = vec![("100CANON".into(), errno)]);
        let safe = rig.run("safe-to-format", &[]);
        assert_eq!(safe.code, Some(5), "{safe:?}");
        assert!(safe.says("the drive can't read it back"), "{errno:?}: {safe:?}");
        assert!(!safe.says("no copy on the drive") && !safe.says("not the same"), "{errno:?}: {safe:?}");
    }
    mounted.set(|f| f.closed.clear());
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
    mounted.unmount();
}

#[test]
fn safe_to_format_says_of_a_drive_that_is_pulled_that_it_is_gone() {
    for gone in [Gone::Nodev, Gone::Eio] {
        let (rig, mounted) = breakable_drive(3, 100_000, Faults::default());
        rig.backed_up();
        // At the first photo's content, and at the opening of the second.
        for left in [50_000, 100_000 + 20_000] {
            mounted.set(|f| (f.gone, f.gone_after_read) = (None, Some((left, gone))));
            let safe = rig.run("safe-to-format", &["--json"]);
            assert_eq!(safe.code, Some(5), "{safe:?}");
            let answer: serde_json::Value = serde_json::from_str(safe.out.lines().last().unwrap()).unwrap();
            assert_eq!(answer["stopped"], "the drive is gone", "{gone:?}: {answer}");
            assert!(!safe.says("no copy on the drive") && !safe.says("not the same"), "{safe:?}");
        }
        mounted.set(|f| (f.gone, f.gone_after_read) = (None, None));
        mounted.unmount();
    }
}

#[test]
fn what_the_drive_could_not_read_for_verify_is_copied_again() {
    let (rig, mounted) = breakable_drive(3, 100_000, Faults::default());
    rig.backed_up();
    mounted.set(|f| f.bad = vec![("IMG_0002.JPG".into(), 50_000..50_001)]);
    assert_eq!(rig.run("verify", &[]).code, Some(5));
    // The file is there, with its size and its record: that is not enough any more.
    let account = rig.backed_up();
    assert_eq!(account["copied"]["files"], 1);
    assert!(rig.drive.join("SD32GB-03/DCIM/100CANON/IMG_0002~2.JPG").exists());
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
    mounted.unmount();
}

#[test]
fn room_for_bytes_and_none_for_names_is_told_apart_from_a_full_drive() {
    let (rig, mounted) = breakable_drive(2, 100_000, Faults::default());
    mounted.set(|f| f.no_inode_in = Some(rig.label.clone()));
    let (run, account) = rig.not_safe();
    assert!(run.says("takes no more files") && !run.says("no room on the drive"), "{run:?}");
    assert_eq!(account["not_safe"]["files"], 2);
    mounted.set(|f| (f.no_inode_in, f.full_after) = (None, Some(20_000)));
    let (run, _) = rig.not_safe();
    assert!(run.says("no room on the drive") && !run.says("takes no more files"), "{run:?}");
    mounted.unmount();
}

#[test]
fn no_room_for_the_list_for_other_tools_makes_no_photo_unsafe() {
    let (rig, mounted) = breakable_drive(3, 100_000, Faults::default());
    mounted.set(|f| f.full_in = Some(".piback/mhl".into()));
    let (run, account) = rig.backup();
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.says("no media hash list was written"), "{run:?}");
    assert_eq!(account["copied"]["files"], 3);
    assert!(rig.litter().is_empty());
    assert_eq!(rig.run("verify", &[]).code, Some(0));
    mounted.unmount();
}

#[test]
fn a_card_like_fat_formatted_and_shot_again_in_the_same_second_is_not_skipped() {
    // No change times to go by: only the content tells.
    let (rig, mounted, behind) = breakable_card(4, 50_000, Faults { fat: true, ..Faults::default() });
    rig.backed_up();
    let read = mounted.faults.lock().unwrap().read;
    let account = rig.backed_up();
    assert_eq!(account["already_safe"]["files"], 4);
    let again = mounted.faults.lock().unwrap().read - read;
    assert!(again < 4 * 50_000, "the second run does not read the card again: {again}");
    fs::remove_dir_all(behind.join("DCIM")).unwrap();
    for i in 0..4 {
        crate::rig::put(&behind.join(name(i)), &noise(100 + i, 50_000), 1_700_000_000);
    }
    let account = rig.backed_up();
    assert_eq!(account["copied"]["files"], 4);
    assert_eq!(rig.tree().len(), 8);
    mounted.unmount();
}

#[test]
fn tries_on_a_drive_without_any_room_leave_no_empty_manifests() {
    let (rig, mounted) = breakable_drive(2, 10_000, Faults::default());
    mounted.set(|f| f.full_in = Some(".piback/manifests".into()));
    for _ in 0..2 {
        let run = rig.run("backup", &[]);
        assert_eq!(run.code, Some(1), "{run:?}");
        let left = fs::read_dir(rig.drive.join(".piback/manifests").join(&rig.label)).unwrap().count();
        assert_eq!(left, 0, "{run:?}");
    }
    mounted.set(|f| f.full_in = None);
    assert_eq!(rig.backed_up()["copied"]["files"], 2);
    mounted.unmount();
}
