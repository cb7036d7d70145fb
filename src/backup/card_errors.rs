//! The files that cards of a label could not give whole, over all their backups, by what the records of a drive say.

use super::drive::Drive;
use super::label::Label;
use super::manifest::Known;
use crate::ui::{date, files};
use std::collections::HashSet;
use std::path::Path;

/// Read errors of the cards of one label. A card that was formatted or replaced under its label counts with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardErrors {
    /// Files of which a part is missing.
    pub files: u64,
    /// Days on which one was found first.
    pub days: u64,
    /// The latest of these, in days since 1970 by the clock of then.
    pub last: Option<i32>,
}

impl CardErrors {
    /// The fact for people; nothing where all was read.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        let last = date(self.last?);
        let files = files(self.files);
        Some(match self.days {
            1 => format!("{files} of its backups could not be read whole, on {last}"),
            days => format!("{files} of its backups could not be read whole, on {days} days, last on {last}"),
        })
    }
}

/// Counts what cards of this label could not give; nothing where the drive has no backup of one, or its records can't be read.
#[must_use]
pub fn card_errors(drive: &Path, label: &str) -> Option<CardErrors> {
    let runs = Drive::open(drive, Label::new(label).ok()?).ok()?.runs().ok()?;
    let mut is_backed_up = false;
    let (mut files, mut days) = (0, HashSet::new());
    for Known { partial, day, .. } in runs.index.dests() {
        is_backed_up = true;
        if partial {
            files += 1;
            days.insert(day);
        }
    }
    let errors = CardErrors { files, days: days.len() as u64, last: days.into_iter().max() };
    is_backed_up.then_some(errors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_told_where_there_are_several() {
        let of = |files, days, last| CardErrors { files, days, last }.words();
        assert_eq!(of(0, 0, None), None);
        let one = of(2, 1, Some(20_000)).unwrap();
        assert_eq!(one, "2 files of its backups could not be read whole, on 2024-10-04");
        let more = of(3, 2, Some(20_000)).unwrap();
        assert!(more.ends_with("on 2 days, last on 2024-10-04"), "{more}");
    }
}
