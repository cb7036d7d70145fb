#![cfg(test)]

use super::*;
use crate::media::find::{VolumeKind, by_device, by_label};
use crate::media::{lsblk, mountinfo};

/// A Pi with its own card, a camera card, a backup drive, an unformatted stick, a snap and a RAID root elsewhere.
const PI: &str = r#"{"blockdevices": [
  {"kname":"loop0","maj:min":"7:0","type":"loop","fstype":"squashfs","size":4096,"ro":true,"rm":false},
  {"kname":"mmcblk0","maj:min":"179:0","type":"disk","size":31914983424,"ro":false,"rm":false,"tran":"mmc","children":[
    {"kname":"mmcblk0p1","maj:min":"179:1","type":"part","fstype":"vfat","label":"bootfs","uuid":"EC2C","size":1,"ro":false,"rm":false},
    {"kname":"mmcblk0p2","maj:min":"179:2","type":"part","fstype":"ext4","label":"rootfs","uuid":"5ad8","size":2,"ro":false,"rm":false},
    {"kname":"mmcblk0p3","maj:min":"179:3","type":"part","fstype":"ext4","label":"SPARE","uuid":"5ad9","size":2,"ro":false,"rm":false}]},
  {"kname":"sda","maj:min":"8:0","type":"disk","size":31914983424,"ro":true,"rm":true,"tran":"usb","model":"Reader","children":[
    {"kname":"sda1","maj:min":"8:1","type":"part","fstype":"exfat","label":"SD32GB-03","uuid":"3363-3934","size":31910789120,"ro":false,"rm":true}]},
  {"kname":"sdb","maj:min":"8:16","type":"disk","fstype":"vfat","label":"PDRIVE128GB","uuid":"AAAA-BBBB","size":128000000000,"ro":false,"rm":true,"tran":"usb"},
  {"kname":"sdc","maj:min":"8:32","type":"disk","size":8000000000,"ro":false,"rm":true,"tran":"usb"},
  {"kname":"sdd","maj:min":"8:48","type":"disk","size":0,"ro":false,"rm":true,"tran":"usb"}
]}"#;

const MOUNTS: &str = "\
27 1 179:2 / / rw - ext4 /dev/mmcblk0p2 rw
28 27 179:1 / /boot/firmware rw - vfat /dev/mmcblk0p1 rw
29 27 8:1 / /media/pi/SD32GB-03 ro - exfat /dev/sda1 ro
30 27 8:1 /DCIM /srv/dcim ro - exfat /dev/sda1 ro
31 27 8:16 / /mnt rw - vfat /dev/sdb rw
32 31 0:50 / /mnt rw - tmpfs tmpfs rw
33 27 8:16 / /media/pi/PDRIVE128GB rw - vfat /dev/sdb rw
";

fn plugged(lsblk: &str, mounts: &str) -> Plugged {
    Plugged::new(lsblk::json(lsblk).unwrap(), &[], &mountinfo::parse(mounts).unwrap())
}

#[test]
fn a_pi_with_a_card_and_a_drive() {
    let plugged = plugged(PI, MOUNTS);
    let offered: Vec<String> = plugged.offered().map(ToString::to_string).collect();
    assert_eq!(
        offered,
        [
            "SD32GB-03: /dev/sda1, 32 GB, exfat",
            "PDRIVE128GB: /dev/sdb, 128 GB, vfat",
            "(no label): /dev/sdc, 8.0 GB"
        ]
    );
    let card = by_label(&plugged, "SD32GB-03", VolumeKind::Card, &|_| false).unwrap();
    assert!(card.usb && card.removable && card.read_only, "inherited from its disk");
    assert_eq!(card.model.as_deref(), Some("Reader"));
    assert_eq!(card.mounts, [MountedAt { path: "/media/pi/SD32GB-03".into(), read_only: true }]);
    let drive = by_label(&plugged, "PDRIVE128GB", VolumeKind::Drive, &|_| false).unwrap();
    assert_eq!(drive.mounts, [MountedAt { path: "/media/pi/PDRIVE128GB".into(), read_only: false }]);
}

#[test]
fn the_disk_that_the_system_runs_from_is_never_offered() {
    // Even a partition of it that nothing has mounted.
    for label in ["rootfs", "bootfs", "SPARE"] {
        let plugged = plugged(PI, MOUNTS);
        let error = by_label(&plugged, label, VolumeKind::Card, &|_| false).unwrap_err();
        assert!(error.what.contains("runs from"), "{}", error.what);
    }
    let plugged = plugged(PI, MOUNTS);
    assert!(by_device(&plugged, Path::new("/dev/mmcblk0p3")).unwrap_err().what.contains("runs from"));
    assert_eq!(by_device(&plugged, Path::new("/dev/sdb")).unwrap().kname, "sdb");
    assert!(by_device(&plugged, Path::new("/dev/sdz")).is_err());
}

