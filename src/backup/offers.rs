//! Files of a drive that may leave it for a place far away: those that records vouch for, each read from the medium and held
//! against its record before it goes.

use super::digest::{Digest, Digester};
use super::drive::Drive;
use super::label::Label;
use super::manifest::{Known, Runs, to_text};
use super::reason::Reason;
use super::scrub::{counts, labels};
use super::source::digest_once;
use super::verify::Checker;
use sha2::Digest as _;
use std::path::Path;

/// The content of a file, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Content {
    /// XXH3-128.
    pub hash: u128,
    pub size: u64,
}

impl From<Digest> for Content {
    fn from(digest: Digest) -> Self {
        Content { hash: digest.hash, size: digest.len }
    }
}

/// One file that may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    pub label: Label,
    /// Name below the label's folder; below the drive's root where it begins with a slash.
    dest: Vec<u8>,
    pub content: Content,
    /// When it was last changed, in nanoseconds since 1970: a photo's time.
    pub mtime: i64,
}

impl Offer {
    /// The file's place below the drive's root.
    #[must_use]
    pub fn place(&self) -> Vec<u8> {
        match self.dest.strip_prefix(b"/") {
            Some(outside) => outside.to_vec(),
            None => [self.label.as_bytes(), b"/", self.dest.as_slice()].concat(),
        }
    }

    /// The same as text that loses nothing.
    #[must_use]
    pub fn shown(&self) -> String {
        to_text(&self.place())
    }
}

/// A drive with the records of all its labels, read once.
#[derive(Debug)]
pub struct Offers(Vec<(Drive, Runs)>);

impl Offers {
    /// Reads the records, and no photo.
    ///
    /// # Errors
    /// When the drive or its manifests can't be read.
    pub fn open(dest: &Path) -> anyhow::Result<Self> {
        let open = |label| -> anyhow::Result<_> {
            let drive = Drive::open(dest, label)?;
            let runs = drive.runs()?;
            Ok((drive, runs))
        };
        Ok(Offers(labels(dest)?.into_iter().map(open).collect::<anyhow::Result<_>>()?))
    }

    /// Lists what may go. Partial files, and what `backup --mirror` put aside, stay.
    #[must_use]
    pub fn list(&self) -> Vec<Offer> {
        let mut all = Vec::new();
        for (drive, runs) in &self.0 {
            let stays = |known: &Known<'_>| known.partial || runs.index.moved_to(known.dest).is_some();
            all.extend(runs.index.dests().filter(|known| counts(known) && !stays(known)).map(|known| {
                Offer {
                    label: drive.label.clone(),
                    dest: known.dest.to_vec(),
                    content: Content { hash: known.hash, size: known.size },
                    mtime: known.mtime,
                }
            }));
        }
        all
    }

    /// Reads a file from the drive's medium, and gives the sum of those bytes if they are as recorded.
    ///
    /// # Errors
    /// Why it does not go.
    pub fn sum(&mut self, offer: &Offer, sum: Option<Sum>) -> Result<Option<String>, Reason> {
        let of_label = |(drive, _): &&mut (Drive, Runs)| drive.label == offer.label;
        let (drive, runs) = self.0.iter_mut().find(of_label).ok_or(Reason::Missing)?;
        let known = runs.index.of_dest(&offer.dest).ok_or(Reason::Missing)?;
        let mut checker = Checker::new(drive, &runs.index);
        let mut file = checker.open(&known)?.ok_or(Reason::Missing)?;
        let mut summing = Summing::new(sum);
        match digest_once(&mut file, &mut checker.buffer, |piece| summing.write(piece)) {
            Ok(Some(digest)) if Content::from(digest) == offer.content => Ok(summing.finish()),
            Ok(Some(_)) => Err(Reason::Differs),
            Ok(None) => Err(Reason::Changed),
            Err(fault) => Err(checker.fault(fault, Reason::ReadBack)),
        }
    }
}

/// A hash that places far away have of what they hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sum {
    Md5,
    Sha1,
    Sha256,
}

impl Sum {
    /// All of them, the best first.
    pub const ALL: [Sum; 3] = [Sum::Sha256, Sum::Sha1, Sum::Md5];

    /// The name that rclone has for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Sum::Md5 => "md5",
            Sum::Sha1 => "sha1",
            Sum::Sha256 => "sha256",
        }
    }
}

enum Summing {
    Md5(md5::Md5),
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
    None,
}

impl Summing {
    fn new(sum: Option<Sum>) -> Self {
        match sum {
            Some(Sum::Md5) => Summing::Md5(md5::Md5::new()),
            Some(Sum::Sha1) => Summing::Sha1(sha1::Sha1::new()),
            Some(Sum::Sha256) => Summing::Sha256(sha2::Sha256::new()),
            None => Summing::None,
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        match self {
            Summing::Md5(sum) => sum.update(bytes),
            Summing::Sha1(sum) => sum.update(bytes),
            Summing::Sha256(sum) => sum.update(bytes),
            Summing::None => {}
        }
    }

    fn finish(self) -> Option<String> {
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect();
        match self {
            Summing::Md5(sum) => Some(hex(&sum.finalize())),
            Summing::Sha1(sum) => Some(hex(&sum.finalize())),
            Summing::Sha256(sum) => Some(hex(&sum.finalize())),
            Summing::None => None,
        }
    }
}

/// Content that comes back from far away, held against a record piece by piece.
#[derive(Default)]
pub struct Comparison(Digester);

impl Comparison {
    /// Takes more bytes.
    pub fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    /// Tells whether all that came is this content.
    #[must_use]
    pub fn is(self, content: Content) -> bool {
        Content::from(self.0.finish()) == content
    }
}

/// An offer for the tests of those who send.
#[cfg(test)]
#[must_use]
pub fn offer_of(label: &str, hash: u128, size: u64) -> Offer {
    let label = Label::new(label).unwrap();
    Offer { label, dest: format!("{hash}.jpg").into_bytes(), content: Content { hash, size }, mtime: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_that_everybody_computes() {
        let of = |sum| {
            let mut summing = Summing::new(sum);
            summing.write(b"a");
            summing.write(b"bc");
            summing.finish().unwrap_or_default()
        };
        // RFC 1321, RFC 3174 and FIPS 180-2, of "abc".
        assert_eq!(of(Some(Sum::Md5)), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(of(Some(Sum::Sha1)), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(of(Some(Sum::Sha256)), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(of(None), "");
    }

    #[test]
    fn a_place_is_below_the_label_or_where_the_user_put_it() {
        let label = Label::new("SD32").unwrap();
        let content = Content { hash: 1, size: 1 };
        let offer = |dest: &[u8]| Offer { label: label.clone(), dest: dest.to_vec(), content, mtime: 0 };
        assert_eq!(offer(b"DCIM/a\xe9.jpg").shown(), "SD32/DCIM/a%E9.jpg");
        assert_eq!(offer(b"/Albums/a.jpg").shown(), "Albums/a.jpg");
    }
}
