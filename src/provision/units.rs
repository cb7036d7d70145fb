//! What a running host needs beyond files: packages, the share's user, units. Facts come from the host's tools,
//! whose output is parsed here; what to do about them is decided here; `activate` does it.

use super::catalog::{self, Activation};
use super::host::Facts;
use super::plan::{Desired, Plan};
use super::store::{self, State};
use crate::profile::{Profile, types::Passphrase};
use crate::system::Host;
use crate::system::run::Tool;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One unit's steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitChange {
    pub activation: Activation,
    /// The unit, or the interface that is brought up by `ifup`.
    pub name: String,
    /// `systemctl mask` is taken back: hostapd's package masks its unit.
    pub unmask: bool,
    pub enable: bool,
    pub act: Act,
    /// Hash of the files that it is (re)started with; noted when that worked.
    pub input: String,
    /// How it was before: what an undo goes back to.
    pub before: UnitState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    None,
    Start,
    Restart,
    Reload,
    /// Disabled and stopped: its files are going.
    Stop,
}

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

impl UnitChange {
    /// "hostapd.service: unmask, enable, restart".
    #[must_use]
    pub fn steps(&self) -> String {
        let act = match self.act {
            Act::None => None,
            Act::Start => Some("start"),
            Act::Restart => Some("restart"),
            Act::Reload => Some("reload"),
            Act::Stop => Some("disable and stop"),
        };
        let steps: Vec<&str> = [self.unmask.then_some("unmask"), self.enable.then_some("enable"), act]
            .into_iter()
            .flatten()
            .collect();
        format!("{}: {}", self.name, steps.join(", "))
    }
}

impl AccountChange {
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            AccountChange::User { name } => format!("make the system user {name}"),
            AccountChange::Folder { path, user } => format!("make {path}, owned by {user}"),
            AccountChange::Password { name, .. } => format!("set the share's password for {name}"),
        }
    }
}

/// State of one unit, as systemd tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UnitState {
    /// `loaded`, `masked`, `not-found`.
    pub load: String,
    /// `enabled`, `disabled`, `masked`, `static`; empty for a unit without a file.
    pub file: String,
    /// `active`, `inactive`, `failed`.
    pub active: String,
}

impl UnitState {
    #[must_use]
    pub fn is_masked(&self) -> bool {
        self.load == "masked" || self.file.starts_with("masked")
    }

    /// Whether it does not start at boot.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.is_masked() || matches!(self.file.as_str(), "" | "disabled")
    }

    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self.active.as_str(), "active" | "reloading" | "activating")
    }
}

/// Adds packages, accounts and units to the plan of a live host.
///
/// # Errors
/// When the host's tools can't say how things are.
pub fn plan(
    host: &dyn Host,
    facts: &Facts,
    profile: &Profile,
    share_password: &Passphrase,
    desired: &Desired,
    state: &State,
    plan: &mut Plan,
) -> anyhow::Result<()> {
    let wanted = catalog::packages(facts);
    let query = Tool::new("dpkg-query").args(["-W", "-f", "${Package} ${db:Status-Status}\\n"]).args(&wanted);
    // Ends with 1 when a package is unknown: that is an answer.
    let installed = installed(&host.output(&query).context("which packages are installed")?.stdout);
    plan.packages =
        wanted.iter().filter(|p| !installed.iter().any(|i| i == *p)).map(|p| (*p).to_owned()).collect();
    plan.accounts = accounts(host, profile, share_password, state)?;
    plan_units(host, desired, state, plan)
}

/// Adds the units alone: for going back to a generation, whose packages and accounts are there.
///
/// # Errors
/// When systemd can't say how its units are.
pub fn plan_units(host: &dyn Host, desired: &Desired, state: &State, plan: &mut Plan) -> anyhow::Result<()> {
    // What is on record as activated was so on the host that wrote the record: after an OS upgrade, or on a fresh root
    // that was given the record, a file that has to be written again is news to the daemon that runs.
    let rewritten = plan.files.iter().flat_map(|file| catalog::feeds(&file.path)).copied().collect();
    plan.units = unit_changes(&inputs(desired), &rewritten, &states(host)?, state, &desired.radio);
    Ok(())
}

