//! Verdicts on one file of a backup, and the search for one that was moved.
#![cfg(test)]

use super::*;
use crate::backup::digest::Digester;
use crate::backup::events::{Event, Watch};
use crate::backup::label::Label;
use crate::backup::manifest::{FileRecord, Record};
use crate::backup::untracked::Untracked;
use crate::backup::untracked::UntrackedFile;
use crate::backup::verify::{Reading, Verdict, relocate};
use crate::system::volume::Dir;
use std::collections::HashSet;

const SECOND: i64 = 1_000_000_000;

/// A drive with a label's folder, and what its records say.
struct Bench {
    _scratch: tempfile::TempDir,
    drive: Drive,
    index: Index,
}

impl Bench {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let drive = Drive::open(scratch.path(), Label::new("SD").unwrap()).unwrap();
        drive.root.make_sub(b"SD").unwrap();
        Bench { _scratch: scratch, drive, index: Index::default() }
    }

    /// Puts a file at a place below the drive's root, with its folders; returns its time.
    fn put(&self, place: &str, content: &str) -> i64 {
        let (folder, name) = scan::split_path(place.as_bytes());
        let mut dir: Dir = self.drive.root.again().unwrap();
        for part in folder.split(|b| *b == b'/').filter(|part| !part.is_empty()) {
            dir = dir.make_sub(part).unwrap().0;
        }
        dir.create(name).unwrap().write_at(content.as_bytes(), 0).unwrap();
        dir.stat(name).unwrap().unwrap().mtime
    }

    /// A card's record of a file with this content.
    fn record(&mut self, dest: &str, content: &str, mtime: i64) {
        let digest = Digester::whole(content.as_bytes());
        let dest = dest.as_bytes();
        let record = FileRecord::new(dest, dest, digest.len, (mtime, 0), digest.sample, digest.hash);
        self.index.add(&Record::File(record));
    }

    /// A record of what was only met on the drive.
    fn found(&mut self, dest: &str, content: &str) {
        let digest = Digester::whole(content.as_bytes());
        let xxh128 = format!("{:032x}", digest.hash);
        self.index.add(&Record::Found { dest: dest.into(), size: digest.len, xxh128 });
    }

    fn one(&mut self, dest: &str) -> Result<(), Reason> {
        let known = self.index.of_dest(dest.as_bytes()).unwrap();
        Checker::new(&mut self.drive, &self.index).one(&known)
    }
}

#[test]
fn a_file_is_as_recorded_rotten_edited_or_gone() {
    let mut bench = Bench::new();
    for dest in ["good", "rotten", "longer", "edited", "met", "D/good"] {
        let at = bench.put(&format!("SD/{dest}"), if dest == "longer" { "photo and more" } else { "photo" });
        match dest {
            "good" | "D/good" => bench.record(dest, "photo", at),
            "longer" => bench.record(dest, "photo", at),
            "rotten" => bench.record(dest, "Photo", at),
            "edited" => bench.record(dest, "Photo", at - 10 * SECOND),
            // Nobody knows when it was written, so that nobody can tell an edit from rot.
            _ => bench.found(dest, "Photo"),
        }
    }
    for gone in ["gone", "no folder/gone", "good/below a file", "D"] {
        bench.record(gone, "photo", 0);
    }
    for (dest, expected) in [
        ("good", Ok(())),
        ("D/good", Ok(())),
        ("rotten", Err(Reason::Differs)),
        ("longer", Err(Reason::Differs)),
        ("edited", Err(Reason::Edited)),
        ("met", Err(Reason::Differs)),
        ("gone", Err(Reason::Missing)),
        ("no folder/gone", Err(Reason::Missing)),
        ("good/below a file", Err(Reason::Missing)),
        ("D", Err(Reason::Missing)),
    ] {
        assert_eq!(bench.one(dest), expected, "{dest}");
    }
}

#[test]
fn what_mirror_moved_is_read_where_it_put_it() {
    let mut bench = Bench::new();
    let removed = ".piback/removed/000002-run/SD";
    bench.put(&format!("{removed}/D/good"), "photo");
    bench.put(&format!("{removed}/D/rotten"), "Photo");
    for (dest, expected) in [
        ("D/good", Ok(())),
        ("D/rotten", Err(Reason::Edited)),
        ("D/gone", Err(Reason::Missing)),
        ("E/gone", Err(Reason::Missing)),
    ] {
        bench.record(dest, "photo", 0);
        bench.index.add(&Record::Moved { dest: dest.into(), to: format!("{removed}/{dest}") });
        assert_eq!(bench.one(dest), expected, "{dest}");
    }
}

#[test]
fn a_file_without_a_record_is_read_where_it_can_be() {
    let mut bench = Bench::new();
    bench.put("SD/a", "photo");
    bench.put("ALBUM/b", "another photo");
    let mut checker = Checker::new(&mut bench.drive, &bench.index);
    assert_eq!(checker.content(b"a", 5), Ok(Some(Digester::whole(b"photo"))));
    assert_eq!(checker.content(b"/ALBUM/b", 13), Ok(Some(Digester::whole(b"another photo"))));
    assert_eq!(checker.content(b"gone", 5), Ok(None));
    assert_eq!(checker.content(b"a/b", 5), Ok(None));
}

