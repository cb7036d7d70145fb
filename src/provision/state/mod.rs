//! Records of piback's, below `/var/lib/piback` (0700): the originals, one record a generation, what was activated.
//!
//! ```text
//! originals/index.json      what stood at each path before piback came, kept for ever
//! originals/index-copy.json the same once more, both with a checksum
//! originals/files/…         the bytes of those that were files
//! generations/000001.json   what an apply put there: bodies with gaps for secrets, no secret itself
//! activated.json            for each unit, a hash of the files that it was last started with
//! lock                      held by the one process that changes the host
//! ```

pub mod generations;
pub mod json;
pub mod originals;

use crate::error::Problem;
use crate::paths::{ACTIVATED, INTENT, STATE};
use crate::provision::desired::artifact::Artifact;
use crate::provision::host::clock;
use crate::provision::state::generations::Generation;
use crate::provision::state::json::{read_json, schema, write_json};
use crate::provision::state::originals::{Original, Originals};
use crate::system::{Host, Node};
use anyhow::Context;
use std::collections::BTreeMap;

/// The best guess at what time it is; a record that can't be read tells none.
#[must_use]
pub fn moment(host: &dyn Host) -> i64 {
    let recorded = State::read(host).ok().and_then(|state| state.last).map(|last| last.time);
    clock::likely(host.now(), recorded)
}

/// The state directory, read once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    pub originals: Originals,
    pub last: Option<Generation>,
    pub activated: BTreeMap<String, String>,
}

impl State {
    /// Reads it; an absent state is an empty one.
    ///
    /// # Errors
    /// When a file can't be read or makes no sense, or all records are gone: then nothing can be trusted, and nothing is
    /// changed.
    pub fn read(host: &dyn Host) -> anyhow::Result<Self> {
        let last = match generations::numbers(host)?.last() {
            Some(number) => Some(generations::read(host, *number)?),
            None => None,
        };
        let (originals, _) = originals::read(host)?;
        let schemas = [Some(originals.schema).filter(|s| *s != 0), last.as_ref().map(|l| l.schema)];
        if let Some(other) = schemas.into_iter().flatten().find(|s| *s != schema()) {
            return Err(Problem::failed(format!("{STATE} was written by another piback (form {other})"))
                .hint("use that one, or a newer one")
                .into());
        }
        if last.is_none() && is_record_lost(host, &originals)? {
            return Err(Problem::failed(LOST).hint("type: sudo piback rollback --original").into());
        }
        Ok(State { originals, last, activated: read_json(host, ACTIVATED)?.unwrap_or_default() })
    }

    /// For going back to the originals: the newest record, or, where it can't be read, what the originals say that piback
    /// took. Says what was passed over.
    ///
    /// # Errors
    /// When the originals themselves can't be read: then there is nothing to go back to.
    pub fn read_for_originals(host: &dyn Host) -> anyhow::Result<(Self, Vec<String>)> {
        let (originals, note) = originals::read(host)?;
        let mut notes = Vec::from_iter(note);
        let numbers = generations::numbers(host)?;
        let mut last = numbers.last().map(|number| {
            generations::read(host, *number).unwrap_or_else(|e| {
                // An older record would not know what the newest apply took; the originals know all that was ever taken.
                notes.push(format!("passed over: {e:#}"));
                Generation::from_originals(&originals, *number)
            })
        });
        if last.is_none() && is_record_lost(host, &originals)? {
            notes.push(format!("{LOST}: going by the originals"));
            last = Some(Generation::from_originals(&originals, 0));
        }
        let activated = read_json(host, ACTIVATED).unwrap_or_else(|e| {
            notes.push(format!("passed over: {e:#}"));
            None
        });
        Ok((State { originals, last, activated: activated.unwrap_or_default() }, notes))
    }

    /// The original that comes back at a path; `None` when nothing was ever kept of it.
    #[must_use]
    pub fn original(&self, path: &str) -> Option<&Original> {
        self.originals.paths.get(path).and_then(|kept| kept.last())
    }

    /// The artifacts that are in place by piback's hand.
    #[must_use]
    pub fn owned(&self) -> &[Artifact] {
        self.last.as_ref().map_or(&[], |last| &last.artifacts)
    }
}

/// The sentence for originals without a record of who took their place.
const LOST: &str = "what piback put here is not on record any more, what stood here before is";

/// Tells whether piback took paths and no record says so: every record is gone, or a first apply was cut off and its
/// intent is lost. The way back to the originals leaves a record, and a first apply that is open has its intent.
fn is_record_lost(host: &dyn Host, originals: &Originals) -> anyhow::Result<bool> {
    if originals.paths.is_empty() || !generations::numbers(host)?.is_empty() {
        return Ok(false);
    }
    let intent = host.read(INTENT).with_context(|| format!("{INTENT} can't be looked at"))?;
    Ok(intent == Node::Absent)
}

/// Notes what an activation was last done with.
///
/// # Errors
/// When it can't be written.
pub fn write_activated(host: &dyn Host, activated: &BTreeMap<String, String>) -> anyhow::Result<()> {
    write_json(host, ACTIVATED, activated)
}
