//! A run: made findable, found by `attach` and `cancel`, asked for where somebody keeps the jobs, and followed.

use super::context;
use crate::cli::Global;
use crate::error::{self, Outcome, Problem};
use crate::jobs::Control;
use crate::jobs::job::{Job, Phase, Verb};
use crate::jobs::protocol::{Answer, Refusal, Request};
use crate::jobs::remote::{Next, Remote};
use crate::paths::CONTROL;
use crate::system::rundir::{Found, RunDir, Running};
use crate::system::{process, signals};
use crate::ui::{Ui, visible};
use crate::view::following::Following;
use serde::Serialize;
use std::io;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

/// Time between two looks whether Ctrl-C was pressed.
const EVERY: Duration = Duration::from_millis(200);

/// Makes this process findable for `attach` and `cancel`, unless it is already. That it can't be is no reason not to go on.
pub fn register(
    followed: &mut Option<Running>,
    verb: Verb,
    label: &str,
    dest: &Path,
    global: &Global,
    ui: &Ui,
) {
    if followed.is_some() {
        return;
    }
    let running = RunDir::open(global.root.as_deref()).and_then(|dir| dir.start(verb.as_str(), label, dest));
    *followed = running
        .map_err(|e| ui.note(&format!("attach and cancel won't find this {}: {e:#}", verb.as_str())))
        .ok();
}

/// Tells whether any run is at work, as far as this user can see.
pub fn is_any(global: &Global) -> bool {
    let running =
        RunDir::existing(global.root.as_deref()).and_then(|dir| dir.map_or(Ok(Vec::new()), |d| d.running()));
    running.is_ok_and(|running| !running.is_empty())
}

/// Lets a verb that is no job show on the Pi's light what it found. A job at work has it, and its end tells of rot as well.
pub fn light(global: &Global, show: impl FnOnce()) {
    let may = global.root.is_none() && context::settings(global).is_ok_and(|settings| settings.led);
    if may && !is_any(global) {
        show();
    }
}

/// Lists the jobs that the keeper knows, the latest first; none where there is no keeper.
pub fn jobs(global: &Global) -> Vec<Job> {
    let known = keeper(global).and_then(|remote| (&remote as &dyn Control).state(false).ok());
    known.map(|state| state.jobs).unwrap_or_default()
}

/// Tells those who follow.
pub fn tell<T: Serialize>(followed: &mut Option<Running>, event: &T) {
    if let Some(running) = followed {
        running.event(event);
    }
}

/// Tells those who follow how it ended; the second time there is nobody to tell.
pub fn end(followed: &mut Option<Running>, result: &anyhow::Result<Outcome>, ui: &Ui) {
    let Some(mut running) = followed.take() else { return };
    if let Err(e) = result {
        running.event(&ui.error_value(e));
    }
    let code = result.as_ref().map_or_else(error::exit_code, |outcome| outcome.exit_code());
    if let Err(e) = running.end(code) {
        ui.detail(&format!("{e:#}"));
    }
}

/// Finds the run that is meant.
///
/// # Errors
/// None goes on, more than one does and none was named, or they can't be looked up.
pub fn find(label: Option<&str>, root: Option<&Path>, keeper: Option<&Remote>) -> anyhow::Result<Found> {
    let dir = RunDir::existing(root)?;
    let mut running = dir.map_or(Ok(Vec::new()), |d| d.running())?;
    let of = |found: &Found| visible(&found.header.label);
    let mut others: Vec<String> = running.iter().map(of).collect();
    if let Some(label) = label {
        running.retain(|f| f.header.label == label);
    }
    match (running.pop(), running.len()) {
        (Some(found), 0) => Ok(found),
        (Some(last), _) => {
            let mut problem = Problem::failed("more than one backup runs: name the card");
            for found in running.iter().chain([&last]) {
                let (label, to) = (visible(&found.header.label), visible(&found.header.destination));
                problem = problem.hint(format!("{label}, to {to}, process {}", found.pid));
            }
            Err(problem.into())
        }
        (None, _) => {
            let what = match label {
                Some(label) => format!("no backup of {} runs", visible(label)),
                None => "no backup runs".to_owned(),
            };
            let control = keeper.map(|keeper| keeper as &dyn Control);
            let jobs = control.and_then(|control| control.state(false).ok()).map(|state| state.jobs);
            let jobs = jobs.iter().flatten().filter(|job| !job.state.is_over());
            others.extend(jobs.map(|job| visible(&job.label)));
            if !others.is_empty() {
                let known = Problem::failed(what).hint(format!("what runs: {}", others.join(", ")));
                return Err(known.into());
            }
            // One that root started is seen by root alone; where root started none there is nothing to see.
            let is_hidden =
                root.is_none() && keeper.is_none() && !process::is_root() && RunDir::root_has_one();
            let problem = if is_hidden { Problem::needs_root(what) } else { Problem::failed(what) };
            Err(problem.into())
        }
    }
}

/// Whoever keeps the jobs of this host; none on a tree, and where nobody does.
pub fn keeper(global: &Global) -> Option<Remote> {
    let plain = global.root.is_none() && global.profile.is_none();
    let remote = plain.then(|| Remote::new(Path::new(CONTROL)))?;
    // One who may not ask is told what root is told: to put sudo in front.
    matches!(remote.request(&Request::State { look: false }), Ok(Answer::State(_))).then_some(remote)
}

