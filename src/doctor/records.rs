//! The profile, an apply that was cut off, and what piback has on record.

use super::finding::{Check, Finding, Subject};
use crate::error::{hints, is_denied};
use crate::provision::apply::journal::{self, Phase};
use crate::provision::plan::trust;
use crate::provision::state::{State, originals};

/// The registry's row of [`profile`].
pub const PROFILE: Check =
    Check { name: "profile", line: "the profile can be read", stops_apply: false, run: profile };

fn profile(subject: &Subject<'_>) -> Finding {
    match subject.profile {
        Some(_) => match trust::look(subject.host) {
            Ok(open) if open.is_empty() => Finding::good("readable"),
            Ok(open) => Finding::warning(open.join("; "), "give it to root, mode 644, before a Pi has it"),
            Err(e) if is_denied(&e) => Finding::unknown(format!("{e:#}")),
            Err(e) => Finding::bad(e.to_string(), hints(&e).join("; ")),
        },
        None => {
            Finding::bad("there is none that can be read", "piback init, or piback plan says what is wrong")
        }
    }
}

/// The registry's row of [`apply`].
pub const APPLY: Check = Check {
    name: "apply",
    line: "no apply was cut off, or waits to be confirmed",
    stops_apply: false,
    run: apply,
};

fn apply(subject: &Subject<'_>) -> Finding {
    match journal::open(subject.host) {
        Ok(None) => Finding::good("none was cut off"),
        Ok(Some(intent)) if intent.phase == Phase::Provisional => Finding::warning(
            journal::notice(&intent),
            "sudo piback confirm keeps it, sudo piback rollback undoes it",
        ),
        Ok(Some(intent)) if intent.phase == Phase::Undoing => {
            Finding::bad(journal::notice(&intent), "sudo piback rollback")
        }
        Ok(Some(intent)) => Finding::bad(journal::notice(&intent), "sudo piback apply"),
        Err(e) => Finding::unknown(format!("{e:#}")),
    }
}

/// The registry's row of [`record`].
pub const RECORD: Check =
    Check { name: "record", line: "what piback put here is on record", stops_apply: false, run: record };

fn record(subject: &Subject<'_>) -> Finding {
    match State::read(subject.host) {
        Ok(_) if originals::is_one_damaged(subject.host) => Finding::warning(
            "one of the two lists of what stood here before piback is damaged or gone",
            "the next apply that changes something writes it anew",
        ),
        Ok(State { last: Some(last), .. }) => Finding::good(format!("generation {}", last.number)),
        Ok(_) => Finding::good("nothing was applied here yet"),
        Err(e) if is_denied(&e) => Finding::unknown(format!("{e:#}")),
        Err(e) => Finding::bad(format!("{e:#}"), "sudo piback rollback --original"),
    }
}
