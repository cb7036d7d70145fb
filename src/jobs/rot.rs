//! The message of the light: how a job goes, and rot that is known of, by the records of the drives that are there, and not
//! repaired yet. Records that can't be read are no reason to call anything well.

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

/// Tells whether the records of a drive know of files that are not as they should be, and that nothing has mended since, or
/// are damaged themselves; of a drive that is gone nothing is told.
#[must_use]
pub fn is_on(drive: &Path) -> bool {
    backup::last_read(drive).map_or_else(|_| drive.is_dir(), |ages| ages.needs_a_look())
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

/// After a repair: shows what is left, and takes the message back where nothing is. `jobs` are those known, the latest first.
pub fn show_repaired(is_left: bool, jobs: impl FnOnce() -> Vec<Job>) {
    show(is_left);
    if !is_left && led::shows(Light::Trouble) && !needs_a_look(&jobs()) {
        led::give_back();
    }
}

/// Tells whether the light shows trouble for another reason than a drive's rot: the latest job that is over and was no verify
/// needs a look. What a verify found is what was repaired.
fn needs_a_look(jobs: &[Job]) -> bool {
    let last = jobs.iter().find(|job| job.state.is_over() && job.verb != Verb::Verify);
    last.is_some_and(|job| light(job, false) == Some(Light::Trouble))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::scratch::Scratch;

    #[test]
    fn only_a_verify_s_findings_are_what_was_repaired() {
        let job = |verb, state| Job { state, ..Job::new("1".into(), verb, "SD", &[]) };
        let found = || job(Verb::Verify, Phase::NotSafe);
        assert!(!needs_a_look(&[]));
        assert!(!needs_a_look(&[found()]));
        assert!(!needs_a_look(&[job(Verb::Verify, Phase::Running), found(), job(Verb::Backup, Phase::Done)]));
        assert!(needs_a_look(&[job(Verb::Backup, Phase::NotSafe)]));
        assert!(needs_a_look(&[job(Verb::SafeToFormat, Phase::Failed)]));
        assert!(
            needs_a_look(&[found(), job(Verb::Backup, Phase::NotSafe)]),
            "a verify in between takes nothing back"
        );
        assert!(!needs_a_look(&[found(), job(Verb::Backup, Phase::Done), job(Verb::Backup, Phase::NotSafe)]));
    }

    #[test]
    fn records_that_cannot_be_read_are_not_well() {
        let drive = Scratch::new().unwrap();
        assert!(!is_on(drive.path()), "nothing was ever written");
        drive.write(".piback/manifests/SD32GB-03/000002-20261126T101500Z.jsonl", b"").unwrap();
        assert!(is_on(drive.path()), "there was a first one");
        let other = Scratch::new().unwrap();
        other.write(".piback", b"no folder").unwrap();
        assert!(is_on(other.path()), "there is no looking");
        assert!(!is_on(&other.path().join("gone")));
    }
}
