//! `piback verify LABEL`

use super::context::{self, Given};
use crate::backup::label::Label;
use crate::backup::{self, Verdict};
use crate::cli::{Global, Verify};
use crate::error::{Outcome, Problem};
use crate::media::ends::Need;
use crate::system::signals;
use crate::ui::{self, Ui, visible};
use crate::view::progress::Progress;
use crate::view::report;

pub fn run(args: &Verify, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let label = Label::new(&args.label)?;
    let share = args.sample.as_deref().map_or(Ok(1.0), share)?;
    let given = Given { label: label.as_str(), source: None, dest: args.dest.as_deref(), need: Need::Drive };
    if args.accept && !args.yes && !ui.can_ask() {
        return Err(Problem::usage("accepting needs a yes, and there is no terminal to ask on")
            .hint(format!("piback verify {label} --accept --yes"))
            .into());
    }
    signals::stop_gently();
    context::with_ends(&given, global, ui, |ends| {
        let progress = Progress::new(ui, "verify", label.as_str(), None);
        let verdict = backup::verify(&label, &ends.dest.dir, share, &progress);
        progress.end();
        let mut verdict = verdict?;
        if args.accept && agreed(args, &verdict, ui)? {
            backup::accept(&label, &ends.dest.dir, &mut verdict)?;
        }
        report::verdict(ui, label.as_str(), &verdict);
        Ok(if verdict.all_good() { Outcome::Done } else { Outcome::NotSafe })
    })
}

/// Lists what may be meant, and asks.
fn agreed(args: &Verify, verdict: &Verdict, ui: &Ui) -> anyhow::Result<bool> {
    if verdict.findings.is_empty() || verdict.stop.is_some() {
        return Ok(false);
    }
    if args.yes {
        return Ok(true);
    }
    report::findings(ui, verdict);
    let n = verdict.findings.len() as u64;
    ui.confirm(&format!("{} as listed. Did you mean all of it?", ui::files(n)))
}

/// `5%` or `5` as 0.05.
fn share(text: &str) -> Result<f64, Problem> {
    let percent = text.strip_suffix('%').unwrap_or(text).trim().parse::<f64>().ok();
    percent.filter(|p| *p > 0.0 && *p <= 100.0).map(|p| p / 100.0).ok_or_else(|| {
        Problem::usage(format!("\"{}\" is no share of a backup", visible(text))).hint("--sample 5%")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_more_than_nothing_and_at_most_all() {
        assert_eq!(share("5%").unwrap(), 0.05);
        assert_eq!(share("100").unwrap(), 1.0);
        for bad in ["0", "0%", "-1", "101%", "x", "", "NaN", "inf"] {
            assert_eq!(share(bad).unwrap_err().kind.exit_code(), 64, "{bad}");
        }
    }
}
