//! Which name a file gets on the drive: never one that is taken, and one suffix for a stem group, and for a whole clip.
//!
//! Pure: the names in a folder of the drive go in, numbers come out (1 is the card's own name, 2 means `~2`).

use super::{clips, names, scan};
use std::collections::{BTreeSet, HashMap, HashSet};
use twox_hash::XxHash3_128;

/// The names in one folder of the drive, those given out in this run included. Hashes of names only: 100,000 of
/// them stay small, and a collision costs a suffix, nothing else.
#[derive(Debug, Default)]
pub struct FolderNames {
    ignores_case: bool,
    taken: HashSet<u64>,
    /// Groups that have a file here, with their number.
    groups: HashSet<u64>,
    /// By stem: the numbers that exist.
    numbers: HashMap<u64, Vec<u32>>,
}

/// A file of the card in one of these folders.
#[derive(Debug, Clone, Copy)]
pub struct Slot<'a> {
    /// Index of its folder among those that are assigned together.
    pub folder: usize,
    pub name: &'a [u8],
    pub size: u64,
    pub state: State,
}

/// Place where a file stands before names are given.
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

    /// The numbers under which a file of this name may already lie here, lowest first.
    pub fn candidates<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = (u32, Vec<u8>)> + 'a {
        let escaped = names::escape(name);
        let of =
            |name: &[u8]| self.numbers.get(&self.key(names::split(name).0)).into_iter().flatten().copied();
        let existing: BTreeSet<u32> = of(name).chain(of(&escaped)).collect();
        existing
            .into_iter()
            .flat_map(move |k| {
                let plain = names::variant(name, k);
                let escaped = names::escape(&plain);
                let other = (escaped != plain).then_some(escaped);
                std::iter::once(plain).chain(other).map(move |n| (k, n))
            })
            .filter(|(_, name)| self.taken.contains(&self.key(name)))
    }

    fn group_is_free(&self, group: &[u8], k: u32) -> bool {
        !self.groups.contains(&self.key(&numbered_group(group, k)))
    }

    fn is_free(&self, name: &[u8]) -> bool {
        !self.taken.contains(&self.key(name))
    }

    fn take(&mut self, name: &[u8]) {
        self.taken.insert(self.key(name));
        let whole = names::split(name).0;
        let (stem, k) = names::numbered(name);
        // `A~2.JPG` is the second A, or a card's own `A~2`.
        for (stem, k) in [(whole, 1), (stem, k)] {
            let group = numbered_group(&clips::group(stem), k);
            self.groups.insert(self.key(&group));
            let numbers = self.numbers.entry(key(stem, self.ignores_case)).or_default();
            if !numbers.contains(&k) {
                numbers.push(k);
            }
        }
    }

    fn key(&self, name: &[u8]) -> u64 {
        key(name, self.ignores_case)
    }
}

/// Gives a number to every [`State::New`] file of these folders: one folder, or those of a tree that belongs together. The
/// others keep theirs, except that a file which merely equals an older one follows its group to a new suffix.
pub fn assign(folders: &mut [FolderNames], slots: &[Slot<'_>]) -> Vec<Option<u32>> {
    let mut groups: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
    let group_of = |folders: &[FolderNames], slot: &Slot<'_>| {
        let group = clips::group(names::split(slot.name).0);
        if folders[slot.folder].ignores_case { names::fold(&group) } else { group }
    };
    for (at, slot) in slots.iter().enumerate() {
        groups.entry(group_of(folders, slot)).or_default().push(at);
    }
    let mut assigner = Assigner { numbers: vec![None; slots.len()], folders, slots };
    // In the order of the card, so that the same card gives the same names.
    for slot in slots {
        let group = group_of(assigner.folders, slot);
        if let Some(members) = groups.remove(&group) {
            assigner.group(&group, &members);
        }
    }
    assigner.numbers
}

struct Assigner<'a, 'b> {
    folders: &'a mut [FolderNames],
    slots: &'a [Slot<'b>],
    numbers: Vec<Option<u32>>,
}

