//! A photo from what was found: the best of the JPEGs that something names.

use super::found::Found;
use super::ifd::Tiff;
use super::preview::{Kind, Media, Photo, Preview};
use super::reader::Reader;
use super::shape::{Shape, shape};
use super::tiff::read;
use std::ops::Range;

/// A thumbnail with a longer side than this fills a tile.
const WORTH_A_TILE: u16 = 120;

/// The photo that a file is that is a TIFF.
pub(super) fn tiff(reader: &mut Reader) -> Option<Photo> {
    Tiff::open(reader, 0)?;
    let mut found = Found::default();
    let all = 0..reader.size();
    read(reader, &all, &mut found);
    Some(photo(found, reader))
}

/// The photo that these candidates make.
pub(super) fn photo(mut found: Found, reader: &mut Reader) -> Photo {
    let shapes = shapes(&mut found, reader);
    let turn = found.facts.orientation.filter(|o| (2..=8).contains(o));
    let preview = |(range, shape): &(Range<u64>, Shape)| Preview {
        range: range.clone(),
        media: Media::Jpeg,
        turn: turn.filter(|_| shape.orientation.is_none()),
        pixels: Some((shape.width, shape.height)),
    };
    let small = shapes.iter().find(|(_, s)| s.width.max(s.height) >= WORTH_A_TILE);
    let large = shapes.last();
    Photo {
        kind: Kind::Raw,
        small: small.filter(|s| Some(*s) != large).map(preview),
        large: large.map(preview),
        facts: found.facts,
    }
}

/// The ranges that are JPEGs for a browser, the smallest first. What their own EXIF tells completes the facts, and the
/// thumbnail in it is one more.
fn shapes(found: &mut Found, reader: &mut Reader) -> Vec<(Range<u64>, Shape)> {
    let mut shapes = Vec::new();
    let mut at = 0;
    while let Some(range) = found.jpegs.get(at).cloned() {
        at += 1;
        let Some(shape) = shape(reader, &range).filter(|s| s.shown_by_browsers) else { continue };
        if let Some(exif) = &shape.exif {
            let mut inner = Found::default();
            read(reader, exif, &mut inner);
            found.facts.complete(&inner.facts);
            for range in inner.jpegs {
                found.candidate(range.start, range.end - range.start);
            }
        }
        shapes.push((range, shape));
    }
    shapes.sort_by_key(|(range, shape)| (shape.area(), range.end - range.start));
    shapes
}
