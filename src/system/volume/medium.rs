//! Looks up what a file system is known to do, by its magic number.

/// The way to treat a file system; decided once per run from `statfs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Medium {
    /// Its name, for messages.
    pub name: &'static str,
    /// `syncfs` reaches the medium. On FUSE (ntfs-3g) it does nothing: files must be synced one by one.
    pub syncfs: bool,
    /// Extending writes with O_DIRECT are truly direct. FAT and exFAT fall back to a slow synchronous write.
    pub direct_writes: bool,
    /// `ctime` changes with every change of a file and can't be set by anyone; on FAT and exFAT it is `mtime`.
    pub real_ctime: bool,
}

impl Medium {
    /// From the magic number in `statfs` (linux/magic.h, and fs/exfat, fs/ntfs3, fs/ext4 for theirs). An unknown
    /// file system gets the most careful treatment.
    #[must_use]
    pub fn from_magic(magic: u64) -> Self {
        let (name, syncfs, direct_writes, real_ctime) = match magic {
            0xEF53 => ("ext4", true, true, true),
            0x5846_5342 => ("xfs", true, true, true),
            0x9123_683E => ("btrfs", true, true, true),
            0xF2F5_2010 => ("f2fs", true, true, true),
            0x794C_7630 => ("overlay", true, true, true),
            0x0102_1994 => ("tmpfs", true, false, true),
            0x4D44 => ("vfat", true, false, false),
            0x2011_BAB0 => ("exfat", true, false, false),
            0x7366_746E => ("ntfs3", true, false, false),
            0x482B => ("hfsplus", true, false, false),
            0x6573_5546 => ("fuse", false, false, false),
            _ => ("unknown", false, false, false),
        };
        Medium { name, syncfs, direct_writes, real_ctime }
    }
}

impl Medium {
    /// Tells whether a name that ends with a dot or a space keeps that end. The kernel's vfat and exFAT drop dots, Windows drops
    /// both on NTFS, and what is behind FUSE can't be told.
    #[must_use]
    pub fn keeps_ends(&self) -> bool {
        self.real_ctime || self.name == "hfsplus"
    }
}

impl Medium {
    /// The largest size of a file that it can hold, in bytes, as far as that is less than any file has.
    #[must_use]
    pub fn largest_file(&self) -> u64 {
        if self.name == "vfat" { u64::from(u32::MAX) } else { u64::MAX }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_is_trusted_in_nothing() {
        let unknown = Medium::from_magic(0x1234);
        assert!(!unknown.syncfs && !unknown.direct_writes && !unknown.real_ctime);
        assert!(!Medium::from_magic(0x6573_5546).syncfs);
        assert!(!Medium::from_magic(0x4D44).real_ctime);
        assert_eq!(Medium::from_magic(0x4D44).largest_file(), 4_294_967_295);
        assert_eq!(Medium::from_magic(0x2011_BAB0).largest_file(), u64::MAX);
    }
}
