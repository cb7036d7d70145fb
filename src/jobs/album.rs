//! The photos on a drive, from its records: the newest first, by number, 24 bytes each.
//!
//! What a photo is called and where it lies is read again from its record when it is asked for; an id names a record, and
//! a record's line that does not fit its checksum is none.

use super::protocol::{Day, Page, Picture, Wanted};
use super::records::{LONGEST, line_at, manifest, manifests, opened};
use super::state::RunState;
use super::world::Sort;
use crate::backup::manifest::{FileRecord, Record, to_text};
use crate::system::volume::{Dir, Fault, InFile};
use crate::ui::visible;
use std::collections::{BTreeMap, HashMap, HashSet};
use twox_hash::XxHash3_128;

const PIECE: usize = 64 * 1024;
/// Photos of one page.
const MOST_OF_A_PAGE: usize = 500;
/// Runs that are told.
const MOST_RUNS: usize = 30;

/// Everything that the records of one drive say of photos.
#[derive(Debug, Default)]
pub struct Album {
    photos: Vec<Entry>,
    runs: Vec<Run>,
    /// Files of cards that are on record: label, path, size and time in one number.
    known: HashSet<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// By the card, in seconds since 1970.
    time: i64,
    /// Label and path on the drive.
    key: u64,
    run: u32,
    /// The place where its line begins.
    at: u32,
}

#[derive(Debug, Clone, Default)]
struct Run {
    name: String,
    label: String,
    started: String,
    read_to: u64,
    files: u64,
    photos: u64,
    bytes: u64,
    not_safe: Option<u64>,
    damaged: u64,
}

impl Album {
    /// Reads what was added to the records since the last time. Tells whether anything was.
    ///
    /// # Errors
    /// When the drive does not answer.
    pub fn update(&mut self, drive: &Dir) -> Result<bool, Fault> {
        let found = manifests(drive)?;
        let read_to =
            |run: &Run| found.iter().find(|(l, n, _)| *l == run.label && *n == run.name).map(|f| f.2);
        if self.runs.iter().any(|run| read_to(run).is_none_or(|size| size < run.read_to)) {
            // Records went away: this is not the drive that it was.
            *self = Album::default();
        }
        let mut fresh: HashMap<u64, Option<Entry>> = HashMap::new();
        let mut changed = false;
        for (label, name, size) in found {
            let at = match self.runs.iter().position(|run| run.label == label && run.name == name) {
                Some(at) => at,
                None => {
                    self.runs.push(Run { name, label, ..Run::default() });
                    self.runs.len() - 1
                }
            };
            if self.runs[at].read_to < size {
                changed = true;
                self.read(drive, at, &mut fresh)?;
            }
        }
        if changed {
            self.photos.retain(|photo| !fresh.contains_key(&photo.key));
            self.photos.extend(fresh.into_values().flatten());
            self.photos.sort_unstable_by_key(|photo| (std::cmp::Reverse(photo.time), photo.run, photo.at));
            self.photos.shrink_to_fit();
        }
        Ok(changed)
    }

    /// Number of photos and videos.
    #[must_use]
    pub fn len(&self) -> usize {
        self.photos.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.photos.is_empty()
    }

    /// Says whether a record speaks of this file of a card.
    #[must_use]
    pub fn knows(&self, label: &str, path: &[u8], size: u64, mtime: i64) -> bool {
        self.known.contains(&known(label, path, size, mtime))
    }

