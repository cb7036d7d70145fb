//! Photos of every container, made here: pictures that a browser shows, and around them the boxes and directories that
//! cameras write. No file of anybody's camera is in this repository.
#![allow(dead_code)]

mod picture;

pub use picture::{Scene, jpeg};

/// What the camera says of a photo.
#[derive(Clone)]
pub struct Shot {
    pub orientation: u16,
    /// As in EXIF: `2026:11:24 14:32:05`.
    pub time: String,
    pub exposure: (u32, u32),
    pub aperture: (u32, u32),
    pub iso: u16,
    /// A JPEG of 160 points.
    pub small: Vec<u8>,
    /// A JPEG of screen size.
    pub large: Vec<u8>,
}

impl Shot {
    /// Small enough for a test: the `small` picture has 160 by 120 points, the `large` one 320 by 240.
    pub fn plain(seed: u32) -> Self {
        Shot {
            orientation: 1,
            time: "2026:11:24 14:32:05".to_owned(),
            exposure: (1, 250),
            aperture: (28, 10),
            iso: 400,
            small: jpeg(&Scene { width: 160, height: 120, seed }),
            large: jpeg(&Scene { width: 320, height: 240, seed }),
        }
    }
}

/// A value of a directory.
pub enum Value {
    Short(u16),
    Long(u32),
    Ratio(u32, u32),
    Text(String),
    Bytes(Vec<u8>),
    /// A pointer to bytes that lie elsewhere.
    Blob(Vec<u8>),
    /// A pointer to one directory, or to several.
    Inside(Vec<Directory>),
}

pub type Directory = Vec<(u16, Value)>;

/// A TIFF of these directories, one after the other.
pub fn tiff(big: bool, magic: &[u8; 2], chain: Vec<Directory>) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(if big { b"MM" } else { b"II" });
    out.extend_from_slice(magic);
    out.extend_from_slice(&[0; 4]);
    let mut pointer = 4;
    for directory in chain {
        let (at, next) = write(&mut out, big, directory);
        put(&mut out, pointer, &long(big, at));
        pointer = next;
    }
    out
}

/// Writes a directory at the end; returns its place and that of its pointer to the next one.
fn write(out: &mut Vec<u8>, big: bool, mut rows: Directory) -> (u32, usize) {
    rows.sort_by_key(|(tag, _)| *tag);
    let at = out.len();
    let table = 2 + rows.len() * 12;
    out.resize(at + table + 4, 0);
    put(out, at, &short(big, rows.len() as u16));
    for (n, (tag, value)) in rows.into_iter().enumerate() {
        let row = at + 2 + n * 12;
        put(out, row, &short(big, tag));
        let (kind, count, bytes) = match value {
            Value::Short(v) => (3u16, 1, short(big, v).to_vec()),
            Value::Long(v) => (4, 1, long(big, v).to_vec()),
            Value::Ratio(a, b) => (5, 1, [long(big, a), long(big, b)].concat()),
            Value::Text(text) => (2, text.len() as u32 + 1, [text.as_bytes(), b"\0"].concat()),
            Value::Bytes(bytes) => (7, bytes.len() as u32, bytes),
            Value::Blob(bytes) => {
                let place = out.len() as u32;
                out.extend_from_slice(&bytes);
                (4, 1, long(big, place).to_vec())
            }
            Value::Inside(directories) => {
                let places: Vec<[u8; 4]> =
                    directories.into_iter().map(|d| long(big, write(out, big, d).0)).collect();
                (4, places.len() as u32, places.concat())
            }
        };
        put(out, row + 2, &short(big, kind));
        put(out, row + 4, &long(big, count));
        if bytes.len() <= 4 {
            put(out, row + 8, &bytes);
        } else {
            let place = out.len() as u32;
            out.extend_from_slice(&bytes);
            put(out, row + 8, &long(big, place));
        }
    }
    (at as u32, at + table)
}

fn put(out: &mut [u8], at: usize, bytes: &[u8]) {
    out[at..at + bytes.len()].copy_from_slice(bytes);
}

