//! `safe-to-format`: re-reads the whole card and compares every byte with the drive. Trusts nothing it did not
//! read now, from both media.

use super::account::NotSafe;
use super::copies::Copies;
use super::endpoints::{self, Endpoints, any_or_first_error};
use super::events::{Event, OfDrive, Tally, Watch};
use super::manifest::to_text;
use super::offers::Content;
use super::reason::{self, Reason, Stop};
use super::scan::{Card, File};
use super::source::{self, LARGE, PIECE, Source};
use crate::error::Problem;
use crate::profile;
use crate::system::volume::{Buffer, Dir, Fault, Shared};
use crate::ui::visible;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

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
    /// Another drive, named before, that has all of it too and is on the same disk: both are one copy.
    pub twin: Option<String>,
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

    /// Takes a file back that was safe when it was compared.
    fn take_back(&mut self, card: &Card, file: &File, reason: Reason) {
        self.safe.files -= 1;
        self.safe.bytes -= file.size;
        self.not_safe.push(NotSafe { path: source::shown(card, file), size: file.size, reason });
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

/// The answers of all drives.
#[derive(Debug)]
pub struct Compared {
    /// In the order in which they were named; an error where one could not be used at all.
    pub drives: Vec<(PathBuf, anyhow::Result<Answer>)>,
    /// Files that were found, byte for byte, on every drive that could be used.
    pub on_all: Tally,
    /// The content of each file of the card that could be read.
    pub contents: Vec<Content>,
    /// Number of the drives, and of the places far away, that must have everything.
    pub copies: profile::Copies,
    /// Places far away that were asked; `copies` tells how many of them are wanted.
    pub away: Vec<Away>,
}

/// The answer of a place far away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Away {
    pub remote: String,
    /// Why not all of the card is there, verified; none where it is.
    pub why_not: Option<String>,
}

impl Compared {
    /// Tells whether as many drives have everything as must, and as many places far away.
    #[must_use]
    pub fn yes(&self) -> bool {
        let away = self.away.iter().filter(|one| one.why_not.is_none()).count();
        self.yes_of_drives() && away >= self.copies.remotes()
    }

    /// Tells whether as many drives have everything as must. Several on one disk are one.
    #[must_use]
    pub fn yes_of_drives(&self) -> bool {
        let is_copy = |answer: &Answer| answer.yes() && answer.twin.is_none();
        let have = self.drives.iter().filter(|(_, answer)| answer.as_ref().is_ok_and(is_copy)).count();
        self.copies.enough(have, self.drives.len())
    }
}

/// Compares the card, read once, with its backup on each of the drives. `allow_shared` lets the answer be yes where
/// card and drive are lost together.
///
/// # Errors
/// When no drive can be used, or the card shows no files at all: that looks like a card that isn't mounted.
pub fn safe_to_format(all: &[Endpoints], allow_shared: bool, watch: &dyn Watch) -> anyhow::Result<Compared> {
    let (card, source, opened) = endpoints::open(all)?;
    watch.event(Event::Scanned(Tally { files: card.files.len() as u64, bytes: card.bytes() }));
    if card.files.is_empty() && card.odd.is_empty() {
        let name = all.first().map_or_else(String::new, |ends| visible(&ends.source.to_string_lossy()));
        return Err(Problem::failed(format!("{name} holds no files: there is nothing to compare"))
            .hint("is the card mounted there?")
            .into());
    }
    let named: Vec<OfDrive<'_>> =
        all.iter().map(|ends| OfDrive { watch, drive: visible(&ends.dest.to_string_lossy()) }).collect();
    let (mut sides, mut outcomes) = (Vec::new(), Vec::new());
    for (at, opened) in opened.into_iter().enumerate() {
        let watch: &dyn Watch = if all.len() > 1 { &named[at] } else { watch };
        let side = opened.and_then(|(drive, lock)| {
            let answer = begin(&card, source.root.shares_with(&drive.root), allow_shared, watch);
            Ok((Copies::new(&card, drive, lock)?, answer))
        });
        match side {
            Ok((copies, answer)) => {
                outcomes.push(Ok(sides.len()));
                sides.push(Side { copies, answer, watch });
            }
            Err(error) => outcomes.push(Err(error)),
        }
    }
    let mut comparer =
        Comparer { card: &card, source, sides, buffer: Buffer::new(PIECE), contents: Vec::new() };
    comparer.run(watch);
    let contents = std::mem::take(&mut comparer.contents);
    let disks = comparer.disks(allow_shared);
    let answers = comparer.finish();
    let on_all = on_all(&card, &answers);
    let mut answers: Vec<Option<Answer>> = answers.into_iter().map(Some).collect();
    let drives = all
        .iter()
        .zip(outcomes)
        .map(|(ends, at)| (ends.dest.clone(), at.map(|at| answers[at].take().unwrap_or_default())));
    let mut drives = any_or_first_error(drives.collect())?;
    name_twins(&mut drives, &disks);
    Ok(Compared { drives, on_all, contents, copies: profile::Copies::All, away: Vec::new() })
}

