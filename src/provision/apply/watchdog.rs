//! Who looks after an apply when nobody can: a boot unit that settles what a power cut left, and a timer that undoes
//! what was never confirmed. Both are systemd's, so they outlive piback and the SSH session. Live hosts only.

use crate::paths::JOURNAL;
use crate::provision::components;
use crate::system::run::Tool;
use crate::system::{FileNode, Host, Node};
use anyhow::Context;
use std::time::Duration;

/// The time to wait for a confirmation, and the binary that undoes if none comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    pub length: Duration,
    /// Absolute path of piback itself, as checked by [`is_plain_path`].
    pub program: String,
}

/// Tells whether systemd takes a path in `ExecStart=` as it is.
#[must_use]
pub fn is_plain_path(path: &str) -> bool {
    path.starts_with('/') && path.chars().all(|c| c.is_ascii_alphanumeric() || "/._+-@".contains(c))
}

/// Tells whether a path may be gone after a reboot: then the boot unit finds no piback, and settles nothing. In the lab that
/// left an apply open that a power cut had ended. `/tmp` is in memory since Debian 13.
#[must_use]
pub fn is_passing(path: &str) -> bool {
    ["/tmp/", "/run/", "/dev/", "/mnt/", "/media/"].iter().any(|dir| path.starts_with(dir))
}

const BOOT_UNIT: &str = "/etc/systemd/system/piback-settle.service";
const BOOT_WANTS_DIR: &str = "/etc/systemd/system/multi-user.target.wants";
const BOOT_WANTS: &str = "/etc/systemd/system/multi-user.target.wants/piback-settle.service";
/// In /run: gone with the next boot, where the boot unit takes over.
const RUN_DIR: &str = "/run/systemd/system";
const TIMER: &str = "/run/systemd/system/piback-confirm.timer";
const TIMER_UNIT: &str = "/run/systemd/system/piback-confirm.service";

/// Arms the timer for `window`, and the boot unit.
///
/// # Errors
/// When one of them can't be armed: then nothing may be changed.
pub fn arm(host: &dyn Host, window: Option<&Window>) -> anyhow::Result<()> {
    let Some(window) = window.filter(|_| host.is_live()) else { return Ok(()) };
    install_boot_unit(host, &window.program)?;
    dir(host, RUN_DIR)?;
    put(host, TIMER_UNIT, &timer_unit(&window.program))?;
    put(host, TIMER, &timer(window.length))?;
    host.run(&systemctl("daemon-reload"))?;
    start_anew(host)
}

/// The window of an armed timer starts anew.
///
/// # Errors
/// When the timer can't be started.
pub fn start_anew(host: &dyn Host) -> anyhow::Result<()> {
    host.run(&systemctl("restart").arg("piback-confirm.timer")).context("the timer can't be armed")?;
    Ok(())
}

/// Takes the timer away; the boot unit stays, it does nothing where nothing is open.
///
/// # Errors
/// When the timer can't be stopped.
pub fn disarm(host: &dyn Host) -> anyhow::Result<()> {
    if !host.is_live() || host.read(TIMER)? == Node::Absent {
        return Ok(());
    }
    // `stop` of the timer, not of the service: this may be the service itself.
    host.run(&systemctl("stop").arg("piback-confirm.timer")).context("the timer can't be stopped")?;
    for path in [TIMER, TIMER_UNIT] {
        host.remove(path).with_context(|| format!("{path} can't be removed"))?;
    }
    host.run(&systemctl("daemon-reload"))?;
    Ok(())
}

/// After an apply that needs no confirmation: no timer; and no boot unit where nothing of piback is left.
///
/// # Errors
/// As [`disarm`].
pub fn retire(host: &dyn Host, all: bool) -> anyhow::Result<()> {
    disarm(host)?;
    if !all || !host.is_live() {
        return Ok(());
    }
    for path in [BOOT_WANTS, BOOT_UNIT] {
        host.remove(path).with_context(|| format!("{path} can't be removed"))?;
    }
    Ok(())
}

