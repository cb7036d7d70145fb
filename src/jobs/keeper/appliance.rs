//! Verbs of the appliance itself: each is piback, run to its end.

use super::Inner;
use crate::jobs::protocol::{Answer, Refusal, RefusalKind};
use serde_json::Value;
use std::sync::PoisonError;

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
        let answer = {
            let _looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            // A card may be called --all.
            self.verb(&label.map_or(vec!["eject", "--all"], |label| vec!["eject", "--", label]))
        };
        self.look();
        done(answer)
    }

    pub(super) fn poweroff(&self, stop_jobs: bool) -> Answer {
        let all: &[&str] = if stop_jobs { &["poweroff", "--stop-jobs"] } else { &["poweroff"] };
        done(self.verb(all))
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
    fn verb(&self, args: &[&str]) -> Result<Value, Refusal> {
        let said = self.runner.verb(args).map_err(|e| {
            let what = format!("piback {} did not work: {e}", args.join(" "));
            Refusal::new(RefusalKind::Failed, what, "")
        })?;
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
