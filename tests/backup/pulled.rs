//! Cards and drives that go at any step of a run, and single names that can't be looked at while all others can.

use crate::faulty::{Faults, Gone, Mounted};
use crate::rig::{Ended, Rig, noise, put, tree};
use fuser::Errno;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const SECOND: &str = "IMG_0002.JPG";

/// A way in which a name or a folder can't be looked at.
type Refuse = fn(&mut Faults, Errno);

fn name(i: u64) -> String {
    format!("DCIM/100CANON/IMG_{i:04}.JPG")
}

fn shot() -> Rig {
    let rig = Rig::in_memory();
    for i in 1..=3 {
        rig.shoot(&name(i), noise(i, 3000));
    }
    rig
}

/// The same with copies on the drive: that a backup made, or that nobody has a record of.
fn copied(recorded: bool) -> Rig {
    let rig = shot();
    if recorded {
        rig.backed_up();
    } else {
        (1..=3).for_each(|i| put(&rig.kept(&name(i)), &noise(i, 3000), 1_600_000_000));
    }
    rig
}

/// A folder, behind a file system of its own; and where its files are now.
fn behind(rig: &Rig, at: &Path) -> (Mounted, PathBuf) {
    let behind = rig.dir.path().join("behind");
    fs::rename(at, &behind).unwrap();
    (Mounted::new(&behind, at, Faults::default()), behind)
}

/// The last line of `--json`.
fn last(run: &Ended) -> Value {
    run.out.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default()
}

/// Paths that are not safe or bad, each with its reason.
fn named(told: &Value, list: &str) -> Vec<(String, String)> {
    let text = |file: &Value, field: &str| file[field].as_str().unwrap().to_owned();
    let all = told[list].as_array().unwrap_or_else(|| panic!("{told}"));
    all.iter().map(|file| (text(file, "path"), text(file, "why"))).collect()
}

/// Pulls it at every lookup of a photo's name, and of its folder, that a run makes, and checks what the run told then.
fn at_every_step(mounted: &Mounted, gone: Gone, run: impl Fn() -> Ended, check: impl Fn(&str, &Ended)) {
    at_every_step_of(SECOND, mounted, gone, &run, &check);
    at_every_step_of("100CANON", mounted, gone, &run, &check);
}

fn at_every_step_of(
    what: &str,
    mounted: &Mounted,
    gone: Gone,
    run: impl Fn() -> Ended,
    check: impl Fn(&str, &Ended),
) {
    mounted.set(|f| f.gone_at = Some((what.into(), u64::MAX, gone)));
    let whole = run();
    assert_eq!(whole.code, Some(0), "{whole:?}");
    let steps = u64::MAX - mounted.faults.lock().unwrap().gone_at.take().unwrap().1;
    assert!(steps > 0, "{what}: {whole:?}");
    for step in 1..=steps {
        mounted.set(|f| f.gone_at = Some((what.into(), step, gone)));
        let run = run();
        mounted.set(|f| (f.gone, f.gone_at) = (None, None));
        let when = format!("{gone:?} at {what}, {step} of {steps}");
        assert!(matches!(run.code, Some(1 | 5)), "{when}: {run:?}");
        check(&when, &run);
    }
}

/// What is told of a drive, or a card, that is gone: that, of every file.
fn is_gone(what: &str, when: &str, run: &Ended) {
    if run.code == Some(1) {
        let says = ["can't be listed: No such device", "can't be read: No such device", "can't be written: "];
        assert!(says.iter().any(|text| run.says(text)), "{when}: {run:?}");
        return;
    }
    let told = last(run);
    assert_eq!(told["stopped"], what, "{when}: {told}");
    let verdict = told["event"] == "verdict";
    for (path, why) in named(&told, if verdict { "bad_files" } else { "not_safe_files" }) {
        // Folders are listed before the photos are read.
        let listed = verdict && why.starts_with("can't be read");
        assert!(why == what || listed, "{when}: {path}: {why}");
    }
}

