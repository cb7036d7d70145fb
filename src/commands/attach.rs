//! `piback attach [LABEL]`: shows a job's progress, and ends as it ends.

use super::running;
use crate::cli::{Global, Running};
use crate::error::Outcome;
use crate::jobs::job::{Job, Verb};
use crate::system::clock;
use crate::system::rundir::News;
use crate::ui::{Ui, visible};
use crate::view::following::Following;

pub fn run(args: &Running, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let label = args.label.as_deref();
    let keeper = running::keeper(global);
    if let Some(remote) = &keeper
        && let Some(job) = running::job(remote, label)?
    {
        return running::follow(remote, job, ui, true);
    }
    let mut found = running::find(label, global.root.as_deref(), keeper.as_ref())?;
    let verb = [Verb::Verify, Verb::SafeToFormat].into_iter().find(|v| v.as_str() == found.header.command);
    let verb = verb.unwrap_or(Verb::Backup);
    let shown = visible(&found.header.label);
    ui.note(&format!("the {} of {shown} runs on by itself; Ctrl-C ends only this view", verb.as_str()));
    let mut view = Following::new(ui, Job::new(String::new(), verb, &found.header.label, &[]), true);
    loop {
        match found.follower.news()? {
            News::Lines(lines) => view.lines(&lines),
            News::Ended(lines, code) => {
                view.lines(&lines);
                return view.end(Some(code));
            }
            News::Died(lines) => {
                view.lines(&lines);
                return view.end(None);
            }
        }
        clock::wait_a_little();
    }
}
