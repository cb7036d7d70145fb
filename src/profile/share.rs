//! The profile's part about the SMB share.

use super::types::{DataPath, Interface, SecretPath, ShareName, UserName};
use super::uplink::Uplink;
use schemars::JsonSchema;
use serde::Deserialize;

/// The SMB share.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Share {
    /// System user that owns what is written over the share, and the name to log in with
    pub user: UserName,
    /// The file, mode 0600, that holds the share's password
    pub password_file: SecretPath,
    /// Whether cards and drive may be written over the network
    pub writable: bool,
    /// A folder on the Pi for everything else, always writable
    pub folder: DataPath,
    /// The shares' names
    pub names: ShareNames,
    /// Interfaces besides the Wi-Fi and `uplink.trusted` on which Samba answers, as a cable at home
    pub also_on: Vec<Interface>,
}

/// The shares' names, for a Pi that has one of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ShareNames {
    /// The share of cards and drives
    pub drives: ShareName,
    /// The share of the folder
    pub folder: ShareName,
}

impl Default for ShareNames {
    fn default() -> Self {
        // As above.
        let names = || -> Result<ShareNames, String> {
            Ok(ShareNames { drives: "Drives".parse()?, folder: "Pi".parse()? })
        };
        names().unwrap_or_else(|e| unreachable!("the shares' names: {e}"))
    }
}

impl Share {
    /// The interfaces besides the Wi-Fi on which Samba answers.
    #[must_use]
    pub fn elsewhere(&self, uplink: &Uplink) -> Vec<String> {
        let mut names: Vec<String> =
            uplink.trusted.iter().chain(&self.also_on).map(ToString::to_string).collect();
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|name| seen.insert(name.clone()));
        names
    }
}

impl Default for Share {
    fn default() -> Self {
        // Parsed from constants that the tests of this file parse too.
        let share = || -> Result<Share, String> {
            Ok(Share {
                user: "piback".parse()?,
                password_file: "/etc/piback/secrets/share-password".parse()?,
                writable: false,
                folder: "/srv/piback".parse()?,
                names: ShareNames::default(),
                also_on: Vec::new(),
            })
        };
        share().unwrap_or_else(|e| unreachable!("the default share: {e}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_share_exists() {
        assert_eq!(Share::default().user.as_str(), "piback");
    }
}
