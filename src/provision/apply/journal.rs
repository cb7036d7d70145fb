//! The intent, written before the first change: with it an apply that was cut off is finished or undone.
//!
//! ```text
//! journal/intent.json   what will be written, what was there, the record to be made, the phase
//! journal/before-0 …    the bytes of files that were there
//! ```
//!
//! All of it is gone when the apply has ended; until then it is mode 0600 in a 0700 directory.

use crate::paths::{INTENT, JOURNAL, RESERVE, STATE_DIRS};
use crate::provision::host::addresses;
use crate::provision::plan::Plan;
use crate::provision::probe::baseline::Baseline;
use crate::provision::resources::file::run::{self, Before};
use crate::provision::resources::kernel;
use crate::provision::resources::rule::RuleChange;
use crate::provision::resources::unit::change::UnitChange;
use crate::provision::state::State;
use crate::provision::state::generations::Generation;
use crate::provision::state::json;
use crate::provision::state::originals::Originals;
use crate::system::{FileNode, HALF_WRITTEN, Host, Node, state_dir};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The point that an apply has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Files are being written: undone if cut off here.
    Writing,
    /// All files are there: finished if cut off here.
    Written,
    /// All is done and on record, but undone unless it is confirmed.
    Provisional,
    /// It is being undone: whatever happens, it goes on being undone.
    Undoing,
}

/// The intent of an apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    pub schema: u32,
    pub phase: Phase,
    pub files: Vec<Before>,
    /// For each of them, what it will be: SHA-256 of the bytes, or nothing where no file will be.
    pub after: Vec<Option<String>>,
    /// Directories that are made, the upper ones first.
    pub dirs: Vec<String>,
    /// Directories that are removed if empty, the lower ones first.
    pub old_dirs: Vec<String>,
    /// The originals as they were: an apply that is undone has seen nothing.
    pub originals: Originals,
    /// Units that are acted on, and how they were.
    pub units: Vec<UnitChange>,
    /// Rules of a set-up by hand that leave the kernel, or come back to it.
    #[serde(default)]
    pub rules: Vec<RuleChange>,
    /// The hash of what each unit had last been started with.
    pub activated: BTreeMap<String, String>,
    /// The kernel's `net.ipv4.ip_forward` as it was; none on a tree.
    pub ip_forward: Option<String>,
    /// True where somebody has to confirm, or all of it is undone.
    pub confirm: bool,
    /// Until when, in seconds since boot; none until everything is done.
    pub deadline: Option<u64>,
    /// The radio's IPv4 addresses before the first change.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// The probes that held before the first change; none on a tree.
    #[serde(default, rename = "held")]
    pub baseline: Option<Baseline>,
    pub record: Generation,
}

/// Writes the intent of a plan.
///
/// # Errors
/// When it can't be written; nothing was changed then.
pub fn begin(
    host: &dyn Host,
    plan: &Plan,
    state: &State,
    confirm: bool,
    baseline: Option<Baseline>,
    record: Generation,
) -> anyhow::Result<Intent> {
    state_dir::make(host, &[JOURNAL])?;
    reserve(host, plan)?;
    let mut files = Vec::new();
    for (index, change) in plan.files.iter().enumerate() {
        files.push(Before::keep(host, change, format!("{JOURNAL}/before-{index}"))?);
    }
    let intent = Intent {
        schema: json::schema(),
        phase: Phase::Writing,
        files,
        after: plan.files.iter().map(run::hash_after).collect(),
        dirs: plan.dirs.clone(),
        old_dirs: plan.old_dirs.clone(),
        originals: state.originals.clone(),
        units: plan.units.clone(),
        rules: plan.rules.clone(),
        activated: state.activated.clone(),
        ip_forward: kernel::look(host)?,
        confirm,
        deadline: None,
        addresses: addresses::addresses(host, &record.radio),
        baseline,
        record,
    };
    json::write_json(host, INTENT, &intent)?;
    Ok(intent)
}

/// Room on the disk for putting everything back, taken before the first change and given back by [`undoing`].
fn reserve(host: &dyn Host, plan: &Plan) -> anyhow::Result<()> {
    const FOR_RECORDS: usize = 64 * 1024;
    let bytes = plan.files.iter().map(run::room_before).sum::<usize>() + FOR_RECORDS;
    // Not zeros: a file system that compresses would take no room for them.
    let bytes = (0..bytes).map(|n| (n.wrapping_mul(2_654_435_761) >> 7) as u8).collect();
    host.write(RESERVE, &FileNode { bytes, mode: 0o600, uid: 0, gid: 0 })
        .context("there is no room on the disk to put things back if something fails; nothing was changed")
}

