//! `backup`: from the card and the drives to the accounts. The card is read once, whatever the number of drives.

use super::account::Account;
use super::card_seen::CardSeen;
use super::endpoints::{self, Endpoints, any_or_first_error};
use super::events::{Event, OfDrive, Tally, Watch};
use super::on_drive::{OnDrive, Options};
use super::passes;
use super::scan::Card;
use crate::profile::Copies;
use crate::ui::visible;
use std::path::PathBuf;

/// The end of a backup.
#[derive(Debug)]
pub struct Backed {
    /// The drives in the order in which they were named; an error where one could not be used at all.
    pub drives: Vec<(PathBuf, anyhow::Result<Account>)>,
    /// Files that every drive that could be used had before.
    pub already: Tally,
    /// Number of the drives that a photo must be on.
    pub copies: Copies,
}

impl Backed {
    /// Tells whether all of the card is on every drive.
    #[must_use]
    pub fn all_safe(&self) -> bool {
        self.drives.iter().all(|(_, account)| account.as_ref().is_ok_and(Account::all_safe))
    }

    /// Tells whether all of the card is on as many drives as it must be.
    #[must_use]
    pub fn fulfilled(&self) -> bool {
        let have = self.drives.iter().filter(|(_, account)| account.as_ref().is_ok_and(Account::all_safe));
        self.copies.enough(have.count(), self.drives.len())
    }

    /// The account of the first drive that all of the card is on.
    #[must_use]
    pub fn safe_one(&self) -> Option<&Account> {
        self.drives.iter().filter_map(|(_, account)| account.as_ref().ok()).find(|one| one.all_safe())
    }

    /// Tells whether the card shows no files at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.drives.iter().filter_map(|(_, account)| account.as_ref().ok()).all(|one| one.card.files == 0)
    }
}

/// Backs up a card to all drives at once. Whatever goes wrong with single files, or with one of several drives, is in
/// the accounts; no drive is ever left with an incomplete file under a final name.
///
/// # Errors
/// When the run can't begin on any drive: an end is missing, locked, or not what it should be. Nothing was written then.
pub fn backup(all: &[Endpoints], options: Options, watch: &dyn Watch) -> anyhow::Result<Backed> {
    let named: Vec<OfDrive<'_>> =
        all.iter().map(|ends| OfDrive { watch, drive: visible(&ends.dest.to_string_lossy()) }).collect();
    let (card, mut source, opened) = endpoints::open(all)?;
    watch.event(Event::Scanned(Tally { files: card.files.len() as u64, bytes: card.bytes() }));
    let mut seen = CardSeen::new(all.len());
    let mut runs: Vec<anyhow::Result<OnDrive<'_>>> = opened
        .into_iter()
        .zip(all.iter().zip(&named))
        .map(|(opened, (ends, named))| {
            let watch: &dyn Watch = if all.len() > 1 { named } else { watch };
            OnDrive::look(ends, opened?, (&card, &mut source, &mut seen), options, watch)
        })
        .collect();
    drop(seen);
    tell_of_one_disk(&mut runs, &named);
    let already = already_safe(&card, &runs);
    for run in &mut runs {
        let begun = match run {
            Ok(run) if !run.is_lost() => run.begin(&card),
            _ => Ok(()),
        };
        if let Err(error) = begun {
            *run = Err(error);
        }
    }
    let accounts = if options.cascade {
        passes::two(&card, &mut source, runs)
    } else {
        passes::one(&card, &mut source, runs)
    };
    let drives = all.iter().map(|ends| ends.dest.clone()).zip(accounts).collect();
    Ok(Backed { drives: any_or_first_error(drives)?, already, copies: Copies::All })
}

/// Says of drives that are lost together that they are one copy.
fn tell_of_one_disk(runs: &mut [anyhow::Result<OnDrive<'_>>], named: &[OfDrive<'_>]) {
    for at in 1..runs.len() {
        let (before, rest) = runs.split_at_mut(at);
        let Some(Ok(run)) = rest.first_mut() else { continue };
        let same = |other: &anyhow::Result<OnDrive<'_>>| {
            other.as_ref().is_ok_and(|other| run.drive.root.shares_with(&other.drive.root).is_some())
        };
        if let Some(first) = before.iter().position(same) {
            let (this, other) = (&named[at].drive, &named[first].drive);
            run.account.notes.push(format!("{this} and {other} are one disk: lost together, one copy"));
        }
    }
}

/// Files that every usable drive has already.
fn already_safe(card: &Card, runs: &[anyhow::Result<OnDrive<'_>>]) -> Tally {
    let mut safe = vec![true; card.files.len()];
    for file in runs.iter().flatten().flat_map(OnDrive::lacks) {
        safe[file as usize] = false;
    }
    let mut tally = Tally::default();
    card.files.iter().zip(safe).filter(|(_, safe)| *safe).for_each(|(file, _)| tally.add(file.size));
    tally
}
