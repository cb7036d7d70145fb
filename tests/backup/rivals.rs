//! What the tools that photographers use today get wrong. Each case once, by name: nothing is lost, nothing is
//! claimed that is not so, and the exit code says it.

use crate::faulty::{Call, Faults, Gone, Mounted};
use crate::rig::{Rig, noise, put, stamps, touch, tree, until};
use std::fs;
use std::os::unix::fs::FileExt;

const RAW: &str = "DCIM/100CANON/IMG_0001.CR3";
const RAW_2: &str = "DCIM/100CANON/IMG_0001~2.CR3";

#[test]
fn a_card_formatted_and_shot_again_with_the_same_names_sizes_and_times_is_not_skipped() {
    let rig = Rig::new();
    rig.shoot(RAW, noise(1, 50_000));
    rig.backed_up();
    rig.format();
    rig.shoot(RAW, noise(2, 50_000));
    let account = rig.backed_up();
    assert_eq!(account["copied"]["files"], 1);
    assert_eq!(rig.read(RAW), noise(1, 50_000));
    assert_eq!(rig.read(RAW_2), noise(2, 50_000));
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
}

#[test]
fn a_card_formatted_and_shot_again_with_other_sizes_overwrites_nothing() {
    let rig = Rig::new();
    for (seed, len) in [(1, 50_000), (2, 60_000), (3, 40_000)] {
        rig.format();
        rig.shoot(RAW, noise(seed, len));
        rig.backed_up();
    }
    let kept: Vec<_> = rig.tree().into_values().collect();
    assert_eq!(kept, [noise(1, 50_000), noise(2, 60_000), noise(3, 40_000)]);
}

#[test]
fn comparing_content_does_not_overwrite_the_older_photo() {
    // The manifest is gone, so that only content can decide.
    let rig = Rig::new();
    rig.shoot(RAW, noise(1, 50_000));
    rig.backed_up();
    fs::remove_dir_all(rig.drive.join(".piback")).unwrap();
    let before = stamps(&rig.drive.join(&rig.label));
    rig.format();
    rig.shoot(RAW, noise(2, 50_000));
    rig.backed_up();
    assert_eq!(rig.read(RAW), noise(1, 50_000));
    assert_eq!(rig.read(RAW_2), noise(2, 50_000));
    let after = stamps(&rig.drive.join(&rig.label));
    assert!(before.iter().all(|(path, stamp)| after.get(path) == Some(stamp)));
}

#[test]
fn a_mirror_after_a_format_does_not_wipe_the_backup() {
    let rig = Rig::new();
    for i in 0..10 {
        rig.shoot(&format!("DCIM/100CANON/IMG_{i:04}.JPG"), noise(i, 5_000));
    }
    rig.backed_up();
    let before = stamps(&rig.drive);
    rig.format();
    let empty = rig.run("backup", &["--mirror"]);
    assert_eq!(empty.code, Some(1), "{empty:?}");
    rig.shoot("DCIM/100CANON/IMG_9999.JPG", noise(99, 5_000));
    let mostly = rig.run("backup", &["--mirror"]);
    assert_eq!(mostly.code, Some(1), "{mostly:?}");
    assert!(mostly.says("formatted"));
    assert_eq!(stamps(&rig.drive), before);
}

#[test]
fn two_cards_of_one_label_and_size_are_not_merged_into_one() {
    let rig = Rig::new();
    let cards = [[1, 2, 3], [4, 5, 6]];
    for round in 0..2 {
        for card in cards {
            rig.format();
            for (i, seed) in card.iter().enumerate() {
                rig.shoot(&format!("DCIM/100CANON/IMG_000{i}.CR3"), noise(*seed, 30_000));
            }
            let account = rig.backed_up();
            assert_eq!(account["copied"]["files"], if round == 0 { 3 } else { 0 });
        }
    }
    let mut kept: Vec<_> = rig.tree().into_values().collect();
    let mut shot: Vec<_> = (1..=6).map(|seed| noise(seed, 30_000)).collect();
    kept.sort();
    shot.sort();
    assert_eq!(kept, shot);
}

