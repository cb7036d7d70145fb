//! `piback safe-to-format LABEL`

use super::context::{self, Given};
use crate::backup;
use crate::backup::label::Label;
use crate::cli::{Global, SafeToFormat};
use crate::error::Outcome;
use crate::media::ends::Need;
use crate::system::signals;
use crate::ui::Ui;
use crate::view::answer;
use crate::view::progress::Progress;

pub fn run(args: &SafeToFormat, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let label = Label::new(&args.label)?;
    let given = Given {
        label: label.as_str(),
        source: args.source.as_deref(),
        dests: &args.dest,
        need: Need::Compare,
    };
    signals::stop_gently();
    context::with_ends(&given, global, ui, |ends| {
        let all = context::card_and_drives(ends, &label)?;
        let progress = Progress::new(ui, "safe-to-format", label.as_str(), None);
        let compared = backup::safe_to_format(&all, args.allow_same_filesystem, &progress);
        progress.end();
        let mut compared = compared?;
        compared.copies = ends.copies;
        compared.drives.extend(context::absent_rows(ends));
        answer::answer(ui, label.as_str(), &compared);
        Ok(if compared.yes() { Outcome::Done } else { Outcome::NotSafe })
    })
}
