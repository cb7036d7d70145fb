//! What a running host needs beyond files: packages, the share's user, units. Facts come from the host's tools,
//! whose output is parsed here; what to do about them is decided here; `activate` does it.

use crate::profile::{Profile, types::Passphrase};
use crate::provision::adopt::article;
use crate::provision::catalog::{self, Activation};
use crate::provision::desired::Desired;
use crate::provision::host::facts::Facts;
use crate::provision::host::interfaces::INTERFACES;
use crate::provision::host::systemd::{self, UnitState};
use crate::provision::plan::FileChange;
use crate::provision::plan::Plan;
use crate::provision::resources::rule;
use crate::provision::state::State;
use crate::provision::state::json;
use crate::system::run::{RunError, Tool};
use crate::system::{Host, Node};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// Nothing runs with our files; only the note of it goes.
    Forget,
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
            Act::Forget => Some("no longer piback's"),
            Act::Start => Some("start"),
            Act::Restart => Some("restart"),
            Act::Reload => Some("reload"),
            Act::Stop => Some("disable and stop"),
        };
        let (enable, act) = match (self.enable, self.act) {
            (true, Act::Stop) => (false, Some("stop")),
            (enable, _) => (enable, act),
        };
        let steps: Vec<&str> = [self.unmask.then_some("unmask"), enable.then_some("enable"), act]
            .into_iter()
            .flatten()
            .collect();
        format!("{}: {}", self.name, steps.join(", "))
    }
}

impl AccountChange {
    /// What is done, in a line.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            AccountChange::User { name } => format!("make the system user {name}"),
            AccountChange::Folder { path, user } => format!("make {path}, owned by {user}"),
            AccountChange::Password { name, .. } => format!("set the share's password for {name}"),
        }
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
    let touched = plan.files.iter().flat_map(|f| catalog::feeds(&f.path, desired.stack)).collect();
    plan.units = unit_changes(&Wanted {
        inputs: inputs(desired),
        states: systemd::states(host, &catalog::units())?,
        activated: &state.activated,
        touched,
        radio: &desired.radio,
    });
    plan.rules = rule::plan(host, desired, state, &plan.files)?;
    Ok(())
}

/// For rollback to the original: units that were off before piback go off, then the others run with their old files,
/// the network before what serves on it.
///
/// # Errors
/// When systemd can't say how its units are.
pub fn plan_rollback(
    host: &dyn Host,
    desired: &Desired,
    state: &State,
    plan: &mut Plan,
) -> anyhow::Result<()> {
    let states = systemd::states(host, &catalog::units())?;
    let radio = state.last.as_ref().map(|last| last.radio.clone()).unwrap_or_default();
    let mut stanza = stanza_comes_back(host, &plan.files, &radio)?;
    for activation in Activation::ALL {
        if activation == Activation::Ifup && std::mem::take(&mut stanza) {
            plan.units.push(change(activation, &radio, Act::Start, "", None));
            continue;
        }
        if !state.activated.contains_key(&catalog::activation_key(activation)) {
            continue;
        }
        let name = activation.unit().unwrap_or(RADIO_OF_IFUP);
        // Its package is gone: there is nothing to stop, and one missing name would stop the others from stopping.
        if activation.is_enabled_by_us() && states.get(name).is_some_and(|now| !now.exists()) {
            plan.units.push(change(activation, name, Act::Forget, "", None));
            continue;
        }
        let first =
            state.originals.units.get(&catalog::activation_key(activation)).cloned().unwrap_or_default();
        let act = match activation {
            _ if !first.is_running() => Act::Stop,
            a if a.reloads() => Act::Reload,
            _ => Act::Restart,
        };
        let mut change = change(activation, name, act, "", states.get(name));
        // Stopping takes it out of the boot as well; one that was in it goes back in, as it was when it had failed.
        change.enable =
            act == Act::Stop && activation.is_enabled_by_us() && first.exists() && !first.is_off();
        plan.units.push(change);
    }
    plan.units.sort_by_key(|unit| match unit.act {
        Act::Stop => (0, std::cmp::Reverse(Some(unit.activation)), Activation::Sysctl),
        _ => (1, std::cmp::Reverse(None), unit.activation),
    });
    plan.rules = rule::plan(host, desired, state, &plan.files)?;
    Ok(())
}

/// A radio that `ifup` brought up needs no undoing: its stanza is gone, and hostapd with it.
const RADIO_OF_IFUP: &str = "";

/// For each activation in use, a hash over its files, passphrase included: a changed secret restarts hostapd.
fn inputs(desired: &Desired) -> BTreeMap<Activation, String> {
    let mut texts: BTreeMap<Activation, String> = BTreeMap::new();
    for artifact in &desired.artifacts {
        let body = match &desired.secrets {
            Some(secrets) => artifact.body.expose(secrets),
            None => artifact.body.masked(),
        };
        for activation in catalog::feeds(&artifact.path, desired.stack) {
            texts.entry(activation).or_default().push_str(&format!("{}\0{body}\0", artifact.path));
        }
    }
    texts.into_iter().map(|(activation, text)| (activation, json::hash(text.as_bytes()))).collect()
}

