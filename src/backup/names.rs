//! File names: stem groups and their suffixes, folded case, and names that a drive can't hold.

use super::label::FORBIDDEN;
use twox_hash::XxHash3_128;

/// Sidecars that are named after the whole file (`IMG_0001.CR3.xmp`), not after its stem.
const SIDECARS: [&[u8]; 6] = [b"xmp", b"pp3", b"dop", b"thm", b"wav", b"json"];

/// Folders in folders, deeper than any camera's, and than any path that other systems open.
pub const DEEPEST: usize = 100;

/// The longest name that Linux file systems take, in bytes.
const LONGEST: usize = 255;

/// Folders that a computer leaves at the root of a volume; nothing of a camera's is among them. They are skipped
/// and counted, everything else is copied.
const CLUTTER: [&str; 8] = [
    "System Volume Information",
    "$RECYCLE.BIN",
    ".Trashes",
    ".Trash",
    ".Spotlight-V100",
    ".fseventsd",
    ".TemporaryItems",
    ".DocumentRevisions-V100",
];

/// Splits a name into its stem and the rest (with its dot): files of one stem in one folder belong together.
#[must_use]
pub fn split(name: &[u8]) -> (&[u8], &[u8]) {
    let last_dot = |part: &[u8]| part.iter().rposition(|b| *b == b'.').filter(|at| *at > 0);
    let Some(at) = last_dot(name) else { return (name, &[]) };
    let extension = name[at + 1..].to_ascii_lowercase();
    if SIDECARS.contains(&extension.as_slice()) {
        // Only a short second extension is one: `IMG_0001.CR3.xmp`, not `a day. at the sea.xmp`.
        if let Some(inner) = last_dot(&name[..at]) {
            let between = &name[inner + 1..at];
            if (2..=4).contains(&between.len()) && between.iter().all(u8::is_ascii_alphanumeric) {
                return name.split_at(inner);
            }
        }
    }
    name.split_at(at)
}

/// The name of the `k`-th different file of this name: 1 is the name itself, 2 has `~2` after its stem. Cut where
/// it would be longer than a name can be.
#[must_use]
pub fn variant(name: &[u8], k: u32) -> Vec<u8> {
    if k <= 1 {
        return name.to_vec();
    }
    let (stem, rest) = split(name);
    let suffix = format!("~{k}");
    let room = LONGEST.saturating_sub(suffix.len() + rest.len());
    let mut name = cut(stem, room).to_vec();
    name.extend_from_slice(suffix.as_bytes());
    name.extend_from_slice(rest);
    name
}

/// The stem and number that a name on the drive may have been made of by [`variant`].
#[must_use]
pub fn numbered(name: &[u8]) -> (&[u8], u32) {
    let (stem, _) = split(name);
    if let Some(at) = stem.iter().rposition(|b| *b == b'~') {
        let digits = &stem[at + 1..];
        if (1..=6).contains(&digits.len()) && digits[0] != b'0' && digits.iter().all(u8::is_ascii_digit) {
            let k = digits.iter().fold(0, |k, d| k * 10 + u32::from(d - b'0'));
            if k >= 2 {
                return (&stem[..at], k);
            }
        }
    }
    (stem, 1)
}

/// The name as a file system that ignores case sees it, near enough: what this misses, renaming without replacing
/// catches.
#[must_use]
pub fn fold(name: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(name) {
        Ok(text) => text.chars().flat_map(char::to_lowercase).collect::<String>().into_bytes(),
        Err(_) => name.to_ascii_lowercase(),
    }
}

/// A name that every drive can hold, for one that this drive refused: bytes that FAT forbids as `%3A`, and a hash
/// where it is too long. The manifest keeps the card's own name.
#[must_use]
pub fn escape(name: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() || FORBIDDEN.contains(c) || c == '%' {
                let mut bytes = [0; 4];
                c.encode_utf8(&mut bytes).bytes().for_each(|b| percent(&mut escaped, b));
            } else {
                let mut bytes = [0; 4];
                escaped.extend_from_slice(c.encode_utf8(&mut bytes).as_bytes());
            }
        }
        chunk.invalid().iter().for_each(|b| percent(&mut escaped, *b));
    }
    if let Some(last @ (b'.' | b' ')) = escaped.last().copied() {
        escaped.pop();
        percent(&mut escaped, last);
    }
    if escaped.len() > LONGEST || name.len() > LONGEST / 2 {
        let (stem, rest) = split(&escaped);
        let rest = cut(rest, 20);
        let mut short = cut(stem, 100).to_vec();
        short.extend_from_slice(format!("%{:016x}", XxHash3_128::oneshot(name) as u64).as_bytes());
        short.extend_from_slice(rest);
        return short;
    }
    escaped
}

/// Tells whether Windows' file systems, or their drivers, drop the end of this name: a dot or a space.
#[must_use]
pub fn ends_badly(name: &[u8]) -> bool {
    matches!(name.last(), Some(b'.' | b' '))
}

/// The names to try for a file or folder, one after the other: its own, and escaped. A name whose end this drive would
/// drop is not tried: the one on record has to be the one that is there.
#[must_use]
pub fn tried(plain: Vec<u8>, keeps_ends: bool) -> Vec<Vec<u8>> {
    let escaped = escape(&plain);
    if keeps_ends || !ends_badly(&plain) { vec![plain, escaped] } else { vec![escaped] }
}

