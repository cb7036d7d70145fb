//! The message of the light: how a job goes, and rot that is known of, by the records of the drives that are there, and not
//! repaired yet.

use super::job::{Job, Phase, Verb};
use super::places::Places;
use super::plugged::Plugged;
use crate::backup;
use crate::system::led::{self, Light};
use std::path::Path;

/// The light for a job; none for one that ended because somebody stopped it. Nothing is well where a drive is known to have `rot`.
#[must_use]
pub fn light(job: &Job, rot: bool) -> Option<Light> {
    match (job.state, job.verb) {
        (Phase::Queued | Phase::Running | Phase::Stopping, Verb::Backup) => Some(Light::Working),
        (Phase::Queued | Phase::Running | Phase::Stopping, _) => Some(Light::Reading),
        (Phase::NotSafe | Phase::Failed | Phase::Died, _) => Some(Light::Trouble),
        (Phase::Done | Phase::Cancelled, _) if rot => Some(Light::Trouble),
        (Phase::Done, _) => Some(Light::Safe),
        (Phase::Cancelled, _) => None,
    }
}

/// Tells whether the records of a drive know of files that are not as they should be, and that nothing has mended since.
#[must_use]
pub fn is_on(drive: &Path) -> bool {
    backup::last_read(drive).is_ok_and(|ages| ages.rotten > 0)
}

/// The same of the profile's drives, by their labels, as far as they are mounted.
#[must_use]
pub fn is_known(destinations: &[String]) -> bool {
    let world = Plugged { destinations: destinations.to_vec() }.world();
    world.drives.iter().filter_map(|drive| drive.path.as_deref()).any(is_on)
}

/// Shows what was found, or what is known of since earlier; else leaves the light as it is.
pub fn show(is_there: bool) {
    if is_there {
        led::set(Light::Trouble);
    }
}

/// After a repair: shows what is left, and takes the message back where nothing is. `last` is the latest job that is over.
pub fn show_repaired(is_left: bool, last: impl FnOnce() -> Option<Job>) {
    show(is_left);
    if !is_left && led::shows(Light::Trouble) && !needs_a_look(last().as_ref()) {
        led::give_back();
    }
}

/// Tells whether the light shows trouble for another reason than a drive's rot: what a verify found is what was repaired.
fn needs_a_look(last: Option<&Job>) -> bool {
    last.is_some_and(|job| job.verb != Verb::Verify && light(job, false) == Some(Light::Trouble))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_verify_s_findings_are_what_was_repaired() {
        let job = |verb, state| Job { state, ..Job::new("1".into(), verb, "SD", &[]) };
        assert!(!needs_a_look(None));
        assert!(!needs_a_look(Some(&job(Verb::Verify, Phase::NotSafe))));
        assert!(!needs_a_look(Some(&job(Verb::Backup, Phase::Done))));
        assert!(needs_a_look(Some(&job(Verb::Backup, Phase::NotSafe))));
        assert!(needs_a_look(Some(&job(Verb::SafeToFormat, Phase::Failed))));
    }
}
