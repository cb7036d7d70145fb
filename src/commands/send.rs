//! `piback send [REMOTE]`

use super::context::{self, Given};
use super::scrub::{self, GivesWay};
use super::uplink;
use crate::cli::{Global, Send};
use crate::error::{Outcome, Problem};
use crate::media::ends::Need;
use crate::profile::types::Bandwidth;
use crate::profile::{Remote, SendOrder, SendWhen};
use crate::provision::plan::prepare::private;
use crate::remote::{self, Rclone, Sandbox, Stopped, To};
use crate::system::{Host, process, signals};
use crate::ui::{Ui, visible};
use crate::view::progress::Progress;
use crate::view::sent::{self, OnRemote};
use std::path::{Path, PathBuf};

pub fn run(args: &Send, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let host = context::host(global)?;
    if args.config.is_none() {
        // rclone's configuration is root's.
        context::need_root(&host, "send")?;
    }
    let mut wanted = wanted(args, &host, global)?;
    if args.auto {
        let now = uplink::now(&host, global)?;
        wanted.retain(|one| !now.metered || one.remote.when == SendWhen::Any);
        let why = now.why_not.or_else(|| wanted.is_empty().then(|| "no remote takes this uplink".into()));
        if let Some(why) = why {
            ui.say(&format!("Nothing was sent: {why}."));
            sent::show(ui, &[]);
            return Ok(Outcome::Done);
        }
    }
    if args.auto && !scrub::is_plugged(global)? {
        ui.say("The drive is not plugged in: nothing was sent.");
        sent::show(ui, &[]);
        return Ok(Outcome::Done);
    }
    let sandbox = sandbox(&host, args.config.is_some());
    signals::stop_gently();
    process::step_back();
    let given = Given { label: "", source: None, dests: args.dest.as_slice(), need: Need::Drive };
    context::with_ends(&given, global, ui, |ends| {
        let progress = Progress::new(ui, "send", "", None);
        let watch = GivesWay { progress: &progress, root: global.root.as_deref() };
        let drives: Vec<PathBuf> = ends.drives().map(|end| end.dir.clone()).collect();
        let mut all = Vec::new();
        for (end, one) in ends.drives().flat_map(|end| wanted.iter().map(move |one| (end, one))) {
            let rclone = one.rclone(&end.dir, sandbox);
            let to = one.to(&rclone, &drives, args.read_back, args.compare);
            let sent = remote::send(&to, &watch);
            all.push(OnRemote { drive: end.dir.clone(), remote: one.name().to_owned(), sent });
        }
        progress.end();
        sent::show(ui, &all);
        end_of(all)
    })
}

/// The rights that rclone gets: a unit of its own needs a systemd that runs; plain folders are the caller's own business.
pub fn sandbox(host: &dyn Host, is_plain: bool) -> Sandbox {
    match !is_plain && host.is_live() && process::is_root() {
        true => Sandbox::Unit,
        false => Sandbox::None,
    }
}

/// A remote to send to.
pub struct Wanted {
    remote: Remote,
    /// rclone's configuration.
    config: PathBuf,
}

impl Wanted {
    /// rclone on this remote and a drive.
    pub fn rclone(&self, drive: &Path, sandbox: Sandbox) -> Rclone {
        let limit = self.remote.limit.as_ref().map(ToString::to_string);
        let (config, drive) = (self.config.clone(), drive.to_owned());
        Rclone { config, drive, to: self.remote.to(), limit, sandbox }
    }

    /// The same with how to send.
    pub fn to<'a>(
        &'a self,
        rclone: &'a Rclone,
        siblings: &[PathBuf],
        read_back: bool,
        compare: bool,
    ) -> To<'a> {
        let oldest_first = self.remote.order == SendOrder::Oldest;
        let read_back = self.remote.read_back || read_back;
        let siblings = siblings.iter().filter(|drive| **drive != rclone.drive).cloned().collect();
        To { name: self.name(), rclone, oldest_first, read_back, compare, siblings }
    }

    /// Its name, by the profile.
    pub fn name(&self) -> &str {
        self.remote.name.as_str()
    }
}

/// The remotes that the command line or the profile names.
fn wanted(args: &Send, host: &dyn Host, global: &Global) -> anyhow::Result<Vec<Wanted>> {
    let limit = args.limit.as_deref().map(|text| typed::<Bandwidth>("--limit", text)).transpose()?;
    let mut all = match (&args.config, &args.remote, &args.folder) {
        (Some(config), Some(name), Some(folder)) => vec![plain(config, name, folder)?],
        _ => named(args.remote.as_slice(), host, global)?,
    };
    if args.auto {
        all.retain(|one| one.remote.when != SendWhen::Asked);
    }
    if limit.is_some() {
        all.iter_mut().for_each(|one| one.remote.limit = limit.clone());
    }
    Ok(all)
}

/// A remote that no profile names.
pub fn plain(config: &Path, name: &str, folder: &str) -> anyhow::Result<Wanted> {
    let remote = Remote::new(typed("REMOTE", name)?, typed("--folder", folder)?);
    Ok(Wanted { remote, config: config.to_owned() })
}

/// The profile's remotes of these names; all of them for none. Each has a configuration that is root's alone.
pub fn named(names: &[String], host: &dyn Host, global: &Global) -> anyhow::Result<Vec<Wanted>> {
    let mut remotes = context::load_profile(host, global)?.remotes;
    let known: Vec<String> = remotes.iter().map(|remote| remote.name.to_string()).collect();
    let unknown = names.iter().find(|name| !known.contains(name));
    if unknown.is_some() || remotes.is_empty() {
        let what = match unknown {
            Some(name) => format!("the profile names no remote \"{}\"", visible(name)),
            None => "the profile names no remotes".into(),
        };
        let hint = match known.is_empty() {
            true => "name one in the profile, under remotes: docs/AWAY.md tells how".into(),
            false => format!("it names: {}", known.join(", ")),
        };
        return Err(Problem::failed(what).hint(hint).into());
    }
    remotes.retain(|remote| names.is_empty() || names.iter().any(|name| name == remote.name.as_str()));
    for remote in &remotes {
        // Whoever can write to it can have rclone run anything.
        private(host, remote.config_file.as_str(), "how to log in", "as `rclone config` wrote it")?;
    }
    let with_config = |remote: Remote| Wanted { config: remote.config_file.as_str().into(), remote };
    Ok(remotes.into_iter().map(with_config).collect())
}

fn typed<T: std::str::FromStr<Err = String>>(what: &str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|why| Problem::usage(format!("{what}: \"{}\" {why}", visible(text))))
}

/// The end of the command: an error where a remote could not be reached, else what is listed.
fn end_of(all: Vec<OnRemote>) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::Done;
    for one in all {
        let sent = one.sent?;
        match &sent.stopped {
            Some(Stopped::Trouble(trouble)) => return Err(trouble.problem(&one.remote).into()),
            Some(Stopped::Drive(why)) => {
                let what = format!("drive {}: {why}", visible(&one.drive.to_string_lossy()));
                return Err(Problem::failed(what).hint("piback cards shows what is plugged in").into());
            }
            Some(Stopped::Asked) => {
                let what = format!("stopped before all was at {}", visible(&one.remote));
                return Err(Problem::failed(what)
                    .hint("what is there stays; go on with: piback send")
                    .into());
            }
            None if !sent.complete() => outcome = Outcome::NotSafe,
            None => {}
        }
    }
    Ok(outcome)
}