fn short(big: bool, v: u16) -> [u8; 2] {
    if big { v.to_be_bytes() } else { v.to_le_bytes() }
}

fn long(big: bool, v: u32) -> [u8; 4] {
    if big { v.to_be_bytes() } else { v.to_le_bytes() }
}

fn main_rows(shot: &Shot) -> Directory {
    vec![
        (0x0110, Value::Text("Camera of the tests".into())),
        (0x0112, Value::Short(shot.orientation)),
        (0x0132, Value::Text("2001:01:01 00:00:00".into())),
    ]
}

fn exif_rows(shot: &Shot) -> Directory {
    vec![
        (0x829a, Value::Ratio(shot.exposure.0, shot.exposure.1)),
        (0x829d, Value::Ratio(shot.aperture.0, shot.aperture.1)),
        (0x8827, Value::Short(shot.iso)),
        (0x9003, Value::Text(shot.time.clone())),
    ]
}

/// A pointer to a JPEG and its length.
fn named(jpeg: &[u8]) -> Directory {
    vec![(0x0201, Value::Blob(jpeg.to_vec())), (0x0202, Value::Long(jpeg.len() as u32))]
}

/// A JPEG as a strip.
fn strip(compression: u16, jpeg: &[u8]) -> Directory {
    vec![
        (0x0103, Value::Short(compression)),
        (0x0111, Value::Blob(jpeg.to_vec())),
        (0x0117, Value::Long(jpeg.len() as u32)),
    ]
}

fn joined(parts: impl IntoIterator<Item = Directory>) -> Directory {
    parts.into_iter().flatten().collect()
}

/// The RAW itself, which no browser shows: a lossless JPEG's head.
fn lossless() -> Vec<u8> {
    let mut raw = vec![0xff, 0xd8, 0xff, 0xc3, 0, 14, 14, 0x0f, 0xa0, 0x17, 0x70, 2, 0, 0x11, 0, 1, 0x11, 0];
    raw.resize(4096, 0x55);
    raw
}

/// The EXIF of a JPEG, its thumbnail included.
pub fn exif(shot: &Shot) -> Vec<u8> {
    let main = joined([main_rows(shot), vec![(0x8769, Value::Inside(vec![exif_rows(shot)]))]]);
    tiff(true, b"\0*", vec![main, named(&shot.small)])
}

/// A JPEG as a camera writes it.
pub fn camera_jpeg(shot: &Shot) -> Vec<u8> {
    let exif = exif(shot);
    let mut out = vec![0xff, 0xd8, 0xff, 0xe1];
    out.extend_from_slice(&(exif.len() as u16 + 8).to_be_bytes());
    out.extend_from_slice(b"Exif\0\0");
    out.extend_from_slice(&exif);
    out.extend_from_slice(&shot.large[2..]);
    out
}

pub fn cr2(shot: &Shot) -> Vec<u8> {
    let exif = vec![(0x8769, Value::Inside(vec![exif_rows(shot)]))];
    let main = joined([main_rows(shot), strip(6, &shot.large), exif]);
    tiff(false, b"*\0", vec![main, named(&shot.small), strip(6, &lossless())])
}

pub fn nef(shot: &Shot) -> Vec<u8> {
    // The smallest one stands in the maker's note, a TIFF of its own.
    let mut note = b"Nikon\0\x02\x10\0\0".to_vec();
    note.extend(tiff(true, b"\0*", vec![vec![(0x0011, Value::Inside(vec![named(&shot.small)]))]]));
    let exif = joined([exif_rows(shot), vec![(0x927c, Value::Bytes(note))]]);
    let inside = vec![named(&shot.large), strip(34713, &lossless())];
    let rows = vec![(0x014a, Value::Inside(inside)), (0x8769, Value::Inside(vec![exif]))];
    tiff(true, b"\0*", vec![joined([main_rows(shot), rows])])
}

pub fn arw(shot: &Shot) -> Vec<u8> {
    let rows = vec![
        (0x014a, Value::Inside(vec![strip(7, &lossless())])),
        (0x8769, Value::Inside(vec![exif_rows(shot)])),
    ];
    tiff(false, b"*\0", vec![joined([main_rows(shot), named(&shot.large), rows]), named(&shot.small)])
}

