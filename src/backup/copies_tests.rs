//! Copies on a drive, judged against the card's file.
#![cfg(test)]

use super::*;
use crate::backup::digest::Digester;
use crate::backup::label::Label;
use crate::backup::manifest::FileRecord;
use crate::system::volume::Dir;

/// A change that makes a record one of something else.
type Other = fn(&mut FileRecord);

fn put(dir: &Dir, name: &str, content: &str) {
    dir.create(name.as_bytes()).unwrap().write_at(content.as_bytes(), 0).unwrap();
}

/// The verdict on a card's file `a.jpg` with "photo" in it, and what the next backup is told: the copies are `on_drive`,
/// the records `records` (of a card's file as it is now, by their content, changed by a function).
fn judged(
    on_drive: &[(&str, &str)],
    records: &[(&str, Other)],
    more: &[Record],
) -> (Result<(), Reason>, Vec<Record>) {
    let scratch = tempfile::tempdir().unwrap();
    let root = Dir::open(scratch.path()).unwrap();
    let on_card = root.make_sub(b"card").unwrap().0;
    let label = root.make_sub(b"drive").unwrap().0.make_sub(b"SD").unwrap().0;
    put(&on_card, "a.jpg", "photo");
    on_drive.iter().for_each(|(name, content)| put(&label, name, content));
    let card = Card::scan_all(&on_card).unwrap();
    let file = card.files[0];
    let drive = Drive::open(&scratch.path().join("drive"), Label::new("SD").unwrap()).unwrap();
    let lock = drive.lock().unwrap();
    let mut copies = Copies::new(&card, drive, lock).unwrap();
    for (content, other) in records {
        let digest = Digester::whole(content.as_bytes());
        let times = (file.mtime, file.ctime);
        let mut record = FileRecord::new(b"a.jpg", b"a.jpg", digest.len, times, digest.sample, digest.hash);
        other(&mut record);
        assert!(copies.runs.index.add(&Record::File(record)));
    }
    more.iter().for_each(|record| assert!(copies.runs.index.add(record)));
    copies.enter(b"");
    copies.look_for(&file, b"a.jpg");
    copies.read_first();
    let verdict = copies.judge(Digester::whole(b"photo"), 0, b"a.jpg");
    (verdict, copies.found)
}

fn as_is(_: &mut FileRecord) {}

#[test]
fn a_copy_is_safe_by_its_bytes_alone_wherever_it_lies() {
    let renamed: Other = |r| r.dest = Some("b.jpg".into());
    assert_eq!(judged(&[("a.jpg", "photo")], &[], &[]).0, Ok(()));
    assert_eq!(judged(&[("a.jpg", "Photo"), ("a~2.jpg", "photo")], &[], &[]).0, Ok(()));
    assert_eq!(judged(&[("b.jpg", "photo")], &[("photo", renamed)], &[]).0, Ok(()), "where its record says");
    assert_eq!(judged(&[("b.jpg", "photo")], &[], &[]).0, Err(Reason::Missing), "a name that nobody knows");
    assert_eq!(judged(&[], &[("photo", as_is)], &[]).0, Err(Reason::Missing), "a record is no copy");
    assert_eq!(judged(&[("a.jpg", "Photo")], &[], &[]).0, Err(Reason::Unequal));
    assert_eq!(judged(&[("a.jpg", "phot")], &[("photo", as_is)], &[]).0, Err(Reason::Unequal));
}

#[test]
fn the_card_is_blamed_when_the_copy_is_as_its_record_says_and_else_the_copy() {
    let doubted = || Record::Doubted { path: "a.jpg".into() };
    let rotten = || Record::Rotten { dest: "a.jpg".into() };
    let copy = [("a.jpg", "Photo")];
    // The record is of "Photo", which is what the drive has: the card's file is another one now.
    assert_eq!(judged(&copy, &[("Photo", as_is)], &[]), (Err(Reason::CardChanged), vec![doubted()]));
    let told = [doubted()];
    assert_eq!(judged(&copy, &[("Photo", as_is)], &told), (Err(Reason::CardChanged), vec![]), "told before");
    // Another photo's record, or one of another time: nothing is wrong with either side.
    let others: [Other; 3] =
        [|r| (r.path, r.dest) = ("b.jpg".into(), Some("a.jpg".into())), |r| r.mtime += 1, |r| r.ctime += 1];
    for other in others {
        assert_eq!(judged(&copy, &[("Photo", other)], &[]), (Err(Reason::Unequal), vec![]));
    }
    // The record is of "photo", and the drive has other bytes: they rotted.
    assert_eq!(judged(&copy, &[("photo", as_is)], &[]), (Err(Reason::Unequal), vec![rotten()]));
    assert_eq!(
        judged(&copy, &[("photo", as_is)], &[rotten()]),
        (Err(Reason::Unequal), vec![]),
        "told before"
    );
    // What no card vouches for, and what is a rest, tells nothing.
    let hash = format!("{:032x}", Digester::whole(b"Photo").hash);
    let found = Record::Found { dest: "a.jpg".into(), size: 5, xxh128: hash };
    assert_eq!(judged(&copy, &[], &[found]), (Err(Reason::Unequal), vec![]));
}

#[test]
fn only_what_says_that_nothing_has_the_name_is_no_fault() {
    let scratch = tempfile::tempdir().unwrap();
    let root = Dir::open(scratch.path()).unwrap();
    put(&root, "a", "photo");
    root.make_sub(b"D").unwrap();
    for (fault, no_file) in [
        (root.read(b"gone", false).err().unwrap(), true),
        (root.sub(b"a").err().unwrap(), true),
        (root.read(b"D", false).err().unwrap(), true),
        (root.read(&[b'x'; 300], false).err().unwrap(), true),
        (root.create(b"a").err().unwrap(), false),
    ] {
        assert_eq!(is_no_file(fault), no_file, "{fault:?}");
    }
}
