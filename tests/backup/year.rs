//! A photographer's year in random order: whatever was on a card when a run ended with 0 is on the drive for ever,
//! and no published file ever changes.

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
}

fn check(rig: &Rig, model: &mut Model) -> Result<(), TestCaseError> {
    let kept: BTreeMap<_, _> = rig.tree().into_iter().filter(|(path, _)| !path.ends_with(".tmp")).collect();
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

fn year(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let rig = Rig::in_memory();
    let mut model = Model::default();
    for step in steps.into_iter().chain([Step::Backup, Step::Swap, Step::Backup, Step::Backup]) {
        let card = model.card;
        match step {
            Step::Shoot { name: n, size, time } => {
                model.shots += 1;
                let content = noise(model.shots, [4_000, 4_001, 9_000][usize::from(size)]);
                let time = [0, 1_700_000_000][usize::from(time)];
                put(&rig.card.join(name(n)), &content, time);
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
                    put(&rig.card.join(path), content, *time);
                }
            }
            Step::Delete { name: n } => {
                if model.cards[card].remove(&name(n)).is_some() {
                    fs::remove_file(rig.card.join(name(n))).unwrap();
                }
            }
            Step::Rewrite { name: n } => {
                model.shots += 1;
                let shots = model.shots;
                if let Some((content, time)) = model.cards[card].get_mut(&name(n)) {
                    *content = noise(shots, content.len());
                    put(&rig.card.join(name(n)), content, *time);
                }
            }
            Step::Shift { seconds } => {
                for (path, (_, time)) in &mut model.cards[card] {
                    *time += i64::from(seconds);
                    crate::rig::touch(&rig.card.join(path), *time);
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
                model.promised.extend(model.cards[card].values().map(|(content, _)| content.clone()));
                prop_assert_eq!(rig.backed_up()["copied"]["files"].as_u64(), Some(0), "copied twice");
            }
            Step::Kill { at } => {
                let _ = kill_at(&mut rig.command("backup"), u64::from(at));
            }
            Step::LoseManifest => {
                let _ = fs::remove_dir_all(rig.drive.join(".piback"));
                model.lost = true;
            }
        }
        check(&rig, &mut model)?;
    }
    let doubles = model.published.len() - model.published.values().collect::<HashSet<_>>().len();
    // An equal sidecar may follow its group to a new name; whole photos are never kept twice.
    prop_assert!(doubles <= model.shots as usize, "{} of {:?}", doubles, tree(&rig.drive).keys());
    if !model.cards[model.card].is_empty() {
        prop_assert_eq!(rig.run("safe-to-format", &[]).code, Some(0));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_photographer_s_year_loses_nothing(steps in prop::collection::vec(step(), 10..40)) {
        year(steps)?;
    }
}
