//! The change that would be made, a value: `plan` shows it, `apply` carries it out, `--check` asks whether it is empty.

mod moved;
pub mod prepare;
pub mod saved;
pub mod trust;

use crate::profile::Profile;
use crate::profile::types::{Passphrase, Subnet};
use crate::provision::components::{self, control};
use crate::provision::desired::Desired;
use crate::provision::desired::artifact::Artifact;
use crate::provision::desired::expected::Expected;
use crate::provision::host::facts::{Facts, Stack};
use crate::provision::resources::account::AccountChange;
use crate::provision::resources::file::change::{Action, FileChange};
use crate::provision::resources::rule::RuleChange;
use crate::provision::resources::unit::change::UnitChange;
use crate::provision::resources::{account, file, package, rule, unit};
use crate::provision::state::State;
use crate::provision::state::originals::Original;
use crate::system::Host;
use std::collections::BTreeMap;

/// Every change, in the order in which apply makes them: files, packages, accounts, units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub stack: Option<Stack>,
    /// It was named (`--stack`), and not just found.
    pub stack_named: bool,
    pub made_by: String,
    pub radio: String,
    pub passphrase_file: Option<String>,
    pub chosen: Option<Subnet>,
    pub restored: Option<u32>,
    pub files: Vec<FileChange>,
    /// Files that are as they shall be though no record says that they are piback's: taken over as they are.
    pub adopted: Vec<(String, Original)>,
    /// Directories that have to be made first.
    pub dirs: Vec<String>,
    /// Directories that piback made and that go when they are empty.
    pub old_dirs: Vec<String>,
    pub packages: Vec<String>,
    pub accounts: Vec<AccountChange>,
    pub units: Vec<UnitChange>,
    /// Rules of a set-up by hand that leave the kernel, or come back to it.
    pub rules: Vec<RuleChange>,
    pub notes: Vec<String>,
    /// The files that will be on record; compared with the last record, so that a lost or older one is written anew.
    pub artifacts: Vec<Artifact>,
    pub hashes: BTreeMap<String, String>,
    /// The record that this plan follows; apply refuses when another one came in between.
    pub follows: Option<u32>,
    record_differs: bool,
}

impl Plan {
    /// Tells whether apply would do nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
            && self.packages.is_empty()
            && self.accounts.is_empty()
            && self.units.is_empty()
            && self.rules.is_empty()
            && !self.record_differs
    }

    /// Counts for people: "3 new, 1 changed".
    #[must_use]
    pub fn summary(&self) -> String {
        let count = |action| self.files.iter().filter(|f| f.action == action).count();
        let several = |n: usize, one: &str, many: &str| match n {
            0 => None,
            1 => Some(format!("1 {one}")),
            n => Some(format!("{n} {many}")),
        };
        let parts: Vec<String> = [
            several(count(Action::New), "new file", "new files"),
            several(count(Action::Change), "changed", "changed"),
            several(count(Action::Mode), "mode", "modes"),
            several(count(Action::Remove), "removed", "removed"),
            several(count(Action::Restore), "restored", "restored"),
            several(self.packages.len(), "package", "packages"),
            several(self.accounts.len(), "account step", "account steps"),
            several(self.units.len(), "unit", "units"),
            several(self.rules.len(), "rule", "rules"),
        ]
        .into_iter()
        .flatten()
        .collect();
        match (parts.is_empty(), self.record_differs) {
            (true, false) => "Nothing to do.".into(),
            (true, true) => "The files are right; only piback's own record is missing.".into(),
            _ => format!("{}.", parts.join(", ")),
        }
    }
}

/// Compares the host's files with what they shall be. Packages, accounts, units and rules are added where the host is
/// live: by [`add_live`], [`add_units`] or [`add_way_back`].
///
/// # Errors
/// When a file can't be read, is none, or has a broken block; all in one go.
pub fn files(host: &dyn Host, desired: &Desired, state: &State) -> anyhow::Result<Plan> {
    let files = file::plan::plan(host, desired, state)?;
    let record_differs = match &state.last {
        Some(last) => {
            last.artifacts != desired.artifacts
                || last.stack != desired.stack
                || last.hashes != files.hashes
                || last.chosen != desired.chosen
        }
        None => !desired.artifacts.is_empty(),
    };
    Ok(Plan {
        stack: desired.stack,
        stack_named: desired.stack_named,
        made_by: desired.made_by.clone(),
        radio: desired.radio.clone(),
        passphrase_file: desired.passphrase_file.clone(),
        chosen: desired.chosen,
        restored: desired.restored,
        files: files.changes,
        adopted: files.adopted,
        dirs: files.dirs,
        old_dirs: files.old_dirs,
        packages: Vec::new(),
        accounts: Vec::new(),
        units: Vec::new(),
        rules: Vec::new(),
        notes: files.notes,
        artifacts: desired.artifacts.clone(),
        hashes: files.hashes,
        // 0 stands for records that are gone.
        follows: state.last.as_ref().map(|last| last.number).filter(|number| *number != 0),
        record_differs,
    })
}

/// Adds packages, accounts, units and rules to the plan of a live host.
///
/// # Errors
/// When the host's tools can't say how things are.
pub fn add_live(
    host: &dyn Host,
    facts: &Facts,
    profile: &Profile,
    share_password: &Passphrase,
    desired: &Desired,
    state: &State,
    plan: &mut Plan,
) -> anyhow::Result<()> {
    plan.packages = package::plan(host, &components::packages(facts, profile))?;
    plan.accounts = account::plan(host, profile, share_password, &state.activated)?;
    let asks = |artifact: &Artifact| artifact.path == control::SOCKET;
    if desired.artifacts.iter().any(asks) {
        plan.accounts.extend(account::plan_group(host)?);
    }
    add_units(host, desired, state, plan)?;
    add_moved(host, &Expected::of(profile, None), desired, state, plan)
}

/// Adds the units of what is not as its files say, though they are up.
fn add_moved(
    host: &dyn Host,
    expected: &Expected,
    desired: &Desired,
    state: &State,
    plan: &mut Plan,
) -> anyhow::Result<()> {
    // Before the first apply nothing is, and every unit acts.
    let (Some(stack), Some(_)) = (desired.stack, &state.last) else { return Ok(()) };
    let moved = moved::look(host, expected, stack);
    let components: Vec<_> = moved.iter().map(|moved| moved.component).collect();
    plan.units = unit::plan::plan(host, desired, state, &plan.files, &components)?;
    plan.notes.extend(moved.into_iter().map(|moved| moved.found));
    Ok(())
}

/// Adds units and rules alone: for going back to a generation, whose packages and accounts are there.
///
/// # Errors
/// When systemd can't say how its units are, or a script can't be read.
pub fn add_units(host: &dyn Host, desired: &Desired, state: &State, plan: &mut Plan) -> anyhow::Result<()> {
    plan.units = unit::plan::plan(host, desired, state, &plan.files, &[])?;
    plan.rules = rule::plan(host, desired, state, &plan.files)?;
    Ok(())
}

/// Adds accounts, units and rules for going back to what was there before piback.
///
/// # Errors
/// As [`add_units`].
pub fn add_way_back(
    host: &dyn Host,
    desired: &Desired,
    state: &State,
    plan: &mut Plan,
) -> anyhow::Result<()> {
    plan.accounts = account::plan_way_back(&state.activated);
    plan.units = unit::plan::plan_way_back(host, state, &plan.files)?;
    plan.rules = rule::plan(host, desired, state, &plan.files)?;
    Ok(())
}
