//! ISO base media files (ISO/IEC 14496-12): CR3, HEIC, MP4, MOV. Boxes in boxes: length, type, content.
//!
//! CR3's own boxes are as Laurent Clévy's description of the format has them.

use super::facts::Facts;
use super::found::Found;
use super::preview::{Kind, Media, Photo};
use super::reader::Reader;
use super::{raw, tiff};
use std::ops::Range;

/// Boxes of one level.
const MOST_BOXES: u32 = 256;
/// Items of a HEIC: an iPhone's photo has some fifty tiles.
const MOST_ITEMS: u32 = 1024;
/// Seconds from 1904, where QuickTime's time begins, to 1970.
const FROM_1904: i64 = 2_082_844_800;

/// `uuid` boxes of a CR3: with the camera's facts, and with the preview.
const CANON: [u8; 16] = *b"\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48";
const PREVIEW: [u8; 16] = *b"\xea\xf4\x2b\x5e\x1c\x98\x4b\x88\xb9\xfb\xb7\xdc\x40\x6e\x4d\x16";

struct Box {
    kind: [u8; 4],
    /// Its content.
    body: Range<u64>,
}

pub(super) fn photo(reader: &mut Reader) -> Option<Photo> {
    let top = boxes(reader, 0..reader.size());
    let first = top.first()?;
    let brand = match &first.kind {
        b"ftyp" => reader.array::<4>(first.body.start)?,
        // QuickTime before it had brands.
        b"moov" | b"mdat" | b"wide" | b"free" | b"skip" if top.iter().any(|b| &b.kind == b"moov") => *b"qt  ",
        _ => return None,
    };
    match &brand {
        b"crx " => Some(cr3(reader, &top)),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => {
            Some(heic(reader, &top))
        }
        _ => {
            let moov = top.iter().find(|b| &b.kind == b"moov")?;
            let media = if &brand == b"qt  " { Media::QuickTime } else { Media::Mp4 };
            let facts = Facts { taken: video_time(reader, moov), ..Facts::default() };
            Some(Photo::whole(reader, Kind::Video, media, facts))
        }
    }
}

/// The boxes of a level, as far as they make sense.
fn boxes(reader: &mut Reader, range: Range<u64>) -> Vec<Box> {
    let (mut found, mut at) = (Vec::new(), range.start);
    for _ in 0..MOST_BOXES {
        let Some(size) = reader.u32(at, true) else { break };
        let Some(kind) = reader.array::<4>(at + 4) else { break };
        let (head, size) = match size {
            // To the end of the file.
            0 => (8, range.end.saturating_sub(at)),
            1 => match reader.u64_be(at + 8) {
                Some(size) => (16, size),
                None => break,
            },
            size => (8, u64::from(size)),
        };
        let Some(end) = at.checked_add(size).filter(|end| size >= head && *end <= range.end) else { break };
        found.push(Box { kind, body: at + head..end });
        at = end;
        if at >= range.end {
            break;
        }
    }
    found
}

/// The content of the box at the end of this way down.
fn at(reader: &mut Reader, mut range: Range<u64>, way: &[&[u8; 4]]) -> Option<Range<u64>> {
    for kind in way {
        range = boxes(reader, range).into_iter().find(|b| &b.kind == *kind)?.body;
    }
    Some(range)
}

/// The content of a `uuid` box, behind its name.
fn uuid(reader: &mut Reader, boxes: &[Box], name: [u8; 16]) -> Option<Range<u64>> {
    let named = |b: &&Box| &b.kind == b"uuid" && reader.array::<16>(b.body.start) == Some(name);
    boxes.iter().find(named).map(|b| b.body.start + 16..b.body.end)
}

fn cr3(reader: &mut Reader, top: &[Box]) -> Photo {
    let mut found = Found::default();
    if let Some(moov) = top.iter().find(|b| &b.kind == b"moov") {
        let inner = boxes(reader, moov.body.clone());
        if let Some(canon) = uuid(reader, &inner, CANON) {
            for part in boxes(reader, canon) {
                match &part.kind {
                    // IFD0 and Exif, each a TIFF of its own.
                    b"CMT1" | b"CMT2" => tiff::read(reader, &part.body, &mut found),
                    // Version and flags, width and height, length, four more bytes.
                    b"THMB" => named_jpeg(reader, &part.body, 8, 16, &mut found),
                    _ => {}
                }
            }
        }
        if let Some(track) = inner.iter().find(|b| &b.kind == b"trak") {
            first_sample(reader, track.body.clone(), &mut found);
        }
    }
    if let Some(preview) = uuid(reader, top, PREVIEW) {
        // Eight bytes stand before its one box.
        let start = (preview.start + 8).min(preview.end);
        for part in boxes(reader, start..preview.end) {
            if &part.kind == b"PRVW" {
                named_jpeg(reader, &part.body, 12, 16, &mut found);
            }
        }
    }
    raw::photo(found, reader)
}

/// A JPEG whose length stands at one place of the box and whose bytes begin at another.
fn named_jpeg(reader: &mut Reader, body: &Range<u64>, length: u64, begin: u64, found: &mut Found) {
    if let Some(length) = reader.u32(body.start + length, true) {
        found.candidate(body.start + begin, length.into());
    }
}

