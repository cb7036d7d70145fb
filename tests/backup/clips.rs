//! Clips of several files, on a card that was formatted and starts over with the same names: all of a clip gets one suffix.

use crate::rig::{Rig, noise};
use std::collections::BTreeSet;

/// Shoots a card, formats it, shoots other content under the same names, with `first` alone at the first time; returns the
/// drive's names.
fn shot_twice(first: &[&str], then: &[&str]) -> BTreeSet<String> {
    let rig = Rig::new();
    let shoot = |names: &[&str], seed: u64| {
        for (n, name) in names.iter().enumerate() {
            // The second time the files are of other sizes, and so is which of them is the largest.
            let len = if seed == 0 { 3000 + n * 100 } else { 9000 - n * 100 };
            rig.shoot(name, noise(seed + n as u64, len));
        }
    };
    shoot(first, 0);
    rig.backed_up();
    rig.format();
    shoot(then, 100);
    assert_eq!(rig.backed_up()["copied"]["files"], then.len());
    assert_eq!(rig.backed_up()["copied"]["files"], 0, "the same names in the next run");
    assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
    assert_eq!(rig.run("verify", &[]).code, Some(0));
    rig.tree().into_keys().collect()
}

/// Holds the drive against what is expected: `first` as they were, and `then` with `~2` before the extension.
fn one_suffix(first: &[&str], then: &[&str]) {
    let second = |name: &&str| {
        let (stem, extension) = name.rsplit_once('.').unwrap();
        format!("{stem}~2.{extension}")
    };
    let expected = first.iter().map(ToString::to_string).chain(then.iter().map(second)).collect();
    assert_eq!(shot_twice(first, then), expected);
}

#[test]
fn chapters_of_a_gopro_s_video_with_their_low_resolution_copies() {
    let all = [
        "DCIM/100GOPRO/GX010001.MP4",
        "DCIM/100GOPRO/GX010001.THM",
        "DCIM/100GOPRO/GL010001.LRV",
        "DCIM/100GOPRO/GX020001.MP4",
        "DCIM/100GOPRO/GX020001.THM",
        "DCIM/100GOPRO/GL020001.LRV",
        "DCIM/100GOPRO/GX030001.MP4",
    ];
    // The first time it was one chapter: the second and third have names that are free.
    one_suffix(&all[..3], &all);
    let hero5 = ["DCIM/100GOPRO/GOPR0042.MP4", "DCIM/100GOPRO/GP010042.MP4", "DCIM/100GOPRO/GP020042.MP4"];
    one_suffix(&hero5[..1], &hero5);
}

#[test]
fn a_sony_clip_with_its_metadata_thumbnail_and_proxy() {
    let tree = [
        "PRIVATE/M4ROOT/CLIP/C0001.MP4",
        "PRIVATE/M4ROOT/CLIP/C0001M01.XML",
        "PRIVATE/M4ROOT/THMBNL/C0001T01.JPG",
        "PRIVATE/M4ROOT/SUB/C0001S03.MP4",
    ];
    // Without a proxy the first time.
    one_suffix(&tree[..3], &tree);
    // The same clips where somebody copied them out of their tree.
    let plain = ["CLIP/C0001.MP4", "CLIP/C0001M01.XML"];
    one_suffix(&plain[1..], &plain);
}

#[test]
fn the_tracks_of_a_recorder_s_take() {
    let h6 = [
        "FOLDER01/ZOOM0001/ZOOM0001_LR.WAV",
        "FOLDER01/ZOOM0001/ZOOM0001_Tr1.WAV",
        "FOLDER01/ZOOM0001/ZOOM0001_Tr2.WAV",
        "FOLDER01/ZOOM0001/ZOOM0001_Tr34.WAV",
        "FOLDER01/ZOOM0001/ZOOM0001.hprj",
    ];
    one_suffix(&h6[1..2], &h6);
    let f8 =
        ["Scene001-T001.wav", "Scene001-T001_Tr1.wav", "Scene001-T001_Tr1_2.wav", "Scene001-T001_Tr1_D.wav"];
    one_suffix(&f8[2..3], &f8);
    let h8 = ["F200101_001/TrLR.wav", "F200101_001/Tr1.wav", "F200101_001/Tr34.wav", "F200101_001/Mic12.wav"];
    one_suffix(&h8[1..2], &h8);
    let tascam = ["SOUND/TASCAM_0001.wav", "SOUND/TASCAM_0001_1.wav", "SOUND/TASCAM_0001_3-4.wav"];
    one_suffix(&tascam[1..2], &tascam);
}

#[test]
fn an_avchd_tree() {
    let stream = |n: u32| {
        [
            format!("PRIVATE/AVCHD/BDMV/STREAM/{n:05}.MTS"),
            format!("PRIVATE/AVCHD/BDMV/CLIPINF/{n:05}.CPI"),
            format!("PRIVATE/AVCHD/BDMV/PLAYLIST/{n:05}.MPL"),
        ]
    };
    let all: Vec<String> = [stream(0), stream(1)].concat();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    // The first time one clip, whose stream was culled on the card before it was backed up.
    let names = shot_twice(&all[1..3], &all);
    for n in ["PRIVATE/AVCHD/BDMV/STREAM/00000~2.MTS", "PRIVATE/AVCHD/BDMV/CLIPINF/00000~2.CPI"] {
        assert!(names.contains(n), "{names:?}");
    }
    assert!(names.contains("PRIVATE/AVCHD/BDMV/STREAM/00001.MTS"), "a clip that is new alone: {names:?}");
    assert!(!names.contains("PRIVATE/AVCHD/BDMV/STREAM/00000.MTS"), "{names:?}");
    assert_eq!(names.len(), 8);
}

#[test]
fn a_drone_s_video_with_subtitles_and_the_small_copy() {
    let all = ["DCIM/100MEDIA/DJI_0001.MP4", "DCIM/100MEDIA/DJI_0001.SRT", "DCIM/100MEDIA/DJI_0001.LRF"];
    one_suffix(&all[1..2], &all);
}
