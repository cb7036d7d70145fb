//! The drive for backups: plugged in, and able to take them.

use super::drive::{Drive, Plugged};
use super::finding::{Check, Finding, Subject};
use crate::backup::Ages;
use crate::profile::types::{Every, VolumeLabel};
use crate::ui::{bytes, files, visible, word};

/// Less than this part of a drive is nearly nothing.
const NEARLY_FULL: u64 = 20;

/// The registry's row of [`drives`].
pub const DRIVES: Check = Check {
    name: "drives",
    line: "the drive for backups is there and can take them",
    stops_apply: false,
    run: drives,
};

/// The registry's row of [`read`].
pub const READ: Check = Check {
    name: "rot",
    line: "what is on the drive was read again not long ago",
    stops_apply: false,
    run: read,
};

fn read(subject: &Subject<'_>) -> Finding {
    let Some(every) = subject.profile.map(|profile| profile.scrub.every) else {
        return Finding::unknown("there is no profile");
    };
    let of = |drive: &Drive| {
        let label = visible(&drive.label);
        Some(match crate::backup::last_read(drive.folder()?) {
            Ok(ages) => judge_ages(&label, ages, every),
            Err(e) => Finding::unknown(format!("{label}: {e:#}")),
        })
    };
    let all = subject.drives.unwrap_or_default().iter().filter_map(of).collect();
    worst_of(all, "no enrolled drive is mounted")
}

/// Makes one finding of one for each drive: the worst of them decides, and each is told. `none` is said of no drive.
pub(super) fn worst_of(all: Vec<Finding>, none: &str) -> Finding {
    let found = all.iter().map(|one| one.found.clone()).collect::<Vec<_>>().join("; ");
    let worst = all.into_iter().rev().max_by_key(|finding| finding.level);
    worst.map_or_else(|| Finding::unknown(none), |worst| Finding { found, ..worst })
}

/// Judges when files were last read. A drive that stayed at home for a while is late, and so is one whose timer never comes.
fn judge_ages(label: &str, ages: Ages, every: Every) -> Finding {
    if let Some(damage) = ages.damage() {
        return Finding::bad(
            format!("{label}: {damage}"),
            "bring back what is damaged, while there is another copy: piback verify LABEL --repair",
        );
    }
    let Some(days) = ages.longest_ago else {
        return Finding::good(format!("{label}: no photo is on record"));
    };
    let text = format!(
        "{label}: all {} were read or copied within the last {} days",
        files(ages.files),
        days.max(1)
    );
    match every.days() {
        Some(every) if days > 2 * i32::from(every) => {
            let text = format!("{label}: of {}, some were last read {days} days ago", files(ages.files));
            Finding::warning(
                text,
                "let the drive be plugged in for a while, or read all now: sudo piback scrub --share 100%",
            )
        }
        _ => Finding::good(text),
    }
}

fn drives(subject: &Subject<'_>) -> Finding {
    let Some(profile) = subject.profile else { return Finding::unknown("there is no profile") };
    if !subject.host.is_live() {
        return Finding::unknown("only a running host can say");
    }
    match subject.drives {
        Some(drives) => {
            judge_all(drives, &profile.backup.labels().map(VolumeLabel::as_str).collect::<Vec<_>>())
        }
        None => Finding::unknown("what is plugged in, and what is enrolled, can't be read"),
    }
}

/// Judges all drives that the profile names: the worst of them decides, and each is told.
fn judge_all(drives: &[Drive], wanted: &[&str]) -> Finding {
    if let [only] = wanted {
        return judge(drives, only);
    }
    let of = |label: &&str| {
        let own: Vec<Drive> = drives.iter().filter(|drive| drive.label == **label).cloned().collect();
        judge(&own, label)
    };
    worst_of(wanted.iter().map(of).collect(), "the profile names no drive")
}

