//! Everything that is remembered between two requests.

use super::claim::{Said, Scene};
use super::job::{Job, Verb};
use super::queue::Queue;
use super::state::{Claim, DriveState};
use super::world::Look;
use crate::system::child::Child;
use std::collections::HashMap;

/// Jobs, their processes, and the world as it was last seen.
#[derive(Default)]
pub struct Kept {
    pub queue: Queue,
    pub children: HashMap<String, Child>,
    /// By label: the card, and its folder on each drive.
    pub looks: HashMap<String, (Option<Look>, Vec<Option<Look>>)>,
    pub said: HashMap<(String, Verb), Said>,
    pub drives: Vec<DriveState>,
}

impl Kept {
    /// A claim about a card, as far as it still holds.
    pub fn claim(&self, label: &str, verb: Verb) -> Claim {
        let Some(said) = self.said.get(&(label.to_owned(), verb)) else { return Claim::NotKnown };
        let Some((card, drives)) = self.looks.get(label) else { return Claim::NotKnown };
        // A backup that runs changes the drive right now.
        if self.queue.all().any(|job| job.label == label && job.verb == Verb::Backup && job.is_running()) {
            return Claim::NotKnown;
        }
        said.now(scene(verb, card.as_ref(), drives).as_ref())
    }

    /// Says whether a job's findings still hold.
    pub fn stands(&self, job: &Job) -> bool {
        let said = self.said.get(&(job.label.clone(), job.verb)).filter(|said| said.job == job.id);
        said.is_some() && self.claim(&job.label, job.verb) != Claim::NotKnown
    }
}

/// The world that a verb's answer is about: `verify` looks at no card.
pub fn scene(verb: Verb, card: Option<&Look>, drives: &[Option<Look>]) -> Option<Scene> {
    let nothing = Look { signature: Some(0), ..Look::default() };
    Scene::of(if verb == Verb::Verify { Some(&nothing) } else { card }, drives)
}
