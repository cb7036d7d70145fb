//! A drive for backups as `status` and `doctor` see it: what is plugged in, joined with what is enrolled.

use crate::media::drives::Drives;
use crate::media::volume::{self, Volume};
use crate::media::{enrolled, plugged};
use crate::system::volume::Dir;
use crate::ui::{bytes, visible};
use serde::Serialize;
use std::path::Path;

/// A drive that is enrolled, or that has the label of the one that shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drive {
    pub label: String,
    /// Set where it may receive backups.
    pub enrolled: bool,
    /// Nothing when it is not plugged in.
    pub plugged: Option<Plugged>,
}

/// A drive that is plugged in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plugged {
    /// As blkid names it: `exfat`, `vfat`, `ntfs`, `ext4`.
    pub fstype: Option<String>,
    pub size_bytes: u64,
    /// The device itself refuses writes.
    pub locked: bool,
    /// Nothing when it is not mounted: a backup mounts it.
    pub mounted: Option<Mounted>,
}

/// The folder where it can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mounted {
    pub path: String,
    pub read_only: bool,
    /// Nothing when the file system does not say.
    pub free_bytes: Option<u64>,
}

impl Drive {
    /// The folder of an enrolled drive that is mounted.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        let mounted = self.plugged.as_ref()?.mounted.as_ref()?;
        self.enrolled.then(|| Path::new(&mounted.path))
    }

    /// Tells whether it is there and takes a backup, as far as can be seen.
    #[must_use]
    pub fn is_fit(&self) -> bool {
        let writable =
            |plugged: &Plugged| !plugged.locked && plugged.mounted.as_ref().is_none_or(|m| !m.read_only);
        self.enrolled && self.plugged.as_ref().is_some_and(writable)
    }

    /// A few words for an iPad's 40 columns, without the label: "128 GB exfat, 40 GB free".
    #[must_use]
    pub fn words(&self) -> String {
        let Some(plugged) = &self.plugged else { return "not plugged in".to_owned() };
        let mut words = vec![bytes(plugged.size_bytes)];
        words.extend(plugged.fstype.as_deref().map(visible));
        let mut text = words.join(" ");
        match &plugged.mounted {
            _ if plugged.locked => text.push_str(", locked"),
            Some(mounted) if mounted.read_only => text.push_str(", read-only: see piback doctor"),
            Some(Mounted { free_bytes: Some(free), .. }) => {
                text.push_str(&format!(", {} free", bytes(*free)))
            }
            Some(_) => {}
            None => text.push_str(", not mounted"),
        }
        if !self.enrolled {
            text.push_str(", not enrolled");
        }
        text
    }
}

/// Looks at what is plugged in and what is enrolled below `root`; `wanted` are the profile's labels.
///
/// # Errors
/// When one of the two can't be read.
pub fn look(root: Option<&Path>, wanted: &[&str]) -> anyhow::Result<Vec<Drive>> {
    let enrolled = enrolled::read(root)?;
    Ok(join(&plugged::read()?, &enrolled, wanted, &free))
}

/// The drives that are enrolled, there or not, and what has a wanted label.
fn join(
    plugged: &volume::Plugged,
    enrolled: &Drives,
    wanted: &[&str],
    free: &dyn Fn(&Path) -> Option<u64>,
) -> Vec<Drive> {
    let there: Vec<(&Volume, bool)> =
        plugged.offered().map(|volume| (volume, enrolled.of(volume).next().is_some())).collect();
    let absent = enrolled.drives.iter().filter(|marker| {
        !there.iter().any(|(volume, known)| *known && enrolled.of(volume).any(|m| m == *marker))
    });
    let mut drives: Vec<Drive> = there
        .iter()
        .filter(|(volume, known)| {
            *known || volume.label.as_deref().is_some_and(|label| wanted.contains(&label))
        })
        .map(|(volume, known)| Drive {
            label: volume.label.clone().unwrap_or_default(),
            enrolled: *known,
            plugged: Some(plugged_in(volume, free)),
        })
        .collect();
    drives.extend(absent.map(|m| Drive { label: m.label.clone(), enrolled: true, plugged: None }));
    drives
}

fn plugged_in(volume: &Volume, free: &dyn Fn(&Path) -> Option<u64>) -> Plugged {
    // A place that can be written counts before one that can't.
    let at = volume.mounts.iter().min_by_key(|m| m.read_only);
    let mounted = at.map(|m| Mounted {
        path: m.path.to_string_lossy().into_owned(),
        read_only: m.read_only,
        free_bytes: free(&m.path),
    });
    Plugged { fstype: volume.fstype.clone(), size_bytes: volume.size, locked: volume.read_only, mounted }
}

fn free(path: &Path) -> Option<u64> {
    Some(Dir::open(path).ok()?.space().ok()?.free)
}
