//! A verb's reach: the tree that `--root` names, folders, or what a host alone has.

use super::Command;
use std::path::{Path, PathBuf};

/// The things that a command line, as it was typed, works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach<'a> {
    /// Files: those of the tree that `--root` names, or none.
    Files,
    /// Cards and drives, for which folders can stand: those that were named, and whether nothing is left to be looked for.
    Folders { named: Vec<&'a Path>, all: bool },
    /// Devices, networks, jobs or the clock of a host that runs: a tree has none of them.
    Host,
}

impl Command {
    /// Every verb says here how far it reaches.
    #[must_use]
    pub fn reach(&self) -> Reach<'_> {
        match self {
            Command::Init(_)
            | Command::Plan(_)
            | Command::Apply(_)
            | Command::Confirm
            | Command::Rollback(_)
            | Command::Render(_)
            | Command::Status(_)
            | Command::Boot(_)
            | Command::Settle(_)
            | Command::Drift
            | Command::Doctor
            | Command::Qr(_)
            | Command::Schema
            | Command::Image(_)
            | Command::Completions(_)
            | Command::Man(_)
            // Runs of the tree: its run directory says which.
            | Command::Attach(_)
            | Command::Cancel(_) => Reach::Files,
            Command::Backup(a) => folders(&a.source, &a.dest, a.source.is_some()),
            Command::SafeToFormat(a) => folders(&a.source, &a.dest, a.source.is_some()),
            Command::Verify(a) => folders(&a.source, &a.dest, true),
            Command::Scrub(a) => folders(&None, &a.dest, true),
            Command::Send(a) => folders(&None, &a.dest, true),
            Command::Web(a) if a.appliance => Reach::Host,
            // Folders, or nothing at all.
            Command::Web(_) => Reach::Files,
            Command::Control(a) if a.socket.is_some() => Reach::Files,
            Command::Cards
            | Command::Enroll(_)
            | Command::Eject(_)
            | Command::Poweroff(_)
            | Command::Volume(_)
            | Command::Control(_)
            | Command::Job(_)
            | Command::Uplink(_)
            | Command::Pair(_)
            | Command::SetTime(_) => Reach::Host,
        }
    }
}

/// Folders of a command line that has its card, if it wants one; a drive it always wants.
fn folders<'a>(source: &'a Option<PathBuf>, dest: &'a [PathBuf], has_card: bool) -> Reach<'a> {
    let named = source.iter().chain(dest).map(PathBuf::as_path).collect();
    Reach::Folders { named, all: has_card && !dest.is_empty() }
}
