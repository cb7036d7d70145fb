//! Units, acted on and put back.

use crate::provision::components::{self, forwarding, hostapd, ifupdown, nat, networkmanager};
use crate::provision::desired::expected::Expected;
use crate::provision::host::addresses;
use crate::provision::host::systemd::{self, JobMode, UnitState, last_words, no_reload, reload, systemctl};
use crate::provision::resources::kernel;
use crate::provision::resources::unit::change::{Act, UnitChange};
use crate::provision::resources::unit::quirks;
use crate::system::Host;
use crate::system::run::Tool;
use std::collections::BTreeMap;

/// Stops what a plan takes away, while the files are still there that say how. `last` is what was in force.
///
/// # Errors
/// When one can't be stopped.
pub fn release(
    host: &dyn Host,
    units: &[UnitChange],
    last: Option<&Expected>,
    progress: &dyn Fn(&str),
) -> anyhow::Result<()> {
    let leaving = |u: &&UnitChange| u.act == Act::Stop && host.is_live() && !u.name.is_empty();
    let leaving: Vec<&UnitChange> = units.iter().filter(leaving).collect();
    if leaving.is_empty() {
        return Ok(());
    }
    leaving.iter().for_each(|change| progress(&change.steps()));
    host.run(&no_reload("disable").arg("--now").args(names(leaving.iter().copied())))?;
    if leaving.iter().any(|u| *u.component == nat::COMPONENT && !u.before.is_running()) {
        quirks::clear_chains(host);
    }
    let access_point = leaving.iter().any(|u| *u.component == hostapd::COMPONENT);
    if let Some(Expected { radio, address, prefix, .. }) = last.filter(|_| access_point) {
        // Whoever gets the radio back gets it without.
        addresses::take_off(host, radio, &format!("{address}/{prefix}"));
    }
    Ok(())
}

/// Unmasks and enables what has to be so before units start, for all of them at once. systemd reads its files once: left
/// to itself it does so after every single step, and that takes seconds on a small Pi.
///
/// # Errors
/// When systemctl refuses.
pub fn unmask_and_enable(host: &dyn Host, units: &[UnitChange]) -> anyhow::Result<()> {
    if units.is_empty() {
        return Ok(());
    }
    let masked = names(units.iter().filter(|u| u.unmask));
    if !masked.is_empty() {
        host.run(&no_reload("unmask").args(masked))?;
    }
    let off = names(units.iter().filter(|u| u.enable));
    if !off.is_empty() {
        host.run(&no_reload("enable").args(off))?;
    }
    host.run(&reload())?;
    Ok(())
}

/// The state that was in force before, as far as a unit that leaves needs it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Past<'a> {
    /// The kernel's `net.ipv4.ip_forward` before piback.
    pub ip_forward: Option<&'a str>,
    /// The radio of the last generation; empty if there is none.
    pub radio: &'a str,
}

/// Starts, restarts or reloads one unit.
///
/// # Errors
/// When it fails, with what the unit said.
pub fn activate(host: &dyn Host, change: &UnitChange, jobs: JobMode, past: Past<'_>) -> anyhow::Result<()> {
    let leaves = change.input.is_empty();
    if *change.component == forwarding::COMPONENT && leaves {
        host.run(&kernel::set(past.ip_forward.unwrap_or("0")))?;
    }
    if *change.component == ifupdown::COMPONENT {
        return quirks::bring_up(host, change, jobs);
    }
    let verb = match change.act {
        Act::None | Act::Stop | Act::Forget => return Ok(()),
        Act::Start => "start",
        Act::Restart => "restart",
        Act::Reload => "reload",
    };
    if *change.component == networkmanager::COMPONENT {
        quirks::before_networkmanager(host, leaves, jobs, past.radio)?;
    }
    let done = host.run(&systemctl(jobs).args([verb, &change.name]));
    done.map(|_| ()).map_err(|e| {
        anyhow::Error::new(e).context(format!("{} said: {}", change.name, last_words(host, &change.name)))
    })
}

/// Notes what a unit was last started with.
pub fn note(activated: &mut BTreeMap<String, String>, change: &UnitChange) {
    let key = change.component.key;
    match change.act {
        _ if change.input.is_empty() => _ = activated.remove(key),
        Act::None => {}
        _ => _ = activated.insert(key.to_owned(), change.input.clone()),
    }
}