#[test]
fn roots_that_hide_their_disk() {
    let blocks = |child: &str| {
        format!(
            r#"{{"blockdevices":[{{"kname":"sda","maj:min":"8:0","type":"disk","rm":true,"tran":"usb","children":[
            {{"kname":"sda1","maj:min":"8:1","type":"part","fstype":"vfat","label":"CARD","size":1}},
            {{"kname":"sda2","maj:min":"8:2","type":"part","fstype":"{child}"}}]}}]}}"#
        )
    };
    let cases = [
        ("btrfs, whose mounts have numbers of their own", "ext4", "1 0 0:30 /@ / rw - btrfs /dev/sda2 rw"),
        (
            "an overlay over the real root",
            "ext4",
            "1 0 0:30 / / rw - overlay overlay rw,lowerdir=/ro/x:/y,upperdir=/z\n2 1 8:2 / /ro ro - ext4 /dev/root ro",
        ),
        ("overlayroot's place", "ext4", "2 1 8:2 / /media/root-ro ro - ext4 /dev/sda2 ro"),
    ];
    for (name, fstype, mounts) in cases {
        assert_eq!(plugged(&blocks(fstype), mounts).offered().count(), 0, "{name}");
    }
    // LVM on two disks: both are the system's. The card's volume is listed below each.
    let lvm = r#"{"blockdevices":[
      {"kname":"sda","maj:min":"8:0","type":"disk","fstype":"LVM2_member","children":[
        {"kname":"dm-0","maj:min":"253:0","type":"lvm","fstype":"ext4","label":"root","size":1}]},
      {"kname":"sdb","maj:min":"8:16","type":"disk","children":[
        {"kname":"sdb1","maj:min":"8:17","type":"part","fstype":"LVM2_member","children":[
          {"kname":"dm-0","maj:min":"253:0","type":"lvm","fstype":"ext4","label":"root","size":1}]},
        {"kname":"sdb2","maj:min":"8:18","type":"part","fstype":"vfat","label":"X","size":1}]}]}"#;
    let lvm = plugged(lvm, "1 0 253:0 / / rw - ext4 /dev/mapper/vg-root rw");
    assert_eq!(lvm.offered().count(), 0);
    assert_eq!(lvm.volumes.len(), 2, "each once");
    // Swap counts, and so does a place that only lsblk tells (its own mount namespace hides nothing).
    let swap = blocks("swap").replace("\"fstype\":\"swap\"", "\"fstype\":\"swap\",\"mountpoint\":\"[SWAP]\"");
    assert_eq!(plugged(&swap, "").offered().count(), 0);
    assert_eq!(plugged(&blocks("ext4"), "").offered().count(), 2);
}

#[test]
fn two_cards_of_one_label_are_named_with_device_and_size() {
    let two = PI.replace("PDRIVE128GB", "SD32GB-03");
    let two = plugged(&two, MOUNTS);
    let error = by_label(&two, "SD32GB-03", VolumeKind::Card, &|_| false).unwrap_err();
    assert!(error.what.starts_with("more than one volume is labelled SD32GB-03"), "{}", error.what);
    assert_eq!(error.hints[0], "SD32GB-03: /dev/sda1, 32 GB, exfat");
    assert_eq!(error.hints[1], "SD32GB-03: /dev/sdb, 128 GB, vfat");
    // One of them being the drive, the other is the card.
    let card = by_label(&two, "SD32GB-03", VolumeKind::Card, &|v| v.kname == "sdb").unwrap();
    assert_eq!(card.kname, "sda1");
}

#[test]
fn a_label_that_is_not_there_lists_what_is() {
    let plugged = plugged(PI, MOUNTS);
    let error =
        by_label(&plugged, "sd32gb-03\u{1b}[2J", VolumeKind::Card, &|v| v.kname == "sdb").unwrap_err();
    assert_eq!(error.what, "no card labelled sd32gb-03\\u{1b}[2J is plugged in");
    assert_eq!(
        error.hints,
        ["there is SD32GB-03: /dev/sda1, 32 GB, exfat", "there is (no label): /dev/sdc, 8.0 GB"]
    );
    // An empty label is no label, and finds no volume that has none.
    assert!(by_label(&plugged, "", VolumeKind::Card, &|_| false).is_err());
}

#[test]
fn labels_are_never_shown_raw() {
    let hostile = PI.replace("SD32GB-03", "a\\u001b[2J\\nb/../\\u202e");
    let hostile = plugged(&hostile, MOUNTS);
    let shown: Vec<String> = hostile.offered().map(ToString::to_string).collect();
    assert_eq!(shown[0], "a\\u{1b}[2J\\nb/../\\u{202e}: /dev/sda1, 32 GB, exfat");
    assert_eq!(hostile.volumes.iter().filter(|v| v.kname == "sda1").count(), 1);
}

#[test]
fn blkid_fills_in_what_lsblk_does_not_know() {
    let bare = r#"{"blockdevices":[{"kname":"loop1","maj:min":"7:1","type":"loop","size":9}]}"#;
    let found = blkid::parse("DEVNAME=/dev/loop1\nLABEL=CARD\nUUID=u\nTYPE=ext4\n");
    assert_eq!(Plugged::new(lsblk::json(bare).unwrap(), &[], &[]).volumes.len(), 0);
    let plugged = Plugged::new(lsblk::json(bare).unwrap(), &found, &[]);
    assert_eq!(plugged.volumes[0].to_string(), "CARD: /dev/loop1, 9 B, ext4");
}
