//! Clips of several files: which names in a folder, and which folders of a tree, belong together and get one suffix.
//!
//! A clip whose chapters, sound tracks or metadata end up under different suffixes can't be joined again by anybody who
//! was not there. The table is by pattern, each with its source (addresses stand in `docs/BACKUP.md`); a photo that
//! happens to fit one only gets a suffix together with its neighbours.

use super::scan::{self, Card, Folder};
use std::ops::Range;

/// Trees that belong together as a whole, by the name of their topmost folder: what is called alike in them is one clip.
///
/// - `AVCHD`, `BDMV`: AVCHD format specification: `STREAM/00001.MTS`, `CLIPINF/00001.CPI`, `PLAYLIST/00001.MPL`.
/// - `M4ROOT`: Sony XAVC S, camera help guides: `CLIP/C0001.MP4`, `CLIP/C0001M01.XML`, `THMBNL/C0001T01.JPG`,
///   `SUB/C0001S03.MP4`.
/// - `XDROOT`, `BPAV`: Sony XDCAM and XDCAM EX manuals.
/// - `CONTENTS`: Panasonic P2 (`VIDEO`, `AUDIO`, `CLIP`) and Canon XF (`CLIPS001`) manuals.
const TREES: [&str; 6] = ["AVCHD", "BDMV", "M4ROOT", "XDROOT", "BPAV", "CONTENTS"];

/// One way of naming the files of a clip: the part of a stem that they share, as [`matched`] reads it. `#` is a digit,
/// `?` a digit or letter, `*` anything; between `(` and `)` stands what differs between the files.
///
/// - `G…`: GoPro, "Camera File Naming Convention": `GX010001`, `GX020001` are chapters of 0001, `GL010001` its
///   low-resolution copy; before HERO6 `GOPR0001`, `GP010001`.
/// - `…M01`, `…T01`, `…S03`: Sony XAVC S and XDCAM, help guides: metadata, thumbnail and proxy of a clip.
/// - `…_Tr1`, `…_LR`, `…_MIC`, `…_BU`: Zoom H and F recorders' manuals: tracks, mixes, backup of a take; F8: `_Tr1_2`,
///   `_Tr1_D`; H8: `Tr1`, `TrLR`, `Mic12` in a folder of the take's own.
/// - `…S12`: Tascam DR recorders' manuals: `TASCAM_0001S12`, `TASCAM_0001S34`; Portacapture: `TASCAM_0001_1`, `_1-2`, `_MIX`.
/// - `VID_…_00_001`: Insta360, "file naming": both lenses (`00`, `10`) and `LRV_…_11_001` of a take.
/// - `…_Proxy`: Canon Cinema RAW (`A001C001_240101_1.CRM`) and Blackmagic manuals.
///
/// DJI's `.SRT`, `.LRF` and `.DNG`, Canon's `.CRM` beside `.MP4`, and `.THM` have the stem of their clip: no row is needed.
const PATTERNS: [&str; 31] = [
    "(GX??)####",
    "(GH??)####",
    "(GL??)####",
    "(GS??)####",
    "(GG??)####",
    "(GOPR)####",
    "(GP??)####",
    "*C####(M##)",
    "*C####(T##)",
    "*C####(S##)",
    "*(_Tr#)",
    "*(_Tr##)",
    "*(_Tr#-#)",
    "*(_Tr#_#)",
    "*(_Tr#_D)",
    "*(_TrLR)",
    "*(_TrMic)",
    "*(_LR)",
    "*(_MIC)",
    "*(_BU)",
    "(TrLR)",
    "(Tr?)",
    "(Tr##)",
    "(Mic##)",
    "(Mic##_BU)",
    "TASCAM_####(S##)",
    "TASCAM_####(_#)",
    "TASCAM_####(_#-#)",
    "TASCAM_####(_MIX)",
    "TASCAM_####(MIX#)",
    "*(_Proxy)",
];

/// Insta360: `VID_20240101_120000_00_001` and its siblings differ in two places.
const INSTA360: [(&str, &str); 2] = [("VID_", "########_######_##_###"), ("LRV_", "########_######_##_###")];