/// The answer before anything was compared.
fn begin(card: &Card, shared: Option<Shared>, allow_shared: bool, watch: &dyn Watch) -> Answer {
    if let Some(shared) = shared.filter(|_| !allow_shared) {
        watch.event(Event::Warning { text: reason::no_backup(shared).into() });
    }
    let not_safe = card.odd.iter().map(|odd| NotSafe {
        path: to_text(&odd.path),
        size: 0,
        reason: Reason::Odd(odd.what.clone()),
    });
    Answer {
        card: Tally { files: (card.files.len() + card.odd.len()) as u64, bytes: card.bytes() },
        not_safe: not_safe.collect(),
        skipped: card.clutter.iter().map(|name| visible(&String::from_utf8_lossy(name))).collect(),
        shared,
        shared_allowed: allow_shared,
        ..Answer::default()
    }
}

/// Lists what came to the card, or was written to, while it was compared: nobody looked at that.
fn changed_meanwhile(now: &Card, card: &Card, answer: &mut Answer) {
    answer.unseen = now.unseen;
    let seen: HashSet<(Vec<u8>, u64, i64, i64)> =
        card.files.iter().map(|f| (card.path(f), f.size, f.mtime, f.ctime)).collect();
    for odd in now.odd.iter().filter(|odd| !card.odd.contains(odd)) {
        let path = to_text(&odd.path);
        answer.not_safe.push(NotSafe { path, size: 0, reason: Reason::Odd(odd.what.clone()) });
    }
    for file in &now.files {
        let (path, shown) = (now.path(file), source::shown(now, file));
        let same = seen.contains(&(path, file.size, file.mtime, file.ctime));
        if !same && !answer.not_safe.iter().any(|bad| bad.path == shown) {
            answer.not_safe.push(NotSafe { path: shown, size: file.size, reason: Reason::Changed });
        }
    }
}

/// The card's files that no drive lacks.
fn on_all(card: &Card, answers: &[Answer]) -> Tally {
    let bad: HashSet<&str> =
        answers.iter().flat_map(|answer| &answer.not_safe).map(|bad| bad.path.as_str()).collect();
    let mut tally = Tally::default();
    let good =
        card.files.iter().filter(|file| bad.is_empty() || !bad.contains(source::shown(card, file).as_str()));
    good.for_each(|file| tally.add(file.size));
    tally
}

/// Names, at each drive that has all, an earlier one that has too and is on the same disk; `disks` tells of the drives that could
/// be used, in their order.
fn name_twins(drives: &mut [(PathBuf, anyhow::Result<Answer>)], disks: &[usize]) {
    let mut first: HashMap<usize, String> = HashMap::new();
    let usable = drives.iter_mut().filter_map(|(path, answer)| Some((path, answer.as_mut().ok()?)));
    for ((path, answer), disk) in usable.zip(disks).filter(|((_, answer), _)| answer.yes()) {
        match first.get(disk) {
            Some(other) => answer.twin = Some(other.clone()),
            None => _ = first.insert(*disk, visible(&path.to_string_lossy())),
        }
    }
}

/// A drive, and what was found on it.
struct Side<'a> {
    copies: Copies<'a>,
    answer: Answer,
    watch: &'a dyn Watch,
}

struct Comparer<'a> {
    card: &'a Card,
    source: Source,
    sides: Vec<Side<'a>>,
    buffer: Buffer,
    contents: Vec<Content>,
}

