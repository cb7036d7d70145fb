//! Previews of every container are found where they lie, and hostile files have none.
#![allow(clippy::disallowed_methods)]

#[path = "photos/mod.rs"]
mod photos;

use photos::{Shot, all};
use piback::photo::{Kind, Media, Photo, Preview, Source, locate};

fn found(bytes: &[u8]) -> Photo {
    locate(&mut &*bytes).expect("a photo")
}

fn part<'a>(bytes: &'a [u8], preview: &Preview) -> &'a [u8] {
    &bytes[preview.range.start as usize..preview.range.end as usize]
}

#[test]
fn every_container_gives_its_previews_and_facts() {
    let shot = Shot { orientation: 6, ..Shot::plain(1) };
    for (name, bytes) in all(&shot) {
        let photo = found(&bytes);
        let large = photo.large.as_ref().unwrap_or_else(|| panic!("{name}: no preview"));
        let kind = match name {
            "JPG" => Kind::Jpeg,
            "HEIC" => Kind::Heic,
            "MP4" | "MOV" => Kind::Video,
            _ => Kind::Raw,
        };
        assert_eq!(photo.kind, kind, "{name}");
        if kind != Kind::Raw {
            assert_eq!(large.range, 0..bytes.len() as u64, "{name} is shown as it is");
            assert_eq!(large.head(), None, "{name}");
        } else {
            assert_eq!(large.media, Media::Jpeg, "{name}");
            assert_eq!(large.pixels, Some((320, 240)), "{name}");
            let whole = part(&bytes, large);
            let is_large = whole == shot.large || whole.ends_with(&shot.large[2..]);
            assert!(is_large, "{name}: {:?} is not the large picture", large.range);
        }
        match kind {
            Kind::Video => assert_eq!(photo.facts.taken.as_deref(), Some("2026-04-25T22:13:20"), "{name}"),
            _ => {
                assert_eq!(photo.facts.orientation, Some(6), "{name}");
                assert_eq!(photo.facts.taken.as_deref(), Some("2026-11-24T14:32:05"), "{name}");
                assert_eq!(photo.facts.exposure.unwrap().shutter(), "1/250 s", "{name}");
                assert_eq!(photo.facts.aperture.unwrap().aperture(), "f/2.8", "{name}");
                assert_eq!(photo.facts.iso, Some(400), "{name}");
            }
        }
        if !matches!(name, "HEIC" | "MP4" | "MOV") {
            let small = photo.small.as_ref().unwrap_or_else(|| panic!("{name}: no thumbnail"));
            assert_eq!(part(&bytes, small), shot.small, "{name}");
            assert_eq!(small.turn, Some(6), "{name}");
        }
    }
}

#[test]
fn a_preview_that_does_not_tell_its_orientation_gets_it() {
    let shot = Shot { orientation: 8, ..Shot::plain(2) };
    let bytes = photos::cr2(&shot);
    let large = found(&bytes).large.unwrap();
    let head = large.head().unwrap();
    let shown = [&head[..], &part(&bytes, &large)[2..]].concat();
    assert_eq!(shown.len() as u64, large.length());
    let again = found(&shown);
    assert_eq!((again.kind, again.facts.orientation), (Kind::Jpeg, Some(8)));
    // The JPEG of a RAF says so itself.
    let bytes = photos::raf(&shot);
    assert_eq!(found(&bytes).large.unwrap().turn, None);
    // And what stands upright needs nothing.
    let bytes = photos::cr2(&Shot::plain(2));
    assert_eq!(found(&bytes).large.unwrap().head(), None);
}

#[test]
fn the_raw_s_own_lossless_jpeg_is_no_preview() {
    let shot = Shot { large: Vec::new(), ..Shot::plain(3) };
    for (name, bytes) in
        [("CR2", photos::cr2(&shot)), ("DNG", photos::dng(&shot)), ("ARW", photos::arw(&shot))]
    {
        let large = found(&bytes).large.unwrap();
        assert_eq!(part(&bytes, &large), shot.small, "{name}");
    }
}

/// A range beyond the end is no preview, wherever the file was cut; and none of it panics.
#[test]
fn a_cut_file_has_only_previews_that_it_holds() {
    for (name, bytes) in all(&Shot::plain(4)) {
        let step = (bytes.len() / 400).max(1);
        for end in (0..bytes.len()).step_by(step) {
            let Some(photo) = locate(&mut &bytes[..end]) else { continue };
            for preview in photo.small.iter().chain(&photo.large) {
                assert!(preview.range.end <= end as u64, "{name} cut at {end}: {:?}", preview.range);
                assert!(preview.range.start < preview.range.end, "{name} cut at {end}");
            }
        }
    }
}

#[test]
fn flipped_bytes_never_lead_beyond_the_file_nor_far() {
    struct Counted<'a>(&'a [u8], u32);
    impl Source for Counted<'_> {
        fn size(&self) -> u64 {
            self.0.len() as u64
        }
        fn read_at(&mut self, offset: u64, space: &mut [u8]) -> usize {
            self.1 += 1;
            (&mut &*self.0).read_at(offset, space)
        }
    }
    for (name, bytes) in all(&Shot::plain(5)) {
        for at in 0..bytes.len().min(400) {
            for value in [0, 0x7f, 0xff] {
                let mut bytes = bytes.clone();
                bytes[at] = value;
                let mut counted = Counted(&bytes, 0);
                let photo = locate(&mut counted);
                assert!(counted.1 <= 500, "{name}: {} reads", counted.1);
                for preview in photo.iter().flat_map(|p| p.small.iter().chain(&p.large)) {
                    assert!(preview.range.end <= bytes.len() as u64, "{name}, byte {at} = {value}");
                }
            }
        }
    }
}

#[test]
fn what_is_no_photo_is_none() {
    for bytes in [
        &b""[..],
        b"GIF89a",
        b"<html><script>alert(1)</script></html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        &[0; 64],
        &[0xff; 64],
        b"II*\0",
    ] {
        assert_eq!(locate(&mut &*bytes), None, "{bytes:?}");
    }
}

/// The fuzz targets begin with one small file of each container, made here: `PIBACK_WRITE_CORPUS=1` writes them anew.
#[test]
fn the_corpus_of_the_fuzz_targets_is_made_here() {
    let tiny = |seed| photos::jpeg(&photos::Scene { width: 128, height: 8, seed });
    let shot = Shot { orientation: 6, small: tiny(1), large: tiny(2), ..Shot::plain(1) };
    for (name, bytes) in all(&shot) {
        let target = match name {
            "JPG" => "jpeg",
            "RAF" => "raf",
            "CR3" => "cr3",
            "HEIC" => "heic",
            "MP4" | "MOV" => "mp4",
            _ => "tiff",
        };
        let folder = format!("{}/tests/fuzz/corpus/photo_{target}", env!("CARGO_MANIFEST_DIR"));
        let path = format!("{folder}/{}", name.to_lowercase());
        if std::env::var_os("PIBACK_WRITE_CORPUS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &bytes).unwrap();
        }
        assert!(std::fs::read(&path).unwrap() == bytes, "{path} is not what the tests make");
    }
}
