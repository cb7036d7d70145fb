//! A JPEG with its EXIF.

use super::found::Found;
use super::preview::{Kind, Media, Photo};
use super::reader::Reader;
use super::shape::shape;
use super::{raw, tiff};

/// A file that is a JPEG: shown as it is, with its thumbnail.
pub(super) fn photo(reader: &mut Reader) -> Option<Photo> {
    let all = 0..reader.size();
    let shape = shape(reader, &all)?;
    let mut found = Found::default();
    if let Some(exif) = &shape.exif {
        tiff::read(reader, exif, &mut found);
    }
    let mut photo = Photo::whole(reader, Kind::Jpeg, Media::Jpeg, found.facts.clone());
    photo.small = raw::photo(found, reader).large;
    if let Some(large) = &mut photo.large {
        large.pixels = Some((shape.width, shape.height));
    }
    shape.shown_by_browsers.then_some(photo)
}
