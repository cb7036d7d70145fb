//! `safe-to-format`: re-reads the whole card and compares every byte with the drive. Trusts nothing it did not
//! read now, from both media.

use super::account::NotSafe;
use super::digest::Digest;
use super::drive::Drive;
use super::endpoints::Endpoints;
use super::events::{Event, Tally, Watch};
use super::findings;
use super::manifest::{Index, Record, to_text};
use super::naming::FolderNames;
use super::reason::{self, Reason, Stop};
use super::scan::{self, Card, File};
use super::source::{self, LARGE, PIECE, Source};
use crate::error::Problem;
use crate::system::volume::{Buffer, Fault, FaultKind, Shared};
use crate::ui::visible;
use std::collections::HashSet;

/// The answer.
#[derive(Debug, Default)]
pub struct Answer {
    pub card: Tally,
    /// Read from the card and found, byte for byte, on the drive.
    pub safe: Tally,
    pub not_safe: Vec<NotSafe>,
    pub skipped: Vec<String>,
    /// Thing that card and drive have in common, so that they are lost together.
    pub shared: Option<Shared>,
    /// Bytes that the card's file system calls used and that nothing visible uses.
    pub unseen: u64,
    /// The user tries it out in folders, and knows that these are lost together.
    pub shared_allowed: bool,
    pub stop: Option<Stop>,
    /// Remarks on the drive.
    pub notes: Vec<String>,
}

impl Answer {
    /// Tells whether formatting the card loses nothing.
    #[must_use]
    pub fn yes(&self) -> bool {
        self.not_safe.is_empty()
            && self.stop.is_none()
            && self.safe.files == self.card.files
            && self.unseen == 0
            && (self.shared.is_none() || self.shared_allowed)
    }

    /// Adds the verdict on one file, and tells whoever watches.
    fn take(&mut self, card: &Card, file: &File, verdict: Result<(), Reason>, watch: &dyn Watch) {
        let Err(reason) = verdict else {
            self.safe.add(file.size);
            watch.event(Event::Checked(Tally { files: 1, bytes: file.size }));
            return;
        };
        if let Reason::NotReached(stop) = reason {
            self.stop = Some(stop);
        }
        let path = source::shown(card, file);
        if self.stop.is_none() {
            watch.event(Event::NotSafe { path: path.clone(), why: reason.describe() });
        }
        self.not_safe.push(NotSafe { path, size: file.size, reason });
    }
}

/// Compares the card with its backup. `allow_shared` lets the answer be yes where both are lost together.
///
/// # Errors
/// When an end is missing, or the card shows no files at all: that looks like a card that isn't mounted.
pub fn safe_to_format(ends: &Endpoints, allow_shared: bool, watch: &dyn Watch) -> anyhow::Result<Answer> {
    let (source, mut drive) = ends.open()?;
    let _lock = drive.lock()?;
    let name = visible(&ends.source.to_string_lossy());
    let card = ends.scan(&source, &drive, watch)?;
    if card.files.is_empty() && card.odd.is_empty() {
        return Err(Problem::failed(format!("{name} holds no files: there is nothing to compare"))
            .hint("is the card mounted there?")
            .into());
    }
    let shared = source.root.shares_with(&drive.root);
    if let Some(shared) = shared.filter(|_| !allow_shared) {
        watch.event(Event::Warning { text: reason::no_backup(shared).into() });
    }
    let runs = drive.runs()?;
    let mut answer = Answer {
        card: Tally { files: (card.files.len() + card.odd.len()) as u64, bytes: card.bytes() },
        skipped: card.clutter.iter().map(|name| visible(&String::from_utf8_lossy(name))).collect(),
        shared,
        shared_allowed: allow_shared,
        ..Answer::default()
    };
    for odd in &card.odd {
        let path = to_text(&odd.path);
        answer.not_safe.push(NotSafe { path, size: 0, reason: Reason::Odd(odd.what.clone()) });
    }
    let buffers = (Buffer::new(PIECE), Buffer::new(PIECE));
    let found = Vec::new();
    let mut comparer =
        Comparer { card: &card, source, drive: &mut drive, index: &runs.index, buffers, found };
    for folder in &card.folders {
        let taken = comparer.taken(&folder.path);
        for at in folder.files.clone() {
            let file = &card.files[at];
            let stop = answer.stop.or_else(|| watch.stop_requested().then_some(Stop::Asked));
            let reason = match stop {
                Some(stop) => Err(Reason::NotReached(stop)),
                None => comparer.compare(file, at as u32, taken.as_ref()),
            };
            answer.take(&card, file, reason, watch);
        }
    }
    if answer.stop.is_none() {
        changed_meanwhile(&comparer.source, &card, &mut answer);
    }
    let found = std::mem::take(&mut comparer.found);
    answer.notes.extend(findings::leave(&drive, &runs, "safe-to-format", found));
    answer.not_safe.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(answer)
}

