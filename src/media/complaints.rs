//! The kernel's own complaints about a disk, from its log as `journalctl -k -o json` gives it. Pure.
//!
//! A line of that output is one message, whatever stands in it: a name that a device gave itself, with a line break and what
//! looks like an error behind it, stays inside of its message, which begins with the kernel's words about the device that has
//! the name. Plain text, as dmesg prints it, does not keep messages apart. What programs wrote into the kernel's log has
//! another facility.

use crate::ui::visible;
use serde::Serialize;
use serde_json::Value;

/// A whole disk, and the USB device that it is reached by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// The kernel's name, `sdb`.
    pub name: String,
    /// The place on the bus, `1-1.2`: a hub's ports below a root hub's.
    pub usb: Option<String>,
}

impl Disk {
    /// Reads where the link of `/sys/class/block/` leads to, for a disk or a partition:
    /// `../../devices/…/usb1/1-1/1-1.2/1-1.2:1.0/host0/…/block/sdb/sdb1`.
    #[must_use]
    pub fn of_link(link: &str) -> Option<Self> {
        let mut parts = link.split('/').skip_while(|part| *part != "devices");
        let before: Vec<&str> = parts.by_ref().take_while(|part| *part != "block").collect();
        let usb = before.into_iter().rev().find(|part| is_usb(part)).map(str::to_owned);
        Some(Disk { name: parts.next().filter(|name| !name.is_empty())?.to_owned(), usb })
    }

    /// Tells whether a name is the disk's or a partition's of it.
    fn has(&self, name: &str) -> bool {
        let Some(rest) = name.strip_prefix(self.name.as_str()) else { return false };
        // `mmcblk1p1`, but `sdb1`.
        let number = match self.name.ends_with(|c: char| c.is_ascii_digit()) {
            true if !rest.is_empty() => rest.strip_prefix('p').unwrap_or("?"),
            _ => rest,
        };
        rest.is_empty() || (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    }

    fn is(&self, named: Named) -> bool {
        match named {
            Named::Block(name) => self.has(name),
            Named::Usb(place) => self.usb.as_deref() == Some(place),
        }
    }
}

/// A USB device's name, `1-1.2`; its interfaces (`1-1.2:1.0`) and root hubs (`usb1`) are none.
fn is_usb(part: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    part.split_once('-').is_some_and(|(bus, ports)| digits(bus) && ports.split('.').all(digits))
}

/// The number of complaints of each kind, since the disk was plugged in. The kernel leaves out some of many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Complaints {
    /// Places that the medium itself could not read or write.
    pub medium_errors: u64,
    /// Other reads and writes that failed.
    pub io_errors: u64,
    /// Times that the kernel had to begin anew with the USB device.
    pub usb_resets: u64,
    /// Errors that the file system found in itself.
    pub file_system_errors: u64,
    /// Times that it was mounted and found open: pulled without being ejected, here, in a camera or at a computer.
    pub not_ejected: u64,
    /// Times that it went, in this boot, after reads or writes had failed.
    pub fell_off: u64,
}

/// As many resets do not yet say anything: some bridges need one or two to begin.
const RESETS: u64 = 2;

/// Once somebody may have pulled it.
const PULLED: u64 = 1;

impl Complaints {
    /// The kinds that there are, in words, and nothing where there is none.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        let of = |n: u64, one: &str, many: &str| match n {
            0 => None,
            1 => Some(format!("1 {one}")),
            n => Some(format!("{n} {many}")),
        };
        let kinds = [
            of(self.medium_errors, "bad place on the medium", "bad places on the medium"),
            of(self.io_errors, "read or write that failed", "reads or writes that failed"),
            of(self.file_system_errors, "error in its file system", "errors in its file system"),
            of(self.usb_resets, "reset of its USB connection", "resets of its USB connection"),
        ];
        let kinds: Vec<String> = kinds.into_iter().flatten().collect();
        let open = (self.not_ejected > 0).then(|| "it was pulled once without being ejected".to_owned());
        let since = (!kinds.is_empty())
            .then(|| format!("since it was plugged in the kernel saw {}", kinds.join(", ")));
        let fell =
            of(self.fell_off, "time", "times").map(|times| format!("it went {times} while it was in use"));
        let words: Vec<String> = since.into_iter().chain(open).chain(fell).collect();
        (!words.is_empty()).then(|| words.join("; "))
    }

    /// The thing to do; nothing where what was seen needs nothing.
    #[must_use]
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Complaints { medium_errors: 1.., .. } => {
                Some("copy what is on it while that goes, and take another one from then on")
            }
            Complaints { file_system_errors: 1.., .. } => {
                Some("when its photos are elsewhere too, let a computer check and repair it")
            }
            Complaints { not_ejected: 1.., io_errors: 0, .. } => {
                Some("let a computer check it some day (NTFS: Windows' chkdsk /f); piback eject before it is pulled")
            }
            Complaints { io_errors, usb_resets, fell_off, .. } => (*io_errors > 0
                || *usb_resets > RESETS
                || *fell_off > PULLED)
                .then_some(
                "another cable or port, or a stronger power supply; if that does not help, take another one",
            ),
        }
    }
}