    /// Lines that fit no checksum.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.runs.iter().map(|run| run.damaged).sum()
    }

    /// Cards with records.
    #[must_use]
    pub fn labels(&self) -> Vec<String> {
        let mut labels: Vec<String> = self.runs.iter().map(|run| run.label.clone()).collect();
        labels.sort_unstable();
        labels.dedup();
        labels
    }

    /// Backups that copied something, the newest first.
    #[must_use]
    pub fn runs(&self) -> Vec<RunState> {
        let told = |run: &Run| RunState {
            run: run.name.clone(),
            label: run.label.clone(),
            started: run.started.clone(),
            photos: run.photos,
            files: run.files,
            bytes: run.bytes,
            not_safe: run.not_safe,
        };
        let mut runs: Vec<&Run> = self.runs.iter().filter(|run| run.files > 0).collect();
        runs.sort_by(|a, b| (&b.started, &b.name).cmp(&(&a.started, &a.name)));
        runs.into_iter().take(MOST_RUNS).map(told).collect()
    }

    /// A page of the wanted photos.
    #[must_use]
    pub fn page(&self, drive: &Dir, wanted: &Wanted) -> Page {
        let limit = wanted.limit.clamp(1, MOST_OF_A_PAGE);
        let mut page = Page { from: wanted.from, ..Page::default() };
        let mut days: BTreeMap<i64, usize> = BTreeMap::new();
        let mut labels: HashSet<&str> = HashSet::new();
        for entry in self.wanted(wanted) {
            if page.total >= wanted.from && page.total < wanted.from.saturating_add(limit) {
                page.photos.extend(self.picture(drive, entry).map(|(picture, _)| picture));
            }
            page.total += 1;
            if wanted.from == 0 {
                *days.entry(entry.time.div_euclid(86_400)).or_default() += 1;
            }
        }
        if wanted.from == 0 {
            let days = days.into_iter().rev().map(|(day, photos)| Day { day: day_of(day * 86_400), photos });
            page.days = days.collect();
            labels.extend(self.photos.iter().map(|photo| self.runs[photo.run as usize].label.as_str()));
            page.labels = labels.into_iter().map(str::to_owned).collect();
            page.labels.sort_unstable();
        }
        page
    }

    /// The photo of this id, and the ids of the next newer and the next older one of the wanted.
    #[must_use]
    pub fn photo(
        &self,
        drive: &Dir,
        id: &str,
        wanted: &Wanted,
    ) -> Option<(Picture, Option<String>, Option<String>)> {
        let mut newer = None;
        let mut all = self.wanted(wanted);
        let here = loop {
            let entry = all.next()?;
            if self.id(entry) == id {
                break entry;
            }
            newer = Some(entry);
        };
        let older = all.next();
        let (picture, _) = self.picture(drive, here)?;
        Some((picture, newer.map(|e| self.id(e)), older.map(|e| self.id(e))))
    }

    /// Opens the photo of this id on a drive; none where its file is not there, or has another size than its record says.
    #[must_use]
    pub fn open(&self, drive: &Dir, id: &str) -> Option<(Picture, InFile)> {
        let entry = self.find(id)?;
        let (picture, record) = self.picture(drive, &entry)?;
        let file = opened(drive, &picture.label, &record)?;
        Some((picture, file))
    }

    /// Says whether a drive, this one or another, has the file of this id with the right size.
    #[must_use]
    pub fn is_on(&self, records: &Dir, id: &str, drive: &Dir) -> bool {
        let found = self.find(id).and_then(|entry| self.picture(records, &entry));
        found.is_some_and(|(picture, record)| opened(drive, &picture.label, &record).is_some())
    }

    fn wanted<'a>(&'a self, wanted: &'a Wanted) -> impl Iterator<Item = &'a Entry> {
        let day = wanted.day.as_deref().map(seconds_of);
        self.photos.iter().filter(move |entry| {
            let run = &self.runs[entry.run as usize];
            wanted.label.as_ref().is_none_or(|label| *label == run.label)
                && wanted.run.as_ref().is_none_or(|name| *name == run.name)
                && day.is_none_or(|day| day.is_some_and(|day| (day..day + 86_400).contains(&entry.time)))
        })
    }

    fn id(&self, entry: &Entry) -> String {
        format!("{}-{:x}", random_of(&self.runs[entry.run as usize].name), entry.at)
    }

    fn find(&self, id: &str) -> Option<Entry> {
        let (random, at) = id.split_once('-')?;
        let at = u32::from_str_radix(at, 16).ok()?;
        let run = self.runs.iter().position(|run| random_of(&run.name) == random)? as u32;
        self.photos.iter().find(|entry| entry.run == run && entry.at == at).copied()
    }

    fn picture(&self, drive: &Dir, entry: &Entry) -> Option<(Picture, FileRecord)> {
        let run = &self.runs[entry.run as usize];
        let mut file = manifest(drive, &run.label, &run.name).ok()?;
        let record = match Record::from_line(&line_at(&mut file, entry.at.into())?)? {
            Record::File(record) => record,
            Record::Found { dest, size, xxh128 } => {
                let dest = Some(dest);
                FileRecord {
                    path: String::new(),
                    dest,
                    size,
                    mtime: 0,
                    ctime: 0,
                    sample: String::new(),
                    xxh128,
                }
            }
            _ => return None,
        };
        let path = record.dest_bytes()?;
        let shown = visible(&String::from_utf8_lossy(&path));
        let time = record.mtime.div_euclid(1_000_000_000);
        let picture = Picture {
            id: self.id(entry),
            label: run.label.clone(),
            name: shown.rsplit('/').next().unwrap_or_default().to_owned(),
            path: shown,
            bytes: record.size,
            time: if record.path.is_empty() { String::new() } else { time_of(time) },
            sort: match Sort::of(&path) {
                Sort::Raw => "raw",
                Sort::Video => "video",
                _ => "photo",
            }
            .to_owned(),
            hash: record.xxh128.clone(),
            run: run.name.clone(),
        };
        Some((picture, record))
    }

    /// Takes in the lines of a run from where the last reading ended.
    fn read(&mut self, drive: &Dir, at: usize, fresh: &mut HashMap<u64, Option<Entry>>) -> Result<(), Fault> {
        let mut file = manifest(drive, &self.runs[at].label, &self.runs[at].name)?;
        let mut pending: Vec<u8> = Vec::new();
        let mut piece = vec![0; PIECE];
        let mut offset = self.runs[at].read_to;
        loop {
            let count = file.read_at(&mut piece, offset)?;
            if count == 0 {
                return Ok(());
            }
            offset += count as u64;
            pending.extend_from_slice(&piece[..count]);
            let mut begin = 0;
            while let Some(length) = pending[begin..].iter().position(|b| *b == b'\n') {
                self.line(at, &pending[begin..begin + length], fresh);
                begin += length + 1;
                self.runs[at].read_to += length as u64 + 1;
            }
            pending.drain(..begin);
            if pending.len() > LONGEST {
                self.runs[at].damaged += 1;
                return Ok(());
            }
        }
    }

    fn line(&mut self, at: usize, line: &[u8], fresh: &mut HashMap<u64, Option<Entry>>) {
        let begin = self.runs[at].read_to;
        let run = &mut self.runs[at];
        let Some(record) = Record::from_line(line) else {
            run.damaged += 1;
            return;
        };
        let mut photo = |dest: &str, time: i64| {
            if Sort::of(dest.as_bytes()) != Sort::Other
                && let Ok(line) = u32::try_from(begin)
            {
                let key = key_of(&run.label, dest);
                run.photos += 1;
                fresh.insert(key, Some(Entry { time, key, run: at as u32, at: line }));
            }
        };
        match record {
            Record::Run(first) => run.started = first.started,
            Record::File(file) => {
                photo(file.dest.as_ref().unwrap_or(&file.path), file.mtime.div_euclid(1_000_000_000));
                run.files += 1;
                run.bytes = run.bytes.saturating_add(file.size);
                if let Some(path) = file.path_bytes() {
                    self.known.insert(known(&run.label, &path, file.size, file.mtime));
                }
            }
            Record::Found { dest, .. } => photo(&dest, 0),
            Record::Moved { dest, .. } => {
                fresh.insert(key_of(&run.label, &dest), None);
            }
            Record::End { not_safe, .. } => run.not_safe = Some(not_safe),
            _ => {}
        }
    }
}

fn random_of(run: &str) -> &str {
    run.rsplit('-').next().unwrap_or(run)
}

fn key_of(label: &str, dest: &str) -> u64 {
    XxHash3_128::oneshot(format!("{label}/{dest}").as_bytes()) as u64
}

fn known(label: &str, path: &[u8], size: u64, mtime: i64) -> u64 {
    XxHash3_128::oneshot(format!("{label}/{}/{size}/{mtime}", to_text(path)).as_bytes()) as u64
}

fn time_of(seconds: i64) -> String {
    let time = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// The day of a time, as `2026-11-24`.
#[must_use]
pub fn day_of(seconds: i64) -> String {
    time_of(seconds).get(..10).unwrap_or_default().to_owned()
}

fn seconds_of(day: &str) -> Option<i64> {
    let time: jiff::Timestamp = format!("{day}T00:00:00Z").parse().ok()?;
    Some(time.as_second())
}
