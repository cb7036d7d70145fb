//! Makes a live host use its files: packages, the share's user, units. On a tree there is nothing to do.

use super::apply::{Hands, stop_if_asked};
use super::catalog::Activation;
use super::check;
use super::handmade;
use super::journal::Intent;
use super::plan::Plan;
use super::probe::{self, Expected, Probe};
use super::store::{self, State};
use super::units::{self, AccountChange, Act, PASSWORD_MARK, UnitChange, UnitState};
use crate::error::Problem;
use crate::profile::types::Passphrase;
use crate::system::Host;
use crate::system::run::Tool;
use anyhow::Context;
use std::time::Duration;

/// Whether to wait for units. At boot their turn comes after ours: waiting for one would wait for ourselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    Wait,
    Queue,
}

/// Stops what a plan takes away, while the files are still there that say how.
///
/// # Errors
/// When one can't be stopped.
pub fn stop_leaving(host: &dyn Host, plan: &Plan, say: &dyn Fn(&str)) -> anyhow::Result<()> {
    for change in plan.units.iter().filter(|u| u.act == Act::Stop && host.is_live() && !u.name.is_empty()) {
        say(&change.steps());
        host.run(&systemctl(Pace::Wait).args(["disable", "--now", &change.name]))?;
    }
    Ok(())
}

/// Carries out everything of a plan that comes after its files.
///
/// # Errors
/// The first step that failed, with what its tool said.
pub fn run(host: &dyn Host, plan: &Plan, state: &State, hands: &Hands<'_>) -> anyhow::Result<()> {
    if !host.is_live() {
        return Ok(());
    }
    let mut activated = state.activated.clone();
    if !plan.packages.is_empty() {
        install(host, &plan.packages, hands.say)?;
        // Checkers that came with the packages have their say before anything is started.
        check::refuse_failures(&check::tools(host, &plan.artifacts, hands.secrets)?)?;
    }
    for account in &plan.accounts {
        stop_if_asked(host)?;
        (hands.say)(&account.text());
        if let Some(mark) = set_up(host, account, hands.share_password)? {
            activated.insert(PASSWORD_MARK.to_owned(), mark);
            store::write_activated(host, &activated)?;
        }
    }
    if !plan.units.is_empty() {
        host.run(&systemctl(Pace::Wait).arg("daemon-reload"))?;
    }
    for change in &plan.units {
        stop_if_asked(host)?;
        if change.act != Act::Stop {
            (hands.say)(&change.steps());
        }
        unit(host, change, Pace::Wait)?;
        // Noted one by one: a unit that was restarted is not restarted again when a later one fails.
        note(&mut activated, change);
        store::write_activated(host, &activated)?;
    }
    handmade::carry_out(host, &plan.rules)?;
    match hands.expected {
        Some(expected) if !plan.units.is_empty() => prove(host, expected, hands.say),
        _ => Ok(()),
    }
}

/// How often it is looked, a second apart: a country update and a channel scan take seconds on a Pi, more in an
/// emulator. Counted, not timed: the clock may jump when the network comes.
pub const PATIENCE: u32 = 60;

/// Looks until everything is up, or patience ends.
fn prove(host: &dyn Host, expected: &Expected, say: &dyn Fn(&str)) -> anyhow::Result<()> {
    say("looking whether it is up");
    let mut looks = 0;
    loop {
        let probes = probe::look(host, expected);
        if probes.iter().all(|p| p.ok) {
            for probe in &probes {
                say(&format!("  {}: {}", probe.name, probe.found));
            }
            return Ok(());
        }
        stop_if_asked(host)?;
        looks += 1;
        if looks >= PATIENCE {
            return Err(Problem::failed(failed(host, &probes)).into());
        }
        host.wait(Duration::from_secs(1));
    }
}

/// What is not up, and what its daemon said.
fn failed(host: &dyn Host, probes: &[Probe]) -> String {
    let mut text = String::from("it did not come up:");
    for probe in probes.iter().filter(|p| !p.ok) {
        text.push_str(&format!("\n  {}: {}", probe.name, probe.found));
        if let Some(unit) = probe.unit {
            text.push_str(&format!(" ({unit} said: {})", last_words(host, unit)));
        }
    }
    text
}

/// The last lines of a unit's journal.
pub fn last_words(host: &dyn Host, unit: &str) -> String {
    let journal = Tool::new("journalctl").args(["-u", unit, "-n", "3", "--no-pager", "-o", "cat"]);
    let said = host.output(&journal).map(|o| o.stdout).unwrap_or_default();
    said.lines().map(crate::ui::visible).collect::<Vec<_>>().join(" / ")
}

/// Whether an apply that was cut off can be finished without anyone: the packages of its units are there.
///
/// # Errors
/// When systemd can't say.
pub fn can_finish(host: &dyn Host, intent: &Intent) -> anyhow::Result<bool> {
    if !host.is_live() || intent.units.is_empty() {
        return Ok(true);
    }
    let now = units::states(host)?;
    let ours = intent.units.iter().filter(|u| u.activation.is_enabled_by_us() && u.act != Act::Stop);
    Ok(ours.filter_map(|u| u.activation.unit()).all(|name| now.get(name).is_some_and(UnitState::exists)))
}

