//! A drive for backups as `status` and `doctor` see it. Values: whoever looks at devices fills them in.

use crate::ui::{bytes, visible};
use serde::Serialize;

/// A drive that is enrolled, or that has the label of the one that shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drive {
    pub label: String,
    /// Whether it may receive backups.
    pub enrolled: bool,
    /// Nothing when it is not plugged in.
    pub plugged: Option<Plugged>,
}

/// What is plugged in.
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

/// Where it can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mounted {
    pub path: String,
    pub read_only: bool,
    /// Nothing when the file system does not say.
    pub free_bytes: Option<u64>,
}

impl Drive {
    /// A few words for an iPad's 40 columns, without the label: "128 GB exfat, 40 GB free".
    #[must_use]
    pub fn words(&self) -> String {
        let Some(plugged) = &self.plugged else { return "not plugged in".to_owned() };
        let mut words = vec![bytes(plugged.size_bytes)];
        words.extend(plugged.fstype.as_deref().map(visible));
        let mut text = words.join(" ");
        match &plugged.mounted {
            _ if plugged.locked => text.push_str(", locked"),
            Some(mounted) if mounted.read_only => text.push_str(", read-only"),
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
