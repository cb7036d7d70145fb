//! The manifest: lost, torn, altered, sampled, exported.

use crate::rig::{PIBACK, Rig, ended, noise, put, stamps, tree};
use std::fs;
use std::path::PathBuf;
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

#[test]
fn a_hostile_manifest_leads_nowhere() {
    let rig = shot(2);
    rig.backed_up();
    let manifest = rig.manifests().remove(0);
    let outside = rig.dir.path().join("outside");
    put(&outside, b"secret", 0);
    let mut text = fs::read_to_string(&manifest).unwrap();
    for dest in ["../../outside", "/etc/passwd", "..", "a/../../../outside"] {
        let json = format!(
            "{{\"t\":\"file\",\"path\":\"x\",\"dest\":\"{dest}\",\"size\":6,\"mtime\":0,\"ctime\":0,\"sample\":\"0\",\"xxh128\":\"0\"}}"
        );
        let sum = twox_hash::XxHash3_128::oneshot(json.as_bytes()) as u64;
        text.push_str(&format!("{sum:016x} {json}\n"));
    }
    fs::write(&manifest, text).unwrap();
    let run = rig.run("verify", &[]);
    assert_eq!(run.code, Some(5), "{run:?}");
    assert!(run.says("manifest 000001: 4 damaged records"), "{run:?}");
    let run = rig.run("backup", &[]);
    assert_eq!(run.code, Some(0));
    assert!(run.says("manifest 000001: 4 damaged records"), "{run:?}");
    assert_eq!(fs::read(&outside).unwrap(), b"secret");
}

#[test]
fn a_run_with_nothing_to_say_writes_nothing() {
    let rig = shot(5);
    rig.backed_up();
    let before = stamps(&rig.drive);
    rig.backed_up();
    assert_eq!(rig.run("verify", &[]).code, Some(0));
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
    assert_eq!(stamps(&rig.drive), before);
}

#[test]
fn manifests_are_only_added_to() {
    let rig = shot(3);
    let mut seen: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    for i in 10..16 {
        rig.shoot(&name(i), noise(i, 500));
        rig.backed_up();
        let now: Vec<_> = rig.manifests().into_iter().map(|p| (p.clone(), fs::read(p).unwrap())).collect();
        assert_eq!(now.len(), seen.len() + 1, "one a run");
        assert_eq!(now[..seen.len()], seen);
        seen = now;
    }
}

#[test]
fn verify_names_what_is_rotten_missing_or_short_file_by_file() {
    let rig = shot(12);
    rig.backed_up();
    let mut rotten = rig.read(&name(3));
    rotten[100] ^= 4;
    fs::write(rig.kept(&name(3)), rotten).unwrap();
    fs::remove_file(rig.kept(&name(5))).unwrap();
    fs::write(rig.kept(&name(7)), b"short").unwrap();
    let run = rig.run("verify", &["-v"]);
    assert_eq!(run.code, Some(5));
    for i in 0..12 {
        assert_eq!(run.says(&name(i)), [3, 5, 7].contains(&i), "{i} {run:?}");
    }
    let json = rig.run("verify", &["--json"]);
    let verdict: serde_json::Value = serde_json::from_str(json.out.lines().last().unwrap()).unwrap();
    assert_eq!(verdict["bad_files"].as_array().unwrap().len(), 3);
    assert_eq!(verdict["verified"]["files"], 9);
}

#[test]
fn a_sample_reads_a_part_and_finds_what_is_rotten_everywhere() {
    let rig = shot(60);
    rig.backed_up();
    let json = rig.run("verify", &["--sample", "10%", "--json"]);
    assert_eq!(json.code, Some(0));
    let verdict: serde_json::Value = serde_json::from_str(json.out.lines().last().unwrap()).unwrap();
    let read = verdict["verified"]["files"].as_u64().unwrap();
    assert!((1..40).contains(&read), "{read}");
    for i in 0..60 {
        fs::write(rig.kept(&name(i)), b"rot").unwrap();
    }
    assert_eq!(rig.run("verify", &["--sample", "1%"]).code, Some(5));
}

#[test]
fn a_mirror_moves_what_is_gone_and_deletes_nothing() {
    let rig = shot(12);
    rig.backed_up();
    put(&rig.kept("own.txt"), b"the user's", 0);
    for i in [2, 9] {
        fs::remove_file(rig.card.join(name(i))).unwrap();
    }
    rig.shoot(&name(20), noise(20, 3000));
    let run = rig.run("backup", &["--mirror", "--json"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.account()["removed_files"], 2);
    assert_eq!(run.account()["removed"], serde_json::json!([name(2), name(9)]));
    assert!(run.err.contains(&format!("moved to .piback/removed: 2 files\n  {}\n", name(2))), "{run:?}");
    let mut expected = tree(&rig.card);
    expected.insert("own.txt".into(), b"the user's".to_vec());
    assert_eq!(rig.tree(), expected);
    let removed = tree(&rig.drive.join(".piback/removed"));
    let kept: Vec<_> = removed.values().cloned().collect();
    assert_eq!(kept, [noise(2, 3002), noise(9, 3009)]);
    fs::rename(rig.kept("own.txt"), rig.dir.path().join("own.txt")).unwrap();
    assert_eq!(rig.run("verify", &[]).code, Some(0), "what was moved is still verified");
    // It comes back to the card: it is copied again, and so are its records.
    rig.shoot(&name(2), noise(2, 3002));
    assert_eq!(rig.backed_up()["copied"]["files"], 1);
    assert_eq!(rig.read(&name(2)), noise(2, 3002));
    assert_eq!(rig.run("verify", &[]).code, Some(0));
    assert_eq!(rig.run("backup", &["--mirror"]).code, Some(0));
}

#[test]
fn what_a_manifest_says_is_what_others_compute() {
    let rig = shot(1);
    rig.backed_up();
    let text = fs::read_to_string(&rig.manifests()[0]).unwrap();
    let line = text.lines().find(|l| l.contains("\"t\":\"file\"")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&line[17..]).unwrap();
    assert_eq!(record["path"], name(0));
    let script = "import sys,xxhash; print(xxhash.xxh3_128_hexdigest(open(sys.argv[1],'rb').read()))";
    let python = crate::lists::ascmhl("python");
    let run = ended(Command::new(python).args(["-c", script]).arg(rig.card.join(name(0))));
    assert_eq!(run.out.trim(), record["xxh128"].as_str().unwrap(), "{run:?}");
    let _ = PIBACK;
}