pub fn dng(shot: &Shot) -> Vec<u8> {
    let rows = vec![
        (0x014a, Value::Inside(vec![strip(7, &lossless()), strip(7, &shot.large), strip(7, &shot.small)])),
        (0x8769, Value::Inside(vec![exif_rows(shot)])),
    ];
    tiff(false, b"*\0", vec![joined([main_rows(shot), rows])])
}

pub fn orf(shot: &Shot) -> Vec<u8> {
    let settings =
        vec![(0x0101, Value::Blob(shot.large.clone())), (0x0102, Value::Long(shot.large.len() as u32))];
    // Offsets count from the note's beginning: a TIFF whose head is the note's.
    let inner = tiff(false, b"*\0", vec![vec![(0x2020, Value::Inside(vec![settings]))]]);
    // The directory of `tiff` begins at 8 and has to begin at 12: shift all its pointers by writing it anew.
    let note = shifted(&inner, 4, b"OLYMPUS\0II\x03\0");
    let exif = joined([exif_rows(shot), vec![(0x927c, Value::Bytes(note))]]);
    let rows = vec![(0x8769, Value::Inside(vec![exif]))];
    tiff(false, b"RO", vec![joined([main_rows(shot), rows]), named(&shot.small)])
}

/// A little-endian TIFF moved by some bytes, with another head: pointers of its directories are moved too.
fn shifted(tiff: &[u8], by: u32, head: &[u8]) -> Vec<u8> {
    let mut out = head.to_vec();
    out.extend_from_slice(&tiff[8..]);
    let mut todo = vec![8 + by as usize];
    while let Some(at) = todo.pop() {
        let count = usize::from(u16::from_le_bytes([out[at], out[at + 1]]));
        for row in (0..count).map(|n| at + 2 + n * 12) {
            let tag = u16::from_le_bytes([out[row], out[row + 1]]);
            if matches!(tag, 0x2020 | 0x0101) {
                let place = u32::from_le_bytes(out[row + 8..row + 12].try_into().expect("four")) + by;
                put(&mut out, row + 8, &place.to_le_bytes());
                if tag == 0x2020 {
                    todo.push(place as usize);
                }
            }
        }
    }
    out
}

pub fn rw2(shot: &Shot) -> Vec<u8> {
    // Panasonic's JPEG has an EXIF of its own, with everything else.
    let rows = vec![(0x002e, Value::Bytes(camera_jpeg(shot))), (0x0112, Value::Short(shot.orientation))];
    tiff(false, b"U\0", vec![rows])
}

pub fn raf(shot: &Shot) -> Vec<u8> {
    let jpeg = camera_jpeg(shot);
    let mut out = b"FUJIFILMCCD-RAW 0201FF000000".to_vec();
    out.resize(84, 0);
    out.extend_from_slice(&160u32.to_be_bytes());
    out.extend_from_slice(&(jpeg.len() as u32).to_be_bytes());
    out.resize(160, 0);
    out.extend_from_slice(&jpeg);
    out.resize(out.len() + 4096, 0x33);
    out
}

/// A box of an ISO base media file.
pub fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let mut out = (body.len() as u32 + 8).to_be_bytes().to_vec();
    out.extend_from_slice(kind);
    out.extend_from_slice(&body);
    out
}

