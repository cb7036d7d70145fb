//! `piback safe-to-format LABEL`

use super::context::{self, Given};
use crate::backup;
use crate::backup::label::Label;
use crate::cli::{Global, SafeToFormat};
use crate::error::Outcome;
use crate::media::ends::Need;
use crate::system::signals;
use crate::ui::Ui;
use crate::view::progress::Progress;
use crate::view::report;

pub fn run(args: &SafeToFormat, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let label = Label::new(&args.label)?;
    let given = Given {
        label: label.as_str(),
        source: args.source.as_deref(),
        dests: args.dest.as_slice(),
        need: Need::Compare,
    };
    signals::stop_gently();
    context::with_ends(&given, global, ui, |ends| {
        let ends = context::card_and_drive(ends, &label)?;
        let progress = Progress::new(ui, "safe-to-format", label.as_str(), None);
        let answer = backup::safe_to_format(&ends, args.allow_same_filesystem, &progress);
        progress.end();
        let answer = answer?;
        report::answer(ui, &ends, &answer);
        Ok(if answer.yes() { Outcome::Done } else { Outcome::NotSafe })
    })
}
