//! Manifests on the drive: which there are, reading them, and writing this run's own.

use super::damage::{self, Damage};
use super::index::Index;
use super::record::Record;
use crate::system::volume::{Buffer, Dir, Fault, FaultKind, InFile, OutFile};
use crate::ui::visible;
use anyhow::Context;
use std::collections::{HashSet, VecDeque};

/// The manifests of one label.
#[derive(Debug, Default)]
pub struct Runs {
    pub index: Index,
    /// Runs that did not end by themselves and were not cleaned up after.
    pub unfinished: Vec<String>,
    /// Damage of the manifests that was not dealt with by a later run.
    pub damage: Vec<Damage>,
    /// Damage that was dealt with, in the words of then.
    pub mended: Vec<String>,
    /// Number of manifest files.
    pub count: usize,
    /// The number of the last run since which a name on the drive means another content than before, or a file lies
    /// somewhere else; 0 when no run said so. A list of an earlier run is not true any more then.
    pub contradicted_in: u64,
    last_number: u64,
    /// The last runs whose manifests, whole as far as they go, speak of no file, the newest first.
    silent: Vec<(u64, String)>,
}

/// This run's manifest, open for appending.
#[derive(Debug)]
pub struct Log {
    file: OutFile,
    name: Vec<u8>,
    offset: u64,
    dirty: bool,
    speaks: bool,
}

/// Manifests that are on their way from the drive while one is read.
const AHEAD: usize = 16;

/// Lines are written in pieces of this size.
const PIECE: usize = 256 * 1024;

/// No record is longer: two paths and some numbers.
const LONGEST: usize = 256 * 1024;

const SUFFIX: &[u8] = b".jsonl";

/// Runs, as the lines of one manifest tell of them.
#[derive(Debug, Default)]
struct Said {
    /// `backup`, or another command.
    command: String,
    ended: bool,
    cleaned: Vec<String>,
    lost: Vec<String>,
    damaged: u64,
    /// It has a record of something else than of the run itself.
    speaks: bool,
}

impl Runs {
    /// Reads all manifests in a label's manifest folder; none where there is no folder. `listed` are the runs that
    /// wrote a media hash list: each of them had a manifest.
    ///
    /// # Errors
    /// When the drive does not answer. A manifest that can't be read is damage, not an error: photos must get onto a
    /// drive with a bad sector too.
    pub fn load(folder: Option<&Dir>, listed: Vec<Vec<u8>>) -> anyhow::Result<Self> {
        let mut runs = Runs::default();
        let names = names_of(folder).context("list the manifests")?;
        runs.count = names.len();
        (runs.last_number, runs.damage) = missing(&names, &listed);
        let with_list: HashSet<Vec<u8>> = listed.into_iter().collect();
        let mut open: Vec<(u64, String)> = Vec::new();
        let (mut cleaned, mut lost, mut last_ended) = (HashSet::new(), HashSet::new(), 0);
        let mut buffer = Buffer::new(LONGEST);
        for (name, file) in opened(folder, names) {
            let number = number_of(&name).unwrap_or(0);
            let run = String::from_utf8_lossy(&name[..name.len() - SUFFIX.len()]).into_owned();
            let mut said = Said::default();
            match file.and_then(|file| runs.read_one(file, &mut buffer, &mut said)) {
                Ok(()) => {}
                Err(fault)
                    if fault.kind() == FaultKind::Gone
                        || folder.is_some_and(|folder| !folder.device_present()) =>
                {
                    return Err(fault).with_context(|| format!("read manifest {}", visible(&run)));
                }
                Err(fault) => runs.damage.push(Damage::Unreadable { number, fault }),
            }
            if runs.index.take_contradiction() {
                runs.contradicted_in = number;
            }
            if said.damaged > 0 {
                runs.damage.push(Damage::Lines { number, lines: said.damaged });
            }
            runs.note(&said, number, &run, with_list.contains(run.as_bytes()));
            cleaned.extend(said.cleaned);
            lost.extend(said.lost);
            match said.ended {
                true if said.command == "backup" => last_ended = number,
                true => {}
                // It got as far as its list, and not even its first line is left.
                false if said.command.is_empty() && with_list.contains(run.as_bytes()) => {
                    runs.damage.push(Damage::End { number });
                    open.push((number, run));
                }
                false => open.push((number, run)),
            }
        }
        open.retain(|(_, run)| !cleaned.contains(run));
        // A backup that came to its end has cleaned up after all that were cut off before it.
        let cut = open.iter().filter(|(number, _)| *number < last_ended);
        let cut: Vec<_> = cut.map(|(number, _)| Damage::End { number: *number }).collect();
        runs.damage.extend(cut);
        runs.damage.retain(|damage| !lost.contains(&damage.describe()));
        runs.unfinished = open.into_iter().map(|(_, run)| run).collect();
        runs.mended = lost.into_iter().collect();
        runs.mended.sort_unstable();
        Ok(runs)
    }

