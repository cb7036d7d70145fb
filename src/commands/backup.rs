//! `piback backup LABEL`

use super::context::{self, Given, NoDrive};
use super::running;
use crate::backup::label::Label;
use crate::backup::{self, Backed, Options};
use crate::cli::{Backup, Global};
use crate::doctor::board;
use crate::error::{Outcome, Problem};
use crate::jobs::job::Verb;
use crate::media::bus;
use crate::media::ends::{Ends, Need};
use crate::media::waiting::{self, Counts, Waiting};
use crate::profile::Cascade;
use crate::system::real::RealHost;
use crate::system::rundir::Running;
use crate::system::signals;
use crate::ui::{Ui, visible};
use crate::view::account::AccountLine;
use crate::view::progress::Progress;
use std::path::{Path, PathBuf};

pub fn run(args: &Backup, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let is_here = args.foreground || args.mirror || args.source.is_some() || !args.dest.is_empty();
    if !is_here && let Some(outcome) = running::asked(Verb::Backup, &args.label, args.compare, global, ui)? {
        return Ok(outcome);
    }
    with_followers(args, global, ui, &mut None)
}

/// Does it in this process; `followed` is how others follow it, where that is settled already.
pub fn with_followers(
    args: &Backup,
    global: &Global,
    ui: &Ui,
    followed: &mut Option<Running>,
) -> anyhow::Result<Outcome> {
    let label = Label::new(&args.label)?;
    let given = Given {
        label: label.as_str(),
        source: args.source.as_deref(),
        dests: &args.dest,
        need: Need::Backup,
    };
    // Before anything is mounted: what is mounted has to be taken off, Ctrl-C or not.
    signals::stop_gently();
    let result = context::with_usable_ends(&given, global, ui, |ends, bad| {
        let (card, drive) = (ends.source.as_ref().map(|card| card.dir.clone()), &ends.dest.dir);
        let all = context::card_and_drives(ends, &label)?;
        let memory = Memory::begin(ends, &label, global, ui);
        running::register(followed, Verb::Backup, label.as_str(), drive, global, ui);
        let progress = Progress::new(ui, "backup", label.as_str(), followed.take());
        let was_weak = power(global);
        let cascade = match ends.cascade {
            Cascade::Always => all.len() > 1,
            Cascade::Never => false,
            Cascade::Auto => all.len() > 1 && bus::is_one(ends),
        };
        let options = Options { mirror: args.mirror, compare: args.compare, cascade };
        let mut backed =
            backup::backup(&all, options, &progress).map(|backed| memory.add_absent(backed, ends, ui));
        if let Ok(backed) = &mut backed {
            backed.drives.extend(bad.iter().map(NoDrive::row));
            let mut line = AccountLine::new(label.as_str(), backed);
            if was_weak == Some(false) && power(global) == Some(true) {
                line.note(WEAK);
            }
            progress.tell(&line);
            *followed = progress.end();
            line.show(ui);
            let volumes = ends.drives().filter_map(|drive| drive.volume.as_ref());
            for drive in volumes.filter(|drive| !drive.mounts.is_empty()) {
                running::stays_mounted(&drive.shown_label(), ui);
            }
        } else {
            *followed = progress.end();
        }
        let backed = backed?;
        if backed.is_empty() {
            let card = visible(&card.unwrap_or_default().to_string_lossy());
            return Err(Problem::failed(format!("{card} holds no files: there is nothing to back up"))
                .hint("is the card mounted there?")
                .into());
        }
        Ok(if backed.fulfilled() { Outcome::Done } else { Outcome::NotSafe })
    });
    // Only now, as what could not be taken off is part of how it ended.
    running::end(followed, &result, ui);
    result
}

/// Said of a run in which the firmware saw too little voltage for the first time since boot.
const WEAK: &str =
    "the power supply was too weak for a moment: a stronger one, a shorter cable, or a powered hub";

/// Tells whether the power supply was too weak since boot; none where nobody can say, and of a tree, which has none.
fn power(global: &Global) -> Option<bool> {
    if global.root.is_some() {
        return None;
    }
    board::was_weak(&RealHost::live().ok()?)
}

/// The drives of the profile, with what is remembered of those that are not there.
struct Memory<'a> {
    root: Option<&'a Path>,
    label: &'a Label,
    /// Knowledge from before, of the absent ones in their order; none where nothing is to be remembered.
    before: Option<Vec<Option<Waiting>>>,
}

impl<'a> Memory<'a> {
    fn begin(ends: &Ends, label: &'a Label, global: &'a Global, ui: &Ui) -> Self {
        let root = global.root.as_deref();
        let absent: Vec<&str> = ends.absent.iter().map(|one| one.label.as_str()).collect();
        // Where the profile names one drive, it is there.
        let several = ends.drives().count() + absent.len() > 1;
        let by_label = several && ends.drives().all(|drive| drive.volume.is_some());
        let before = by_label.then(|| waiting::begin(root, label.as_str(), &absent)).transpose();
        let before = before.unwrap_or_else(|e| {
            ui.detail(&format!("{e:#}"));
            None
        });
        Memory { root, label, before }
    }

    /// Adds a row for each drive that is not there, with what it lacks, and remembers that.
    fn add_absent(&self, mut backed: Backed, ends: &Ends, ui: &Ui) -> Backed {
        let lacking = self.end(&backed, ends).unwrap_or_else(|e| {
            ui.detail(&format!("{e:#}"));
            Vec::new()
        });
        backed.copies = ends.copies;
        for (at, absent) in ends.absent.iter().enumerate() {
            let lacks = lacking.get(at).map(|one| format!("; {}", one.sentence())).unwrap_or_default();
            let why = anyhow::anyhow!("{}{lacks}", absent.reason());
            backed.drives.push((PathBuf::from(&absent.label), Err(why)));
        }
        backed
    }

    fn end(&self, backed: &Backed, ends: &Ends) -> anyhow::Result<Vec<Waiting>> {
        let Some(before) = &self.before else { return Ok(Vec::new()) };
        let accounts = || backed.drives.iter().filter_map(|(_, account)| account.as_ref().ok());
        let there: Vec<(&str, u64)> = ends
            .drives()
            .zip(&backed.drives)
            .filter_map(|(end, (_, account))| {
                let label = end.volume.as_ref()?.label.as_deref()?;
                Some((label, account.as_ref().ok()?.unsafe_tally().files))
            })
            .collect();
        let absent: Vec<(&str, Option<Waiting>)> =
            ends.absent.iter().map(|one| one.label.as_str()).zip(before.iter().cloned()).collect();
        let counts = Counts {
            on_card: accounts().map(|account| account.card.files).max().unwrap_or_default(),
            copied: accounts().map(|account| account.copied.files).max().unwrap_or_default(),
        };
        waiting::end(self.root, self.label.as_str(), &absent, &there, counts)
    }
}
