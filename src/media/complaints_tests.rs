#![cfg(test)]

use super::*;

/// The messages as journald keeps them.
fn log(messages: &[&str]) -> String {
    let entry = |message: &&str| {
        let text = serde_json::to_string(message).unwrap();
        format!(
            "{{\"_TRANSPORT\":\"kernel\",\"SYSLOG_FACILITY\":\"0\",\"PRIORITY\":\"3\",\"MESSAGE\":{text}}}\n"
        )
    };
    messages.iter().map(entry).collect()
}

fn sdb() -> Disk {
    Disk { name: "sdb".into(), usb: Some("1-1.2".into()) }
}

fn about(messages: &[&str], disk: &Disk) -> Complaints {
    Log::read(&log(messages)).unwrap().about(disk).unwrap_or_default()
}

const CAME: &str = "usb 1-1.2: new high-speed USB device number 5 using xhci_hcd";

#[test]
fn each_kind_of_complaint_counts_for_its_disk_alone() {
    let complaints = [
        (
            "critical medium error, dev sdb, sector 2048 op 0x0:(READ) flags 0x0 phys_seg 1 prio class 2",
            [1, 0, 0, 0],
        ),
        ("blk_update_request: critical medium error, dev sdb, sector 7", [1, 0, 0, 0]),
        ("I/O error, dev sdb, sector 0 op 0x1:(WRITE) flags 0x800 phys_seg 1 prio class 2", [0, 1, 0, 0]),
        ("end_request: I/O error, dev sdb, sector 9", [0, 1, 0, 0]),
        ("print_req_error: critical target error, dev sdb, sector 9", [0, 1, 0, 0]),
        ("usb 1-1.2: reset high-speed USB device number 5 using xhci_hcd", [0, 0, 1, 0]),
        ("usb 1-1.2: reset SuperSpeed Plus Gen 2x1 USB device number 5 using xhci_hcd", [0, 0, 1, 0]),
        ("FAT-fs (sdb1): error, invalid access to FAT (entry 0x0fff)", [0, 0, 0, 1]),
        ("exFAT-fs (sdb1): error, invalid access to FAT (entry 0x00000000) bogus content", [0, 0, 0, 1]),
        (
            "EXT4-fs error (device sdb1): ext4_lookup:1855: inode #2: comm ls: deleted inode referenced: 12",
            [0, 0, 0, 1],
        ),
        ("EXT4-fs error (device sdb1) in ext4_reserve_inode_write:5792: IO failure", [0, 0, 0, 1]),
        ("EXT4-fs error (device sdb): x", [0, 0, 0, 1]),
        // What is said once more, what is no error, and what is another device's.
        ("Buffer I/O error on dev sdb1, logical block 0, async page read", [0; 4]),
        (
            "critical target error, dev sdb, sector 9 op 0x3:(DISCARD) flags 0x800 phys_seg 1 prio class 2",
            [0; 4],
        ),
        ("operation not supported error, dev sdb, sector 9 op 0x9:(WRITE_ZEROES) flags 0x0", [0; 4]),
        ("I/O error, dev sdbb, sector 1", [0; 4]),
        ("I/O error, dev sda, sector 1", [0; 4]),
        ("FAT-fs (sdc1): error, x", [0; 4]),
        ("usb 1-1: reset high-speed USB device number 5 using xhci_hcd", [0; 4]),
        ("usb 1-1.20: reset high-speed USB device number 5 using xhci_hcd", [0; 4]),
    ];
    for (message, [medium, io, resets, file_system]) in complaints {
        let expected = Complaints {
            medium_errors: medium,
            io_errors: io,
            usb_resets: resets,
            file_system_errors: file_system,
            ..Complaints::default()
        };
        assert_eq!(about(&[CAME, message], &sdb()), expected, "{message}");
        assert_eq!(expected.words().is_some(), expected != Complaints::default());
    }
    let mmc = Disk { name: "mmcblk1".into(), usb: None };
    let seen = about(
        &[
            "I/O error, dev mmcblk1, sector 1",
            "mmcblk1: mmc1:0001 SD16G 14.4 GiB",
            "FAT-fs (mmcblk1p1): error, x",
            "FAT-fs (mmcblk11): error, x",
            "FAT-fs (mmcblk1p): error, x",
        ],
        &mmc,
    );
    assert_eq!(seen, Complaints { file_system_errors: 1, ..Complaints::default() });
}