/// Notes that all files are there: from here on the apply is finished, not undone.
///
/// # Errors
/// When it can't be written.
pub fn written(host: &dyn Host, intent: &mut Intent) -> anyhow::Result<()> {
    intent.phase = Phase::Written;
    json::write_json(host, INTENT, intent)
}

/// Notes that all is done, and waits for a confirmation.
///
/// # Errors
/// When it can't be written.
pub fn provisional(host: &dyn Host, intent: &mut Intent, seconds: u64) -> anyhow::Result<()> {
    intent.phase = Phase::Provisional;
    intent.deadline = Some(host.uptime() + seconds);
    json::write_json(host, INTENT, intent)
}

/// Notes that it is being undone, with the room that was reserved for that.
///
/// # Errors
/// When it can't be written.
pub fn undoing(host: &dyn Host, intent: &mut Intent) -> anyhow::Result<()> {
    host.remove(RESERVE).with_context(|| format!("{RESERVE} can't be removed"))?;
    intent.phase = Phase::Undoing;
    json::write_json(host, INTENT, intent)
}

/// The intent of an apply that did not end; `None` when all ended.
///
/// # Errors
/// When it can't be read.
pub fn open(host: &dyn Host) -> anyhow::Result<Option<Intent>> {
    json::read_json(host, INTENT)
}

/// Looks whether anything of a journal is there: an intent, or what was kept for one.
///
/// # Errors
/// When it can't be looked at.
pub fn is_there(host: &dyn Host) -> anyhow::Result<bool> {
    Ok(host.read(JOURNAL).with_context(|| format!("{JOURNAL} can't be looked at"))? != Node::Absent)
}

/// Removes half-written files that a killed process left beside their final names.
///
/// # Errors
/// When one can't be removed.
pub fn sweep(host: &dyn Host, intent: Option<&Intent>) -> anyhow::Result<()> {
    let mut dirs: Vec<&str> = STATE_DIRS.to_vec();
    let paths = intent.iter().flat_map(|intent| &intent.files).map(Before::path);
    dirs.extend(paths.filter_map(|path| path.rsplit_once('/').map(|(dir, _)| dir)));
    dirs.sort_unstable();
    dirs.dedup();
    for dir in dirs {
        for name in host.list(dir).with_context(|| format!("{dir} can't be read"))? {
            if name.starts_with('.') && name.ends_with(HALF_WRITTEN) {
                host.remove(&format!("{dir}/{name}"))
                    .with_context(|| format!("{dir}/{name} can't be removed"))?;
            }
        }
    }
    Ok(())
}

/// Takes the journal away: the intent first, so that its files are never missed.
///
/// # Errors
/// When something of it can't be removed.
pub fn end(host: &dyn Host) -> anyhow::Result<()> {
    let gone = |path: &str| host.remove(path).with_context(|| format!("{path} can't be removed"));
    gone(INTENT)?;
    for name in host.list(JOURNAL).with_context(|| format!("{JOURNAL} can't be read"))? {
        gone(&format!("{JOURNAL}/{name}"))?;
    }
    host.remove_dir(JOURNAL).with_context(|| format!("{JOURNAL} can't be removed"))?;
    Ok(())
}

/// The words for an apply that was cut off.
#[must_use]
pub fn notice(intent: &Intent) -> String {
    // A tree that `--root` names may come from anybody.
    let made_by = crate::ui::visible(&intent.record.made_by);
    if intent.phase == Phase::Provisional {
        return format!("{made_by} waits for `piback confirm`, or is undone");
    }
    if intent.phase == Phase::Undoing {
        return format!("{made_by} is not undone completely; `piback rollback` goes on with it");
    }
    format!(
        "{made_by} was cut off {}; `piback apply` finishes it, `piback rollback` undoes it ({JOURNAL})",
        match intent.phase {
            Phase::Writing => "while it wrote files",
            Phase::Written | Phase::Provisional | Phase::Undoing => "after its files were written",
        }
    )
}
