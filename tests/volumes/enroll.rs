//! `piback cards` and `piback enroll`.

use crate::loops::{Bench, DRIVE, ok, stderr};
use std::process::Command;

#[test]
fn a_drive_is_enrolled_once_and_known_from_then_on() {
    let Some(mut bench) = Bench::new() else { return };
    let (image, device) = bench.drive();
    let cards = |bench: &Bench| {
        let output = bench.piback(&["cards", "--json"]);
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let volumes = answer["volumes"].as_array().unwrap().clone();
        volumes.into_iter().find(|v| v["device"] == device.to_str().unwrap()).unwrap()
    };
    let before = cards(&bench);
    assert_eq!((&before["label"], &before["role"]), (&DRIVE.into(), &"drive".into()));
    assert_eq!(before["enrolled"], false);

    // Without a terminal it asks for --yes, and has written nothing.
    let bytes = std::fs::read(&image).unwrap();
    let asked = bench.piback(&["enroll", DRIVE]);
    assert_eq!(asked.status.code(), Some(64), "{}", stderr(&asked));
    assert!(stderr(&asked).contains(&format!(" enroll --yes {DRIVE}")), "{}", stderr(&asked));
    assert_eq!(std::fs::read(&image).unwrap(), bytes, "the look before the question wrote to the drive");

    bench.enroll();
    let marker = |bench: &Bench| {
        bench.look(&image, |at| std::fs::read_to_string(at.join(".piback/drive.json")).unwrap())
    };
    let (first, list) = (marker(&bench), bench.root().join("var/lib/piback/drives.json"));
    let listed = std::fs::read_to_string(&list).unwrap();
    let id = serde_json::from_str::<serde_json::Value>(&first).unwrap()["id"].clone();
    assert!(listed.contains(id.as_str().unwrap()));
    assert_eq!(cards(&bench)["enrolled"], true);

    // Again: the same identity, and nothing is written.
    let again = bench.piback(&["enroll", DRIVE]);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert!(String::from_utf8_lossy(&again.stdout).contains("enrolled already"));
    assert_eq!(marker(&bench), first);

    // A system installed anew has lost its list; the drive keeps its identity.
    std::fs::remove_file(&list).unwrap();
    bench.enroll();
    assert_eq!(marker(&bench), first);
    assert_eq!(std::fs::read_to_string(&list).unwrap(), listed);
    // Nothing stays mounted, and no folder stays behind.
    assert_eq!(std::fs::read_dir(bench.media()).unwrap().count(), 0);
}

#[test]
fn what_is_no_drive_is_refused() {
    let Some(mut bench) = Bench::new() else { return };
    let (image, _) = bench.card("PBCARD");
    let bytes = std::fs::read(&image).unwrap();
    let card = bench.piback(&["enroll", "PBCARD", "--yes"]);
    assert_eq!(card.status.code(), Some(1));
    assert!(stderr(&card).contains("DCIM"), "{}", stderr(&card));
    assert_eq!(std::fs::read(&image).unwrap(), bytes, "the card was written to");

    let locked = bench.image("locked.img", "PBLOCKED", |_| {});
    bench.plug(&locked, &["--read-only"]);
    let refused = bench.piback(&["enroll", "PBLOCKED", "--yes"]);
    assert!(stderr(&refused).contains("lock switch"), "{}", stderr(&refused));

    let nameless = bench.image("nameless.img", "", |_| {});
    let device = bench.plug(&nameless, &[]);
    let refused = bench.piback(&["enroll", device.to_str().unwrap(), "--yes"]);
    assert!(stderr(&refused).contains("has no label"), "{}", stderr(&refused));

    let missing = bench.piback(&["enroll", "NOSUCHDRIVE", "--yes"]);
    assert!(stderr(&missing).contains("no drive labelled NOSUCHDRIVE"), "{}", stderr(&missing));
    assert!(stderr(&missing).contains("PBCARD: /dev/loop"), "{}", stderr(&missing));
    assert!(!bench.root().join("var/lib/piback").exists(), "a refusal left a record");
}

#[test]
fn a_drive_mounted_read_only_is_not_written_around() {
    let Some(mut bench) = Bench::new() else { return };
    let (_, device) = bench.drive();
    let at = bench.path("ro");
    std::fs::create_dir(&at).unwrap();
    ok(Command::new("mount").args(["-o", "ro"]).arg(&device).arg(&at));
    let refused = bench.piback(&["enroll", DRIVE, "--yes"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("mounted read-only at"), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("mount -o remount,rw"), "{}", stderr(&refused));
}

#[test]
fn a_marker_behind_a_symlink_is_not_written_through() {
    let Some(mut bench) = Bench::new() else { return };
    let victim = bench.path("victim");
    std::fs::create_dir(&victim).unwrap();
    let image = bench
        .image("drive.img", DRIVE, |at| std::os::unix::fs::symlink(&victim, at.join(".piback")).unwrap());
    bench.plug(&image, &[]);
    let refused = bench.piback(&["enroll", DRIVE, "--yes"]);
    assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));
    assert_eq!(std::fs::read_dir(&victim).unwrap().count(), 0);
}

