//! The copy to all drives, in one pass; or in two, for drives that share one slow bus with the card: the first drive gets
//! all from the card, and the others get it from the first one afterwards. Records, account and exit code
//! are the same, but for what the second pass sees of the first drive's copies.

use super::account::Account;
use super::copy::{self, Context, CopyResult, Pulse, Relay};
use super::on_drive::OnDrive;
use super::reason::{Reason, Stop};
use super::scan::Card;
use super::source::Source;
use std::sync::atomic::AtomicBool;

/// Copies to all drives with one read of the card, and closes their accounts.
pub fn one(
    card: &Card,
    source: &mut Source,
    mut runs: Vec<anyhow::Result<OnDrive<'_>>>,
) -> Vec<anyhow::Result<Account>> {
    copy(card, source, &mut runs, Pass::Only);
    finish(card, runs)
}

/// Copies to the first drive that lacks anything from the card, and to the others from that one; closes their accounts.
pub fn two(
    card: &Card,
    source: &mut Source,
    mut runs: Vec<anyhow::Result<OnDrive<'_>>>,
) -> Vec<anyhow::Result<Account>> {
    let first = runs.iter().position(|run| run.as_ref().is_ok_and(OnDrive::has_work)).unwrap_or_default();
    let mut rest = runs.split_off((first + 1).min(runs.len()));
    copy(card, source, &mut runs, Pass::First);
    // What is on the first drive is on record there before the second pass begins, whatever becomes of that. Its account
    // stays open: the second pass reads what was written, and sees whether it is still good.
    let got =
        runs.last_mut().and_then(|run| run.as_mut().ok()).map(|run| std::mem::take(&mut run.result.got));
    runs.iter_mut().flatten().for_each(|run| run.end(card));
    let seen = match (runs.last_mut(), got) {
        (Some(Ok(run)), Some(got)) if !run.result.stop.is_some_and(is_lost) => {
            let mut relay = Relay::new(&mut run.drive, got);
            copy(card, source, &mut rest, Pass::Second(&mut relay));
            Some(relay.seen(card))
        }
        _ => {
            copy(card, source, &mut rest, Pass::Only);
            None
        }
    };
    if let (Some(Ok(run)), Some(seen)) = (runs.last_mut(), seen) {
        run.look_again(card, seen);
    }
    let mut accounts = finish(card, runs);
    accounts.extend(finish(card, rest));
    accounts
}

/// Tells whether nothing can be read of a drive that ended so.
fn is_lost(stop: Stop) -> bool {
    matches!(stop, Stop::DriveGone(_) | Stop::DriveReplaced | Stop::DriveSilent)
}

/// The pass of a copy over the drives.
enum Pass<'a, 'b> {
    Only,
    /// The one before a second pass: all that is copied is kept in mind.
    First,
    /// From the drive of the first one, where that has it.
    Second(&'a mut Relay<'b>),
}

/// Closes the accounts.
fn finish(card: &Card, runs: Vec<anyhow::Result<OnDrive<'_>>>) -> Vec<anyhow::Result<Account>> {
    runs.into_iter().map(|run| run.map(|run| run.finish(card))).collect()
}

/// Copies to all drives that go on what they lack, with one read.
fn copy(card: &Card, source: &mut Source, runs: &mut [anyhow::Result<OnDrive<'_>>], pass: Pass<'_, '_>) {
    let keeps = matches!(pass, Pass::First);
    let (mut work, mut results) = (Vec::new(), Vec::new());
    for run in runs.iter_mut().flatten() {
        match (run.account.stop, &mut run.begun) {
            (None, None) => {}
            (None, Some(begun)) => {
                let context = Context {
                    card,
                    jobs: &run.matched.jobs,
                    drive: &run.drive,
                    index: &run.runs.index,
                    run: &begun.run,
                    watch: run.watch,
                    pulse: Pulse::default(),
                    keeps,
                    from_card: AtomicBool::new(true),
                };
                work.push((context, &mut begun.log));
                results.push(&mut run.result);
            }
            (Some(stop), _) => run.result = not_reached(&run.matched.jobs, stop),
        }
    }
    let relay = if let Pass::Second(relay) = pass { Some(relay) } else { None };
    let copied = copy::run(&mut work, source, relay);
    results.into_iter().zip(copied).for_each(|(result, copied)| *result = copied);
}

fn not_reached(jobs: &[copy::Job], stop: Stop) -> CopyResult {
    let not_safe = jobs.iter().map(|job| (job.file, Reason::NotReached(stop))).collect();
    CopyResult { stop: Some(stop), not_safe, ..CopyResult::default() }
}
