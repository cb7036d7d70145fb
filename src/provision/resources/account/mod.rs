//! The share's user, its folders and Samba's password.

mod lock;

use crate::profile::Profile;
use crate::profile::types::Passphrase;
use crate::provision::components::control;
use crate::provision::state::json;
use crate::system::run::{Output, RunError, Tool};
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
    /// The group whose members may ask for jobs.
    Group { name: String },
    /// A user who may.
    Member { name: String, group: String },
    /// A user whom piback put there, and who may no longer.
    Leave { name: String, group: String },
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
            AccountChange::Group { name } => {
                format!("make the group {name}: who is in it needs no sudo for backups")
            }
            AccountChange::Member { name, group } => {
                format!("put {name} into the group {group}, from the next login on")
            }
            AccountChange::Leave { name, group } => format!("take {name} out of the group {group}"),
            AccountChange::Folder { path, user } => format!("make {path}, owned by {user}"),
            AccountChange::Password { name, .. } => format!("set the share's password for {name}"),
        }
    }
}

/// The name under which `activated.json` notes which password Samba was given (a hash; the file is 0600).
pub const PASSWORD_MARK: &str = "share-password";

/// The name under which it notes whom piback put into the group.
const MEMBER_MARK: &str = "group-member";

/// A name in `activated.json` and what it says from now on; none where it says nothing more.
pub type Mark = (&'static str, Option<String>);

/// Plans what is taken back on the way to what was there before: whom piback put into the group. The group itself and the
/// share's user stay, as packages do.
pub fn plan_way_back(activated: &BTreeMap<String, String>) -> Vec<AccountChange> {
    let leave = |name: &String| AccountChange::Leave { name: name.clone(), group: control::GROUP.to_owned() };
    activated.get(MEMBER_MARK).map(leave).into_iter().collect()
}

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

/// Plans the group whose members may ask for jobs, with the host's first user in it.
///
/// # Errors
/// When a file can't be read.
pub fn plan_group(host: &dyn Host) -> anyhow::Result<Vec<AccountChange>> {
    let read = |path: &str| -> anyhow::Result<String> {
        let bytes = host.read_followed(path).with_context(|| format!("{path} can't be read"))?;
        Ok(String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned())
    };
    let (passwd, groups, shadow) = (read("/etc/passwd")?, read("/etc/group")?, read("/etc/gshadow")?);
    let group = control::GROUP.to_owned();
    let mut changes = Vec::new();
    let is_in = |groups: &str, name: &str| members(groups, &group).unwrap_or_default().contains(&name);
    let members = members(&groups, &group);
    // Its first member of all, the share's user of that name, brings it along.
    if members.is_none() {
        changes.push(AccountChange::Group { name: group.clone() });
    }
    // A power cut between the two files leaves a user in one of them. A host may have no second one.
    if let Some(name) = first_user(&passwd)
        && !(is_in(&groups, &name) && (shadow.is_empty() || is_in(&shadow, &name)))
    {
        changes.push(AccountChange::Member { name, group });
    }
    Ok(changes)
}

/// The members of a group, by its line; none where there is no such group.
fn members<'a>(groups: &'a str, group: &str) -> Option<Vec<&'a str>> {
    let fields = |line: &'a str| line.split(':').collect::<Vec<_>>();
    let line = groups.lines().map(fields).find(|fields| fields.first() == Some(&group))?;
    Some(
        line.get(3).map(|list| list.split(',').filter(|name| !name.is_empty()).collect()).unwrap_or_default(),
    )
}

/// The user that Raspberry Pi OS makes at its first boot: of those that people log in as (adduser.conf(5): from 1000 on) the
/// first.
fn first_user(passwd: &str) -> Option<String> {
    let user = |line: &str| {
        let fields: Vec<&str> = line.split(':').collect();
        let number = fields.get(2)?.parse::<u32>().ok().filter(|number| (1000..60_000).contains(number))?;
        Some((number, fields.first()?.to_string()))
    };
    passwd.lines().filter_map(user).min().map(|(_, name)| name)
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

/// Carries out one account step; returns what is noted of it.
///
/// # Errors
/// When its tool fails, or a password is to be set and none was read.
pub fn set_up(
    host: &dyn Host,
    account: &AccountChange,
    password: Option<&Passphrase>,
) -> anyhow::Result<Option<Mark>> {
    match account {
        AccountChange::User { name } => {
            let add =
                Tool::new("useradd").args(["--system", "--no-create-home", "--home-dir", "/nonexistent"]);
            run(host, &add.args(["--shell", "/usr/sbin/nologin", name]))?;
        }
        AccountChange::Group { name } => {
            // It may have come with the share's user of the same name.
            run(host, &Tool::new("groupadd").args(["--system", "--force", name]))?;
        }
        AccountChange::Member { name, group } => {
            // Unlike usermod it also mends a group that is in one of its two files alone.
            run(host, &Tool::new("gpasswd").args(["--add", name, group]))?;
            return Ok(Some((MEMBER_MARK, Some(name.clone()))));
        }
        AccountChange::Leave { name, group } => {
            // One who was taken out, or whose account is gone, is out.
            output(host, &Tool::new("gpasswd").args(["--delete", name, group]))?;
            return Ok(Some((MEMBER_MARK, None)));
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
            return Ok(Some((PASSWORD_MARK, Some(mark.clone()))));
        }
    }
    Ok(None)
}

/// Runs a tool that changes the files of accounts; once more where a lock without an owner stood in its way.
fn output(host: &dyn Host, tool: &Tool) -> anyhow::Result<Output> {
    let first = host.output(tool)?;
    let again = first.code != Some(0) && lock::clear(host).context("the locks of the files of accounts")?;
    Ok(if again { host.output(tool)? } else { first })
}

/// As [`output`], and takes any exit code but 0 for an error.
fn run(host: &dyn Host, tool: &Tool) -> anyhow::Result<()> {
    let output = output(host, tool)?;
    match output.code {
        Some(0) => Ok(()),
        _ => Err(RunError::Failed { line: tool.line(), output }.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_user_is_the_one_that_people_log_in_as() {
        let passwd = "root:x:0:0::/root:/bin/bash\nnobody:x:65534:65534::/:/bin/false\nann:x:1001:1001::/home/ann:/bin/bash\npi:x:1000:1000::/home/pi:/bin/bash\n";
        assert_eq!(first_user(passwd).as_deref(), Some("pi"));
        assert_eq!(first_user("root:x:0:0::/root:/bin/bash\nx\n:::\n"), None);
    }

    #[test]
    fn a_group_s_members_are_those_of_its_line() {
        let groups = "root:x:0:\npiback:x:990:pi,ann\npiback2:x:991:x\n";
        assert_eq!(members(groups, "piback"), Some(vec!["pi", "ann"]));
        assert_eq!(members(groups, "root"), Some(Vec::new()));
        assert_eq!(members(groups, "pib"), None);
    }
}
