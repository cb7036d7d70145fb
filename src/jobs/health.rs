//! The health of cards and drives in words: what the kernel saw, what a drive says of itself, what the records know. The same
//! words on the command line and on the page.

use super::places::World;
use super::state::{Fact, Level};
use crate::backup::{self, Ages, CardErrors};
use crate::media::health::Health;
use crate::media::smart::Smart;
use crate::ui::visible;
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

/// Facts of each card and drive, by the kernel's name of its device, or by its label where it is a plain folder.
pub type Facts = HashMap<String, Vec<Fact>>;

pub const KERNEL: &str = "kernel";
pub const SMART: &str = "smart";
pub const READ_ERRORS: &str = "read_errors";
pub const READ_AGAIN: &str = "read_again";

/// Says what was seen of a device, and what is not known of it.
#[must_use]
pub fn of_device(health: &Health) -> Vec<Fact> {
    [Some(of_kernel(health)), health.smart.as_ref().map(of_smart)].into_iter().flatten().collect()
}

fn of_kernel(health: &Health) -> Fact {
    let Some(kernel) = &health.kernel else {
        return fact(KERNEL, Level::Unknown, "errors that the kernel saw are not known", None);
    };
    match (kernel.words(), kernel.remedy()) {
        (Some(words), Some(remedy)) => fact(KERNEL, Level::Warning, &words, Some(remedy)),
        (Some(words), None) => fact(KERNEL, Level::Good, &words, None),
        (None, _) => fact(KERNEL, Level::Good, NO_ERRORS, None),
    }
}

/// Said of a device of which the kernel complained of nothing.
const NO_ERRORS: &str = "the kernel saw no errors";

fn of_smart(smart: &Result<Smart, String>) -> Fact {
    match smart {
        Err(why) => fact(SMART, Level::Unknown, &format!("own check not known: {}", visible(why)), None),
        Ok(smart) => {
            let level = match smart.remedy() {
                Some(_) if !smart.passed => Level::Bad,
                Some(_) => Level::Warning,
                None => Level::Good,
            };
            fact(SMART, level, &format!("own check {}", smart.words()), smart.remedy())
        }
    }
}

/// Says what cards of a label could not give whole, which is a fact and no judgement; nothing where all was read.
#[must_use]
pub fn of_card(errors: &CardErrors) -> Option<Fact> {
    errors.words().map(|words| fact(READ_ERRORS, Level::Good, &words, None))
}

/// Says when the files of a drive were last read, and what of them is known to be damaged.
#[must_use]
pub fn of_drive(read: &anyhow::Result<Ages>) -> Fact {
    let ages = match read {
        Ok(ages) => ages,
        Err(e) => return fact(READ_AGAIN, Level::Unknown, &visible(&format!("{e:#}")), None),
    };
    if let Some(damage) = ages.damage() {
        let remedy = "bring back what is damaged, while there is another copy: piback verify LABEL --repair";
        return fact(READ_AGAIN, Level::Bad, &damage, Some(remedy));
    }
    fact(READ_AGAIN, Level::Good, &ages.words(), None)
}

/// Says that nobody could say.
#[must_use]
pub fn not_known() -> Fact {
    fact(KERNEL, Level::Unknown, "its health could not be looked at", None)
}

/// Tells whether a fact is none that a short list needs: no complaint is no line, and that nothing is known is one for all.
#[must_use]
pub fn is_plain(fact: &Fact) -> bool {
    fact.name == KERNEL && (fact.level == Level::Unknown || fact.words == NO_ERRORS)
}

fn fact(name: &str, level: Level, words: &str, remedy: Option<&str>) -> Fact {
    Fact { name: name.to_owned(), level, words: words.to_owned(), remedy: remedy.map(str::to_owned) }
}

