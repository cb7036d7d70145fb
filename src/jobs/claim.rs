//! A claim, and the world that it was true of. Pure.

use super::state::Claim;
use super::world::Look;
use serde::{Deserialize, Serialize};

/// Card and drive, as one look saw both. Two are equal only where nothing changed in between.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scene {
    card: u128,
    drives: Vec<u128>,
}

impl Scene {
    /// None where one of them could not be seen whole: nothing can be claimed then.
    pub fn of(card: Option<&Look>, drives: &[Option<Look>]) -> Option<Scene> {
        let drives: Option<Vec<u128>> = drives.iter().map(|d| d.as_ref().and_then(|d| d.signature)).collect();
        Some(Scene { card: card?.signature?, drives: drives? })
    }
}

/// A job's word, and the world that it spoke of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Said {
    pub job: String,
    pub answer: Claim,
    /// The world before and after the job, if it was the same.
    scene: Option<Scene>,
}

impl Said {
    /// `writes` is whether the job itself changed the drives: then what counts is what they were after it.
    pub fn new(job: &str, answer: Claim, before: Option<Scene>, after: Option<Scene>, writes: bool) -> Self {
        let same = before.zip(after).filter(|(before, after)| match writes {
            true => before.card == after.card,
            false => before == after,
        });
        Said { job: job.to_owned(), answer, scene: same.map(|(_, after)| after) }
    }

    /// Says what of it is still so.
    pub fn now(&self, scene: Option<&Scene>) -> Claim {
        if self.scene.is_some() && self.scene.as_ref() == scene { self.answer } else { Claim::NotKnown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene(card: u128, drive: u128) -> Option<Scene> {
        Some(Scene { card, drives: vec![drive] })
    }

    #[test]
    fn a_claim_stands_as_long_as_nothing_changed() {
        let said = Said::new("1", Claim::Yes, scene(1, 2), scene(1, 2), false);
        assert_eq!(said.now(scene(1, 2).as_ref()), Claim::Yes);
        for other in [scene(9, 2), scene(1, 9), None] {
            assert_eq!(said.now(other.as_ref()), Claim::NotKnown);
        }
        // What changed while the job looked was not looked at.
        let now = |before, after, writes| {
            Said::new("1", Claim::Yes, before, after, writes).now(scene(1, 2).as_ref())
        };
        assert_eq!(now(scene(1, 1), scene(1, 2), false), Claim::NotKnown);
        assert_eq!(now(scene(1, 1), scene(1, 2), true), Claim::Yes, "a backup writes");
        assert_eq!(now(scene(9, 1), scene(1, 2), true), Claim::NotKnown, "but not on the card");
        assert_eq!(Said::new("1", Claim::Yes, None, None, false).now(None), Claim::NotKnown);
    }
}