struct Quiet {
    stop: bool,
}

impl Watch for Quiet {
    fn event(&self, _: Event) {}
    fn event_of(&self, _: &str, _: Event) {}
    fn stop_requested(&self) -> bool {
        self.stop
    }
}

/// Looks for what the records speak of and is not there; from, to, and what is still without a record or a file.
fn relocated(
    bench: &mut Bench,
    untracked: &[(&str, u64)],
) -> (Vec<(String, String)>, Vec<String>, Vec<String>) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let there: Vec<bool> = bench
        .index
        .dests()
        .map(|known| {
            bench
                .drive
                .holding(known.dest)
                .unwrap()
                .is_some_and(|(dir, name)| dir.stat(name).unwrap().is_some())
        })
        .collect();
    let mut missing: Vec<_> =
        bench.index.dests().zip(there).filter(|(_, there)| !there).map(|(k, _)| k).collect();
    let mut untracked: Vec<_> = untracked
        .iter()
        .map(|(dest, size)| UntrackedFile { dest: dest.as_bytes().to_vec(), size: *size })
        .collect();
    let mut checker = Checker::new(&mut bench.drive, &bench.index);
    let found = relocate::find(&mut checker, &mut missing, &mut untracked, &Quiet { stop: false }).unwrap();
    (
        found.iter().map(|one| (text(&one.dest), text(&one.to))).collect(),
        missing.iter().map(|known| text(known.dest)).collect(),
        untracked.iter().map(|file| text(&file.dest)).collect(),
    )
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect()
}

#[test]
fn a_moved_file_is_found_by_its_content_and_by_its_name_where_two_are_alike() {
    let mut bench = Bench::new();
    for (dest, content) in
        [("D/1", "photo"), ("D/2", "photo"), ("D/3", "third"), ("D/4", "four!"), ("D/empty", "")]
    {
        bench.record(dest, content, 0);
    }
    for (place, content) in [
        ("SD/E/2", "photo"),
        ("SD/E/other", "photo"),
        ("SD/E/5", "fifth"),
        ("SD/E/nothing", ""),
        ("SD/F/empty", ""),
    ] {
        bench.put(place, content);
    }
    let untracked = [("E/2", 5), ("E/5", 5), ("E/nothing", 0), ("E/other", 5), ("F/empty", 0)];
    let (found, missing, left) = relocated(&mut bench, &untracked);
    assert_eq!(found, pairs(&[("D/2", "E/2"), ("D/1", "E/other"), ("D/empty", "F/empty")]));
    assert_eq!(missing, ["D/3", "D/4"]);
    assert_eq!(left, ["E/5", "E/nothing"], "another content is not it, nor is an empty file of another name");
}

#[test]
fn a_file_is_looked_for_on_all_of_the_drive_but_where_others_files_lie() {
    let mut bench = Bench::new();
    for n in 1..=7 {
        bench.record(&format!("D/{n}"), &format!("photo {n}"), 0);
    }
    // Of another label: its folder holds its own backup.
    bench.put(".piback/manifests/OTHER/000001-a.jsonl", "");
    for place in
        ["1", "ALBUM/2", "ALBUM/best/3", "OTHER/4", ".piback/removed/5", "System Volume Information/6"]
    {
        let content = format!("photo {}", place.rsplit('/').next().unwrap());
        bench.put(place, &content);
    }
    // It is on record already: a second one may not be found there.
    bench.put("ALBUM/7", "photo 7");
    bench.index.add(&Record::Accepted {
        dest: "/ALBUM/7".into(),
        size: 7,
        xxh128: format!("{:032x}", Digester::whole(b"photo 7").hash),
    });
    let (mut found, missing, left) = relocated(&mut bench, &[]);
    found.sort();
    assert_eq!(found, pairs(&[("D/1", "/1"), ("D/2", "/ALBUM/2"), ("D/3", "/ALBUM/best/3")]));
    assert_eq!(missing, ["D/4", "D/5", "D/6", "D/7"]);
    assert!(left.is_empty());
}

#[test]
fn a_stop_ends_the_search_before_the_next_read() {
    let mut bench = Bench::new();
    bench.record("D/1", "photo", 0);
    bench.put("SD/E/1", "photo");
    for (size, ends) in [(5, true), (6, false)] {
        let mut missing: Vec<_> = bench.index.dests().collect();
        let mut untracked = vec![UntrackedFile { dest: b"E/1".to_vec(), size }];
        let mut checker = Checker::new(&mut bench.drive, &bench.index);
        let answer = relocate::find(&mut checker, &mut missing, &mut untracked, &Quiet { stop: true });
        assert_eq!(answer.is_err(), ends, "{size}");
    }
}