/// The kernel's messages of this boot, the oldest first.
#[derive(Debug, Default)]
pub struct Log {
    /// The first line of each.
    messages: Vec<String>,
}

impl Log {
    /// Reads journalctl's JSON, one message a line. Nothing where there is no message of the kernel's: then the log is not there,
    /// or not for this user, and it is not known that there is no complaint.
    #[must_use]
    pub fn read(json: &str) -> Option<Self> {
        let messages: Vec<String> = json.lines().filter_map(message).collect();
        (!messages.is_empty()).then_some(Log { messages })
    }

    /// Counts the complaints about a disk since it was last plugged in. A log whose begin is gone has them still: what is older
    /// than all of its messages about a disk that was plugged in goes first. Nothing where it neither complains nor has seen the
    /// disk come: it may not reach back so far, and then nobody knows.
    #[must_use]
    pub fn about(&self, disk: &Disk) -> Option<Complaints> {
        let (mut found, mut is_seen) = (Complaints::default(), false);
        for (what, named) in self.messages.iter().filter_map(|message| said(message)) {
            if !disk.is(named) {
                continue;
            }
            is_seen = true;
            match what {
                What::Came => found = Complaints { fell_off: found.fell_off, ..Complaints::default() },
                What::Went => {
                    let fell = u64::from(found.io_errors > 0 || found.medium_errors > 0);
                    found = Complaints { fell_off: found.fell_off + fell, ..Complaints::default() };
                }
                What::Medium => found.medium_errors += 1,
                What::Io => found.io_errors += 1,
                What::Reset => found.usb_resets += 1,
                What::FileSystem => found.file_system_errors += 1,
                What::Open => found.not_ejected += 1,
            }
        }
        is_seen.then_some(found)
    }
}

