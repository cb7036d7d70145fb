//! Names on a remote. Pure.

use crate::backup::manifest::to_text;

/// More names than that for one file are not tried.
pub const VARIANTS: u32 = 20;

/// The folder for what is on its way, below the remote's folder: nothing in it counts.
pub const ON_ITS_WAY: &str = ".piback-sending";

/// The name that a drive's file gets on a remote: its own, as far as that is text without control characters; else with
/// those bytes as `%0A`.
#[must_use]
pub fn own(place: &[u8]) -> String {
    if is_plain(place) || std::str::from_utf8(place).is_ok_and(|text| !text.chars().any(char::is_control)) {
        return String::from_utf8_lossy(place).into_owned();
    }
    let escape = |c: char| match c {
        c if c.is_control() => c.to_string().bytes().map(|b| format!("%{b:02X}")).collect(),
        c => c.to_string(),
    };
    to_text(place).chars().map(escape).collect()
}

/// The `k`-th name for a file of this name: with `~k` before the ending.
#[must_use]
pub fn variant(name: &str, k: u32) -> String {
    if k < 2 {
        return name.to_owned();
    }
    let base = name.rfind('/').map_or(0, |slash| slash + 1);
    // A dot at a name's beginning hides a file and begins no ending.
    match name[base..].rfind('.').filter(|dot| *dot > 0) {
        Some(dot) => format!("{}~{k}{}", &name[..base + dot], &name[base + dot..]),
        None => format!("{name}~{k}"),
    }
}

/// Tells whether a name can stand in a list of lines, as it is: what can't is sent by itself, under its escaped name.
#[must_use]
pub fn is_plain(place: &[u8]) -> bool {
    std::str::from_utf8(place).is_ok_and(|text| !text.chars().any(char::is_control))
        && !place.ends_with(b" ")
        && !place.starts_with(b" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_photos_of_a_name_go_beside() {
        for (name, k, other) in [
            ("A/DCIM/IMG_1.CR3", 1, "A/DCIM/IMG_1.CR3"),
            ("A/DCIM/IMG_1.CR3", 2, "A/DCIM/IMG_1~2.CR3"),
            ("A.b/IMG", 3, "A.b/IMG~3"),
            (".hidden", 2, ".hidden~2"),
            ("x.tar.gz", 2, "x.tar~2.gz"),
        ] {
            assert_eq!(variant(name, k), other);
        }
    }

    #[test]
    fn names_that_a_line_can_t_carry_are_told() {
        assert!(is_plain("A/Ö 1.jpg".as_bytes()));
        assert_eq!(own(b"caf\xe9 1%/a\nb"), "caf%E9 1%25/a%0Ab");
        assert_eq!((own(b" a ").as_str(), own("Ö 5%".as_bytes()).as_str()), (" a ", "Ö 5%"));
        for odd in [&b"a\xe9"[..], b"a\nb", b"a\x1b", b"a ", b" a"] {
            assert!(!is_plain(odd), "{odd:?}");
        }
    }
}
