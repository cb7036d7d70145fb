//! A photo's previews, as they are told.

use super::facts::Facts;
use super::reader::Reader;
use std::ops::Range;

/// A photo or video, as far as a viewer wants to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Photo {
    pub kind: Kind,
    /// The smallest preview that is worth a tile in a grid; none where there is only the large one.
    pub small: Option<Preview>,
    /// The largest preview.
    pub large: Option<Preview>,
    pub facts: Facts,
}

/// The family that a file belongs to, by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Jpeg,
    Heic,
    Raw,
    Video,
}

/// A part of the file that a browser shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// Lies within the file.
    pub range: Range<u64>,
    pub media: Media,
    /// The orientation (2 to 8, EXIF) that the file asks for and the preview itself does not tell.
    pub turn: Option<u8>,
    /// Width and height in pixels as stored, where they are told.
    pub pixels: Option<(u16, u16)>,
}

/// The encoding of a preview.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    Jpeg,
    Heic,
    Mp4,
    QuickTime,
}

impl Media {
    /// The media type for HTTP.
    #[must_use]
    pub fn mime(self) -> &'static str {
        match self {
            Media::Jpeg => "image/jpeg",
            Media::Heic => "image/heic",
            Media::Mp4 => "video/mp4",
            Media::QuickTime => "video/quicktime",
        }
    }
}

impl Preview {
    /// The bytes to show in place of the range's first two, which begin a JPEG: the same, and the orientation in an
    /// EXIF segment of 34 bytes. None where the range is shown as it is.
    #[must_use]
    pub fn head(&self) -> Option<Vec<u8>> {
        let turn = self.turn?;
        let mut head = vec![0xff, 0xd8, 0xff, 0xe1, 0, 34];
        head.extend_from_slice(b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0");
        head.extend_from_slice(&[turn, 0, 0, 0, 0, 0, 0]);
        Some(head)
    }

    /// Bytes that are sent for it.
    #[must_use]
    pub fn length(&self) -> u64 {
        let range = self.range.end - self.range.start;
        self.head().map_or(range, |head| range - 2 + head.len() as u64)
    }
}

impl Photo {
    /// A file that is shown as it is.
    pub(super) fn whole(reader: &Reader, kind: Kind, media: Media, facts: Facts) -> Photo {
        let large = Preview { range: 0..reader.size(), media, turn: None, pixels: None };
        Photo { kind, small: None, large: Some(large), facts }
    }
}
