//! Cards and drives that are plugged in, joined from the texts that lsblk and the kernel give. Pure.

use super::blkid;
use super::device::DeviceNumber;
use super::lsblk::Block;
use super::mountinfo::Mount;
use crate::ui::{bytes, visible};
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// A place where a volume can be reached, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MountedAt {
    pub path: PathBuf,
    pub read_only: bool,
}

/// A file system (or a device without one that piback can name) that is plugged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// The kernel's name, `sda1`.
    pub kname: String,
    pub number: DeviceNumber,
    pub label: Option<String>,
    /// `vfat`, `exfat`, `ntfs`, `ext4` and so on, as blkid names them.
    pub fstype: Option<String>,
    /// The volume id; on FAT and exFAT eight hexadecimal digits.
    pub uuid: Option<String>,
    /// Bytes.
    pub size: u64,
    /// The device itself refuses writes: a card's lock switch.
    pub read_only: bool,
    pub usb: bool,
    pub removable: bool,
    pub model: Option<String>,
    pub mounts: Vec<MountedAt>,
    /// It lies on a disk that this system runs from, so it is never a card or a drive.
    pub system: bool,
}

impl Volume {
    /// `/dev/sda1`. The kernel writes `!` where the path has a slash.
    #[must_use]
    pub fn device(&self) -> PathBuf {
        Path::new("/dev").join(self.kname.replace('!', "/"))
    }

    /// The label for people: never raw, never empty.
    #[must_use]
    pub fn shown_label(&self) -> String {
        self.label.as_deref().map_or_else(|| "(no label)".to_owned(), visible)
    }
}

/// `SD32GB-03: /dev/sda1, 32 GB, exfat`
impl fmt::Display for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, {}", self.shown_label(), self.device().display(), bytes(self.size))?;
        self.fstype.as_deref().map_or(Ok(()), |fstype| write!(f, ", {}", visible(fstype)))
    }
}

/// Everything that is plugged in, and everything that this system runs from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plugged {
    pub volumes: Vec<Volume>,
}

impl Plugged {
    /// Joins what lsblk lists, what blkid adds where lsblk knows no file system, and what is mounted.
    #[must_use]
    pub fn new(mut blocks: Vec<Block>, probed: &[blkid::Found], mounts: &[Mount]) -> Self {
        for block in &mut blocks {
            let device = format!("/dev/{}", block.kname.replace('!', "/"));
            if let Some(found) = probed.iter().find(|f| f.device == device && block.fstype.is_none()) {
                block.fstype.clone_from(&found.fstype);
                block.label.clone_from(&found.label);
                block.uuid.clone_from(&found.uuid);
            }
        }
        let system_tops = system_disks(&blocks, mounts);
        let mut volumes: Vec<Volume> = Vec::new();
        for block in &blocks {
            let tops = tops(&blocks, block);
            let system = tops.iter().any(|t| system_tops.contains(t));
            if let Some(known) = volumes.iter_mut().find(|v| v.kname == block.kname) {
                // Listed once below each of its parents: RAID, multipath.
                known.system |= system;
                continue;
            }
            let top = |f: &dyn Fn(&Block) -> bool| blocks.iter().any(|b| tops.contains(&&*b.kname) && f(b));
            let usb = top(&|b| b.transport.as_deref() == Some("usb"));
            let removable = block.removable || top(&|b| b.removable);
            if !worth_listing(&blocks, block, usb || removable) {
                continue;
            }
            volumes.push(Volume {
                kname: block.kname.clone(),
                number: block.number,
                label: block.label.clone(),
                fstype: block.fstype.clone(),
                uuid: block.uuid.clone(),
                size: block.size,
                read_only: block.read_only || top(&|b| b.read_only),
                usb,
                removable,
                model: blocks.iter().filter(|b| tops.contains(&&*b.kname)).find_map(|b| b.model.clone()),
                mounts: mounts_of(block, mounts),
                system,
            });
        }
        Plugged { volumes }
    }

    /// Yields what may be offered to a person: all but the disks that this system runs from.
    pub fn offered(&self) -> impl Iterator<Item = &Volume> {
        self.volumes.iter().filter(|v| !v.system)
    }
}

