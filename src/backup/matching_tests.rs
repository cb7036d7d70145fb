//! Files of a card held against records and against what lies on the drive: what is read, and what becomes of each.
#![cfg(test)]

use super::*;
use crate::backup::digest::Digester;
use crate::backup::label::Label;
use crate::backup::manifest::{FileRecord, Record};
use crate::system::volume::Dir;
use std::sync::Mutex;

/// A change that makes a record one of something else.
type Other = fn(&mut FileRecord);

/// A card, a drive with a label's folder, and what its records say.
struct Bench {
    _scratch: tempfile::TempDir,
    card: Dir,
    drive: Drive,
    index: Index,
    how: How,
    /// The card's file system has a change time that a camera can't set.
    real_ctime: bool,
    /// A stop is asked for after so many questions.
    stop_after: u32,
}

/// Names the files that are read on the card; answers so often that nobody wants a stop.
struct Reads(Mutex<Vec<String>>, Mutex<u32>);

impl Watch for Reads {
    fn event(&self, event: Event) {
        if let Event::Comparing { path, .. } = event {
            self.0.lock().unwrap().push(path);
        }
    }
    fn event_of(&self, _: &str, event: Event) {
        self.event(event);
    }
    fn stop_requested(&self) -> bool {
        let mut left = self.1.lock().unwrap();
        let over = *left == 0;
        *left = left.saturating_sub(1);
        over
    }
}

/// End of a match: files that are safe, of them by records, jobs with their numbers, and files that were read.
type Became = (u64, u64, Vec<(String, u32)>, Vec<String>);

fn put(dir: &Dir, path: &str, content: &str) {
    let (folder, name) = scan::split_path(path.as_bytes());
    let mut dir = dir.again().unwrap();
    for part in folder.split(|b| *b == b'/').filter(|part| !part.is_empty()) {
        dir = dir.make_sub(part).unwrap().0;
    }
    dir.create(name).unwrap().write_at(content.as_bytes(), 0).unwrap();
}

impl Bench {
    /// With one file on the card, and its copy on the drive.
    fn new(on_card: &str, on_drive: Option<&str>) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let root = Dir::open(scratch.path()).unwrap();
        let card = root.make_sub(b"card").unwrap().0;
        root.make_sub(b"drive").unwrap().0.make_sub(b"SD").unwrap();
        let drive = Drive::open(&scratch.path().join("drive"), Label::new("SD").unwrap()).unwrap();
        put(&card, "D/a.jpg", on_card);
        let mut bench = Bench {
            _scratch: scratch,
            card,
            drive,
            index: Index::default(),
            how: How::default(),
            real_ctime: true,
            stop_after: u32::MAX,
        };
        if let Some(content) = on_drive {
            bench.copy("D/a.jpg", content);
        }
        bench
    }

    fn copy(&mut self, dest: &str, content: &str) {
        put(&self.drive.root, &format!("SD/{dest}"), content);
    }

    /// A record of the card's file, as it is now but for its `content`, changed by `other`.
    fn record(&mut self, content: &str, other: Other) -> FileRecord {
        let card = Card::scan_all(&self.card).unwrap();
        let file = card.files[0];
        let digest = Digester::whole(content.as_bytes());
        let times = (file.mtime, file.ctime);
        let mut record =
            FileRecord::new(b"D/a.jpg", b"D/a.jpg", digest.len, times, digest.sample, digest.hash);
        other(&mut record);
        record
    }

    fn with(mut self, content: &str, other: Other) -> Self {
        let record = self.record(content, other);
        assert!(self.index.add(&Record::File(record)));
        self
    }

    fn also(mut self, record: Record) -> Self {
        assert!(self.index.add(&record));
        self
    }

    fn run(&mut self) -> (Became, Matched) {
        let card = Card::scan_all(&self.card).unwrap();
        let mut source = Source::new(self.card.again().unwrap()).unwrap();
        source.medium.real_ctime = self.real_ctime;
        let watch = Reads(Mutex::default(), Mutex::new(self.stop_after));
        let mut seen = CardSeen::new(1);
        let out = run(&card, (&mut source, &mut seen), &mut self.drive, &self.index, self.how, &watch);
        let path = |file: u32| String::from_utf8(card.path(&card.files[file as usize])).unwrap();
        let jobs = out.jobs.iter().map(|job| (path(job.file), job.k)).collect();
        ((out.safe.files, out.from_records.files, jobs, watch.0.into_inner().unwrap()), out)
    }

    fn became(mut self) -> Became {
        self.run().0
    }
}