/// Tells whether all of ours that are to run are installed.
///
/// # Errors
/// When systemd can't say.
pub fn can_run(host: &dyn Host, units: &[UnitChange]) -> anyhow::Result<bool> {
    let now = systemd::states(host, &components::units())?;
    let ours = units.iter().filter(|u| u.component.is_enabled_by_us() && u.act != Act::Stop);
    Ok(ours.filter_map(|u| u.component.unit()).all(|name| now.get(name).is_some_and(UnitState::exists)))
}

/// First half of an undo, while the new files are there: what did not run before is stopped, and does not start at
/// boot if it did not before. Says what failed.
#[must_use]
pub fn deactivate(host: &dyn Host, units: &[UnitChange], jobs: JobMode) -> Vec<String> {
    let (now, mut remains) = match systemd::states(host, &components::units()) {
        Ok(now) => (Some(now), Vec::new()),
        // Stopped unseen: when the files are back nothing can stop them properly any more.
        Err(e) => (None, vec![format!("{e:#}")]),
    };
    // A unit whose package never came can be neither stopped nor disabled; one that was never touched is left alone:
    // sysctl's and NetworkManager's own state is theirs.
    let touched = |u: &&UnitChange| u.component.is_enabled_by_us() && u.act != Act::Stop;
    let there =
        |u: &&UnitChange| now.as_ref().is_none_or(|now| now.get(&u.name).is_some_and(UnitState::exists));
    let ours: Vec<&UnitChange> = units.iter().rev().filter(touched).filter(there).collect();
    let started = names(ours.iter().copied().filter(|u| !u.before.is_running()));
    let enabled = names(ours.iter().copied().filter(|u| u.before.is_off() && u.enable));
    remains.extend(each(host, &systemctl(jobs).arg("stop"), &started));
    // systemd reads its files again when the old ones are back.
    remains.extend(each(host, &no_reload("disable"), &enabled));
    remains
}

/// Second half of an undo, when the old files are back: what ran before runs with them again. Says what failed.
#[must_use]
pub fn reactivate(host: &dyn Host, units: &[UnitChange], jobs: JobMode) -> Vec<String> {
    if units.is_empty() {
        return Vec::new();
    }
    let off_now = |u: &&UnitChange| u.act == Act::Stop && !u.name.is_empty() && !u.before.is_off();
    let mut remains = each(host, &no_reload("enable"), &names(units.iter().filter(off_now)));
    let again = units.iter().filter_map(|change| match change.component.unit() {
        None => quirks::bring_up_again(change, jobs),
        Some(name) if change.before.is_running() && change.act != Act::None => {
            let verb = if change.component.reloads() { "reload" } else { "restart" };
            Some(systemctl(jobs).args([verb, name]))
        }
        Some(_) => None,
    });
    let tools: Vec<Tool> = [reload()].into_iter().chain(again).collect();
    remains.extend(failures(host, &tools));
    remains
}

/// Masks again what was masked: the last step, since what runs although it is masked can't be restarted any more. Says
/// what failed.
#[must_use]
pub fn mask_again(host: &dyn Host, units: &[UnitChange]) -> Vec<String> {
    let masked = names(units.iter().filter(|u| u.before.is_masked() && u.unmask));
    each(host, &systemctl(JobMode::Wait).arg("mask"), &masked)
}

/// One call for all units; where that fails one for each, so that it is known what remains.
fn each(host: &dyn Host, tool: &Tool, names: &[&str]) -> Vec<String> {
    if names.is_empty() || host.run(&tool.clone().args(names)).is_ok() {
        return Vec::new();
    }
    let singly: Vec<Tool> = names.iter().map(|name| tool.clone().arg(*name)).collect();
    failures(host, &singly)
}

fn failures(host: &dyn Host, tools: &[Tool]) -> Vec<String> {
    tools.iter().filter_map(|tool| host.run(tool).err()).map(|e| e.to_string()).collect()
}

fn names<'a>(units: impl IntoIterator<Item = &'a UnitChange>) -> Vec<&'a str> {
    units.into_iter().map(|u| u.name.as_str()).collect()
}