#[test]
fn a_drive_that_is_pulled_at_whatever_step_is_said_to_be_gone() {
    for gone in [Gone::Nodev, Gone::Eio] {
        let rig = shot();
        rig.backed_up();
        let (drive, _) = behind(&rig, &rig.drive);
        for (verb, flags) in [
            ("backup", &["--json"][..]),
            ("backup", &["--compare", "--json"]),
            ("verify", &["--json"]),
            ("safe-to-format", &["--json"]),
        ] {
            at_every_step(
                &drive,
                gone,
                || rig.run(verb, flags),
                |when, run| {
                    is_gone("the drive is gone", &format!("{verb} {when}"), run);
                },
            );
        }
        drive.unmount();
    }
}

#[test]
fn a_drive_without_records_that_is_pulled_at_whatever_step_is_said_to_be_gone() {
    for gone in [Gone::Nodev, Gone::Eio] {
        let rig = shot();
        let (drive, behind) = behind(&rig, &rig.drive);
        // Other photos of the same names and sizes, and no records: each is read.
        let begin_anew = || {
            for entry in fs::read_dir(&behind).unwrap() {
                fs::remove_dir_all(entry.unwrap().path()).unwrap();
            }
            (1..=3).for_each(|i| {
                put(&behind.join(&rig.label).join(name(i)), &noise(90 + i, 3000), 1_600_000_000)
            });
            rig.run("backup", &["--json"])
        };
        at_every_step(&drive, gone, begin_anew, |when, run| is_gone("the drive is gone", when, run));
        drive.unmount();
    }
}

/// A photo was moved: verifies as if nobody knew its new place.
fn verify_moved(gone: Gone, what: &str) {
    let rig = shot();
    rig.backed_up();
    fs::create_dir(rig.drive.join("ALBUM")).unwrap();
    fs::rename(rig.kept(&name(2)), rig.drive.join("ALBUM").join(SECOND)).unwrap();
    let records = rig.manifests();
    let (drive, _) = behind(&rig, &rig.drive);
    let verify = || {
        // Its new place goes on record when it is found.
        let new = rig.manifests().into_iter().filter(|path| !records.contains(path));
        new.for_each(|path| fs::remove_file(path).unwrap());
        rig.run("verify", &["--json"])
    };
    at_every_step_of(what, &drive, gone, verify, |when, run| is_gone("the drive is gone", when, run));
    drive.unmount();
}

#[test]
fn a_drive_that_is_pulled_while_a_moved_photo_is_read_is_said_to_be_gone() {
    [Gone::Nodev, Gone::Eio].into_iter().for_each(|gone| verify_moved(gone, SECOND));
}

#[test]
fn a_drive_that_is_pulled_while_a_moved_photo_is_looked_for_is_said_to_be_gone() {
    [Gone::Nodev, Gone::Eio].into_iter().for_each(|gone| verify_moved(gone, "ALBUM"));
}

#[test]
fn a_card_that_is_pulled_at_whatever_step_is_said_to_be_gone() {
    let rig = shot();
    rig.backed_up();
    let (card, _) = behind(&rig, &rig.card);
    let new_drive = || {
        fs::remove_dir_all(&rig.drive).unwrap();
        fs::create_dir(&rig.drive).unwrap();
        rig.run("backup", &["--json"])
    };
    let runs: [(&str, &dyn Fn() -> Ended); 4] = [
        ("backup", &|| rig.run("backup", &["--json"])),
        ("--compare", &|| rig.run("backup", &["--compare", "--json"])),
        ("safe-to-format", &|| rig.run("safe-to-format", &["--json"])),
        ("the first backup", &new_drive),
    ];
    for (what, run) in runs {
        at_every_step(&card, Gone::Nodev, run, |when, run| {
            is_gone("the card is gone", &format!("{what}, {when}"), run);
        });
    }
    card.unmount();
}

