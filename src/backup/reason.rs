//! Why a file is not safely on the drive, and why a run ended early.

use super::events::total;
use super::scan::OddKind;
use crate::system::volume::{Fault, FaultKind, Shared};

/// Says, of a card and a drive that are lost together, what that means.
#[must_use]
pub fn no_backup(shared: Shared) -> &'static str {
    match shared {
        Shared::FileSystem => "card and drive are one file system: this is NO BACKUP",
        Shared::Disk => "card and drive are parts of one disk: this is NO BACKUP",
    }
}

/// Says what it means that so many bytes of a card are in use and nothing that is visible uses them.
#[must_use]
pub fn unseen(bytes: u64) -> Option<String> {
    let text = || {
        let size = crate::ui::bytes(bytes);
        format!(
            "{size} of the card are used by nothing that can be seen: check the card before you format it"
        )
    };
    (bytes > 0).then(text)
}

/// Says that the sizes of a card's files, together so many bytes, can't be true.
#[must_use]
pub fn forged(bytes: u64) -> Option<String> {
    let text = "the sizes on the card come to more than any card holds: its file system is damaged";
    (bytes == u64::MAX).then(|| text.into())
}

/// Said of one file that the drive is too full for.
pub const NO_ROOM: &str = "no room on the drive for it";
/// Said of one file that a stopped run did not come to: true of each verb.
pub const STOPPED: &str = "stopped before its turn";

/// Says of a whole run why it ended early.
#[must_use]
pub fn ended(why: &str) -> &str {
    if why == STOPPED { "stopped" } else { why }
}

/// Says of so many files that a run which ended early did not look at them.
#[must_use]
pub fn not_looked_at(why: &str, files: u64) -> String {
    let n = crate::ui::files(files);
    let was = if files == 1 { "was" } else { "were" };
    if why == STOPPED {
        format!("stopped before {n} {was} looked at")
    } else {
        format!("{why}, and {n} {was} not looked at")
    }
}

/// Why one file is not safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// No regular file, or an unreadable folder.
    Odd(OddKind),
    /// The same on the drive: `verify` can't look at it.
    OddOnDrive(OddKind),
    /// The card can't give it.
    Unreadable(Fault),
    /// Parts of it can't be read: offset and length of each, and where the rest was kept.
    BadRanges { bad: Vec<(u64, u64)>, kept: Option<Vec<u8>> },
    /// It grew, shrank or was written to while it was read.
    Changed,
    /// The drive has no room for this one.
    NoSpace,
    /// The drive has room, and takes no more names: its inodes are used up, or a folder is full.
    NoMoreNames,
    /// FAT32 stops at 4 GiB - 1.
    TooLarge,
    /// Its folder on the drive can't be opened.
    Folder(Fault),
    /// The drive refuses it.
    Refused(Fault),
    /// It was written, and the drive can't give it back.
    ReadBack(Fault),
    /// It was written, and the drive gives back something else.
    Differs,
    /// Nowhere are bytes as its record has them (`verify --repair`).
    NoGoodCopy,
    /// The run ended before it.
    NotReached(Stop),
    /// There is no copy of it on the drive (`safe-to-format`).
    Missing,
    /// The card's file has another content than was backed up, under the same size and times (`safe-to-format`).
    CardChanged,
    /// The drive has another photo under its name, or a damaged one (`safe-to-format`).
    Unequal,
    /// It was written to since it was backed up (`verify`).
    Edited,
    /// It is on the drive, and no record speaks of it (`verify`).
    Unrecorded,
    /// A backup took it over after manifests were lost; no card vouches for it (`verify`).
    Unvouched,
}

/// Why a run ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    CardGone(Fault),
    DriveGone(Fault),
    /// Full in the middle, when nothing small fits any more either.
    DriveFull(Fault),
    /// Another file system is at the drive's place now.
    DriveReplaced,
    /// It did not answer for long, while another drive waited for it.
    DriveSilent,
    /// This host has no more open files to give: neither card nor drive is to blame.
    Exhausted(Fault),
    /// Ctrl-C, or `piback cancel`.
    Asked,
}

impl Reason {
    /// For people: what is wrong, in one line.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Reason::Odd(odd) => odd.describe("card"),
            Reason::OddOnDrive(odd) => odd.describe("drive"),
            Reason::Unreadable(fault) => format!("the card can't read it: {fault}"),
            Reason::BadRanges { bad, kept } => {
                let lost = total(bad.iter().map(|(_, len)| *len));
                let ranges: Vec<String> = bad
                    .iter()
                    .take(8)
                    .map(|(at, len)| format!("{at}-{}", at + len.saturating_sub(1)))
                    .collect();
                let more = if bad.len() > 8 { format!(" and {} more", bad.len() - 8) } else { String::new() };
                let kept = match kept {
                    Some(path) => {
                        format!(
                            "; the rest is kept as {}",
                            crate::ui::visible(&String::from_utf8_lossy(path))
                        )
                    }
                    None => String::new(),
                };
                format!("{lost} bytes can't be read (bytes {}{more}){kept}", ranges.join(", "))
            }
            Reason::Changed => "it changed while it was read".into(),
            Reason::NoSpace => NO_ROOM.into(),
            Reason::NoMoreNames => {
                "the drive has room, but takes no more files: its file system is out of inodes, or the \
                                    folder is full"
                    .into()
            }
            Reason::TooLarge => "too large for the drive's file system (FAT32 stops at 4 GiB)".into(),
            Reason::Folder(fault) => format!("its folder on the drive can't be opened: {fault}"),
            Reason::Refused(fault) => format!("the drive refuses it: {fault}"),
            Reason::ReadBack(fault) => format!("the drive can't read it back: {fault}"),
            Reason::Differs => "the drive gives back other bytes than were written".into(),
            Reason::NoGoodCopy => "not repaired: no good copy of it was found".into(),
            Reason::NotReached(stop) => stop.describe().into(),
            Reason::Missing => "no copy on the drive".into(),
            Reason::CardChanged => {
                "the card has other content now than was backed up, of the same size and time".into()
            }
            Reason::Unequal => "what the drive has under its name is not the same".into(),
            Reason::Edited => "written to since it was backed up: edited, or damaged".into(),
            Reason::Unrecorded => "no record vouches for it".into(),
            Reason::Unvouched => "taken over unchecked: no card vouches for it".into(),
        }
    }
}

impl Stop {
    /// Meaning of a failed call on the drive for the run.
    #[must_use]
    pub fn of_drive(fault: Fault) -> Self {
        match fault.kind() {
            FaultKind::NoSpace => Stop::DriveFull(fault),
            FaultKind::Exhausted => Stop::Exhausted(fault),
            _ => Stop::DriveGone(fault),
        }
    }

    /// Tells whether nothing more can be written to the drive.
    #[must_use]
    pub fn ends_the_drive(self) -> bool {
        matches!(self, Stop::DriveGone(_) | Stop::DriveReplaced | Stop::DriveFull(_))
    }

    /// In a few words.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Stop::CardGone(_) => "the card is gone",
            Stop::DriveGone(_) => "the drive is gone",
            Stop::DriveFull(_) => "no room on the drive",
            Stop::DriveReplaced => "another drive is in the drive's place",
            Stop::DriveSilent => "the drive does not answer",
            Stop::Exhausted(_) => "too many open files on this computer: nothing is wrong with card or drive",
            Stop::Asked => STOPPED,
        }
    }
}