/// What decides about the units, all of it values.
struct Wanted<'a> {
    inputs: BTreeMap<Activation, String>,
    states: BTreeMap<String, UnitState>,
    activated: &'a BTreeMap<String, String>,
    /// Activations whose files are about to change: drift on disk is what their daemons may be running with, and after
    /// an OS upgrade, or on a fresh root that was given an old record, the record speaks of another system.
    touched: Vec<Activation>,
    radio: &'a str,
}

fn unit_changes(wanted: &Wanted<'_>) -> Vec<UnitChange> {
    let mut changes = Vec::new();
    for activation in Activation::ALL {
        let name = activation.unit().unwrap_or(wanted.radio);
        let now = wanted.states.get(name).cloned().unwrap_or_default();
        let noted = wanted.activated.get(&catalog::activation_key(activation));
        let ours = activation.is_enabled_by_us();
        let Some(input) = wanted.inputs.get(&activation) else {
            // It leaves the plan, as after a change of stack: whoever runs with our file gets its own back.
            if noted.is_some() {
                let act = match () {
                    () if !now.is_running() => Act::Forget,
                    () if activation.reloads() => Act::Reload,
                    () => Act::Restart,
                };
                changes.push(change(activation, name, act, "", Some(&now)));
            }
            continue;
        };
        let stale = noted != Some(input) || wanted.touched.contains(&activation);
        let running = now.is_running();
        let act = match () {
            () if activation == Activation::Ifup && stale => Act::Restart,
            // A daemon of the host's own that is off stays off: dhcpcd on a Debian with ifupdown alone.
            () if !ours && !running => Act::None,
            () if stale && activation.reloads() => Act::Reload,
            () if stale => Act::Restart,
            () if !running => Act::Start,
            () => Act::None,
        };
        let mut change = change(activation, name, act, input, Some(&now));
        change.unmask = ours && now.is_masked();
        change.enable = ours && now.is_off();
        if change.unmask || change.enable || change.act != Act::None {
            changes.push(change);
        }
    }
    changes
}

fn change(activation: Activation, name: &str, act: Act, input: &str, now: Option<&UnitState>) -> UnitChange {
    UnitChange {
        activation,
        name: name.to_owned(),
        unmask: false,
        enable: false,
        act,
        input: input.to_owned(),
        before: now.cloned().unwrap_or_default(),
    }
}

fn accounts(
    host: &dyn Host,
    profile: &Profile,
    password: &Passphrase,
    state: &State,
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
    if state.activated.get(PASSWORD_MARK) != Some(&mark) || !samba_knows(host, &user)? {
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

fn has_user(passwd: &str, user: &str) -> bool {
    passwd.lines().any(|line| line.split(':').next() == Some(user))
}

/// Whether a plan gives the radio its stanza in `/etc/network/interfaces` back, and somebody is there to read it.
///
/// # Errors
/// When that can't be looked at.
fn stanza_comes_back(host: &dyn Host, files: &[FileChange], radio: &str) -> anyhow::Result<bool> {
    let back = files.iter().any(|file| {
        let stanza = |node: &Node| match node {
            Node::File(file) => !article::interfaces(&String::from_utf8_lossy(&file.bytes), radio).is_empty(),
            _ => false,
        };
        file.path == INTERFACES && stanza(&file.after) && !stanza(&file.before)
    });
    let there = |path: &str| host.read_followed(path).with_context(|| format!("{path} can't be looked at"));
    Ok(back && (there("/sbin/ifup")?.is_some() || there("/usr/sbin/ifup")?.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dpkg_is_read() {
        let text = "hostapd installed\ndnsmasq config-files\nsamba not-installed\n\ngarbage";
        assert_eq!(installed(text), ["hostapd"]);
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
        let activated = [("dnsmasq", "same"), ("samba", "same"), ("hostapd", "old"), ("sysctl", "gone")];
        let activated = activated.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let mut wanted =
            Wanted { inputs, states, activated: &activated, touched: Vec::new(), radio: "wlan0" };
        let changes = unit_changes(&wanted);
        let steps: Vec<String> = changes.iter().map(UnitChange::steps).collect();
        assert_eq!(
            steps,
            [
                "systemd-sysctl.service: no longer piback's",
                "NetworkManager.service: reload",
                "hostapd.service: unmask, enable, restart",
                "smbd.service: start"
            ]
        );
        // Drift on disk: the daemon may have been started with it.
        wanted.touched = vec![Activation::Dnsmasq];
        let steps: Vec<String> = unit_changes(&wanted).iter().map(UnitChange::steps).collect();
        assert!(steps.contains(&"dnsmasq.service: restart".to_owned()), "{steps:?}");
    }
}
