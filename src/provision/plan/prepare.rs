//! Everything that is read before a plan can be made: a profile, its secrets and the host's facts to what is desired.

use crate::error::Problem;
use crate::paths::{AUTHORITY, SCREEN_PASSWORD, TEMPLATES};
use crate::profile::types::{By, Passphrase, Subnet};
use crate::profile::{Automount, Profile};
use crate::provision::adopt;
use crate::provision::adopt::conflicts::{self, Conflict, Weight};
use crate::provision::components::{self, tls};
use crate::provision::desired::artifact::{Artifact, SecretName, Secrets};
use crate::provision::desired::subnet::{self, Choice};
use crate::provision::desired::{Desired, render};
use crate::provision::host::facts::{self, Facts, Stack};
use crate::provision::host::{radios, uplink};
use crate::provision::plan::{self, Plan, trust};
use crate::provision::state::State;
use crate::provision::validate::{self, result::Validation};
use crate::system::{FileNode, Host, Node, limit};
use crate::ui::visible;
use anyhow::Context;
use std::collections::BTreeMap;
use std::time::Duration;

/// Everything that was read before a plan can be made.
pub struct Prepared {
    /// The profile, its network's address settled.
    pub profile: Profile,
    pub subnet: Choice,
    pub secrets: Secrets,
    pub share_password: Passphrase,
    pub facts: Facts,
    pub state: State,
    pub desired: Desired,
    pub notes: Vec<String>,
    /// Settings of others that fight with these.
    pub conflicts: Vec<Conflict>,
}

impl Prepared {
    /// Reads what `profile` needs and renders it; writes nothing.
    ///
    /// # Errors
    /// When a file or a secret can't be read, no stack is found, or a template is wrong.
    pub fn read(
        host: &dyn Host,
        mut profile: Profile,
        stack: Option<Stack>,
        made_by: &str,
    ) -> anyhow::Result<Self> {
        let open = trust::look(host)?;
        let state = State::read(host)?;
        name_radio(host, &mut profile, &state);
        let (subnet, unknown) = match subnet(host, &profile, &state) {
            Ok(subnet) => (subnet, None),
            Err(e) => (subnet::choose(&profile.network, remembered(&state), &[]), Some(format!("{e:#}"))),
        };
        profile.network = subnet.network.clone();
        let last = state.last.as_ref().and_then(|last| last.stack);
        let stack = stack.or_else(|| named_before(host, &state));
        let facts = facts::read(host, components::of_stack, stack, last)?;
        let wifi = secret(host, profile.wifi.passphrase_file.as_str(), "the Wi-Fi passphrase")?;
        let share_password = secret(host, profile.share.password_file.as_str(), "the share's password")?;
        let (overrides, mut notes) = overrides(host)?;
        if let Some(last) = last.filter(|last| *last != facts.stack) {
            notes.push(format!("the network stack was {last} and is {} now", facts.stack));
        }
        notes.extend(open.into_iter().chain(subnet.note()).chain(unknown));
        if host.is_live() && !facts.installed && profile.volumes.mount == Automount::Auto {
            notes.push("nobody mounts what is plugged in: that takes a piback in /usr/bin, where its package puts it".into());
        }
        if tls::is_wanted(&facts, &profile) && host.read(AUTHORITY).is_ok_and(|node| node == Node::Absent) {
            notes.push("the page is served over https with an authority of its own, made when it is first started: each iPad has to be told to trust it, see docs/PAGE.md".into());
        }
        let manual = adopt::find(host, &facts, &profile)?;
        let conflicts = conflicts::find(host, &facts, &profile, &manual)?;
        // Where there is no desktop, no password is asked for: it would be in vain.
        let has_screen = profile.remote_screen && !conflicts.iter().any(conflicts::is_of_screen);
        let screen = has_screen.then(|| screen_password(host)).transpose()?;
        let secrets = Secrets { wifi, screen };
        if state.owned().is_empty() {
            notes.extend(manual.stays.iter().cloned());
        }
        notes.extend(manual.places().into_iter().map(|places| {
            format!("{places}: a set-up by hand, put aside; piback rollback --original brings it back")
        }));
        let mut artifacts = rendered(&profile, &facts, secrets.wifi.hostapd_key(), &overrides)?;
        manual.join(&mut artifacts);
        let desired = Desired {
            stack: Some(facts.stack),
            stack_named: stack.is_some(),
            artifacts,
            radio: profile.wifi.interface.to_string(),
            secrets: Some(secrets.clone()),
            passphrase_file: Some(profile.wifi.passphrase_file.to_string()),
            chosen: subnet.chosen(),
            restored: None,
            made_by: made_by.to_owned(),
        };
        Ok(Prepared { profile, subnet, secrets, share_password, facts, state, desired, notes, conflicts })
    }