impl Assigner<'_, '_> {
    fn group(&mut self, group: &[u8], members: &[usize]) {
        let is_new = |at: usize, slots: &[Slot<'_>]| slots[at].state == State::New;
        if !members.iter().any(|at| is_new(*at, self.slots)) {
            return;
        }
        let anchor = self.anchor(members);
        let at_anchor = anchor.unwrap_or(u32::from(self.group_is_free(group, 1)));
        let mut fresh = None;
        for at in members.iter().copied().filter(|at| is_new(*at, self.slots)) {
            let k = if at_anchor > 0 && self.is_free(at, at_anchor) {
                at_anchor
            } else {
                let mut k = *fresh.get_or_insert_with(|| self.free_group(group));
                // Two names that differ in case only.
                while !self.is_free(at, k) {
                    k += 1;
                }
                k
            };
            self.take(at, k);
        }
        let (None, Some(fresh)) = (anchor, fresh) else { return };
        // The group is another photo: what merely looks like an older file's sidecar goes with it.
        for at in members.iter().copied() {
            if let State::Safe { k, known: false } = self.slots[at].state
                && k != fresh
                && self.is_free(at, fresh)
            {
                self.take(at, fresh);
            }
        }
    }

    /// The number that a group already has: that of its largest file, else of a file with a record, else of one
    /// with equal content if all others fit beside it (a run that was killed in the middle of the group).
    fn anchor(&self, members: &[usize]) -> Option<u32> {
        let largest = members.iter().max_by_key(|at| self.slots[**at].size)?;
        if let State::Safe { k, .. } = self.slots[*largest].state {
            return Some(k);
        }
        let safe = |wanted: bool| {
            members.iter().filter_map(move |at| match self.slots[*at].state {
                State::Safe { k, known } if known == wanted => Some(k),
                _ => None,
            })
        };
        safe(true).min().or_else(|| {
            safe(false).min().filter(|k| {
                members.iter().all(|at| self.slots[*at].state != State::New || self.is_free(*at, *k))
            })
        })
    }

    fn free_group(&self, group: &[u8]) -> u32 {
        let mut k = 2;
        while !self.group_is_free(group, k) {
            k += 1;
        }
        k
    }

    fn group_is_free(&self, group: &[u8], k: u32) -> bool {
        self.folders.iter().all(|folder| folder.group_is_free(group, k))
    }

    fn is_free(&self, at: usize, k: u32) -> bool {
        self.folders[self.slots[at].folder].is_free(&names::variant(self.slots[at].name, k))
    }

    fn take(&mut self, at: usize, k: u32) {
        self.folders[self.slots[at].folder].take(&names::variant(self.slots[at].name, k));
        self.numbers[at] = Some(k);
    }
}

/// The number of a file on the drive among those of its card's name; 1 where the name was made otherwise.
#[must_use]
pub fn number(path: &[u8], dest: &[u8]) -> u32 {
    let (_, name) = scan::split_path(path);
    let (_, used) = scan::split_path(dest);
    let (_, k) = names::numbered(used);
    if names::variant(name, k) == used { k } else { 1 }
}

/// A group's name with its number, as [`names::variant`] would write it behind a stem.
fn numbered_group(group: &[u8], k: u32) -> Vec<u8> {
    if k <= 1 { group.to_vec() } else { [group, format!("~{k}").as_bytes()].concat() }
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
        Slot { folder: 0, name: name.as_bytes(), size: 10, state: State::New }
    }

    fn safe(name: &str, k: u32, known: bool) -> Slot<'_> {
        Slot { folder: 0, name: name.as_bytes(), size: 5, state: State::Safe { k, known } }
    }

    fn assigned(drive: &[&str], ignores_case: bool, slots: &[Slot<'_>]) -> Vec<Option<u32>> {
        assign(&mut [FolderNames::new(drive.iter().map(|n| n.as_bytes()), ignores_case)], slots)
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
    fn chapters_and_tracks_of_a_clip_move_together() {
        let drive = ["GX010001.MP4", "GX020001.MP4"];
        let three = [new("GX010001.MP4"), new("GX020001.MP4"), new("GX030001.MP4"), new("GL010001.LRV")];
        assert_eq!(assigned(&drive, false, &three), [Some(2); 4]);
        // The old clip's first chapter was culled: its name is free, and would make one clip of two.
        assert_eq!(assigned(&["GX020001.MP4"], false, &[new("GX010001.MP4")]), [Some(2)]);
        // A chapter that comes later joins its clip.
        let drive = ["GX010001.MP4", "GX010001~2.MP4"];
        let later = [safe("GX010001.MP4", 2, true), new("GX020001.MP4")];
        assert_eq!(assigned(&drive, false, &later), [None, Some(2)]);
        assert_eq!(
            assigned(&["C0001M01.XML"], false, &[new("C0001.MP4"), new("C0001M01.XML")]),
            [Some(2); 2]
        );
    }

    #[test]
    fn a_tree_gives_one_number_in_all_its_folders() {
        let drive: [&[&str]; 2] = [&["00000.MTS"], &["00001.CPI", "00001~2.CPI"]];
        let mut folders: Vec<_> =
            drive.iter().map(|names| FolderNames::new(names.iter().map(|n| n.as_bytes()), false)).collect();
        let slot = |folder, name| Slot { folder, ..new(name) };
        let slots = [slot(0, "00000.MTS"), slot(0, "00001.MTS"), slot(1, "00000.CPI"), slot(1, "00001.CPI")];
        assert_eq!(assign(&mut folders, &slots), [Some(2), Some(3), Some(2), Some(3)]);
    }

    #[test]
    fn a_high_number_costs_nothing() {
        let folder = FolderNames::new([&b"IMG~999999.jpg"[..]], false);
        assert_eq!(
            folder.candidates(b"IMG.jpg").collect::<Vec<_>>(),
            [(999_999, b"IMG~999999.jpg".to_vec())]
        );
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