/// How all units of the catalog are.
fn states(host: &dyn Host) -> anyhow::Result<BTreeMap<String, UnitState>> {
    let units: Vec<&str> = Activation::ALL.iter().filter_map(|a| a.unit()).collect();
    let show = Tool::new("systemctl")
        .args(["show", "--property=Id,LoadState,UnitFileState,ActiveState"])
        .args(&units);
    Ok(unit_states(&host.output(&show).context("how the units are")?.stdout))
}

/// For rollback: units that piback enabled go off, those whose files come back are restarted.
///
/// # Errors
/// When systemd can't say how its units are.
pub fn plan_rollback(host: &dyn Host, state: &State, plan: &mut Plan) -> anyhow::Result<()> {
    let states = states(host)?;
    for activation in Activation::ALL.into_iter().rev() {
        let Some(unit) = activation.unit() else { continue };
        if !state.activated.contains_key(&store::activation_key(activation)) {
            continue;
        }
        let act = match activation {
            a if a.is_enabled_by_us() => Act::Stop,
            a if a.reloads() => Act::Reload,
            _ => Act::Restart,
        };
        plan.units.push(UnitChange {
            activation,
            name: unit.to_owned(),
            unmask: false,
            enable: false,
            act,
            input: String::new(),
            before: states.get(unit).cloned().unwrap_or_default(),
        });
    }
    Ok(())
}

/// For each activation in use, a hash over its files, passphrase included: a changed secret restarts hostapd.
fn inputs(desired: &Desired) -> BTreeMap<Activation, String> {
    let mut texts: BTreeMap<Activation, String> = BTreeMap::new();
    for artifact in &desired.artifacts {
        let body = match &desired.secrets {
            Some(secrets) => artifact.body.expose(secrets),
            None => artifact.body.masked(),
        };
        for activation in catalog::feeds(&artifact.path) {
            texts.entry(*activation).or_default().push_str(&format!("{}\0{body}\0", artifact.path));
        }
    }
    texts.into_iter().map(|(activation, text)| (activation, store::hash(text.as_bytes()))).collect()
}

fn unit_changes(
    inputs: &BTreeMap<Activation, String>,
    rewritten: &BTreeSet<Activation>,
    states: &BTreeMap<String, UnitState>,
    state: &State,
    interface: &str,
) -> Vec<UnitChange> {
    let mut changes = Vec::new();
    for (activation, input) in inputs {
        let name = activation.unit().unwrap_or(interface);
        let now = states.get(name).cloned().unwrap_or_default();
        // A unit that the host does not have, and that is not ours to bring: dhcpcd on a Debian with ifupdown alone.
        let absent = now.load == "not-found" && !activation.is_enabled_by_us();
        let running = now.is_running();
        let stale = rewritten.contains(activation)
            || state.activated.get(&store::activation_key(*activation)) != Some(input);
        let ours = activation.is_enabled_by_us();
        let act = match () {
            () if absent => Act::None,
            () if stale && activation.reloads() && running => Act::Reload,
            () if stale => Act::Restart,
            () if ours && !running => Act::Start,
            () => Act::None,
        };
        let change = UnitChange {
            activation: *activation,
            name: name.to_owned(),
            unmask: ours && now.is_masked(),
            enable: ours && now.is_off(),
            act,
            input: input.clone(),
            before: now,
        };
        if change.unmask || change.enable || change.act != Act::None {
            changes.push(change);
        }
    }
    changes
}

fn accounts(
    host: &dyn Host,
    profile: &Profile,
    password: &Passphrase,
    state: &State,
) -> anyhow::Result<Vec<AccountChange>> {
    let (user, folder) = (profile.share.user.to_string(), profile.share.folder.to_string());
    let mut changes = Vec::new();
    let passwd = host.read_followed("/etc/passwd").context("/etc/passwd can't be read")?.unwrap_or_default();
    let new_user = !has_user(&String::from_utf8_lossy(&passwd), &user);
    if new_user {
        changes.push(AccountChange::User { name: user.clone() });
    }
    if host.read(&folder).with_context(|| format!("{folder} can't be looked at"))?
        == crate::system::Node::Absent
    {
        changes.push(AccountChange::Folder { path: folder, user: user.clone() });
    }
    let mark = store::hash(format!("{user}\0{}", password.secret().expose()).as_bytes());
    // A host that does not know the user has no password of theirs either, whatever the record says.
    if new_user || state.activated.get(PASSWORD_MARK) != Some(&mark) {
        changes.push(AccountChange::Password { name: user, mark });
    }
    Ok(changes)
}

