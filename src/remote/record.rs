//! The record of what went where: `DRIVE/.piback/sent/REMOTE.jsonl`, only ever appended to. Lines as in the manifests: sixteen hex digits,
//! a space, JSON; one that does not fit its checksum counts for nothing, and its photo is looked for there again.

use crate::backup::offers::{Content, Offer, Sum};
use crate::system::random;
use crate::system::volume::{Dir, Fault, FaultKind, Lock, OutFile};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;
use twox_hash::XxHash3_128;

/// The folder below `.piback/`.
const FOLDER: &[u8] = b"sent";

/// Read at a time.
const PIECE: usize = 256 * 1024;

/// The way in which it is known that a copy is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The remote's own hash equals one that was computed from bytes that match the drive's record.
    Hash,
    /// It was fetched, and matches the drive's record.
    ReadBack,
    /// It was uploaded, and has the right size: no more is known.
    Size,
}

impl How {
    /// Tells whether the content was compared.
    #[must_use]
    pub fn is_verified(self) -> bool {
        self != How::Size
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
enum Line {
    /// The place that all that follows went to.
    To {
        schema: u32,
        to: String,
        at: String,
    },
    Sent {
        path: String,
        bytes: u64,
        xxh128: String,
        name: String,
        sum: Option<String>,
        how: How,
        at: String,
    },
    /// The folder of what this drive has on its way there: no other drive's files are in it.
    Way {
        id: String,
    },
    /// A later version's.
    #[serde(other)]
    Unknown,
}

/// A photo that is on the remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its name there, below the remote's folder.
    pub name: String,
    /// The hash that the remote has of it.
    pub sum: Option<String>,
    pub how: How,
    /// RFC 3339, by the clock of then.
    pub at: String,
}

impl Known {
    /// The hash that it had of the file, and its kind.
    #[must_use]
    pub fn hash(&self) -> Option<(Sum, &str)> {
        let (kind, sum) = self.sum.as_deref()?.split_once(':')?;
        Some((Sum::ALL.into_iter().find(|one| one.name() == kind)?, sum))
    }
}

/// The record of one remote on one drive, open for appending.
#[derive(Debug)]
pub struct Record {
    known: HashMap<Content, Known>,
    way: String,
    file: OutFile,
    offset: u64,
    /// Two that send would write over each other, here and there.
    _alone: Lock,
}

impl Record {
    /// Opens it, and makes it where there is none; `to` is where the remote leads now: what went elsewhere counts for nothing.
    ///
    /// # Errors
    /// When the drive does not take it.
    pub fn open(drive: &Path, remote: &str, to: &str, now: &str) -> io::Result<Record> {
        let root = Dir::open(drive).map_err(told)?;
        let (own, _) = root.make_sub(b".piback").map_err(told)?;
        let (folder, made) = own.make_sub(FOLDER).map_err(told)?;
        if made {
            own.sync().map_err(told)?;
        }
        let alone = folder.lock().map_err(told)?.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::WouldBlock,
                "another piback is sending what is on it: wait for its end",
            )
        })?;
        let name = file_name(remote);
        let text = read(&folder, &name)?.unwrap_or_default();
        let file = match folder.reopen(&name) {
            Err(fault) if fault.kind() == FaultKind::Missing => folder.create(&name),
            answer => answer,
        }
        .map_err(told)?;
        folder.sync().map_err(told)?;
        let Parsed { known, last, way } = parse(&text, to);
        let way = way.map_or_else(|| random::bits().map(|bits| format!("{bits:016x}")), Ok)?;
        let is_new = !text.windows(way.len()).any(|piece| piece == way.as_bytes());
        let mut record = Record { known, way, file, offset: text.len() as u64, _alone: alone };
        if !text.is_empty() && !text.ends_with(b"\n") {
            // A line that was cut off by a pulled cable stays what it is, and ends here.
            record.write("\n")?;
        }
        if last.as_deref() != Some(to) {
            record.write(&Line::To { schema: 1, to: to.to_owned(), at: now.to_owned() }.to_text())?;
        }
        if is_new {
            record.write(&Line::Way { id: record.way.clone() }.to_text())?;
        }
        Ok(record)
    }

    /// The name of this drive's folder among what is on its way there.
    #[must_use]
    pub fn way(&self) -> &str {
        &self.way
    }

    /// The copy of a content that is there, as far as the record tells.
    #[must_use]
    pub fn get(&self, content: &Content) -> Option<&Known> {
        self.known.get(content)
    }

    /// Writes down what is there now; durable when it returns.
    ///
    /// # Errors
    /// When the drive does not take it.
    pub fn add(&mut self, new: Vec<(&Offer, Known)>) -> io::Result<()> {
        let mut text = String::new();
        for (offer, known) in &new {
            let line = Line::Sent {
                path: offer.shown(),
                bytes: offer.content.size,
                xxh128: format!("{:032x}", offer.content.hash),
                name: known.name.clone(),
                sum: known.sum.clone(),
                how: known.how,
                at: known.at.clone(),
            };
            text.push_str(&line.to_text());
        }
        self.write(&text)?;
        self.known.extend(new.into_iter().map(|(offer, known)| (offer.content, known)));
        Ok(())
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.file.write_at(text.as_bytes(), self.offset).map_err(told)?;
        self.file.sync().map_err(told)?;
        self.offset += text.len() as u64;
        Ok(())
    }
}

