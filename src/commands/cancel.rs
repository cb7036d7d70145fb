//! `piback cancel [LABEL]`: asks a job to stop at the next batch boundary.

use super::running;
use crate::cli::{Global, Running};
use crate::error::{Outcome, Problem};
use crate::jobs::Control;
use crate::jobs::protocol::{Answer, Request};
use crate::ui::{Ui, visible};
use anyhow::Context;
use serde::Serialize;

#[derive(Serialize)]
struct Asked<'a> {
    label: &'a str,
    /// The process; none of a job that whoever keeps them was asked to stop.
    pid: Option<i32>,
    /// The job's id; none of a run that is no job.
    job: Option<&'a str>,
    asked: bool,
}

pub fn run(args: &Running, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let label = args.label.as_deref();
    let keeper = running::keeper(global);
    if let Some(remote) = &keeper
        && let Some(job) = running::job(remote, label)?
    {
        return match remote.ask(&Request::Cancel { id: job.id.clone() }) {
            Answer::Job { job, .. } => {
                let (verb, shown) = (job.verb.as_str(), visible(&job.label));
                if job.state.is_over() {
                    ui.say(&format!("The {verb} of {shown} had not begun, and does not."));
                } else {
                    said(verb, &shown, ui);
                }
                let body = Asked { label: &job.label, pid: None, job: Some(&job.id), asked: true };
                ui.json("asked", &body);
                Ok(Outcome::Done)
            }
            Answer::Refused(refusal) => Err(running::problem(refusal).into()),
            _ => Err(Problem::failed("whoever keeps the jobs gave another answer").into()),
        };
    }
    let found = running::find(label, global.root.as_deref(), keeper.as_ref())?;
    let shown = visible(&found.header.label);
    let verb = if found.header.command.is_empty() { "backup" } else { &found.header.command };
    found.interrupt().with_context(|| format!("stop the {verb} of {shown}"))?;
    said(verb, &shown, ui);
    ui.json("asked", &Asked { label: &found.header.label, pid: Some(found.pid), job: None, asked: true });
    Ok(Outcome::Done)
}

fn said(verb: &str, shown: &str, ui: &Ui) {
    ui.say(&format!("The {verb} of {shown} was asked to stop."));
    ui.say("It first finishes the files at hand: a few seconds.");
}
