//! `piback backup LABEL`

use super::context::{self, Given};
use super::running;
use crate::backup::label::Label;
use crate::backup::{self, Options};
use crate::cli::{Backup, Global};
use crate::doctor::board;
use crate::error::{Outcome, Problem};
use crate::jobs::job::Verb;
use crate::media::ends::Need;
use crate::system::real::RealHost;
use crate::system::rundir::Running;
use crate::system::signals;
use crate::ui::{Ui, visible};
use crate::view::account::AccountLine;
use crate::view::progress::Progress;

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
    let result = context::with_ends(&given, global, ui, |ends| {
        let (card, drive) = (ends.source.as_ref().map(|card| card.dir.clone()), &ends.dest.dir);
        let all = context::card_and_drives(ends, &label)?;
        running::register(followed, Verb::Backup, label.as_str(), drive, global, ui);
        let progress = Progress::new(ui, "backup", label.as_str(), followed.take());
        let was_weak = power();
        let backed = backup::backup(&all, Options { mirror: args.mirror, compare: args.compare }, &progress);
        if let Ok(backed) = &backed {
            let mut line = AccountLine::new(label.as_str(), backed);
            if was_weak == Some(false) && power() == Some(true) {
                line.note(WEAK);
            }
            progress.tell(&line);
            *followed = progress.end();
            line.show(ui);
            if let Some(drive) = ends.dest.volume.as_ref().filter(|drive| !drive.mounts.is_empty()) {
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
        Ok(if backed.all_safe() { Outcome::Done } else { Outcome::NotSafe })
    });
    // Only now, as what could not be taken off is part of how it ended.
    running::end(followed, &result, ui);
    result
}

/// Said of a run in which the firmware saw too little voltage for the first time since boot.
const WEAK: &str =
    "the power supply was too weak for a moment: a stronger one, a shorter cable, or a powered hub";

/// Tells whether the power supply was too weak since boot; none where nobody can say.
fn power() -> Option<bool> {
    board::was_weak(&RealHost::live().ok()?)
}
