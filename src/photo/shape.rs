//! JPEG: segments up to the frame header, for its size and the EXIF beside it (ITU T.81, annex B).

use super::ifd;
use super::reader::Reader;
use std::ops::Range;

/// More segments than a camera writes before the picture begins.
const MOST_SEGMENTS: u32 = 100;

/// A JPEG's frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    pub width: u16,
    pub height: u16,
    /// Baseline or progressive; a RAW's own data is a lossless JPEG, which no browser shows.
    pub shown_by_browsers: bool,
    /// Its EXIF, a TIFF.
    pub exif: Option<Range<u64>>,
    /// The orientation that its own EXIF tells.
    pub orientation: Option<u8>,
}

impl Shape {
    pub fn area(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

/// The frame of the JPEG that is this range; none where it is no JPEG, or ends beyond the file.
pub(super) fn shape(reader: &mut Reader, range: &Range<u64>) -> Option<Shape> {
    if range.end > reader.size() || reader.array(range.start)? != [0xff, 0xd8] {
        return None;
    }
    let mut at = range.start + 2;
    let mut exif = None;
    for _ in 0..MOST_SEGMENTS {
        let [mark, marker] = reader.array(at)?;
        if mark != 0xff {
            return None;
        }
        // Fill bytes before a marker.
        if marker == 0xff {
            at += 1;
            continue;
        }
        let length = u64::from(reader.u16(at + 2, true)?);
        let (begin, next) = (at + 4, at + 2 + length);
        if length < 2 || next > range.end {
            return None;
        }
        match marker {
            0xe1 if exif.is_none() && length > 8 && &reader.array::<6>(begin)? == b"Exif\0\0" => {
                exif = Some(begin + 6..next);
            }
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                let (height, width) = (reader.u16(begin + 1, true)?, reader.u16(begin + 3, true)?);
                let orientation = exif.as_ref().and_then(|exif| ifd::orientation(reader, exif));
                let shown_by_browsers = marker <= 0xc2 && width > 0 && height > 0;
                return Some(Shape { width, height, shown_by_browsers, exif, orientation });
            }
            // The picture, or the end, before any frame.
            0xd8..=0xda => return None,
            _ => {}
        }
        at = next;
    }
    None
}
