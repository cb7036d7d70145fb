//! Cards whose listing is not what is on them. The real ones, FAT and exFAT that were damaged or mounted with another
//! character set, are in the storage lab.

use crate::faulty::{Faults, Mounted};
use crate::rig::{Rig, noise, until};
use std::fs;
use std::process::Stdio;

const FIRST: &str = "DCIM/100CANON/IMG_0001.JPG";
const SECOND: &str = "DCIM/100CANON/IMG_0002.JPG";

fn three() -> Rig {
    let rig = Rig::new();
    for i in 1..4 {
        rig.shoot(&format!("DCIM/100CANON/IMG_{i:04}.JPG"), noise(i, 4000));
    }
    rig
}

/// The card, behind a file system that lies.
fn lies(rig: &Rig, faults: Faults) -> Mounted {
    let behind = rig.dir.path().join("behind");
    fs::rename(&rig.card, &behind).unwrap();
    Mounted::new(&behind, &rig.card, faults)
}

#[test]
fn a_name_that_is_listed_and_unknown_to_lookup_is_not_safe() {
    let rig = three();
    rig.backed_up();
    let card = lies(&rig, Faults { unknown: vec!["IMG_0002.JPG".into()], ..Faults::default() });
    let (run, account) = rig.not_safe();
    assert_eq!(account["on_card"]["files"], 3, "{run:?}");
    assert_eq!(account["not_safe_files"][0]["path"], SECOND);
    assert!(run.says("the card's file system is damaged, or was mounted with another character set"));
    let run = rig.run("safe-to-format", &[]);
    assert_eq!(run.code, Some(5), "{run:?}");
    assert!(run.says(SECOND) && !run.says(FIRST), "{run:?}");
    card.unmount();
}

#[test]
fn a_folder_that_is_listed_and_unknown_to_lookup_is_not_safe() {
    let rig = three();
    rig.shoot("MISC/NOTES.TXT", "x");
    rig.backed_up();
    let card = lies(&rig, Faults { unknown: vec!["100CANON".into()], ..Faults::default() });
    let (run, account) = rig.not_safe();
    assert_eq!(account["not_safe_files"][0]["path"], "DCIM/100CANON", "{run:?}");
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(5));
    card.unmount();
}

#[test]
fn two_entries_of_one_name_are_both_not_safe() {
    let rig = three();
    rig.backed_up();
    let card = lies(&rig, Faults { twice: vec!["IMG_0001.JPG".into()], ..Faults::default() });
    let (run, account) = rig.not_safe();
    assert_eq!(account["on_card"]["files"], 4, "what is listed is there: {run:?}");
    let named: Vec<_> = account["not_safe_files"].as_array().unwrap().iter().map(|f| &f["path"]).collect();
    assert_eq!(named, [FIRST, FIRST]);
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(5));
    card.unmount();
}

#[test]
fn a_file_that_a_second_listing_has_no_more_went_away() {
    let rig = three();
    let card = lies(&rig, Faults { goes: vec!["IMG_0002.JPG".into()], ..Faults::default() });
    let account = rig.backed_up();
    assert_eq!(account["on_card"]["files"], 2, "somebody deleted the third: {account}");
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
    card.unmount();
}

#[test]
fn a_card_that_begins_to_lie_while_it_is_compared_is_not_safe() {
    let rig = three();
    rig.backed_up();
    let (card, _) = rig.gate_card(0);
    let child = rig.command("safe-to-format").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("the card is scanned", || card.is_held());
    card.set(|faults| faults.twice = vec!["IMG_0003.JPG".into()]);
    card.allow(None);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", String::from_utf8_lossy(&output.stdout));
    card.unmount();
}
