//! The appliance's memory of the drives of its profile: when each was last there for a card, and how many files went to
//! others since. No proof of anything: it says what a drive that lies at home lacks.

use super::enrolled::{host, lock};
use crate::paths::WAITING;
use crate::system::{FileNode, Host, clock, process, state_dir};
use crate::ui::{files, visible};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Version of the file.
const SCHEMA: u32 = 1;

/// One drive and one card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    pub drive: String,
    pub card: String,
    /// The day of the last run in which the drive was there: `2026-11-23`, by the clock of then.
    pub last: Option<String>,
    /// Files that it lacks since; none where a run did not come to its end.
    pub files: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct List {
    schema: u32,
    waiting: Vec<Waiting>,
}

impl Waiting {
    /// Says what the drive lacks: `not on TRAVEL2 since 2026-11-20, 214 files`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let drive = visible(&self.drive);
        let lacks = self.files.map_or(String::new(), |n| format!(", {}", files(n)));
        match (&self.last, self.files) {
            (Some(last), Some(0)) => format!("nothing new for {drive} since {}", visible(last)),
            (Some(last), _) => format!("not on {drive} since {}{lacks}", visible(last)),
            (None, _) => format!("never on {drive}{lacks}"),
        }
    }
}

/// The numbers of a run that came to its end.
#[derive(Debug, Clone, Copy)]
pub struct Counts {
    pub on_card: u64,
    pub copied: u64,
}

/// Notes before a run that these drives are not there for the card: a run that is killed leaves no number behind, rather
/// than a wrong one. Returns what was known of each, in the same order.
///
/// # Errors
/// The file can't be read or written.
pub fn begin(root: Option<&Path>, card: &str, absent: &[&str]) -> anyhow::Result<Vec<Option<Waiting>>> {
    change(root, |list| {
        let known = |drive: &&str| list.iter().find(|one| one.is(drive, card)).cloned();
        let before: Vec<Option<Waiting>> = absent.iter().map(known).collect();
        for (drive, before) in absent.iter().zip(&before) {
            let last = before.as_ref().and_then(|before| before.last.clone());
            put(list, Waiting { drive: (*drive).to_owned(), card: card.to_owned(), last, files: None });
        }
        before
    })
}

/// Keeps after a run what each absent drive lacks by now, and which were there, with the number of files that they lack
/// all the same. Returns the absent ones.
///
/// # Errors
/// The file can't be read or written.
pub fn end(
    root: Option<&Path>,
    card: &str,
    absent: &[(&str, Option<Waiting>)],
    there: &[(&str, u64)],
    counts: Counts,
) -> anyhow::Result<Vec<Waiting>> {
    let today: String = clock::today().to_string().chars().take(10).collect();
    change(root, |list| {
        for (drive, lacks) in there {
            let (drive, card) = ((*drive).to_owned(), card.to_owned());
            put(list, Waiting { drive, card, last: Some(today.clone()), files: Some(*lacks) });
        }
        let mut all = Vec::new();
        for (drive, before) in absent {
            let files = match before {
                None => Some(counts.on_card),
                Some(before) => before.files.map(|files| files.saturating_add(counts.copied)),
            };
            let last = before.as_ref().and_then(|before| before.last.clone());
            let now = Waiting { drive: (*drive).to_owned(), card: card.to_owned(), last, files };
            put(list, now.clone());
            all.push(now);
        }
        all
    })
}

impl Waiting {
    fn is(&self, drive: &str, card: &str) -> bool {
        self.drive == drive && self.card == card
    }
}

fn put(list: &mut Vec<Waiting>, new: Waiting) {
    list.retain(|one| !one.is(&new.drive, &new.card));
    list.push(new);
}

/// Reads the list, changes it and writes it, under the lock of the list of drives.
fn change<T>(root: Option<&Path>, change: impl FnOnce(&mut Vec<Waiting>) -> T) -> anyhow::Result<T> {
    let host = host(root)?;
    state_dir::make(&host, &[])?;
    let _lock = lock(&host)?;
    // A memory that can't be read any more is lost, and begins anew.
    let text = host.read_followed(WAITING).context(WAITING)?.unwrap_or_default();
    let list: Option<List> = serde_json::from_slice(&text).ok();
    let mut waiting = list.filter(|list| list.schema == SCHEMA).map_or(Vec::new(), |list| list.waiting);
    let result = change(&mut waiting);
    let bytes = super::drives::text(&List { schema: SCHEMA, waiting }).into_bytes();
    let file = FileNode { bytes, mode: 0o644, uid: process::user(), gid: process::group() };
    host.write(WAITING, &file).with_context(|| format!("{WAITING} can't be written"))?;
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drive_that_stays_away_lacks_more_with_every_run() {
        let root = tempfile::tempdir().unwrap();
        let root = Some(root.path());
        let run = |absent: &[&str], there: &[(&str, u64)], on_card, copied| {
            let before = begin(root, "SD", absent).unwrap();
            let absent: Vec<_> = absent.iter().copied().zip(before).collect();
            let ended = end(root, "SD", &absent, there, Counts { on_card, copied }).unwrap();
            ended.iter().map(Waiting::sentence).collect::<Vec<_>>()
        };
        assert_eq!(run(&["B"], &[("A", 0)], 200, 14), ["never on B, 200 files"]);
        assert!(run(&[], &[("A", 0), ("B", 0)], 200, 200).is_empty());
        let day: String = clock::today().to_string().chars().take(10).collect();
        assert_eq!(run(&["B"], &[("A", 0)], 200, 0), [format!("nothing new for B since {day}")]);
        assert_eq!(run(&["B"], &[("A", 0)], 210, 10), [format!("not on B since {day}, 10 files")]);
        assert_eq!(run(&["B"], &[("A", 0)], 1, 1), [format!("not on B since {day}, 11 files")]);
        // A run that is killed knows no number any more, and nor does the one after it; another card is its own.
        begin(root, "SD", &["B"]).unwrap();
        assert_eq!(run(&["B"], &[("A", 0)], 9, 1), [format!("not on B since {day}")]);
        assert_eq!(begin(root, "OTHER", &["B"]).unwrap(), [None]);
        run(&[], &[("A", 0), ("B", 2)], 9, 1);
        assert_eq!(run(&["B"], &[("A", 0)], 9, 1), [format!("not on B since {day}, 3 files")]);
    }
}
