//! The media hash list of a run, for other tools: ASC MHL 2.0 with xxh128.
//!
//! `.piback/mhl/LABEL/RUN/ascmhl/` holds a complete one-generation history of the label's folder: the list and its
//! chain file. It lies outside the card's tree, which stays the card's alone. The reference implementation takes
//! the list as an external packing list, or the `ascmhl` folder copied beside the photos.
//!
//! Element names and their order are those of the ASC MHL 2.0 schema (<https://github.com/ascmitc/mhl-specification>).

use super::drive::{Drive, temp_name};
use super::manifest::{Index, Known};
use super::scan;
use crate::system::volume::{Dir, Fault, OutFile};
use jiff::Timestamp;
use sha2::{Digest, Sha512};
use std::fmt::Write as _;

/// Text is written in pieces of this size.
const PIECE: usize = 256 * 1024;

/// Writes the list of everything that is under the label now; nothing is written when that is nothing.
///
/// # Errors
/// When the drive does not take it.
pub fn export(drive: &mut Drive, run: &str, index: &Index, now: Timestamp, host: &str) -> Result<(), Fault> {
    let folder = drive.make_own(&[b"mhl", drive.label.as_bytes()])?;
    let temps = [temp_name(run, 90_000_001), temp_name(run, 90_000_002)];
    let written = write(drive, &folder, &temps, run, index, now, host);
    if written.is_err() {
        // They may not be there; if the drive is gone, they don't matter.
        for temp in &temps {
            let _ = folder.unlink(temp);
        }
    }
    written
}

fn write(
    drive: &mut Drive,
    folder: &Dir,
    temps: &[Vec<u8>; 2],
    run: &str,
    index: &Index,
    now: Timestamp,
    host: &str,
) -> Result<(), Fault> {
    let mut list = Text::create(folder, &temps[0])?;
    list.push(&head(now, host))?;
    let stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut listed = 0u64;
    let mut left_out = 0u64;
    for known in index.dests() {
        let vouched = known.is_vouched() && !index.is_rotten(known.dest);
        if !vouched || index.moved_to(known.dest).is_some() || !is_there(drive, &known)? {
            continue;
        }
        match std::str::from_utf8(known.dest).ok().filter(|path| path.chars().all(is_xml)) {
            Some(path) => {
                listed += 1;
                list.push(&entry(path, &known, &stamp))?;
            }
            None => left_out += 1,
        }
    }
    if left_out > 0 {
        list.push(&format!("    <!-- {left_out} files have names that XML can't hold -->\n"))?;
    }
    list.push("  </hashes>\n</hashlist>\n")?;
    if listed == 0 {
        drop(list);
        return folder.unlink(&temps[0]);
    }
    let name = format!("0001_{}_{}.mhl", drive.label, now.strftime("%Y-%m-%d_%H%M%SZ"));
    let mut chain = Text::create(folder, &temps[1])?;
    let id = list.finish()?;
    chain.push(&format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ascmhldirectory xmlns=\"urn:ASC:MHL:DIRECTORY:v2.0\">\n  \
         <hashlist sequencenr=\"1\">\n    <path>{}</path>\n    <c4>{id}</c4>\n  </hashlist>\n</ascmhldirectory>\n",
        escaped(&name)
    ))?;
    chain.finish()?;
    let history = drive.make_own(&[b"mhl", drive.label.as_bytes(), run.as_bytes(), b"ascmhl"])?;
    // Two labels may differ in characters that a name on this drive can't hold twice; the run's folder is new.
    folder.rename(&temps[0], &history, name.as_bytes())?;
    folder.rename(&temps[1], &history, b"ascmhl_chain.xml")?;
    history.sync()?;
    folder.sync()
}

/// A text file that is written piece by piece, and its C4 id.
struct Text {
    file: OutFile,
    offset: u64,
    pending: String,
    hasher: Sha512,
}

impl Text {
    fn create(folder: &Dir, name: &[u8]) -> Result<Self, Fault> {
        Ok(Text { file: folder.create(name)?, offset: 0, pending: String::new(), hasher: Sha512::new() })
    }

    fn push(&mut self, text: &str) -> Result<(), Fault> {
        self.pending.push_str(text);
        if self.pending.len() >= PIECE { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Fault> {
        self.file.write_at(self.pending.as_bytes(), self.offset)?;
        self.hasher.update(self.pending.as_bytes());
        self.offset += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<String, Fault> {
        self.flush()?;
        self.file.sync()?;
        Ok(c4(&self.hasher.finalize()))
    }
}

fn head(now: Timestamp, host: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<hashlist version=\"2.0\" xmlns=\"urn:ASC:MHL:v2.0\">\n  \
         <creatorinfo>\n    <creationdate>{}</creationdate>\n    <hostname>{}</hostname>\n    \
         <tool version=\"{}\">piback</tool>\n  </creatorinfo>\n  <processinfo>\n    <process>transfer</process>\n    \
         <ignore>\n      <pattern>.DS_Store</pattern>\n      <pattern>ascmhl</pattern>\n      \
         <pattern>ascmhl/</pattern>\n    </ignore>\n  </processinfo>\n  <hashes>\n",
        now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        escaped(host),
        env!("CARGO_PKG_VERSION"),
    )
}

fn entry(path: &str, known: &Known<'_>, stamp: &str) -> String {
    let mut text = format!("    <hash>\n      <path size=\"{}\"", known.size);
    if let Ok(time) = Timestamp::from_nanosecond(i128::from(known.mtime)) {
        // Formatting into a string does not fail.
        let _ = write!(text, " lastmodificationdate=\"{}\"", time.strftime("%Y-%m-%dT%H:%M:%SZ"));
    }
    let _ = write!(
        text,
        ">{}</path>\n      <xxh128 action=\"original\" hashdate=\"{stamp}\">{:032x}</xxh128>\n    </hash>\n",
        escaped(path),
        known.hash
    );
    text
}

fn is_there(drive: &mut Drive, known: &Known<'_>) -> Result<bool, Fault> {
    let (folder, name) = scan::split_path(known.dest);
    let Some(dir) = drive.exact(folder)? else { return Ok(false) };
    Ok(dir.stat(name)?.is_some_and(|stat| stat.size == known.size))
}

/// What XML 1.0 allows in text.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // A parser would normalise raw ones.
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            c => out.push(c),
        }
    }
    out
}

/// A C4 id: SHA-512 in base 58, 88 digits behind `c4` (SMPTE ST 2114).
fn c4(sha512: &[u8]) -> String {
    const DIGITS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut number = sha512.to_vec();
    let mut digits = [DIGITS[0]; 88];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0u32;
        for byte in &mut number {
            let value = rest * 256 + u32::from(*byte);
            *byte = (value / 58) as u8;
            rest = value % 58;
        }
        *digit = DIGITS[rest as usize];
    }
    format!("c4{}", String::from_utf8_lossy(&digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_c4_id_is_the_published_one() {
        // The id of no content, as the C4 documentation gives it.
        assert_eq!(
            c4(&Sha512::digest(b"")),
            "c459dsjfscH38cYeXXYogktxf4Cd9ibshE3BHUo6a58hBXmRQdZrAkZzsWcbWtDg5oQstpDuni4Hirj75GEmTc1sFT"
        );
    }

    #[test]
    fn text_is_escaped_and_the_impossible_left_out() {
        assert_eq!(escaped("a<b>&\"\n"), "a&lt;b&gt;&amp;&quot;&#10;");
        assert!(is_xml('é') && is_xml('\n') && !is_xml('\x01') && !is_xml('\u{ffff}'));
    }
}
