//! One line of a manifest.

use super::path::{from_text, to_text};
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;

/// Version of the record format, in every run's first record.
const VERSION: u32 = 1;

/// Content of a line. Unknown fields are ignored, so that an older piback reads a newer one's manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "lowercase")]
pub enum Record {
    /// The first line of a run.
    Run(Run),
    /// A file of the card is on the drive, complete, and was read from the medium.
    File(FileRecord),
    /// Rest of an unreadable file that was kept; `bad` are its missing ranges, offset and length.
    Partial { file: FileRecord, bad: Vec<(u64, u64)> },
    /// A file on the drive that no record spoke of, with the content that a backup found there after manifests were
    /// lost. No card vouches for it.
    Found { dest: String, size: u64, xxh128: String },
    /// The file on the drive is not what its record says, or can't be read: it is trusted no more until it was compared again.
    Rotten { dest: String },
    /// The card's file of this path has another content than its record says, under the same size and times, and the copy
    /// on the drive is as recorded: no record proves anything of that path until a backup has read it.
    Doubted { path: String },
    /// `verify` found the file of this record at another place, and read it there. A place that begins with a slash is below
    /// the drive's root, any other one below the label's folder; so in all the records that follow.
    Relocated { dest: String, to: String },
    /// The user says that this file was removed on purpose (`verify --accept`).
    Gone { dest: String },
    /// The user vouches for what the drive has here: a file of his own, or one that he changed.
    Accepted { dest: String, size: u64, xxh128: String },
    /// The user knows of this link, volume or deep folder, which can't be looked at.
    Ignored { dest: String },
    /// `backup --mirror` is about to move a file that is no longer on the card.
    Moved { dest: String, to: String },
    /// `verify --repair` is about to move what is damaged out of this place, to the second one below the drive's root.
    Aside { dest: String, to: String },
    /// The file of this record was brought back: from `drive` (another one, or another place on this one) or `card`, with
    /// the content of its record, and read from the medium.
    Repaired { dest: String, from: String },
    /// Temporary files of that earlier run, which did not end, were removed.
    Cleaned { run: String },
    /// Manifests were found damaged, in the words of [`Damage::describe`](super::Damage::describe), and every file of
    /// the label that no intact record spoke of was dealt with since.
    Lost { what: String },
    /// The last line of a run that ended by itself.
    End { files: u64, bytes: u64, not_safe: u64 },
    /// From a newer piback.
    #[serde(other)]
    Unknown,
}

/// Who wrote the manifest, and when (a Pi's clock may be wrong: the order of runs is in their names).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub version: u32,
    pub run: String,
    pub label: String,
    pub command: String,
    pub piback: String,
    pub started: String,
}

/// A file of the card, and where it lies on the drive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// On the card, below its root.
    pub path: String,
    /// On the drive, below the label's folder; left out where it equals `path`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dest: Option<String>,
    pub size: u64,
    /// Of the file on the card, nanoseconds since 1970.
    pub mtime: i64,
    pub ctime: i64,
    /// Hash of the first and the last 4 KiB, 16 hex digits.
    pub sample: String,
    /// XXH3-128 of the content, 32 hex digits.
    pub xxh128: String,
}

impl Run {
    #[must_use]
    pub fn new(run: &str, label: &str, command: &str, started: String) -> Self {
        Run {
            version: VERSION,
            run: run.to_owned(),
            label: label.to_owned(),
            command: command.to_owned(),
            piback: env!("CARGO_PKG_VERSION").to_owned(),
            started,
        }
    }
}

impl Run {
    /// The day on which it began, in days since 1970; 0 where that can't be read.
    #[must_use]
    pub fn day(&self) -> i32 {
        let started: Option<jiff::Timestamp> = self.started.parse().ok();
        started.and_then(|at| i32::try_from(at.as_second().div_euclid(86_400)).ok()).unwrap_or(0)
    }
}

impl FileRecord {
    #[must_use]
    pub fn new(path: &[u8], dest: &[u8], size: u64, times: (i64, i64), sample: u64, hash: u128) -> Self {
        FileRecord {
            path: to_text(path),
            dest: (path != dest).then(|| to_text(dest)),
            size,
            mtime: times.0,
            ctime: times.1,
            sample: format!("{sample:016x}"),
            xxh128: format!("{hash:032x}"),
        }
    }

    /// The path on the card, as bytes.
    #[must_use]
    pub fn path_bytes(&self) -> Option<Vec<u8>> {
        from_text(&self.path)
    }

    /// The path on the drive, as bytes.
    #[must_use]
    pub fn dest_bytes(&self) -> Option<Vec<u8>> {
        from_text(self.dest.as_ref().unwrap_or(&self.path))
    }
}

impl Record {
    /// Tells whether files lie elsewhere, or hold something else, than records of before say.
    #[must_use]
    pub fn moves_or_replaces(&self) -> bool {
        matches!(
            self,
            Record::Moved { .. } | Record::Relocated { .. } | Record::Gone { .. } | Record::Accepted { .. }
        )
    }

    /// Tells whether it says something of files, or of other runs: not only that a run began or ended.
    #[must_use]
    pub fn speaks(&self) -> bool {
        !matches!(self, Record::Run(_) | Record::End { .. })
    }

    /// The line, with its checksum and its newline.
    #[must_use]
    pub fn to_line(&self) -> String {
        // These types hold nothing that JSON can't carry; an empty line would only be skipped.
        let json = serde_json::to_string(self).unwrap_or_default();
        format!("{:016x} {json}\n", checksum(json.as_bytes()))
    }

    /// `None` when the line is torn, altered, or makes no sense.
    #[must_use]
    pub fn from_line(line: &[u8]) -> Option<Self> {
        let (sum, json) = line.split_at_checked(17)?;
        let sum = std::str::from_utf8(sum).ok()?.strip_suffix(' ')?;
        // `from_str_radix` takes a sign and capitals too: nothing that was ever written.
        let as_written = sum.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !as_written || u64::from_str_radix(sum, 16).ok()? != checksum(json) {
            return None;
        }
        // Nearly all lines are of files. Where serde has to look for the kind first, it makes a copy of all that it meets.
        if json.starts_with(FILE) {
            return serde_json::from_slice(json).ok().map(Record::File);
        }
        serde_json::from_slice(json).ok()
    }
}

/// The beginning of a [`Record::File`], as [`Record::to_line`] writes it.
const FILE: &[u8] = br#"{"t":"file","#;

fn checksum(json: &[u8]) -> u64 {
    XxHash3_128::oneshot(json) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_back_and_a_torn_one_does_not() {
        let file = FileRecord::new(b"DCIM/a\xe9.jpg", b"DCIM/a%E9~2.jpg", 5, (-1, 7), 1, u128::MAX);
        assert_eq!(file.path_bytes().unwrap(), b"DCIM/a\xe9.jpg");
        assert_eq!(file.dest_bytes().unwrap(), b"DCIM/a%E9~2.jpg");
        let record = Record::File(file);
        let line = record.to_line();
        let bytes = line.trim_end().as_bytes();
        assert_eq!(Record::from_line(bytes), Some(record));
        for end in 0..bytes.len() {
            assert_eq!(Record::from_line(&bytes[..end]), None);
        }
        for (at, bit) in (0..bytes.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut altered = bytes.to_vec();
            altered[at] ^= 1 << bit;
            assert_eq!(Record::from_line(&altered), None, "{}", String::from_utf8_lossy(&altered));
        }
    }
}
