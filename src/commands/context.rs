//! The things that several verbs begin with: the host, the profile, its secrets, the facts, what is desired; a yes; the
//! two ends of a run.

use crate::backup::Endpoints;
use crate::backup::label::Label;
use crate::cli::{Global, StackArg};
use crate::error::Problem;
use crate::media::ends::{self, Ends, Need, Request};
pub use crate::paths::PROFILE;
use crate::paths::TEMPLATES;
use crate::profile::types::{Passphrase, Subnet};
use crate::profile::{self, Profile};
use crate::provision::adopt;
use crate::provision::adopt::conflicts;
use crate::provision::apply::journal;
use crate::provision::desired::Desired;
use crate::provision::desired::artifact::Secrets;
use crate::provision::desired::render;
use crate::provision::desired::subnet::{self, Choice};
use crate::provision::host::facts::{self, Facts, Stack};
use crate::provision::host::uplink;
use crate::provision::plan;
use crate::provision::state::State;
use crate::provision::validate;
use crate::provision::validate::result::Check;
use crate::system::real::RealHost;
use crate::system::{FileNode, Host, Node, input, mount, process, random};
use crate::ui::{Ui, visible};
use anyhow::Context;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The folder to mount below when no profile says: the embedded profile's own.
const MOUNT_ROOT: &str = "/media/piback";

/// The host, or the tree that `--root` names.
pub fn host(global: &Global) -> anyhow::Result<RealHost> {
    match &global.root {
        None => RealHost::live().context("the root directory can't be opened"),
        Some(root) => RealHost::tree(root).map_err(|e| {
            Problem::failed(format!("--root {}: {e}", visible(&root.to_string_lossy())))
                .hint("it must be a directory that exists")
                .into()
        }),
    }
}

/// Says of an apply that was cut off; every command of the host begins with this.
pub fn say_of_journal(global: &Global, ui: &Ui) {
    // A host that can't be read is the command's own to report.
    let intent = host(global).ok().and_then(|host| journal::open(&host).ok().flatten());
    if let Some(intent) = intent {
        ui.note(&journal::notice(&intent));
    }
}

/// Refuses a change of the host without root's rights, at once and with what to type.
pub fn need_root(host: &dyn Host, verb: &str) -> anyhow::Result<()> {
    if host.is_live() && !process::is_root() {
        return Err(Problem::failed(format!("piback {verb} needs root on a running host"))
            .hint(format!("type: sudo piback {verb}"))
            .hint(format!("or try it on a tree of files: piback {verb} --root DIR"))
            .into());
    }
    Ok(())
}

/// Everything that was read before a plan can be made.
pub struct Setup {
    /// The profile, its network's address settled.
    pub profile: Profile,
    pub lan: Choice,
    pub secrets: Secrets,
    pub share_password: Passphrase,
    pub facts: Facts,
    pub state: State,
    pub desired: Desired,
    pub notes: Vec<String>,
}

impl Setup {
    /// Reads and renders; writes nothing.
    pub fn read(
        host: &dyn Host,
        global: &Global,
        stack: Option<Stack>,
        made_by: &str,
    ) -> anyhow::Result<Self> {
        let mut profile = load_profile(host, global)?;
        let state = State::read(host)?;
        let (lan, unknown) = match lan(host, &profile, &state) {
            Ok(lan) => (lan, None),
            Err(e) => (subnet::choose(&profile.network, remembered(&state), &[]), Some(format!("{e:#}"))),
        };
        profile.network = lan.network.clone();
        let last = state.last.as_ref().and_then(|last| last.stack);
        let facts = facts::read(host, stack, last)?;
        let secrets =
            Secrets { wifi: secret(host, profile.wifi.passphrase_file.as_str(), "the Wi-Fi passphrase")? };
        let share_password = secret(host, profile.share.password_file.as_str(), "the share's password")?;
        let (overrides, mut notes) = overrides(host)?;
        if let Some(last) = last.filter(|last| *last != facts.stack) {
            notes.push(format!("the network stack was {last} and is {} now", facts.stack));
        }
        notes.extend(lan.note().into_iter().chain(unknown));
        let manual = adopt::find(host, &facts, &profile)?;
        notes.extend(conflicts::find(host, &facts, &profile, &manual)?);
        if state.owned().is_empty() {
            notes.extend(manual.stays.iter().cloned());
        }
        notes.extend(manual.places().into_iter().map(|places| {
            format!("{places}: a set-up by hand, put aside; piback rollback --original brings it back")
        }));
        let mut artifacts = render::render(&profile, &facts, secrets.wifi.hostapd_key(), &overrides)?;
        manual.join(&mut artifacts);
        let desired = Desired {
            stack: Some(facts.stack),
            artifacts,
            radio: profile.wifi.interface.to_string(),
            secrets: Some(secrets.clone()),
            passphrase_file: Some(profile.wifi.passphrase_file.to_string()),
            chosen: lan.chosen(),
            restored: None,
            made_by: made_by.to_owned(),
        };
        Ok(Setup { profile, lan, secrets, share_password, facts, state, desired, notes })
    }