fn by_record() -> Became {
    (1, 1, vec![], vec![])
}

fn read_and_safe() -> Became {
    (1, 0, vec![], vec!["D/a.jpg".into()])
}

/// Its own content was read on the card, and that of the drive taken from a record.
fn read_on_the_card() -> Became {
    (1, 1, vec![], vec!["D/a.jpg".into()])
}

fn unread_job(k: u32) -> Became {
    (0, 0, vec![("D/a.jpg".into(), k)], vec![])
}

fn read_job(k: u32) -> Became {
    (0, 0, vec![("D/a.jpg".into(), k)], vec!["D/a.jpg".into()])
}

fn as_is(_: &mut FileRecord) {}

#[test]
fn a_record_is_believed_when_it_speaks_of_just_this_file_and_its_copy_is_there() {
    let a = || Bench::new("photo", Some("photo"));
    assert_eq!(a().with("photo", as_is).became(), by_record());
    let others: [(&str, Other, Became); 5] = [
        ("another mtime", |r| r.mtime += 1, read_on_the_card()),
        ("another ctime", |r| r.ctime += 1, read_on_the_card()),
        ("another size", |r| r.size += 1, read_and_safe()),
        ("another path", |r| r.path = "D/b.jpg".into(), read_and_safe()),
        ("a copy that is gone", |r| r.dest = Some("D/gone.jpg".into()), read_and_safe()),
    ];
    for (what, other, expected) in others {
        assert_eq!(a().with("photo", other).became(), expected, "{what}");
    }
    assert_eq!(Bench::new("photo", None).with("photo", as_is).became(), unread_job(1), "no copy");
    assert_eq!(Bench::new("photo", Some("phot")).with("photo", as_is).became(), unread_job(2), "cut short");
}

#[test]
fn a_record_that_is_doubted_rotten_or_partial_is_not_believed() {
    let a = |copy: &'static str| Bench::new("photo", Some(copy)).with("photo", as_is);
    let doubted = || Record::Doubted { path: "D/a.jpg".into() };
    let rotten = || Record::Rotten { dest: "D/a.jpg".into() };
    // Doubts are about the card's file: it is read, and of the copy the record still tells.
    assert_eq!(a("photo").also(doubted()).became(), read_on_the_card());
    assert_eq!(a("photo").also(rotten()).became(), read_and_safe());
    assert_eq!(a("Photo").also(rotten()).became(), read_job(2));
    let mut partial = Bench::new("photo", Some("photo"));
    let file = partial.record("photo", as_is);
    let partial = partial.also(Record::Partial { file, bad: vec![(0, 1)] });
    assert_eq!(partial.became(), read_and_safe());
}

#[test]
fn with_compare_no_record_is_believed_and_rot_is_named() {
    for (copy, expected, rotten) in [("photo", read_and_safe(), 0), ("Photo", read_job(2), 1)] {
        let mut bench = Bench::new("photo", Some(copy)).with("photo", as_is);
        bench.how.compare = true;
        let (became, out) = bench.run();
        assert_eq!((became, out.rotten.len()), (expected, rotten), "{copy}");
        assert!(out.adopted.is_empty(), "its record says just this already");
    }
}

#[test]
fn without_a_record_content_decides_and_only_a_namesake_of_its_size_is_read() {
    assert_eq!(Bench::new("photo", None).became(), unread_job(1));
    assert_eq!(Bench::new("photo", Some("photo")).became(), read_and_safe());
    assert_eq!(Bench::new("photo", Some("Photo")).became(), read_job(2));
    assert_eq!(Bench::new("photo", Some("another")).became(), unread_job(2));
    let mut second = Bench::new("photo", Some("Photo"));
    second.copy("D/a~2.jpg", "photo");
    second.how.keep_used = true;
    let (became, out) = second.run();
    assert_eq!(became, read_and_safe());
    assert_eq!(out.adopted.len(), 1, "it gets its record");
    assert_eq!(out.used.into_iter().collect::<Vec<_>>(), [b"D/a~2.jpg"]);
}

#[test]
fn a_found_file_that_no_card_vouches_for_is_read() {
    let digest = |content: &str| format!("{:032x}", Digester::whole(content.as_bytes()).hash);
    let found = |content| Record::Found { dest: "D/a.jpg".into(), size: 5, xxh128: digest(content) };
    assert_eq!(Bench::new("photo", Some("photo")).also(found("photo")).became(), read_and_safe());
    assert_eq!(Bench::new("photo", Some("Photo")).also(found("photo")).became(), read_job(2));
}

