//! Makes a live host use its files: packages, the share's user, units. On a tree there is nothing to do.

use crate::error::Problem;
use crate::profile::types::Passphrase;
use crate::provision::apply::journal::Intent;
use crate::provision::apply::{Hands, stop_if_asked};
use crate::provision::catalog::{self, Activation};
use crate::provision::desired::expected::Expected;
use crate::provision::host::addresses;
use crate::provision::host::systemd;
use crate::provision::host::systemd::{JobMode, UnitState, last_words, no_reload, reload, systemctl};
use crate::provision::plan::Plan;
use crate::provision::probe::{self, baseline};
use crate::provision::resources::rule;
use crate::provision::resources::unit::quirks;
use crate::provision::state;
use crate::provision::state::State;
use crate::provision::units::{AccountChange, Act, PASSWORD_MARK, UnitChange};
use crate::provision::validate;
use crate::system::Host;
use crate::system::run::Tool;
use anyhow::Context;
use std::time::Duration;

/// Stops what a plan takes away, while the files are still there that say how.
///
/// # Errors
/// When one can't be stopped.
pub fn stop_leaving(host: &dyn Host, plan: &Plan, state: &State, say: &dyn Fn(&str)) -> anyhow::Result<()> {
    let leaving = |u: &&UnitChange| u.act == Act::Stop && host.is_live() && !u.name.is_empty();
    let leaving: Vec<&UnitChange> = plan.units.iter().filter(leaving).collect();
    leaving.iter().for_each(|change| say(&change.steps()));
    if !leaving.is_empty() {
        let access_point = leaving.iter().any(|u| u.activation == Activation::Hostapd);
        host.run(&no_reload("disable").arg("--now").args(names(leaving.iter().copied())))?;
        if leaving.iter().any(|u| u.activation == Activation::Nat && !u.before.is_running()) {
            quirks::clear_chains(host);
        }
        let last = state.last.as_ref().and_then(|last| last.expected.as_ref()).filter(|_| access_point);
        if let Some(Expected { radio, address, prefix, .. }) = last {
            // Whoever gets the radio back gets it without.
            addresses::take_off(host, radio, &format!("{address}/{prefix}"));
        }
    }
    Ok(())
}

/// Carries out everything of a plan that comes after its files, and looks whether what is `expected` is up.
///
/// # Errors
/// The first step that failed, with what its tool said.
pub fn run(
    host: &dyn Host,
    plan: &Plan,
    state: &State,
    hands: &Hands<'_>,
    expected: Option<&Expected>,
) -> anyhow::Result<()> {
    if !host.is_live() {
        return Ok(());
    }
    let mut activated = state.activated.clone();
    if !plan.packages.is_empty() {
        install(host, &plan.packages, hands.say)?;
        // Checkers that came with the packages have their say before anything is started.
        validate::refuse_failures(&validate::tools(host, &plan.artifacts, hands.secrets)?)?;
    }
    for account in &plan.accounts {
        stop_if_asked(host)?;
        (hands.say)(&account.text());
        if let Some(mark) = set_up(host, account, hands.share_password)? {
            activated.insert(PASSWORD_MARK.to_owned(), mark);
            state::write_activated(host, &activated)?;
        }
    }
    unmask_and_enable(host, &plan.units)?;
    for change in &plan.units {
        stop_if_asked(host)?;
        if change.act != Act::Stop {
            (hands.say)(&change.steps());
        }
        act(host, change, JobMode::Wait, state)?;
        // Noted one by one: a unit that was restarted is not restarted again when a later one fails.
        note(&mut activated, change);
        state::write_activated(host, &activated)?;
    }
    rule::carry_out(host, &plan.rules)?;
    match expected {
        Some(expected) if !plan.units.is_empty() => prove(host, expected, hands.say),
        _ => Ok(()),
    }
}

/// Looks until everything is up, or patience ends.
fn prove(host: &dyn Host, expected: &Expected, say: &dyn Fn(&str)) -> anyhow::Result<()> {
    say("looking whether it is up");
    let probes = baseline::look_until_up(host, || stop_if_asked(host).map(|()| probe::look(host, expected)))?;
    if probes.iter().any(|p| !p.ok) {
        return Err(Problem::failed(format!("it did not come up:{}", baseline::failed(host, &probes))).into());
    }
    for probe in &probes {
        say(&format!("  {}: {}", probe.name, probe.found));
    }
    Ok(())
}

/// Whether an apply that was cut off can be finished without anyone: the packages of its units are there.
///
/// # Errors
/// When systemd can't say.
pub fn can_finish(host: &dyn Host, intent: &Intent) -> anyhow::Result<bool> {
    if !host.is_live() || intent.units.is_empty() {
        return Ok(true);
    }
    let now = systemd::states(host, &catalog::units())?;
    let ours = intent.units.iter().filter(|u| u.activation.is_enabled_by_us() && u.act != Act::Stop);
    Ok(ours.filter_map(|u| u.activation.unit()).all(|name| now.get(name).is_some_and(UnitState::exists)))
}

