//! The manifest's reader: a line with a wrong checksum counts for nothing, a path never leads out of the label.
//!
//! Each line of the input is read as it is, and once more as JSON behind the right checksum.
#![no_main]

use libfuzzer_sys::fuzz_target;
use piback::backup::manifest::{Index, Record, from_text, to_text};
use twox_hash::XxHash3_128;

fn checksum(json: &[u8]) -> String {
    format!("{:016x}", XxHash3_128::oneshot(json) as u64)
}

fn harmless(path: &[u8]) -> bool {
    path.split(|b| *b == b'/').all(|p| !p.is_empty() && p != b"." && p != b".." && !p.contains(&0))
}

fuzz_target!(|data: &[u8]| {
    let mut index = Index::default();
    for line in data.split(|b| *b == b'\n') {
        let taken = Record::from_line(line);
        if let Some(record) = &taken {
            assert_eq!(&line[..16], checksum(&line[17..]).as_bytes(), "a wrong checksum was taken");
            index.add(record);
        }
        let sealed = [checksum(line).as_bytes(), b" ", line].concat();
        let Some(record) = Record::from_line(&sealed) else { continue };
        let again = record.to_line();
        assert_eq!(Record::from_line(again.trim_end_matches('\n').as_bytes()).as_ref(), Some(&record));
        assert_eq!(again.matches('\n').count(), 1, "one record, one line");
        // Any one byte more, less or other: no record, whatever it says.
        let at = sealed.len() / 2;
        let mut altered = sealed.clone();
        altered[at] ^= 1;
        assert_eq!(Record::from_line(&altered), None, "an altered line was taken");
        assert_eq!(Record::from_line(&sealed[..sealed.len() - 1]), None, "a torn line was taken");
        index.add(&record);
    }
    let mut last: Option<&[u8]> = None;
    for known in index.dests() {
        assert!(harmless(known.dest) && (known.path.is_empty() || harmless(known.path)), "{known:?}");
        assert!(last.is_none_or(|last| last < known.dest), "not sorted, or twice");
        last = Some(known.dest);
        assert!(index.of_dest(known.dest).is_some_and(|k| k.hash == known.hash && k.dest == known.dest));
        if known.is_vouched() {
            assert!(index.of_path(known.path).any(|k| k.dest == known.dest && k.hash == known.hash));
        }
        if let Some(to) = index.moved_to(known.dest) {
            assert!(harmless(to));
        }
        assert_eq!(from_text(&to_text(known.dest)).as_deref(), Some(known.dest));
    }
});
