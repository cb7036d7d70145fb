//! Makes a live host use its files: packages, the share's user, units. On a tree there is nothing to do.

use super::catalog::Activation;
use super::plan::Plan;
use super::render::Secrets;
use super::store::{self, State};
use super::units::{AccountChange, Act, PASSWORD_MARK, UnitChange};
use super::{apply::Hands, check};
use crate::profile::types::Passphrase;
use crate::system::Host;
use crate::system::run::Tool;
use anyhow::Context;
use std::time::Duration;

/// Carries out everything of a plan that comes after its files.
///
/// # Errors
/// The first step that failed, with what its tool said.
pub fn run(
    host: &dyn Host,
    plan: &Plan,
    state: &State,
    hands: &Hands<'_>,
    secrets: Option<&Secrets>,
    say: &dyn Fn(&str),
) -> anyhow::Result<()> {
    if !host.is_live() {
        return Ok(());
    }
    let mut activated = state.activated.clone();
    if !plan.packages.is_empty() {
        install(host, &plan.packages, say)?;
        // Checkers that came with the packages have their say before anything is started.
        check::refuse_failures(&check::tools(host, &plan.artifacts, secrets)?)?;
    }
    for account in &plan.accounts {
        say(&account.text());
        if let Some(mark) = set_up(host, account, hands.share_password)? {
            activated.insert(PASSWORD_MARK.to_owned(), mark);
            store::write_activated(host, &activated)?;
        }
    }
    if !plan.units.is_empty() {
        host.run(&systemctl().arg("daemon-reload"))?;
    }
    for change in &plan.units {
        say(&change.steps());
        let key = store::activation_key(change.activation);
        unit(host, change)?;
        // Noted one by one: a unit that was restarted is not restarted again when a later one fails.
        match change.act {
            Act::Stop => _ = activated.remove(&key),
            Act::None => {}
            _ if change.input.is_empty() => _ = activated.remove(&key),
            _ => _ = activated.insert(key, change.input.clone()),
        }
        if activated != state.activated {
            store::write_activated(host, &activated)?;
        }
    }
    Ok(())
}

/// After the files are back: what was started or restarted with the new ones gets the old ones. Says what failed.
#[must_use]
pub fn unwind(host: &dyn Host, plan: &Plan, state: &State) -> Vec<String> {
    if !host.is_live() {
        return Vec::new();
    }
    let mut remains = Vec::new();
    let mut attempt = |tool: Tool| {
        if let Err(e) = host.run(&tool) {
            remains.push(e.to_string());
        }
    };
    if !plan.units.is_empty() {
        attempt(systemctl().arg("daemon-reload"));
    }
    for change in plan.units.iter().rev() {
        let key = store::activation_key(change.activation);
        let was_ours = state.activated.contains_key(&key);
        let Some(name) = change.activation.unit() else { continue };
        match (was_ours, change.activation.is_enabled_by_us()) {
            (false, true) => attempt(systemctl().args(["disable", "--now", name])),
            _ if change.act == Act::Reload => attempt(systemctl().args(["reload", name])),
            _ if change.act != Act::None => attempt(systemctl().args(["restart", name])),
            _ => {}
        }
        if change.unmask {
            attempt(systemctl().args(["mask", name]));
        }
    }
    // What runs now is the old input again, or nothing: the next apply must not take it for the new one.
    if let Err(e) = store::write_activated(host, &state.activated) {
        remains.push(format!("{e:#}"));
    }
    remains
}

/// Missing packages, without a question: the config files are there already and are kept as they are.
fn install(host: &dyn Host, packages: &[String], say: &dyn Fn(&str)) -> anyhow::Result<()> {
    let apt = |args: &[&str]| {
        Tool::new("apt-get")
            .args(["-q", "-y", "-o", "DPkg::Lock::Timeout=120"])
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
            let make = Tool::new("install").args(["-d", "-m", "0755", "-o", user, "-g", user, path]);
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

fn unit(host: &dyn Host, change: &UnitChange) -> anyhow::Result<()> {
    if change.activation == Activation::Ifup {
        // `ifdown` first: `ifup` leaves an interface alone that it thinks is up. It may not be: that is no error.
        host.output(&Tool::new("ifdown").args(["--force", &change.name]))?;
        host.run(&Tool::new("ifup").args(["--force", &change.name]))?;
        return Ok(());
    }
    if change.unmask {
        host.run(&systemctl().args(["unmask", &change.name]))?;
    }
    if change.enable {
        host.run(&systemctl().args(["enable", &change.name]))?;
    }
    let verb = match change.act {
        Act::None => return Ok(()),
        Act::Stop => {
            host.run(&systemctl().args(["disable", "--now", &change.name]))?;
            return Ok(());
        }
        Act::Start => "start",
        Act::Restart => "restart",
        Act::Reload => "reload",
    };
    if let Err(e) = host.run(&systemctl().args([verb, &change.name])) {
        let journal =
            Tool::new("journalctl").args(["-u", &change.name, "-n", "5", "--no-pager", "-o", "cat"]);
        let said = host.output(&journal).map(|o| o.stdout).unwrap_or_default();
        let said: Vec<String> = said.lines().map(crate::ui::visible).collect();
        return Err(anyhow::Error::new(e).context(format!("{} said: {}", change.name, said.join(" / "))));
    }
    Ok(())
}

fn systemctl() -> Tool {
    Tool::new("systemctl").deadline(Duration::from_secs(120))
}