#[test]
fn a_copy_was_written_when_its_time_moved_and_not_by_a_time_zone() {
    let hour = 3600 * SECOND;
    let base = 5_000_000 * SECOND;
    for (moved, written) in [
        (0, false),
        (SECOND, false),
        // FAT keeps every second second.
        (2 * SECOND, false),
        (2 * SECOND + 1, true),
        (3 * SECOND, true),
        (5 * 60 * SECOND, true),
        // Quarters of an hour, to two seconds.
        (15 * 60 * SECOND, false),
        (15 * 60 * SECOND + 2 * SECOND, false),
        (15 * 60 * SECOND + 2 * SECOND + 1, true),
        (15 * 60 * SECOND - 2 * SECOND, false),
        (15 * 60 * SECOND - 2 * SECOND - 1, true),
        (hour, false),
        (hour + hour / 2, false),
        // The widest that two zones are apart.
        (26 * hour, false),
        (26 * hour + 2 * SECOND, false),
        (26 * hour + 2 * SECOND + 1, true),
        (26 * hour + 15 * 60 * SECOND, true),
        (40 * hour, true),
    ] {
        assert_eq!(was_written(base, base + moved), written, "{moved}");
        assert_eq!(was_written(base, base - moved), written, "-{moved}");
    }
    assert!(was_written(i64::MIN, i64::MAX) && was_written(i64::MAX, i64::MIN));
}

/// A verification of all that the records speak of, before it is judged.
fn reading<'a>(bench: &'a mut Bench, watch: &'a Quiet) -> Reading<'a> {
    let picked: Vec<_> = bench.index.dests().collect();
    let mut reading = Reading {
        checker: Checker::new(&mut bench.drive, &bench.index),
        watch,
        verdict: Verdict::default(),
        trusted: HashSet::new(),
        records: Vec::new(),
        good: HashSet::new(),
        bad: Vec::new(),
    };
    reading.all(&picked);
    reading
}

#[test]
fn rot_goes_on_record_once_and_what_is_gone_does_not() {
    let mut bench = Bench::new();
    for (dest, content) in [("edited", "Photo"), ("good", "photo"), ("known", "Photo"), ("rotten", "Photo")] {
        let at = bench.put(&format!("SD/{dest}"), content);
        bench.record(dest, "photo", if dest == "edited" { at - 10 * SECOND } else { at });
    }
    bench.record("gone", "photo", 0);
    bench.index.add(&Record::Rotten { dest: "known".into() });
    let reading = reading(&mut bench, &Quiet { stop: false });
    let rotten = |dest: &str| Record::Rotten { dest: dest.into() };
    assert_eq!(reading.records, [rotten("edited"), rotten("rotten")]);
    assert_eq!((reading.verdict.good.files, reading.bad.len()), (1, 4));
}

#[test]
fn a_sample_names_what_nobody_vouches_for_and_nothing_else() {
    let mut bench = Bench::new();
    let xxh128 = |content: &[u8]| format!("{:032x}", Digester::whole(content).hash);
    for (dest, content) in [("accepted", "mine!"), ("good", "photo"), ("stray", "stray"), ("twin", "photo")] {
        let at = bench.put(&format!("SD/{dest}"), content);
        match dest {
            "good" => bench.record(dest, content, at),
            "accepted" => {
                let xxh128 = xxh128(content.as_bytes());
                bench.index.add(&Record::Accepted { dest: dest.into(), size: 5, xxh128 });
            }
            _ => bench.found(dest, content),
        }
    }
    for (sample, accused) in [(true, vec!["stray"]), (false, vec![])] {
        let quiet = Quiet { stop: false };
        let mut reading = reading(&mut bench, &quiet);
        reading.verdict.sample = sample;
        reading.name(&Untracked::default());
        let bad: Vec<_> = reading.verdict.bad.iter().map(|bad| bad.path.as_str()).collect();
        assert_eq!(bad, accused, "{sample}");
    }
}

#[test]
fn after_a_stop_nothing_is_looked_for_any_more() {
    let mut bench = Bench::new();
    bench.record("1", "photo", 0);
    bench.put("SD/E/1", "photo");
    for (stopped, moved) in [(false, 1), (true, 0)] {
        let quiet = Quiet { stop: false };
        let mut reading = reading(&mut bench, &quiet);
        assert_eq!(reading.bad.len(), 1);
        reading.verdict.stop = stopped.then_some(Stop::Asked);
        let files = vec![UntrackedFile { dest: b"E/1".to_vec(), size: 5 }];
        reading.moved(&mut Untracked { files, ..Untracked::default() });
        assert_eq!((reading.verdict.moved.len(), reading.bad.len()), (moved, 1 - moved), "{stopped}");
        // Nobody knows whether it is on the drive: that is not said of it.
        reading.judge();
        assert_eq!((reading.verdict.bad.len(), reading.verdict.unread), (0, 1 - moved as u64), "{stopped}");
    }
}
