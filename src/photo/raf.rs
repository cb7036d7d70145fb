//! Fujifilm's RAF: offset and length of its JPEG stand at 84 and 88, big-endian; the JPEG has all the rest.

use super::found::Found;
use super::preview::Photo;
use super::raw;
use super::reader::Reader;

pub(super) fn photo(reader: &mut Reader) -> Option<Photo> {
    let mut found = Found::default();
    found.candidate(reader.u32(84, true)?.into(), reader.u32(88, true)?.into());
    Some(raw::photo(found, reader))
}