#[test]
fn labels_from_hell_are_shown_harmlessly() {
    let Some(mut bench) = Bench::new() else { return };
    let label = "a\x1b[2Jb\n/../c";
    let image = bench.image("hostile.img", label, |_| {});
    let device = bench.plug(&image, &[]);
    let text = bench.piback(&["cards"]);
    let shown = String::from_utf8(text.stdout).unwrap();
    // blkid, which stands in for udev, already writes them as a terminal's `cat -v` does.
    assert!(shown.contains("a\\u{1b}[2Jb") || shown.contains("a^[[2Jb"), "{shown:?}");
    assert!(!shown.contains('\x1b'), "{shown:?}");
    let enrolled = bench.piback(&["enroll", device.to_str().unwrap(), "--yes"]);
    assert_eq!(enrolled.status.code(), Some(0), "{}", stderr(&enrolled));
    bench.look(&image, |at| assert!(at.join(".piback/drive.json").is_file()));
    // It was mounted under a name of piback's own, and only there.
    assert_eq!(std::fs::read_dir(bench.media()).unwrap().count(), 0);
    assert_eq!(
        std::fs::read_dir(bench.dir.path())
            .unwrap()
            .filter(|e| e.as_ref().unwrap().file_name() == "c")
            .count(),
        0
    );
}

/// udev's record of the device, in a private /run: lsblk then tells the label as udev encoded it.
#[test]
fn a_label_comes_through_udev_and_lsblk_as_it_is() {
    let Some(mut bench) = Bench::new() else { return };
    let image = bench.path("udev.img");
    std::fs::File::create(&image).unwrap().set_len(1 << 20).unwrap();
    let device = bench.plug(&image, &[]);
    let minor = device.to_str().unwrap().trim_start_matches("/dev/loop");
    let record = "I:1\nE:ID_FS_TYPE=vfat\nE:ID_FS_UUID_ENC=1234-ABCD\n\
                  E:ID_FS_LABEL_ENC=a\\x0ab\\x2fc\\x1b[2J\\x22\\x5cx41é\n";
    std::fs::write(bench.path("record"), record).unwrap();
    let script = "mount -t tmpfs run /run && mkdir -p /run/udev/data && touch /run/udev/control && \
                  cp \"$1\" \"/run/udev/data/b7:$2\" && exec \"$3\" --profile \"$4\" cards --json";
    let output = Command::new("unshare")
        .args(["-m", "sh", "-ec", script, "sh"])
        .arg(bench.path("record"))
        .args([minor, env!("CARGO_BIN_EXE_piback")])
        .arg(bench.root().join("etc/piback/profile.yaml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let volumes = answer["volumes"].as_array().unwrap();
    let volume = volumes.iter().find(|v| v["device"] == device.to_str().unwrap()).unwrap();
    assert_eq!(volume["label"], "a\nb/c\u{1b}[2J\"\\x41é");
    assert_eq!((&volume["fstype"], &volume["uuid"]), (&"vfat".into(), &"1234-ABCD".into()));
    assert!(!stderr(&output).contains('\x1b'));
}

#[test]
fn a_drive_with_a_dcim_folder_of_its_own_is_enrolled_when_its_user_says_so() {
    let Some(mut bench) = Bench::new() else { return };
    let image = bench.image("drive.img", DRIVE, |at| std::fs::create_dir(at.join("DCIM")).unwrap());
    bench.plug(&image, &[]);
    bench.card("PBCARD");
    let refused = bench.piback(&["enroll", DRIVE, "--yes"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("--is-a-drive"), "{}", stderr(&refused));
    let asked = bench.piback(&["enroll", DRIVE, "--is-a-drive"]);
    assert_eq!(asked.status.code(), Some(64), "it asks first: {}", stderr(&asked));
    let enrolled = bench.piback(&["enroll", DRIVE, "--is-a-drive", "--yes"]);
    assert_eq!(enrolled.status.code(), Some(0), "{}", stderr(&enrolled));
    let again = bench.piback(&["enroll", DRIVE]);
    assert_eq!(again.status.code(), Some(0), "it is known: {}", stderr(&again));
    let backup = bench.piback(&["backup", "PBCARD"]);
    assert_eq!(backup.status.code(), Some(0), "{}", stderr(&backup));
}
