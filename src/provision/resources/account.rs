//! The share's user, its folders and Samba's password.

use crate::profile::Profile;
use crate::profile::types::Passphrase;
use crate::provision::state::json;
use crate::system::run::{RunError, Tool};
use crate::system::{Host, Node};
use anyhow::Context;
use serde::Serialize;
use std::collections::BTreeMap;

/// A step for the share's user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "step")]
pub enum AccountChange {
    /// A system user without login.
    User { name: String },
    /// The share's folder, owned by the user.
    Folder { path: String, user: String },
    /// Samba's own password for the user.
    Password {
        name: String,
        #[serde(skip)]
        mark: String,
    },
}

impl AccountChange {
    /// The step in a line.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            AccountChange::User { name } => format!("make the system user {name}"),
            AccountChange::Folder { path, user } => format!("make {path}, owned by {user}"),
            AccountChange::Password { name, .. } => format!("set the share's password for {name}"),
        }
    }
}

/// The name under which `activated.json` notes which password Samba was given (a hash; the file is 0600).
pub const PASSWORD_MARK: &str = "share-password";

/// Plans the steps that are missing.
///
/// # Errors
/// When a file can't be read, or Samba can't say whom it knows.
pub fn plan(
    host: &dyn Host,
    profile: &Profile,
    password: &Passphrase,
    activated: &BTreeMap<String, String>,
) -> anyhow::Result<Vec<AccountChange>> {
    let (user, folder) = (profile.share.user.to_string(), profile.share.folder.to_string());
    let mount_root = profile.backup.mount_root.to_string();
    let mut changes = Vec::new();
    let passwd = host.read_followed("/etc/passwd").context("/etc/passwd can't be read")?.unwrap_or_default();
    if !has_user(&String::from_utf8_lossy(&passwd), &user) {
        changes.push(AccountChange::User { name: user.clone() });
    }
    for (path, owner) in [(folder, user.as_str()), (mount_root, "root")] {
        let there = host.read(&path).with_context(|| format!("{path} can't be looked at"))?;
        if there == Node::Absent {
            changes.push(AccountChange::Folder { path, user: owner.to_owned() });
        }
    }
    let mark = json::hash(format!("{user}\0{}", password.secret().expose()).as_bytes());
    // A new root can come with our note of the password, and without the password.
    if activated.get(PASSWORD_MARK) != Some(&mark) || !samba_knows(host, &user)? {
        changes.push(AccountChange::Password { name: user, mark });
    }
    Ok(changes)
}

fn samba_knows(host: &dyn Host, user: &str) -> anyhow::Result<bool> {
    match host.output(&Tool::new("pdbedit").args(["-L", "-u", user])) {
        Ok(output) => Ok(output.code == Some(0)),
        Err(RunError::NotFound { .. }) => Ok(false),
        Err(e) => Err(e).context("whom Samba knows"),
    }
}

fn has_user(passwd: &str, user: &str) -> bool {
    passwd.lines().any(|line| line.split(':').next() == Some(user))
}

/// Carries out one account step; the mark of a password that was set.
///
/// # Errors
/// When its tool fails, or a password is to be set and none was read.
pub fn set_up(
    host: &dyn Host,
    account: &AccountChange,
    password: Option<&Passphrase>,
) -> anyhow::Result<Option<String>> {
    match account {
        AccountChange::User { name } => {
            let add =
                Tool::new("useradd").args(["--system", "--no-create-home", "--home-dir", "/nonexistent"]);
            host.run(&add.args(["--shell", "/usr/sbin/nologin", name]))?;
        }
        AccountChange::Folder { path, user } => {
            let make = Tool::new("install").args(["-d", "-m", "0755", "-o", user, path]);
            host.run(&make)?;
        }
        AccountChange::Password { name, mark } => {
            let password = password.context("the share's password was not read")?.secret().expose();
            // By standard input: arguments can be seen by every user of the host.
            let set = Tool::new("smbpasswd").args(["-s", "-a", name]);
            host.run(&set.stdin(format!("{password}\n{password}\n").into_bytes()))?;
            return Ok(Some(mark.clone()));
        }
    }
    Ok(None)
}