/// Installs the boot unit: for every live apply, before its first change.
///
/// # Errors
/// When it can't be written.
pub fn install_boot_unit(host: &dyn Host, program: &str) -> anyhow::Result<()> {
    // The program may have moved since: from a home folder to the package's place.
    let there = matches!(host.read(BOOT_UNIT)?, Node::File(f) if f.bytes == boot_unit(program).as_bytes());
    if !host.is_live() || (there && host.read(BOOT_WANTS)? != Node::Absent) {
        return Ok(());
    }
    put(host, BOOT_UNIT, &boot_unit(program))?;
    dir(host, BOOT_WANTS_DIR)?;
    host.link(BOOT_WANTS, "../piback-settle.service").with_context(|| format!("{BOOT_WANTS} can't be made"))
}

fn put(host: &dyn Host, path: &str, text: &str) -> anyhow::Result<()> {
    let file = FileNode { bytes: text.as_bytes().to_vec(), mode: 0o644, uid: 0, gid: 0 };
    host.write(path, &file).with_context(|| format!("{path} can't be written"))
}

fn dir(host: &dyn Host, path: &str) -> anyhow::Result<()> {
    if host.read(path)? == Node::Absent {
        host.make_dir(path, 0o755).with_context(|| format!("{path} can't be made"))?;
    }
    Ok(())
}

fn systemctl(verb: &str) -> Tool {
    Tool::new("systemctl").arg(verb)
}

fn boot_unit(program: &str) -> String {
    let of = |ours: bool| components::started_after_settling(ours).join(" ");
    let (hosts, ours) = (of(false), of(true));
    format!(
        "# Finishes or undoes a `piback apply` that a power cut ended, before anything uses its files.\n\
         [Unit]\n\
         Description=piback: settle an apply that was cut off or never confirmed\n\
         ConditionPathExists={JOURNAL}\n\
         DefaultDependencies=no\n\
         After=local-fs.target\n\
         Before=network-pre.target {hosts}\n\
         Before={ours}\n\
         Wants=network-pre.target\n\
         Conflicts=shutdown.target\n\
         Before=shutdown.target\n\n\
         [Service]\n\
         Type=oneshot\n\
         ExecStart={program} settle --boot\n\n\
         [Install]\n\
         WantedBy=multi-user.target\n"
    )
}

fn timer_unit(program: &str) -> String {
    format!(
        "[Unit]\nDescription=piback: undo an apply that was not confirmed\n\n\
         [Service]\nType=oneshot\nExecStart={program} settle\n"
    )
}

/// Counts by the monotonic clock: a Pi's time of day jumps by years when the network comes.
fn timer(length: Duration) -> String {
    format!(
        "[Unit]\nDescription=piback: time to confirm an apply\n\n\
         [Timer]\nOnActiveSec={}s\nAccuracySec=1s\nUnit=piback-confirm.service\n",
        length.as_secs()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_may_be_gone_after_a_reboot() {
        for passing in ["/tmp/piback", "/mnt/piback", "/media/pi/STICK/piback", "/run/user/1000/piback"] {
            assert!(is_passing(passing), "{passing}");
        }
        for stays in ["/usr/bin/piback", "/home/pi/piback", "/root/tmp/piback", "/var/tmp/piback"] {
            assert!(!is_passing(stays), "{stays}");
        }
    }

    /// Every daemon of ours, and whoever brings up the network, starts on settled files.
    #[test]
    fn the_boot_unit_comes_before_all() {
        let text = boot_unit("/usr/bin/piback");
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("Before=")).collect();
        assert_eq!(
            lines[0],
            "Before=network-pre.target NetworkManager.service dhcpcd.service networking.service"
        );
        assert!(
            lines[1].starts_with("Before=piback-nat.service hostapd.service dnsmasq.service smbd.service")
        );
        for unit in components::units_of_ours() {
            assert!(lines[1].contains(unit), "{unit}");
        }
    }

    #[test]
    fn only_plain_paths_go_into_a_unit() {
        assert!(is_plain_path("/usr/bin/piback"));
        for bad in [
            "piback",
            "/home/my user/piback",
            "/a%b",
            "/a\nExecStart=/b",
            "/a;b",
            "/usr/bin/piback (deleted)",
        ] {
            assert!(!is_plain_path(bad), "{bad:?}");
        }
    }
}