    /// Notes whether the last runs have nothing to say.
    fn note(&mut self, said: &Said, number: u64, run: &str, has_list: bool) {
        if said.speaks || said.damaged > 0 || said.command.is_empty() || has_list {
            self.silent.clear();
        } else {
            self.silent.insert(0, (number, run.to_owned()));
        }
    }

    /// Records of the runs behind number `after`, and nothing else.
    ///
    /// # Errors
    /// When the drive does not give it.
    pub fn since(folder: &Dir, after: u64) -> Result<Index, Fault> {
        let mut runs = Runs::default();
        let mut buffer = Buffer::new(LONGEST);
        let mut names = names_of(Some(folder))?;
        names.retain(|name| number_of(name).is_some_and(|number| number > after));
        for (_, file) in opened(Some(folder), names) {
            runs.read_one(file?, &mut buffer, &mut Said::default())?;
        }
        Ok(runs.index)
    }

    /// Removes the manifests at the end that speak of no file: runs that were cut off before they copied one, whose temporary
    /// files are gone for good. Their numbers are free again.
    ///
    /// # Errors
    /// When the drive did not take it.
    pub fn drop_silent(&mut self, folder: &Dir) -> Result<(), Fault> {
        let silent: Vec<_> = self.silent.drain(..).collect();
        for (number, run) in &silent {
            if *number != self.last_number || *number == 0 {
                break;
            }
            folder.unlink(&[run.as_bytes(), SUFFIX].concat())?;
            self.unfinished.retain(|name| name != run);
            self.last_number = number - 1;
            self.count -= 1;
        }
        if silent.is_empty() { Ok(()) } else { folder.sync() }
    }

    /// A name for the next run: its number gives the order, whatever the clock says.
    #[must_use]
    pub fn next_run(&self, now: jiff::Timestamp, random: u64) -> String {
        format!("{:06}-{}-{random:016x}", self.last_number.saturating_add(1), now.strftime("%Y%m%dT%H%M%SZ"))
    }

    fn read_one(&mut self, mut file: InFile, buffer: &mut Buffer, said: &mut Said) -> Result<(), Fault> {
        let mut pending: Vec<u8> = Vec::new();
        let mut offset = 0;
        loop {
            let n = file.read_at(buffer.space(), offset)?;
            if n == 0 {
                break;
            }
            offset += n as u64;
            let mut rest = &buffer.space()[..n];
            while let Some(at) = rest.iter().position(|b| *b == b'\n') {
                if pending.is_empty() {
                    self.line(&rest[..at], said);
                } else {
                    pending.extend_from_slice(&rest[..at]);
                    self.line(&pending, said);
                }
                pending.clear();
                rest = &rest[at + 1..];
            }
            // A line that long fits no checksum; its beginning is enough to tell.
            let room = LONGEST.saturating_sub(pending.len()).min(rest.len());
            pending.extend_from_slice(&rest[..room]);
        }
        // The torn last line of a run that was cut off is no damage, but nothing comes after an end.
        said.damaged += u64::from(said.ended && !pending.is_empty());
        Ok(())
    }

    fn line(&mut self, line: &[u8], said: &mut Said) {
        let record = Record::from_line(line);
        said.speaks |= record.as_ref().is_none_or(Record::speaks);
        match &record {
            Some(Record::Run(run)) => said.command.clone_from(&run.command),
            Some(Record::End { .. }) => said.ended = true,
            Some(Record::Cleaned { run }) => said.cleaned.push(run.clone()),
            Some(Record::Lost { what }) => said.lost.push(what.clone()),
            _ => {}
        }
        if !record.is_some_and(|record| self.index.add(&record)) {
            said.damaged += 1;
        }
    }
}

