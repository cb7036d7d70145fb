//! Manifests on the drive: which there are, reading them, and writing this run's own.

use super::{Index, Record};
use crate::system::volume::{Buffer, Dir, Fault, FaultKind, OutFile};
use crate::ui::visible;
use anyhow::Context;

/// The manifests of one label.
#[derive(Debug, Default)]
pub struct Runs {
    pub index: Index,
    /// Runs that did not end by themselves and were not cleaned up after.
    pub unfinished: Vec<String>,
    /// Lines that don't fit their checksum, the torn ends of killed runs not counted.
    pub damaged: u64,
    /// Number of manifest files.
    pub count: usize,
    last_number: u64,
}

/// This run's manifest, open for appending.
#[derive(Debug)]
pub struct Log {
    file: OutFile,
    offset: u64,
    dirty: bool,
}

/// Lines are written in pieces of this size.
const PIECE: usize = 256 * 1024;

const SUFFIX: &[u8] = b".jsonl";

impl Runs {
    /// Reads all manifests in a label's manifest folder; none where there is no folder.
    ///
    /// # Errors
    /// When a manifest can't be read.
    pub fn load(folder: Option<&Dir>) -> anyhow::Result<Self> {
        let mut runs = Runs::default();
        let Some(folder) = folder else { return Ok(runs) };
        let mut names: Vec<Vec<u8>> =
            folder.list().context("list the manifests")?.into_iter().map(|e| e.name).collect();
        names.retain(|name| name.ends_with(SUFFIX) && number_of(name).is_some());
        names.sort_unstable_by_key(|name| (number_of(name), name.clone()));
        let mut cleaned = Vec::new();
        for name in names {
            runs.last_number = runs.last_number.max(number_of(&name).unwrap_or(0));
            runs.count += 1;
            let run = String::from_utf8_lossy(&name[..name.len() - SUFFIX.len()]).into_owned();
            let ended = match runs.read_one(folder, &name, &mut cleaned) {
                Ok(ended) => ended,
                Err(fault) if fault.kind() == FaultKind::Gone => {
                    return Err(fault).with_context(|| format!("read manifest {}", visible(&run)));
                }
                // A bad sector in a manifest costs time, not photos: what it spoke of is compared by content.
                Err(_) => {
                    runs.damaged += 1;
                    false
                }
            };
            if !ended {
                runs.unfinished.push(run);
            }
        }
        runs.unfinished.retain(|run| !cleaned.contains(run));
        Ok(runs)
    }

    /// A name for the next run: its number gives the order, whatever the clock says.
    #[must_use]
    pub fn next_run(&self, now: jiff::Timestamp, random: u64) -> String {
        format!("{:06}-{}-{random:016x}", self.last_number + 1, now.strftime("%Y%m%dT%H%M%SZ"))
    }

    fn read_one(&mut self, folder: &Dir, name: &[u8], cleaned: &mut Vec<String>) -> Result<bool, Fault> {
        let mut file = folder.read(name, false)?;
        let mut buffer = Buffer::new(256 * 1024);
        let mut pending: Vec<u8> = Vec::new();
        let mut offset = 0;
        let mut ended = false;
        loop {
            let n = file.read_at(buffer.space(), offset)?;
            if n == 0 {
                break;
            }
            offset += n as u64;
            let mut rest = &buffer.space()[..n];
            while let Some(at) = rest.iter().position(|b| *b == b'\n') {
                let line = if pending.is_empty() {
                    &rest[..at]
                } else {
                    pending.extend_from_slice(&rest[..at]);
                    &pending
                };
                let record = Record::from_line(line);
                match &record {
                    Some(Record::End { .. }) => ended = true,
                    Some(Record::Cleaned { run }) => cleaned.push(run.clone()),
                    _ => {}
                }
                if !record.is_some_and(|record| self.index.add(&record)) {
                    self.damaged += 1;
                }
                pending.clear();
                rest = &rest[at + 1..];
            }
            pending.extend_from_slice(rest);
        }
        Ok(ended)
    }
}

impl Log {
    /// Begins a run's manifest in the label's manifest folder and makes it durable, before anything else of the
    /// run reaches the drive: what a killed run leaves behind can then be told from everybody else's files.
    ///
    /// # Errors
    /// When the drive did not take it.
    pub fn begin(folder: &Dir, run: &str, first: Record) -> Result<Self, Fault> {
        let file = folder.create(&[run.as_bytes(), SUFFIX].concat())?;
        let mut log = Log { file, offset: 0, dirty: false };
        log.append([first])?;
        folder.sync()?;
        Ok(log)
    }

    /// Appends records and makes them durable; no records cost nothing.
    ///
    /// # Errors
    /// When the drive did not take them.
    pub fn append(&mut self, records: impl IntoIterator<Item = Record>) -> Result<(), Fault> {
        let mut lines = String::new();
        for record in records {
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

/// The number at the beginning of a run's name.
fn number_of(name: &[u8]) -> Option<u64> {
    let digits = name.split(|b| *b == b'-').next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
