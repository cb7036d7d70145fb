//! Jobs as units of systemd, each a piback of its own that says in the run directory what it does.

use super::health::{self, Facts};
use super::job::{Job, Phase};
use super::places::World;
use super::rot;
use super::runner::{Order, Runner, Stop, Told};
use super::uplink::Handed;
use crate::provision::components::control;
use crate::system::led;
use crate::system::run::Tool;
use crate::system::rundir::{Follower, News, RunDir};
use crate::system::{child, clock};
use crate::ui::visible;
use serde_json::Value;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A unit that did not come up in this time has failed.
const UP_WITHIN: Duration = Duration::from_secs(60);
/// Time between two looks at what a job says.
const EVERY: Duration = Duration::from_millis(250);
/// Of a thread that follows a job: reading lines takes no more.
const STACK: usize = 256 * 1024;

/// Lines of so many jobs that are over are left: a client may still be reading them, or about to.
const LEFT: usize = 8;

/// Starts units, and tells of jobs where there is no screen.
#[derive(Debug, Default)]
pub struct Units {
    /// The Pi's green light tells how a job goes.
    pub led: bool,
    /// Logged-in terminals get a line when a job ends.
    pub terminals: bool,
    /// Labels of the profile's drives.
    pub destinations: Vec<String>,
    /// Jobs that are heard now or were heard last.
    heard: Mutex<VecDeque<String>>,
}

impl Units {
    #[must_use]
    pub fn new(led: bool, terminals: bool, destinations: &[String]) -> Self {
        Units { led, terminals, destinations: destinations.to_vec(), heard: Mutex::default() }
    }

    fn hears(&self, id: &str) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.retain(|known| known != id);
        heard.push_back(id.to_owned());
        while heard.len() > 4 * LEFT {
            heard.pop_front();
        }
    }
}

/// A line for terminals.
fn line(job: &Job) -> String {
    let end = match job.state {
        Phase::Done => "ended well",
        Phase::Cancelled => "was stopped",
        _ => "needs a look: piback status",
    };
    format!("piback: the {} of {} {end}", job.verb.as_str(), visible(&job.label))
}

impl Runner for Units {
    fn start(&self, job: &Job, _: &Order, _: &World, told: Told) -> io::Result<Stop> {
        let unit = format!("{}{}.service", control::JOB, job.id);
        Tool::new("systemctl").args(["--no-block", "start", &unit]).run().map_err(io::Error::other)?;
        self.hears(&job.id);
        follow(job.id.clone(), told)
    }

    fn again(&self, id: &str, told: Told) -> Option<Stop> {
        // A job that was started and is not there yet comes within the same time.
        self.hears(id);
        follow(id.to_owned(), told).ok()
    }

    fn forget(&self, id: &str) {
        self.hears(id);
        let Ok(Some(dir)) = RunDir::existing(None) else { return };
        let mut ended = dir.ended_jobs();
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        // Those of an earlier process too, and of these the oldest.
        ended.retain(|id| !heard.iter().rev().take(LEFT).any(|known| known == id));
        ended.iter().for_each(|id| dir.forget_job(id));
    }

    fn tell(&self, job: &Job) {
        if self.led {
            let rot = job.state.is_over() && rot::is_known(&self.destinations);
            rot::light(job, rot).map_or_else(led::give_back, led::set);
        }
        if self.terminals && job.state.is_over() {
            // Nobody may be logged in, or wall(1) not there.
            let _ = Tool::new("wall").args(["--nobanner", &line(job)]).run();
        }
    }

    fn verb(&self, args: &[&str]) -> io::Result<Value> {
        answer(&child::run(&with_json(args)?, None)?)
    }

    fn verb_with(&self, args: &[&str], secret: &Handed) -> io::Result<Value> {
        answer(&child::run(&with_json(args)?, Some(secret.expose()))?)
    }

    fn health(&self, _: &World) -> io::Result<Facts> {
        self.verb(&["cards"]).map(|answer| health::of_answer(&answer))
    }
}

