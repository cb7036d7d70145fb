//! Room on a card that is in use, and not by anything that can be seen: photos in a folder whose chain of clusters was
//! cut, or whose entry is gone. Formatting loses them.
//!
//! On FAT and exFAT everything has its clusters, and nothing is shared or sparse. So what `statfs` calls used is the
//! files, the folders, and the few structures that lie among them. A pure calculation but for the last look at the card.

use super::names;
use crate::system::volume::{Dir, Fault, FaultKind, FileKind, Medium, Space};

/// An exFAT card's up-case table is 5,836 bytes from every formatter in use, and 128 KiB when it is not compressed
/// (exFAT specification, 7.2.5).
const UPCASE: u64 = 128 * 1024;

/// Sight of a FAT or exFAT card.
#[derive(Debug)]
pub struct Seen {
    /// Size of a cluster, in bytes.
    cluster: u64,
    exfat: bool,
    /// Bytes of whole clusters.
    bytes: u64,
    /// Bytes of the root folder.
    root: u64,
    /// Something that was left out could not be looked into.
    blind: bool,
}

impl Seen {
    /// Begins to count; `None` for a file system of which this can't be told.
    ///
    /// # Errors
    /// When the card does not answer.
    pub fn new(root: &Dir) -> Result<Option<Self>, Fault> {
        let Medium { name, .. } = root.medium()?;
        if !matches!(name, "vfat" | "exfat") {
            return Ok(None);
        }
        let size = root.stat(b".")?.map_or(0, |stat| stat.size);
        let cluster = root.space()?.block;
        Ok(Some(Seen { cluster, exfat: name == "exfat", bytes: 0, root: size, blind: false }))
    }

    /// Adds a file or a folder of so many bytes.
    pub fn add(&mut self, size: u64) {
        self.bytes = self.bytes.saturating_add(clusters(size, self.cluster));
    }

    /// Adds what lies in folders at the root that no backup takes.
    ///
    /// # Errors
    /// When the card is gone.
    pub fn left_out(&mut self, root: &Dir, names: &[Vec<u8>]) -> Result<(), Fault> {
        names.iter().try_for_each(|name| self.entry(root, name, 0))
    }

    fn entry(&mut self, dir: &Dir, name: &[u8], depth: usize) -> Result<(), Fault> {
        let look = || -> Result<_, Fault> {
            let Some(stat) = dir.stat(name)? else { return Ok(None) };
            let sub = (stat.kind == FileKind::Directory).then(|| dir.sub(name)).transpose()?;
            let entries = sub.as_ref().map(Dir::list).transpose()?;
            Ok(Some((stat, sub.zip(entries))))
        };
        match look() {
            Ok(Some((stat, sub))) => {
                self.add(stat.size);
                let Some((sub, entries)) = sub else { return Ok(()) };
                self.blind |= depth + 1 >= names::DEEPEST;
                if self.blind {
                    return Ok(());
                }
                entries.iter().try_for_each(|entry| self.entry(&sub, &entry.name, depth + 1))
            }
            Err(fault) if fault.kind() == FaultKind::Gone => Err(fault),
            Ok(None) | Err(_) => {
                self.blind = true;
                Ok(())
            }
        }
    }

    /// Bytes in use that nothing explains; 0 where something could not be looked into.
    ///
    /// # Errors
    /// When the card does not answer.
    pub fn unseen(&self, root: &Dir) -> Result<u64, Fault> {
        let space = root.space()?;
        Ok(if self.blind { 0 } else { self.gap(space) })
    }

    fn gap(&self, Space { free, total, .. }: Space) -> u64 {
        let own = if self.exfat {
            // The bitmap has a bit for each cluster.
            let bitmap = (total / self.cluster).div_ceil(8);
            clusters(bitmap, self.cluster) + clusters(UPCASE, self.cluster)
        } else {
            0
        };
        // The root of FAT12 and FAT16 has a place of its own and no clusters: there this is a little too much.
        let root = clusters(self.root, self.cluster);
        total.saturating_sub(free).saturating_sub(self.bytes).saturating_sub(own).saturating_sub(root)
    }
}

/// A size in bytes, rounded up to whole clusters.
fn clusters(size: u64, cluster: u64) -> u64 {
    size.div_ceil(cluster.max(1)).saturating_mul(cluster.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: u64 = 32 * 1024;

    fn seen(exfat: bool, files: &[u64]) -> Seen {
        let mut seen = Seen { cluster: CLUSTER, exfat, bytes: 0, root: CLUSTER, blind: false };
        files.iter().for_each(|size| seen.add(*size));
        seen
    }

    fn space(used_clusters: u64) -> Space {
        let total = 1_000_000 * CLUSTER;
        Space { free: total - used_clusters * CLUSTER, total, block: CLUSTER }
    }

    #[test]
    fn what_files_folders_and_structures_use_is_explained() {
        // An empty file has no cluster, one of a byte has one.
        let card = seen(false, &[0, 1, CLUSTER, CLUSTER + 1]);
        assert_eq!(card.gap(space(1 + 4)), 0);
        assert_eq!(card.gap(space(1 + 4 + 3)), 3 * CLUSTER, "three clusters belong to nobody");
        // exFAT: 125,000 bytes of bitmap are 4 clusters, a table of 128 KiB is 4.
        let card = seen(true, &[1]);
        assert_eq!(card.gap(space(1 + 1 + 4 + 4)), 0);
        assert_eq!(card.gap(space(1 + 1 + 4 + 1)), 0, "most tables are smaller");
        assert_eq!(card.gap(space(1 + 1 + 4 + 4 + 2)), 2 * CLUSTER);
    }

    #[test]
    fn more_seen_than_used_is_no_gap() {
        assert_eq!(seen(false, &[u64::MAX, u64::MAX]).gap(space(9)), 0);
    }
}
