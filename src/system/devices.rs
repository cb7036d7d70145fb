//! Asks the host what is plugged in and what is mounted. The texts are read elsewhere.

use super::run::{RunError, Tool};
use std::io;
use std::path::Path;
use std::time::Duration;

/// The output of lsblk, in the dialect that this host's release has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listing {
    Json(String),
    /// util-linux before 2.27 knows no `--json`.
    Pairs(String),
}

/// A device that stopped answering must not hold the command for ever.
const DEADLINE: Duration = Duration::from_secs(30);

/// Lists all block devices with these columns, sizes in bytes.
///
/// # Errors
/// lsblk is missing, failed, or did not end.
pub fn list(columns: &str) -> Result<Listing, RunError> {
    let lsblk =
        |format: &str| Tool::new("lsblk").args([format, "--bytes", "--output", columns]).deadline(DEADLINE);
    let json = lsblk("--json").output()?;
    if json.code == Some(0) {
        return Ok(Listing::Json(json.stdout));
    }
    // An old release says "unrecognized option". If it was something else, this one fails too and says what.
    Ok(Listing::Pairs(lsblk("--pairs").run()?.stdout))
}

/// Reads the devices' own labels, for a host without udev; needs root. Empty when there is nothing to find.
///
/// # Errors
/// blkid is missing, failed, or did not end.
pub fn probe() -> Result<String, RunError> {
    // Without its cache: a stick that was formatted elsewhere would have its old label there.
    let blkid = Tool::new("blkid").args(["-c", "/dev/null", "-o", "export"]).deadline(DEADLINE);
    let output = blkid.output()?;
    match output.code {
        Some(0) => Ok(output.stdout),
        // 2 is "found nothing".
        Some(2) => Ok(String::new()),
        _ => Err(RunError::Failed { line: blkid.line(), output }),
    }
}

/// As many of the kernel's latest messages are read: a drive that fails says the same thing for days.
const MESSAGES: &str = "10000";

/// Reads the kernel's messages of this boot, an object a line; empty where they are not for this user.
///
/// # Errors
/// journalctl is missing, failed, or did not end.
pub fn kernel_log() -> Result<String, RunError> {
    let args = ["--dmesg", "--boot", "--quiet", "--no-pager", "--output=json", "--lines", MESSAGES];
    Ok(Tool::new("journalctl").args(args).deadline(DEADLINE).run()?.stdout)
}

/// A drive has so long to answer about itself.
const OWN_CHECK: Duration = Duration::from_secs(15);

/// Reads what a disk says of itself, in smartctl's JSON, whatever its exit code. Nothing is written or started; a disk that sleeps
/// is not woken, and a USB bridge that smartctl does not know is sent nothing.
///
/// # Errors
/// smartctl is missing, or did not end.
pub fn own_check(disk: &str) -> Result<String, RunError> {
    let args = ["--json", "--all", "--nocheck=standby"];
    let smartctl = Tool::new("smartctl").args(args).arg(Path::new("/dev").join(disk));
    Ok(smartctl.deadline(OWN_CHECK).output()?.stdout)
}

/// Reads the way through buses and bridges to a block device, `../../devices/…/block/sda/sda1`.
///
/// # Errors
/// It is not there any more.
pub fn way_to(kname: &str) -> io::Result<String> {
    let link = std::fs::read_link(Path::new("/sys/class/block").join(kname))?;
    Ok(link.to_string_lossy().into_owned())
}

/// Reads the same of the device of this number, as `st_dev` has it.
///
/// # Errors
/// There is no such block device.
pub fn way_to_number(device: u64) -> io::Result<String> {
    let (major, minor) = (nix::sys::stat::major(device), nix::sys::stat::minor(device));
    let link = std::fs::read_link(format!("/sys/dev/block/{major}:{minor}"))?;
    Ok(link.to_string_lossy().into_owned())
}

/// Reads the speed of a USB bus by its root hub's name, `usb1`, in Mbit/s; none where it is not known.
#[must_use]
pub fn usb_speed(root_hub: &str) -> Option<u32> {
    let speed = std::fs::read_to_string(Path::new("/sys/bus/usb/devices").join(root_hub).join("speed"));
    speed.ok()?.trim().parse().ok()
}

/// Reads what is mounted in this process's view.
///
/// # Errors
/// /proc is not there.
pub fn mountinfo() -> io::Result<String> {
    Ok(String::from_utf8_lossy(&std::fs::read("/proc/self/mountinfo")?).into_owned())
}
