//! Debian packages.

use crate::system::Host;
use crate::system::run::Tool;
use anyhow::Context;
use std::time::Duration;

/// Plans the packages that are missing.
///
/// # Errors
/// When dpkg can't say which are there.
pub fn plan(host: &dyn Host, wanted: &[&str]) -> anyhow::Result<Vec<String>> {
    let query = Tool::new("dpkg-query").args(["-W", "-f", "${Package} ${db:Status-Status}\\n"]).args(wanted);
    // Ends with 1 when a package is unknown: that is an answer.
    let installed = installed(&host.output(&query).context("which packages are installed")?.stdout);
    Ok(wanted.iter().filter(|p| !installed.iter().any(|i| i == *p)).map(|p| (*p).to_owned()).collect())
}

/// Names out of `dpkg-query -W -f '${Package} ${db:Status-Status}\n'`.
fn installed(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| match line.split_once(' ') {
            Some((name, "installed")) => Some(name.to_owned()),
            _ => None,
        })
        .collect()
}

/// Missing packages, without a question: the config files are there already and are kept as they are.
///
/// # Errors
/// When apt-get fails, also with fresh package lists.
pub fn install(host: &dyn Host, packages: &[String], progress: &dyn Fn(&str)) -> anyhow::Result<()> {
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
    progress(&format!("installing {}", packages.join(", ")));
    let install = apt(&["install", "--no-install-recommends"]).args(packages);
    if host.output(&install)?.code == Some(0) {
        return Ok(());
    }
    // The usual reason is a package list that is too old: names in it are no longer on the server.
    progress("fetching the package lists");
    host.run(&apt(&["update"])).context("the package lists can't be fetched; is Ethernet connected?")?;
    host.run(&install).context("the packages can't be installed")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dpkg_is_read() {
        let text = "hostapd installed\ndnsmasq config-files\nsamba not-installed\n\ngarbage";
        assert_eq!(installed(text), ["hostapd"]);
    }
}