    /// The staged files held against their checkers; nothing to check where nothing changes.
    ///
    /// # Errors
    /// When the scratch directory for the tools can't be used.
    pub fn checks(&self, host: &dyn Host, plan: &Plan) -> anyhow::Result<Vec<Validation>> {
        match plan.is_empty() {
            true => Ok(Vec::new()),
            false => validate::all(host, &self.desired.artifacts, Some(&self.secrets)),
        }
    }

    /// Plans what would change.
    ///
    /// # Errors
    /// When the host can't be read, or its tools can't say how things are.
    pub fn plan(&self, host: &dyn Host) -> anyhow::Result<Plan> {
        let mut plan = plan::files(host, &self.desired, &self.state)?;
        if host.is_live() {
            plan::add_live(
                host,
                &self.facts,
                &self.profile,
                &self.share_password,
                &self.desired,
                &self.state,
                &mut plan,
            )?;
        }
        // What works all the same is said when something is about to change, and not at every look.
        let is_quiet = plan.is_empty();
        let said = self.conflicts.iter().filter(|c| c.weight != Weight::Said || !is_quiet);
        let notes = self.notes.iter().cloned().chain(said.map(ToString::to_string));
        plan.notes.splice(0..0, notes);
        Ok(plan)
    }
}

/// Gives a radio that the profile means by more than a name the one that it has now; where nobody can say, as on a tree,
/// the one of the last apply. A radio that is not there keeps its name, and is a conflict.
pub fn name_radio(host: &dyn Host, profile: &mut Profile, state: &State) {
    let wanted = &profile.wifi.interface;
    if wanted.by() == &By::Name {
        return;
    }
    let last = state.last.as_ref().map(|last| last.radio.clone());
    let devices = radios::look(host);
    let found = radios::find(wanted, &devices).ok().flatten().map(|device| device.name.clone());
    if let Some(name) = found.or(last).and_then(|name| name.parse().ok()) {
        profile.wifi.interface = wanted.named(name);
    }
}

/// Tells whether the radio that the profile means has another name now than at the last apply: two have swapped theirs.
#[must_use]
pub fn has_radio_moved(host: &dyn Host, profile: &Profile, state: &State) -> bool {
    let mut now = profile.clone();
    name_radio(host, &mut now, state);
    let radio = &now.wifi.interface;
    let last = state.last.as_ref().map(|last| last.radio.as_str());
    radio.by() != &By::Name && last.is_some_and(|last| !last.is_empty() && last != radio.as_str())
}

/// Settles the Wi-Fi's address beside the networks that the uplink has now.
///
/// # Errors
/// When `ip` can't say which networks there are.
pub fn subnet(host: &dyn Host, profile: &Profile, state: &State) -> anyhow::Result<Choice> {
    let taken = uplink::look(host, profile.wifi.interface.as_str())?;
    Ok(subnet::choose(&profile.network, remembered(state), &taken))
}

/// The address that the last apply chose, if that was piback's to do.
fn remembered(state: &State) -> Option<Subnet> {
    state.last.as_ref().and_then(|last| last.chosen)
}

/// The secrets of the newest record, if they can be read: to mask them.
#[must_use]
pub fn secrets_on_record(host: &dyn Host, state: &State) -> Option<Secrets> {
    let file = state.last.as_ref()?.passphrase_file.as_deref()?;
    let wifi = secret(host, file, "the Wi-Fi passphrase").ok()?;
    Some(Secrets { wifi, screen: screen_password(host).ok() })
}

/// Reads the remote screen's password.
///
/// # Errors
/// When it can't be read, or is none, or wayvnc would read another one.
pub fn screen_password(host: &dyn Host) -> anyhow::Result<Passphrase> {
    let password = secret(host, SCREEN_PASSWORD, "the remote screen's password")?;
    let text = password.secret().expose();
    if text.trim() != text {
        let why = format!("the remote screen's password in {SCREEN_PASSWORD} begins or ends with a space");
        return Err(Problem::failed(why).hint("wayvnc leaves such spaces out: choose another one").into());
    }
    Ok(password)
}

/// Reads the secrets that files on record have gaps for.
///
/// # Errors
/// When one can't be read.
pub fn for_record(host: &dyn Host, wifi: Passphrase, artifacts: &[Artifact]) -> anyhow::Result<Secrets> {
    let needed = artifacts.iter().any(|artifact| artifact.body.needs(SecretName::ScreenPassword));
    Ok(Secrets { wifi, screen: needed.then(|| screen_password(host)).transpose()? })
}

/// Reads a passphrase's file. It must be the owner's alone: a secret that others can read is none.
///
/// # Errors
/// When it can't be read, or is none.
pub fn secret(host: &dyn Host, path: &str, what: &str) -> anyhow::Result<Passphrase> {
    let content = private(host, path, what, "one line of 8 to 63 characters")?;
    Passphrase::from_file_content(&content)
        .map_err(|why| Problem::failed(format!("{what} in {path}: {why}")).into())
}

