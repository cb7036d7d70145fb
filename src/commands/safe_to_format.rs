//! `piback safe-to-format LABEL`

use super::context::{self, Given};
use super::running;
use crate::backup;
use crate::backup::label::Label;
use crate::cli::{Global, SafeToFormat};
use crate::error::Outcome;
use crate::jobs::job::Verb;
use crate::media::ends::Need;
use crate::system::rundir::Running;
use crate::system::signals;
use crate::ui::Ui;
use crate::view::answer;
use crate::view::progress::Progress;

pub fn run(args: &SafeToFormat, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let is_here = args.foreground || args.source.is_some() || !args.dest.is_empty();
    let is_plain = !is_here && !args.allow_same_filesystem;
    if is_plain && let Some(outcome) = running::asked(Verb::SafeToFormat, &args.label, false, global, ui)? {
        return Ok(outcome);
    }
    with_followers(args, global, ui, &mut None)
}

/// Does it in this process; `followed` is how others follow it, where that is settled already.
pub fn with_followers(
    args: &SafeToFormat,
    global: &Global,
    ui: &Ui,
    followed: &mut Option<Running>,
) -> anyhow::Result<Outcome> {
    let label = Label::new(&args.label)?;
    let given = Given {
        label: label.as_str(),
        source: args.source.as_deref(),
        dests: &args.dest,
        need: Need::Compare,
    };
    signals::stop_gently();
    let result = context::with_ends(&given, global, ui, |ends| {
        let all = context::card_and_drives(ends, &label)?;
        running::register(followed, Verb::SafeToFormat, label.as_str(), &ends.dest.dir, global, ui);
        let progress = Progress::new(ui, "safe-to-format", label.as_str(), followed.take());
        let compared = backup::safe_to_format(&all, args.allow_same_filesystem, &progress);
        *followed = progress.end();
        let mut compared = compared?;
        compared.copies = ends.copies;
        compared.drives.extend(context::absent_rows(ends));
        running::tell(followed, &answer::answer(ui, label.as_str(), &compared));
        Ok(if compared.yes() { Outcome::Done } else { Outcome::NotSafe })
    });
    running::end(followed, &result, ui);
    result
}