/// Lists what came to the card, or was written to, while it was compared: nobody looked at that.
fn changed_meanwhile(source: &Source, card: &Card, answer: &mut Answer) {
    let now = match Card::scan(&source.root) {
        Ok(now) => now,
        Err(fault) => {
            answer.stop = Some(Stop::CardGone(fault));
            return;
        }
    };
    answer.unseen = now.unseen;
    let seen: HashSet<(Vec<u8>, u64, i64, i64)> =
        card.files.iter().map(|f| (card.path(f), f.size, f.mtime, f.ctime)).collect();
    for odd in now.odd.iter().filter(|odd| !card.odd.contains(odd)) {
        let path = to_text(&odd.path);
        answer.not_safe.push(NotSafe { path, size: 0, reason: Reason::Odd(odd.what.clone()) });
    }
    for file in &now.files {
        let (path, shown) = (now.path(file), source::shown(&now, file));
        let same = seen.contains(&(path, file.size, file.mtime, file.ctime));
        if !same && !answer.not_safe.iter().any(|bad| bad.path == shown) {
            answer.not_safe.push(NotSafe { path: shown, size: file.size, reason: Reason::Changed });
        }
    }
}

struct Comparer<'a> {
    card: &'a Card,
    source: Source,
    drive: &'a mut Drive,
    index: &'a Index,
    buffers: (Buffer, Buffer),
    /// Findings that the next backup has to know.
    found: Vec<Record>,
}

