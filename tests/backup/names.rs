//! Names that drives can't hold, that collide, or that attack the terminal.

use crate::faulty::{Faults, Mounted};
use crate::rig::{Rig, noise, put, tree};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

#[test]
fn any_bytes_are_copied_where_the_drive_takes_them() {
    let rig = Rig::new();
    for name in [
        &b"caf\xe9.jpg"[..],
        b"new\nline.jpg",
        b"\x1b[2J.jpg",
        b" lead and trail ",
        b"100% %41.jpg",
        "写真.jpg".as_bytes(),
    ] {
        put(&rig.card.join("DCIM").join(OsStr::from_bytes(name)), name, 1_700_000_000);
    }
    put(&rig.card.join(format!("{}.jpg", "n".repeat(251))), b"long", 1_700_000_000);
    rig.backed_up();
    assert_eq!(rig.tree(), tree(&rig.card));
    assert_eq!(rig.backed_up()["copied"]["files"], 0);
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
    assert_eq!(rig.run("verify", &[]).code, Some(0));
}

#[test]
fn control_characters_reach_no_terminal() {
    let rig = Rig::new();
    let evil = OsStr::from_bytes(b"\x1b]0;owned\x07\r\n\xc2\x9b31m.jpg");
    for i in 0..2 {
        put(&rig.card.join(evil), &noise(i, 100), 0);
        std::os::unix::fs::symlink("/etc/passwd", rig.card.join(OsStr::from_bytes(b"link\x1b[31m"))).ok();
        for flags in [&["-v"][..], &["--json"]] {
            for verb in ["backup", "verify", "safe-to-format"] {
                let run = rig.run(verb, flags);
                let raw = |text: &str| text.chars().any(|c| c.is_control() && c != '\n');
                assert!(!raw(&run.out) && !raw(&run.err), "{verb} {run:?}");
            }
        }
    }
}

#[test]
fn names_that_the_drive_can_t_hold_are_kept_under_ones_that_it_can() {
    let rig = Rig::new();
    let behind = rig.dir.path().join("behind");
    let mounted = Mounted::new(&behind, &rig.drive, Faults { fat: true, ..Faults::default() });
    let names = [&b"a:b?.jpg"[..], b"caf\xe9.jpg", b"pipe|.jpg", b"plain.jpg"];
    for name in names {
        put(&rig.card.join("we:rd").join(OsStr::from_bytes(name)), name, 1_700_000_000);
    }
    let run = rig.run("backup", &["--json"]);
    assert!(run.err.contains("4 files kept under names that the drive can hold:"), "{run:?}");
    assert!(!run.err.contains("beside others"), "{run:?}");
    let account = run.account();
    assert_eq!(account["copied"]["files"], 4);
    let kept: Vec<_> = rig.tree().into_keys().collect();
    assert_eq!(
        kept,
        ["we%3Ard/a%3Ab%3F.jpg", "we%3Ard/caf%E9.jpg", "we%3Ard/pipe%7C.jpg", "we%3Ard/plain.jpg"]
    );
    assert_eq!(rig.backed_up()["copied"]["files"], 0);
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
    fs::remove_dir_all(behind.join(".piback")).unwrap();
    assert_eq!(rig.backed_up()["copied"]["files"], 0, "found again without a manifest");
    mounted.unmount();
}

#[test]
fn names_that_differ_in_case_only_are_both_kept() {
    let rig = Rig::new();
    let behind = rig.dir.path().join("behind");
    let mounted = Mounted::new(&behind, &rig.drive, Faults { fat: true, ..Faults::default() });
    rig.shoot("DCIM/img_0001.jpg", "small");
    rig.shoot("DCIM/IMG_0001.JPG", "LARGE");
    rig.shoot("dcim/img_0001.jpg", "other folder");
    rig.backed_up();
    let mut kept: Vec<_> = rig.tree().into_values().collect();
    kept.sort();
    assert_eq!(kept, [&b"LARGE"[..], b"other folder", b"small"]);
    assert_eq!(rig.backed_up()["copied"]["files"], 0);
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
    mounted.unmount();
}