/// Activations that an apply still owed when it was cut off after its files were complete.
///
/// # Errors
/// The first that failed.
pub fn owed(host: &dyn Host, intent: &Intent, jobs: JobMode) -> anyhow::Result<()> {
    if !host.is_live() || intent.units.is_empty() {
        return Ok(());
    }
    // A record that is damaged must not stand in the way back.
    let (state, _) = State::read_for_originals(host)?;
    let mut activated = state.activated.clone();
    unmask_and_enable(host, &intent.units)?;
    for change in &intent.units {
        act(host, change, jobs, &state)?;
        note(&mut activated, change);
    }
    rule::carry_out(host, &intent.rules)?;
    state::write_activated(host, &activated)
}

/// First half of an undo, while the new files are there: what did not run before is stopped, and does not start at
/// boot if it did not before. Says what failed.
#[must_use]
pub fn unwind_new(host: &dyn Host, intent: &Intent, jobs: JobMode) -> Vec<String> {
    if !host.is_live() {
        return Vec::new();
    }
    let now = match systemd::states(host, &catalog::units()) {
        Ok(now) => now,
        Err(e) => return vec![format!("{e:#}")],
    };
    // A unit whose package never came can be neither stopped nor disabled; one that was never touched is left alone:
    // sysctl's and NetworkManager's own state is theirs.
    let touched = |u: &&UnitChange| u.activation.is_enabled_by_us() && u.act != Act::Stop;
    let there = |u: &&UnitChange| now.get(&u.name).is_some_and(UnitState::exists);
    let ours: Vec<&UnitChange> = intent.units.iter().rev().filter(touched).filter(there).collect();
    let started = names(ours.iter().copied().filter(|u| !u.before.is_running()));
    let enabled = names(ours.iter().copied().filter(|u| u.before.is_off() && u.enable));
    let mut remains = each(host, &systemctl(jobs).arg("stop"), &started);
    // systemd reads its files again when the old ones are back.
    remains.extend(each(host, &no_reload("disable"), &enabled));
    remains
}

/// Second half of an undo, when the old files are back: units run with them again, masks and the kernel's setting come
/// back. Says what failed.
#[must_use]
pub fn unwind_old(host: &dyn Host, intent: &Intent, jobs: JobMode) -> Vec<String> {
    if !host.is_live() {
        return Vec::new();
    }
    let units = &intent.units;
    let off_now = |u: &&UnitChange| u.act == Act::Stop && !u.name.is_empty() && !u.before.is_off();
    let mut remains = each(host, &no_reload("enable"), &names(units.iter().filter(off_now)));
    let mut tools = Vec::new();
    if !units.is_empty() {
        tools.push(reload());
    }
    for change in units {
        match change.activation.unit() {
            // At boot ifupdown brings the radio up by itself, later.
            None if jobs == JobMode::NoBlock || change.name.is_empty() => {}
            // It was to come back with a stanza of others' that is away again.
            None if change.act == Act::Start => {}
            None => tools.push(Tool::new("ifup").args(["--force", "--ignore-errors", &change.name])),
            Some(name) if change.before.is_running() && change.act != Act::None => {
                let verb = if change.activation.reloads() { "reload" } else { "restart" };
                tools.push(systemctl(jobs).args([verb, name]));
            }
            Some(_) => {}
        }
    }
    if let Some(value) = intent.ip_forward.as_deref().filter(|v| *v == "0") {
        tools.push(set_ip_forward(value));
    }
    remains.extend(failures(host, &tools));
    // At boot the kernel has forgotten all addresses by itself.
    if jobs == JobMode::Wait && !units.is_empty() {
        remains.extend(addresses::give_back(host, &intent.record.radio, &intent.addresses));
    }
    // Last: what runs although it is masked could not be restarted any more.
    let masked = names(units.iter().filter(|u| u.before.is_masked() && u.unmask));
    remains.extend(each(host, &systemctl(JobMode::Wait).arg("mask"), &masked));
    // At boot the script that is back loads its rules itself, later.
    if jobs == JobMode::Wait {
        let rules: Vec<_> = intent.rules.iter().map(rule::RuleChange::reversed).collect();
        remains.extend(rule::carry_out(host, &rules).err().map(|e| format!("{e:#}")));
    }
    // What runs now is the old input again, or nothing: the next apply must not take it for the new one.
    if let Err(e) = state::write_activated(host, &intent.activated) {
        remains.push(format!("{e:#}"));
    }
    remains
}

fn failures(host: &dyn Host, tools: &[Tool]) -> Vec<String> {
    tools.iter().filter_map(|tool| host.run(tool).err()).map(|e| e.to_string()).collect()
}

/// One call for all units; where that fails one for each, so that it is known what remains.
fn each(host: &dyn Host, tool: &Tool, names: &[&str]) -> Vec<String> {
    if names.is_empty() || host.run(&tool.clone().args(names)).is_ok() {
        return Vec::new();
    }
    let singly: Vec<Tool> = names.iter().map(|name| tool.clone().arg(*name)).collect();
    failures(host, &singly)
}

fn names<'a>(units: impl IntoIterator<Item = &'a UnitChange>) -> Vec<&'a str> {
    units.into_iter().map(|u| u.name.as_str()).collect()
}

