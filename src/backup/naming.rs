//! Which name a file gets on the drive: never one that is taken, and one suffix for a whole stem group.
//!
//! Pure: the names in a folder of the drive go in, numbers come out (1 is the card's own name, 2 means `~2`).

use super::names;
use std::collections::{HashMap, HashSet};
use twox_hash::XxHash3_128;

/// The names in one folder of the drive, those given out in this run included. Hashes of names only: 100,000 of
/// them stay small, and a collision costs a suffix, nothing else.
#[derive(Debug, Default)]
pub struct FolderNames {
    ignores_case: bool,
    taken: HashSet<u64>,
    stems: HashSet<u64>,
    highest: HashMap<u64, u32>,
}

/// A file of the card in this folder.
#[derive(Debug, Clone, Copy)]
pub struct Slot<'a> {
    pub name: &'a [u8],
    pub size: u64,
    pub state: State,
}

/// Where a file stands before names are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is on the drive under number `k`; `known` when a record said so, not just equal content.
    Safe { k: u32, known: bool },
    /// It has to be copied.
    New,
}

impl FolderNames {
    pub fn new<'a>(names: impl IntoIterator<Item = &'a [u8]>, ignores_case: bool) -> Self {
        let mut taken = FolderNames { ignores_case, ..FolderNames::default() };
        for name in names {
            taken.take(name);
        }
        taken
    }

    /// The numbers under which a file of this name may already lie here.
    pub fn candidates<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = (u32, Vec<u8>)> + 'a {
        let escaped = names::escape(name);
        let of = |name: &[u8]| self.highest.get(&self.key(names::split(name).0)).copied().unwrap_or(0);
        let highest = of(name).max(of(&escaped));
        (1..=highest)
            .flat_map(move |k| {
                let plain = names::variant(name, k);
                let escaped = names::escape(&plain);
                let other = (escaped != plain).then_some(escaped);
                std::iter::once(plain).chain(other).map(move |n| (k, n))
            })
            .filter(|(_, name)| self.taken.contains(&self.key(name)))
    }

    /// Gives a number to every [`State::New`] file of a folder. The others keep theirs, except that a file which
    /// merely equals an older one follows its group to a new suffix.
    pub fn assign(&mut self, slots: &[Slot<'_>]) -> Vec<Option<u32>> {
        let mut groups: HashMap<u64, Vec<usize>> = HashMap::new();
        for (at, slot) in slots.iter().enumerate() {
            groups.entry(self.key(names::split(slot.name).0)).or_default().push(at);
        }
        let mut numbers = vec![None; slots.len()];
        // In the order of the card, so that the same card gives the same names.
        let mut seen = HashSet::new();
        for slot in slots {
            let stem = self.key(names::split(slot.name).0);
            if seen.insert(stem)
                && let Some(members) = groups.get(&stem)
            {
                self.assign_group(slots, members, &mut numbers);
            }
        }
        numbers
    }

    fn assign_group(&mut self, slots: &[Slot<'_>], members: &[usize], numbers: &mut [Option<u32>]) {
        let is_new = |at: &&usize| slots[**at].state == State::New;
        if !members.iter().any(|at| is_new(&at)) {
            return;
        }
        let stem = names::split(slots[members[0]].name).0;
        let anchor = self.anchor(slots, members);
        let at_anchor = anchor.unwrap_or(if self.stem_is_free(stem, 1) { 1 } else { 0 });
        let mut fresh = None;
        for at in members.iter().filter(is_new) {
            let name = slots[*at].name;
            let k = if at_anchor > 0 && self.is_free(&names::variant(name, at_anchor)) {
                at_anchor
            } else {
                let mut k = *fresh.get_or_insert_with(|| self.free_stem(stem));
                // Two names that differ in case only.
                while !self.is_free(&names::variant(name, k)) {
                    k += 1;
                }
                k
            };
            self.take(&names::variant(name, k));
            numbers[*at] = Some(k);
        }
        let (None, Some(fresh)) = (anchor, fresh) else { return };
        // The group is another photo: what merely looks like an older file's sidecar goes with it.
        for at in members {
            if let State::Safe { k, known: false } = slots[*at].state {
                let name = names::variant(slots[*at].name, fresh);
                if k != fresh && self.is_free(&name) {
                    self.take(&name);
                    numbers[*at] = Some(fresh);
                }
            }
        }
    }

    /// The number that a group already has: that of its largest file, else of a file with a record, else of one
    /// with equal content if all others fit beside it (a run that was killed in the middle of the group).
    fn anchor(&self, slots: &[Slot<'_>], members: &[usize]) -> Option<u32> {
        let largest = members.iter().max_by_key(|at| slots[**at].size)?;
        if let State::Safe { k, .. } = slots[*largest].state {
            return Some(k);
        }
        let safe = |wanted: bool| {
            members.iter().filter_map(move |at| match slots[*at].state {
                State::Safe { k, known } if known == wanted => Some(k),
                _ => None,
            })
        };
        safe(true).min().or_else(|| {
            safe(false).min().filter(|k| {
                members.iter().all(|at| {
                    slots[*at].state != State::New || self.is_free(&names::variant(slots[*at].name, *k))
                })
            })
        })
    }

    fn free_stem(&self, stem: &[u8]) -> u32 {
        let mut k = 2;
        while !self.stem_is_free(stem, k) {
            k += 1;
        }
        k
    }

    fn stem_is_free(&self, stem: &[u8], k: u32) -> bool {
        let suffix = if k > 1 { format!("~{k}") } else { String::new() };
        !self.stems.contains(&self.key(&[stem, suffix.as_bytes()].concat()))
    }

    fn is_free(&self, name: &[u8]) -> bool {
        !self.taken.contains(&self.key(name))
    }

    fn take(&mut self, name: &[u8]) {
        self.taken.insert(self.key(name));
        let whole = names::split(name).0;
        self.stems.insert(self.key(whole));
        let own = self.highest.entry(key(whole, self.ignores_case)).or_insert(1);
        *own = (*own).max(1);
        let (stem, k) = names::numbered(name);
        let highest = self.highest.entry(key(stem, self.ignores_case)).or_insert(1);
        *highest = (*highest).max(k);
    }

    fn key(&self, name: &[u8]) -> u64 {
        key(name, self.ignores_case)
    }
}

fn key(name: &[u8], ignores_case: bool) -> u64 {
    if ignores_case {
        XxHash3_128::oneshot(&names::fold(name)) as u64
    } else {
        XxHash3_128::oneshot(name) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(name: &str) -> Slot<'_> {
        Slot { name: name.as_bytes(), size: 10, state: State::New }
    }

    fn safe(name: &str, k: u32, known: bool) -> Slot<'_> {
        Slot { name: name.as_bytes(), size: 5, state: State::Safe { k, known } }
    }

    fn assigned(drive: &[&str], ignores_case: bool, slots: &[Slot<'_>]) -> Vec<Option<u32>> {
        FolderNames::new(drive.iter().map(|n| n.as_bytes()), ignores_case).assign(slots)
    }

    #[test]
    fn free_names_stay_and_a_taken_one_moves_the_whole_group() {
        assert_eq!(assigned(&[], false, &[new("A.CR3"), new("A.JPG")]), [Some(1), Some(1)]);
        assert_eq!(
            assigned(&["A.JPG"], false, &[new("A.CR3"), new("A.JPG"), new("A.CR3.xmp")]),
            [Some(2); 3]
        );
        assert_eq!(assigned(&["A.JPG", "A~2.XMP"], false, &[new("A.CR3"), new("A.JPG")]), [Some(3); 2]);
    }

    #[test]
    fn a_new_sidecar_joins_its_photo() {
        let drive = ["A.CR3", "A~2.CR3"];
        assert_eq!(assigned(&drive, false, &[safe("A.CR3", 2, true), new("A.XMP")]), [None, Some(2)]);
        assert_eq!(assigned(&drive, false, &[safe("A.CR3", 1, true), new("A.XMP")]), [None, Some(1)]);
    }

    #[test]
    fn an_edited_sidecar_does_not_copy_its_photo_again() {
        let mut xmp = new("A.XMP");
        xmp.size = 1;
        assert_eq!(assigned(&["A.CR3", "A.XMP"], false, &[safe("A.CR3", 1, true), xmp]), [None, Some(2)]);
    }

    #[test]
    fn an_equal_sidecar_follows_another_photo() {
        let drive = ["A.CR3", "A.XMP"];
        assert_eq!(assigned(&drive, false, &[new("A.CR3"), safe("A.XMP", 1, false)]), [Some(2), Some(2)]);
        // One that has its record stays where it is.
        assert_eq!(assigned(&drive, false, &[new("A.CR3"), safe("A.XMP", 1, true)]), [Some(2), None]);
    }

    #[test]
    fn a_group_that_a_killed_run_began_is_finished_under_its_number() {
        let drive = ["A.CR3", "A.JPG", "A~2.JPG"];
        assert_eq!(assigned(&drive, false, &[new("A.CR3"), safe("A.JPG", 2, false)]), [Some(2), None]);
    }

    #[test]
    fn case_counts_only_where_the_drive_counts_it() {
        let both = [new("a.jpg"), new("A.JPG")];
        assert_eq!(assigned(&[], false, &both), [Some(1), Some(1)]);
        assert_eq!(assigned(&[], true, &both), [Some(1), Some(2)]);
        assert_eq!(assigned(&["A.jpg"], true, &[new("a.JPG")]), [Some(2)]);
    }

    #[test]
    fn candidates_are_found_behind_gaps() {
        let folder = FolderNames::new([&b"A.JPG"[..], b"A~4.JPG", b"A~2~3.JPG"], false);
        let found = |name: &str| folder.candidates(name.as_bytes()).map(|(k, _)| k).collect::<Vec<_>>();
        assert_eq!(found("A.JPG"), [1, 4]);
        assert_eq!(found("A~4.JPG"), [1]);
        assert_eq!(found("A~2.JPG"), [3]);
        assert_eq!(found("B.JPG"), [0u32; 0]);
    }
}