/// The name under which `activated.json` notes which password Samba was given (a hash; the file is 0600).
pub const PASSWORD_MARK: &str = "share-password";

/// Names out of `dpkg-query -W -f '${Package} ${db:Status-Status}\n'`.
#[must_use]
pub fn installed(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| match line.split_once(' ') {
            Some((name, "installed")) => Some(name.to_owned()),
            _ => None,
        })
        .collect()
}

/// Blocks of `KEY=VALUE` lines, an empty line between units.
#[must_use]
pub fn unit_states(text: &str) -> BTreeMap<String, UnitState> {
    let mut states = BTreeMap::new();
    for block in text.split("\n\n") {
        let value = |key: &str| {
            let line = block.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix('='));
            line.unwrap_or_default().to_owned()
        };
        let id = value("Id");
        if !id.is_empty() {
            let state = UnitState {
                load: value("LoadState"),
                file: value("UnitFileState"),
                active: value("ActiveState"),
            };
            states.insert(id, state);
        }
    }
    states
}

fn has_user(passwd: &str, user: &str) -> bool {
    passwd.lines().any(|line| line.split(':').next() == Some(user))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dpkg_and_systemctl_are_read() {
        let text = "hostapd installed\ndnsmasq config-files\nsamba not-installed\n\ngarbage";
        assert_eq!(installed(text), ["hostapd"]);
        let text = "Id=hostapd.service\nLoadState=masked\nActiveState=inactive\nUnitFileState=masked\n\n\
                    Id=smbd.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n";
        let states = unit_states(text);
        assert_eq!(states["hostapd.service"].load, "masked");
        assert_eq!(states["smbd.service"].file, "");
        assert!(unit_states("\0\n\n=\nId=\n").is_empty());
    }

    #[test]
    fn units_act_only_when_their_own_input_changed() {
        let inputs = BTreeMap::from([
            (Activation::Hostapd, "new".to_owned()),
            (Activation::Dnsmasq, "same".to_owned()),
            (Activation::NetworkManager, "new".to_owned()),
            (Activation::Samba, "same".to_owned()),
            (Activation::Dhcpcd, "new".to_owned()),
        ]);
        let unit = |load: &str, file: &str, active: &str| UnitState {
            load: load.into(),
            file: file.into(),
            active: active.into(),
        };
        let states = BTreeMap::from([
            ("hostapd.service".to_owned(), unit("masked", "masked", "inactive")),
            ("dnsmasq.service".to_owned(), unit("loaded", "enabled", "active")),
            ("NetworkManager.service".to_owned(), unit("loaded", "enabled", "active")),
            ("smbd.service".to_owned(), unit("loaded", "enabled", "failed")),
            ("dhcpcd.service".to_owned(), unit("not-found", "", "inactive")),
        ]);
        let activated = [("dnsmasq", "same"), ("samba", "same"), ("hostapd", "old")];
        let activated = activated.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let state = State { activated, ..State::default() };
        let steps = |rewritten: &[Activation]| -> Vec<String> {
            let rewritten = rewritten.iter().copied().collect();
            unit_changes(&inputs, &rewritten, &states, &state, "wlan0")
                .iter()
                .map(UnitChange::steps)
                .collect()
        };
        assert_eq!(
            steps(&[]),
            [
                "NetworkManager.service: reload",
                "hostapd.service: unmask, enable, restart",
                "smbd.service: start"
            ]
        );
        // On record as activated, but the file was lost: the daemon never saw it on this root.
        assert!(steps(&[Activation::Dnsmasq]).contains(&"dnsmasq.service: restart".to_owned()));
    }
}
