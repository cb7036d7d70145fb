//! Match of the card with the drive: files that are there already, and names for the rest.
//!
//! A record of the manifest (path, size, times and, where times prove nothing, a sample of the content) together
//! with the file being there is the fast way. Where it is not to be had, and a file of the right name and size is
//! there, both are read and compared: content decides.

use super::adopted::{Adopted, Seen};
use super::card_seen::CardSeen;
use super::copy::Job;
use super::drive::{DestFolder, Drive, Held};
use super::events::{Event, Watch};
use super::manifest::{Index, Known};
use super::matched::Matched;
use super::naming::{FolderNames, Slot, State};
use super::reason::{Reason, Stop};
use super::scan::{self, Card, File};
use super::source::{self, Source};
use super::{clips, naming};
use crate::system::volume::{Buffer, Fault, FaultKind};
use std::ops::Range;

/// Way to find out.
#[derive(Debug, Clone, Copy, Default)]
pub struct How {
    /// Fill [`Matched::used`].
    pub keep_used: bool,
    /// Take no record's word: read every file, on the card and on the drive.
    pub compare: bool,
}

/// Goes through the card folder by folder. Writes nothing.
pub fn run(
    card: &Card,
    (source, seen): (&mut Source, &mut CardSeen),
    drive: &mut Drive,
    index: &Index,
    how: How,
    watch: &dyn Watch,
) -> Matched {
    let out = Matched::default();
    let mut matcher = Matcher { card, source, drive, index, watch, how, buffer: None, seen, out };
    let mut next = 0;
    while next < card.folders.len() {
        let folders = clips::together(card, next);
        next = folders.end;
        let first = folders.start;
        if let Err(stop) = matcher.folders(folders) {
            matcher.out.stop = Some(stop);
            // Not looked at is not safe: these become jobs that the stopped run never reaches.
            let files = card.folders[first].files.start..card.files.len();
            for file in files {
                matcher.out.copy.add(card.files[file].size);
                matcher.out.jobs.push(Job { file: file as u32, k: 1 });
            }
            break;
        }
    }
    matcher.out
}

struct Matcher<'a> {
    card: &'a Card,
    source: &'a mut Source,
    drive: &'a mut Drive,
    index: &'a Index,
    watch: &'a dyn Watch,
    how: How,
    buffer: Option<Buffer>,
    seen: &'a mut CardSeen,
    out: Matched,
}

/// A file of the card that was found on the drive.
struct Found {
    k: u32,
    known: bool,
    dest: Vec<u8>,
    /// The day of the record that its content was taken from; none when both sides were read.
    day: Option<i32>,
    /// Its new record, where it had none.
    adopted: Option<Adopted>,
}