#[test]
fn one_name_that_the_drive_can_t_look_up_concerns_that_photo() {
    for errno in [Errno::EIO, Errno::EACCES, Errno::EBADMSG] {
        for recorded in [true, false] {
            let rig = copied(recorded);
            let (drive, behind) = behind(&rig, &rig.drive);
            drive.set(|f| f.refused = vec![(SECOND.into(), errno)]);
            let run = rig.run("safe-to-format", &["--json"]);
            let told = last(&run);
            assert_eq!((run.code, &told["stopped"]), (Some(5), &Value::Null), "{errno:?} {told}");
            let bad = named(&told, "not_safe_files");
            assert!(
                matches!(&bad[..], [(path, why)] if *path == name(2) && why.contains("the drive can't read it back")),
                "{errno:?} {told}"
            );
            if recorded {
                let run = rig.run("verify", &["--json"]);
                let told = last(&run);
                assert_eq!((run.code, &told["stopped"]), (Some(5), &Value::Null), "{errno:?} {told}");
                let bad = named(&told, "bad_files");
                assert!(bad.iter().all(|(path, why)| *path == name(2) && why.contains("can't")), "{told}");
                assert!(bad.iter().any(|(_, why)| why.contains("the drive can't read it back")), "{told}");
            }
            let account = rig.backed_up();
            assert_eq!(
                (&account["copied"]["files"], &account["stopped"]),
                (&1.into(), &Value::Null),
                "{errno:?} {account}"
            );
            let copy = behind.join(&rig.label).join("DCIM/100CANON/IMG_0002~2.JPG");
            assert!(fs::read(copy).unwrap() == noise(2, 3000), "{errno:?}");
            drive.unmount();
        }
    }
}

#[test]
fn a_photo_that_a_mirror_put_aside_and_that_can_t_be_read_is_not_called_missing() {
    let rig = shot();
    rig.backed_up();
    fs::remove_file(rig.on_card(&name(2))).unwrap();
    assert_eq!(rig.run("backup", &["--mirror"]).code, Some(0));
    let (drive, behind) = behind(&rig, &rig.drive);
    assert_eq!(rig.run("verify", &[]).code, Some(0));
    drive.set(|f| f.refused = vec![(SECOND.into(), Errno::EIO)]);
    let told = last(&rig.run("verify", &["--json"]));
    let bad = named(&told, "bad_files");
    assert!(matches!(&bad[..], [(_, why)] if why.contains("the drive can't read it back")), "{told}");
    drive.set(|f| f.refused.clear());
    let aside =
        tree(&behind).into_keys().find(|path| path.contains("removed/") && path.ends_with(SECOND)).unwrap();
    fs::remove_file(behind.join(aside)).unwrap();
    let told = last(&rig.run("verify", &["--json"]));
    assert_eq!(named(&told, "bad_files"), [(name(2), "no copy on the drive".to_owned())], "{told}");
    drive.unmount();
}

