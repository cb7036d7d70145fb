//! A card whose files change under the same names, sizes and times, as ratings in the camera, GoPro's tags and rot do;
//! and what the account calls verified.

use crate::faulty::{Faults, Mounted};
use crate::rig::{Rig, noise, put, until};
use std::fs;
use std::path::PathBuf;

const FIRST: &str = "DCIM/100CANON/IMG_0001.JPG";
const TIME: i64 = 1_700_000_000;

/// A card as FAT and exFAT have it, with no change time of its own, and where its files lie.
fn fat_card() -> (Rig, Mounted, PathBuf) {
    let rig = Rig::new();
    for i in 1..4 {
        rig.shoot(&format!("DCIM/100CANON/IMG_{i:04}.JPG"), noise(i, 40_000));
    }
    let behind = rig.dir.path().join("behind");
    fs::rename(&rig.card, &behind).unwrap();
    let card = Mounted::new(&behind, &rig.card, Faults { fat: true, ..Faults::default() });
    (rig, card, behind)
}

/// The first photo with a star: one byte in its middle, where no sample looks.
fn rated() -> Vec<u8> {
    let mut photo = noise(1, 40_000);
    photo[20_000] ^= 5;
    photo
}

#[test]
fn a_rating_of_the_same_size_and_time_is_found_by_safe_to_format_and_copied_by_the_next_backup() {
    let (rig, card, behind) = fat_card();
    rig.backed_up();
    put(&behind.join(FIRST), &rated(), TIME);
    let run = rig.run("safe-to-format", &[]);
    assert_eq!(run.code, Some(5), "{run:?}");
    assert!(run.says("the card has other content now") && run.says("IMG_0001.JPG"), "{run:?}");
    let said = rig.manifests().len();
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(5));
    assert_eq!(rig.manifests().len(), said, "it is left on record once");
    assert_eq!(rig.backed_up()["copied"]["files"], 1);
    assert_eq!(rig.read("DCIM/100CANON/IMG_0001~2.JPG"), rated());
    assert_eq!(rig.read(FIRST), noise(1, 40_000), "what was there stays");
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
    assert_eq!(rig.run("verify", &[]).code, Some(0));
    // Two contents of one size and time are known now: no record alone is proof any more, whichever is on the card.
    for (content, expected) in [(noise(1, 40_000), 0), (rated(), 0), (noise(9, 40_000), 1)] {
        put(&behind.join(FIRST), &content, TIME);
        assert_eq!(rig.backed_up()["copied"]["files"], expected);
        assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
    }
    card.unmount();
}

#[test]
fn a_twin_of_the_same_size_and_times_is_found_at_either_end() {
    let rig = Rig::new();
    let sizes = [1, 100, 4096, 4097, 8192, 9000, 49_152, 49_153, 300_000];
    let name = |n: usize| format!("DCIM/100CANON/IMG_{n:04}.JPG");
    for (n, size) in sizes.into_iter().enumerate() {
        rig.shoot(&name(n), noise(n as u64, size));
    }
    let behind = rig.dir.path().join("behind");
    fs::rename(&rig.card, &behind).unwrap();
    let card = Mounted::new(&behind, &rig.card, Faults { fat: true, ..Faults::default() });
    rig.backed_up();
    assert_eq!(rig.backed_up()["copied"]["files"], 0, "what is the same is taken for the same");
    for (n, size) in sizes.into_iter().enumerate() {
        // The last byte first: of the smallest files it is the first one too, and then comes a third content.
        for (round, at) in [size - 1, 0].into_iter().enumerate() {
            let mut twin = noise(n as u64, size);
            twin[at] ^= 1 << round;
            put(&behind.join(name(n)), &twin, TIME);
            assert_eq!(rig.backed_up()["copied"]["files"], 1, "{size} bytes, changed at {at}");
        }
    }
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
    card.unmount();
}

