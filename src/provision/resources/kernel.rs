//! The kernel's `net.ipv4.ip_forward`.

use crate::system::Host;
use crate::system::run::Tool;
use anyhow::Context;

/// Reads what the running kernel says; sysctl's own file is only read at boot. `None` on a tree.
///
/// # Errors
/// When it can't be read.
pub fn look(host: &dyn Host) -> anyhow::Result<Option<String>> {
    if !host.is_live() {
        return Ok(None);
    }
    let bytes = host.read_followed("/proc/sys/net/ipv4/ip_forward").context("ip_forward can't be read")?;
    Ok(bytes.map(|b| String::from_utf8_lossy(&b).trim().to_owned()))
}

/// Sets it to `value`: systemd-sysctl sets what files say; it does not unset what a file said that is gone.
#[must_use]
pub fn set(value: &str) -> Tool {
    Tool::new("sysctl").args(["-q", "-w", &format!("net.ipv4.ip_forward={}", value.trim())])
}

/// Puts the value back that was there before; one that was on stays. Says what failed.
#[must_use]
pub fn put_back(host: &dyn Host, before: Option<&str>) -> Option<String> {
    let value = before.filter(|v| *v == "0")?;
    host.run(&set(value)).err().map(|e| e.to_string())
}
