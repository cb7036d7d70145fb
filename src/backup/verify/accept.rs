//! `verify --accept`: what the user did on the drive on purpose goes on record, so that the next verification is good.
//! Rot is never accepted, nor what can't be read.

use super::check::Checker;
use super::verdict::{Finding, FindingKind, Verdict};
use crate::backup::drive::Drive;
use crate::backup::findings;
use crate::backup::label::Label;
use crate::backup::manifest::{Record, to_text};
use crate::backup::reason::Reason;
use crate::error::Problem;
use std::collections::HashSet;
use std::path::Path;

/// Takes the findings as meant: what is gone, what nobody knew, what was edited, what can't be looked at. Each is looked
/// at again before it goes on record. The verdict names them no more.
///
/// # Errors
/// When the drive can't be read or does not take the records.
pub fn accept(label: &Label, dest: &Path, verdict: &mut Verdict) -> anyhow::Result<()> {
    let mut drive = Drive::open(dest, label.clone())?;
    let _lock = drive.lock()?;
    let runs = drive.runs()?;
    let mut records = Vec::new();
    let mut accepted = HashSet::new();
    let mut checker = Checker::new(&mut drive, &runs.index);
    for finding in &verdict.findings {
        let Some(record) = record(&mut checker, finding) else {
            verdict.notes.push(format!("{} changed meanwhile, and is not accepted", finding.shown()));
            continue;
        };
        records.push(record);
        accepted.insert(finding.shown());
    }
    if let Some(wrong) = findings::leave(&drive, &runs, "verify", records) {
        return Err(Problem::failed(wrong).hint("nothing was accepted").into());
    }
    verdict.bad.retain(|bad| !accepted.contains(&bad.path));
    verdict.accepted = accepted.len() as u64;
    Ok(())
}

/// The record of a finding, if it still is so.
fn record(checker: &mut Checker<'_>, finding: &Finding) -> Option<Record> {
    let dest = place_text(&finding.dest);
    match finding.kind {
        FindingKind::Gone => {
            let known = checker.index.of_dest(&finding.dest)?;
            matches!(checker.one(&known), Err(Reason::Missing)).then_some(Record::Gone { dest })
        }
        FindingKind::Unknown | FindingKind::Edited => {
            let digest = checker.content(&finding.dest, finding.size).ok().flatten()?;
            let xxh128 = format!("{:032x}", digest.hash);
            (digest.len == finding.size || finding.kind == FindingKind::Edited).then_some(Record::Accepted {
                dest,
                size: digest.len,
                xxh128,
            })
        }
        FindingKind::Odd => Some(Record::Ignored { dest }),
    }
}

/// A place on the drive as records have it.
pub fn place_text(dest: &[u8]) -> String {
    match dest.strip_prefix(b"/") {
        Some(below_root) => format!("/{}", to_text(below_root)),
        None => to_text(dest),
    }
}