#[test]
fn a_stem_group_moves_together_and_stays_where_it_is() {
    let rig = Rig::new();
    let group = ["CR3", "JPG", "XMP", "WAV", "THM", "CR3.xmp"];
    for round in 1..=3 {
        rig.format();
        for (i, ext) in group.iter().enumerate() {
            rig.shoot(
                &format!("DCIM/100CANON/IMG_0001.{ext}"),
                noise(round * 10 + i as u64, 1000 + round as usize),
            );
        }
        // Only the raw file collides by name with what came before; all go together.
        for _ in 0..2 {
            rig.backed_up();
        }
        for (i, ext) in group.iter().enumerate() {
            let suffix = if round == 1 { String::new() } else { format!("~{round}") };
            let path = format!("DCIM/100CANON/IMG_0001{suffix}.{ext}");
            assert_eq!(rig.read(&path), noise(round * 10 + i as u64, 1000 + round as usize), "{path}");
        }
    }
    assert_eq!(rig.tree().len(), 18);
}

#[test]
fn a_raw_file_alone_in_the_way_moves_its_jpg_too() {
    let rig = Rig::new();
    rig.shoot("DCIM/IMG_0001.CR3", noise(1, 5000));
    rig.backed_up();
    rig.format();
    rig.shoot("DCIM/IMG_0001.CR3", noise(2, 5000));
    rig.shoot("DCIM/IMG_0001.JPG", noise(3, 500));
    let account = rig.backed_up();
    assert_eq!(rig.read("DCIM/IMG_0001~2.JPG"), noise(3, 500));
    assert!(!rig.kept("DCIM/IMG_0001.JPG").exists());
    assert_eq!(account["renamed"].as_array().unwrap().len(), 2);
}

#[test]
fn a_file_with_the_name_of_a_system_folder_is_a_file() {
    let rig = Rig::new();
    rig.shoot("$RECYCLE.BIN", "a note");
    rig.shoot(".Trashes/501/old.jpg", "deleted");
    rig.backed_up();
    assert_eq!(rig.tree().into_keys().collect::<Vec<_>>(), ["$RECYCLE.BIN"]);
}

#[test]
fn links_fifos_and_sockets_are_listed_and_never_followed() {
    let rig = Rig::new();
    rig.shoot("DCIM/IMG_0001.JPG", "photo");
    std::os::unix::fs::symlink("/etc/passwd", rig.card.join("link")).unwrap();
    std::os::unix::fs::symlink("/etc", rig.card.join("folder")).unwrap();
    nix::unistd::mkfifo(&rig.card.join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(rig.card.join("socket")).unwrap();
    let (run, account) = rig.not_safe();
    let listed: Vec<_> =
        account["not_safe_files"].as_array().unwrap().iter().map(|f| f["path"].as_str().unwrap()).collect();
    assert_eq!(listed, ["fifo", "folder", "link", "socket"], "{run:?}");
    assert_eq!(rig.tree().into_keys().collect::<Vec<_>>(), ["DCIM/IMG_0001.JPG"]);
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(5));
}

#[test]
fn a_link_on_the_drive_leads_nowhere() {
    let rig = Rig::new();
    rig.shoot("DCIM/100CANON/IMG_0001.JPG", "photo");
    let elsewhere = rig.dir.path().join("elsewhere");
    fs::create_dir_all(elsewhere.join("100CANON")).unwrap();
    fs::create_dir_all(rig.drive.join(&rig.label)).unwrap();
    std::os::unix::fs::symlink(&elsewhere, rig.kept("DCIM")).unwrap();
    rig.backed_up();
    assert!(tree(&elsewhere).is_empty());
    assert_eq!(rig.read("DCIM~2/100CANON/IMG_0001.JPG"), b"photo");
    assert_eq!(rig.backed_up()["copied"]["files"], 0);
    // The label's own folder as a link is refused.
    let rig = Rig::new();
    rig.shoot("a", "photo");
    std::os::unix::fs::symlink(&elsewhere, rig.drive.join(&rig.label)).unwrap();
    assert_eq!(rig.run("backup", &[]).code, Some(1));
    assert!(tree(&elsewhere).is_empty());
}

#[test]
fn a_file_where_a_folder_should_be_is_left_alone() {
    let rig = Rig::new();
    rig.shoot("DCIM/IMG_0001.JPG", "photo");
    put(&rig.kept("DCIM"), b"not a folder", 0);
    rig.backed_up();
    assert_eq!(rig.read("DCIM"), b"not a folder");
    assert_eq!(rig.read("DCIM~2/IMG_0001.JPG"), b"photo");
}