/// Reads what a drive's record knows of a remote, without opening it for more.
///
/// # Errors
/// When it is there and can't be read.
pub fn known(drive: &Path, remote: &str, to: &str) -> io::Result<HashMap<Content, Known>> {
    let folder = Dir::open(drive).and_then(|root| root.sub(b".piback")).and_then(|own| own.sub(FOLDER));
    let folder = match folder {
        Err(fault) if fault.kind() == FaultKind::Missing => return Ok(HashMap::new()),
        answer => answer.map_err(told)?,
    };
    Ok(parse(&read(&folder, &file_name(remote))?.unwrap_or_default(), to).known)
}

/// The copies of a drive's photos that were sent to a remote, by the record alone: nobody looked whether they are there now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ByRecord {
    pub remote: String,
    /// Photos that the drive's records vouch for; one content counts once.
    pub on_drive: u64,
    pub sent: u64,
    /// When the last one was found there, by the clock of then: RFC 3339.
    pub last: Option<String>,
}

/// Counts what was sent of what a drive offers.
///
/// # Errors
/// When the record can't be read.
pub fn by_record(drive: &Path, offers: &[Offer], remote: &str, to: &str) -> io::Result<ByRecord> {
    let known = known(drive, remote, to)?;
    let all: HashSet<Content> = offers.iter().map(|offer| offer.content).collect();
    let sent = || all.iter().filter_map(|content| known.get(content));
    Ok(ByRecord {
        remote: remote.to_owned(),
        on_drive: all.len() as u64,
        sent: sent().count() as u64,
        last: sent().map(|one| one.at.clone()).max(),
    })
}

fn file_name(remote: &str) -> Vec<u8> {
    format!("{remote}.jsonl").into_bytes()
}

fn told(fault: Fault) -> io::Error {
    io::Error::other(fault.to_string())
}

fn read(folder: &Dir, name: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut file = match folder.read(name, false) {
        Ok(file) => file,
        Err(fault) if fault.kind() == FaultKind::Missing => return Ok(None),
        Err(fault) => return Err(told(fault)),
    };
    let mut text = Vec::new();
    loop {
        let at = text.len();
        text.resize(at + PIECE, 0);
        let n = file.read_at(&mut text[at..], at as u64).map_err(told)?;
        text.truncate(at + n);
        if n < PIECE {
            return Ok(Some(text));
        }
    }
}

/// The lines of a record, read.
#[derive(Debug, Default)]
struct Parsed {
    /// Everything that went to the place in question, later lines over earlier ones.
    known: HashMap<Content, Known>,
    /// The place that the last lines went to.
    last: Option<String>,
    way: Option<String>,
}

fn parse(text: &[u8], to: &str) -> Parsed {
    let mut parsed = Parsed::default();
    for line in text.split(|b| *b == b'\n').filter_map(Line::from_bytes) {
        match line {
            Line::To { to, .. } => parsed.last = Some(to),
            Line::Sent { bytes, xxh128, name, sum, how, at, .. } if parsed.last.as_deref() == Some(to) => {
                if let Ok(hash) = u128::from_str_radix(&xxh128, 16) {
                    parsed.known.insert(Content { hash, size: bytes }, Known { name, sum, how, at });
                }
            }
            // It becomes a folder's name.
            Line::Way { id } if id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit()) => {
                parsed.way = Some(id)
            }
            Line::Sent { .. } | Line::Way { .. } | Line::Unknown => {}
        }
    }
    parsed
}