/// Judges the drives; `wanted` is the label that the profile names.
fn judge(drives: &[Drive], wanted: &str) -> Finding {
    let there = |d: &&Drive| d.plugged.is_some();
    let enrolled = drives.iter().filter(|d| d.enrolled);
    // The one that a backup would take: enrolled and plugged in, the profile's label before others.
    let mut candidates: Vec<&Drive> = enrolled.clone().filter(there).collect();
    candidates.sort_by_key(|d| d.label != wanted);
    if let Some(drive) = candidates.first() {
        return drive.plugged.as_ref().map_or_else(|| absent(wanted), |plugged| plugged_in(drive, plugged));
    }
    let wanted_label = visible(wanted);
    if drives.iter().filter(there).any(|d| d.label == wanted) {
        return Finding::warning(
            format!("{wanted_label} is plugged in and not enrolled"),
            format!("sudo piback enroll {}", word(wanted)),
        );
    }
    match enrolled.count() {
        0 => Finding::warning(
            "no drive is enrolled yet",
            format!("plug it in, and type: sudo piback enroll {}", word(wanted)),
        ),
        _ => absent(wanted),
    }
}

fn absent(wanted: &str) -> Finding {
    Finding::warning(
        format!("{} is not plugged in", visible(wanted)),
        "plug the drive in; piback cards shows what is",
    )
}

