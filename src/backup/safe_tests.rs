//! Answers of yes, and all that each takes.
#![cfg(test)]

use super::*;
use crate::backup::scan::{Odd, OddKind};
use crate::system::volume::Dir;
use std::sync::Mutex;

/// Keeps what it is told.
#[derive(Default)]
struct Told(Mutex<Vec<Event>>);

impl Watch for Told {
    fn event(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
    fn event_of(&self, _: &str, event: Event) {
        self.event(event);
    }
    fn stop_requested(&self) -> bool {
        false
    }
}

impl Told {
    fn all(self) -> Vec<Event> {
        self.0.into_inner().unwrap()
    }
}

fn tally(files: u64) -> Tally {
    Tally { files, bytes: 10 * files }
}

fn good() -> Answer {
    Answer { card: tally(2), safe: tally(2), ..Answer::default() }
}

fn not_safe(path: &str) -> NotSafe {
    NotSafe { path: path.into(), size: 3, reason: Reason::Missing }
}

/// A thing that makes it a no, and how it comes about.
type Wrong = (&'static str, fn(&mut Answer));

#[test]
fn yes_takes_all_that_must_be_so_and_each_alone_makes_it_a_no() {
    assert!(good().yes());
    let wrong: [Wrong; 6] = [
        ("a file that is not safe", |a| a.not_safe.push(not_safe("a"))),
        ("the end before its time", |a| a.stop = Some(Stop::Asked)),
        ("fewer files than there are", |a| a.safe = tally(1)),
        ("more files than there are", |a| a.safe = tally(3)),
        ("room that nothing visible uses", |a| a.unseen = 1),
        ("one file system", |a| a.shared = Some(Shared::FileSystem)),
    ];
    for (what, spoil) in wrong {
        let mut answer = good();
        spoil(&mut answer);
        assert!(!answer.yes(), "{what}");
    }
    assert!(Answer { shared: Some(Shared::Disk), shared_allowed: true, ..good() }.yes());
    assert!(!Answer { unseen: 1, shared_allowed: true, ..good() }.yes());
}

fn compared(drives: &[bool], away: &[bool], copies: profile::Copies) -> Compared {
    let answer = |yes: &bool| Ok(if *yes { good() } else { Answer { unseen: 1, ..good() } });
    let place =
        |yes: &bool| Away { remote: "nas".into(), why_not: (!yes).then(|| "not all of it is there".into()) };
    Compared {
        drives: drives.iter().map(|yes| (PathBuf::from("/d"), answer(yes))).collect(),
        on_all: Tally::default(),
        contents: Vec::new(),
        copies,
        away: away.iter().map(place).collect(),
    }
}

/// Drives and places far away, each with its yes or no; how many must; the answer.
type Case = (&'static [bool], &'static [bool], profile::Copies, bool);

#[test]
fn as_many_drives_and_places_far_away_as_must_have_all_of_it() {
    use profile::Copies::{All, AllAnd, Any, Count};
    let cases: [Case; 11] = [
        (&[true], &[], All, true),
        (&[false], &[], All, false),
        (&[true, false], &[], All, false),
        (&[true, false], &[], Any, true),
        (&[false, false], &[], Any, false),
        (&[true, false], &[], Count { drives: 2, remotes: 0 }, false),
        (&[true], &[true], AllAnd { remotes: 1 }, true),
        (&[true], &[false], AllAnd { remotes: 1 }, false),
        (&[false], &[true], AllAnd { remotes: 1 }, false),
        (&[true], &[true, false], AllAnd { remotes: 2 }, false),
        (&[true], &[true, true], AllAnd { remotes: 1 }, true),
    ];
    for (drives, away, copies, yes) in cases {
        assert_eq!(compared(drives, away, copies).yes(), yes, "{drives:?} {away:?} {copies:?}");
    }
    let mut one = compared(&[true], &[], All);
    one.drives.push((PathBuf::from("/e"), Err(Problem::failed("not there").into())));
    assert!(!one.yes_of_drives(), "a drive that can't be used has nothing");
}

fn put(dir: &Dir, name: &str, content: &[u8]) {
    dir.create(name.as_bytes()).unwrap().write_at(content, 0).unwrap();
}

#[test]
fn what_changed_while_the_card_was_compared_is_named_once_and_nothing_else_is() {
    let scratch = tempfile::tempdir().unwrap();
    let root = Dir::open(scratch.path()).unwrap();
    ["same", "gone", "larger", "named"].into_iter().for_each(|name| put(&root, name, b"photo"));
    let before = Card::scan_all(&root).unwrap();
    root.unlink(b"gone").unwrap();
    for name in [&b"larger"[..], b"named"] {
        root.reopen(name).unwrap().write_at(b" and more", 5).unwrap();
    }
    put(&root, "new", b"photo");
    let mut now = Card::scan_all(&root).unwrap();
    now.unseen = 7;
    now.odd = vec![Odd { path: b"a-link".to_vec(), what: OddKind::Link }];
    let mut answer = good();
    answer.not_safe.push(not_safe("named"));
    changed_meanwhile(&now, &before, &mut answer);
    let mut named: Vec<_> = answer.not_safe.iter().map(|bad| (bad.path.as_str(), &bad.reason)).collect();
    named.sort_by_key(|bad| bad.0);
    let link = Reason::Odd(OddKind::Link);
    let expected = [
        ("a-link", &link),
        ("larger", &Reason::Changed),
        ("named", &Reason::Missing),
        ("new", &Reason::Changed),
    ];
    assert_eq!(named, expected);
    assert_eq!(answer.unseen, 7);
    let mut again = good();
    changed_meanwhile(&now, &now, &mut again);
    assert!(again.not_safe.is_empty(), "what was seen before is no news, the link neither");
}

#[test]
fn each_file_is_counted_or_named_and_of_a_stop_only_the_end_is_told() {
    let scratch = tempfile::tempdir().unwrap();
    let root = Dir::open(scratch.path()).unwrap();
    put(&root, "a", b"photo");
    let card = Card::scan_all(&root).unwrap();
    let took = |verdict| {
        let (mut answer, told) = (Answer::default(), Told::default());
        answer.take(&card, &card.files[0], verdict, &told);
        (answer, told.all())
    };
    let (answer, told) = took(Ok(()));
    assert_eq!((answer.safe, answer.not_safe.len(), answer.stop), (Tally { files: 1, bytes: 5 }, 0, None));
    assert_eq!(told, [Event::Checked(Tally { files: 1, bytes: 5 })]);
    let (answer, told) = took(Err(Reason::Unequal));
    assert_eq!((answer.safe.files, answer.not_safe.len(), answer.stop), (0, 1, None));
    assert!(matches!(&told[..], [Event::NotSafe { path, .. }] if path == "a"));
    let (answer, told) = took(Err(Reason::NotReached(Stop::Asked)));
    assert_eq!((answer.safe.files, answer.not_safe.len(), answer.stop), (0, 1, Some(Stop::Asked)));
    assert!(told.is_empty());
}

#[test]
fn what_is_odd_on_the_card_is_not_safe_from_the_beginning() {
    let scratch = tempfile::tempdir().unwrap();
    let root = Dir::open(scratch.path()).unwrap();
    put(&root, "a", b"photo");
    let mut card = Card::scan_all(&root).unwrap();
    card.odd = vec![Odd { path: b"a-link".to_vec(), what: OddKind::Link }];
    card.clutter = vec![b"$RECYCLE.BIN".to_vec()];
    for (shared, allowed, warnings) in
        [(None, false, 0), (Some(Shared::Disk), false, 1), (Some(Shared::FileSystem), true, 0)]
    {
        let told = Told::default();
        let answer = begin(&card, shared, allowed, &told);
        assert_eq!(told.all().len(), warnings, "{shared:?}");
        assert_eq!(answer.card, Tally { files: 2, bytes: 5 });
        assert_eq!(answer.not_safe.len(), 1);
        assert_eq!(answer.skipped, ["$RECYCLE.BIN"]);
        assert_eq!((answer.shared, answer.shared_allowed), (shared, allowed));
    }
}

#[test]
fn a_file_whose_copy_was_tidied_away_is_counted_no_more_and_named() {
    let scratch = tempfile::tempdir().unwrap();
    let root = Dir::open(scratch.path()).unwrap();
    put(&root, "a", b"photo");
    put(&root, "b", b"another photo");
    let card = Card::scan_all(&root).unwrap();
    let (mut answer, told) = (Answer::default(), Told::default());
    card.files.iter().for_each(|file| answer.take(&card, file, Ok(()), &told));
    assert_eq!(answer.safe, Tally { files: 2, bytes: 18 });
    answer.take_back(&card, &card.files[1], Reason::Missing);
    assert_eq!(answer.safe, Tally { files: 1, bytes: 5 });
    let named: Vec<_> = answer.not_safe.iter().map(|bad| (bad.path.as_str(), bad.size)).collect();
    assert_eq!(named, [("b", 13)]);
}