    /// The staged files held against their checkers; nothing to check where nothing changes.
    pub fn checks(&self, host: &dyn Host, plan: &plan::Plan) -> anyhow::Result<Vec<Check>> {
        match plan.is_empty() {
            true => Ok(Vec::new()),
            false => validate::all(host, &self.desired.artifacts, Some(&self.secrets)),
        }
    }

    /// Plans what would change.
    pub fn plan(&self, host: &dyn Host) -> anyhow::Result<plan::Plan> {
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
        plan.notes.splice(0..0, self.notes.iter().cloned());
        Ok(plan)
    }
}

impl StackArg {
    /// The stack that the word on the command line means.
    pub fn stack(self) -> Stack {
        match self {
            StackArg::Ifupdown => Stack::Ifupdown,
            StackArg::Dhcpcd => Stack::Dhcpcd,
            StackArg::Networkmanager => Stack::NetworkManager,
        }
    }
}

/// Settles the Wi-Fi's address beside the networks that the uplink has now.
pub fn lan(host: &dyn Host, profile: &Profile, state: &State) -> anyhow::Result<Choice> {
    let taken = uplink::look(host, profile.wifi.interface.as_str())?;
    Ok(subnet::choose(&profile.network, remembered(state), &taken))
}

/// The address that the last apply chose, if that was piback's to do.
fn remembered(state: &State) -> Option<Subnet> {
    state.last.as_ref().and_then(|last| last.chosen)
}

/// The profile named by `--profile`, or the host's own.
pub fn load_profile(host: &dyn Host, global: &Global) -> anyhow::Result<Profile> {
    let (bytes, name) = match &global.profile {
        Some(path) => {
            let name = path.to_string_lossy().into_owned();
            (
                input::read(path).with_context(|| format!("the profile {} can't be read", visible(&name)))?,
                name,
            )
        }
        None => {
            let bytes = host.read_followed(PROFILE).with_context(|| format!("{PROFILE} can't be read"))?;
            let missing = || Problem::failed(format!("there is no profile: {PROFILE}"));
            (bytes.ok_or_else(|| missing().hint("make one: piback init"))?, PROFILE.to_owned())
        }
    };
    let text = String::from_utf8(bytes)
        .map_err(|e| Problem::failed(format!("{}: not UTF-8 text ({e})", visible(&name))))?;
    Ok(profile::load(&text, &name)?)
}

/// The passphrase of the newest record, if it can be read: to mask it.
pub fn passphrase_on_record(host: &dyn Host, state: &State) -> Option<Passphrase> {
    let file = state.last.as_ref()?.passphrase_file.as_deref()?;
    secret(host, file, "the Wi-Fi passphrase").ok()
}

/// Reads a secret's file. It must be the owner's alone: a secret that others can read is none.
pub fn secret(host: &dyn Host, path: &str, what: &str) -> anyhow::Result<Passphrase> {
    let problem = |why: &str| Problem::failed(format!("{what} in {path}: {why}"));
    match host.read(path).with_context(|| format!("{path} can't be read"))? {
        Node::File(FileNode { mode, .. }) if mode & 0o077 != 0 => {
            Err(problem(&format!("others can read it (mode {mode:o})"))
                .hint(format!("type: sudo chmod 600 {path}"))
                .into())
        }
        Node::File(file) => Passphrase::from_file_content(&file.bytes).map_err(|why| problem(&why).into()),
        Node::Absent => Err(problem("there is no such file")
            .hint(format!("put it there, one line of 8 to 63 characters, and type: sudo chmod 600 {path}"))
            .into()),
        Node::Link { .. } => {
            Err(problem("it is a symbolic link").hint("a secret is a file of its own, mode 0600").into())
        }
        _ => Err(problem("it is no file").into()),
    }
}

