//! The Pi itself: the disk that it runs from, its power, its clock.

use super::finding::{Check, Finding, Subject, said, text};
use crate::provision::host::clock;
use crate::system::Host;
use crate::system::run::Tool;

/// The registry's row of [`root`].
pub const ROOT: Check = Check {
    name: "root",
    line: "the system's own disk can be written and stays written",
    stops_apply: true,
    run: root,
};

fn root(subject: &Subject<'_>) -> Finding {
    let mounts = match text(subject, "/proc/self/mountinfo") {
        Ok(Some(text)) if subject.host.is_live() => text,
        Ok(_) => return Finding::unknown("only a running host can say"),
        Err(finding) => return finding,
    };
    match root_mount(&mounts) {
        Some(("overlay", _)) => Finding::bad(
            "the root is an overlay: what is written is gone after a reboot",
            "switch it off first: sudo raspi-config nonint disable_overlayfs, and reboot",
        ),
        Some((_, options)) if options.split(',').any(|o| o == "ro") => Finding::bad(
            "the root is mounted read-only",
            "sudo mount -o remount,rw / (if that fails, the SD card of the Pi is worn out)",
        ),
        Some((kind, _)) => Finding::good(format!("{kind}, writable")),
        None => Finding::unknown("the root's mount was not found"),
    }
}

/// The registry's row of [`power`].
pub const POWER: Check =
    Check { name: "power", line: "the power supply is strong enough", stops_apply: false, run: power };

fn power(subject: &Subject<'_>) -> Finding {
    let text = match said(subject, &Tool::new("vcgencmd").arg("get_throttled")) {
        Ok(text) => text,
        Err(finding) => return finding,
    };
    // Bit 0: too little voltage now; bits 1 to 3: slowed down now; from 16 on: the same since boot.
    let remedy = "a stronger power supply, a shorter cable, or a powered hub for the drive";
    match throttled(&text) {
        None => Finding::unknown("the firmware does not say"),
        Some(bits) if bits & 0x1 != 0 => Finding::bad("too little voltage right now", remedy),
        Some(bits) if bits & 0x1_0000 != 0 => Finding::warning("too little voltage since boot", remedy),
        Some(bits) if bits & 0xe != 0 => Finding::warning("slowed down by heat", "give the Pi some air"),
        Some(_) => Finding::good("steady"),
    }
}

/// Tells whether the power supply was too weak since the last boot; none where nobody can say.
#[must_use]
pub fn was_weak(host: &dyn Host) -> Option<bool> {
    let asked = host.output(&Tool::new("vcgencmd").arg("get_throttled")).ok()?;
    throttled(&asked.stdout).map(|bits| bits & WEAK != 0)
}

/// Too little voltage: now, and since boot.
const WEAK: u32 = 0x1_0001;

/// The registry's row of [`clock`].
pub const CLOCK: Check =
    Check { name: "clock", line: "the time of day is set", stops_apply: false, run: clock };

fn clock(subject: &Subject<'_>) -> Finding {
    if !subject.host.is_live() {
        return Finding::unknown("only a running host can say");
    }
    let clock = clock::look(subject.host, None);
    let remedy = "connect Ethernet for a minute, or type: sudo piback set-time TIME; photos are safe all the same, only \
                  records show a wrong time";
    match clock.by_network {
        Some(true) => Finding::good("set by the network"),
        _ if clock.is_behind() => Finding::warning("clock not set: it shows the past", remedy),
        Some(false) => Finding::warning("not set by the network since boot", remedy),
        None => Finding::unknown("timedatectl does not say"),
    }
}

/// `vcgencmd get_throttled`: `throttled=0x50005`. Bits by Raspberry Pi's documentation of that command.
fn throttled(text: &str) -> Option<u32> {
    u32::from_str_radix(text.trim().strip_prefix("throttled=0x")?, 16).ok()
}

/// File system type and options of `/` in mountinfo (proc_pid_mountinfo(5)); the last mount there counts.
fn root_mount(text: &str) -> Option<(&str, &str)> {
    let line = |line| {
        let (before, after) = str::split_once(line, " - ")?;
        let fields: Vec<&str> = before.split(' ').collect();
        (fields.get(4) == Some(&"/")).then_some(())?;
        Some((after.split(' ').next()?, *fields.get(5)?))
    };
    text.lines().filter_map(line).next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_tools_print() {
        assert_eq!(throttled("throttled=0x50005\n"), Some(0x50005));
        assert_eq!(throttled("VCHI initialization failed"), None);
        let mounts = "22 1 179:2 / / rw,noatime - ext4 /dev/root rw\n23 22 0:5 / /dev rw - devtmpfs d rw\n";
        assert_eq!(root_mount(mounts), Some(("ext4", "rw,noatime")));
        assert_eq!(root_mount("garbage\n - \n"), None);
    }
}