fn with_json(args: &[&str]) -> io::Result<Vec<OsString>> {
    let (verb, rest) = args.split_first().ok_or_else(|| io::Error::other("no verb"))?;
    Ok([verb, &"--json"].into_iter().chain(rest).map(OsString::from).collect())
}

/// The JSON object that a verb ended with. What doctor found stands before the error that it found something.
fn answer(lines: &[String]) -> io::Result<Value> {
    let said: Vec<Value> = lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let answer = said.iter().find(|line| line.get("checks").is_some()).or(said.last()).cloned();
    answer.ok_or_else(|| io::Error::other("it said nothing"))
}

/// Follows a job from its first line to its end.
fn follow(id: String, told: Told) -> io::Result<Stop> {
    let asked = Arc::new(AtomicBool::new(false));
    let running: Arc<Mutex<Option<Follower>>> = Arc::default();
    let (stop, stopped) = (Arc::clone(&asked), Arc::clone(&running));
    let thread = std::thread::Builder::new().name("job".into()).stack_size(STACK);
    thread.spawn(move || {
        let Told { mut line, end } = told;
        end(hear(&id, &mut *line, &asked, &running));
    })?;
    Ok(Arc::new(move || {
        stop.store(true, Ordering::Relaxed);
        if let Some(follower) = &*stopped.lock().unwrap_or_else(PoisonError::into_inner) {
            // One that has ended meanwhile needs no stop.
            let _ = follower.interrupt();
        }
    }))
}

/// Hears a job to its end; returns its exit code, none where it was killed or never came.
fn hear(
    id: &str,
    line: &mut dyn FnMut(&str),
    asked: &AtomicBool,
    running: &Mutex<Option<Follower>>,
) -> Option<u8> {
    let begin = clock::monotonic();
    let mut follower = loop {
        let found = RunDir::existing(None).ok().flatten().and_then(|dir| dir.job(id).ok().flatten());
        if let Some(follower) = found {
            break follower;
        }
        if clock::monotonic().saturating_sub(begin) > UP_WITHIN {
            return None;
        }
        clock::sleep(EVERY);
    };
    let second = RunDir::existing(None).ok().flatten().and_then(|dir| dir.job(id).ok().flatten());
    *running.lock().unwrap_or_else(PoisonError::into_inner) = second;
    if asked.load(Ordering::Relaxed) {
        let _ = follower.interrupt();
    }
    loop {
        let (lines, end) = match follower.news() {
            Ok(News::Lines(lines)) => (lines, None),
            Ok(News::Ended(lines, code)) => (lines, Some(Some(code))),
            Ok(News::Died(lines)) => (lines, Some(None)),
            Err(_) => (Vec::new(), Some(None)),
        };
        lines.iter().for_each(|text| line(text));
        if let Some(code) = end {
            return code;
        }
        clock::sleep(EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::job::Verb;
    use crate::system::led::Light;

    #[test]
    fn the_light_and_the_line_say_how_a_job_goes() {
        let mut job = Job::new("1".into(), Verb::Backup, "SD\u{1b}", &[]);
        job.state = Phase::Running;
        assert_eq!(rot::light(&job, true), Some(Light::Working));
        for (state, shown, said) in [
            (Phase::Done, Some(Light::Safe), "ended well"),
            (Phase::NotSafe, Some(Light::Trouble), "piback status"),
            (Phase::Died, Some(Light::Trouble), "piback status"),
            (Phase::Cancelled, None, "was stopped"),
        ] {
            job.state = state;
            assert_eq!(rot::light(&job, false), shown);
            assert_eq!(rot::light(&job, true), Some(Light::Trouble), "rot is told until it was repaired");
            assert!(line(&job).ends_with(said) && line(&job).contains("SD\\u{1b}"), "{}", line(&job));
        }
        let mut job = Job::new("1".into(), Verb::SafeToFormat, "SD", &[]);
        job.state = Phase::Running;
        assert_eq!(rot::light(&job, false), Some(Light::Reading));
    }
}
