//! The health of cards and drives as it was last looked at, and when it is looked at again.

use super::health::Facts;
use super::places::{Place, World};
use super::state::Fact;
use std::time::Duration;

/// A look at it is good for so long, as long as cards and drives are the same and no job has ended.
const GOOD_FOR: Duration = Duration::from_secs(600);
/// The health as it was last looked at.
#[derive(Default)]
pub struct Care {
    pub facts: Facts,
    /// When, and of what; nothing where it is to be looked at again.
    pub looked: Option<(Duration, World)>,
    pub goes_on: bool,
}

impl Care {
    /// The facts of a card or drive.
    pub fn of(&self, place: &Place) -> Vec<Fact> {
        let key = place.kname.as_ref().unwrap_or(&place.label);
        self.facts.get(key).cloned().unwrap_or_default()
    }

    /// Has it looked at again.
    pub fn forget(&mut self) {
        self.looked = None;
    }

    /// Tells whether a look is due.
    pub fn is_due(&self, world: &World, now: Duration) -> bool {
        let is_there = |place: &Place| place.path.is_some() || place.kname.is_some();
        let is_fresh = |(at, of): &(Duration, World)| of == world && now.saturating_sub(*at) < GOOD_FOR;
        !self.goes_on
            && world.cards.iter().chain(&world.drives).any(is_there)
            && !self.looked.as_ref().is_some_and(is_fresh)
    }
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
        care.looked = Some((now, world("sda")));
        assert!(!care.is_due(&world("sda"), now + Duration::from_secs(599)));
        assert!(care.is_due(&world("sda"), now + GOOD_FOR));
        assert!(care.is_due(&world("sdb"), now));
        care.goes_on = true;
        assert!(!care.is_due(&world("sdb"), now), "one look at a time");
    }
}
