//! Facts about the host, read once, that everything after takes as values.

use crate::provision::host::interfaces::{INTERFACES, reads_interfaces_d};
use crate::provision::host::ssh;
use crate::system::Host;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Links to what starts at boot.
const BOOT_WANTS: &str = "/etc/systemd/system/multi-user.target.wants";

/// Who brings up wlan0 on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stack {
    /// Raspbian Jessie; a Debian with ifupdown alone.
    Ifupdown,
    /// Raspberry Pi OS Stretch to Bullseye.
    Dhcpcd,
    /// Raspberry Pi OS Bookworm and later.
    NetworkManager,
}

impl fmt::Display for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stack::Ifupdown => "ifupdown",
            Stack::Dhcpcd => "dhcpcd",
            Stack::NetworkManager => "networkmanager",
        })
    }
}

/// The fields of os-release(5) that matter here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OsRelease {
    /// As in "Debian GNU/Linux 13 (trixie)"; empty when not given.
    pub pretty_name: String,
    /// Debian's major version; `None` for testing, sid, and systems that are no Debian.
    pub version: Option<u32>,
}

/// The facts that rendering and planning need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub os: OsRelease,
    pub stack: Stack,
    /// True where `/etc/network/interfaces` reads the files in `interfaces.d` by its own lines.
    pub interfaces_d_is_read: bool,
    /// Ports that SSH listens on, sorted and never empty.
    pub ssh_ports: Vec<u16>,
    /// True where units of piback's find the program by its name alone.
    pub installed: bool,
}

/// Folders of programs in which systemd looks too (systemd.exec(5), the default of `PATH`).
const PROGRAMS: [&str; 2] = ["/usr/bin", "/usr/local/bin"];

/// Names the unit that, started at boot, makes a stack the one in charge.
pub type UnitOf = fn(Stack) -> Option<&'static str>;

/// Reads the facts. `wanted` overrides the stack that is found; `last` is the one of the last apply, taken where
/// nothing is found (a bare tree).
///
/// # Errors
/// When a file can't be read, or no stack is found, wanted or known.
pub fn read(
    host: &dyn Host,
    unit_of: UnitOf,
    wanted: Option<Stack>,
    last: Option<Stack>,
) -> anyhow::Result<Facts> {
    let read = |path: &str| -> anyhow::Result<Option<String>> {
        let bytes = host.read_followed(path).with_context(|| format!("{path} can't be read"))?;
        Ok(bytes.map(|b| String::from_utf8_lossy(&b).into_owned()))
    };
    let os = match read("/etc/os-release")? {
        Some(text) => os_release(&text),
        None => read("/usr/lib/os-release")?.map(|text| os_release(&text)).unwrap_or_default(),
    };
    let stack = match wanted {
        Some(stack) => stack,
        None => found_stack(host, unit_of, &os)?.or(last).ok_or_else(|| {
            crate::error::Problem::failed("no network stack was found: no NetworkManager, dhcpcd or ifupdown")
                .hint("name it: --stack ifupdown, dhcpcd or networkmanager")
        })?,
    };
    let interfaces = read(INTERFACES)?.unwrap_or_default();
    let interfaces_d_is_read = reads_interfaces_d(&interfaces);
    let holds_piback =
        |folder: &str| host.list(folder).is_ok_and(|names| names.iter().any(|name| name == "piback"));
    let installed = PROGRAMS.iter().any(|folder| holds_piback(folder));
    Ok(Facts { os, stack, interfaces_d_is_read, ssh_ports: ssh::ports(host), installed })
}

/// Tells whether a host has the programs of a stack.
#[must_use]
pub fn has(host: &dyn Host, stack: Stack) -> bool {
    let programs: &[&str] = match stack {
        Stack::NetworkManager => &["/usr/sbin/NetworkManager"],
        Stack::Dhcpcd => &["/sbin/dhcpcd", "/usr/sbin/dhcpcd"],
        Stack::Ifupdown => &["/sbin/ifup", "/usr/sbin/ifup"],
    };
    programs.iter().any(|path| host.read_followed(path).is_ok_and(|file| file.is_some()))
}

fn found_stack(host: &dyn Host, unit_of: UnitOf, os: &OsRelease) -> anyhow::Result<Option<Stack>> {
    let there = |path: &str| -> anyhow::Result<bool> {
        Ok(host.read_followed(path).with_context(|| format!("{path} can't be looked at"))?.is_some())
    };
    let wanted_at_boot = |stack: Stack| -> anyhow::Result<bool> {
        let wants = host.list(BOOT_WANTS).with_context(|| format!("{BOOT_WANTS} can't be looked at"))?;
        Ok(unit_of(stack).is_some_and(|unit| wants.iter().any(|wanted| wanted == unit)))
    };
    // Bullseye ships NetworkManager too, switched off: what counts is who starts at boot.
    let network_manager = there("/usr/sbin/NetworkManager")?;
    if network_manager && wanted_at_boot(Stack::NetworkManager)? {
        return Ok(Some(Stack::NetworkManager));
    }
    let dhcpcd = there("/sbin/dhcpcd")? || there("/usr/sbin/dhcpcd")?;
    let ifupdown = there("/sbin/ifup")? || there("/usr/sbin/ifup")?;
    Ok(match (dhcpcd, ifupdown) {
        // Jessie has both, and its dhcpcd leaves interfaces with a stanza alone: the article's form works there.
        (true, true) if os.version.is_some_and(|v| v <= 8) => Some(Stack::Ifupdown),
        (true, _) if wanted_at_boot(Stack::Dhcpcd)? || !ifupdown => Some(Stack::Dhcpcd),
        (_, true) => Some(Stack::Ifupdown),
        _ => network_manager.then_some(Stack::NetworkManager),
    })
}

/// Reads os-release(5). Lines that make no sense are passed over, as the shell that usually reads it would.
#[must_use]
pub fn os_release(text: &str) -> OsRelease {
    let mut os = OsRelease::default();
    for line in text.lines() {
        let Some((key, value)) = line.trim().split_once('=') else { continue };
        let value = value.trim_matches(['"', '\'']);
        match key {
            "PRETTY_NAME" => os.pretty_name = value.to_owned(),
            "VERSION_ID" => os.version = value.split('.').next().and_then(|major| major.parse().ok()),
            _ => {}
        }
    }
    os
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_releases() {
        let trixie = "PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nVERSION_ID=\"13\"\nID=debian\n";
        assert_eq!(os_release(trixie).version, Some(13));
        assert_eq!(os_release(trixie).pretty_name, "Debian GNU/Linux 13 (trixie)");
        assert_eq!(os_release("PRETTY_NAME=\"Debian GNU/Linux forky/sid\"\n").version, None);
        assert_eq!(os_release("VERSION_ID=99999999999999\n=\n\0\nVERSION_ID").version, None);
    }
}