#[test]
fn rotten_bytes_of_the_same_size_are_noticed_named_and_healed() {
    let rig = Rig::new();
    rig.shoot(RAW, noise(1, 50_000));
    rig.shoot("DCIM/100CANON/IMG_0002.CR3", noise(2, 50_000));
    rig.backed_up();
    fs::File::options().write(true).open(rig.kept(RAW)).unwrap().write_all_at(b"rot", 777).unwrap();
    touch(&rig.kept(RAW), 1_700_000_000);
    let rotten = rig.read(RAW);
    let answer = rig.run("safe-to-format", &[]);
    assert!(
        answer.code == Some(5) && answer.says("copies beside: piback backup SD32GB-03 --source "),
        "{answer:?}"
    );
    let verify = rig.run("verify", &[]);
    assert_eq!(verify.code, Some(5), "{verify:?}");
    assert!(verify.says(RAW) && !verify.says("IMG_0002"));
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(5));
    let account = rig.backed_up();
    assert_eq!(account["copied"]["files"], 1);
    assert_eq!(rig.read(RAW), rotten, "a published file is never touched, not even to heal it");
    assert_eq!(rig.read(RAW_2), noise(1, 50_000));
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
    let again = rig.run("verify", &[]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.says(RAW) && again.says("Every photo of SD32GB-03 is there; 1 file is damaged or gone"));
    assert!(!again.says("is as it was written"), "{again:?}");
    let account = rig.backed_up();
    assert_eq!(account["copied"]["files"], 0);
}

#[test]
fn a_mount_that_failed_does_not_fill_the_pi_s_own_card() {
    let rig = Rig::new();
    rig.shoot(RAW, noise(1, 50_000));
    fs::remove_dir(&rig.drive).unwrap();
    let run = rig.run("backup", &[]);
    assert_eq!(run.code, Some(1));
    assert!(!rig.drive.exists());
}

#[test]
fn a_drive_that_vanished_from_its_place_is_not_written_on() {
    let rig = Rig::new();
    for i in 0..300 {
        rig.shoot(&format!("DCIM/100CANON/IMG_{i:04}.JPG"), noise(i, 5_000));
    }
    let (card, _) = rig.gate_card(0);
    let mut command = rig.command("backup");
    let child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn();
    let child = child.unwrap();
    // The drive is open, and the run's manifest is begun.
    until("the first photo is about to be read", || card.is_held());
    // What a pulled drive leaves: an empty folder where it was mounted.
    let away = rig.dir.path().join("away");
    fs::rename(&rig.drive, &away).unwrap();
    fs::create_dir(&rig.drive).unwrap();
    card.allow(None);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    assert!(tree(&rig.drive).is_empty());
    assert!(
        tree(&away.join(&rig.label)).keys().all(|name| name.contains(".piback-")),
        "nothing was published"
    );
    card.unmount();
}

#[test]
fn nothing_is_cleaned_up_on_a_drive_that_does_not_answer() {
    let rig = Rig::new();
    for i in 0..40 {
        rig.shoot(&format!("DCIM/100CANON/IMG_{i:04}.JPG"), noise(i, 100_000));
    }
    let behind = rig.dir.path().join("behind");
    let faults = Faults { gone_after_written: Some((1_500_000, Gone::Nodev)), ..Faults::default() };
    let mounted = Mounted::new(&behind, &rig.drive, faults);
    let (run, account) = rig.not_safe();
    assert!(run.says("the drive is gone"), "{run:?}");
    assert_eq!(account["not_safe"]["files"], 40 - account["copied"]["files"].as_u64().unwrap());
    // It came back: the next run takes away what was left, and finishes.
    mounted.set(|f| f.gone = None);
    mounted.set(|f| f.gone_after_written = None);
    rig.backed_up();
    assert!(rig.litter().is_empty());
    assert_eq!(rig.tree(), tree(&rig.card));
    mounted.unmount();
}

