//! lsblk's output in its dialects, with mountinfo and blkid beside it. Input: lsblk, NUL, mountinfo, NUL, blkid.
#![no_main]

use libfuzzer_sys::fuzz_target;
use piback::media::lsblk::{self, Block};
use piback::media::volume::Plugged;
use piback::media::{blkid, mountinfo};

/// One line of `lsblk --pairs` that says the same, written as util-linux writes it: odd bytes as `\xHH`.
fn pairs(block: &Block) -> String {
    let text = |value: &Option<String>| {
        let mut out = String::new();
        for c in value.as_deref().unwrap_or_default().chars() {
            match c {
                ' '..='~' if !"\"\\$`".contains(c) => out.push(c),
                c => c.encode_utf8(&mut [0; 4]).bytes().for_each(|b| out.push_str(&format!("\\x{b:02x}"))),
            }
        }
        out
    };
    let flag = |on: bool| if on { "1" } else { "0" };
    format!(
        "KNAME=\"{}\" PKNAME=\"{}\" MAJ:MIN=\"{}:{}\" TYPE=\"{}\" FSTYPE=\"{}\" LABEL=\"{}\" UUID=\"{}\" SIZE=\"{}\" RO=\"{}\" \
         RM=\"{}\" TRAN=\"{}\" MODEL=\"{}\" MOUNTPOINT=\"{}\"",
        block.kname,
        text(&block.parent),
        block.number.major,
        block.number.minor,
        text(&Some(block.kind.clone())),
        text(&block.fstype),
        text(&block.label),
        text(&block.uuid),
        block.size,
        flag(block.read_only),
        flag(block.removable),
        text(&block.transport),
        text(&block.model),
        text(&block.mountpoint),
    )
}

fuzz_target!(|text: &str| {
    let mut parts = text.split('\0');
    let mut next = || parts.next().unwrap_or_default();
    let said = next();
    let mounts = mountinfo::parse(next()).unwrap_or_default();
    let probed = blkid::parse(next());
    for read in [lsblk::json(said), lsblk::pairs(said)] {
        let blocks = match read {
            Ok(blocks) => blocks,
            Err(why) => {
                piback_fuzz::assert_printable("an error", &why);
                continue;
            }
        };
        let again: String = blocks.iter().map(|b| pairs(b) + "\n").collect();
        assert_eq!(lsblk::pairs(&again).as_ref(), Ok(&blocks), "the two dialects differ:\n{again}");
        for block in &blocks {
            let name = &block.kname;
            assert!(
                !name.is_empty() && !name.contains(['/', '\0', ' ']) && name != ".." && name != ".",
                "{name:?}"
            );
        }
        let plugged = Plugged::new(blocks, &probed, &mounts);
        for volume in &plugged.volumes {
            assert!(volume.device().starts_with("/dev/"));
            assert!(!volume.device().components().any(|c| c.as_os_str() == ".."), "{:?}", volume.device());
            piback_fuzz::assert_printable("a volume", &volume.to_string());
            let root = mounts.iter().any(|m| m.at == std::path::Path::new("/") && m.number == volume.number);
            assert!(!root || volume.system, "the system's own disk is offered: {volume}");
        }
        for volume in plugged.offered() {
            assert!(!volume.system);
        }
    }
});
