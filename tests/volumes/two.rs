//! Two drives in the profile: one read to both, and what is said when one is not there.

use crate::loops::{Bench, DRIVE, ok, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const OTHER: &str = "PIBACKTWO";
const PHOTO: &str = "PBCARD/DCIM/100CANON/IMG_0001.CR3";

/// The appliance with a card and two enrolled drives; their images and devices.
struct Two {
    bench: Bench,
    card: (PathBuf, PathBuf),
    drives: [(PathBuf, PathBuf); 2],
}

impl Two {
    fn new() -> Option<Two> {
        let mut bench = Bench::new()?;
        profile(&bench, "all");
        let card = bench.card("PBCARD");
        let drive = bench.drive();
        let image = bench.image("other.img", OTHER, |_| {});
        let other = (image.clone(), bench.plug(&image, &[]));
        bench.enroll();
        assert_eq!(bench.piback(&["enroll", OTHER, "--yes"]).status.code(), Some(0));
        Some(Two { bench, card, drives: [drive, other] })
    }

    /// Takes a photo more.
    fn photo(&mut self, name: &str) {
        self.bench.unplug(&self.card.1.clone());
        let at = self.bench.path("fill");
        ok(Command::new("mount").args(["-o", "loop"]).arg(&self.card.0).arg(&at));
        std::fs::write(at.join("DCIM/100CANON").join(name), name).unwrap();
        ok(Command::new("umount").arg(&at));
        self.card.1 = self.bench.plug(&self.card.0.clone(), &[]);
    }

    fn has(&self, drive: usize, path: &str) -> bool {
        self.bench.look(&self.drives[drive].0, |at| at.join(path).exists())
    }

    fn pull(&mut self, drive: usize) {
        self.bench.unplug(&self.drives[drive].1.clone());
    }

    fn plug(&mut self, drive: usize) {
        let image = self.drives[drive].0.clone();
        self.drives[drive].1 = self.bench.plug(&image, &[]);
    }

    /// Types a command; its exit code and what it said.
    fn typed(&self, args: &[&str]) -> (Option<i32>, String) {
        let output = self.bench.piback(args);
        (output.status.code(), said(&output))
    }
}

fn profile(bench: &Bench, copies: &str) {
    let path = bench.root().join("etc/piback/profile.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let from = text.find("  destination").unwrap();
    let to = text.find("  mount_root").unwrap();
    let named = format!("  destinations: [{DRIVE}, {OTHER}]\n  copies: {copies}\n");
    std::fs::write(path, format!("{}{named}{}", &text[..from], &text[to..])).unwrap();
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(output))
}

fn nothing_mounted(bench: &Bench) {
    let media = bench.media();
    assert!(!media.exists() || std::fs::read_dir(media).unwrap().count() == 0);
}

#[test]
fn every_drive_of_the_profile_that_is_plugged_in_gets_its_copy() {
    let Some(mut two) = Two::new() else { return };
    let (code, text) = two.typed(&["backup", "PBCARD"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("PBCARD is safe on 2 of 2."), "{text}");
    assert!(two.has(0, PHOTO) && two.has(1, PHOTO));
    for verb in [&["verify", "PBCARD"][..], &["safe-to-format", "PBCARD"], &["scrub", "--share", "100%"]] {
        let (code, text) = two.typed(verb);
        assert_eq!(code, Some(0), "{verb:?}: {text}");
        assert!(text.contains(OTHER) && text.contains(DRIVE), "{verb:?}: {text}");
    }

    // One stays at home: what is safe on the other is said, and that it is not all that is demanded.
    two.pull(1);
    two.photo("IMG_0002.CR3");
    let (code, text) = two.typed(&["backup", "PBCARD"]);
    assert_eq!(code, Some(5), "{text}");
    assert!(text.contains("PIBACKTWO is not plugged in: it gets its copy later"), "{text}");
    assert!(text.contains("safe on 1 of 2: PIBACKTWO: not plugged in; not on PIBACKTWO since 2"), "{text}");
    assert!(text.contains(", 1 file."), "{text}");
    assert!(text.contains("Don't format the card."), "{text}");
    let (code, text) = two.typed(&["safe-to-format", "PBCARD"]);
    assert_eq!(code, Some(5), "{text}");
    assert!(text.contains("NO: PBCARD is safe on 1 of 2: PIBACKTWO: not plugged in."), "{text}");
    for verb in [&["verify", "PBCARD"][..], &["scrub", "--share", "100%"], &["scrub", "--if-plugged"]] {
        let (code, text) = two.typed(verb);
        assert_eq!(code, Some(0), "{verb:?}: {text}");
        assert!(text.contains("PIBACKTWO is not plugged in"), "{verb:?}: {text}");
    }
    nothing_mounted(&two.bench);

    // It comes back and gets what it lacks.
    two.plug(1);
    let (code, text) = two.typed(&["backup", "PBCARD"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(two.has(1, "PBCARD/DCIM/100CANON/IMG_0002.CR3"));
    assert_eq!(two.typed(&["safe-to-format", "PBCARD"]).0, Some(0));

    // The first of the profile is no better than the second.
    two.pull(0);
    let (code, text) = two.typed(&["backup", "PBCARD"]);
    assert_eq!(code, Some(5), "{text}");
    assert!(text.contains("PIBACKTEST: not plugged in; nothing new for PIBACKTEST since 2"), "{text}");
}

#[test]
fn one_copy_is_enough_where_the_profile_says_so() {
    let Some(mut two) = Two::new() else { return };
    profile(&two.bench, "any");
    two.pull(0);
    let (code, text) = two.typed(&["--json", "backup", "PBCARD"]);
    assert_eq!(code, Some(0), "{text}");
    let account = text.lines().find(|line| line.contains("\"account\"")).unwrap();
    let account: serde_json::Value = serde_json::from_str(account).unwrap();
    assert_eq!((&account["safe"], &account["safe_drives"]), (&true.into(), &1.into()), "{account}");
    assert_eq!(account["drives"][1]["drive"], DRIVE);
    assert_eq!(account["drives"][1]["error"], "not plugged in; never on PIBACKTEST, 1 file");
    let (code, text) = two.typed(&["safe-to-format", "PBCARD"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("YES: PBCARD is safe on 1 of 2: PIBACKTEST: not plugged in."), "{text}");

    // Without any there is nothing to say yes of.
    two.pull(1);
    for verb in ["backup", "safe-to-format", "verify"] {
        let (code, text) = two.typed(&[verb, "PBCARD"]);
        assert_eq!(code, Some(1), "{verb}: {text}");
        assert!(text.contains("no drive labelled PIBACKTEST is plugged in"), "{verb}: {text}");
    }
}

#[test]
fn a_drive_that_is_not_enrolled_is_no_copy_and_its_reason_is_said() {
    let Some(mut bench) = Bench::new() else { return };
    profile(&bench, "all");
    bench.card("PBCARD");
    bench.drive();
    bench.enroll();
    let image = bench.image("other.img", OTHER, |_| {});
    bench.plug(&image, &[]);
    let output = bench.piback(&["backup", "PBCARD"]);
    assert_eq!(output.status.code(), Some(5), "{}", said(&output));
    assert!(said(&output).contains("is not enrolled on this appliance"), "{}", said(&output));
    bench.look(&image, |at: &Path| assert!(!at.join("PBCARD").exists() && !at.join(".piback").exists()));
    nothing_mounted(&bench);
}