/// A track's first sample: in a CR3 the full-size JPEG.
fn first_sample(reader: &mut Reader, track: Range<u64>, found: &mut Found) {
    let Some(table) = at(reader, track, &[b"mdia", b"minf", b"stbl"]) else { return };
    let parts = boxes(reader, table);
    let body = |kind: &[u8; 4]| parts.iter().find(|b| &b.kind == kind).map(|b| b.body.start);
    let Some(sizes) = body(b"stsz") else { return };
    // One size for all, or a table.
    let size = match reader.u32(sizes + 4, true) {
        Some(0) => reader.u32(sizes + 12, true),
        size => size,
    };
    let place = match (body(b"co64"), body(b"stco")) {
        (Some(at), _) => reader.u64_be(at + 8),
        (None, Some(at)) => reader.u32(at + 8, true).map(u64::from),
        (None, None) => None,
    };
    if let (Some(size), Some(place)) = (size, place) {
        found.candidate(place, size.into());
    }
}

/// Itself, with the facts of its Exif item. Its orientation is a property that whoever decodes it obeys.
fn heic(reader: &mut Reader, top: &[Box]) -> Photo {
    let mut found = Found::default();
    let meta = top.iter().find(|b| &b.kind == b"meta").map(|b| b.body.start + 4..b.body.end);
    if let Some(meta) = meta.filter(|m| m.start <= m.end) {
        let parts = boxes(reader, meta);
        let part = |kind: &[u8; 4]| parts.iter().find(|b| &b.kind == kind).map(|b| b.body.clone());
        let item = part(b"iinf").and_then(|info| exif_item(reader, info));
        if let (Some(item), Some(places)) = (item, part(b"iloc"))
            && let Some(place) = item_place(reader, places, item)
            && let Some(skip) = reader.u32(place.start, true)
        {
            let start = place.start + 4 + u64::from(skip);
            tiff::read(reader, &(start..place.end.max(start)), &mut found);
        }
    }
    Photo::whole(reader, Kind::Heic, Media::Heic, found.facts)
}

/// The number of the item that is EXIF (`infe` of version 2 or 3).
fn exif_item(reader: &mut Reader, info: Range<u64>) -> Option<u32> {
    let [version] = reader.array(info.start)?;
    let head = if version == 0 { 6 } else { 8 };
    for entry in boxes(reader, (info.start + head).min(info.end)..info.end) {
        let at = entry.body.start;
        let [version] = reader.array(at)?;
        let (number, kind) = match version {
            2 => (u32::from(reader.u16(at + 4, true)?), at + 8),
            3 => (reader.u32(at + 4, true)?, at + 10),
            _ => continue,
        };
        if &reader.array::<4>(kind)? == b"Exif" {
            return Some(number);
        }
    }
    None
}

/// The place of an item's first extent (`iloc` of version 0 to 2, in the file itself).
fn item_place(reader: &mut Reader, places: Range<u64>, wanted: u32) -> Option<Range<u64>> {
    let [version, _, _, _, sizes, more] = reader.array(places.start)?;
    let (offset_size, length_size) = (u64::from(sizes >> 4), u64::from(sizes & 15));
    let base_size = u64::from(more >> 4);
    let index_size = if version == 0 { 0 } else { u64::from(more & 15) };
    let mut at = places.start + 6;
    let count = if version < 2 {
        at += 2;
        u32::from(reader.u16(at - 2, true)?)
    } else {
        at += 4;
        reader.u32(at - 4, true)?
    };
    for _ in 0..count.min(MOST_ITEMS) {
        let number = if version < 2 { u32::from(reader.u16(at, true)?) } else { reader.u32(at, true)? };
        at += if version < 2 { 2 } else { 4 };
        let method = if version == 0 { 0 } else { reader.u16(at, true)? & 15 };
        at += if version == 0 { 2 } else { 4 };
        let base = sized(reader, at, base_size)?;
        at += base_size;
        let extents = u64::from(reader.u16(at, true)?);
        at += 2;
        if number == wanted && method == 0 && extents > 0 {
            let start = base.checked_add(sized(reader, at + index_size, offset_size)?)?;
            let length = sized(reader, at + index_size + offset_size, length_size)?;
            return Some(start..start.checked_add(length)?);
        }
        at = at.checked_add(extents * (index_size + offset_size + length_size))?;
    }
    None
}

/// A number of 0, 4 or 8 bytes.
fn sized(reader: &mut Reader, at: u64, size: u64) -> Option<u64> {
    match size {
        0 => Some(0),
        4 => reader.u32(at, true).map(u64::from),
        8 => reader.u64_be(at),
        _ => None,
    }
}

/// When a video was made: `mvhd`, by universal time.
fn video_time(reader: &mut Reader, moov: &Box) -> Option<String> {
    let header = at(reader, moov.body.clone(), &[b"mvhd"])?.start;
    let seconds = match reader.array(header)? {
        [1u8] => i64::try_from(reader.u64_be(header + 4)?).ok()?,
        [_] => i64::from(reader.u32(header + 4, true)?),
    };
    let time = jiff::Timestamp::from_second(seconds.checked_sub(FROM_1904)?).ok()?;
    (seconds > FROM_1904).then(|| time.strftime("%Y-%m-%dT%H:%M:%S").to_string())
}