impl Comparer<'_> {
    /// Compares every file.
    fn run(&mut self, watch: &dyn Watch) {
        let card = self.card;
        for folder in &card.folders {
            self.sides.iter_mut().for_each(|side| side.copies.enter(&folder.path));
            for at in folder.files.clone() {
                let file = &card.files[at];
                if watch.stop_requested() {
                    self.stop(Stop::Asked);
                }
                let verdicts = match self.sides.iter().any(|side| side.answer.stop.is_none()) {
                    true => self.compare(file, at as u32),
                    false => vec![Ok(()); self.sides.len()],
                };
                for (side, mut verdict) in self.sides.iter_mut().zip(verdicts) {
                    if let Some(stop) = side.answer.stop {
                        verdict = Err(Reason::NotReached(stop));
                    }
                    side.answer.take(card, file, verdict, side.watch);
                }
            }
        }
    }

    /// A number for the disk of each drive; each one's own where the user knows that they are lost together.
    fn disks(&self, allow_shared: bool) -> Vec<usize> {
        let roots: Vec<&Dir> = self.sides.iter().map(|side| side.copies.root()).collect();
        let of = |(at, root): (usize, &&Dir)| {
            let same = |other: &&Dir| !allow_shared && root.shares_with(other).is_some();
            roots[..at].iter().position(same).unwrap_or(at)
        };
        roots.iter().enumerate().map(of).collect()
    }

    fn stop(&mut self, stop: Stop) {
        self.sides.iter_mut().for_each(|side| {
            side.answer.stop.get_or_insert(stop);
        });
    }

    /// Reads a file of the card once, and all its copies at the same time; a verdict for each drive.
    fn compare(&mut self, file: &File, at: u32) -> Vec<Result<(), Reason>> {
        let open = self.source.open(self.card, file, false);
        let mut open = match open {
            Ok(open) => open,
            Err(fault) => return vec![Err(self.card_fault(fault, at)); self.sides.len()],
        };
        let path = self.card.path(file);
        let mut goes_on: Vec<&mut Copies<'_>> = self
            .sides
            .iter_mut()
            .filter_map(|side| side.answer.stop.is_none().then_some(&mut side.copies))
            .collect();
        goes_on.iter_mut().for_each(|copies| copies.look_for(file, &path));
        let buffer = &mut self.buffer;
        // Each device its thread; for small files a thread costs more than it saves.
        let card = if file.size >= LARGE {
            std::thread::scope(|scope| {
                for copies in goes_on {
                    scope.spawn(move || copies.read_first());
                }
                source::digest(&mut open, buffer)
            })
        } else {
            goes_on.into_iter().for_each(Copies::read_first);
            source::digest(&mut open, buffer)
        };
        let card = match card {
            Ok(Some(digest)) => digest,
            Ok(None) => return vec![Err(Reason::Changed); self.sides.len()],
            Err(fault) => return vec![Err(self.card_fault(fault, at)); self.sides.len()],
        };
        self.contents.push(card.into());
        let sides = self.sides.iter_mut();
        sides
            .map(|side| match side.answer.stop {
                Some(stop) => Err(Reason::NotReached(stop)),
                None => side.copies.judge(card, at, &path),
            })
            .collect()
    }

    fn card_fault(&mut self, fault: Fault, at: u32) -> Reason {
        if self.source.is_gone(fault, at) {
            Reason::NotReached(Stop::CardGone(fault))
        } else {
            Reason::Unreadable(fault)
        }
    }

    /// Looks at the card and at the copies again, and leaves on each drive what the next backup has to know.
    fn finish(mut self) -> Vec<Answer> {
        if self.sides.iter().any(|side| side.answer.stop.is_none()) {
            match Card::scan(&self.source.root) {
                Ok(now) => self
                    .sides
                    .iter_mut()
                    .filter(|side| side.answer.stop.is_none())
                    .for_each(|side| changed_meanwhile(&now, self.card, &mut side.answer)),
                Err(fault) => self.stop(Stop::CardGone(fault)),
            }
            let card = self.card;
            for side in self.sides.iter_mut().filter(|side| side.answer.stop.is_none()) {
                match side.copies.look_again() {
                    Ok(lost) => lost.into_iter().for_each(|(at, reason)| {
                        side.answer.take_back(card, &card.files[at as usize], reason);
                    }),
                    Err(stop) => side.answer.stop = Some(stop),
                }
            }
        }
        let close = |side: Side<'_>| {
            let mut answer = side.answer;
            answer.notes.extend(side.copies.leave_findings());
            answer.not_safe.sort_by(|a, b| a.path.cmp(&b.path));
            answer
        };
        self.sides.into_iter().map(close).collect()
    }
}

#[cfg(test)]
#[path = "safe_tests.rs"]
mod tests;