#[test]
fn what_was_pulled_without_being_ejected_is_told() {
    for open in [
        "FAT-fs (sdb1): Volume was not properly unmounted. Some data may be corrupt. Please run fsck.",
        "exFAT-fs (sdb1): Volume was not properly unmounted. Some data may be corrupt. Please run fsck.",
        "ntfs3(sdb1): volume is dirty and \"force\" flag is not set!",
        "ntfs3: sdb1: volume is dirty and \"force\" flag is not set!",
    ] {
        let seen = about(&[CAME, open], &sdb());
        assert_eq!(seen, Complaints { not_ejected: 1, ..Complaints::default() }, "{open}");
        assert_eq!(seen.words().as_deref(), Some("it was pulled once without being ejected"));
        assert!(seen.remedy().is_some_and(|remedy| remedy.contains("piback eject")));
        let failing = Complaints { io_errors: 1, ..seen };
        assert!(failing.remedy().is_some_and(|remedy| remedy.contains("cable")), "the worse one is named");
    }
    for other in ["exFAT-fs (sdb1): x", "ntfs3(sdc1): volume is dirty", "ntfs3: sdb1 volume is dirty"] {
        assert_eq!(about(&[CAME, other], &sdb()), Complaints::default(), "{other}");
    }
}

#[test]
fn only_what_was_said_since_the_disk_came_counts() {
    let old =
        ["I/O error, dev sdb, sector 1", "usb 1-1.2: reset high-speed USB device number 4 using xhci_hcd"];
    let reader = "sd 0:0:0:0: [sdb] 62333952 512-byte logical blocks: (31.9 GB/29.7 GiB)";
    for came in [CAME, reader, "usb 1-1.2: USB disconnect, device number 4", "usb 1-1.2: USB disconnect"] {
        let messages = [old[0], old[1], came, "I/O error, dev sdb, sector 2"];
        let fell_off = u64::from(came.contains("disconnect"));
        let wanted = Complaints { io_errors: 1, fell_off, ..Complaints::default() };
        assert_eq!(about(&messages, &sdb()), wanted, "{came}");
    }
    for other in [
        "usb 1-1.3: new high-speed USB device number 5 using xhci_hcd",
        "sd 0:0:0:1: [sdc] 62333952 512-byte logical blocks: (31.9 GB/29.7 GiB)",
        "sd 0:0:0:0: [sdb] Attached SCSI removable disk",
    ] {
        let seen = about(&[old[0], old[1], other], &sdb());
        assert_eq!((seen.io_errors, seen.usb_resets), (1, 1), "{other}");
    }
}

#[test]
fn names_that_devices_gave_themselves_are_no_complaints() {
    let forged = [
        // Of the device in port 1.3, about the one in port 1.2.
        "usb 1-1.3: Product: x\nI/O error, dev sdb, sector 1\nusb 1-1.2: reset high-speed USB device number 5 using xhci_hcd",
        "usb 1-1.3: Product: I/O error, dev sdb, sector 1",
        "usb 1-1.3: Manufacturer: usb 1-1.2: reset high-speed USB device number 5 using xhci_hcd",
        "usb 1-1.3: Product: reset  USB device number ",
        "scsi 0:0:0:0: Direct-Access     I/O error, dev sdb, sector 1 PQ: 0 ANSI: 6",
        "BTRFS: device label x\nFAT-fs (sdb1): error, x devid 1 transid 7 /dev/sdc scanned by (udev-worker)",
        "UDF-fs: INFO Mounting volume 'EXT4-fs error (device sdb1): x', timestamp 2026/11/28 00:00 (1000)",
        "input: I/O error, dev sdb, sector 1 as /devices/virtual/input/input3",
    ];
    for message in forged {
        assert_eq!(about(&[CAME, message], &sdb()), Complaints::default(), "{message}");
    }
    // Nor does one take complaints back.
    let hidden = [
        CAME,
        "I/O error, dev sdb, sector 1",
        "usb 1-1.3: Product: usb 1-1.2: new high-speed USB device number 5 using xhci_hcd",
        "usb 1-1.3: SerialNumber: x\nsd 0:0:0:0: [sdb] 1 512-byte logical blocks: (1 B/1 B)",
    ];
    assert_eq!(about(&hidden, &sdb()).io_errors, 1);
    // What a program wrote, into the kernel's log or beside it.
    let line = |transport: &str, facility: &str| {
        format!(
            "{{\"_TRANSPORT\":\"{transport}\",\"SYSLOG_FACILITY\":\"{facility}\",\"MESSAGE\":\"I/O error, dev sdb, sector 1\"}}\n"
        )
    };
    for written in [line("kernel", "1"), line("journal", "0"), line("syslog", "0")] {
        assert!(Log::read(&written).is_none());
        let seen = Log::read(&(log(&[CAME]) + &written)).unwrap().about(&sdb());
        assert_eq!(seen.unwrap_or_default(), Complaints::default(), "{written}");
    }
    assert!(Log::read(&line("kernel", "0")).is_some());
}

