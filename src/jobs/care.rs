//! The health of cards and drives as it was last looked at, and when it is looked at again.

use super::health::{self, Facts};
use super::places::{Place, World};
use super::state::Fact;
use std::io;
use std::time::Duration;

/// A look at it is good for so long, as long as cards and drives are the same and no job has ended.
const GOOD_FOR: Duration = Duration::from_secs(600);
/// One that said nothing of something that is there is worth another so soon.
const AGAIN_IN: Duration = Duration::from_secs(60);

/// The health as it was last looked at.
#[derive(Default)]
pub struct Care {
    facts: Facts,
    /// The cards and drives of which these are: another one in the same place has none of them.
    of: Vec<Place>,
    /// The time until which a look is good, and of what it was; nothing where it is to be looked at again.
    good: Option<(Duration, World)>,
    /// Something happened while it was looked at.
    is_old: bool,
    goes_on: bool,
}

impl Care {
    /// The facts of a card or drive.
    pub fn of(&self, place: &Place) -> Vec<Fact> {
        let facts = self.facts.get(key(place)).filter(|_| self.of.contains(place));
        facts.cloned().unwrap_or_default()
    }

    /// Has it looked at again.
    pub fn forget(&mut self) {
        (self.good, self.is_old) = (None, true);
    }

    /// Another card, or drive, is where this one was.
    pub fn is_another(&mut self, place: &Place) {
        self.of.retain(|of| of != place);
        self.forget();
    }

    /// Tells whether a look is due.
    pub fn is_due(&self, world: &World, now: Duration) -> bool {
        let is_good = |(until, of): &(Duration, World)| of == world && now < *until;
        !self.goes_on && world.all().any(is_there) && !self.good.as_ref().is_some_and(is_good)
    }

    /// Begins a look.
    pub fn begin(&mut self) {
        (self.goes_on, self.is_old) = (true, false);
    }

    /// Ends one that saw nothing.
    pub fn give_up(&mut self) {
        self.goes_on = false;
    }

    /// Ends one with what it saw of a world. Tells whether that is something new.
    pub fn end(&mut self, facts: io::Result<Facts>, world: World, now: Duration) -> bool {
        let (mut facts, mut lasts) = (facts.unwrap_or_default(), GOOD_FOR);
        // Of what has a device there is always something to say.
        for place in world.all().filter(|place| place.kname.is_some()) {
            facts.entry(key(place).to_owned()).or_insert_with(|| {
                lasts = AGAIN_IN;
                vec![health::not_known()]
            });
        }
        let of: Vec<Place> = world.all().cloned().collect();
        let is_new = self.facts != facts || self.of != of;
        let is_old = self.is_old;
        self.good = (!is_old).then_some((now + lasts, world));
        // What was pulled meanwhile is not known to be what is there now.
        (self.facts, self.of, self.goes_on) = (facts, if is_old { Vec::new() } else { of }, false);
        is_new
    }
}

fn key(place: &Place) -> &str {
    place.kname.as_ref().unwrap_or(&place.label)
}

fn is_there(place: &Place) -> bool {
    place.path.is_some() || place.kname.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_where_something_else_is_plugged_in_and_now_and_then() {
        let place = |kname: &str| Place { label: "SD".into(), path: None, kname: Some(kname.into()) };
        let world = |kname: &str| World { cards: vec![place(kname)], drives: Vec::new() };
        let mut care = Care::default();
        let now = Duration::from_secs(5000);
        assert!(!care.is_due(&World::default(), now), "there is nothing");
        assert!(care.is_due(&world("sda"), now));
        let seen = |kname: &str| Ok(Facts::from([(kname.to_owned(), Vec::new())]));
        care.begin();
        assert!(!care.is_due(&world("sda"), now), "one look at a time");
        assert!(care.end(seen("sda"), world("sda"), now));
        assert!(!care.is_due(&world("sda"), now + Duration::from_secs(599)));
        assert!(care.is_due(&world("sda"), now + GOOD_FOR));
        assert!(care.is_due(&world("sdb"), now));
        care.begin();
        assert!(!care.end(seen("sda"), world("sda"), now), "nothing is new");
        care.begin();
        care.forget();
        care.end(seen("sda"), world("sda"), now);
        assert!(care.is_due(&world("sda"), now), "a job ended meanwhile");
    }

    #[test]
    fn facts_are_of_the_card_that_was_looked_at() {
        let place = |label: &str| Place { label: label.into(), path: None, kname: Some("sda1".into()) };
        let world = World { cards: vec![place("A")], drives: Vec::new() };
        let facts = || Ok(Facts::from([("sda1".to_owned(), vec![health::not_known()])]));
        let mut care = Care::default();
        care.begin();
        care.end(facts(), world.clone(), Duration::ZERO);
        assert_eq!(care.of(&place("A")).len(), 1);
        assert!(care.of(&place("B")).is_empty(), "another card in the same reader");
        care.is_another(&place("A"));
        assert!(
            care.of(&place("A")).is_empty() && care.is_due(&world, Duration::ZERO),
            "another of the same label"
        );
        care.begin();
        care.is_another(&place("A"));
        care.end(facts(), world.clone(), Duration::ZERO);
        assert!(care.of(&place("A")).is_empty(), "it was pulled while it was looked at");
    }

    #[test]
    fn a_look_that_failed_is_not_known_to_be_good() {
        let place = Place { label: "A".into(), path: None, kname: Some("sda1".into()) };
        let world = World { cards: vec![place.clone()], drives: Vec::new() };
        for failed in [Err(io::Error::other("no")), Ok(Facts::new())] {
            let mut care = Care::default();
            care.begin();
            assert!(care.end(failed, world.clone(), Duration::ZERO));
            assert_eq!(care.of(&place), [health::not_known()]);
            assert!(!care.is_due(&world, Duration::from_secs(59)) && care.is_due(&world, AGAIN_IN));
        }
    }
}