/// Reads the answer of `piback cards --json`.
#[must_use]
pub fn of_answer(answer: &Value) -> Facts {
    let volumes = answer.get("volumes").and_then(Value::as_array);
    let of = |volume: &Value| {
        let name = volume.get("device")?.as_str()?.rsplit('/').next()?.to_owned();
        Some((name, serde_json::from_value(volume.get("facts")?.clone()).ok()?))
    };
    volumes.into_iter().flatten().filter_map(of).collect()
}

/// Says what the records know of plain folders, which have no device.
#[must_use]
pub fn of_folders(world: &World) -> Facts {
    let drives: Vec<&Path> = world.drives.iter().filter_map(|drive| drive.path.as_deref()).collect();
    let card = |label: &str| most_errors(&drives, label).and_then(|errors| of_card(&errors));
    let drive = |path: &Path| of_drive(&backup::last_read(path));
    let cards = world.cards.iter().filter_map(|c| Some((c.label.clone(), vec![card(&c.label)?])));
    let drives = world.drives.iter().filter_map(|d| Some((d.label.clone(), vec![drive(d.path.as_deref()?)])));
    cards.chain(drives).collect()
}

/// Read errors of the cards of a label by the drive whose records know most of them.
#[must_use]
pub fn most_errors(drives: &[&Path], label: &str) -> Option<CardErrors> {
    drives.iter().filter_map(|drive| backup::card_errors(drive, label)).max_by_key(|errors| errors.files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::complaints::Complaints;

    fn of(kernel: Option<Complaints>, smart: Option<Result<Smart, String>>) -> Vec<(Level, String)> {
        let health = Health { label: "SD".into(), kernel, smart };
        of_device(&health).into_iter().map(|fact| (fact.level, fact.words)).collect()
    }

    #[test]
    fn what_is_not_known_is_never_good() {
        assert_eq!(of(None, None), [(Level::Unknown, "errors that the kernel saw are not known".to_owned())]);
        let asleep = of(Some(Complaints::default()), Some(Err("it sleeps\u{1b}".into())));
        let not_known = (Level::Unknown, "own check not known: it sleeps\\u{1b}".to_owned());
        assert_eq!(asleep, [(Level::Good, NO_ERRORS.to_owned()), not_known]);
    }

    #[test]
    fn the_worst_is_said_with_what_to_do() {
        let bad = Complaints { medium_errors: 2, ..Complaints::default() };
        assert_eq!(of(Some(bad), None)[0].0, Level::Warning);
        assert_eq!(of(Some(bad), Some(Ok(Smart::default())))[1], (Level::Bad, "own check FAILED".to_owned()));
        let rotten = of_drive(&Ok(Ages { files: 3, longest_ago: Some(1), rotten: 2, damaged_records: 0 }));
        assert_eq!((rotten.level, rotten.words.as_str()), (Level::Bad, "2 files not as recorded"));
        assert!(rotten.remedy.unwrap().ends_with("piback verify LABEL --repair"));
        let well = of_drive(&Ok(Ages { files: 3, longest_ago: Some(12), ..Ages::default() }));
        assert_eq!(well.words, "All 3 files were read or copied within the last 12 days.");
        assert_eq!((well.level, well.remedy), (Level::Good, None));
        let gone = of_drive(&Err(anyhow::anyhow!("PHOTOS: I/O error")));
        assert_eq!((gone.level, gone.words.as_str()), (Level::Unknown, "PHOTOS: I/O error"));
    }

    #[test]
    fn an_answer_of_cards_is_read_and_another_is_nothing() {
        let text = r#"{"volumes":[{"device":"/dev/sda1","facts":[{"name":"smart","level":"bad","words":"own check FAILED","remedy":null}]},
            {"device":"/dev/sdb1"},{"facts":[]}]}"#;
        let facts = of_answer(&serde_json::from_str(text).unwrap());
        assert_eq!((facts.len(), facts["sda1"][0].level), (1, Level::Bad));
        assert!(of_answer(&Value::Null).is_empty());
    }
}