impl Matcher<'_> {
    /// Folders that follow each other on the card, with their files.
    fn folders(&mut self, folders: Range<usize>) -> Result<(), Stop> {
        let start = folders.start;
        let all = &self.card.folders[folders];
        let (Some(first), Some(last)) = (all.first(), all.last()) else { return Ok(()) };
        let first = first.files.start;
        let files = &self.card.files[first..last.files.end];
        if files.is_empty() {
            return Ok(());
        }
        if self.watch.stop_requested() {
            return Err(Stop::Asked);
        }
        let mut found: Vec<Option<Found>> = Vec::with_capacity(files.len());
        for (n, file) in files.iter().enumerate() {
            found.push(self.by_record(file, (first + n) as u32)?);
        }
        if found.iter().all(Option::is_some) {
            self.settle(first, files, found, &[]);
            return Ok(());
        }
        let mut taken = Vec::with_capacity(all.len());
        for folder in all {
            let (names, place) = match self.names_in(&folder.path) {
                Ok(looked) => looked,
                Err(fault) if self.drive.is_lost(fault) => return Err(Stop::of_drive(fault)),
                Err(fault) => {
                    self.without_folder(first, files, found, fault);
                    return Ok(());
                }
            };
            for at in folder.files.clone() {
                if found[at - first].is_none() {
                    let file = &self.card.files[at];
                    found[at - first] = self.by_content(file, at as u32, &names, place.as_ref())?;
                }
            }
            taken.push(names);
        }
        let folder_of = files.iter().map(|file| file.folder as usize - start);
        let slots: Vec<Slot<'_>> = files
            .iter()
            .zip(folder_of)
            .zip(&found)
            .map(|((file, folder), found)| Slot {
                folder,
                name: self.card.name(file),
                size: file.size,
                state: found.as_ref().map_or(State::New, |f| State::Safe { k: f.k, known: f.known }),
            })
            .collect();
        let numbers = naming::assign(&mut taken, &slots);
        self.settle(first, files, found, &numbers);
        Ok(())
    }

    /// Names in the folder's place on the drive, and that place.
    fn names_in(&mut self, folder: &[u8]) -> Result<(FolderNames, Option<DestFolder>), Fault> {
        let place = self.drive.find(folder)?;
        let names = place.as_ref().map(|place| place.dir.list()).transpose()?.unwrap_or_default();
        let names = FolderNames::new(names.iter().map(|e| e.name.as_slice()), self.drive.ignores_case);
        Ok((names, place))
    }

    /// The folder's place on the drive can't be opened: what records vouch for elsewhere is safe, and the rest is not.
    fn without_folder(&mut self, first: usize, files: &[File], found: Vec<Option<Found>>, fault: Fault) {
        for (n, (file, found)) in files.iter().zip(found).enumerate() {
            match found {
                Some(found) => self.out.take_safe(file.size, found.day),
                None => self.out.not_safe.push(((first + n) as u32, Reason::Folder(fault))),
            }
        }
    }

    fn settle(&mut self, first: usize, files: &[File], found: Vec<Option<Found>>, numbers: &[Option<u32>]) {
        for (n, (file, found)) in files.iter().zip(found).enumerate() {
            let number = numbers.get(n).copied().flatten();
            match (found, number) {
                (Some(found), None) => {
                    self.out.take_safe(file.size, found.day);
                    self.out.adopted.extend(found.adopted);
                    if self.how.keep_used {
                        self.out.used.insert(found.dest);
                    }
                }
                (_, number) => {
                    self.out.copy.add(file.size);
                    self.out.jobs.push(Job { file: (first + n) as u32, k: number.unwrap_or(1) });
                }
            }
        }
    }

    /// The fast way: a record of exactly this file, and its copy is there with the right size.
    fn by_record(&mut self, file: &File, at: u32) -> Result<Option<Found>, Stop> {
        let path = self.card.path(file);
        let mut sample = None;
        let index = self.index;
        if self.how.compare || index.is_doubted(&path) {
            return Ok(None);
        }
        let mut proof: Option<Known<'_>> = None;
        let mut content = None;
        if !index.of_path(&path).any(|known| speaks_of(&known, file)) {
            return Ok(None);
        }
        for known in index.of_path(&path) {
            let speaks = speaks_of(&known, file);
            // Where times are moved (another time zone) and moved back, they tell no two contents apart.
            let may_be = !self.source.medium.real_ctime && known.size == file.size && !known.partial;
            if !speaks && !may_be {
                continue;
            }
            if !self.source.medium.real_ctime {
                let sample = match sample {
                    Some(sample) => sample,
                    None => *sample.insert(self.sample(at)?),
                };
                if sample != Some(known.sample) {
                    continue;
                }
            }
            // Two contents of one path and size, and of one time or sample: these prove nothing, and the file is read.
            if *content.get_or_insert(known.hash) != known.hash {
                return Ok(None);
            }
            if speaks && proof.is_none() && index.is_current(&known) && self.is_there(&known)? {
                proof = Some(known);
            }
        }
        Ok(proof.map(|known| Found {
            k: naming::number(&path, known.dest),
            known: true,
            dest: known.dest.to_vec(),
            day: Some(known.day),
            adopted: None,
        }))
    }

    /// The sure way: files of this name and size on the drive, read and compared.
    fn by_content(
        &mut self,
        file: &File,
        at: u32,
        taken: &FolderNames,
        place: Option<&DestFolder>,
    ) -> Result<Option<Found>, Stop> {
        let path = self.card.path(file);
        let index = self.index;
        let mut candidates: Vec<(u32, Vec<u8>, bool)> = Vec::new();
        for known in index.of_path(&path) {
            if known.size == file.size && !known.partial && self.is_there(&known)? {
                candidates.push((naming::number(&path, known.dest), known.dest.to_vec(), true));
            }
        }
        if let Some(place) = place {
            for (k, name) in taken.candidates(self.card.name(file)) {
                let dest = scan::join(&place.path, &name);
                let stat = match place.dir.stat(&name) {
                    Err(fault) if self.drive.is_lost(fault) => return Err(Stop::of_drive(fault)),
                    answer => answer.unwrap_or(None),
                };
                if stat.is_some_and(|stat| stat.is_file_of(file.size))
                    && !candidates.iter().any(|(_, have, _)| *have == dest)
                {
                    candidates.push((k, dest, false));
                }
            }
        }
        if candidates.is_empty() {
            return Ok(None);
        }
        let Some(seen) = self.read_card(file, at)? else { return Ok(None) };
        for (k, dest, known) in candidates {
            let Some((hash, day)) = self.drive_hash(&dest, file.size)? else { continue };
            if hash == seen.digest.hash {
                let needed = !self.is_recorded(&path, &dest, seen);
                let other = (dest != path).then(|| dest.clone().into());
                let adopted = needed.then_some(Adopted { file: at, dest: other, seen });
                return Ok(Some(Found { k, known, dest, day, adopted }));
            }
        }
        Ok(None)
    }

    /// Tells whether a record that is trusted says just this already.
    fn is_recorded(&self, path: &[u8], dest: &[u8], seen: Seen) -> bool {
        let says = |known: Known<'_>| {
            let times = (known.mtime, known.ctime) == seen.times;
            times && known.path == path && known.hash == seen.digest.hash && !known.partial
        };
        let index = self.index;
        !index.is_doubted(path) && !index.is_rotten(dest) && index.of_dest(dest).is_some_and(says)
    }

    /// The hash of a file on the drive: from its record, with its day, if it has one that is trusted, else from the
    /// medium.
    fn drive_hash(&mut self, dest: &[u8], size: u64) -> Result<Option<(u128, Option<i32>)>, Stop> {
        let index = self.index;
        let known = index.of_dest(dest).filter(|known| {
            !known.partial && known.is_vouched() && !index.is_rotten(dest) && known.size == size
        });
        if let Some(known) = known.filter(|_| !self.how.compare) {
            return Ok(Some((known.hash, Some(known.day))));
        }
        let Some((dir, name)) = self.holding(dest)? else { return Ok(None) };
        let buffer = self.buffer.get_or_insert_with(|| Buffer::new(source::PIECE));
        let answer =
            dir.read(name, size >= source::LARGE).and_then(|mut f| source::digest_copy(&mut f, buffer));
        match answer {
            Ok(digest) => {
                let hash = digest.map(|digest| digest.hash);
                if known.is_some_and(|known| hash.is_some_and(|hash| hash != known.hash)) {
                    self.out.rotten.push(dest.to_vec());
                }
                Ok(hash.map(|hash| (hash, None)))
            }
            Err(fault) if fault.kind() == FaultKind::Gone || !self.drive.root.device_present() => {
                Err(Stop::of_drive(fault))
            }
            // Unreadable on the drive: as good as not there.
            Err(_) => Ok(None),
        }
    }

    /// `None` when the card can't read it, or it is being written to: the copy will find out and say so.
    fn read_card(&mut self, file: &File, at: u32) -> Result<Option<Seen>, Stop> {
        if let Some(seen) = self.seen.content(at) {
            return Ok(seen);
        }
        self.watch.event(Event::Comparing { path: source::shown(self.card, file), bytes: file.size });
        if self.watch.stop_requested() {
            return Err(Stop::Asked);
        }
        let buffer = self.buffer.get_or_insert_with(|| Buffer::new(source::PIECE));
        let answer = self.source.open(self.card, file, false).and_then(|mut open| {
            let times = (open.opened().mtime, open.opened().ctime);
            Ok(source::digest(&mut open, buffer)?.map(|digest| Seen { digest, times }))
        });
        let seen = self.card_answer(answer, at)?;
        self.seen.keep(at, seen);
        Ok(seen)
    }

    fn sample(&mut self, at: u32) -> Result<Option<u64>, Stop> {
        let (card, index) = (self.card, self.index);
        let mut wanted = |file: &File| {
            let path = card.path(file);
            !index.is_doubted(&path) && index.of_path(&path).any(|known| speaks_of(&known, file))
        };
        let answer = self.seen.samples.of(at, card, self.source, &mut wanted);
        self.card_answer(answer, at)
    }

    fn card_answer<T>(&mut self, answer: Result<Option<T>, Fault>, at: u32) -> Result<Option<T>, Stop> {
        match answer {
            Ok(answer) => Ok(answer),
            Err(fault) if self.source.is_gone(fault, at) => Err(Stop::CardGone(fault)),
            Err(_) => Ok(None),
        }
    }

    fn is_there(&mut self, known: &Known<'_>) -> Result<bool, Stop> {
        let Some((dir, name)) = self.holding(known.dest)? else { return Ok(false) };
        match dir.stat(name) {
            Err(fault) if self.drive.is_lost(fault) => Err(Stop::of_drive(fault)),
            // What can't be looked at, or has a name that this file system can't hold, is not there.
            answer => Ok(answer.ok().flatten().is_some_and(|stat| stat.is_file_of(known.size))),
        }
    }

    /// Place where a file of the records lies; none where its folder can't be opened.
    fn holding<'d>(&mut self, dest: &'d [u8]) -> Result<Held<'d>, Stop> {
        match self.drive.holding(dest) {
            Err(fault) if self.drive.is_lost(fault) => Err(Stop::of_drive(fault)),
            answer => Ok(answer.unwrap_or(None)),
        }
    }
}

/// Tells whether a record is of a file with this size and these times.
fn speaks_of(known: &Known<'_>, file: &File) -> bool {
    let times = (known.mtime, known.ctime) == (file.mtime, file.ctime);
    times && known.size == file.size && !known.partial
}

#[cfg(test)]
#[path = "matching_tests.rs"]
mod tests;