impl Line {
    fn to_text(&self) -> String {
        // These types hold nothing that JSON can't carry.
        let json = serde_json::to_string(self).unwrap_or_default();
        format!("{:016x} {json}\n", checksum(json.as_bytes()))
    }

    fn from_bytes(line: &[u8]) -> Option<Line> {
        let (sum, json) = line.split_at_checked(17)?;
        let sum = std::str::from_utf8(sum).ok()?.strip_suffix(' ')?;
        (u64::from_str_radix(sum, 16).ok()? == checksum(json)).then_some(())?;
        serde_json::from_slice(json).ok()
    }
}

fn checksum(json: &[u8]) -> u64 {
    XxHash3_128::oneshot(json) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(hash: u128) -> Content {
        Content { hash, size: 3 }
    }

    fn sent(hash: u128, name: &str) -> String {
        let line = Line::Sent {
            path: "A/x".into(),
            bytes: 3,
            xxh128: format!("{hash:032x}"),
            name: name.into(),
            sum: Some("md5:00".into()),
            how: How::Hash,
            at: "2026-11-27T00:00:00Z".into(),
        };
        line.to_text()
    }

    /// A process that another test starts in this moment has the lock too, until it is another program.
    fn open(drive: &Path) -> Record {
        let mut tries = 0..400;
        loop {
            match Record::open(drive, "home", "home:a", "now") {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock && tries.next().is_some() => {
                    std::thread::sleep(std::time::Duration::from_millis(50));
                }
                opened => return opened.unwrap(),
            }
        }
    }

    fn to(to: &str) -> String {
        Line::To { schema: 1, to: to.into(), at: String::new() }.to_text()
    }

    #[test]
    fn only_what_went_where_the_remote_leads_now_counts() {
        let text = [
            to("home:a"),
            sent(1, "x"),
            to("home:b"),
            sent(2, "y"),
            sent(1, "z"),
            to("home:a"),
            sent(3, "w"),
        ]
        .concat();
        let Parsed { known, last, .. } = parse(text.as_bytes(), "home:a");
        let mut names: Vec<&str> = known.values().map(|one| one.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!((names, last.as_deref()), (vec!["w", "x"], Some("home:a")));
        assert_eq!(parse(text.as_bytes(), "home:b").known[&content(1)].name, "z");
        assert!(parse(text.as_bytes(), "home:c").known.is_empty());
    }

    #[test]
    fn a_line_with_one_bit_changed_counts_for_nothing() {
        let (head, line) = (to("home:a"), sent(1, "x"));
        assert_eq!(parse([head.as_bytes(), line.as_bytes()].concat().as_slice(), "home:a").known.len(), 1);
        for at in 0..line.len() - 1 {
            let mut altered = line.clone().into_bytes();
            altered[at] ^= 1;
            // Capitals of a checksum are its own business: what it says is what was written.
            assert!(
                parse([head.as_bytes(), &altered].concat().as_slice(), "home:a").known.is_empty(),
                "{at}"
            );
        }
        let torn = &line[..line.len() - 5];
        assert!(parse(format!("{head}{torn}\n{}", sent(2, "y")).as_bytes(), "home:a").known.len() == 1);
    }

    #[test]
    fn a_record_is_made_added_to_and_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let offer_line = sent(5, "n");
        drop(open(dir.path()));
        let path = dir.path().join(".piback/sent/home.jsonl");
        let before = crate::system::input::read(&path).unwrap();
        let torn = [before.as_slice(), offer_line.as_bytes(), b"0123"].concat();
        crate::system::input::write(&path, &torn).unwrap();
        let record = open(dir.path());
        assert_eq!(record.known.len(), 1);
        let second = Record::open(dir.path(), "home", "home:a", "now").unwrap_err();
        assert!(second.to_string().contains("another piback"), "{second}");
        let way = record.way().to_owned();
        drop(record);
        let again = open(dir.path());
        assert_eq!(again.way(), way);
        drop(again);
        assert!(crate::system::input::read(&path).unwrap().ends_with(b"0123\n"), "appended to, nothing else");
        assert_eq!(known(dir.path(), "home", "home:a").unwrap()[&content(5)].name, "n");
        assert!(known(dir.path(), "other", "home:a").unwrap().is_empty());
    }
}