fn plugged_in(drive: &Drive, plugged: &Plugged) -> Finding {
    let (label, words) = (visible(&drive.label), drive.words());
    let fstype = plugged.fstype.as_deref().unwrap_or_default();
    if plugged.locked {
        return Finding::bad(
            format!("{label}: the drive refuses writes"),
            "open its lock, or take another drive",
        );
    }
    if plugged.mounted.as_ref().is_some_and(|m| m.read_only) {
        let remedy = match fstype {
            "ntfs" => {
                "unplug it, and let Windows check it: a drive that was not ejected there stays read-only here"
            }
            _ => "unplug it, and let a computer check and repair it",
        };
        return Finding::bad(format!("{label} is mounted read-only"), remedy);
    }
    let free = plugged.mounted.as_ref().and_then(|m| m.free_bytes);
    if let Some(free) = free.filter(|free| *free < plugged.size_bytes / NEARLY_FULL) {
        return Finding::warning(
            format!("{label} is nearly full: {} free", bytes(free)),
            "take another drive, and enroll it; nothing is ever removed from this one",
        );
    }
    match fstype {
        "exfat" | "ext4" => Finding::good(format!("{label}, {words}")),
        "vfat" => Finding::warning(
            format!("{label}, {words}: FAT32 takes no file of 4 GiB or more"),
            "for long videos, a drive with exFAT or ext4",
        ),
        "ntfs" => Finding::warning(
            format!("{label}, {words}: Linux can't always repair NTFS after a power cut"),
            "a drive with exFAT or ext4 is the better choice",
        ),
        _ => Finding::warning(
            format!("{label}, {words}: nobody has tried backups on this file system"),
            "a drive with exFAT or ext4 is the better choice",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::drive::Mounted;
    use crate::doctor::finding::Level;

    const GB: u64 = 1_000_000_000;

    fn drive(label: &str, fstype: &str, read_only: bool, free: u64) -> Drive {
        let mounted = Some(Mounted { path: format!("/media/x/{label}"), read_only, free_bytes: Some(free) });
        let plugged = Plugged { fstype: Some(fstype.into()), size_bytes: 128 * GB, locked: false, mounted };
        Drive { label: label.into(), enrolled: true, plugged: Some(plugged) }
    }

    #[test]
    fn a_drive_that_takes_nothing_is_not_fit() {
        let fit = drive("P", "exfat", false, GB);
        assert!(fit.is_fit());
        assert!(!drive("P", "exfat", true, GB).is_fit(), "read-only");
        let plugged = |change: fn(&mut Plugged)| {
            let mut drive = fit.clone();
            drive.plugged.as_mut().into_iter().for_each(change);
            drive.is_fit()
        };
        assert!(!plugged(|plugged| plugged.locked = true));
        assert!(plugged(|plugged| plugged.mounted = None), "a backup mounts it");
        assert!(!Drive { enrolled: false, ..fit.clone() }.is_fit());
        assert!(!Drive { plugged: None, ..fit.clone() }.is_fit());
    }

    #[test]
    fn a_drive_that_nobody_reads_is_late() {
        let of = |files, longest_ago, every: &str| {
            judge_ages("P", Ages { files, longest_ago, ..Ages::default() }, every.parse().unwrap())
        };
        let rotten = Ages { files: 3, longest_ago: Some(0), rotten: 1, damaged_records: 0 };
        let rotten = judge_ages("P", rotten, "off".parse().unwrap());
        assert_eq!((rotten.level, rotten.found.as_str()), (Level::Bad, "P: 1 file not as recorded"));
        let damaged = judge_ages("P", Ages { damaged_records: 1, ..Ages::default() }, "off".parse().unwrap());
        assert_eq!((damaged.level, damaged.found.as_str()), (Level::Bad, "P: the records are damaged"));
        let both = worst_of(vec![of(3, Some(1), "30d"), of(3, Some(61), "30d")], "none");
        assert_eq!(both.level, Level::Warning, "the second drive counts as much as the first");
        assert_eq!(
            of(3, Some(60), "30d").found,
            "P: all 3 files were read or copied within the last 60 days"
        );
        let late = of(3, Some(61), "30d");
        assert_eq!(
            (late.level, late.found.as_str()),
            (Level::Warning, "P: of 3 files, some were last read 61 days ago")
        );
        assert_eq!(of(3, Some(900), "off").level, Level::Good);
        assert_eq!(of(0, None, "30d").level, Level::Good);
    }

    #[test]
    fn a_drive_is_there_or_not_and_good_for_backups_or_not() {
        let good = drive("PHOTOS", "exfat", false, 40 * GB);
        let absent = Drive { plugged: None, ..good.clone() };
        let stranger = Drive { enrolled: false, ..good.clone() };
        let mut locked = good.clone();
        locked.plugged.as_mut().unwrap().locked = true;
        let mut idle = good.clone();
        idle.plugged.as_mut().unwrap().mounted = None;
        let other = drive("OTHER", "ext4", false, 40 * GB);
        for (drives, level, found) in [
            (vec![good.clone()], Level::Good, "PHOTOS, 128 GB exfat, 40 GB free"),
            (vec![idle], Level::Good, "PHOTOS, 128 GB exfat, not mounted"),
            (vec![], Level::Warning, "no drive is enrolled yet"),
            (vec![absent.clone()], Level::Warning, "PHOTOS is not plugged in"),
            (vec![stranger.clone()], Level::Warning, "PHOTOS is plugged in and not enrolled"),
            (vec![absent, other.clone()], Level::Good, "OTHER, 128 GB ext4"),
            (vec![other, good], Level::Good, "PHOTOS"),
            (vec![locked], Level::Bad, "PHOTOS: the drive refuses writes"),
            (vec![drive("PHOTOS", "ntfs", true, GB)], Level::Bad, "PHOTOS is mounted read-only"),
            (
                vec![drive("PHOTOS", "exfat", false, 6 * GB)],
                Level::Warning,
                "PHOTOS is nearly full: 6.0 GB free",
            ),
            (vec![drive("PHOTOS", "vfat", false, 60 * GB)], Level::Warning, "FAT32"),
            (vec![drive("PHOTOS", "ntfs", false, 60 * GB)], Level::Warning, "NTFS"),
            (vec![drive("PHOTOS", "hfsplus", false, 60 * GB)], Level::Warning, "nobody has tried"),
        ] {
            let finding = judge(&drives, "PHOTOS");
            assert!(finding.level == level && finding.found.contains(found), "{drives:?}: {finding:?}");
            assert_eq!(finding.remedy.is_none(), level == Level::Good);
        }
        // Of several each is told, and the worst decides.
        let two =
            [drive("A", "exfat", false, 40 * GB), Drive { plugged: None, ..drive("B", "ext4", false, GB) }];
        let finding = judge_all(&two, &["A", "B"]);
        assert_eq!(finding.level, Level::Warning);
        assert_eq!(finding.found, "A, 128 GB exfat, 40 GB free; B is not plugged in");
        assert_eq!(judge_all(&two[..1], &["A"]).level, Level::Good);
        assert_eq!(stranger.words(), "128 GB exfat, 40 GB free, not enrolled");
    }
}