impl Comparer<'_> {
    /// The names in the folder's place on the drive, and that place's path.
    fn taken(&mut self, path: &[u8]) -> Option<(FolderNames, Vec<u8>)> {
        let place = self.drive.find(path).ok().flatten()?;
        let names = place.dir.list().ok()?;
        let taken = FolderNames::new(names.iter().map(|e| e.name.as_slice()), self.drive.ignores_case);
        Some((taken, place.path))
    }

    /// Place where on the drive a file may be, and whether anything there has its name.
    fn candidates(
        &self,
        file: &File,
        path: &[u8],
        taken: Option<&(FolderNames, Vec<u8>)>,
    ) -> (Vec<Vec<u8>>, bool) {
        let mut candidates: Vec<Vec<u8>> = Vec::new();
        for known in self.index.of_path(path).filter(|known| known.size == file.size && !known.partial) {
            if !candidates.iter().any(|have| have == known.dest) {
                candidates.push(known.dest.to_vec());
            }
        }
        let mut namesake = false;
        if let Some((taken, place)) = taken {
            for (_, name) in taken.candidates(self.card.name(file)) {
                namesake = true;
                let dest = scan::join(place, &name);
                if !candidates.contains(&dest) {
                    candidates.push(dest);
                }
            }
        }
        (candidates, namesake)
    }

    fn compare(
        &mut self,
        file: &File,
        at: u32,
        taken: Option<&(FolderNames, Vec<u8>)>,
    ) -> Result<(), Reason> {
        let path = self.card.path(file);
        let (candidates, namesake) = self.candidates(file, &path, taken);
        let open = self.source.open(self.card, file, false);
        let mut open = open.map_err(|fault| self.card_fault(fault, at))?;
        let on_drive = candidates.first().and_then(|dest| self.open_on_drive(dest, file.size));
        let (card_buffer, drive_buffer) = (&mut self.buffers.0, &mut self.buffers.1);
        // Two devices, two threads; for small files a thread costs more than it saves.
        let (card, drive) = match on_drive {
            Some(mut other) if file.size >= LARGE => std::thread::scope(|scope| {
                let other = scope.spawn(move || source::digest_copy(&mut other, drive_buffer));
                let card = source::digest(&mut open, card_buffer);
                (card, other.join().ok())
            }),
            Some(mut other) => {
                (source::digest(&mut open, card_buffer), Some(source::digest_copy(&mut other, drive_buffer)))
            }
            None => (source::digest(&mut open, card_buffer), None),
        };
        let card = card.map_err(|fault| self.card_fault(fault, at))?.ok_or(Reason::Changed)?;
        let mut seen = Vec::new();
        for (n, dest) in candidates.iter().enumerate() {
            let answer = match (n, &drive) {
                (0, None) => continue,
                (0, Some(first)) => *first,
                _ => {
                    let Some(mut other) = self.open_on_drive(dest, file.size) else { continue };
                    source::digest_copy(&mut other, &mut self.buffers.1)
                }
            };
            match self.on_drive(answer)? {
                Some(digest) if digest == card => return Ok(()),
                Some(digest) => seen.push((dest, digest)),
                None => {}
            }
        }
        let changed =
            seen.into_iter().filter(|(dest, digest)| self.blames_card(file, &path, dest, *digest)).count();
        Err(match namesake {
            _ if changed > 0 => Reason::CardChanged,
            true => Reason::Unequal,
            false => Reason::Missing,
        })
    }

    /// Of a copy that is not as the card's file: whether it is just as its record says, so that it is the card that
    /// differs. Either way the next backup is told.
    fn blames_card(&mut self, file: &File, path: &[u8], dest: &[u8], digest: Digest) -> bool {
        let vouched = self.index.of_dest(dest).filter(|known| known.is_vouched() && !known.partial);
        let Some(known) = vouched else { return false };
        let (rotten, doubted) = (self.index.is_rotten(dest), self.index.is_doubted(path));
        if known.hash != digest.hash {
            if !rotten {
                self.found.push(Record::Rotten { dest: to_text(dest) });
            }
            return false;
        }
        let same = known.path == path && known.mtime == file.mtime && known.ctime == file.ctime;
        if same && !doubted {
            self.found.push(Record::Doubted { path: to_text(path) });
        }
        same
    }

    /// Digest of a copy; none where the drive can't give it.
    fn on_drive(&self, answer: Result<Option<Digest>, Fault>) -> Result<Option<Digest>, Reason> {
        match answer {
            Ok(digest) => Ok(digest),
            Err(fault) if fault.kind() == FaultKind::Gone || !self.drive.root.device_present() => {
                Err(Reason::NotReached(Stop::DriveGone(fault)))
            }
            // Unreadable on the drive is not on the drive.
            Err(_) => Ok(None),
        }
    }

    fn open_on_drive(&mut self, dest: &[u8], size: u64) -> Option<crate::system::volume::InFile> {
        let (dir, name) = self.drive.holding(dest).ok().flatten()?;
        let open = dir.read(name, size >= LARGE).ok()?;
        (open.stat().ok()?.size == size).then_some(open)
    }

    fn card_fault(&mut self, fault: Fault, at: u32) -> Reason {
        if self.source.is_gone(fault, at) {
            Reason::NotReached(Stop::CardGone(fault))
        } else {
            Reason::Unreadable(fault)
        }
    }
}