/// The part of a stem that it shares with the other files of its clip; all of it where nothing says that there are others.
#[must_use]
pub fn group(stem: &[u8]) -> Vec<u8> {
    for (prefix, shape) in INSTA360 {
        if let Some(rest) = stem.strip_prefix(prefix.as_bytes())
            && fits(shape.as_bytes(), rest)
        {
            return [b"VID_", &rest[..15], &rest[18..]].concat();
        }
    }
    for pattern in PATTERNS {
        if let Some((before, after)) = matched(pattern.as_bytes(), stem) {
            // What is left alone is no name: `0001.JPG` is nobody's chapter. No card has a name with a slash.
            let mark: &[u8] = if before.is_empty() { b"/" } else { b"" };
            return [mark, before, after].concat();
        }
    }
    stem.to_vec()
}

/// The folders whose names are given together: this one, or all of a tree that belongs together.
#[must_use]
pub fn together(card: &Card, at: usize) -> Range<usize> {
    let path = &card.folders[at].path;
    if !is_tree(scan::split_path(path).1) {
        return at..at + 1;
    }
    let below =
        |other: &Folder| other.path.strip_prefix(path.as_slice()).is_some_and(|p| p.starts_with(b"/"));
    at..at + 1 + card.folders[at + 1..].iter().take_while(|other| below(other)).count()
}

/// Tells whether this folder is the top of a tree that belongs together.
#[must_use]
pub fn is_tree(folder: &[u8]) -> bool {
    TREES.iter().any(|tree| tree.as_bytes().eq_ignore_ascii_case(folder))
}

/// Splits off the part in brackets: what stands before and after it, if the stem fits the pattern.
fn matched<'a>(pattern: &[u8], stem: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let open = pattern.iter().position(|b| *b == b'(')?;
    let close = pattern.iter().position(|b| *b == b')')?;
    let (before, differs, after) = (&pattern[..open], &pattern[open + 1..close], &pattern[close + 1..]);
    let head = stem.len().checked_sub(differs.len() + after.len())?;
    let (start, rest) = stem.split_at(head);
    let (middle, end) = rest.split_at(differs.len());
    let start_fits = match before.strip_prefix(b"*") {
        Some(tail) => start
            .len()
            .checked_sub(tail.len())
            .is_some_and(|at| (at > 0 || !tail.is_empty()) && fits(tail, &start[at..])),
        None => fits(before, start),
    };
    (start_fits && fits(differs, middle) && fits(after, end)).then_some((start, end))
}

fn fits(shape: &[u8], text: &[u8]) -> bool {
    shape.len() == text.len()
        && shape.iter().zip(text).all(|(shape, byte)| match shape {
            b'#' => byte.is_ascii_digit(),
            b'?' => byte.is_ascii_alphanumeric(),
            letter => letter.eq_ignore_ascii_case(byte),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_clip_share_a_group_and_strangers_do_not() {
        for clip in [
            &["GX010001", "GX020001", "GL010001", "gx030001"][..],
            &["GOPR0042", "GP010042", "GP020042"],
            &["C0001", "C0001M01", "C0001T01", "C0001S03"],
            &["240101_C0007", "240101_C0007M01"],
            &["ZOOM0001", "ZOOM0001_Tr1", "ZOOM0001_Tr12", "ZOOM0001_TrLR", "ZOOM0001_LR", "ZOOM0001_BU"],
            &["TASCAM_0001", "TASCAM_0001S12", "TASCAM_0001S34"],
            &["VID_20240101_120000_00_001", "VID_20240101_120000_10_001", "LRV_20240101_120000_11_001"],
            &["A001C001_240101_1", "A001C001_240101_1_Proxy"],
        ] {
            let first = group(clip[0].as_bytes());
            for other in clip {
                assert_eq!(group(other.as_bytes()), first, "{other}");
            }
        }
        let strangers = [
            "0001",
            "GX010002",
            "IMG_0001",
            "IMG_0002",
            "C0002",
            "DSC0001M01",
            "_LR",
            "_Proxy",
            "G0010001",
            "DJI_0001",
            "ZOOM0002_Tr1",
            "VID_20240101_120000_00_002",
            "00001",
        ];
        let groups: std::collections::HashSet<_> = strangers.iter().map(|s| group(s.as_bytes())).collect();
        assert_eq!(groups.len(), strangers.len());
        assert_eq!(group(b"IMG_0001"), b"IMG_0001");
    }

    #[test]
    fn trees_are_known_by_their_top() {
        assert!(
            is_tree(b"AVCHD") && is_tree(b"M4ROOT") && is_tree(b"bdmv") && !is_tree(b"DCIM") && !is_tree(b"")
        );
    }
}
