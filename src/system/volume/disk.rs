//! The disks below a file system: two copies on one disk are lost together.

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Something that two folders have in common, and lose together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shared {
    /// One file system: bind mounts, sibling folders.
    FileSystem,
    /// Two file systems on one disk: its partitions, its logical volumes, its btrfs subvolumes.
    Disk,
}

/// Devices on devices (a partition of a RAID of encrypted disks) are followed this far down.
const DEEPEST: usize = 8;

/// The whole disks below an open folder's file system of this device number, by their places in sysfs.
pub fn disks(folder: BorrowedFd<'_>, device: u64) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    if let Some(number) = device_of(device).or_else(|| source_of(folder)) {
        let block = PathBuf::from(format!("/sys/dev/block/{}:{}", number.0, number.1));
        descend(&block, 0, &mut found);
    }
    found
}

/// A block device's number; none for the numbers that the kernel makes up (major 0: tmpfs, FUSE, btrfs, overlay).
fn device_of(number: u64) -> Option<(u64, u64)> {
    let (major, minor) = (nix::sys::stat::major(number), nix::sys::stat::minor(number));
    (major != 0).then_some((major, minor))
}

/// The kernel's words on the mount that a folder is seen through, from `/proc/self/mountinfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountLine {
    /// The folder that it is mounted on; a space is written `\040`.
    pub at: String,
    /// `/dev/sda1`, or a name without a device behind it.
    pub source: String,
    /// The file system's own options, comma-separated.
    pub options: String,
}

/// Looks up the mount of an open folder.
pub fn mount_of(folder: BorrowedFd<'_>) -> Option<MountLine> {
    let fdinfo = fs::read_to_string(format!("/proc/self/fdinfo/{}", folder.as_raw_fd())).ok()?;
    let id = fdinfo.lines().find_map(|line| line.strip_prefix("mnt_id:"))?.trim().to_owned();
    let mounts = fs::read("/proc/self/mountinfo").ok()?;
    let mounts = String::from_utf8_lossy(&mounts);
    // proc(5): the mount's number comes first, its place fifth; behind the lone dash are type, source and options.
    let line = mounts.lines().find(|line| line.split(' ').next() == Some(id.as_str()))?;
    let (before, after) = line.split_once(" - ")?;
    let mut after = after.splitn(3, ' ').skip(1);
    let (source, options) = (after.next()?, after.next().unwrap_or_default());
    Some(MountLine { at: before.split(' ').nth(4)?.into(), source: source.into(), options: options.into() })
}

/// The device that the mount of this folder names as its source, or that the source's folder lies on (bindfs).
fn source_of(folder: BorrowedFd<'_>) -> Option<(u64, u64)> {
    let source = mount_of(folder)?.source;
    let meta = Path::new(&source).is_absolute().then(|| fs::metadata(&source).ok()).flatten()?;
    device_of(if meta.file_type().is_block_device() { meta.rdev() } else { meta.dev() })
}

/// Adds the disks that a block device consists of: a partition's parent, and what RAID and encryption lie on.
fn descend(block: &Path, depth: usize, found: &mut BTreeSet<PathBuf>) {
    let Ok(mut block) = fs::canonicalize(block) else { return };
    if block.join("partition").exists()
        && let Some(whole) = block.parent()
    {
        block = whole.to_owned();
    }
    let slaves = fs::read_dir(block.join("slaves"));
    let slaves: Vec<PathBuf> = slaves.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    if slaves.is_empty() || depth >= DEEPEST {
        found.insert(block);
        return;
    }
    slaves.iter().for_each(|slave| descend(slave, depth + 1, found));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn siblings_share_a_file_system_and_memory_shares_nothing_with_a_disk() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let memory = tempfile::tempdir_in("/dev/shm").unwrap();
        let open = |dir: &tempfile::TempDir| crate::system::volume::Dir::open(dir.path()).unwrap();
        assert_eq!(open(&one).shares_with(&open(&two)), Some(Shared::FileSystem));
        assert_eq!(open(&one).shares_with(&open(&memory)), None);
    }

    #[test]
    fn two_partitions_are_of_one_disk() {
        // sysfs as the kernel lays it out, in a scratch folder.
        let sys = tempfile::tempdir().unwrap();
        for (part, whole) in [("sda1", "sda"), ("sda2", "sda"), ("sdb1", "sdb")] {
            let part = sys.path().join(whole).join(part);
            fs::create_dir_all(&part).unwrap();
            fs::write(part.join("partition"), "1\n").unwrap();
        }
        let crypt = sys.path().join("dm-0/slaves");
        fs::create_dir_all(&crypt).unwrap();
        std::os::unix::fs::symlink(sys.path().join("sda/sda2"), crypt.join("sda2")).unwrap();
        let disks = |name: &str| {
            let mut found = BTreeSet::new();
            descend(&sys.path().join(name), 0, &mut found);
            found.into_iter().map(|d| d.file_name().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(disks("sda/sda1"), ["sda"]);
        assert_eq!(disks("dm-0"), ["sda"], "an encrypted partition lies on its disk");
        assert_eq!(disks("sdb/sdb1"), ["sdb"]);
        assert!(disks("nowhere").is_empty());
    }
}
