//! Makes a card as a camera leaves it: `cargo run --example sample-card -- DIR [PHOTOS]`. For `scripts/try --page`, the
//! browser tests and the pictures of the README.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]

#[path = "../photos/mod.rs"]
mod photos;

use photos::{Scene, Shot, jpeg};
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// 24 November 2026, 14:32.
const FIRST: u64 = 1_795_530_720;

fn main() {
    let mut args = std::env::args().skip(1);
    let (Some(dir), photos) = (args.next(), args.next().and_then(|n| n.parse().ok()).unwrap_or(18)) else {
        eprintln!("usage: sample-card DIR [PHOTOS]");
        std::process::exit(64);
    };
    let folder = Path::new(&dir).join("DCIM/100CANON");
    fs::create_dir_all(&folder).expect("the card's folders");
    for n in 0..photos {
        let seed = n as u32 * 7 + 3;
        let upright = n % 6 == 4;
        let (width, height) = if n % 5 == 2 { (600, 600) } else { (768, 512) };
        let seconds = FIRST + n * 5_400;
        let shot = Shot {
            // What lies on its side in the file stands upright on the page: the scene is drawn that way for one of them.
            orientation: if upright { 3 } else { 1 },
            time: exif_time(n * 5_400),
            exposure: (1, [60, 125, 250, 500, 1000][n as usize % 5]),
            aperture: ([28, 40, 56, 80][n as usize % 4], 10),
            iso: [100, 200, 400, 1600][n as usize % 4],
            small: jpeg(&Scene { width: width / 3, height: height / 3, seed }),
            large: jpeg(&Scene { width, height, seed }),
        };
        let (end, bytes) = match n % 6 {
            0 | 3 => ("JPG", photos::camera_jpeg(&shot)),
            1 => ("CR3", photos::cr3(&shot)),
            2 => ("NEF", photos::nef(&shot)),
            4 => ("JPG", photos::camera_jpeg(&Shot { orientation: 1, ..shot })),
            _ => ("RAF", photos::raf(&shot)),
        };
        put(&folder.join(format!("IMG_{:04}.{end}", n + 1)), &bytes, seconds);
    }
    put(&folder.join("MVI_0099.MP4"), &photos::mp4(b"isom", 3_878_377_920), FIRST + photos * 5_400);
}

/// The first photo's day and time, so many seconds on.
fn exif_time(on: u64) -> String {
    let minutes = 14 * 60 + 32 + on / 60;
    format!("2026:11:{:02} {:02}:{:02}:00", 24 + minutes / 1440, minutes / 60 % 24, minutes % 60)
}

fn put(path: &Path, bytes: &[u8], seconds: u64) {
    fs::write(path, bytes).expect("a photo");
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    File::options().write(true).open(path).and_then(|file| file.set_modified(time)).expect("its time");
}
