//! The records on a drive, and the files that they speak of: reached one folder at a time.

use crate::backup::manifest::FileRecord;
use crate::system::volume::{Dir, Fault, FaultKind, InFile};
use std::path::Path;

/// Longer lines are none that piback wrote.
pub const LONGEST: usize = 256 * 1024;
const SUFFIX: &str = ".jsonl";

/// Label, run and size of every manifest, runs in their order.
pub fn manifests(drive: &Dir) -> Result<Vec<(String, String, u64)>, Fault> {
    let Some(all) = below(drive, &[b".piback", b"manifests"])? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in all.list()? {
        let (Ok(label), Ok(folder)) = (String::from_utf8(entry.name.clone()), all.sub(&entry.name)) else {
            continue;
        };
        for entry in folder.list()? {
            let name = std::str::from_utf8(&entry.name).ok().and_then(|name| name.strip_suffix(SUFFIX));
            let size = folder.stat(&entry.name)?.map(|stat| stat.size);
            if let (Some(name), Some(size)) = (name, size) {
                found.push((label.clone(), name.to_owned(), size));
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Opens a run's manifest.
pub fn manifest(drive: &Dir, label: &str, run: &str) -> Result<InFile, Fault> {
    let folder = below(drive, &[b".piback", b"manifests", label.as_bytes()])?;
    let name = format!("{run}{SUFFIX}");
    folder.as_ref().unwrap_or(drive).read(name.as_bytes(), false)
}

fn below(drive: &Dir, way: &[&[u8]]) -> Result<Option<Dir>, Fault> {
    let mut at = drive.again()?;
    for name in way {
        match at.sub(name) {
            Ok(sub) => at = sub,
            Err(fault) if fault.kind() == FaultKind::Missing => return Ok(None),
            Err(fault) => return Err(fault),
        }
    }
    Ok(Some(at))
}

/// The line that begins there.
pub fn line_at(file: &mut InFile, mut offset: u64) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    let mut piece = [0; 1024];
    while line.len() <= LONGEST {
        let count = file.read_at(&mut piece, offset).ok().filter(|count| *count > 0)?;
        offset += count as u64;
        match piece[..count].iter().position(|b| *b == b'\n') {
            Some(end) => {
                line.extend_from_slice(&piece[..end]);
                return Some(line);
            }
            None => line.extend_from_slice(&piece[..count]),
        }
    }
    None
}

/// The file of a record, reached one folder at a time: no link is followed, and no other file system entered.
pub fn opened(drive: &Dir, label: &str, record: &FileRecord) -> Option<InFile> {
    let dest = record.dest_bytes()?;
    let mut folder = drive.sub(label.as_bytes()).ok()?;
    let mut parts: Vec<&[u8]> = dest.split(|b| *b == b'/').collect();
    let name = parts.pop()?;
    for part in parts {
        folder = folder.sub(part).ok()?;
    }
    folder.read(name, false).ok().filter(|file| file.opened().size == record.size)
}

/// Opens a drive's root to read.
#[must_use]
pub fn root(path: &Path) -> Option<Dir> {
    Dir::open(path).ok()
}
