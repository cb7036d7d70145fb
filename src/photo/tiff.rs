//! TIFF, and with it EXIF and most RAW formats: everything that its directories name (EXIF 2.32, section 4.6).

use super::facts::{self, Facts};
use super::found::Found;
use super::ifd::{Entry, Tiff};
use super::makernote;
use super::reader::Reader;
use std::ops::Range;

/// Directories in all, and how deep they nest.
const MOST_DIRECTORIES: u32 = 24;
const DEEPEST: u32 = 4;

mod tag {
    pub const RW2_JPEG: u16 = 0x002e;
    pub const COMPRESSION: u16 = 0x0103;
    pub const MODEL: u16 = 0x0110;
    pub const STRIP_OFFSETS: u16 = 0x0111;
    pub const ORIENTATION: u16 = 0x0112;
    pub const STRIP_COUNTS: u16 = 0x0117;
    pub const TIME: u16 = 0x0132;
    pub const SUB_DIRECTORIES: u16 = 0x014a;
    pub const JPEG_OFFSET: u16 = 0x0201;
    pub const JPEG_LENGTH: u16 = 0x0202;
    pub const EXPOSURE: u16 = 0x829a;
    pub const APERTURE: u16 = 0x829d;
    pub const EXIF: u16 = 0x8769;
    pub const ISO: u16 = 0x8827;
    pub const TIME_TAKEN: u16 = 0x9003;
    pub const MAKER_NOTE: u16 = 0x927c;
}

/// Everything that the TIFF at this range tells.
pub(super) fn read(reader: &mut Reader, range: &Range<u64>, found: &mut Found) {
    let Some((tiff, first)) = Tiff::open(reader, range.start) else { return };
    let mut walk = Walk { tiff, found, left: MOST_DIRECTORIES, seen: Vec::new() };
    let mut next = Some(first);
    while let Some(at) = next {
        next = walk.directory(reader, at, 0);
    }
}

struct Walk<'a> {
    tiff: Tiff,
    found: &'a mut Found,
    left: u32,
    seen: Vec<u64>,
}

/// The parts of a directory that make a picture.
#[derive(Default)]
struct Picture {
    compression: u32,
    strip: (Option<u32>, Option<u32>),
    jpeg: (Option<u32>, Option<u32>),
}

impl Walk<'_> {
    /// Reads a directory and those below it; returns the next one.
    fn directory(&mut self, reader: &mut Reader, at: u64, depth: u32) -> Option<u64> {
        if self.left == 0 || depth > DEEPEST || self.seen.contains(&at) {
            return None;
        }
        self.left -= 1;
        self.seen.push(at);
        let (entries, next) = self.tiff.directory(reader, at)?;
        let mut picture = Picture::default();
        for entry in &entries {
            self.entry(reader, entry, depth, &mut picture);
        }
        let base = self.tiff.base;
        if let (Some(offset), Some(length)) = picture.jpeg {
            self.found.candidate(base + u64::from(offset), length.into());
        }
        // 6 and 7 are JPEG. A DNG's preview is a single strip; tiles and many strips are the RAW itself.
        if let (6 | 7, (Some(offset), Some(length))) = (picture.compression, picture.strip) {
            self.found.candidate(base + u64::from(offset), length.into());
        }
        next
    }

    fn entry(&mut self, reader: &mut Reader, entry: &Entry, depth: u32, picture: &mut Picture) {
        let tiff = self.tiff;
        let number = |reader: &mut Reader| tiff.number(reader, entry, 0);
        match entry.tag {
            tag::COMPRESSION => picture.compression = number(reader).unwrap_or(0),
            tag::STRIP_OFFSETS if entry.count == 1 => picture.strip.0 = number(reader),
            tag::STRIP_COUNTS if entry.count == 1 => picture.strip.1 = number(reader),
            tag::JPEG_OFFSET => picture.jpeg.0 = number(reader),
            tag::JPEG_LENGTH => picture.jpeg.1 = number(reader),
            tag::RW2_JPEG if entry.kind == 7 => self.found.candidate(entry.at, entry.count.into()),
            tag::SUB_DIRECTORIES | tag::EXIF => {
                for n in 0..entry.count.min(8) {
                    if let Some(offset) = tiff.number(reader, entry, n) {
                        self.directory(reader, tiff.base + u64::from(offset), depth + 1);
                    }
                }
            }
            tag::MAKER_NOTE => makernote::read(reader, tiff, entry, self.found),
            _ => fact(reader, tiff, entry, &mut self.found.facts),
        }
    }
}

/// Facts: the first of a kind counts, which is that of the main directory.
fn fact(reader: &mut Reader, tiff: Tiff, entry: &Entry, facts: &mut Facts) {
    match entry.tag {
        tag::ORIENTATION if facts.orientation.is_none() => {
            let told = tiff.number(reader, entry, 0).and_then(|o| u8::try_from(o).ok());
            facts.orientation = told.filter(|o| (1..=8).contains(o));
        }
        tag::EXPOSURE if facts.exposure.is_none() => facts.exposure = tiff.ratio(reader, entry),
        tag::APERTURE if facts.aperture.is_none() => facts.aperture = tiff.ratio(reader, entry),
        tag::ISO if facts.iso.is_none() => facts.iso = tiff.number(reader, entry, 0).filter(|iso| *iso > 0),
        tag::MODEL if facts.camera.is_none() => {
            let text = tiff.text(reader, entry, 64);
            let text = text.map(|t| String::from_utf8_lossy(&t).trim_matches(['\0', ' ']).to_owned());
            facts.camera = text.filter(|t| !t.is_empty());
        }
        // When the photo was taken counts more than when the file was changed.
        tag::TIME if facts.taken.is_none() => {
            facts.taken = tiff.text(reader, entry, 20).and_then(|t| facts::time(&t));
        }
        tag::TIME_TAKEN => {
            let taken = tiff.text(reader, entry, 20).and_then(|t| facts::time(&t));
            facts.taken = taken.or(facts.taken.take());
        }
        _ => {}
    }
}
