//! The profile's part about copies far away.

use super::types::{Bandwidth, RemoteFolder, RemoteName, SecretPath, SendOrder, SendWhen};
use schemars::JsonSchema;
use serde::Deserialize;

/// A place far away that gets a copy of what is verified on the drives.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remote {
    pub name: RemoteName,
    /// The folder there that gets the drive's tree
    pub folder: RemoteFolder,
    /// The file, mode 0600, that `rclone config` wrote: places, and how to log in
    #[serde(default = "config_file")]
    pub config_file: SecretPath,
    /// The uplinks over which photos go out by themselves
    #[serde(default)]
    pub when: SendWhen,
    /// The most that goes out; all that there is, if not given
    #[serde(default)]
    pub limit: Option<Bandwidth>,
    /// The photos that go first
    #[serde(default)]
    pub order: SendOrder,
    /// Fetch each photo again and compare it, where the place has no hashes of its own
    #[serde(default)]
    pub read_back: bool,
}

impl Remote {
    /// A remote of which no more than its name and folder is said.
    #[must_use]
    pub fn new(name: RemoteName, folder: RemoteFolder) -> Self {
        let (when, order) = (SendWhen::default(), SendOrder::default());
        Remote { name, folder, config_file: config_file(), when, limit: None, order, read_back: false }
    }

    /// The place as rclone writes it: `home:photos/2026`.
    #[must_use]
    pub fn to(&self) -> String {
        format!("{}:{}", self.name, self.folder)
    }
}

/// The place of rclone's configuration, if the profile names none.
fn config_file() -> SecretPath {
    // Parsed in the tests of this file too.
    "/etc/piback/secrets/rclone.conf".parse().unwrap_or_else(|e| unreachable!("rclone's file: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_a_folder_are_enough() {
        let remote: Remote = serde_yaml::from_str("{name: home, folder: photos}").unwrap();
        assert_eq!(remote, Remote::new("home".parse().unwrap(), "photos".parse().unwrap()));
        assert_eq!(remote.config_file.as_str(), "/etc/piback/secrets/rclone.conf");
        assert_eq!(
            (remote.when, remote.order, remote.read_back),
            (SendWhen::Unmetered, SendOrder::Newest, false)
        );
        assert!(serde_yaml::from_str::<Remote>("{name: home}").is_err());
        assert!(serde_yaml::from_str::<Remote>("{name: home, folder: photos, delete: true}").is_err());
    }
}