#[test]
fn a_card_without_change_times_is_asked_for_many_files_at_once() {
    let rig = Rig::new();
    for i in 0..40 {
        // Five folders: what lies in the next one is asked for as well.
        rig.shoot(&format!("DCIM/{}CANON/IMG_{i:04}.JPG", 100 + i / 8), noise(i, 20_000));
    }
    let behind = rig.dir.path().join("behind");
    fs::rename(&rig.card, &behind).unwrap();
    let card = Mounted::answering(&behind, &rig.card, Faults { fat: true, ..Faults::default() }, 20);
    rig.backed_up();
    card.allow(Some(0));
    std::thread::scope(|scope| {
        let run = scope.spawn(|| rig.backed_up());
        until("sixteen files are opened at the same time", || card.held() == 16);
        card.allow(None);
        assert_eq!(run.join().unwrap()["already_safe"]["files"], 40);
    });
    card.unmount();
}

#[test]
fn compare_reads_everything_and_finds_what_records_hide() {
    let (rig, card, behind) = fat_card();
    rig.backed_up();
    put(&behind.join(FIRST), &rated(), TIME);
    let account = rig.backed_up();
    assert_eq!(account["copied"]["files"], 0, "the records say that it is the same");
    let compare = || rig.run("backup", &["--compare", "--json"]).account();
    let account = compare();
    assert_eq!((&account["copied"]["files"], &account["from_records"]["files"]), (&1.into(), &0.into()));
    assert_eq!(rig.read("DCIM/100CANON/IMG_0001~2.JPG"), rated());
    let said = rig.manifests().len();
    let account = compare();
    assert_eq!((&account["copied"]["files"], &account["already_safe"]["files"]), (&0.into(), &3.into()));
    assert_eq!(rig.manifests().len(), said, "nothing to say");
    card.unmount();
}

#[test]
fn compare_finds_rot_on_the_drive_and_puts_a_good_copy_beside() {
    let (rig, card, _) = fat_card();
    rig.backed_up();
    fs::write(rig.kept(FIRST), rated()).unwrap();
    assert_eq!(rig.backed_up()["copied"]["files"], 0);
    let account = rig.run("backup", &["--compare", "--json"]).account();
    assert_eq!(account["copied"]["files"], 1);
    assert_eq!(rig.read("DCIM/100CANON/IMG_0001~2.JPG"), noise(1, 40_000));
    // The record of the rotten one is trusted no more, by no run.
    assert_eq!(rig.backed_up()["copied"]["files"], 0);
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
    card.unmount();
}

#[test]
fn rot_that_safe_to_format_finds_is_mended_by_the_next_backup() {
    let (rig, card, _) = fat_card();
    rig.backed_up();
    fs::write(rig.kept(FIRST), rated()).unwrap();
    let run = rig.run("safe-to-format", &[]);
    assert_eq!(run.code, Some(5), "{run:?}");
    assert!(!run.says("the card has other content"), "{run:?}");
    assert_eq!(rig.backed_up()["copied"]["files"], 1);
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
    card.unmount();
}

#[test]
fn verified_is_said_of_what_this_run_read_and_a_date_of_what_records_say() {
    let rig = Rig::apart();
    rig.shoot(FIRST, noise(1, 9000));
    assert!(rig.run("backup", &[]).says("The file on SD32GB-03 is on the drive, verified."));
    let today = &rig.manifests()[0].file_name().unwrap().to_string_lossy()[7..15].to_owned();
    let date = format!("{}-{}-{}", &today[..4], &today[4..6], &today[6..]);
    let run = rig.run("backup", &[]);
    assert!(run.says(&format!("is on the drive, verified on {date}.")), "{run:?}");
    rig.shoot("DCIM/100CANON/IMG_0002.JPG", noise(2, 9000));
    let run = rig.run("backup", &["--json"]);
    assert!(
        run.says(&format!("All 2 files on SD32GB-03 are on the drive: 1 verified now, 1 on {date}.")),
        "{run:?}"
    );
    let account = run.account();
    assert_eq!(
        (&account["from_records"]["files"], &account["verified_on"][0]),
        (&1.into(), &date.as_str().into())
    );
    let run = rig.run("backup", &["--compare"]);
    assert!(run.says("All 2 files on SD32GB-03 are on the drive, verified."), "{run:?}");
}