#[test]
fn one_name_or_folder_that_the_card_can_t_look_up_concerns_that_alone() {
    for errno in [Errno::EIO, Errno::EACCES, Errno::EBADMSG] {
        let rig = shot();
        rig.shoot("DCIM/101CANON/IMG_0100.JPG", noise(100, 500));
        let (card, _) = behind(&rig, &rig.card);
        let refused: [(&str, Refuse); 4] = [
            ("DCIM/100CANON/IMG_0002.JPG", |f, errno| f.refused = vec![(SECOND.into(), errno)]),
            ("DCIM/100CANON", |f, errno| f.refused = vec![("100CANON".into(), errno)]),
            ("DCIM/100CANON", |f, errno| f.closed = vec![("100CANON".into(), errno)]),
            ("DCIM/100CANON", |f, errno| f.unlisted = vec![("100CANON".into(), errno)]),
        ];
        for (path, refuse) in refused {
            fs::remove_dir_all(&rig.drive).unwrap();
            fs::create_dir(&rig.drive).unwrap();
            card.set(|f| refuse(f, errno));
            let (run, account) = rig.not_safe();
            assert!(account["stopped"].is_null(), "{errno:?} {path} {run:?}");
            let bad = named(&account, "not_safe_files");
            assert!(
                matches!(&bad[..], [(bad, why)] if bad == path && why.starts_with("can't be read: ")),
                "{errno:?} {account}"
            );
            let kept = if path.ends_with("JPG") { 3 } else { 1 };
            assert_eq!(
                (&account["copied"]["files"], rig.tree().len()),
                (&kept.into(), kept),
                "{errno:?} {account}"
            );
            let run = rig.run("safe-to-format", &["--json"]);
            assert_eq!((run.code, named(&last(&run), "not_safe_files")), (Some(5), bad), "{errno:?} {run:?}");
            card.set(|f| *f = Faults::default());
        }
        card.unmount();
    }
}

#[test]
fn a_folder_on_the_drive_whose_names_can_t_be_read_is_no_folder_without_photos() {
    for errno in [Errno::EIO, Errno::EACCES, Errno::EBADMSG] {
        let rig = shot();
        // As an article-era copy: no records.
        (1..=3).for_each(|i| put(&rig.kept(&name(i)), &noise(i, 3000), 1_600_000_000));
        let (drive, _) = behind(&rig, &rig.drive);
        let refused: [Refuse; 2] = [
            |f, errno| f.closed = vec![("100CANON".into(), errno)],
            |f, errno| f.unlisted = vec![("100CANON".into(), errno)],
        ];
        for refuse in refused {
            drive.set(|f| refuse(f, errno));
            let run = rig.run("safe-to-format", &["--json"]);
            let told = last(&run);
            assert_eq!((run.code, &told["stopped"]), (Some(5), &Value::Null), "{errno:?} {told}");
            let bad = named(&told, "not_safe_files");
            assert!(
                bad.len() == 3 && bad.iter().all(|(_, why)| why.contains("the drive can't read it back")),
                "{errno:?} {told}"
            );
            let (_, account) = rig.not_safe();
            assert!(account["stopped"].is_null(), "{errno:?} {account}");
            let bad = named(&account, "not_safe_files");
            assert!(
                bad.len() == 3 && bad.iter().all(|(_, why)| why.contains("its folder on the drive")),
                "{errno:?} {account}"
            );
            drive.set(|f| *f = Faults::default());
        }
        assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
        drive.unmount();
    }
}

#[test]
fn a_name_that_the_drive_gives_to_nothing_is_named_with_its_reason_and_the_others_are_kept() {
    for (errno, why) in [
        (Errno::ENAMETOOLONG, "the drive refuses it"),
        (Errno::EINVAL, "the drive refuses it"),
        (Errno::ENOENT, "the drive refuses it"),
        (Errno::EACCES, "the drive refuses it"),
        (Errno::ENOSPC, "takes no more files"),
    ] {
        let rig = shot();
        let (drive, _) = behind(&rig, &rig.drive);
        drive.set(|f| f.unnamed = Some(("IMG_0002".into(), errno)));
        let (run, account) = rig.not_safe();
        let bad = named(&account, "not_safe_files");
        assert!(
            matches!(&bad[..], [(path, said)] if *path == name(2) && said.contains(why)),
            "{errno:?} {run:?}"
        );
        assert_eq!(
            (&account["copied"]["files"], &account["stopped"]),
            (&2.into(), &Value::Null),
            "{errno:?} {account}"
        );
        assert!(rig.litter().is_empty(), "{errno:?}");
        drive.set(|f| f.unnamed = None);
        assert_eq!(rig.backed_up()["copied"]["files"], 1);
        assert_eq!(rig.tree(), tree(&rig.card));
        drive.unmount();
    }
}

