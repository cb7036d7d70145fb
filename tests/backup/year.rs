//! A photographer's year in random order: whatever was on a card when a run ended with 0 is on the drive for ever,
//! and no published file ever changes but by the user's own hand.

use crate::faulty::{Faults, Mounted};
use crate::kills::kill_at;
use crate::rig::{Rig, noise, put, tree};
use proptest::prelude::*;
use std::collections::{BTreeMap, HashSet};
use std::fs;

/// What happens, with numbers that few enough values are left for collisions to be the rule.
#[derive(Debug, Clone)]
enum Step {
    /// A photo of this name, of one of few sizes and times, with content of its own.
    Shoot {
        name: u8,
        size: u8,
        time: u8,
    },
    Format,
    /// The other card of the same label goes in.
    Swap,
    Delete {
        name: u8,
    },
    /// An application on the computer rewrites a file in place and keeps its time.
    Rewrite {
        name: u8,
    },
    /// All times on the card shift, as in another time zone.
    Shift {
        seconds: i16,
    },
    Backup,
    Kill {
        at: u16,
    },
    LoseManifest,
    /// The camera rates a photo: a byte in its middle, where no sample looks, and the same size and time.
    Rate {
        name: u8,
    },
    /// Before formatting, the card is compared with the drive.
    Ask,
    /// A photo is deleted from the drive, on a laptop.
    Cull {
        which: u8,
    },
    /// A photo is moved into an album, within the label's folder or out of it.
    Sort {
        which: u8,
        out: bool,
    },
    Verify,
    /// What was done on the drive is taken as meant.
    Accept,
    /// The card lists a photo and can't find it, for once.
    Lie {
        name: u8,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0u8..12, 0u8..3, 0u8..2).prop_map(|(name, size, time)| Step::Shoot { name, size, time }),
        1 => Just(Step::Format),
        1 => Just(Step::Swap),
        1 => (0u8..12).prop_map(|name| Step::Delete { name }),
        2 => (0u8..12).prop_map(|name| Step::Rewrite { name }),
        1 => prop_oneof![Just(2i16), Just(3600), Just(-3600)].prop_map(|seconds| Step::Shift { seconds }),
        5 => Just(Step::Backup),
        2 => (1u16..900).prop_map(|at| Step::Kill { at }),
        1 => Just(Step::LoseManifest),
        2 => (0u8..12).prop_map(|name| Step::Rate { name }),
        2 => Just(Step::Ask),
        1 => any::<u8>().prop_map(|which| Step::Cull { which }),
        2 => (any::<u8>(), any::<bool>()).prop_map(|(which, out)| Step::Sort { which, out }),
        1 => Just(Step::Verify),
        1 => Just(Step::Accept),
        1 => (0u8..12).prop_map(|name| Step::Lie { name }),
    ]
}

fn name(n: u8) -> String {
    let ext = ["CR3", "JPG", "XMP"][usize::from(n % 3)];
    format!("DCIM/{}CANON/IMG_{:04}.{ext}", 100 + n / 9, n / 3 % 3)
}

#[derive(Default)]
struct Model {
    /// Contents that a run which ended with 0 had before it.
    promised: HashSet<Vec<u8>>,
    /// Published files as they were first seen.
    published: BTreeMap<String, Vec<u8>>,
    shots: u64,
    cards: [BTreeMap<String, (Vec<u8>, i64)>; 2],
    card: usize,
    /// Without its manifest nothing proves that a killed run's temporary files are piback's: they stay.
    lost: bool,
    /// Contents that a card got under the same size and time, and that no run was made to look for since.
    hidden: HashSet<Vec<u8>>,
    /// Files that the user moved.
    sorted: usize,
}

impl Model {
    /// Takes a published file off the model, as the user took it off the drive.
    fn forget(&mut self, path: &str) {
        let Some(content) = self.published.remove(path) else { return };
        if !self.published.values().any(|other| *other == content) {
            self.promised.remove(&content);
        }
    }
}

/// All files on the drive that are not piback's own, by their paths below its root.
fn kept(rig: &Rig) -> BTreeMap<String, Vec<u8>> {
    tree(&rig.drive)
        .into_iter()
        .filter(|(path, _)| !path.ends_with(".tmp") && !path.starts_with(".piback/"))
        .collect()
}