#[test]
fn finished_means_durable_and_read_back_from_the_medium() {
    let rig = Rig::new();
    for i in 0..6 {
        rig.shoot(&format!("DCIM/100CANON/IMG_{i:04}.JPG"), noise(i, 300_000));
    }
    let behind = rig.dir.path().join("behind");
    let mounted = Mounted::new(&behind, &rig.drive, Faults::default());
    rig.backed_up();
    let log = mounted.log();
    let at = |wanted: &dyn Fn(&Call) -> bool| log.iter().rposition(wanted);
    for i in 0..6 {
        let name = format!("SD32GB-03/DCIM/100CANON/IMG_{i:04}.JPG");
        let renamed = at(&|c| matches!(c, Call::Rename(_, to) if *to == name)).expect(&name);
        let Call::Rename(temp, _) = &log[renamed] else { unreachable!() };
        let last = |call: Call| at(&|c| *c == call);
        let (written, synced, read) =
            (last(Call::Write(temp.clone())), last(Call::Sync(temp.clone())), last(Call::Read(temp.clone())));
        let folder = at(&|c| *c == Call::SyncDir("SD32GB-03/DCIM/100CANON".into())).unwrap();
        assert!(
            written < synced && synced < read,
            "synced after the last write, read back after the sync: {log:?}"
        );
        assert!(read < Some(renamed), "named after it was read back");
        assert!(renamed < folder, "the folder was made durable after the name");
    }
    let last_write = at(&|c| matches!(c, Call::Write(_) | Call::Rename(..) | Call::Create(_))).unwrap();
    let last_sync = at(&|c| matches!(c, Call::Sync(_) | Call::SyncDir(_))).unwrap();
    assert!(last_write < last_sync, "nothing is written after the last sync");
    mounted.unmount();
}

#[test]
fn files_of_the_user_s_own_on_the_drive_are_left_alone() {
    let rig = Rig::new();
    rig.shoot(RAW, noise(1, 5_000));
    rig.backed_up();
    let own = [
        "notes.txt",
        "SD32GB-03/edited.tif",
        "SD32GB-03/DCIM/100CANON/.piback-0123456789abcdef-00000001.tmp",
        "SD32GB-03/DCIM/100CANON/half.tmp",
        "other/DCIM/IMG_0001.CR3",
        ".piback/notes",
    ];
    for path in own {
        put(&rig.drive.join(path), path.as_bytes(), 1_600_000_000);
    }
    // A run that never ended makes the next one clean up.
    let manifest = rig.manifests().remove(0);
    let text = fs::read_to_string(&manifest).unwrap();
    let unfinished: String =
        text.lines().filter(|l| !l.contains("\"t\":\"end\"")).map(|l| format!("{l}\n")).collect();
    fs::write(&manifest, unfinished).unwrap();
    let random = manifest.file_stem().unwrap().to_str().unwrap().rsplit('-').next().unwrap().to_owned();
    let litter = rig.kept(&format!("DCIM/100CANON/.piback-{random}-00000007.tmp"));
    fs::write(&litter, b"half a photo").unwrap();
    for i in 0..9 {
        rig.shoot(&format!("DCIM/100CANON/IMG_100{i}.CR3"), noise(50 + i, 5_000));
    }
    rig.backed_up();
    assert!(!litter.exists());
    fs::remove_file(rig.card.join("DCIM/100CANON/IMG_1008.CR3")).unwrap();
    let mirror = rig.run("backup", &["--mirror"]);
    assert_eq!(mirror.code, Some(0), "{mirror:?}");
    assert!(!rig.kept("DCIM/100CANON/IMG_1008.CR3").exists());
    for path in own {
        assert_eq!(fs::read(rig.drive.join(path)).unwrap(), path.as_bytes());
    }
}

#[test]
fn empty_sidecars_are_files_like_any_other() {
    let rig = Rig::new();
    rig.shoot(RAW, noise(1, 5_000));
    rig.shoot("DCIM/100CANON/IMG_0001.XMP", b"");
    rig.backed_up();
    rig.backed_up();
    assert_eq!(rig.read("DCIM/100CANON/IMG_0001.XMP"), b"");
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
    assert_eq!(rig.run("verify", &[]).code, Some(0));
}

