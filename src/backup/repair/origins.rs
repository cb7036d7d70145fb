//! Places of good bytes: the other drives, this one under another name, the card.

use super::outcome::Wanted;
use super::side::Side;
use crate::backup::drive::Drive;
use crate::backup::scan::{self, Card};
use crate::backup::source::{LARGE, Source};
use crate::system::volume::{Fault, InFile};
use crate::ui::visible;
use std::collections::{HashMap, HashSet};

/// The card, open.
pub struct CardSide {
    pub source: Source,
    pub card: Card,
}

/// A file that may have the bytes that are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// On the drive of this number, at a place as records have it.
    Drive(usize, Vec<u8>),
    /// On the card, by its number.
    Card(u32),
}

/// All that bytes may come from.
pub struct Origins {
    pub sides: Vec<Side>,
    card: Option<CardSide>,
    /// By drive and content: where records say that it lies.
    by_content: Vec<HashMap<u128, Vec<Vec<u8>>>>,
    /// Places that were read and held something else.
    other: HashMap<Place, u128>,
    /// Places that can't be read.
    unreadable: HashSet<Place>,
}

impl Origins {
    pub fn new(sides: Vec<Side>, card: Option<CardSide>) -> Self {
        let by_content = sides.iter().map(contents).collect();
        Origins { sides, card, by_content, other: HashMap::new(), unreadable: HashSet::new() }
    }

    /// Tells whether a drive holds files that were taken over and that nobody vouches for.
    pub fn has_unvouched(&self, at: usize) -> bool {
        self.sides[at].runs.index.dests().any(|known| !known.is_vouched() && !known.accepted)
    }

    /// Every place where the content may be, the likeliest first. Whether it is there, only reading tells.
    pub fn of(&self, target: usize, wanted: &Wanted) -> Vec<Place> {
        let mut places = Vec::new();
        let others = (0..self.sides.len()).filter(|at| *at != target);
        for at in others.clone().chain([target]) {
            let there = self.by_content[at].get(&wanted.hash).into_iter().flatten();
            places.extend(there.map(|dest| Place::Drive(at, dest.clone())));
        }
        if let Some(CardSide { card, .. }) = &self.card {
            let same = || card.files.iter().enumerate().filter(|(_, file)| file.size == wanted.size);
            let own = |at: &(usize, &scan::File)| card.path(at.1) == wanted.path;
            let numbers = same().filter(own).chain(same().filter(|at| !own(at)));
            places.extend(numbers.map(|(at, _)| Place::Card(at as u32)));
        }
        for at in others.chain([target]) {
            let same = self.sides[at].untracked.iter().filter(|file| file.size == wanted.size);
            places.extend(same.map(|file| Place::Drive(at, file.dest.clone())));
        }
        let mut seen = HashSet::new();
        places.retain(|place| {
            let is_it = *place == Place::Drive(target, wanted.place.clone())
                || *place == Place::Drive(target, wanted.dest.clone());
            let known_other = self.other.get(place).is_some_and(|hash| *hash != wanted.hash);
            !is_it && !known_other && !self.unreadable.contains(place) && seen.insert(place.clone())
        });
        places
    }

    /// Opens a place; none where nothing of that size is there.
    pub fn open(&mut self, place: &Place, size: u64) -> Option<InFile> {
        let file = match place {
            Place::Drive(at, dest) => open_on(&mut self.sides[*at].drive, dest, size).ok().flatten(),
            Place::Card(at) => {
                let side = self.card.as_mut()?;
                let file = side.card.files[*at as usize];
                side.source.open(&side.card, &file, false).ok()
            }
        };
        file.filter(|file| file.opened().size == size)
    }

    /// Remembers what was read of a place.
    pub fn was(&mut self, place: &Place, hash: u128) {
        self.other.insert(place.clone(), hash);
    }

    /// Remembers that a place can't be read.
    pub fn cant_be_read(&mut self, place: &Place) {
        self.unreadable.insert(place.clone());
    }

    /// For people, and for records: `card`, or the drive's path.
    pub fn name(&self, place: &Place) -> String {
        match place {
            Place::Drive(at, _) => visible(&self.sides[*at].drive.path.to_string_lossy()),
            Place::Card(_) => "card".into(),
        }
    }
}

/// Opens a file at a place as records have it; none where nothing is there.
///
/// # Errors
/// When it can't be opened.
pub fn open_on(drive: &mut Drive, dest: &[u8], size: u64) -> Result<Option<InFile>, Fault> {
    drive.holding(dest)?.map(|(dir, name)| dir.read(name, size >= LARGE)).transpose()
}

fn contents(side: &Side) -> HashMap<u128, Vec<Vec<u8>>> {
    let mut all: HashMap<u128, Vec<Vec<u8>>> = HashMap::new();
    let index = &side.runs.index;
    for known in index.dests() {
        let places = all.entry(known.hash).or_default();
        places.push(known.dest.to_vec());
        places.extend(index.moved_to(known.dest).map(|to| [b"/", to].concat()));
    }
    all
}
