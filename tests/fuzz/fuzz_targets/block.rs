//! The marked-block editor: whatever the file holds, its other bytes come back. Input: body, NUL, file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use piback::provision::text::block::{Position, has_marker, set, without};

fuzz_target!(|data: &[u8]| {
    let mut halves = data.splitn(2, |b| *b == 0);
    let body = String::from_utf8_lossy(halves.next().unwrap_or_default()).into_owned();
    let file = halves.next().unwrap_or_default();
    let had = without(file);
    if let Ok(text) = std::str::from_utf8(file)
        && !has_marker(text)
    {
        assert_eq!(had.as_deref(), Ok(file), "a file without a marker has no block");
    }
    // render refuses such bodies.
    if has_marker(&body) {
        return;
    }
    for position in [Position::Top, Position::End] {
        let once = match (set(file, &body, position), &had) {
            (Ok(once), Ok(_)) => once,
            (Err(e), Err(same)) => {
                assert_eq!(e, *same);
                piback_fuzz::assert_printable("an error", &e.to_string());
                continue;
            }
            (one, other) => panic!("set says {one:?}, without {other:?}"),
        };
        assert_eq!(set(&once, &body, position).as_ref(), Ok(&once), "setting again changes nothing");
        assert_eq!(set(&once, "", position).and_then(|t| set(&t, &body, position)).as_ref(), Ok(&once));
        let rest = without(&once).expect("its own block is found");
        let had = had.as_ref().expect("looked at above");
        // The one byte that may be added ends a last line that had no end, where the block came after it.
        let ended = [&had[..], b"\n"].concat();
        assert!(
            rest == *had || (rest.len() > had.len() && rest == joined(file, had, &ended)),
            "{rest:?} {had:?}"
        );
        assert_eq!(without(&rest).as_ref(), Ok(&rest), "nothing of it is left");
    }
});

/// The file without its block, ended where the block stood behind a line without an end.
fn joined(file: &[u8], had: &[u8], ended: &[u8]) -> Vec<u8> {
    if file == had { ended.to_vec() } else { had.to_vec() }
}
