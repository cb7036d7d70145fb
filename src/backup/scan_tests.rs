//! Cards, their files and folders, and words for the odd things on them.
#![cfg(test)]

use super::*;

fn put(dir: &Dir, name: &[u8], content: &[u8]) {
    dir.create(name).unwrap().write_at(content, 0).unwrap();
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn only_what_holds_no_photos_hides_none() {
    for kind in [OddKind::Link, OddKind::Fifo, OddKind::Socket, OddKind::Device] {
        assert!(!kind.hides(), "{kind:?}");
    }
    for kind in [OddKind::OtherVolume, OddKind::TooDeep, OddKind::Unknown, OddKind::Twice] {
        assert!(kind.hides(), "{kind:?}");
    }
}

#[test]
fn each_odd_thing_is_said_in_words_of_its_own() {
    for (what, words) in [
        (OddKind::Link, "a link"),
        (OddKind::Fifo, "a fifo"),
        (OddKind::Socket, "a socket"),
        (OddKind::Device, "a device node"),
        (OddKind::OtherVolume, "another volume"),
        (OddKind::TooDeep, "nested too deeply"),
        (OddKind::Unknown, "the drive's file system is damaged"),
        (OddKind::Twice, "listed more than once"),
    ] {
        assert!(what.describe("drive").contains(words), "{what:?}");
    }
}

#[test]
fn files_and_folders_of_this_volume_are_taken_and_all_else_is_odd() {
    let scratch = tempfile::tempdir().unwrap();
    let root = Dir::open(scratch.path()).unwrap();
    let of =
        |kind, device| of_this_volume(&root, Stat { kind, size: 1, mtime: 2, ctime: 3, device, inode: 4 });
    let here = root.device();
    for (kind, device, odd) in [
        (FileKind::File, here, None),
        (FileKind::Directory, here, None),
        (FileKind::File, here + 1, Some(OddKind::OtherVolume)),
        (FileKind::Directory, here + 1, Some(OddKind::OtherVolume)),
        (FileKind::Symlink, here, Some(OddKind::Link)),
        (FileKind::Fifo, here, Some(OddKind::Fifo)),
        (FileKind::Socket, here, Some(OddKind::Socket)),
        (FileKind::Device, here, Some(OddKind::Device)),
    ] {
        assert_eq!(of(kind, device).err(), odd, "{kind:?}");
    }
}

#[test]
fn paths_are_put_together_and_taken_apart() {
    for (folder, name, path) in [("", "a", "a"), ("DCIM", "a", "DCIM/a"), ("DCIM/100", "a", "DCIM/100/a")] {
        assert_eq!(text(&join(folder.as_bytes(), name.as_bytes())), path);
        assert_eq!(split_path(path.as_bytes()), (folder.as_bytes(), name.as_bytes()));
    }
    assert_eq!(split_path(b"/a"), (&b""[..], &b"a"[..]));
}

#[test]
fn folders_come_before_what_is_in_them_and_files_lie_together_by_name() {
    let scratch = tempfile::tempdir().unwrap();
    let root = Dir::open(scratch.path()).unwrap();
    put(&root, b"z", b"12345");
    put(&root, b"a", b"");
    for (folder, size) in [(&b"DCIM"[..], 3), (b"System Volume Information", 4)] {
        let (sub, _) = root.make_sub(folder).unwrap();
        put(&sub, b"x", &vec![0; size]);
        // Below the root such a name is like any other.
        let (deeper, _) = sub.make_sub(b"System Volume Information").unwrap();
        put(&deeper, b"y", b"1");
    }
    let listed = |card: &Card| -> Vec<(String, u64)> {
        card.files.iter().map(|file| (text(&card.path(file)), file.size)).collect()
    };
    let of = |paths: &[(&str, u64)]| -> Vec<(String, u64)> {
        paths.iter().map(|(path, size)| ((*path).to_owned(), *size)).collect()
    };
    let card = Card::scan(&root).unwrap();
    let mut expected = of(&[("a", 0), ("z", 5), ("DCIM/x", 3), ("DCIM/System Volume Information/y", 1)]);
    assert_eq!(listed(&card), expected);
    assert_eq!(card.bytes(), 9);
    assert_eq!(card.clutter, [b"System Volume Information"]);
    for folder in &card.folders {
        for file in &card.files[folder.files.clone()] {
            assert_eq!(card.folders[file.folder as usize].path, folder.path);
        }
    }
    let all = Card::scan_all(&root).unwrap();
    expected.extend(of(&[
        ("System Volume Information/x", 4),
        ("System Volume Information/System Volume Information/y", 1),
    ]));
    assert_eq!(listed(&all), expected);
    assert!(all.clutter.is_empty() && all.odd.is_empty() && card.odd.is_empty());
}

#[test]
fn the_deepest_folder_is_read_and_the_one_below_it_is_named() {
    let scratch = tempfile::tempdir().unwrap();
    let root = Dir::open(scratch.path()).unwrap();
    let mut at = root.again().unwrap();
    for _ in 0..=DEEPEST {
        put(&at, b"photo", b"1");
        at = at.make_sub(b"f").unwrap().0;
    }
    let card = Card::scan(&root).unwrap();
    assert_eq!((card.folders.len(), card.files.len()), (DEEPEST, DEEPEST));
    let path = vec!["f"; DEEPEST].join("/").into_bytes();
    assert_eq!(card.odd, [Odd { path, what: OddKind::TooDeep }]);
}

#[test]
fn of_names_that_lead_to_one_file_none_is_taken_and_all_others_are() {
    let stat = |inode| Stat { kind: FileKind::File, size: 1, mtime: 2, ctime: 3, device: 4, inode };
    let mut found: Vec<Looked> = [1, 2, 1, 3, 4, 4, 4].map(|inode| (b"x".to_vec(), Ok(stat(inode)))).into();
    found.push((b"link".to_vec(), Err(OddKind::Link)));
    name_twice(&mut found);
    let taken: Vec<_> = found.iter().flat_map(|(_, what)| what).map(|stat| stat.inode).collect();
    assert_eq!(taken, [2, 3]);
    let twice = found.iter().filter(|(_, what)| *what == Err(OddKind::Twice)).count();
    assert_eq!((twice, found.len()), (5, 8));
}