/// Writes a file of root's.
pub fn put(host: &dyn Host, path: &str, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
    let file = FileNode { bytes: bytes.to_vec(), mode, uid: 0, gid: 0 };
    host.write(path, &file).with_context(|| format!("{path} can't be written"))
}

/// Makes the directories above a path; the last one gets `mode`.
pub fn dirs_above(host: &dyn Host, path: &str, mode: u32) -> anyhow::Result<()> {
    let ends: Vec<usize> = path.match_indices('/').map(|(at, _)| at).skip(1).collect();
    for end in &ends {
        let dir = &path[..*end];
        if host.read(dir).with_context(|| format!("{dir} can't be looked at"))? == Node::Absent {
            let mode = if Some(end) == ends.last() { mode } else { 0o755 };
            host.make_dir(dir, mode).with_context(|| format!("{dir} can't be made"))?;
        }
    }
    Ok(())
}

/// Makes a secret from the kernel's random bytes.
pub fn made_secret() -> anyhow::Result<Passphrase> {
    let random = random::bytes(256).context("the kernel gave no random bytes")?;
    Passphrase::from_random(&random).context("the kernel's random bytes are not random")
}

/// The user's own templates, and a note for each.
fn overrides(host: &dyn Host) -> anyhow::Result<(BTreeMap<String, String>, Vec<String>)> {
    let (mut own, mut notes) = (BTreeMap::new(), Vec::new());
    for name in host.list(TEMPLATES).with_context(|| format!("{TEMPLATES} can't be read"))? {
        let path = format!("{TEMPLATES}/{name}");
        let known = crate::provision::components::files().any(|entry| entry.template.name == name);
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

/// Asks before a change; without a terminal `--yes` is the only yes.
pub fn agreed(ui: &Ui, question: &str) -> anyhow::Result<bool> {
    if !ui.can_ask() {
        return Err(Problem::usage("nobody can be asked here: this is no terminal").hint("add --yes").into());
    }
    ui.confirm(question)
}

/// Shows notes on stderr.
pub fn notes(ui: &Ui, notes: &[String]) {
    for note in notes {
        ui.note(note);
    }
}

/// The profile's words about backups; defaults where there is no profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Label of the drive that receives backups.
    pub destination: Option<String>,
    /// The folder that piback mounts below.
    pub mount_root: PathBuf,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { destination: None, mount_root: PathBuf::from(MOUNT_ROOT) }
    }
}

/// Reads the profile that the command line names, or the one in its place.
///
/// # Errors
/// The profile is there and can't be read, or has errors; a profile that was named is not there.
pub fn settings(global: &Global) -> anyhow::Result<Settings> {
    let host = host(global)?;
    if global.profile.is_none() && host.read_followed(PROFILE).is_ok_and(|found| found.is_none()) {
        return Ok(Settings::default());
    }
    let backup = load_profile(&host, global)?.backup;
    Ok(Settings {
        destination: Some(backup.destination.as_str().to_owned()),
        mount_root: PathBuf::from(backup.mount_root.as_str()),
    })
}

/// The ends as the command line names them.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    pub label: &'a str,
    pub source: Option<&'a Path>,
    pub dest: Option<&'a Path>,
    pub need: Need,
}

/// Finds both ends with what the profile says, runs `body` on them as [`ends::with`] does, and takes off what was
/// mounted; where two folders are named, no profile is read.
///
/// # Errors
/// Those of [`ends::with`], and a profile that can't be read.
pub fn with_ends<T>(
    given: &Given,
    global: &Global,
    ui: &Ui,
    body: impl FnOnce(&Ends) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let plain = |path: Option<&Path>| path.is_some_and(|p| !mount::is_block_device(p));
    let no_volume = plain(given.dest) && (given.need == Need::Drive || plain(given.source));
    let said = if no_volume { Settings::default() } else { settings(global)? };
    let request = Request {
        label: given.label,
        source: given.source,
        dest: given.dest,
        destination: said.destination.as_deref(),
        mount_root: &said.mount_root,
        root: global.root.as_deref(),
        need: given.need,
    };
    ends::with(&request, ui, body)
}

/// Returns both ends as the copy takes them.
///
/// # Errors
/// There is no card: [`Need::Drive`].
pub fn card_and_drive(ends: &Ends, label: &Label) -> anyhow::Result<Endpoints> {
    let source = ends.source.as_ref().context("there is no card")?;
    Ok(Endpoints { label: label.clone(), source: source.dir.clone(), dest: ends.dest.dir.clone() })
}