pub fn cr3(shot: &Shot) -> Vec<u8> {
    let large_as_track = shot.large.clone();
    let middle = jpeg(&Scene { width: 240, height: 160, seed: 3 });
    let head = boxed(b"ftyp", &[b"crx ", &[0, 0, 0, 1], b"crx isom"]);
    let canon = b"\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48";
    let uuid_preview = b"\xea\xf4\x2b\x5e\x1c\x98\x4b\x88\xb9\xfb\xb7\xdc\x40\x6e\x4d\x16";
    let small = (shot.small.len() as u32).to_be_bytes();
    let thumb = boxed(
        b"THMB",
        &[&[0; 4], &160u16.to_be_bytes(), &120u16.to_be_bytes(), &small, &[0, 1, 0, 0], &shot.small],
    );
    let facts = [
        boxed(b"CMT1", &[&tiff(false, b"*\0", vec![main_rows(shot)])]),
        boxed(b"CMT2", &[&tiff(false, b"*\0", vec![exif_rows(shot)])]),
        thumb,
    ]
    .concat();
    let length = (middle.len() as u32).to_be_bytes();
    let preview = boxed(b"PRVW", &[&[0; 4], &[0, 1], &[0, 240, 0, 160], &[0, 1], &length, &middle]);
    let tail = boxed(b"uuid", &[uuid_preview, &[0; 8], &preview]);
    // The place of the first sample depends on the length of what stands before it, and that does not depend on the
    // place.
    let build = |place: u64| {
        let sizes =
            boxed(b"stsz", &[&[0; 4], &(large_as_track.len() as u32).to_be_bytes(), &1u32.to_be_bytes()]);
        let places = boxed(b"co64", &[&[0; 4], &1u32.to_be_bytes(), &place.to_be_bytes()]);
        let table = boxed(b"stbl", &[&sizes, &places]);
        let track = boxed(b"trak", &[&boxed(b"mdia", &[&boxed(b"minf", &[&table])])]);
        [head.clone(), boxed(b"moov", &[&boxed(b"uuid", &[canon, &facts]), &track]), tail.clone()].concat()
    };
    let place = build(0).len() as u64 + 8;
    [build(place), boxed(b"mdat", &[&large_as_track])].concat()
}

/// No picture that decodes: its boxes and its facts.
pub fn heic(shot: &Shot) -> Vec<u8> {
    let head = boxed(b"ftyp", &[b"heic", &[0; 4], b"mif1heic"]);
    let exif = [&[0, 0, 0, 6][..], b"Exif\0\0", &exif(shot)].concat();
    let build = |place: u32| {
        let item = |number: u16, kind: &[u8; 4]| {
            boxed(b"infe", &[&[2, 0, 0, 0], &number.to_be_bytes(), &[0, 0], kind, &[0]])
        };
        let info = boxed(b"iinf", &[&[0; 4], &2u16.to_be_bytes(), &item(1, b"hvc1"), &item(2, b"Exif")]);
        let row = |number: u16, place: u32, length: u32| {
            let parts = [
                &number.to_be_bytes()[..],
                &[0, 0],
                &1u16.to_be_bytes(),
                &place.to_be_bytes(),
                &length.to_be_bytes(),
            ];
            parts.concat()
        };
        let rows = [row(1, place, 4), row(2, place, exif.len() as u32)].concat();
        let places = boxed(b"iloc", &[&[0; 4], &[0x44, 0], &2u16.to_be_bytes(), &rows]);
        [head.clone(), boxed(b"meta", &[&[0; 4], &info, &places])].concat()
    };
    let place = build(0).len() as u32 + 8;
    [build(place), boxed(b"mdat", &[&exif])].concat()
}

/// A film without pictures; its header says when it was made, in seconds since 1904.
pub fn mp4(brand: &[u8; 4], seconds: u32) -> Vec<u8> {
    let head = boxed(b"ftyp", &[brand, &[0; 4], brand]);
    let film = boxed(b"mvhd", &[&[0; 4], &seconds.to_be_bytes(), &[0; 88]]);
    [head, boxed(b"mdat", &[&[0x11; 3000]]), boxed(b"moov", &[&film])].concat()
}

/// One of each, by the name that it would have.
pub fn all(shot: &Shot) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("JPG", camera_jpeg(shot)),
        ("CR2", cr2(shot)),
        ("CR3", cr3(shot)),
        ("NEF", nef(shot)),
        ("ARW", arw(shot)),
        ("DNG", dng(shot)),
        ("ORF", orf(shot)),
        ("RW2", rw2(shot)),
        ("RAF", raf(shot)),
        ("HEIC", heic(shot)),
        ("MP4", mp4(b"isom", 3_860_000_000)),
        ("MOV", mp4(b"qt  ", 3_860_000_000)),
    ]
}
