#![cfg(test)]

use super::*;
use proptest::prelude::*;

/// Stretch, util-linux 2.29: every value is a string, and odd bytes are written in a way that JSON does not know.
const STRETCH: &str = r#"{
   "blockdevices": [
      {"kname": "sda", "pkname": null, "maj:min": "8:0", "type": "disk", "fstype": null, "label": null, "uuid": null, "size": "31914983424", "ro": "0", "rm": "1", "tran": "usb", "model": "STORAGE DEVICE  ", "mountpoint": null,
         "children": [
            {"kname": "sda1", "pkname": "sda", "maj:min": "8:1", "type": "part", "fstype": "vfat", "label": "CAF\xc3\x89\x20\x22A\x22\x5cx", "uuid": "3363-3934", "size": "31910789120", "ro": "1", "rm": "1", "tran": null, "model": null, "mountpoint": "/media/pi/CAF"}
         ]
      },
      {"kname": "zram0", "pkname": null, "maj:min": "254:0", "type": "disk", "fstype": null, "label": null, "uuid": null, "size": "0", "ro": "0", "rm": "0", "tran": null, "model": null, "mountpoint": "[SWAP]"}
   ]
}"#;

/// Bookworm, util-linux 2.38: numbers and booleans.
const BOOKWORM: &str = r#"{"blockdevices": [
  {"kname":"mmcblk0","pkname":null,"maj:min":"179:0","type":"disk","fstype":null,"label":null,"uuid":null,"size":31914983424,"ro":false,"rm":false,"tran":"mmc","model":null,"mountpoint":null,
   "children":[
    {"kname":"mmcblk0p1","pkname":"mmcblk0","maj:min":"179:1","type":"part","fstype":"vfat","label":"bootfs","uuid":"EC2C-4B94","size":536870912,"ro":false,"rm":false,"tran":null,"model":null,"mountpoint":"/boot/firmware"},
    {"kname":"mmcblk0p2","pkname":"mmcblk0","maj:min":"179:2","type":"part","fstype":"ext4","label":"rootfs","uuid":"5ad8","size":31373918208,"ro":false,"rm":false,"tran":null,"model":null,"mountpoints":["/"]}
  ]},
  {"kname":"sdb1","pkname":"sdb","maj:min":"8:17","type":"part","fstype":"exfat","label":"a\nb\u001b[31m/../x","uuid":"1","size":5,"ro":true,"rm":true,"tran":null,"model":null,"mountpoints":[null]}
]}"#;

/// Jessie, util-linux 2.25: no --json.
const JESSIE: &str = r#"KNAME="sda" PKNAME="" MAJ:MIN="8:0" TYPE="disk" FSTYPE="" LABEL="" UUID="" SIZE="31914983424" RO="0" RM="1" TRAN="usb" MODEL="STORAGE DEVICE  " MOUNTPOINT=""
KNAME="sda1" PKNAME="sda" MAJ:MIN="8:1" TYPE="part" FSTYPE="vfat" LABEL="SD32GB-03 \x22\xc3\xa9\x5cx41" UUID="3363-3934" SIZE="31910789120" RO="0" RM="1" TRAN="" MODEL="" MOUNTPOINT="/media/pi/SD32GB-03"
"#;

fn labels(blocks: &[Block]) -> Vec<Option<&str>> {
    blocks.iter().map(|b| b.label.as_deref()).collect()
}

#[test]
fn values_as_strings() {
    let blocks = json(STRETCH).unwrap();
    assert_eq!(labels(&blocks), [None, Some("CAFÉ \"A\"\\x"), None]);
    let [disk, part, zram] = &blocks[..] else { panic!() };
    assert_eq!((disk.size, disk.removable, disk.read_only), (31_914_983_424, true, false));
    assert_eq!((disk.model.as_deref(), disk.transport.as_deref()), (Some("STORAGE DEVICE"), Some("usb")));
    assert_eq!((part.parent.as_deref(), part.read_only), (Some("sda"), true));
    assert_eq!(part.number, DeviceNumber { major: 8, minor: 1 });
    assert!(zram.swap && !part.swap);
}

