//! Looks whether a remote has all that a drive has of one label; sends nothing, writes nothing.

use super::account::{Sent, Stopped, To};
use super::look::{self, Found};
use super::record::{self, How};
use super::send::{everything, sum_of};
use crate::backup::events::Watch;
use crate::backup::label::Label;
use crate::backup::offers;
use anyhow::Context as _;
use std::collections::HashSet;

/// Asks the remote for the hash of each file of a label, and holds it against what the drive's record says went there. What
/// was fetched and compared when it went, and of which the remote has no hash, counts by its size.
///
/// # Errors
/// When the drive or its records can't be read. What goes wrong with the remote is in the result.
pub fn holds(to: &To<'_>, label: &Label, watch: &dyn Watch) -> anyhow::Result<Sent> {
    let drive = &to.rclone.drive;
    let mut all = offers::list(drive)?;
    let mut seen = HashSet::new();
    all.retain(|offer| offer.label == *label && seen.insert((offer.hash, offer.size)));
    let known = record::known(drive, to.name, &to.rclone.to).context("the record of what was sent")?;
    let mut sent = Sent::default();
    all.iter().for_each(|offer| sent.all.add(offer.size));
    let stop = || watch.stop_requested();
    let there =
        look::abilities(to.rclone, &stop).and_then(|abilities| everything(to.rclone, abilities.sum, &stop));
    let there = match there {
        Ok(there) => there,
        Err(trouble) => {
            sent.stopped = Some(if stop() { Stopped::Asked } else { Stopped::Trouble(trouble) });
            return Ok(sent);
        }
    };
    for offer in &all {
        let Some(known) = known.get(&(offer.hash, offer.size)) else { continue };
        match (look::compare(there.get(&known.name), offer, sum_of(known)), known.how) {
            (Found::Same(_), _) | (Found::SameSize, How::ReadBack) => sent.verified.add(offer.size),
            (Found::SameSize, How::Hash | How::Size) => sent.size_only.add(offer.size),
            (Found::Other | Found::Nothing, _) => {}
        }
    }
    Ok(sent)
}