/// The job that is meant, of those that wait or run; none where whoever keeps them knows none.
///
/// # Errors
/// More than one is, and none was named.
pub fn job(remote: &Remote, label: Option<&str>) -> anyhow::Result<Option<Job>> {
    let control: &dyn Control = remote;
    let mut jobs = control.state(false).map_err(problem)?.jobs;
    jobs.retain(|job| !job.state.is_over() && label.is_none_or(|label| job.label == label));
    if jobs.len() > 1 {
        // One that runs is meant rather than those that wait for it.
        let running: Vec<Job> = jobs.iter().filter(|job| job.is_running()).cloned().collect();
        match <[Job; 1]>::try_from(running) {
            Ok([only]) => return Ok(Some(only)),
            Err(_) => {
                let mut several = Problem::failed("more than one job runs: name the card");
                for job in &jobs {
                    several = several.hint(format!("{} of {}", job.verb.as_str(), visible(&job.label)));
                }
                return Err(several.into());
            }
        }
    }
    Ok(jobs.pop())
}

/// Asks whoever keeps the jobs for one, and follows it to its end; none where nobody keeps jobs here.
///
/// # Errors
/// The job is refused, or could not do its work.
pub fn asked(
    verb: Verb,
    label: &str,
    compare: bool,
    global: &Global,
    ui: &Ui,
) -> anyhow::Result<Option<Outcome>> {
    let Some(remote) = keeper(global) else { return Ok(None) };
    let (job, new) = match remote.ask(&Request::Start { verb, label: label.to_owned(), compare }) {
        Answer::Job { job, new } => (job, new),
        Answer::Refused(refusal) => return Err(problem(refusal).into()),
        _ => return Err(Problem::failed("whoever keeps the jobs gave another answer").into()),
    };
    let shown = visible(label);
    if !new {
        ui.note(&format!("the {} of {shown} is on its way already", verb.as_str()));
    } else if job.state == Phase::Queued {
        ui.note(&format!("{shown} waits its turn: another job uses the card or the drive"));
    }
    follow(&remote, *job, ui, false).map(Some)
}

/// Follows a job to its end. Ctrl-C asks whether it shall end too; `repeats_all` is `attach`'s.
///
/// # Errors
/// It could not do its work, was killed, or is heard no more.
pub fn follow(remote: &Remote, job: Job, ui: &Ui, repeats_all: bool) -> anyhow::Result<Outcome> {
    signals::hear_stops();
    let mut followed = remote.follow(&job.id).map_err(|e| lost(&job, &e))?;
    let (told, news) = mpsc::channel();
    std::thread::spawn(move || while told.send(followed.read()).is_ok() {});
    let mut view = Following::new(ui, job, repeats_all);
    loop {
        let first = news.recv_timeout(EVERY).ok();
        let mut lines = Vec::new();
        let mut end = None;
        for came in first.into_iter().chain(news.try_iter()) {
            match came {
                Ok(Next::Line(line)) => lines.push(line),
                Ok(Next::Ended(code)) => end = end.or(Some(Ok(code))),
                Err(e) => end = end.or(Some(Err(e))),
            }
        }
        view.lines(&lines);
        match end {
            None => {}
            Some(Ok(code)) => {
                let drive = (view.job().verb == Verb::Backup).then(|| view.job().drives.join(" and "));
                // Lines may have been gone before they were asked for; whoever keeps the job knows how it ended.
                if let Answer::Job { job, .. } = remote.ask(&Request::Job { id: view.job().id.clone() }) {
                    view.knows(*job);
                }
                let ended = view.end(code);
                if let (Some(drive), Ok(_)) = (drive, &ended) {
                    stays_mounted(&visible(&drive), ui);
                }
                return ended;
            }
            Some(Err(e)) => {
                view.clear();
                return Err(lost(view.job(), &e));
            }
        }
        if signals::take_stop() {
            view.clear();
            stop_or_leave(remote, view.job(), ui)?;
        }
    }
}

/// Ctrl-C: the job may end too, or only this view.
fn stop_or_leave(remote: &Remote, job: &Job, ui: &Ui) -> anyhow::Result<()> {
    let (verb, shown) = (job.verb.as_str(), visible(&job.label));
    if ui.can_ask() && ui.confirm(&format!("Stop the {verb} of {shown}? It runs on otherwise"))? {
        remote.ask(&Request::Cancel { id: job.id.clone() });
        ui.say("It first finishes the files at hand: a few seconds.");
        return Ok(());
    }
    ui.note(&format!("the {verb} of {shown} runs on; see it again: piback attach"));
    signals::end_by_interrupt();
    Ok(())
}

/// Said at the end of a backup to a drive that is left as it was: mounted.
pub fn stays_mounted(drive: &str, ui: &Ui) {
    ui.say(&format!("{drive} stays mounted. Before you unplug it: piback eject --all"));
}

fn lost(job: &Job, why: &io::Error) -> anyhow::Error {
    let (verb, shown) = (job.verb.as_str(), visible(&job.label));
    Problem::failed(format!("the {verb} of {shown} is not heard any more: {why}"))
        .hint("it may run on; see: piback status")
        .into()
}

/// The answer to something that is done or refused.
///
/// # Errors
/// The refusal.
pub fn done(answer: Answer) -> anyhow::Result<()> {
    match answer {
        Answer::Done => Ok(()),
        Answer::Refused(refusal) => Err(problem(refusal).into()),
        _ => Err(Problem::failed("whoever keeps the jobs gave another answer").into()),
    }
}

/// A refusal as an error of this command.
pub fn problem(refusal: Refusal) -> Problem {
    refusal.hints.into_iter().fold(Problem::failed(refusal.error), Problem::hint)
}
