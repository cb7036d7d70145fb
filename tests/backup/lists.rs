//! The media hash lists: one history a label, a generation a run, and what the reference implementation says of them.

use crate::faulty::Faults;
use crate::rig::{Rig, ended, noise, put, tree};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn name(i: u64) -> String {
    format!("DCIM/100CANON/IMG_{i:04}.JPG")
}

fn shot(files: u64) -> Rig {
    let rig = Rig::new();
    for i in 0..files {
        rig.shoot(&name(i), noise(i, 3000 + i as usize));
    }
    rig
}

/// The reference implementation of ASC MHL, from PyPI, in target/.
pub fn ascmhl(tool: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/ascmhl");
    let python = target.join("bin/python");
    let run = |program: &Path, args: &[&str]| {
        let run = ended(Command::new(program).args(args));
        assert_eq!(run.code, Some(0), "{program:?} {args:?} {run:?}");
    };
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        if !target.join("bin/ascmhl-debug").exists() {
            run(Path::new("python3"), &["-m", "venv", target.to_str().unwrap()]);
            run(&python, &["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "ascmhl==1.2"]);
        }
    });
    target.join("bin").join(tool)
}

/// The label's lists on the drive.
fn lists(rig: &Rig) -> PathBuf {
    rig.drive.join(".piback/mhl").join(&rig.label)
}

/// The generations of the label's history, in order.
fn generations(rig: &Rig) -> Vec<PathBuf> {
    let files = fs::read_dir(lists(rig).join("ascmhl")).into_iter().flatten().map(|e| e.unwrap().path());
    let mut all: Vec<_> = files.filter(|p| p.extension() == Some("mhl".as_ref())).collect();
    all.sort();
    all
}

fn chain(rig: &Rig) -> PathBuf {
    lists(rig).join("ascmhl/ascmhl_chain.xml")
}

/// Files that a generation lists.
fn listed(generation: &Path) -> usize {
    fs::read_to_string(generation).unwrap().matches("<hash>").count()
}

/// The reference implementation takes the history beside a copy of the photos: it knows the chain and each generation by
/// its hash, misses no file, finds no other, and every content is as listed.
fn accepted(rig: &Rig) {
    let copy = tempfile::tempdir().unwrap();
    let at = copy.path().join(&rig.label);
    for from in [rig.drive.join(&rig.label), lists(rig).join("ascmhl")] {
        assert_eq!(ended(Command::new("cp").arg("-r").arg(from).arg(&at)).code, Some(0));
    }
    for (tool, verb) in [("ascmhl", "diff"), ("ascmhl", "info"), ("ascmhl-debug", "verify")] {
        let run = ended(Command::new(ascmhl(tool)).arg(verb).arg(&at));
        assert_eq!(run.code, Some(0), "{verb} {run:?}");
    }
    let chained = fs::read_to_string(chain(rig)).unwrap().matches("<c4>").count();
    assert_eq!(chained, generations(rig).len());
}

#[test]
fn the_reference_implementation_accepts_the_chain_and_every_generation() {
    let rig = shot(5);
    rig.shoot("odd & <names>/\"q\" é.jpg", "x");
    rig.shoot("empty.xmp", "");
    rig.backed_up();
    accepted(&rig);
    rig.format();
    for i in 0..5 {
        rig.shoot(&name(i), noise(100 + i, 3000));
    }
    rig.backed_up();
    accepted(&rig);
    for i in 5..8 {
        rig.shoot(&name(i), noise(i, 3000));
        rig.backed_up();
    }
    accepted(&rig);
    let sizes: Vec<_> = generations(&rig).iter().map(|g| listed(g)).collect();
    assert_eq!(sizes, [7, 5, 1, 1, 1], "a generation lists what its run copied");
    // It is no formality: a changed byte, a missing and a new file are found.
    let copy = rig.dir.path().join("copy");
    ended(Command::new("cp").arg("-r").arg(rig.drive.join(&rig.label)).arg(&copy));
    ended(Command::new("cp").arg("-r").arg(lists(&rig).join("ascmhl")).arg(&copy));
    let says = |tool, verb| ended(Command::new(ascmhl(tool)).arg(verb).arg(&copy)).code;
    let mut changed = fs::read(copy.join(name(1))).unwrap();
    changed[0] ^= 1;
    fs::write(copy.join(name(1)), changed).unwrap();
    assert_ne!(says("ascmhl-debug", "verify"), Some(0));
    assert_eq!(says("ascmhl", "diff"), Some(0));
    fs::remove_file(copy.join(name(2))).unwrap();
    assert_ne!(says("ascmhl", "diff"), Some(0));
}

#[test]
fn one_new_photo_costs_little_beside_many_and_after_many_runs() {
    let rig = Rig::in_memory();
    for i in 0..3000 {
        rig.shoot(&format!("DCIM/{}CANON/IMG_{i:04}.JPG", 100 + i / 1000), noise(i, 64));
    }
    rig.backed_up();
    let records = || tree(&rig.drive.join(".piback")).values().map(|file| file.len() as u64).sum::<u64>();
    let mut costs = Vec::new();
    for i in 0..60 {
        let before = records();
        rig.shoot(&format!("DCIM/105CANON/IMG_{i:04}.JPG"), noise(10_000 + i, 64));
        rig.backed_up();
        costs.push(records() - before);
    }
    let (least, most) = (costs.iter().min().unwrap(), costs.iter().max().unwrap());
    assert!(*most < 4096 && most - least < 64, "{costs:?}");
    accepted(&rig);
}

