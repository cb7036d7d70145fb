//! A card that is written to while piback works on it: `--source` may be a folder that a camera shoots into.

use crate::rig::{Ended, Rig, ended, noise, put, until};
use std::fs;
use std::process::{Child, Stdio};

const FIRST: &str = "DCIM/100CANON/IMG_0001.JPG";

fn two_photos() -> Rig {
    let rig = Rig::new();
    rig.shoot(FIRST, noise(1, 50_000));
    rig.shoot("DCIM/100CANON/IMG_0002.JPG", noise(2, 50_000));
    rig
}

fn start(rig: &Rig, verb: &str) -> Child {
    rig.command(verb).arg("--json").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn end(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn a_file_that_grew_between_the_scan_and_the_copy_is_copied_as_it_is_and_the_account_adds_up() {
    for content in [noise(3, 70_000), noise(3, 10_000), noise(3, 50_000)] {
        let rig = two_photos();
        let (card, behind) = rig.gate_card(0);
        let child = start(&rig, "backup");
        until("the card is scanned", || card.is_held());
        put(&behind.join(FIRST), &content, 1_700_000_009);
        card.allow(None);
        let run = end(child);
        assert_eq!(run.code, Some(0), "{run:?}");
        let account = run.account();
        assert_eq!(account["on_card"]["bytes"], 50_000 + content.len());
        assert_eq!(rig.read(FIRST), content);
        assert_eq!(rig.backed_up()["already_safe"]["files"], 2, "and its record is of what was copied");
        card.unmount();
    }
}

#[test]
fn a_photo_that_comes_while_the_card_is_compared_makes_the_answer_no() {
    let rig = two_photos();
    rig.backed_up();
    let (card, behind) = rig.gate_card(0);
    let child = start(&rig, "safe-to-format");
    until("the card is scanned", || card.is_held());
    put(&behind.join("DCIM/100CANON/IMG_0003.JPG"), b"just shot", 1_700_000_009);
    card.allow(None);
    let run = end(child);
    assert_eq!(run.code, Some(5), "{run:?}");
    assert!(run.says("IMG_0003.JPG") && !run.says("IMG_0002.JPG: "), "{run:?}");
    card.allow(None);
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(5));
    rig.backed_up();
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
    card.unmount();
}

#[test]
fn every_line_of_json_names_schema_and_command() {
    let rig = two_photos();
    for verb in ["backup", "verify", "safe-to-format"] {
        std::os::unix::fs::symlink("x", rig.card.join(format!("link-{verb}"))).unwrap();
        let run = ended(rig.command(verb).arg("--json"));
        assert!(run.out.lines().count() >= 3, "{run:?}");
        for line in run.out.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!((&line["schema"], &line["command"]), (&1.into(), &verb.into()), "{line}");
            assert!(line["event"].is_string());
        }
        fs::remove_file(rig.card.join(format!("link-{verb}"))).unwrap();
    }
}

#[test]
fn a_copy_that_somebody_tidies_away_after_it_was_compared_is_no_copy() {
    type Change = fn(&std::path::Path);
    let changes: [(&str, Change); 4] = [
        ("no copy on the drive", |copy| fs::remove_file(copy).unwrap()),
        ("no copy on the drive", |copy| fs::rename(copy, copy.with_extension("KEPT")).unwrap()),
        ("it changed while it was read", |copy| fs::write(copy, "").unwrap()),
        ("it changed while it was read", |copy| fs::write(copy, noise(9, 50_000)).unwrap()),
    ];
    for (why, change) in changes {
        let rig = two_photos();
        rig.backed_up();
        let (card, _) = rig.gate_card(1);
        let child = start(&rig, "safe-to-format");
        until("the first one was compared", || card.is_held());
        change(&rig.drive.join(&rig.label).join(FIRST));
        card.allow(None);
        let run = end(child);
        assert_eq!(run.code, Some(5), "{run:?}");
        let answer: serde_json::Value = serde_json::from_str(run.out.lines().last().unwrap()).unwrap();
        assert_eq!(answer["on_drive"]["files"], 1, "{answer}");
        assert_eq!(answer["not_safe_files"][0]["path"], FIRST, "{answer}");
        assert!(run.err.contains(why), "{why}: {run:?}");
        card.unmount();
    }
}