#[test]
fn two_contents_of_one_path_size_and_time_prove_nothing() {
    let other: Other = |r| r.dest = Some("D/a~2.jpg".into());
    let mut bench = Bench::new("photo", Some("photo")).with("photo", as_is).with("Photo", other);
    bench.copy("D/a~2.jpg", "Photo");
    let (became, out) = bench.run();
    assert_eq!(became, read_on_the_card());
    assert!(out.jobs.is_empty() && out.rotten.is_empty());
}

#[test]
fn where_change_times_prove_nothing_the_ends_of_the_file_are_asked() {
    let a = |content: &'static str| {
        let mut bench = Bench::new(content, Some("photo"));
        bench.real_ctime = false;
        bench
    };
    assert_eq!(a("photo").with("photo", as_is).became(), by_record());
    // A rating that was given in the camera: of the same size and times.
    assert_eq!(a("Photo").with("photo", as_is).became(), read_job(2));
    // Of two records with other samples only the one that fits counts.
    let earlier: Other = |r| r.dest = Some("D/gone.jpg".into());
    assert_eq!(a("photo").with("Photo", earlier).with("photo", as_is).became(), by_record());
    // Two contents with the same ends, one of other times.
    let twin: Other = |r| {
        (r.mtime, r.dest) = (r.mtime + 1, Some("D/gone.jpg".into()));
        r.xxh128 = format!("{:032x}", 7);
    };
    assert_eq!(a("photo").with("photo", as_is).with("photo", twin).became(), read_on_the_card());
    assert_eq!(
        Bench::new("photo", Some("photo")).with("photo", as_is).with("photo", twin).became(),
        by_record()
    );
}

#[test]
fn a_stop_leaves_all_that_follows_to_be_done_and_what_was_found_before_stays() {
    let job = |path: &str, k| (path.to_owned(), k);
    for (asked, safe, jobs) in [
        (0, 0, vec![job("D/a.jpg", 1), job("D/b.jpg", 1), job("E/c.jpg", 1), job("F/d.jpg", 1)]),
        (1, 1, vec![job("D/b.jpg", 1), job("E/c.jpg", 1), job("F/d.jpg", 1)]),
        (2, 1, vec![job("D/b.jpg", 1), job("E/c.jpg", 2), job("F/d.jpg", 1)]),
    ] {
        let mut bench = Bench::new("photo", Some("photo")).with("photo", as_is);
        ["D/b.jpg", "E/c.jpg", "F/d.jpg"].into_iter().for_each(|path| put(&bench.card, path, "another"));
        bench.copy("E/c.jpg", "of another size");
        bench.stop_after = asked;
        let (became, out) = bench.run();
        assert_eq!(became, (safe, safe, jobs, vec![]), "{asked}");
        assert_eq!(out.stop, Some(Stop::Asked));
        assert_eq!(out.copy.files + out.safe.files, 4);
    }
}

#[test]
fn what_was_read_gets_a_record_where_none_says_just_this() {
    let others: [(&str, Other, usize); 4] = [
        ("the same", as_is, 0),
        ("another mtime", |r| r.mtime += 1, 1),
        ("another ctime", |r| r.ctime += 1, 1),
        ("another path", |r| (r.path, r.dest) = ("D/b.jpg".into(), Some("D/a.jpg".into())), 1),
    ];
    for (what, other, adopted) in others {
        let mut bench = Bench::new("photo", Some("photo")).with("photo", other);
        bench.how.compare = true;
        let (became, out) = bench.run();
        assert_eq!((became, out.adopted.len()), (read_and_safe(), adopted), "{what}");
    }
    let rotten = Record::Rotten { dest: "D/a.jpg".into() };
    let (_, out) = Bench::new("photo", Some("photo")).with("photo", as_is).also(rotten).run();
    assert_eq!(out.adopted.len(), 1, "rotten until it is recorded anew");
}

#[test]
fn safe_files_are_counted_with_the_days_of_their_records() {
    let mut out = Matched::default();
    for day in [Some(20), None, Some(10), Some(30)] {
        out.take_safe(5, day);
    }
    assert_eq!((out.safe.files, out.safe.bytes, out.from_records.files), (4, 20, 3));
    assert_eq!(out.days, Some((10, 30)));
}