#[test]
fn a_log_that_is_not_there_is_not_known_and_an_odd_line_costs_itself_alone() {
    for nothing in ["", "\n", "-- No entries --\n", "[]", "{}", "null\n{\"MESSAGE\":1}"] {
        assert!(Log::read(nothing).is_none(), "{nothing}");
    }
    let bytes: Vec<u8> = b"I/O error, dev sdb, sector 1 \xff".to_vec();
    let list = format!("{{\"_TRANSPORT\":\"kernel\",\"SYSLOG_FACILITY\":\"0\",\"MESSAGE\":{bytes:?}}}\n");
    let text = log(&[CAME]) + "{\"_TRANSPORT\":\"kernel\",\n" + &list + "{\"MESSAGE\":null}\n";
    assert_eq!(Log::read(&text).unwrap().about(&sdb()).unwrap().io_errors, 1);
}

#[test]
fn a_link_of_sysfs_says_the_disk_and_its_place_on_the_bus() {
    let pi = "../../devices/platform/scb/fd500000.pcie/pci0000:00/0000:00:00.0/0000:01:00.0/usb1/1-1/1-1.2/1-1.2:1.0/host0/target0:0:0/0:0:0:0/block/sdb";
    assert_eq!(Disk::of_link(pi), Some(sdb()));
    assert_eq!(Disk::of_link(&format!("{pi}/sdb1")), Some(sdb()));
    let mmc = "../../devices/platform/emmc2bus/fe340000.mmc/mmc_host/mmc0/mmc0:aaaa/block/mmcblk0/mmcblk0p1";
    assert_eq!(Disk::of_link(mmc), Some(Disk { name: "mmcblk0".into(), usb: None }));
    let virt = Disk::of_link("../../devices/virtual/block/loop0");
    assert_eq!(virt, Some(Disk { name: "loop0".into(), usb: None }));
    for odd in ["", "block/sdb", "../../devices/x/block", "../../devices/x/block/", "../../devices"] {
        assert_eq!(Disk::of_link(odd), None, "{odd}");
    }
}

#[test]
fn one_that_falls_off_the_bus_again_and_again_is_told_and_a_log_that_does_not_reach_back_knows_nothing() {
    let error = "I/O error, dev sdb, sector 1 op 0x0:(READ)";
    let (went, came) = ("usb 1-1.2: USB disconnect, device number 5", CAME);
    let seen = about(&[came, error, error, went, came, error, went, came], &sdb());
    assert_eq!(seen, Complaints { fell_off: 2, ..Complaints::default() });
    assert_eq!(seen.words().unwrap(), "it went 2 times while it was in use");
    assert!(seen.remedy().unwrap().starts_with("another cable"));
    assert!(about(&[came, error, went, came], &sdb()).remedy().is_none(), "once somebody may have pulled it");
    assert_eq!(about(&[came, went, came, went, came], &sdb()), Complaints::default(), "taken out in peace");
    let other = "I/O error, dev sda, sector 1 op 0x0:(READ)";
    assert_eq!(Log::read(&log(&[other])).unwrap().about(&sdb()), None);
    assert!(Log::read(&log(&[came, other])).unwrap().about(&sdb()).is_some());
}

#[test]
fn words_and_remedy_go_by_what_is_worst() {
    let none = Complaints::default();
    assert_eq!((none.words(), none.remedy()), (None, None));
    let two = Complaints { usb_resets: 2, ..none };
    assert_eq!(two.words().unwrap(), "since it was plugged in the kernel saw 2 resets of its USB connection");
    assert_eq!(two.remedy(), None);
    let all = Complaints {
        medium_errors: 12,
        io_errors: 1,
        usb_resets: 3,
        file_system_errors: 2,
        not_ejected: 0,
        fell_off: 2,
    };
    assert_eq!(
        all.words().unwrap(),
        "since it was plugged in the kernel saw 12 bad places on the medium, 1 read or write that failed, 2 errors in its file system, 3 resets of its USB connection; it went 2 times while it was in use"
    );
    assert!(all.remedy().unwrap().starts_with("copy what is on it"));
    assert!(Complaints { medium_errors: 0, ..all }.remedy().unwrap().contains("check and repair"));
    assert!(Complaints { usb_resets: 3, ..none }.remedy().unwrap().starts_with("another cable"));
    assert!(Complaints { io_errors: 1, ..none }.remedy().unwrap().starts_with("another cable"));
}