/// The first line of a message that is the kernel's own.
fn message(line: &str) -> Option<String> {
    let entry: Value = serde_json::from_str(line).ok()?;
    let is = |field: &str, value: &str| entry.get(field).and_then(Value::as_str) == Some(value);
    if !is("_TRANSPORT", "kernel") || !is("SYSLOG_FACILITY", "0") {
        return None;
    }
    let text = match entry.get("MESSAGE")? {
        Value::String(text) => text.clone(),
        // With bytes that can't be printed it is a list of numbers.
        Value::Array(bytes) => {
            let byte = |value: &Value| value.as_u64().and_then(|n| u8::try_from(n).ok());
            String::from_utf8_lossy(&bytes.iter().filter_map(byte).collect::<Vec<u8>>()).into_owned()
        }
        _ => return None,
    };
    Some(visible(text.lines().next().unwrap_or_default()))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// The disk, or the card in a reader, is a new one from here on.
    Came,
    /// Its USB device is gone.
    Went,
    Medium,
    Io,
    Reset,
    FileSystem,
    /// Mounted, and its file system says that it was not taken off in order.
    Open,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named<'a> {
    Block(&'a str),
    Usb(&'a str),
}

/// Tells what a message says, and of which device. The words are the kernel's of 3.16 to 6.12.
fn said(message: &str) -> Option<(What, Named<'_>)> {
    usb(message)
        .or_else(|| came(message))
        .or_else(|| request(message))
        .or_else(|| file_system(message))
        .or_else(|| left_open(message))
}

/// `usb 1-1.2: reset high-speed USB device number 3 using xhci_hcd`
fn usb(message: &str) -> Option<(What, Named<'_>)> {
    let (place, rest) = message.strip_prefix("usb ")?.split_once(": ")?;
    let of_device = rest.contains(" USB device number ");
    let what = match rest {
        "USB disconnect" => What::Went,
        _ if rest.starts_with("USB disconnect, device number ") => What::Went,
        _ if of_device && rest.starts_with("new ") => What::Came,
        _ if of_device && rest.starts_with("reset ") => What::Reset,
        _ => return None,
    };
    is_usb(place).then_some((what, Named::Usb(place)))
}

/// `sd 0:0:0:0: [sdb] 62333952 512-byte logical blocks: (31.9 GB/29.7 GiB)`, also of a card that is put into a reader;
/// `mmcblk1: mmc1:0001 SD16G 14.4 GiB`.
fn came(message: &str) -> Option<(What, Named<'_>)> {
    let of_sd = || {
        let (name, rest) = message.strip_prefix("sd ")?.split_once(": [")?.1.split_once("] ")?;
        rest.contains("-byte logical blocks: (").then_some(name)
    };
    let of_mmc = || message.split_once(": mmc").map(|(name, _)| name).filter(|n| n.starts_with("mmcblk"));
    of_sd().or_else(of_mmc).map(|name| (What::Came, Named::Block(name)))
}

/// `critical medium error, dev sdb, sector 2048 op 0x0:(READ) flags 0x0`, after the function's name in older kernels.
fn request(message: &str) -> Option<(What, Named<'_>)> {
    const FUNCTIONS: [&str; 3] = ["blk_update_request: ", "print_req_error: ", "end_request: "];
    let message = FUNCTIONS.iter().find_map(|name| message.strip_prefix(name)).unwrap_or(message);
    let (kind, rest) = message.split_once(" error, dev ")?;
    let (name, rest) = rest.split_once(", sector ")?;
    // Bridges that know no discard say so with an error.
    if rest.contains("(DISCARD)") || rest.contains("(WRITE_ZEROES)") {
        return None;
    }
    let what = match kind {
        "critical medium" => What::Medium,
        "I/O" | "critical target" | "timeout" => What::Io,
        _ => return None,
    };
    Some((what, Named::Block(name)))
}

/// `FAT-fs (sdb1): error, …`, `exFAT-fs (sdb1): error, …`, `EXT4-fs error (device sdb1): …`
fn file_system(message: &str) -> Option<(What, Named<'_>)> {
    let fat = |kind: &str| {
        let (name, rest) = message.strip_prefix(kind)?.split_once("): ")?;
        rest.starts_with("error, ").then_some(name)
    };
    let ext = |kind: &str| message.strip_prefix(kind)?.split_once(')').map(|(name, _)| name);
    let name = ["FAT-fs (", "exFAT-fs ("].iter().find_map(|kind| fat(kind));
    let name = name.or_else(|| {
        ["EXT4-fs error (device ", "EXT3-fs error (device ", "EXT2-fs error (device "]
            .iter()
            .find_map(|kind| ext(kind))
    });
    name.map(|name| (What::FileSystem, Named::Block(name)))
}

/// `exFAT-fs (sdb1): Volume was not properly unmounted. …`; `ntfs3(sdb1): volume is dirty and "force" flag is not set!`, where
/// older kernels have the name between colons.
fn left_open(message: &str) -> Option<(What, Named<'_>)> {
    let fat = |kind: &str| {
        let (name, rest) = message.strip_prefix(kind)?.split_once("): ")?;
        rest.starts_with("Volume was not properly unmounted").then_some(name)
    };
    let ntfs = || {
        let rest = message.strip_prefix("ntfs3")?;
        let (name, rest) = match rest.strip_prefix('(') {
            Some(rest) => rest.split_once("): ")?,
            None => rest.strip_prefix(": ")?.split_once(": ")?,
        };
        rest.starts_with("volume is dirty").then_some(name)
    };
    let name = ["FAT-fs (", "exFAT-fs ("].iter().find_map(|kind| fat(kind)).or_else(ntfs);
    name.map(|name| (What::Open, Named::Block(name)))
}

#[cfg(test)]
#[path = "complaints_tests.rs"]
mod tests;
