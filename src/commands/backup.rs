//! `piback backup LABEL`

use super::progress::Progress;
use super::{backup_report, endpoints};
use crate::backup::{self, Options};
use crate::cli::Backup;
use crate::error::Outcome;
use crate::system::signals;
use crate::ui::Ui;

pub fn run(args: &Backup, ui: &Ui) -> anyhow::Result<Outcome> {
    let ends = endpoints::both(&args.label, args.source.as_ref(), args.dest.as_ref())?;
    signals::stop_gently();
    let progress = Progress::new(ui, "backup", ends.label.as_str());
    let account = backup::backup(&ends, Options { mirror: args.mirror }, &progress);
    progress.end();
    let account = account?;
    backup_report::account(ui, &ends, &account);
    Ok(if account.all_safe() { Outcome::Done } else { Outcome::NotSafe })
}