/// Reads a file that must be its owner's alone; `form` tells what belongs into one.
///
/// # Errors
/// When it can't be read, or others can read or change it.
pub fn private(host: &dyn Host, path: &str, what: &str, form: &str) -> anyhow::Result<Vec<u8>> {
    let problem = |why: &str| Problem::failed(format!("{what} in {path}: {why}"));
    match host.read(path).with_context(|| format!("{path} can't be read"))? {
        Node::File(FileNode { mode, .. }) if mode & 0o077 != 0 => {
            Err(problem(&format!("others can read it (mode {mode:o})"))
                .hint(format!("type: sudo chmod 600 {path}"))
                .into())
        }
        Node::File(FileNode { uid, .. }) if uid != 0 && host.is_live() && host.can_chown() => {
            Err(problem(&format!("it belongs to user {uid}, who can read and change it"))
                .hint(format!("type: sudo chown root {path}"))
                .into())
        }
        Node::File(file) => Ok(file.bytes),
        Node::Absent => Err(problem("there is no such file")
            .hint(format!("put it there, {form}, and type: sudo chmod 600 {path}"))
            .into()),
        Node::Link { .. } => {
            Err(problem("it is a symbolic link").hint("a secret is a file of its own, mode 0600").into())
        }
        _ => Err(problem("it is no file").into()),
    }
}

/// The user's own templates, and a note for each.
fn overrides(host: &dyn Host) -> anyhow::Result<(BTreeMap<String, String>, Vec<String>)> {
    let (mut own, mut notes) = (BTreeMap::new(), Vec::new());
    for name in host.list(TEMPLATES).with_context(|| format!("{TEMPLATES} can't be read"))? {
        let path = format!("{TEMPLATES}/{name}");
        let known = components::files().any(|entry| entry.template.name == name);
        if !known {
            notes.push(format!("{} is no template that piback knows", visible(&path)));
            continue;
        }
        let bytes = host.read_followed(&path).with_context(|| format!("{path} can't be read"))?;
        let bytes = bytes.ok_or_else(|| Problem::failed(format!("{path} is no file that can be read")))?;
        let text =
            String::from_utf8(bytes).map_err(|_| Problem::failed(format!("{path}: not UTF-8 text")))?;
        notes.push(format!("{path} takes the place of piback's own template"));
        own.insert(name, text);
    }
    Ok((own, notes))
}

/// The stack that was named at the last apply, and not just found: it is the user's word until he says another. Where the
/// host has lost it, as after an upgrade, what is found counts again.
#[must_use]
pub fn named_before(host: &dyn Host, state: &State) -> Option<Stack> {
    let last = state.last.as_ref().filter(|last| last.stack_named)?;
    last.stack.filter(|stack| facts::has(host, *stack))
}

/// A template of the user's own has so long. Ours take milliseconds on the slowest Pi.
const LONGEST: Duration = Duration::from_secs(10);

/// Renders every file of this host; each template of the user's own by itself before, for its author may have written a loop
/// in a loop that takes all night.
fn rendered(
    profile: &Profile,
    facts: &Facts,
    secret_key: &str,
    overrides: &BTreeMap<String, String>,
) -> anyhow::Result<Vec<Artifact>> {
    for (name, text) in overrides {
        let one = BTreeMap::from([(name.clone(), text.clone())]);
        let (profile, facts, key) = (profile.clone(), facts.clone(), secret_key.to_owned());
        let tried = limit::within(LONGEST, move || render::render(&profile, &facts, &key, &one).map(drop));
        let seconds = LONGEST.as_secs();
        tried.with_context(|| {
            format!("template {TEMPLATES}/{name}: it is not rendered within {seconds} s: does it loop?")
        })??;
    }
    render::render(profile, facts, secret_key, overrides)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::fake::FakeHost;
    use crate::system::run::RunError;

    #[test]
    fn a_secret_is_root_s_alone() {
        let root = tempfile::tempdir().unwrap();
        let host =
            FakeHost::live(root.path(), |tool| Err(RunError::NotFound { program: tool.program.clone() }));
        let host = host.unwrap();
        let put = |uid, mode| {
            let file = FileNode { bytes: b"correct-horse\n".to_vec(), mode, uid, gid: uid };
            host.write("/secret", &file).unwrap();
            secret(&host, "/secret", "the Wi-Fi passphrase").map(|_| ()).map_err(|e| e.to_string())
        };
        assert_eq!(put(0, 0o600), Ok(()));
        assert!(put(0, 0o640).unwrap_err().contains("others can read it"));
        if host.can_chown() {
            assert!(put(1000, 0o600).unwrap_err().contains("it belongs to user 1000"));
        }
    }
}
