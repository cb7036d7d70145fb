//! The profile's part about cards and drives: who mounts them, where backups go, when they are read again.

use super::types::{Automount, Cascade, Copies, DataPath, Every, Led, OnInsert, Page, Tls, VolumeLabel};
use schemars::JsonSchema;
use serde::Deserialize;

/// The drives that backups go to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "BackupParts")]
#[schemars(with = "BackupParts")]
pub struct Backup {
    /// The first of the drives.
    pub destination: VolumeLabel,
    /// Further drives; no label twice.
    pub others: Vec<VolumeLabel>,
    pub copies: Copies,
    pub cascade: Cascade,
    pub mount_root: DataPath,
    pub on_insert: OnInsert,
}

impl Backup {
    /// All drives, in the order of the profile.
    pub fn labels(&self) -> impl Iterator<Item = &VolumeLabel> {
        std::iter::once(&self.destination).chain(&self.others)
    }
}

/// The drives that backups go to.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Backup")]
struct BackupParts {
    /// Label of the drive that receives them, where it is one; `destinations` names several
    destination: Option<VolumeLabel>,
    /// Labels of one to three drives that receive them, each a whole copy; in place of `destination`
    #[schemars(length(min = 1, max = 3))]
    destinations: Option<Vec<VolumeLabel>>,
    /// Number of the drives that must have a photo before it counts as safe
    #[serde(default)]
    copies: Copies,
    /// The way to the further drives, where it names several
    #[serde(default)]
    cascade: Cascade,
    /// The folder that cards and drives are mounted below
    mount_root: DataPath,
    /// Reaction to a card that is plugged in
    #[serde(default)]
    on_insert: OnInsert,
}

impl TryFrom<BackupParts> for Backup {
    /// The key that is wrong, `|`, and a sentence.
    type Error = String;

    fn try_from(parts: BackupParts) -> Result<Self, String> {
        let BackupParts { destination, destinations, copies, cascade, mount_root, on_insert } = parts;
        let (destination, others) = match (destination, destinations) {
            (Some(_), Some(_)) => {
                return Err(
                    "destinations|stands beside destination, which names one drive; keep one of the two"
                        .into(),
                );
            }
            (Some(one), None) => (one, Vec::new()),
            (None, Some(all)) => several(all)?,
            (None, None) => return Err("destination|is missing".into()),
        };
        let named = 1 + others.len();
        if let Copies::Count { drives, .. } = copies
            && usize::from(drives) > named
        {
            return Err(format!("copies|wants {drives} drives, and destinations names {named}"));
        }
        Ok(Backup { destination, others, copies, cascade, mount_root, on_insert })
    }
}

/// Most drives that one run writes to.
const MOST: usize = 3;

/// The first drive, and the others.
fn several(all: Vec<VolumeLabel>) -> Result<(VolumeLabel, Vec<VolumeLabel>), String> {
    if all.len() > MOST {
        return Err(format!("destinations|names {} drives; {MOST} are the most", all.len()));
    }
    if let Some((_, twice)) = all.iter().enumerate().find(|(at, label)| all[..*at].contains(label)) {
        return Err(format!("destinations|names {twice} twice; two copies on one drive are one"));
    }
    let mut all = all.into_iter();
    let first = all.next().ok_or("destinations|names no drive; one to three are wanted")?;
    Ok((first, all.collect()))
}

/// Re-reading what is on the drives, so that rot is found while there is another copy.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scrub {
    /// The time in which each photo is read once more
    pub every: Every,
}

/// Telling how a job goes to whoever has no screen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tell {
    /// The Pi's green light
    pub led: Led,
    /// Logged-in terminals get a line when a job ends
    pub terminals: bool,
}

/// The page for the iPad's browser.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Web {
    /// The network that it is served on; it shows what is mounted, so it needs `volumes.mount: auto`
    pub page: Page,
    /// Its encryption; the Wi-Fi itself is encrypted anyway
    pub tls: Tls,
}

/// Cards and drives that are plugged in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Volumes {
    /// Who mounts them
    pub mount: Automount,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backup(yaml: &str) -> Result<Backup, String> {
        let text = format!("{{mount_root: /media/x, {yaml}}}");
        serde_yaml::from_str::<Backup>(&text).map_err(|e| e.to_string())
    }

    #[test]
    fn one_to_three_drives_are_named_in_one_of_two_ways() {
        let labels = |yaml: &str| backup(yaml).unwrap().labels().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(labels("destination: A"), ["A"]);
        assert_eq!(labels("destinations: [A]"), ["A"]);
        assert_eq!(labels("destinations: [A, B, C]"), ["A", "B", "C"]);
        for (yaml, said) in [
            ("destination: A, destinations: [A, B]", "keep one of the two"),
            ("destinations: []", "names no drive"),
            ("destinations: [A, B, C, D]", "names 4 drives"),
            ("destinations: [A, B, A]", "names A twice"),
            ("on_insert: off", "destination|is missing"),
            ("destinations: [A, B], copies: {drives: 3}", "copies|wants 3 drives, and destinations names 2"),
            ("destination: A, copies: some", "all, any and {drives: 1, remotes: 1} are allowed"),
        ] {
            assert!(backup(yaml).unwrap_err().contains(said), "{yaml}: {:?}", backup(yaml));
        }
    }

    #[test]
    fn the_bus_decides_unless_the_profile_does() {
        for (yaml, cascade) in [
            ("destinations: [A, B]", Cascade::Auto),
            ("destinations: [A, B], cascade: auto", Cascade::Auto),
            ("destinations: [A, B], cascade: always", Cascade::Always),
            ("destinations: [A, B], cascade: never", Cascade::Never),
        ] {
            assert_eq!(backup(yaml).unwrap().cascade, cascade, "{yaml}");
        }
        let error = backup("destination: A, cascade: sometimes").unwrap_err();
        assert!(error.contains("auto, always and never are allowed"), "{error}");
    }

    #[test]
    fn all_copies_are_demanded_unless_any_will_do() {
        assert_eq!(backup("destinations: [A, B]").unwrap().copies, Copies::All);
        assert_eq!(backup("destinations: [A, B], copies: any").unwrap().copies, Copies::Any);
    }
}
