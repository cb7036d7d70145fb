//! Finds where the preview lies in a photo: byte ranges of the file as it is, and what the camera wrote beside it.
//!
//! Pure: a [`Source`] goes in, a [`Photo`] comes out. Nothing is decoded, kept or written, and every file is hostile:
//! reads are counted, depths are limited, and a range that ends beyond the file is no preview.
//!
//! | container | preview |
//! |---|---|
//! | JPEG | itself; the EXIF thumbnail |
//! | CR2, NEF, ARW, DNG, ORF, RW2 and their like (TIFF) | every JPEG that an image directory or a maker's note names |
//! | RAF | the JPEG that the header names, and its thumbnail |
//! | CR3 | `THMB`, `PRVW`, and the first track's JPEG |
//! | HEIC | itself |
//! | MP4, MOV | itself |

mod bmff;
mod facts;
mod found;
mod ifd;
mod jpeg;
mod makernote;
mod preview;
mod raf;
mod raw;
mod reader;
mod shape;
mod tiff;

pub use facts::{Facts, Ratio};
pub use preview::{Kind, Media, Photo, Preview};
pub use reader::Source;

use reader::Reader;

/// Finds the previews of a file by its content; none for what is no photo or video.
#[must_use]
pub fn locate(source: &mut dyn Source) -> Option<Photo> {
    let mut reader = Reader::new(source);
    let head: [u8; 16] = reader.array(0)?;
    match &head {
        [0xff, 0xd8, ..] => jpeg::photo(&mut reader),
        [b'F', b'U', b'J', b'I', b'F', b'I', b'L', b'M', ..] => raf::photo(&mut reader),
        [b'I', b'I', ..] | [b'M', b'M', ..] => raw::tiff(&mut reader),
        _ => bmff::photo(&mut reader),
    }
}
