//! Cards and drives, and the places where they can be looked at.

use std::path::PathBuf;

/// A card or a drive, and where it can be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub label: String,
    /// None where it is not plugged in, or not mounted.
    pub path: Option<PathBuf>,
    /// The kernel's name, of a device.
    pub kname: Option<String>,
}

/// Everything that there is now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct World {
    pub cards: Vec<Place>,
    /// The first one's records are those that are shown.
    pub drives: Vec<Place>,
}

/// Whoever knows where they are.
pub trait Places: Send + Sync {
    /// Asks for everything that there is now; nothing where it can't be asked.
    fn world(&self) -> World;
}

impl World {
    /// Cards and drives.
    pub fn all(&self) -> impl Iterator<Item = &Place> {
        self.cards.iter().chain(&self.drives)
    }

    /// The card of this label, if it is the only one: nothing is said of one that could be another.
    #[must_use]
    pub fn card(&self, label: &str) -> Option<&Place> {
        let mut same = self.cards.iter().filter(|card| card.label == label);
        same.next().filter(|_| same.next().is_none())
    }

    /// Number of cards of this label.
    #[must_use]
    pub fn cards_of(&self, label: &str) -> usize {
        self.cards.iter().filter(|card| card.label == label).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_two_cards_of_a_label_is_none() {
        let card = |label: &str| Place { label: label.into(), path: Some("/c".into()), kname: None };
        let world = World { cards: vec![card("A"), card("B"), card("A")], drives: Vec::new() };
        assert!(world.card("B").is_some());
        assert!(world.card("A").is_none() && world.card("C").is_none());
        assert_eq!(world.cards_of("A"), 2);
    }
}
