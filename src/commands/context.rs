//! The things that several verbs begin with: the host, the profile, its secrets, the facts, what is desired; a yes; the
//! two ends of a run.

use crate::backup::Endpoints;
use crate::backup::label::Label;
use crate::cli::reach::Reach;
use crate::cli::{Cli, Global, StackArg};
use crate::error::Problem;
use crate::firstboot::{self, Unreadable};
use crate::media::ends::{self, Ends, Need, Request};
use crate::media::reach::End;
pub use crate::paths::PROFILE;
use crate::profile::types::Passphrase;
use crate::profile::{self, Profile};
use crate::profile::{Automount, Cascade, Copies, Led, OnInsert};
use crate::provision::apply::journal;
use crate::provision::host::facts::Stack;
use crate::provision::plan::prepare::Prepared;
use crate::system::real::RealHost;
use crate::system::{FileNode, Host, Node, folder, input, mount, process, random};
use crate::ui::{Ui, visible};
use anyhow::Context;
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

/// Refuses what a tree of files has not, before anything else is done.
///
/// # Errors
/// `--root` names a tree, and the command line is of this host's devices, networks, jobs or clock.
pub fn refuse_host_on_tree(cli: &Cli) -> anyhow::Result<()> {
    let (Some(_), verb) = (&cli.global.root, cli.command.verb()) else { return Ok(()) };
    let problem = match cli.command.reach() {
        Reach::Folders { named, all } if all && !named.iter().any(|path| mount::is_block_device(path)) => {
            return Ok(());
        }
        Reach::Files => return Ok(()),
        Reach::Folders { .. } => {
            let what = format!(
                "{verb} would use this host's own cards and drives, and --root names a tree of files"
            );
            Problem::usage(what).hint("name folders for the card and the drive: --source DIR, --dest DIR")
        }
        Reach::Host => {
            Problem::usage(format!("{verb} is of this host as it runs, and --root names a tree of files"))
        }
    };
    Err(problem.hint("leave --root out").into())
}

/// Reads the profile and everything that a plan for it needs.
///
/// # Errors
/// Those of [`load_profile`] and [`Prepared::read`].
pub fn prepare(
    host: &dyn Host,
    global: &Global,
    stack: Option<Stack>,
    made_by: &str,
) -> anyhow::Result<Prepared> {
    Prepared::read(host, load_profile(host, global)?, stack, made_by)
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
    let on_tree = format!("or try it on a tree of files: piback {verb} --root DIR");
    Ok(root_of_live(host, verb).map_err(|problem| problem.hint(on_tree))?)
}

/// The same for what no tree has.
///
/// # Errors
/// Somebody else than root asks on a running host.
pub fn root_of_live(host: &dyn Host, verb: &str) -> Result<(), Problem> {
    if host.is_live() && !process::is_root() {
        return Err(Problem::failed(format!("piback {verb} needs root on a running host"))
            .hint(format!("type: sudo piback {verb}")));
    }
    Ok(())
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
    Ok(profile::load(&profile_text(&bytes, &name)?, &name)?)
}

/// The text of a profile that any editor wrote.
pub fn profile_text(bytes: &[u8], name: &str) -> anyhow::Result<String> {
    let decoded = firstboot::decode(bytes);
    let problem = |why: Unreadable| Problem::failed(format!("{}: {why}", visible(name))).hint(why.remedy());
    Ok(decoded.map_err(problem)?.text)
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
    /// Labels of the drives that receive backups, the first one first.
    pub destinations: Vec<String>,
    /// Number of them that a photo must be on.
    pub copies: Copies,
    /// The way to the further ones.
    pub cascade: Cascade,
    /// The folder that piback mounts below.
    pub mount_root: PathBuf,
    /// The share of cards and drives, and its user.
    pub share: Option<(String, String)>,
    /// True where piback mounts what is plugged in.
    pub automount: bool,
    /// The reaction to a card that is plugged in.
    pub on_insert: OnInsert,
    /// True where the Pi's green light tells how a job goes.
    pub led: bool,
    /// True where logged-in terminals get a line when a job ends.
    pub tells_terminals: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            destinations: Vec::new(),
            copies: Copies::All,
            cascade: Cascade::Auto,
            mount_root: PathBuf::from(MOUNT_ROOT),
            share: None,
            automount: false,
            on_insert: OnInsert::Off,
            led: false,
            tells_terminals: false,
        }
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
    let Profile { backup, share, volumes, tell, .. } = load_profile(&host, global)?;
    Ok(Settings {
        destinations: backup.labels().map(ToString::to_string).collect(),
        copies: backup.copies,
        cascade: backup.cascade,
        mount_root: PathBuf::from(backup.mount_root.as_str()),
        share: Some((share.names.drives.to_string(), share.user.to_string())),
        automount: volumes.mount == Automount::Auto,
        on_insert: backup.on_insert,
        led: tell.led == Led::Auto,
        tells_terminals: tell.terminals,
    })
}