/// Activations that an apply still owed when it was cut off after its files were complete.
///
/// # Errors
/// The first that failed.
pub fn owed(host: &dyn Host, intent: &Intent, pace: Pace) -> anyhow::Result<()> {
    if !host.is_live() || intent.units.is_empty() {
        return Ok(());
    }
    let mut activated = State::read(host)?.activated;
    host.run(&systemctl(Pace::Wait).arg("daemon-reload"))?;
    for change in &intent.units {
        unit(host, change, pace)?;
        note(&mut activated, change);
    }
    handmade::carry_out(host, &intent.rules)?;
    store::write_activated(host, &activated)
}

/// First half of an undo, while the new files are there: what did not run before is stopped, and does not start at
/// boot if it did not before. Says what failed.
#[must_use]
pub fn unwind_new(host: &dyn Host, intent: &Intent, pace: Pace) -> Vec<String> {
    if !host.is_live() {
        return Vec::new();
    }
    let mut tools = Vec::new();
    let now = match units::states(host) {
        Ok(now) => now,
        Err(e) => return vec![format!("{e:#}")],
    };
    for change in intent.units.iter().rev() {
        let Some(name) = change.activation.unit() else { continue };
        let before = &change.before;
        // A unit whose package never came can be neither stopped nor disabled.
        if !now.get(name).is_some_and(UnitState::exists) {
            continue;
        }
        // A unit that was never touched is left alone: sysctl's and NetworkManager's own state is theirs.
        if !change.activation.is_enabled_by_us() || change.act == Act::Stop {
            continue;
        }
        if !before.is_running() {
            tools.push(systemctl(pace).args(["stop", name]));
        }
        if before.is_off() && change.enable {
            tools.push(systemctl(Pace::Wait).args(["disable", name]));
        }
    }
    failures(host, &tools)
}

/// Second half of an undo, when the old files are back: units run with them again, masks and the kernel's setting come
/// back. Says what failed.
#[must_use]
pub fn unwind_old(host: &dyn Host, intent: &Intent, pace: Pace) -> Vec<String> {
    if !host.is_live() {
        return Vec::new();
    }
    let mut tools = Vec::new();
    if !intent.units.is_empty() {
        tools.push(systemctl(Pace::Wait).arg("daemon-reload"));
    }
    for change in &intent.units {
        let before = &change.before;
        match change.activation.unit() {
            // At boot ifupdown brings the radio up by itself, later.
            None if pace == Pace::Queue || change.name.is_empty() => {}
            // It was to come back with a stanza of others' that is away again.
            None if change.act == Act::Start => {}
            None => tools.push(Tool::new("ifup").args(["--force", "--ignore-errors", &change.name])),
            Some(name) => {
                if change.act == Act::Stop && !before.is_off() {
                    tools.push(systemctl(Pace::Wait).args(["enable", name]));
                }
                if before.is_running() && change.act != Act::None {
                    let verb = if change.activation.reloads() { "reload" } else { "restart" };
                    tools.push(systemctl(pace).args([verb, name]));
                }
                if before.is_masked() && change.unmask {
                    tools.push(systemctl(Pace::Wait).args(["mask", name]));
                }
            }
        }
    }
    if let Some(value) = intent.ip_forward.as_deref().filter(|v| *v == "0") {
        tools.push(set_ip_forward(value));
    }
    let mut remains = failures(host, &tools);
    // At boot the script that is back loads its rules itself, later.
    if pace == Pace::Wait {
        let rules: Vec<_> = intent.rules.iter().map(handmade::RuleChange::reversed).collect();
        remains.extend(handmade::carry_out(host, &rules).err().map(|e| format!("{e:#}")));
    }
    // What runs now is the old input again, or nothing: the next apply must not take it for the new one.
    if let Err(e) = store::write_activated(host, &intent.activated) {
        remains.push(format!("{e:#}"));
    }
    remains
}

fn failures(host: &dyn Host, tools: &[Tool]) -> Vec<String> {
    tools.iter().filter_map(|tool| host.run(tool).err()).map(|e| e.to_string()).collect()
}

fn note(activated: &mut std::collections::BTreeMap<String, String>, change: &UnitChange) {
    let key = store::activation_key(change.activation);
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

fn unit(host: &dyn Host, change: &UnitChange, pace: Pace) -> anyhow::Result<()> {
    if change.activation == Activation::Sysctl && change.input.is_empty() {
        host.run(&set_ip_forward(State::read(host)?.originals.ip_forward.as_deref().unwrap_or("0")))?;
    }
    // What is only forgotten has no stanza any more that could be brought up.
    let idle = pace == Pace::Queue || change.name.is_empty() || change.act == Act::Forget;
    if change.activation == Activation::Ifup && idle {
        return Ok(());
    }
    if change.activation == Activation::Ifup {
        // `ifdown` first: `ifup` leaves an interface alone that it thinks is up. It may not be: that is no error.
        host.output(&Tool::new("ifdown").args(["--force", &change.name]))?;
        host.run(&Tool::new("ifup").args(["--force", &change.name]))?;
        return Ok(());
    }
    if change.unmask {
        host.run(&systemctl(Pace::Wait).args(["unmask", &change.name]))?;
    }
    if change.enable {
        host.run(&systemctl(Pace::Wait).args(["enable", &change.name]))?;
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
    if let Err(e) = host.run(&systemctl(pace).args([verb, &change.name])) {
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

fn systemctl(pace: Pace) -> Tool {
    let tool = Tool::new("systemctl").deadline(Duration::from_secs(120));
    if pace == Pace::Queue { tool.arg("--no-block") } else { tool }
}
