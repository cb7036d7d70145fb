//! `piback job ID`: does what was asked of whoever keeps the jobs; its unit starts it.

use super::{backup, context, eject, running, safe_to_format, verify};
use crate::cli::{Backup, Global, Job, SafeToFormat, Verify};
use crate::error::{Outcome, Problem};
use crate::jobs::job::Verb;
use crate::jobs::store::{Entry, Stored};
use crate::media::appear;
use crate::paths::JOBS;
use crate::system::rundir::RunDir;
use crate::system::{Host, process, signals};
use crate::ui::{Ui, visible};
use anyhow::Context;
use std::path::{Path, PathBuf};

pub fn run(args: &Job, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    eject::need_root()?;
    let Entry { job, order } = asked(&args.id, global)?;
    // Before anything else: a stop that comes now is heard, and whoever keeps the jobs sees that it has begun.
    signals::stop_gently();
    let run = RunDir::open(None)?.start_job(&job.id, job.verb.as_str(), &job.label, Path::new(""))?;
    let followed = &mut Some(run);
    let source: Option<PathBuf> = order.kname.as_deref().map(appear::device);
    let ui = &ui.of_verb(job.verb.as_str());
    let (label, dest, foreground) = (job.label.clone(), Vec::new(), true);
    let result = match job.verb {
        Verb::Backup => {
            let (mirror, compare) = (false, order.compare);
            let args = Backup { label, source, dest, mirror, compare, foreground };
            backup::with_followers(&args, global, ui, followed)
        }
        Verb::Verify => {
            let (repair, catch_up, accept, yes) = (false, false, false, false);
            let (source, sample) = (None, None);
            let args = Verify { label, dest, repair, catch_up, source, sample, accept, yes, foreground };
            verify::with_followers(&args, global, ui, followed)
        }
        Verb::SafeToFormat => {
            let args = SafeToFormat {
                label,
                source,
                dest,
                also_at: Vec::new(),
                read_back: false,
                config: None,
                folder: None,
                allow_same_filesystem: false,
                foreground,
            };
            safe_to_format::with_followers(&args, global, ui, followed)
        }
    };
    // It came to no end of its own.
    running::end(followed, &result, ui);
    result
}

/// The job of this id, as it was asked for.
fn asked(id: &str, global: &Global) -> anyhow::Result<Entry> {
    let text = context::host(global)?.read_followed(JOBS).with_context(|| format!("{JOBS} can't be read"))?;
    let text = text.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    wish(&text, &process::boot_id(), id)
        .ok_or_else(|| Problem::failed(format!("nobody asked for the job {}", visible(id))).into())
}

/// The wish of this id.
fn wish(text: &str, boot: &str, id: &str) -> Option<Entry> {
    let jobs = Stored::parse(text, boot)?.jobs;
    jobs.into_iter().find(|entry| entry.job.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::job::Job;
    use crate::jobs::runner::Order;
    use std::collections::HashMap;

    #[test]
    fn a_job_does_its_own_wish() {
        let jobs = ["1", "2"].map(|id| Job::new(id.into(), Verb::Backup, &format!("SD{id}"), &[]));
        let orders = jobs.iter().map(|job| (job, Order::default()));
        let text = Stored::new("boot".into(), orders, &HashMap::new()).text();
        let label = |id: &str| wish(&text, "boot", id).map(|entry| entry.job.label);
        assert_eq!((label("1").as_deref(), label("2").as_deref()), (Some("SD1"), Some("SD2")));
        assert_eq!((label("3"), label("")), (None, None));
        assert!(wish("", "boot", "1").is_none());
    }
}