#[test]
fn what_was_kept_of_a_damaged_file_counts_only_while_it_is_there_and_the_same() {
    let rig = shot();
    rig.shoot(&name(2), noise(2, 9000));
    let (card, _) = behind(&rig, &rig.card);
    let bad_at = |at: u64| card.set(|f| f.bad = vec![(SECOND.into(), at..at + 1)]);
    let partials = || -> Vec<String> {
        let kept: Vec<_> = rig.tree().into_keys().filter(|path| path.ends_with(".partial")).collect();
        kept.iter().map(|path| path.rsplit('/').next().unwrap().to_owned()).collect()
    };
    bad_at(5000);
    rig.not_safe();
    assert_eq!(partials(), ["IMG_0002.JPG.partial"]);
    rig.not_safe();
    assert_eq!(partials(), ["IMG_0002.JPG.partial"], "just this is there already");
    let kept = rig.kept(&format!("{}.partial", name(2)));
    fs::write(&kept, b"cut short").unwrap();
    rig.not_safe();
    assert_eq!(partials(), ["IMG_0002.JPG.partial", "IMG_0002~2.JPG.partial"], "something else has its name");
    fs::remove_file(&kept).unwrap();
    fs::remove_file(rig.kept("DCIM/100CANON/IMG_0002~2.JPG.partial")).unwrap();
    rig.not_safe();
    assert_eq!(partials(), ["IMG_0002.JPG.partial"], "it is gone, and kept once more");
    bad_at(100);
    rig.not_safe();
    assert_eq!(partials(), ["IMG_0002.JPG.partial", "IMG_0002~2.JPG.partial"], "another part of it was read");
    card.unmount();
}

#[test]
fn a_photo_that_the_drive_can_t_read_is_copied_once_more_and_the_run_goes_on() {
    for recorded in [true, false] {
        let rig = copied(recorded);
        let (drive, _) = behind(&rig, &rig.drive);
        drive.set(|f| f.bad = vec![(SECOND.into(), 0..1)]);
        let run = rig.run("backup", &["--compare", "--json"]);
        let account = run.account();
        assert_eq!((run.code, &account["stopped"]), (Some(0), &Value::Null), "{run:?}");
        assert_eq!((&account["copied"]["files"], &account["already_safe"]["files"]), (&1.into(), &2.into()));
        drive.set(|f| f.bad.clear());
        assert!(rig.read("DCIM/100CANON/IMG_0002~2.JPG") == noise(2, 3000));
        drive.unmount();
    }
}

#[test]
fn a_moved_photo_is_found_although_another_folder_can_t_be_opened() {
    for errno in [Errno::EACCES, Errno::EIO, Errno::EBADMSG] {
        let refused: [Refuse; 3] = [
            |f, errno| f.refused = vec![("LOCKED".into(), errno)],
            |f, errno| f.closed = vec![("LOCKED".into(), errno)],
            |f, errno| f.unlisted = vec![("LOCKED".into(), errno)],
        ];
        for refuse in refused {
            let rig = shot();
            rig.backed_up();
            fs::create_dir(rig.drive.join("LOCKED")).unwrap();
            fs::create_dir(rig.drive.join("ALBUM")).unwrap();
            // What is neither a file nor a folder is looked into by nobody.
            std::os::unix::fs::symlink("/", rig.drive.join("A link")).unwrap();
            fs::rename(rig.kept(&name(2)), rig.drive.join("ALBUM/best.jpg")).unwrap();
            let (drive, _) = behind(&rig, &rig.drive);
            drive.set(|f| refuse(f, errno));
            let run = rig.run("verify", &["--json"]);
            let told = last(&run);
            assert_eq!(
                (run.code, &told["moved"][0]["dest"]),
                (Some(0), &"/ALBUM/best.jpg".into()),
                "{errno:?} {run:?}"
            );
            drive.unmount();
        }
    }
}