fn check(rig: &Rig, model: &mut Model) -> Result<(), TestCaseError> {
    let kept = kept(rig);
    for (path, content) in &model.published {
        prop_assert_eq!(kept.get(path), Some(content), "a published file changed: {}", path);
    }
    let contents: HashSet<_> = kept.values().cloned().collect();
    for content in &model.promised {
        prop_assert!(contents.contains(content), "a promised photo is gone");
    }
    model.published = kept;
    Ok(())
}

/// Compares card and drive; what is not the same is copied by the next backup, and then it is.
fn asked(rig: &Rig, model: &mut Model) -> Result<(), TestCaseError> {
    let card = model.cards[model.card].clone();
    let mut run = rig.run("safe-to-format", &[]);
    if run.code == Some(5) {
        rig.backed_up();
        run = rig.run("safe-to-format", &[]);
    }
    prop_assert_eq!(run.code, Some(0), "{:?}", run);
    for (content, _) in card.into_values() {
        model.hidden.remove(&content);
        model.promised.insert(content);
    }
    Ok(())
}

/// A history with a card as FAT has it, which has no change times, or with one on ext4.
fn year(steps: Vec<Step>, fat: bool) -> Result<(), TestCaseError> {
    let mut rig = Rig::in_memory();
    let front = rig.card.clone();
    let mut lying = None;
    if fat {
        // The card's files lie behind; what the test does to them it does there.
        let behind = rig.dir.path().join("behind");
        fs::rename(&rig.card, &behind).unwrap();
        lying = Some(Mounted::new(&behind, &front, Faults { fat: true, ..Faults::default() }));
        rig.behind = Some(behind);
    }
    let rig = rig;
    let mut model = Model::default();
    for step in steps.into_iter().chain([Step::Backup, Step::Swap, Step::Backup, Step::Backup]) {
        let card = model.card;
        match step {
            Step::Shoot { name: n, size, time } => {
                model.shots += 1;
                let content = noise(model.shots, [4_000, 4_001, 9_000][usize::from(size)]);
                let time = [0, 1_700_000_000][usize::from(time)];
                put(&rig.on_card(&name(n)), &content, time);
                model.cards[card].insert(name(n), (content, time));
            }
            Step::Format => {
                rig.format();
                model.cards[card].clear();
            }
            Step::Swap => {
                rig.format();
                model.card = 1 - card;
                for (path, (content, time)) in &model.cards[model.card] {
                    put(&rig.on_card(path), content, *time);
                }
            }
            Step::Delete { name: n } => {
                if model.cards[card].remove(&name(n)).is_some() {
                    fs::remove_file(rig.on_card(&name(n))).unwrap();
                }
            }
            Step::Rewrite { name: n } => {
                model.shots += 1;
                let shots = model.shots;
                if let Some((content, time)) = model.cards[card].get_mut(&name(n)) {
                    *content = noise(shots, content.len());
                    put(&rig.on_card(&name(n)), content, *time);
                }
            }
            Step::Shift { seconds } => {
                for (path, (_, time)) in &mut model.cards[card] {
                    *time += i64::from(seconds);
                    crate::rig::touch(&rig.on_card(path), *time);
                }
            }
            Step::Backup if model.cards[card].is_empty() => {
                prop_assert_eq!(rig.run("backup", &[]).code, Some(1), "an empty card is no success");
            }
            Step::Backup => {
                let account = rig.backed_up();
                prop_assert_eq!(
                    account["on_card"]["files"].as_u64().unwrap(),
                    model.cards[card].len() as u64
                );
                prop_assert!(model.lost || rig.litter().is_empty());
                let all = model.cards[card].values().map(|(content, _)| content.clone());
                let seen: Vec<_> = all.filter(|content| !model.hidden.contains(content)).collect();
                model.promised.extend(seen);
                prop_assert_eq!(rig.backed_up()["copied"]["files"].as_u64(), Some(0), "copied twice");
            }
            Step::Kill { at } => {
                let _ = kill_at(&mut rig.command("backup"), u64::from(at));
            }
            Step::LoseManifest => {
                let _ = fs::remove_dir_all(rig.drive.join(".piback"));
                model.lost = true;
            }
            Step::Rate { name: n } => {
                if let Some((content, time)) = model.cards[card].get_mut(&name(n))
                    && content.len() == 9_000
                {
                    content[4_500] ^= 1 << (model.shots % 8);
                    model.shots += 1;
                    put(&rig.on_card(&name(n)), content, *time);
                    if fat && !model.promised.contains(content) {
                        let content = content.clone();
                        model.hidden.insert(content);
                    }
                }
            }
            Step::Ask if !model.cards[card].is_empty() => asked(&rig, &mut model)?,
            Step::Ask => prop_assert_eq!(rig.run("safe-to-format", &[]).code, Some(1)),
            Step::Cull { which } => {
                let all: Vec<_> = model.published.keys().cloned().collect();
                if let Some(path) = all.get(usize::from(which) % all.len().max(1)) {
                    fs::remove_file(rig.drive.join(path)).unwrap();
                    model.forget(path);
                }
            }
            Step::Sort { which, out } => {
                let all: Vec<_> = model.published.keys().cloned().collect();
                if let Some(path) = all.get(usize::from(which) % all.len().max(1)) {
                    model.sorted += 1;
                    let album = if out { "Albums".into() } else { format!("{}/Best", rig.label) };
                    let to = format!("{album}/{}.jpg", model.sorted);
                    fs::create_dir_all(rig.drive.join(album)).unwrap();
                    fs::rename(rig.drive.join(path), rig.drive.join(&to)).unwrap();
                    let content = model.published.remove(path).unwrap();
                    model.published.insert(to, content);
                }
            }
            Step::Verify => {
                let run = rig.run("verify", &[]);
                prop_assert!(matches!(run.code, Some(0 | 1 | 5)), "{:?}", run);
            }
            Step::Accept => {
                let run = rig.run("verify", &["--accept", "--yes"]);
                prop_assert!(matches!(run.code, Some(0 | 1 | 5)), "{:?}", run);
                if run.code == Some(0) {
                    // All may have been accepted as gone.
                    let again = rig.run("verify", &[]);
                    prop_assert!(matches!(again.code, Some(0 | 1)), "{:?} {:?}", run, again);
                }
            }
            Step::Lie { name: n } => {
                if let Some(mounted) = &mut lying
                    && model.cards[card].contains_key(&name(n))
                {
                    let file = name(n).rsplit('/').next().unwrap().to_owned();
                    mounted.set(|faults| faults.unknown = vec![file]);
                    prop_assert_eq!(rig.run("backup", &[]).code, Some(5));
                    prop_assert_eq!(rig.run("safe-to-format", &[]).code, Some(5));
                    mounted.set(|faults| faults.unknown.clear());
                }
            }
        }
        check(&rig, &mut model)?;
    }
    let doubles = model.published.len() - model.published.values().collect::<HashSet<_>>().len();
    // An equal sidecar may follow its group to a new name; whole photos are never kept twice.
    prop_assert!(
        doubles <= model.shots as usize + model.sorted,
        "{} of {:?}",
        doubles,
        tree(&rig.drive).keys()
    );
    if !model.cards[model.card].is_empty() {
        asked(&rig, &mut model)?;
        check(&rig, &mut model)?;
    }
    if let Some(mounted) = lying {
        mounted.unmount();
    }
    Ok(())
}

