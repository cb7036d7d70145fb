//! `piback safe-to-format LABEL`

use super::progress::Progress;
use super::{backup_report, endpoints};
use crate::backup;
use crate::cli::SafeToFormat;
use crate::error::Outcome;
use crate::system::signals;
use crate::ui::Ui;

pub fn run(args: &SafeToFormat, ui: &Ui) -> anyhow::Result<Outcome> {
    let ends = endpoints::both(&args.label, args.source.as_ref(), args.dest.as_ref())?;
    signals::stop_gently();
    let progress = Progress::new(ui, "safe-to-format", ends.label.as_str());
    let answer = backup::safe_to_format(&ends, &progress);
    progress.end();
    let answer = answer?;
    backup_report::answer(ui, &ends, &answer);
    Ok(if answer.yes() { Outcome::Done } else { Outcome::NotSafe })
}