/// Places whose disk this system runs from. The last two are where overlayroot and a live system keep theirs.
const SYSTEM_PLACES: [&str; 11] = [
    "/",
    "/boot",
    "/boot/firmware",
    "/boot/efi",
    "/usr",
    "/etc",
    "/var",
    "/var/lib",
    "/home",
    "/media/root-ro",
    "/run/live/medium",
];

/// Content that no camera and no backup drive has: parts of other devices, swap, packed images.
const NOT_A_VOLUME: [&str; 7] =
    ["swap", "squashfs", "LVM2_member", "linux_raid_member", "crypto_LUKS", "zfs_member", "erofs"];

fn worth_listing(blocks: &[Block], block: &Block, pluggable: bool) -> bool {
    let has_parts = blocks.iter().any(|b| b.parent.as_ref() == Some(&block.kname));
    match block.fstype.as_deref() {
        Some(fstype) => !block.swap && !has_parts && !NOT_A_VOLUME.contains(&fstype),
        // A card that is not formatted, or not in a way that blkid knows: shown, so that one sees that it is there.
        None => pluggable && !has_parts && block.size > 0 && block.kind != "loop" && block.kind != "rom",
    }
}

/// The whole disks below which something is mounted that this system needs, or swapped to.
fn system_disks<'a>(blocks: &'a [Block], mounts: &[Mount]) -> Vec<&'a str> {
    let mut needed: Vec<&Mount> =
        mounts.iter().filter(|m| SYSTEM_PLACES.iter().any(|p| m.at == Path::new(p))).collect();
    // A root that is an overlay: its lower folders are the real one.
    let lower: Vec<&str> = needed
        .iter()
        .filter(|m| m.fstype == "overlay")
        .flat_map(|m| m.options.split(','))
        .filter_map(|option| option.strip_prefix("lowerdir="))
        .flat_map(|dirs| dirs.split(':'))
        .collect();
    for dir in lower {
        let holding = mounts.iter().filter(|m| Path::new(dir).starts_with(&m.at));
        needed.extend(holding.max_by_key(|m| m.at.components().count()));
    }
    let by_lsblk = |b: &Block| b.mountpoint.as_deref().is_some_and(|m| SYSTEM_PLACES.contains(&m));
    let system = |b: &&Block| b.swap || by_lsblk(b) || needed.iter().any(|m| is_mount_of(b, m));
    blocks.iter().filter(system).flat_map(|b| tops(blocks, b)).collect()
}

/// The whole disks that a device is a part of; itself if it is one.
fn tops<'a>(blocks: &'a [Block], block: &'a Block) -> Vec<&'a str> {
    let mut tops = Vec::new();
    let mut seen = Vec::new();
    let mut rest = vec![&*block.kname];
    while let Some(kname) = rest.pop() {
        if seen.contains(&kname) {
            continue;
        }
        seen.push(kname);
        let parents = blocks.iter().filter(|b| b.kname == kname).filter_map(|b| b.parent.as_deref());
        let before = rest.len();
        rest.extend(parents);
        if rest.len() == before {
            tops.push(kname);
        }
    }
    tops
}

fn is_mount_of(block: &Block, mount: &Mount) -> bool {
    // btrfs gives its mounts numbers of their own; there the source tells.
    block.number == mount.number || mount.source == format!("/dev/{}", block.kname.replace('!', "/"))
}

/// Finds where the whole volume can be reached. A mount with another one right on top of it can't be.
fn mounts_of(block: &Block, mounts: &[Mount]) -> Vec<MountedAt> {
    let covered = |m: &Mount| mounts.iter().any(|c| c.parent == m.id && c.at == m.at);
    let whole = mounts.iter().filter(|m| m.root == "/" && is_mount_of(block, m) && !covered(m));
    whole.map(|m| MountedAt { path: m.at.clone(), read_only: m.read_only }).collect()
}

/// A volume of this name and label, mounted there, for the tests of those who look at some.
#[cfg(test)]
pub fn made_up(kname: &str, label: Option<&str>, mounted: &str) -> Volume {
    Volume {
        kname: kname.into(),
        number: DeviceNumber { major: 8, minor: 17 },
        label: label.map(str::to_owned),
        fstype: Some("exfat".into()),
        uuid: None,
        size: 0,
        read_only: false,
        usb: true,
        removable: true,
        model: None,
        mounts: vec![MountedAt { path: mounted.into(), read_only: true }],
        system: false,
    }
}

#[cfg(test)]
#[path = "volume_tests.rs"]
mod tests;
