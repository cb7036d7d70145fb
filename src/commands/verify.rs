//! `piback verify LABEL`

use super::context::{self, Given};
use super::running;
use crate::backup::label::Label;
use crate::backup::{self, Patient, Repairs, Verdict};
use crate::cli::{Global, Verify};
use crate::error::{Outcome, Problem};
use crate::jobs::job::Verb;
use crate::jobs::rot;
use crate::media::ends::Need;
use crate::system::rundir::Running;
use crate::system::signals;
use crate::ui::{self, Ui, visible};
use crate::view::drives::Verified;
use crate::view::progress::Progress;
use crate::view::{self, report};
use std::path::Path;

pub fn run(args: &Verify, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let is_plain = !args.repair && !args.accept && args.sample.is_none();
    let is_here = args.foreground || args.source.is_some() || !args.dest.is_empty();
    if is_plain
        && !is_here
        && let Some(outcome) = running::asked(Verb::Verify, &args.label, false, global, ui)?
    {
        return Ok(outcome);
    }
    with_followers(args, global, ui, &mut None)
}

/// Does it in this process; `followed` is how others follow it, where that is settled already.
pub fn with_followers(
    args: &Verify,
    global: &Global,
    ui: &Ui,
    followed: &mut Option<Running>,
) -> anyhow::Result<Outcome> {
    let label = Label::new(&args.label)?;
    let share = args.sample.as_deref().map_or(Ok(1.0), share)?;
    // Where there is a card both are needed, and the drive alone else.
    let need = if args.source.is_some() { Need::Compare } else { Need::Drive };
    let given =
        Given { label: label.as_str(), source: args.source.as_deref(), dests: args.dest.as_slice(), need };
    if args.accept && !args.yes && !ui.can_ask() {
        return Err(Problem::usage("accepting needs a yes, and there is no terminal to ask on")
            .hint(format!("piback verify {label} --accept --yes"))
            .into());
    }
    signals::stop_gently();
    // Of what it may mend: whether something is left.
    let mut is_left = None;
    let result = context::with_usable_ends(&given, global, ui, |ends, bad| {
        running::register(followed, Verb::Verify, label.as_str(), &ends.dest.dir, global, ui);
        let progress = Progress::new(ui, "verify", label.as_str(), followed.take());
        let mut drives: Vec<Verified> = ends
            .drives()
            .map(|end| Verified {
                path: end.dir.clone(),
                verdict: backup::verify(&label, &end.dir, share, &progress),
                repairs: None,
            })
            .collect();
        let card = ends.source.as_ref().map(|card| card.dir.as_path());
        let repaired =
            if args.repair { repair(&label, card, args.catch_up, &mut drives, &progress) } else { Ok(()) };
        *followed = progress.end();
        repaired?;
        if drives.iter().all(|drive| drive.verdict.is_err())
            && let Some(Err(error)) = drives.pop().map(|drive| drive.verdict)
        {
            return Err(error);
        }
        drives.extend(bad.iter().map(|bad| {
            let (path, verdict) = bad.row();
            Verified { path, verdict, repairs: None }
        }));
        accept(args, &label, &mut drives, ui)?;
        running::tell(followed, &view::drives::verified(ui, label.as_str(), &drives));
        let all_good = drives.iter().all(Verified::all_good);
        is_left = left_over(args, all_good, &drives);
        Ok(if all_good { Outcome::Done } else { Outcome::NotSafe })
    });
    running::end(followed, &result, ui);
    if let Some(is_left) = is_left {
        running::light(global, || rot::show_repaired(is_left, || running::jobs(global)));
    }
    result
}

/// Tells whether something is left that is not as recorded, of any label; nothing of what mends nothing.
fn left_over(args: &Verify, all_good: bool, drives: &[Verified]) -> Option<bool> {
    let mends = (args.repair || args.accept) && args.dest.is_empty();
    mends.then(|| !all_good || drives.iter().any(|drive| rot::is_on(&drive.path)))
}

/// Repairs the drives from each other and from the card, and looks once more at what was not good.
fn repair(
    label: &Label,
    card: Option<&Path>,
    catch_up: bool,
    drives: &mut [Verified],
    progress: &Progress,
) -> anyhow::Result<()> {
    let patients: Vec<Patient<'_>> = drives
        .iter()
        .filter_map(|drive| {
            match &drive.verdict {
                Ok(verdict) => Some(Patient { path: &drive.path, broken: &verdict.broken }),
                // It may never have had the label.
                Err(_) => catch_up.then_some(Patient { path: &drive.path, broken: &[] }),
            }
        })
        .collect();
    if patients.is_empty() {
        return Ok(());
    }
    let mut repairs = backup::repair(label, &patients, card, catch_up, progress)?.into_iter();
    for drive in drives.iter_mut() {
        if drive.verdict.is_err() && !catch_up {
            continue;
        }
        drive.repairs = repairs.next();
        let Ok(before) = &mut drive.verdict else {
            if drive.repairs.as_ref().is_some_and(Repairs::did_something) {
                drive.verdict = backup::verify(label, &drive.path, 1.0, progress);
            }
            continue;
        };
        if drive.repairs.as_ref().is_some_and(|repairs| repairs.did_something() && repairs.stop.is_none()) {
            let moved = std::mem::take(&mut before.moved);
            drive.verdict = backup::verify_rest(label, &drive.path, before, progress);
            if let Ok(after) = &mut drive.verdict {
                after.moved.splice(0..0, moved);
            }
        }
    }
    Ok(())
}

/// Takes what was found as meant, of each drive, where that is asked for and agreed to.
fn accept(args: &Verify, label: &Label, drives: &mut [Verified], ui: &Ui) -> anyhow::Result<()> {
    for Verified { path, verdict, .. } in drives.iter_mut().filter(|_| args.accept) {
        if let Ok(verdict) = verdict
            && agreed(args, verdict, ui)?
        {
            backup::accept(label, path, verdict)?;
        }
    }
    Ok(())
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

/// Reads `5%` or `5` as 0.05.
///
/// # Errors
/// It is no share.
pub fn share(text: &str) -> Result<f64, Problem> {
    let percent = text.strip_suffix('%').unwrap_or(text).trim().parse::<f64>().ok();
    percent.filter(|p| *p > 0.0 && *p <= 100.0).map(|p| p / 100.0).ok_or_else(|| {
        Problem::usage(format!("\"{}\" is no share of a backup", visible(text))).hint("5% is one")
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