#[test]
fn values_as_numbers_and_booleans() {
    let blocks = json(BOOKWORM).unwrap();
    assert_eq!(labels(&blocks), [None, Some("bootfs"), Some("rootfs"), Some("a\nb\u{1b}[31m/../x")]);
    assert_eq!(blocks[1].size, 536_870_912);
    assert_eq!(blocks[2].mountpoint.as_deref(), Some("/"));
    assert_eq!(blocks[3].mountpoint, None);
    assert_eq!((blocks[0].removable, blocks[3].removable, blocks[3].read_only), (false, true, true));
}

#[test]
fn pairs_where_there_is_no_json() {
    let blocks = pairs(JESSIE).unwrap();
    assert_eq!(labels(&blocks), [None, Some("SD32GB-03 \"é\\x41")]);
    assert_eq!(blocks[1].parent.as_deref(), Some("sda"));
    assert_eq!(blocks[1].mountpoint.as_deref(), Some("/media/pi/SD32GB-03"));
    // Later releases write the column's name otherwise.
    assert_eq!(pairs(&JESSIE.replace("MAJ:MIN", "MAJ_MIN")).unwrap(), blocks);
}

#[test]
fn a_real_backslash_in_a_label_stays_one() {
    let text = r#"{"blockdevices":[{"kname":"sda1","maj:min":"8:1","label":"a\\x2fb\\\\x41","size":1}]}"#;
    assert_eq!(labels(&json(text).unwrap()), [Some(r"a\x2fb\\x41")]);
}

#[test]
fn what_is_wrong_is_said() {
    let device = |fields: &str| format!(r#"{{"blockdevices":[{{{fields}}}]}}"#);
    let cases = [
        (String::new(), "lsblk's JSON is broken"),
        ("[]".to_owned(), "no list `blockdevices`"),
        (r#"{"blockdevices":{}}"#.to_owned(), "no list `blockdevices`"),
        (device(""), "a device without a name"),
        (device(r#""kname":"""#), "a device without a name"),
        (device(r#""kname":"../../etc","maj:min":"8:1""#), "an impossible name"),
        (device(r#""kname":"a b","maj:min":"8:1""#), "an impossible name"),
        (device(r#""kname":"sda""#), "no device number for sda"),
        (device(r#""kname":"sda","maj:min":"8:-1""#), "no device number for sda"),
        (device(r#""kname":"sda","maj:min":"8:0","size":"29.7G""#), "no size in bytes for sda"),
        (device(r#""kname":"sda","maj:min":"8:0","size":-1"#), "no size in bytes for sda"),
    ];
    for (text, expected) in cases {
        let error = json(&text).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
    assert_eq!(pairs("KNAME=sda").unwrap_err(), "line 1 of lsblk's pairs is broken");
    assert_eq!(pairs("\n\n").unwrap(), []);
}

#[test]
fn a_model_of_spaces_is_none() {
    assert_eq!(pairs(r#"KNAME="sda" MAJ:MIN="8:0" MODEL="   ""#).unwrap()[0].model, None);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[ -~é\\\\\n]{0,80}") {
        let _ = json(&text);
        let _ = pairs(&text);
        let _ = pairs(&format!("KNAME=\"{text}\" MAJ:MIN=\"{text}\""));
        let _ = json(&format!("{{\"blockdevices\":[{{\"kname\":\"{text}\"}}]}}"));
    }

    #[test]
    fn every_label_comes_back_as_it_was(label in "\\PC{1,20}|[\u{1}-\u{1f}\\\\\"x2f]{1,12}") {
        let device = serde_json::json!({"kname": "sda1", "maj:min": "8:1", "size": 1, "label": label});
        let modern = serde_json::json!({ "blockdevices": [device] }).to_string();
        let blocks = json(&modern).unwrap();
        prop_assert_eq!(labels(&blocks), [Some(&*label)]);
        // As the old releases write it: every byte that is not plain as \xHH.
        let old: String = label.bytes().map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(b).to_string(),
            _ => format!("\\x{b:02x}"),
        }).collect();
        let text = format!(r#"{{"blockdevices":[{{"kname":"sda1","maj:min":"8:1","size":"1","label":"{old}"}}]}}"#);
        let blocks = json(&text).unwrap();
        prop_assert_eq!(labels(&blocks), [Some(&*label)]);
        let line = format!(r#"KNAME="sda1" MAJ:MIN="8:1" SIZE="1" LABEL="{old}""#);
        let blocks = pairs(&line).unwrap();
        prop_assert_eq!(labels(&blocks), [Some(&*label)]);
    }
}