#[test]
fn a_chain_that_is_torn_or_gone_or_knows_less_is_made_again() {
    let rig = shot(2);
    let mut next = 10;
    let mut grow = |rig: &Rig| {
        next += 1;
        rig.shoot(&name(next), noise(next, 500));
        rig.backed_up();
    };
    grow(&rig);
    grow(&rig);
    let whole = fs::read(chain(&rig)).unwrap();
    for cut in [0, 1, 19, 40, 120, whole.len() - 60, whole.len()] {
        let torn = fs::read(chain(&rig)).unwrap();
        fs::write(chain(&rig), &torn[..torn.len() - cut.min(torn.len())]).unwrap();
        grow(&rig);
        accepted(&rig);
    }
    let mut zeros = fs::read(chain(&rig)).unwrap();
    let len = zeros.len();
    zeros[len - 30..].fill(0);
    fs::write(chain(&rig), zeros).unwrap();
    grow(&rig);
    accepted(&rig);
    // The kill came between a generation and the chain: the chain is as it was before.
    let before = fs::read(chain(&rig)).unwrap();
    grow(&rig);
    fs::write(chain(&rig), before).unwrap();
    grow(&rig);
    accepted(&rig);
    fs::remove_file(chain(&rig)).unwrap();
    grow(&rig);
    accepted(&rig);
    // A generation is gone: what is left is no history any more, and a new one begins.
    fs::remove_file(generations(&rig).remove(1)).unwrap();
    grow(&rig);
    assert_eq!(generations(&rig).len(), 1);
    accepted(&rig);
}

#[test]
fn what_a_run_without_a_list_copied_is_in_the_next_one() {
    let (rig, mounted) = crate::faults::breakable_drive(3, 1000, Faults::default());
    mounted.set(|f| f.full_in = Some(".piback/mhl".into()));
    assert!(rig.backup().0.says("no media hash list was written"));
    assert!(generations(&rig).is_empty());
    mounted.set(|f| f.full_in = None);
    rig.shoot(&name(20), noise(20, 700));
    rig.backed_up();
    assert_eq!(listed(&generations(&rig)[0]), 4);
    accepted(&rig);
    mounted.unmount();
}

#[test]
fn a_name_that_means_another_photo_now_begins_a_new_history() {
    let rig = shot(4);
    rig.backed_up();
    rig.shoot(&name(5), noise(5, 800));
    rig.backed_up();
    assert_eq!(generations(&rig).len(), 2);
    // Culled on the drive, and a card formatted since: the free name is given to another photo.
    fs::remove_file(rig.kept(&name(1))).unwrap();
    rig.format();
    rig.shoot(&name(1), noise(77, 900));
    rig.backed_up();
    assert_eq!(rig.read(&name(1)), noise(77, 900));
    assert_eq!(generations(&rig).iter().map(|g| listed(g)).collect::<Vec<_>>(), [5]);
    accepted(&rig);
    let closed: Vec<_> =
        tree(&lists(&rig)).into_keys().filter(|p| p.starts_with("000003-") && p.ends_with(".mhl")).collect();
    assert_eq!(closed.len(), 2, "the old history is kept: {closed:?}");
    rig.shoot(&name(6), noise(6, 800));
    rig.backed_up();
    assert_eq!(generations(&rig).len(), 2, "the new one goes on");
    accepted(&rig);
    // What `--mirror` moves away is no part of the folder any more.
    fs::remove_file(rig.card.join(name(6))).unwrap();
    for i in [1, 2, 3, 0, 5] {
        rig.shoot(&name(i), fs::read(rig.kept(&name(i))).unwrap());
    }
    assert_eq!(rig.run("backup", &["--mirror"]).code, Some(0));
    assert_eq!(generations(&rig).len(), 1);
    accepted(&rig);
}

#[test]
fn a_lost_manifest_is_missed_by_its_generation() {
    let rig = shot(2);
    rig.backed_up();
    rig.shoot(&name(7), noise(7, 800));
    rig.backed_up();
    fs::remove_file(rig.manifests().pop().unwrap()).unwrap();
    let run = rig.run("verify", &[]);
    assert_eq!(run.code, Some(5));
    assert!(run.says("manifest 000002 is missing"), "{run:?}");
}

#[test]
fn a_drive_of_the_first_version_is_read_and_goes_on() {
    let rig = Rig::new();
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/backup/drives/version-0.1");
    fs::remove_dir(&rig.drive).unwrap();
    assert_eq!(ended(Command::new("cp").arg("-r").arg(&old).arg(&rig.drive)).code, Some(0));
    let run = rig.run("verify", &["--json"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let verdict: serde_json::Value = serde_json::from_str(run.out.lines().last().unwrap()).unwrap();
    assert_eq!(verdict["verified"]["files"], 8);
    // The card as it was, formatted once: its first photo lies under its second name.
    let file =
        |path: &str, content: &str| put(&rig.card.join("DCIM/100CANON").join(path), content.as_bytes(), 1);
    file("IMG_0001.JPG", "photo 1 after the format\n");
    file("IMG_0003.JPG", "photo 3 of the first card\n");
    file("IMG_0002.xmp", "<xmp/>\n");
    file("100%.JPG", "sale\n");
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
    let before = rig.tree();
    assert_eq!(rig.backed_up()["already_safe"]["files"], 4);
    assert_eq!(rig.tree(), before, "nothing is copied twice");
    file("IMG_0009.JPG", "new\n");
    rig.backed_up();
    assert_eq!(rig.run("verify", &[]).code, Some(0));
    // What was there before is in the new history's first generation.
    assert_eq!(listed(&generations(&rig)[0]), 8);
    accepted(&rig);
    // It is no formality.
    fs::write(rig.kept("DCIM/100CANON/IMG_0001~2.JPG"), "photo 1 after the formaT\n").unwrap();
    assert_eq!(rig.run("verify", &[]).code, Some(5));
}