/// Tells whether a name at the root of a card is a computer's, not a camera's or a person's.
#[must_use]
pub fn is_clutter(name: &[u8]) -> bool {
    CLUTTER.iter().any(|clutter| clutter.as_bytes().eq_ignore_ascii_case(name))
}

/// Tells whether a computer leaves a file of this name in folders that it shows: nobody's photo, on a drive.
#[must_use]
pub fn is_litter(name: &[u8]) -> bool {
    const LITTER: [&[u8]; 3] = [b".DS_Store", b"Thumbs.db", b"desktop.ini"];
    name.starts_with(b"._")
        || LITTER.iter().any(|litter| litter.eq_ignore_ascii_case(name))
        || is_rsync_temp(name)
}

/// Tells whether rsync, cut off, leaves a file of this name: `.IMG_0001.CR3.aB3xYz`, with a random end as mkstemp(3) makes it.
fn is_rsync_temp(name: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(b".") else { return false };
    let Some((inner, end)) = rest.len().checked_sub(7).map(|at| rest.split_at(at)) else { return false };
    let random = end[0] == b'.' && end[1..].iter().all(u8::is_ascii_alphanumeric);
    // Of seven random ends one in two hundred has small letters alone; `.notes.txt.backup` is somebody's.
    random && inner.contains(&b'.') && !end[1..].iter().all(u8::is_ascii_lowercase)
}

fn percent(name: &mut Vec<u8>, byte: u8) {
    name.extend_from_slice(format!("%{byte:02X}").as_bytes());
}

/// At most `room` bytes of `text`, never half a character.
fn cut(text: &[u8], room: usize) -> &[u8] {
    if text.len() <= room {
        return text;
    }
    let mut end = room;
    while end > 0 && text[end] & 0xC0 == 0x80 {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[test]
    fn a_group_shares_its_stem() {
        for (name, stem, rest) in [
            ("IMG_0001.CR3", "IMG_0001", ".CR3"),
            ("IMG_0001.xmp", "IMG_0001", ".xmp"),
            ("IMG_0001.CR3.xmp", "IMG_0001", ".CR3.xmp"),
            ("2026.01.02 sea.jpg", "2026.01.02 sea", ".jpg"),
            (".hidden", ".hidden", ""),
            ("noext", "noext", ""),
            ("dot.", "dot", "."),
        ] {
            let (a, b) = split(name.as_bytes());
            assert_eq!((shown(a).as_str(), shown(b).as_str()), (stem, rest));
        }
    }

    #[test]
    fn suffixes_go_after_the_stem_and_are_found_again() {
        for (name, k, expected) in [
            ("IMG_0001.CR3", 1, "IMG_0001.CR3"),
            ("IMG_0001.CR3", 2, "IMG_0001~2.CR3"),
            ("IMG_0001.CR3.xmp", 12, "IMG_0001~12.CR3.xmp"),
            ("noext", 3, "noext~3"),
        ] {
            assert_eq!(shown(&variant(name.as_bytes(), k)), expected);
            assert_eq!(numbered(expected.as_bytes()), (split(name.as_bytes()).0, k));
        }
        assert_eq!(numbered(b"A~1.JPG").1, 1);
        assert_eq!(numbered(b"A~02.JPG").1, 1);
        let long = format!("{}.jpg", "ä".repeat(125));
        let suffixed = variant(long.as_bytes(), 1000);
        assert!(suffixed.len() <= 255 && shown(&suffixed).ends_with("~1000.jpg"));
        assert!(std::str::from_utf8(&suffixed).is_ok());
    }

    #[test]
    fn rsync_s_temporary_files_are_litter_and_other_hidden_files_are_not() {
        assert!(is_litter(b".IMG_0001.CR3.aB3xYz") && is_litter(b".MVI 0001.MP4.000000"));
        for own in [
            &b".notes.txt.backup"[..],
            b".hidden",
            b".a.b",
            b"IMG_0001.CR3.aB3xYz",
            b".IMG_0001.aB3xYz",
            b".",
        ] {
            assert!(!is_litter(own), "{}", String::from_utf8_lossy(own));
        }
    }

    #[test]
    fn an_end_that_the_drive_drops_is_escaped_at_once() {
        let shown =
            |name: &[u8], keeps| tried(name.to_vec(), keeps).iter().map(|n| shown(n)).collect::<Vec<_>>();
        assert_eq!(shown(b"a.", false), ["a%2E"]);
        assert_eq!(shown(b"b ", false), ["b%20"]);
        assert_eq!(shown(b"a.", true)[0], "a.");
        assert_eq!(shown(b"a.jpg", false)[0], "a.jpg");
    }

    #[test]
    fn an_escaped_name_is_one_that_fat_holds() {
        assert_eq!(shown(&escape(b"a:b?.jpg")), "a%3Ab%3F.jpg");
        assert_eq!(shown(&escape(b"caf\xe9.jpg")), "caf%E9.jpg");
        assert_eq!(shown(&escape(b"end.")), "end%2E");
        assert_eq!(shown(&escape("naïve\n.jpg".as_bytes())), "naïve%0A.jpg");
        let long = "写".repeat(255);
        assert!(escape(long.as_bytes()).len() <= 255);
        assert_ne!(escape(long.as_bytes()), escape(format!("{long}x").as_bytes()));
    }
}
