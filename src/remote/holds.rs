//! Looks whether a remote has all of a card; sends nothing, writes nothing.

use super::account::{Sent, Stopped, To};
use super::look::{self, Found};
use super::record;
use crate::backup::events::Watch;
use crate::backup::label::Label;
use crate::backup::offers::{Content, Offers};
use anyhow::Context as _;
use std::collections::HashSet;

/// Asks the remote for the hash of each of these contents, and of all that a drive's records have of a label, and holds it
/// against what was recorded when it went. Of what it has no hash of the size alone is known now, whatever was known then:
/// unless it is fetched, with `read_back`.
///
/// # Errors
/// When the drive or its records can't be read. What goes wrong with the remote is in the result.
pub fn holds(to: &To<'_>, label: &Label, contents: &[Content], watch: &dyn Watch) -> anyhow::Result<Sent> {
    let drive = &to.rclone.drive;
    let offers = Offers::open(drive)?.list();
    let of_label = offers.iter().filter(|offer| offer.label == *label).map(|offer| offer.content);
    let all: HashSet<Content> = contents.iter().copied().chain(of_label).collect();
    let known = record::known(drive, to.name, &to.rclone.to).context("the record of what was sent")?;
    let mut sent = Sent::default();
    all.iter().for_each(|content| sent.all.add(content.size));
    let stop = || watch.stop_requested();
    let there = look::abilities(to.rclone, &stop)
        .and_then(|abilities| look::everything(to.rclone, abilities.sum, &stop));
    let there = match there {
        Ok(there) => there,
        Err(trouble) => {
            sent.stopped = Some(Stopped::of(trouble, stop()));
            return Ok(sent);
        }
    };
    for content in &all {
        let Some(known) = known.get(content) else { continue };
        let mut found = look::compare(there.get(&known.name), content.size, known.hash());
        if found == Found::SameSize && to.read_back {
            found = match look::read_back(to.rclone, &known.name, *content, &stop) {
                Ok(found) => found,
                Err(trouble) => {
                    sent.stopped = Some(Stopped::of(trouble, stop()));
                    break;
                }
            };
        }
        match found {
            Found::Same(_) => sent.verified.add(content.size),
            Found::SameSize => sent.size_only.add(content.size),
            Found::Other | Found::Nothing => {}
        }
    }
    Ok(sent)
}
