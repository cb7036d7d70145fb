//! Everything that is remembered between two requests.

use super::album::day_of;
use super::care::Care;
use super::claim::{Said, Scene};
use super::job::{Job, Verb};
use super::places::{Place, World};
use super::queue::Queue;
use super::runner::{Order, Stop};
use super::state::{CardState, Claim, DriveState};
use super::store::{Entry, Stored};
use super::world::Look;
use std::collections::HashMap;

/// Jobs, their processes, and the world as it was last seen.
#[derive(Default)]
pub struct Kept {
    pub queue: Queue,
    /// Of the jobs that the queue knows.
    pub orders: HashMap<String, Order>,
    /// Of those that run.
    pub stops: HashMap<String, Stop>,
    pub world: World,
    /// By label: the card, and its folder on each drive.
    pub looks: HashMap<String, (Option<Look>, Vec<Option<Look>>)>,
    pub said: HashMap<(String, Verb), Said>,
    pub drives: Vec<DriveState>,
    pub care: Care,
}

impl Kept {
    /// A card as it was last seen; `allow_same` lets a yes stand on one file system.
    pub fn card(&self, card: &Place, allow_same: bool) -> CardState {
        let label = card.label.as_str();
        let health = self.care.of(card);
        let mut state = CardState { label: label.to_owned(), health, ..CardState::default() };
        let Some((Some(card), drives)) = self.looks.get(label) else { return state };
        state.same_filesystem = drives.iter().flatten().any(|drive| drive.device == card.device);
        state.present = card.signature.is_some();
        (state.files, state.bytes) = (card.files, card.bytes);
        (state.photos, state.videos) = (card.photos, card.videos);
        (state.new_files, state.new_bytes) = (card.new_files, card.new_bytes);
        state.first_day = card.first.map(day_of);
        state.last_day = card.last.map(day_of);
        state.backed_up = self.claim(label, Verb::Backup);
        state.safe_to_format = match self.claim(label, Verb::SafeToFormat) {
            Claim::Yes if state.same_filesystem && !allow_same => Claim::NotKnown,
            claim => claim,
        };
        state
    }

    /// A claim about a card, as far as it still holds. Of two cards of one label nothing is claimed.
    pub fn claim(&self, label: &str, verb: Verb) -> Claim {
        if self.world.cards_of(label) > 1 {
            return Claim::NotKnown;
        }
        let Some(said) = self.said.get(&(label.to_owned(), verb)) else { return Claim::NotKnown };
        let Some((card, drives)) = self.looks.get(label) else { return Claim::NotKnown };
        // A backup that runs changes the drive right now.
        if self.queue.all().any(|job| job.label == label && job.verb == Verb::Backup && job.is_running()) {
            return Claim::NotKnown;
        }
        said.now(scene(verb, card.as_ref(), drives).as_ref())
    }

    /// Takes back every yes about a card: a job found something that is not as it should be, or could not look. Rot moves
    /// neither size nor time, so that no look would notice.
    pub fn take_back(&mut self, label: &str) {
        self.said.retain(|(of, _), said| of != label || said.answer != Claim::Yes);
    }

    /// Everything that is to be kept beyond this process.
    pub fn stored(&mut self, boot: String) -> Stored {
        let queue = &self.queue;
        self.orders.retain(|id, _| queue.get(id).is_some());
        let order = |job: &Job| self.orders.get(&job.id).cloned().unwrap_or_default();
        // The oldest first.
        let mut jobs: Vec<&Job> = queue.all().collect();
        jobs.reverse();
        Stored::new(boot, jobs.into_iter().map(|job| (job, order(job))), &self.said)
    }

    /// Takes up what an earlier process kept.
    pub fn take_up(&mut self, stored: Stored) {
        self.said = stored.said();
        for Entry { job, order } in stored.jobs {
            self.orders.insert(job.id.clone(), order);
            self.queue.take_up(job);
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::places::Place;

    /// A card on a drive, and a yes about it.
    fn kept(verb: Verb) -> Kept {
        let look = |number: u64| Look { signature: Some(number.into()), device: number, ..Look::default() };
        let looked = (Some(look(1)), vec![Some(look(2))]);
        let now = || scene(verb, looked.0.as_ref(), &looked.1);
        let said = Said::new("1", Claim::Yes, now(), now(), false);
        let card = Place { label: "A".into(), path: None, kname: None };
        Kept {
            world: World { cards: vec![card], drives: Vec::new() },
            said: HashMap::from([(("A".into(), verb), said)]),
            looks: HashMap::from([("A".into(), looked)]),
            ..Kept::default()
        }
    }

    #[test]
    fn of_one_of_two_cards_nothing_is_claimed() {
        for verb in [Verb::Backup, Verb::Verify, Verb::SafeToFormat] {
            let mut kept = kept(verb);
            assert_eq!(kept.claim("A", verb), Claim::Yes);
            let other = kept.world.cards[0].clone();
            kept.world.cards.push(other);
            assert_eq!(kept.claim("A", verb), Claim::NotKnown);
        }
    }

    #[test]
    fn nothing_is_claimed_while_a_backup_writes() {
        let mut kept = kept(Verb::SafeToFormat);
        kept.queue.ask("2", Verb::Backup, "A", &[], |_| true);
        assert_eq!(kept.claim("A", Verb::SafeToFormat), Claim::Yes, "it waits");
        kept.queue.next("now").unwrap();
        assert_eq!(kept.claim("A", Verb::SafeToFormat), Claim::NotKnown);
        kept.queue.cancel("2", "now");
        assert_eq!(kept.claim("A", Verb::SafeToFormat), Claim::NotKnown, "it still does");
    }

    #[test]
    fn on_one_file_system_there_is_no_yes() {
        let mut kept = kept(Verb::SafeToFormat);
        assert_eq!(kept.card(&kept.world.cards[0], false).safe_to_format, Claim::Yes);
        let (card, drives) = kept.looks.get_mut("A").unwrap();
        drives[0].as_mut().unwrap().device = card.as_ref().unwrap().device;
        assert!(kept.card(&kept.world.cards[0], false).same_filesystem);
        assert_eq!(kept.card(&kept.world.cards[0], false).safe_to_format, Claim::NotKnown);
        assert_eq!(kept.card(&kept.world.cards[0], true).safe_to_format, Claim::Yes, "to try it out");
    }

    #[test]
    fn only_the_job_that_said_it_stands() {
        let kept = kept(Verb::Verify);
        let job = |id: &str, verb| Job::new(id.into(), verb, "A", &[]);
        assert!(kept.stands(&job("1", Verb::Verify)));
        assert!(!kept.stands(&job("0", Verb::Verify)), "an earlier one");
        assert!(!kept.stands(&job("1", Verb::Backup)));
    }

    #[test]
    fn a_verified_backup_needs_no_card() {
        let mut kept = kept(Verb::Verify);
        kept.looks.get_mut("A").unwrap().0 = None;
        assert_eq!(kept.claim("A", Verb::Verify), Claim::Yes);
    }
}