/// The ends as the command line names them.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    pub label: &'a str,
    pub source: Option<&'a Path>,
    /// One or more; with none the profile's.
    pub dests: &'a [PathBuf],
    pub need: Need,
}

/// A drive of the command line that is no folder, while another one is.
#[derive(Debug)]
pub struct NoDrive {
    path: PathBuf,
    why: String,
}

impl NoDrive {
    /// Returns its row: its path as it was typed, and why.
    pub fn row<T>(&self) -> (PathBuf, anyhow::Result<T>) {
        (self.path.clone(), Err(anyhow::anyhow!("it is no folder to use: {}", self.why)))
    }
}

/// Finds both ends with what the profile says, runs `body` on them as [`ends::with`] does, and takes off what was
/// mounted; where two folders are named, no profile is read but one that the command line names.
///
/// # Errors
/// Those of [`ends::with`], a drive that is no folder, and a profile that can't be read.
pub fn with_ends<T>(
    given: &Given,
    global: &Global,
    ui: &Ui,
    body: impl FnOnce(&Ends) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    if let Some(bad) = no_drives(given).first() {
        return Err(no_folder("drive", &bad.path, &bad.why).into());
    }
    with_usable_ends(given, global, ui, |ends, _| body(ends))
}

/// The same, and a drive of the command line that is no folder is only said, as long as another one is.
///
/// # Errors
/// Those of [`ends::with`], and a profile that can't be read.
pub fn with_usable_ends<T>(
    given: &Given,
    global: &Global,
    ui: &Ui,
    body: impl FnOnce(&Ends, &[NoDrive]) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let card = given.source.filter(|path| !mount::is_block_device(path));
    if let Some((path, Err(error))) = card.map(|path| (path, folder::real(path))) {
        return Err(no_folder("card", path, &error.to_string()).into());
    }
    let bad = no_drives(given);
    let dests: Vec<PathBuf> =
        given.dests.iter().filter(|path| bad.iter().all(|bad| bad.path != **path)).cloned().collect();
    if let (Some(first), []) = (bad.first(), dests.as_slice()) {
        return Err(no_folder("drive", &first.path, &first.why).into());
    }
    for one in &bad {
        ui.note(&format!("{}; the others are used", no_folder("drive", &one.path, &one.why)));
    }
    on_ends(&Given { dests: &dests, ..*given }, global, ui, |ends| body(ends, &bad))
}

fn no_drives(given: &Given) -> Vec<NoDrive> {
    let real = given.dests.iter().map(|path| (path, folder::real(path)));
    real.filter_map(|(path, real)| Some(NoDrive { path: path.clone(), why: real.err()?.to_string() }))
        .collect()
}

fn no_folder(what: &str, path: &Path, why: &str) -> Problem {
    Problem::failed(format!("the {what} {} is no folder to use: {why}", visible(&path.to_string_lossy())))
}

fn on_ends<T>(
    given: &Given,
    global: &Global,
    ui: &Ui,
    body: impl FnOnce(&Ends) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let plain = |path: Option<&Path>| path.is_some_and(|p| !mount::is_block_device(p));
    let dest = given.dests.first().map(PathBuf::as_path);
    let no_volume = plain(dest) && (given.need == Need::Drive || plain(given.source));
    let said = if no_volume && global.profile.is_none() { Settings::default() } else { settings(global)? };
    let request = Request {
        label: given.label,
        source: given.source,
        dest,
        others: given.dests.get(1..).unwrap_or_default(),
        destinations: &said.destinations,
        // Drives that were named must all have it, unless a profile was named as well.
        copies: if dest.is_some() && global.profile.is_none() { Copies::All } else { said.copies },
        cascade: said.cascade,
        mount_root: &said.mount_root,
        root: global.root.as_deref(),
        need: given.need,
    };
    ends::with(&request, ui, |ends| {
        for absent in &ends.absent {
            let later =
                if given.need == Need::Backup { "it gets its copy later" } else { "it is not looked at" };
            ui.note(&match &absent.why {
                None => format!("{} is not plugged in: {later}", absent.label),
                Some(why) => format!("{} can't be used ({why}): {later}", absent.label),
            });
        }
        body(ends)
    })
}

/// Returns a row for each drive of the profile that can't be used: its label in place of a path, and why.
pub fn absent_rows<T>(ends: &Ends) -> impl Iterator<Item = (PathBuf, anyhow::Result<T>)> {
    ends.absent.iter().map(|one| (PathBuf::from(&one.label), Err(anyhow::anyhow!("{}", one.reason()))))
}

/// Returns the card with each of the drives, as the copy takes them.
///
/// # Errors
/// There is no card: [`Need::Drive`].
pub fn card_and_drives(ends: &Ends, label: &Label) -> anyhow::Result<Vec<Endpoints>> {
    let source = ends.source.as_ref().context("there is no card")?;
    let with =
        |drive: &End| Endpoints { label: label.clone(), source: source.dir.clone(), dest: drive.dir.clone() };
    Ok(ends.drives().map(with).collect())
}
