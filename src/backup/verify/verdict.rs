//! Findings of a verification, for people and for what comes after it.

use crate::backup::account::{NotSafe, Renamed};
use crate::backup::events::Tally;
use crate::backup::manifest::{Known, to_text};
use crate::backup::reason::{Reason, Stop};
use crate::ui::visible;
use std::collections::HashSet;
use twox_hash::XxHash3_128;

#[derive(Debug, Default)]
pub struct Verdict {
    /// Files that the manifest speaks of, without those that were taken over unchecked and are gone: these count no more.
    pub known: Tally,
    /// Read now, and as recorded.
    pub good: Tally,
    /// Rotten, edited, missing, unreadable, unknown, or nothing that can be looked at.
    pub bad: Vec<NotSafe>,
    /// Those of them that may be meant, for `--accept`.
    pub findings: Vec<Finding>,
    /// So many findings were accepted.
    pub accepted: u64,
    /// Found at another place, read, and recorded there: from, to.
    pub moved: Vec<Renamed>,
    /// Rotten or missing under one name, and good under another: nothing is lost.
    pub healed: Vec<String>,
    /// On the drive, in no manifest; also in `bad`, each.
    pub unrecorded: Tally,
    /// Damage of the manifests themselves.
    pub damage: Vec<String>,
    /// So many things were wrong with the manifests, and a later backup dealt with them.
    pub mended: u64,
    /// Damaged, unreadable or gone under its name, for `--repair`; also in `bad` or in `healed`.
    pub broken: Vec<Broken>,
    /// Files that were read and found good: see [`read_key`].
    pub(super) read: HashSet<u64>,
    /// Only a part was to be read.
    pub sample: bool,
    pub stop: Option<Stop>,
    /// So many files it did not come to.
    pub unread: u64,
    pub notes: Vec<String>,
}

/// A file that is not as its record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Its place on the drive, as records have it.
    pub dest: Vec<u8>,
    pub hash: u128,
}

/// A file and its recorded content as one number: another content under its name was not read then.
#[must_use]
pub fn read_key(known: &Known<'_>) -> u64 {
    XxHash3_128::oneshot(&[known.dest, &known.hash.to_le_bytes()].concat()) as u64
}

/// Something that a user may have done on the drive on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its place on the drive, as records have it.
    pub dest: Vec<u8>,
    pub size: u64,
    pub kind: FindingKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingKind {
    /// Nowhere on the drive any more.
    Gone,
    /// No card vouches for it.
    Unknown,
    /// Written to since it was backed up.
    Edited,
    /// A link, another volume, folders too deep: it can't be looked at.
    Odd,
}

impl Finding {
    /// Its path, as it is shown.
    #[must_use]
    pub fn shown(&self) -> String {
        visible(&String::from_utf8_lossy(&self.dest))
    }
}

impl Verdict {
    /// Tells whether there is a backup and all of it is good: no records are no proof of anything.
    #[must_use]
    pub fn all_good(&self) -> bool {
        self.bad.is_empty() && self.stop.is_none() && self.damage.is_empty() && self.known.files > 0
    }

    /// Tells whether no file is on record, and nothing is wrong: there is no backup.
    pub(super) fn says_nothing(&self) -> bool {
        self.known.files == 0 && self.bad.is_empty() && self.damage.is_empty() && self.stop.is_none()
    }

    /// Adds what is wrong with a place on the drive.
    pub(super) fn accuse(&mut self, dest: &[u8], size: u64, reason: Reason) {
        let finding = |kind| Finding { dest: dest.to_vec(), size, kind };
        self.findings.extend(kind_of(&reason).map(finding));
        self.bad.push(NotSafe { path: to_text(dest), size, reason });
    }
}

/// Part of a reason that a user may have meant.
fn kind_of(reason: &Reason) -> Option<FindingKind> {
    use crate::backup::scan::OddKind;
    match reason {
        Reason::Missing => Some(FindingKind::Gone),
        Reason::Unrecorded | Reason::Unvouched => Some(FindingKind::Unknown),
        Reason::Edited => Some(FindingKind::Edited),
        Reason::OddOnDrive(OddKind::Unreadable(_) | OddKind::Unknown | OddKind::Twice) => None,
        Reason::OddOnDrive(_) => Some(FindingKind::Odd),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::manifest::{FileRecord, Index, Record};

    #[test]
    fn what_was_read_is_known_by_its_place_and_its_content() {
        let mut index = Index::default();
        for (dest, hash) in [("a", 1), ("b", 1), ("c", 2)] {
            index.add(&Record::File(FileRecord::new(dest.as_bytes(), dest.as_bytes(), 3, (1, 2), 9, hash)));
        }
        let keys: HashSet<u64> = index.dests().map(|known| read_key(&known)).collect();
        assert_eq!(keys.len(), 3);
        let mut other = Index::default();
        other.add(&Record::File(FileRecord::new(b"a", b"a", 3, (1, 2), 9, 3)));
        assert!(other.dests().all(|known| !keys.contains(&read_key(&known))));
    }

    #[test]
    fn nothing_on_record_is_no_good_backup() {
        let mut verdict = Verdict::default();
        assert!(!verdict.all_good() && verdict.says_nothing());
        verdict.known.add(3);
        assert!(verdict.all_good() && !verdict.says_nothing());
        let wrong: [fn(&mut Verdict); 3] = [
            |v| v.damage.push("a manifest".into()),
            |v| v.stop = Some(Stop::Asked),
            |v| v.accuse(b"a", 3, Reason::Missing),
        ];
        for spoil in wrong {
            let mut verdict = Verdict::default();
            spoil(&mut verdict);
            assert!(!verdict.says_nothing());
            verdict.known.add(3);
            assert!(!verdict.all_good());
        }
    }

    #[test]
    fn only_what_a_user_may_have_done_may_be_accepted() {
        use crate::backup::scan::OddKind;
        let cases = [
            (Reason::Missing, Some(FindingKind::Gone)),
            (Reason::Unrecorded, Some(FindingKind::Unknown)),
            (Reason::Unvouched, Some(FindingKind::Unknown)),
            (Reason::Edited, Some(FindingKind::Edited)),
            (Reason::OddOnDrive(OddKind::Link), Some(FindingKind::Odd)),
            (Reason::OddOnDrive(OddKind::OtherVolume), Some(FindingKind::Odd)),
            (Reason::OddOnDrive(OddKind::TooDeep), Some(FindingKind::Odd)),
            (Reason::OddOnDrive(OddKind::Unknown), None),
            (Reason::OddOnDrive(OddKind::Twice), None),
            (Reason::Differs, None),
            (Reason::Changed, None),
            (Reason::NoGoodCopy, None),
        ];
        for (reason, kind) in cases {
            let mut verdict = Verdict::default();
            verdict.accuse(b"D/\xe9", 3, reason.clone());
            let findings: Vec<_> =
                verdict.findings.iter().map(|f| (f.dest.as_slice(), f.size, f.kind)).collect();
            let expected: Vec<_> = kind.map(|kind| (&b"D/\xe9"[..], 3, kind)).into_iter().collect();
            assert_eq!(findings, expected, "{reason:?}");
            assert_eq!((verdict.bad[0].path.as_str(), verdict.bad[0].size), ("D/%E9", 3));
        }
    }
}