impl Log {
    /// Begins a run's manifest in the label's manifest folder and makes it durable, before anything else of the
    /// run reaches the drive: what a killed run leaves behind can then be told from everybody else's files.
    ///
    /// # Errors
    /// When the drive did not take it.
    pub fn begin(folder: &Dir, run: &str, first: Record) -> Result<Self, Fault> {
        let name = [run.as_bytes(), SUFFIX].concat();
        let mut log = Log { file: folder.create(&name)?, name, offset: 0, dirty: false, speaks: false };
        match log.append([first]).and_then(|()| folder.sync()) {
            Ok(()) => Ok(log),
            Err(fault) => {
                // On a drive without room, say: tries that fail must not leave empty ones. Nothing of the run is there yet.
                let _ = folder.unlink(&log.name);
                Err(fault)
            }
        }
    }

    /// Ends the manifest; where the run had nothing to say it goes: tries that fail again and again must not fill the drive.
    /// Its number is the next run's then.
    ///
    /// # Errors
    /// When the drive did not take it.
    pub fn end(&mut self, folder: &Dir, end: Record) -> Result<(), Fault> {
        if self.speaks {
            return self.append([end]);
        }
        folder.unlink(&self.name)?;
        folder.sync()
    }

    /// Appends records and makes them durable; no records cost nothing.
    ///
    /// # Errors
    /// When the drive did not take them.
    pub fn append(&mut self, records: impl IntoIterator<Item = Record>) -> Result<(), Fault> {
        let mut lines = String::new();
        for record in records {
            self.speaks |= record.speaks();
            lines.push_str(&record.to_line());
            if lines.len() >= PIECE {
                self.put(&lines)?;
                lines.clear();
            }
        }
        self.put(&lines)?;
        if self.dirty {
            self.file.sync()?
        }
        self.dirty = false;
        Ok(())
    }

    fn put(&mut self, lines: &str) -> Result<(), Fault> {
        self.dirty |= !lines.is_empty();
        self.file.write_at(lines.as_bytes(), self.offset)?;
        self.offset += lines.len() as u64;
        Ok(())
    }
}

/// The highest number of a run, and the manifests that were there and are not: of numbers that are left out, and of runs that
/// wrote a list.
fn missing(names: &[Vec<u8>], listed: &[Vec<u8>]) -> (u64, Vec<Damage>) {
    let mut numbers: Vec<u64> = names.iter().chain(listed).filter_map(|name| number_of(name)).collect();
    numbers.sort_unstable();
    let last = numbers.last().copied().unwrap_or(0);
    let have: HashSet<&[u8]> = names.iter().map(|name| &name[..name.len() - SUFFIX.len()]).collect();
    let gone = listed.iter().filter(|run| !have.contains(run.as_slice()));
    let gone = gone.filter_map(|name| number_of(name)).map(|n| Damage::Missing(n..=n));
    (last, damage::gaps(numbers).chain(gone).collect())
}

/// Opens manifests some ahead of the one that is read, so that the drive has the next ones ready.
fn opened(
    folder: Option<&Dir>,
    names: Vec<Vec<u8>>,
) -> impl Iterator<Item = (Vec<u8>, Result<InFile, Fault>)> {
    let mut names = names.into_iter();
    let mut ahead = VecDeque::new();
    std::iter::from_fn(move || {
        while ahead.len() < AHEAD
            && let Some((folder, name)) = folder.zip(names.next())
        {
            let file = folder.read(&name, false);
            let _ = file.as_ref().map(InFile::prefetch);
            ahead.push_back((name, file));
        }
        ahead.pop_front()
    })
}

/// The manifests' names, in the order of the runs.
fn names_of(folder: Option<&Dir>) -> Result<Vec<Vec<u8>>, Fault> {
    let Some(folder) = folder else { return Ok(Vec::new()) };
    let mut names: Vec<Vec<u8>> = folder.list()?.into_iter().map(|entry| entry.name).collect();
    names.retain(|name| name.ends_with(SUFFIX) && number_of(name).is_some());
    names.sort_unstable_by(|a, b| (number_of(a), a).cmp(&(number_of(b), b)));
    Ok(names)
}

/// The number at the beginning of a run's name.
pub fn number_of(name: &[u8]) -> Option<u64> {
    let digits = name.split(|b| *b == b'-').next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
