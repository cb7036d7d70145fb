//! Image directories: each a table of tags (TIFF 6.0, section 2). Offsets count from where the TIFF begins.

use super::facts::Ratio;
use super::reader::Reader;
use std::ops::Range;

/// Entries of one directory.
const MOST_ENTRIES: u16 = 512;
const ORIENTATION: u16 = 0x0112;

/// One row of a directory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub tag: u16,
    pub kind: u16,
    pub count: u32,
    /// The place of its value in the file.
    pub at: u64,
}

/// A TIFF inside a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tiff {
    /// The place that offsets count from.
    pub base: u64,
    pub big: bool,
}

impl Tiff {
    /// The byte order mark and where the first directory is; Olympus and Panasonic have magic numbers of their own.
    pub fn open(reader: &mut Reader, base: u64) -> Option<(Tiff, u64)> {
        let big = match reader.array(base)? {
            [b'I', b'I'] => false,
            [b'M', b'M'] => true,
            _ => return None,
        };
        let tiff = Tiff { base, big };
        let first = u64::from(reader.u32(base + 4, big)?);
        Some((tiff, base + first))
    }

    /// The rows of the directory at this place of the file, and the place of the next one.
    pub fn directory(&self, reader: &mut Reader, at: u64) -> Option<(Vec<Entry>, Option<u64>)> {
        let count = reader.u16(at, self.big)?.min(MOST_ENTRIES);
        let mut entries = Vec::new();
        for n in 0..u64::from(count) {
            let row = at + 2 + n * 12;
            let Some(tag) = reader.u16(row, self.big) else { break };
            let (kind, count) = (reader.u16(row + 2, self.big)?, reader.u32(row + 4, self.big)?);
            let unit = match kind {
                1 | 2 | 6 | 7 => 1,
                3 | 8 => 2,
                4 | 9 | 11 | 13 => 4,
                5 | 10 | 12 => 8,
                _ => continue,
            };
            let at = match u64::from(count) * unit {
                0..=4 => row + 8,
                _ => self.base + u64::from(reader.u32(row + 8, self.big)?),
            };
            entries.push(Entry { tag, kind, count, at });
        }
        let next = reader.u32(at + 2 + u64::from(count) * 12, self.big).filter(|next| *next > 0);
        Some((entries, next.map(|next| self.base + u64::from(next))))
    }

    /// The `n`-th whole number of a value.
    pub fn number(&self, reader: &mut Reader, entry: &Entry, n: u32) -> Option<u32> {
        if n >= entry.count {
            return None;
        }
        match entry.kind {
            1 | 7 => reader.array(entry.at + u64::from(n)).map(|[byte]| u32::from(byte)),
            3 => reader.u16(entry.at + u64::from(n) * 2, self.big).map(u32::from),
            4 | 13 => reader.u32(entry.at + u64::from(n) * 4, self.big),
            _ => None,
        }
    }

    pub fn ratio(&self, reader: &mut Reader, entry: &Entry) -> Option<Ratio> {
        if entry.kind != 5 || entry.count == 0 {
            return None;
        }
        Ratio::new(reader.u32(entry.at, self.big)?, reader.u32(entry.at + 4, self.big)?)
    }

    pub fn text(&self, reader: &mut Reader, entry: &Entry, longest: u32) -> Option<Vec<u8>> {
        let count = entry.count.min(longest) as usize;
        (entry.kind == 2).then(|| reader.bytes(entry.at, count)).flatten()
    }
}

/// The orientation alone, from the first directory.
pub(super) fn orientation(reader: &mut Reader, range: &Range<u64>) -> Option<u8> {
    let (tiff, first) = Tiff::open(reader, range.start)?;
    let (entries, _) = tiff.directory(reader, first)?;
    let entry = entries.iter().find(|e| e.tag == ORIENTATION)?;
    tiff.number(reader, entry, 0).and_then(|o| u8::try_from(o).ok()).filter(|o| (1..=8).contains(o))
}