#[test]
fn nothing_is_left_out_silently_by_a_pattern() {
    let rig = Rig::new();
    let odd = [
        ".DS_Store",
        "._IMG_0001.CR3",
        "Thumbs.db",
        "desktop.ini",
        "x.tmp",
        "x.partial",
        "x~",
        "~$x",
        "#x#",
        ".hidden/y",
        "core",
        "NO_EXTENSION",
        "MISC/AUTPRINT.MRK",
        "DCIM/System Volume Information/z",
        ".git/config",
        "lost+found/q",
    ];
    for path in odd {
        rig.shoot(path, path);
    }
    for clutter in
        ["System Volume Information/IndexerVolumeGuid", ".Trashes/501/old.jpg", ".Spotlight-V100/store.db"]
    {
        rig.shoot(clutter, "clutter");
    }
    let account = rig.backed_up();
    assert_eq!(account["on_card"]["files"], odd.len());
    assert_eq!(account["skipped"].as_array().unwrap().len(), 3, "skipped, counted and named");
    let kept: Vec<_> = rig.tree().into_keys().collect();
    let mut expected: Vec<_> = odd.iter().map(ToString::to_string).collect();
    expected.sort();
    assert_eq!(kept, expected);
}

#[test]
fn a_second_start_does_not_disturb_the_first() {
    let rig = Rig::new();
    for i in 0..20 {
        rig.shoot(&format!("DCIM/100CANON/IMG_{i:04}.JPG"), noise(i, 100_000));
    }
    let (card, behind) = rig.gate_card(10);
    let first = rig
        .command("backup")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    until("the first run is in the middle", || card.is_held());
    let second = rig.run("backup", &[]);
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(second.says("another piback"), "{second:?}");
    assert!(second.says("piback attach"), "{second:?}");
    card.allow(None);
    assert_eq!(first.wait_with_output().unwrap().status.code(), Some(0));
    assert_eq!(rig.tree(), tree(&behind));
    card.unmount();
}

#[test]
fn the_backup_holds_the_card_s_files_and_nothing_else() {
    let rig = Rig::new();
    rig.shoot(RAW, noise(1, 5_000));
    rig.shoot("DCIM/100CANON/IMG_0001.JPG", noise(2, 5_000));
    rig.shoot("PRIVATE/M4ROOT/CLIP/C0001.MP4", noise(3, 3_000_000));
    for _ in 0..3 {
        rig.backed_up();
        assert_eq!(rig.tree(), tree(&rig.card));
    }
    let names: Vec<_> = fs::read_dir(&rig.drive).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "the label's folder and .piback: {names:?}");
}

#[test]
fn verification_reads_the_medium_and_compares_with_what_the_card_gave() {
    // Flipped after it was synced: the cache would still hold the good bytes.
    // Flipped on its way: hashing the drive alone would find it in order.
    for on_the_way in [false, true] {
        let rig = Rig::new();
        for i in 0..5 {
            rig.shoot(&format!("DCIM/100CANON/IMG_{i:04}.JPG"), noise(i, 200_000));
        }
        let behind = rig.dir.path().join("behind");
        // The first created file is the manifest; number 3 is the second photo.
        let mut faults = Faults::default();
        if on_the_way {
            faults.flip_on_write = vec![3]
        } else {
            faults.flip_after_sync = vec![3]
        }
        let mounted = Mounted::new(&behind, &rig.drive, faults);
        let (run, account) = rig.not_safe();
        assert_eq!(account["copied"]["files"], 4, "{run:?}");
        assert_eq!(account["not_safe_files"][0]["path"], "DCIM/100CANON/IMG_0001.JPG");
        assert!(!rig.kept("DCIM/100CANON/IMG_0001.JPG").exists());
        assert!(rig.litter().is_empty());
        mounted.set(|f| (f.flip_after_sync, f.flip_on_write) = (vec![], vec![]));
        rig.backed_up();
        assert_eq!(rig.tree(), tree(&rig.card));
        mounted.unmount();
    }
}

