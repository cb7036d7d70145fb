//! Verbs of the appliance itself: each is piback, run to its end.

use super::Inner;
use crate::jobs::job::Job;
use crate::jobs::protocol::{Answer, Refusal, RefusalKind};
use serde_json::Value;
use std::io;
use std::sync::{Arc, PoisonError};

impl Inner {
    /// Takes a card or drive off, or all of them. Nobody looks at them meanwhile: a look holds what it looks at.
    pub(super) fn eject(&self, label: Option<&str>) -> Answer {
        if let Some(label) = label {
            self.look();
            let kept = self.kept();
            let mut all = kept.world.cards.iter().chain(&kept.world.drives);
            if !all.any(|place| place.label == label) {
                let what = format!("there is no card or drive {}", crate::ui::visible(label));
                return Answer::refused(RefusalKind::Unknown, what, "it may be off already");
            }
        }
        if let Some(refused) = self.needed(label, "or stop it first: piback cancel 'LABEL'") {
            return refused;
        }
        let answer = {
            let _looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            let _cared = self.nobody_cares();
            // A card may be called --all.
            self.verb(&label.map_or(vec!["eject", "--all"], |label| vec!["eject", "--", label]))
        };
        self.look();
        done(answer)
    }

    /// A refusal where a job wants this card or drive, or any of them: one that was just started has no process yet that
    /// `eject` could see, and one that waits would find nothing.
    fn needed(&self, label: Option<&str>, instead: &str) -> Option<Answer> {
        let kept = self.kept();
        let wants = |job: &&Job| {
            label.is_none_or(|label| job.label == label || job.drives.iter().any(|drive| drive == label))
        };
        let job = kept.queue.all().filter(|job| !job.state.is_over()).find(wants)?;
        let (verb, of) = (job.verb.as_str(), crate::ui::visible(&job.label));
        let does = if job.is_running() { "runs" } else { "waits" };
        let what = format!("a {verb} of {of} {does}");
        let hints = vec![format!("wait for it: piback attach '{of}'"), instead.replace("LABEL", &of)];
        Some(Answer::Refused(Refusal { kind: RefusalKind::Busy, error: what, hints }))
    }

    pub(super) fn poweroff(inner: &Arc<Inner>, stop_jobs: bool) -> Answer {
        let instead = "or stop it, and go on with the next run: piback poweroff --stop-jobs";
        if !stop_jobs && let Some(refused) = inner.needed(None, instead) {
            return refused;
        }
        // Those that wait must not begin when those that run have stopped.
        let under_way: Vec<String> = {
            let kept = inner.kept();
            kept.queue.all().filter(|job| !job.state.is_over()).map(|job| job.id.clone()).collect()
        };
        under_way.iter().for_each(|id| _ = Inner::cancel(inner, id));
        let _cared = inner.nobody_cares();
        let all: &[&str] = if stop_jobs { &["poweroff", "--stop-jobs"] } else { &["poweroff"] };
        done(inner.verb(all))
    }

    pub(super) fn set_time(&self, seconds: i64) -> Answer {
        done(self.verb(&["set-time", &format!("@{seconds}")]))
    }

    pub(super) fn doctor(&self) -> Answer {
        match self.verb(&["doctor"]) {
            Ok(mut said) => Answer::Findings { checks: said["checks"].take() },
            Err(refusal) => Answer::Refused(refusal),
        }
    }

    /// Runs one; what it says when it fails is the refusal.
    pub(super) fn verb(&self, args: &[&str]) -> Result<Value, Refusal> {
        Inner::answer_of(&args.join(" "), self.runner.verb(args))
    }

    /// The answer of a verb that was run, by its name.
    pub(super) fn answer_of(name: &str, said: io::Result<Value>) -> Result<Value, Refusal> {
        let said = said
            .map_err(|e| Refusal::new(RefusalKind::Failed, format!("piback {name} did not work: {e}"), ""))?;
        match said.get("error").and_then(Value::as_str) {
            None => Ok(said),
            Some(error) => {
                let hints = said.get("hints").and_then(Value::as_array).cloned().unwrap_or_default();
                let hints = hints.iter().filter_map(Value::as_str).map(str::to_owned).collect();
                Err(Refusal { kind: RefusalKind::Busy, error: error.to_owned(), hints })
            }
        }
    }
}

fn done(answer: Result<Value, Refusal>) -> Answer {
    answer.map_or_else(Answer::Refused, |_| Answer::Done)
}
