//! Makers' notes that name a preview: Olympus and OM System, Nikon. Their directories are TIFF's; what offsets count
//! from differs (as ExifTool's documentation of `Olympus` and `Nikon` tags tells).

use super::found::Found;
use super::ifd::{Entry, Tiff};
use super::reader::Reader;

mod tag {
    pub const NIKON_PREVIEW: u16 = 0x0011;
    pub const JPEG_OFFSET: u16 = 0x0201;
    pub const JPEG_LENGTH: u16 = 0x0202;
    pub const OLYMPUS_SETTINGS: u16 = 0x2020;
    pub const OLYMPUS_PREVIEW_OFFSET: u16 = 0x0101;
    pub const OLYMPUS_PREVIEW_LENGTH: u16 = 0x0102;
}

pub(super) fn read(reader: &mut Reader, outer: Tiff, note: &Entry, found: &mut Found) {
    let Some(head) = reader.array::<16>(note.at) else { return };
    let big = |at: usize| head[at] == b'M';
    if head.starts_with(b"Nikon\0") {
        // A whole TIFF, ten bytes on.
        let tiff = Tiff { base: note.at + 10, big: big(10) };
        if let Some(first) = reader.u32(tiff.base + 4, tiff.big) {
            let at = tiff.base + u64::from(first);
            preview(reader, tiff, at, tag::NIKON_PREVIEW, (tag::JPEG_OFFSET, tag::JPEG_LENGTH), found);
        }
        return;
    }
    let (tiff, at) = if head.starts_with(b"OLYMPUS\0") {
        (Tiff { base: note.at, big: big(8) }, note.at + 12)
    } else if head.starts_with(b"OM SYSTEM\0") {
        (Tiff { base: note.at, big: big(12) }, note.at + 16)
    } else if head.starts_with(b"OLYMP\0") {
        (outer, note.at + 8)
    } else {
        return;
    };
    let pair = (tag::OLYMPUS_PREVIEW_OFFSET, tag::OLYMPUS_PREVIEW_LENGTH);
    preview(reader, tiff, at, tag::OLYMPUS_SETTINGS, pair, found);
}

/// The preview that the directory behind `pointer` names.
fn preview(
    reader: &mut Reader,
    tiff: Tiff,
    at: u64,
    pointer: u16,
    (offset, length): (u16, u16),
    found: &mut Found,
) {
    let Some((entries, _)) = tiff.directory(reader, at) else { return };
    let Some(entry) = entries.iter().find(|e| e.tag == pointer) else { return };
    // An offset; or, in older notes of Olympus, the directory itself as bytes.
    let inner = match entry.kind {
        4 | 13 => reader.u32(entry.at, tiff.big).map(|offset| tiff.base + u64::from(offset)),
        _ => Some(entry.at),
    };
    let Some((entries, _)) = inner.and_then(|at| tiff.directory(reader, at)) else { return };
    let mut value = |tag: u16| {
        let entry = entries.iter().find(|e| e.tag == tag)?;
        tiff.number(reader, entry, 0).map(u64::from)
    };
    if let (Some(offset), Some(length)) = (value(offset), value(length)) {
        found.candidate(tiff.base + offset, length);
    }
}