#[test]
fn times_that_come_back_after_a_rating_hide_no_photo() {
    use Step::{Ask, Backup, Cull, Rate, Shift, Shoot};
    let steps = vec![
        Shoot { name: 9, size: 2, time: 0 },
        Backup,
        Rate { name: 9 },
        Shift { seconds: 3600 },
        Ask,
        Shift { seconds: -3600 },
        Cull { which: 1 },
    ];
    year(steps, true).unwrap();
}

#[test]
fn when_everything_was_accepted_as_gone_there_is_no_backup() {
    use Step::{Accept, Backup, Cull, Format, LoseManifest, Shoot};
    let shoot = || Shoot { name: 0, size: 0, time: 0 };
    let cull = || Cull { which: 0 };
    year(
        vec![shoot(), Backup, Format, shoot(), LoseManifest, Backup, cull(), cull(), Accept, shoot()],
        false,
    )
    .unwrap();
}

/// How many histories are lived through: 48, or as many as `PIBACK_YEARS` says.
fn cases() -> u32 {
    std::env::var("PIBACK_YEARS").ok().and_then(|n| n.parse().ok()).unwrap_or(48)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_photographer_s_year_loses_nothing(steps in prop::collection::vec(step(), 10..40), fat in any::<bool>()) {
        year(steps, fat)?;
    }
}