fn note(activated: &mut std::collections::BTreeMap<String, String>, change: &UnitChange) {
    let key = catalog::activation_key(change.activation);
    match change.act {
        _ if change.input.is_empty() => _ = activated.remove(&key),
        Act::None => {}
        _ => _ = activated.insert(key, change.input.clone()),
    }
}

/// Missing packages, without a question: the config files are there already and are kept as they are.
fn install(host: &dyn Host, packages: &[String], say: &dyn Fn(&str)) -> anyhow::Result<()> {
    let apt = |args: &[&str]| {
        Tool::new("apt-get")
            // An old release's list says that stable has become oldstable; that is no reason to stop.
            .args(["-q", "-y", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::AllowReleaseInfoChange=true"])
            .args(["-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"])
            .args(args)
            .env("DEBIAN_FRONTEND", "noninteractive")
            // needrestart would restart the very network that the user comes in by.
            .env("NEEDRESTART_SUSPEND", "1")
            .deadline(Duration::from_secs(30 * 60))
    };
    say(&format!("installing {}", packages.join(", ")));
    let install = apt(&["install", "--no-install-recommends"]).args(packages);
    if host.output(&install)?.code == Some(0) {
        return Ok(());
    }
    // The usual reason is a package list that is too old: names in it are no longer on the server.
    say("fetching the package lists");
    host.run(&apt(&["update"])).context("the package lists can't be fetched; is Ethernet connected?")?;
    host.run(&install).context("the packages can't be installed")?;
    Ok(())
}

/// Carries out one account step; the mark of a password that was set.
fn set_up(
    host: &dyn Host,
    account: &AccountChange,
    password: Option<&Passphrase>,
) -> anyhow::Result<Option<String>> {
    match account {
        AccountChange::User { name } => {
            let add =
                Tool::new("useradd").args(["--system", "--no-create-home", "--home-dir", "/nonexistent"]);
            host.run(&add.args(["--shell", "/usr/sbin/nologin", name]))?;
        }
        AccountChange::Folder { path, user } => {
            let make = Tool::new("install").args(["-d", "-m", "0755", "-o", user, path]);
            host.run(&make)?;
        }
        AccountChange::Password { name, mark } => {
            let password = password.context("the share's password was not read")?.secret().expose();
            // By standard input: arguments can be seen by every user of the host.
            let set = Tool::new("smbpasswd").args(["-s", "-a", name]);
            host.run(&set.stdin(format!("{password}\n{password}\n").into_bytes()))?;
            return Ok(Some(mark.clone()));
        }
    }
    Ok(None)
}

/// What has to be so before units start, for all of them at once. systemd reads its files once: left to itself it does
/// so after every single step, and that takes seconds on a small Pi.
fn unmask_and_enable(host: &dyn Host, units: &[UnitChange]) -> anyhow::Result<()> {
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

/// Starts, restarts or reloads one unit.
fn act(host: &dyn Host, change: &UnitChange, jobs: JobMode, state: &State) -> anyhow::Result<()> {
    if change.activation == Activation::Sysctl && change.input.is_empty() {
        host.run(&set_ip_forward(state.originals.ip_forward.as_deref().unwrap_or("0")))?;
    }
    // What is only forgotten has no stanza any more that could be brought up.
    let idle = jobs == JobMode::NoBlock || change.name.is_empty() || change.act == Act::Forget;
    if change.activation == Activation::Ifup && idle {
        return Ok(());
    }
    if change.activation == Activation::Ifup {
        // `ifdown` first: `ifup` leaves an interface alone that it thinks is up. It may not be: that is no error.
        host.output(&Tool::new("ifdown").args(["--force", &change.name]))?;
        host.run(&Tool::new("ifup").args(["--force", &change.name]))?;
        return Ok(());
    }
    let verb = match change.act {
        Act::None | Act::Stop | Act::Forget => return Ok(()),
        Act::Start => "start",
        Act::Restart => "restart",
        Act::Reload => "reload",
    };
    if change.activation == Activation::NetworkManager && !change.input.is_empty() {
        // Without a country Raspberry Pi OS ships the radio switched off, and NetworkManager switches it off again at
        // its next start, whatever rfkill says. Where there is no radio to switch there is nothing to do.
        host.output(&Tool::new("nmcli").args(["radio", "wifi", "on"])).ok();
    }
    // At boot it has not started yet, and will read the stanza by itself.
    if change.activation == Activation::NetworkManager && change.input.is_empty() && jobs == JobMode::Wait {
        let last = state.last.as_ref();
        quirks::keep_for_stanza(host, last.map(|last| last.radio.as_str()).unwrap_or_default())?;
    }
    if let Err(e) = host.run(&systemctl(jobs).args([verb, &change.name])) {
        return Err(anyhow::Error::new(e).context(format!(
            "{} said: {}",
            change.name,
            last_words(host, &change.name)
        )));
    }
    Ok(())
}

/// systemd-sysctl sets what files say; it does not unset what a file said that is gone.
fn set_ip_forward(value: &str) -> Tool {
    Tool::new("sysctl").args(["-q", "-w", &format!("net.ipv4.ip_forward={}", value.trim())])
}