#[test]
fn an_old_file_on_the_drive_is_not_trusted_unread() {
    let rig = Rig::new();
    rig.shoot(RAW, noise(1, 50_000));
    // Same name, size and time, from somewhere else.
    put(&rig.kept(RAW), &noise(2, 50_000), 1_700_000_000);
    put(&rig.kept("DCIM/100CANON/IMG_0002.CR3"), &noise(3, 50_000), 1_500_000_000);
    rig.shoot("DCIM/100CANON/IMG_0002.CR3", noise(3, 50_000));
    let account = rig.backed_up();
    assert_eq!(account["copied"]["files"], 1, "the equal one is not copied again: {account}");
    assert_eq!(rig.read(RAW), noise(2, 50_000));
    assert_eq!(rig.read(RAW_2), noise(1, 50_000));
}

#[test]
fn one_unreadable_file_does_not_stop_the_card() {
    let rig = Rig::new();
    for i in 0..5 {
        rig.shoot(&format!("DCIM/100CANON/IMG_{i:04}.JPG"), noise(i, 200_000));
    }
    let behind = rig.dir.path().join("card-behind");
    fs::rename(&rig.card, &behind).unwrap();
    let bad = vec![("IMG_0002.JPG".into(), 0..1 << 40)];
    let mounted = Mounted::new(&behind, &rig.card, Faults { bad, ..Faults::default() });
    let (_, account) = rig.not_safe();
    assert_eq!(account["copied"]["files"], 4);
    assert_eq!(account["not_safe_files"][0]["path"], "DCIM/100CANON/IMG_0002.JPG");
    mounted.unmount();
}

#[test]
fn a_time_that_is_off_copies_nothing_twice() {
    let rig = Rig::new();
    for i in 0..5 {
        rig.shoot(&format!("DCIM/100CANON/IMG_{i:04}.JPG"), noise(i, 20_000));
    }
    rig.backed_up();
    // FAT's two seconds, an hour of summer time, a time zone, a clock that was set back, one that lost its battery.
    for shift in [2, -2, 3_600, -3_600 * 9, -86_400 * 365, -1_700_000_000] {
        for i in 0..5 {
            touch(&rig.card.join(format!("DCIM/100CANON/IMG_{i:04}.JPG")), 1_700_000_000 + shift);
        }
        let account = rig.backed_up();
        assert_eq!(account["copied"]["files"], 0, "{shift}");
        assert_eq!(rig.tree().len(), 5, "{shift}");
    }
}

#[test]
fn a_clock_at_1970_loses_and_doubles_nothing() {
    let rig = Rig::new();
    for (seed, seconds) in [(1, 0), (2, 0), (3, -1), (4, 59)] {
        rig.format();
        put(&rig.card.join(RAW), &noise(seed, 20_000), seconds);
        for round in 0..2 {
            let account = rig.backed_up();
            assert_eq!(account["copied"]["files"], 1 - round);
        }
    }
    let mut kept: Vec<_> = rig.tree().into_values().collect();
    let mut shot: Vec<_> = (1..=4).map(|seed| noise(seed, 20_000)).collect();
    kept.sort();
    shot.sort();
    assert_eq!(kept, shot);
}

#[test]
fn source_and_target_swapped_are_refused() {
    let mut rig = Rig::new();
    rig.shoot(RAW, noise(1, 5_000));
    rig.backed_up();
    let before = (stamps(&rig.card), stamps(&rig.drive));
    std::mem::swap(&mut rig.card, &mut rig.drive);
    for verb in ["backup", "safe-to-format"] {
        let run = rig.run(verb, &[]);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.says("swapped"), "{run:?}");
    }
    // An empty drive, swapped with a card that was never backed up.
    let fresh = Rig::new();
    put(&fresh.drive.join(RAW), b"photo", 0);
    let run = fresh.run("backup", &[]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.says("looks like a card"), "{run:?}");
    std::mem::swap(&mut rig.card, &mut rig.drive);
    assert_eq!((stamps(&rig.card), stamps(&rig.drive)), before);
}
