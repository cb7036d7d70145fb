//! Every sentence of the page, in one place. Pure.
//!
//! A photographer reads them who is tired: the verdict first, in words, and then what to do.

use crate::backup::events::{Side, Tally};
use crate::backup::reason::{ended, not_looked_at};
use crate::jobs::job::{Job, Outcome, Phase, Progress, Verb};
use crate::jobs::state::{CardState, DriveState};
use crate::ui::bytes;

pub const BACK_UP: &str = "Back up";
pub const BACK_UP_AGAIN: &str = "Back up again";
pub const CHECK_FORMAT: &str = "Safe to format?";
pub const CHECK_AGAIN: &str = "Check again";
pub const RE_READ: &str = "Re-read the backup";
pub const STOPPING: &str = "Stopping after what is at hand";
pub const RUNS_ON: &str = "it goes on when you close this page";
pub const ABSENT: &str = "Not there. Put it in, and it shows up here by itself.";
pub const ALL_VOLUMES: &str = "All cards and drives";
pub const AGAIN_IN: &str = "Put it in again, and it shows up by itself.";
pub const NOT_GOOD: &str = "Its backup is not good: back it up again.";
pub const NO_TIME: &str = "This is no time";
pub const NEEDS_SCRIPT: &str =
    "The iPad's time comes with the page's script. Without it: piback set-time, over SSH.";
pub const SWITCHES_OFF: &str = "It switches off";
pub const WHEN_OFF: &str =
    "Everything is written and taken off. When the green light stops blinking, unplug the power.";
pub const NEVER_SET: &str = "no date";

/// `1,038`.
#[must_use]
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 photo`, `1,038 photos`.
#[must_use]
pub fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

pub fn files(n: u64) -> String {
    count(n, "file", "files")
}

pub fn photos(n: u64) -> String {
    count(n, "photo", "photos")
}

/// The card's content: `1,038 photos and 4 videos · 7.9 GB · 24 to 25 Nov`.
pub fn card_line(card: &CardState, year: i16) -> String {
    let what = match (card.photos, card.videos) {
        (0, 0) => files(card.files),
        (p, 0) => photos(p),
        (0, v) => count(v, "video", "videos"),
        (p, v) => format!("{} and {}", photos(p), count(v, "video", "videos")),
    };
    let what = match card.new_files {
        0 => what,
        n if n == card.files => what,
        n => format!("{} new of {what}", number(n)),
    };
    let days = card.first_day.as_deref().zip(card.last_day.as_deref());
    let days = days.map(|(first, last)| span(first, last, year));
    [Some(what), Some(bytes(card.bytes)), days].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `2026-11-24` in parts: year, month, day.
fn parts(day: &str) -> Option<(i16, &'static str, u8)> {
    let mut parts = day.split('-');
    let year = parts.next()?.parse().ok()?;
    let month: usize = parts.next()?.parse().ok()?;
    let day = parts.next()?.get(..2)?.parse().ok()?;
    Some((year, MONTHS.get(month.checked_sub(1)?)?, day))
}

/// `24 Nov`, with the year where it is another one.
pub fn day(text: &str, year: i16) -> String {
    match parts(text) {
        Some((y, month, day)) if y == year => format!("{day} {month}"),
        Some((y, month, day)) => format!("{day} {month} {y}"),
        None => NEVER_SET.to_owned(),
    }
}

/// `24 to 25 Nov`.
pub fn span(first: &str, last: &str, year: i16) -> String {
    let end = day(last, year);
    match (parts(first), parts(last)) {
        (Some(a), Some(b)) if a == b => end,
        (Some((ya, ma, da)), Some((yb, mb, _))) if (ya, ma) == (yb, mb) => format!("{da} to {end}"),
        (Some((ya, ma, da)), Some((yb, _, _))) if ya == yb => format!("{da} {ma} to {end}"),
        _ => format!("{} to {end}", day(first, year)),
    }
}

/// `2026-11-24T14:32:05` as `24 Nov 2026, 14:32`.
pub fn moment(text: &str) -> String {
    match (parts(text), text.get(11..16)) {
        (Some((year, month, day)), Some(clock)) => format!("{day} {month} {year}, {clock}"),
        _ => NEVER_SET.to_owned(),
    }
}

/// `PHOTOS may be unplugged`.
pub fn may_be_unplugged(what: &str) -> String {
    format!("{what} may be unplugged")
}

/// So many seconds ago.
pub fn ago(seconds: i64) -> String {
    match seconds {
        ..60 => "just now".to_owned(),
        60..3600 => format!("{} ago", count((seconds / 60) as u64, "minute", "minutes")),
        3600..86_400 => format!("{} ago", count((seconds / 3600) as u64, "hour", "hours")),
        _ => format!("{} ago", count((seconds / 86_400) as u64, "day", "days")),
    }
}

fn left(seconds: u64) -> String {
    match seconds {
        0..10 => "a few seconds left".to_owned(),
        10..60 => format!("{} s left", seconds / 10 * 10),
        60..3600 => format!("{} min left", seconds.div_ceil(60)),
        _ => format!("{} h {:02} min left", seconds / 3600, seconds / 60 % 60),
    }
}

/// Says what a job does, while it does it.
pub fn doing(verb: Verb) -> &'static str {
    match verb {
        Verb::Backup => "Backing up",
        Verb::Verify => "Re-reading the backup",
        Verb::SafeToFormat => "Comparing every byte",
    }
}

/// Says how far it is.
pub fn done(verb: Verb, p: &Progress) -> String {
    let word = if verb == Verb::Backup { "verified" } else { "compared" };
    format!("{} of {} {word}", number(p.files), number(p.of_files))
}

pub fn speed(p: &Progress) -> String {
    if p.bytes_per_second == 0 { String::new() } else { format!("{}/s", bytes(p.bytes_per_second)) }
}

pub fn time_left(p: &Progress) -> String {
    p.seconds_left.map(left).unwrap_or_default()
}

pub fn beside(job: &Job) -> String {
    let slower = job.progress.as_ref().and_then(|p| p.slower).map(|side| match side {
        Side::Card => "the card is the slower side",
        Side::Drive => "the drive is the slower side",
    });
    let already = job.plan.filter(|plan| plan.safe.files > 0);
    let already = already.map(|plan| format!("{} were safe already", number(plan.safe.files)));
    let to = (!job.drives.is_empty()).then(|| format!("to {}", job.drives.join(", ")));
    let parts = [to.filter(|_| job.verb == Verb::Backup), already, slower.map(str::to_owned)];
    parts.into_iter().flatten().chain([RUNS_ON.to_owned()]).collect::<Vec<_>>().join(" · ")
}

pub fn short(job: &Job) -> Option<String> {
    let plan = job.plan.filter(|plan| plan.short > 0)?;
    Some(format!("The drive is {} too small for all of it: what fits is copied.", bytes(plan.short)))
}

fn amount(tally: Tally) -> String {
    format!("{}, {}", files(tally.files), bytes(tally.bytes))
}

/// A title and what stands below it.
pub type Sentence = (String, String);

pub fn safe_to_format(label: &str, drives: &str, result: &Outcome, when: &str) -> Sentence {
    let text = format!(
        "All {} of this card were read again and are the same on {drives}, {when}.",
        amount(result.all)
    );
    (format!("Safe to format: {label}"), text)
}

pub fn not_to_format(label: &str, drives: &str, result: &Outcome) -> Sentence {
    let bad = result.not_safe.files;
    let text = match &result.stopped {
        Some(why) if result.not_reached == 0 => {
            format!("The comparison did not come to its end: {}.", ended(why))
        }
        Some(why) => {
            let left = sentence(&not_looked_at(why, result.not_reached));
            match bad.saturating_sub(result.not_reached) {
                0 => format!("{left}."),
                bad => format!("{} not on {drives} as on the card. {left}.", are(bad)),
            }
        }
        None => format!("{} not on {drives} as on the card.", are(bad)),
    };
    (format!("Don't format {label}"), text)
}

pub fn backed_up(label: &str, drives: &str, result: &Outcome, when: &str) -> Sentence {
    if result.all.files == 0 {
        return (format!("{label} is empty"), "There are no files on it.".to_owned());
    }
    (format!("All of {label} is backed up"), format!("{}.", how(drives, result, when)))
}

/// Says what a backup read back, what it compared, and of what it only has records.
fn how(drives: &str, result: &Outcome, when: &str) -> String {
    let records = result.from_records.files.min(result.already.files);
    let compared = result.already.files - records;
    let copied = result.verified.files;
    let all = |n: u64| if n == result.all.files && n > 1 { "All " } else { "" };
    let mut parts = Vec::new();
    if copied > 0 {
        let files = format!("{}{} {}", all(copied), files(copied), was(copied));
        parts.push(format!("{files} copied to {drives}, read back and compared, {when}"));
    }
    // The drives are named once.
    let there = |named: bool| if named { format!("on {drives}") } else { "there".to_owned() };
    if compared > 0 {
        let files = format!("{}{} {}", all(compared), files(compared), was(compared));
        parts.push(format!("{files} {} already, read again and compared, {when}", there(parts.is_empty())));
    }
    if records > 0 {
        let files = format!("{}{} {}", all(records), files(records), was(records));
        parts.push(format!("{files} {} already, by the records of then", there(parts.is_empty())));
    }
    parts.join("; ")
}

pub fn not_backed_up(label: &str, drives: &str, result: &Outcome) -> Sentence {
    let bad = result.not_safe.files;
    if bad == 0 {
        let why = result.stopped.as_deref().map_or("something went wrong", ended);
        let text = format!("Everything was copied, but the end was not reached: {why}. Back up again.");
        return (format!("{label}: not finished"), text);
    }
    let why = result.stopped.as_ref().map_or(String::new(), |why| format!(": {}", ended(why)));
    let text =
        format!("{} of {} not on {drives}{why}. Don't format the card.", number(bad), are(result.all.files));
    (format!("Not all of {label} is safe"), text)
}

pub fn stopped(label: &str, result: Option<&Outcome>) -> Sentence {
    let text = match result {
        Some(result) => {
            let (safe, left) = (result.verified.files + result.already.files, result.not_safe.files);
            format!(
                "{} {} safe when it was stopped, {} not on the drive yet. It goes on where it was.",
                files(safe),
                was(safe),
                are(left)
            )
        }
        None => "It was stopped before it began.".to_owned(),
    };
    (format!("{label}: stopped"), text)
}

pub fn failed(label: &str, job: &Job) -> Sentence {
    let mut text = match (&job.error, job.state) {
        (_, Phase::Died) => "Its process was killed. What was verified is safe; start it again.".to_owned(),
        (Some(error), _) => format!("{}.", error.trim_end_matches('.')),
        (None, _) => "It could not do its work.".to_owned(),
    };
    for hint in &job.hints {
        text.push_str(&format!(" {}.", sentence(hint.trim_end_matches('.'))));
    }
    (format!("{label}: {} failed", name(job.verb)), text)
}

fn name(verb: Verb) -> &'static str {
    match verb {
        Verb::Backup => "the backup",
        Verb::Verify => "re-reading",
        Verb::SafeToFormat => "the comparison",
    }
}

pub fn verified(label: &str, result: &Outcome, when: &str) -> Sentence {
    if result.healed > 0 {
        let (bad, one) = (are(result.healed), result.healed == 1);
        let safe = if one {
            "its photo is safe under another name"
        } else {
            "their photos are safe under other names"
        };
        let read = amount(result.verified);
        let text = format!("{bad} damaged or gone, {safe}. {read} were read again, {when}.");
        return (format!("Every photo of {label} is there"), text);
    }
    (
        format!("The backup of {label} is as it was written"),
        format!("{} were read again, {when}.", amount(result.verified)),
    )
}

pub fn not_verified(label: &str, result: &Outcome) -> Sentence {
    let text = match &result.stopped {
        Some(why) if result.not_reached == 0 => {
            format!("Re-reading did not come to its end: {}.", ended(why))
        }
        Some(why) => format!("{}.", sentence(&not_looked_at(why, result.not_reached))),
        None if result.not_safe.files == 0 => "Records of it are lost. Back the card up again.".to_owned(),
        None => format!("{} not as recorded. Back the card up again.", are(result.not_safe.files)),
    };
    (format!("The backup of {label} is not good"), text)
}

pub fn same_filesystem(label: &str) -> Sentence {
    let text =
        "Card and drive are one file system: what is on both would be lost with it. There is no second copy.";
    (format!("{label} and its backup lie on one disk"), text.to_owned())
}

/// A card that nothing was said of yet.
pub fn plain(card: &CardState) -> String {
    match card.new_files {
        0 if card.files == 0 => "There are no files on it.".to_owned(),
        0 => "Nothing new, by the records on the drive.".to_owned(),
        n if n == card.files => "Not backed up yet.".to_owned(),
        n => format!("{} not backed up yet.", are(n)),
    }
}

pub fn waits() -> &'static str {
    "It begins when the job before it is done."
}

pub fn looking() -> &'static str {
    "Looking at the card"
}

pub fn and_more(n: u64) -> String {
    format!("and {} more", number(n))
}

/// `24,110 photos · 572 GB free`.
pub fn drive_line(drive: &DriveState) -> String {
    let photos = count(drive.photos, "photo or video", "photos and videos");
    format!("{photos} · {} free of {}", bytes(drive.free), bytes(drive.total))
}

pub fn damaged_records(n: u64) -> String {
    format!(
        "{} damaged: back the cards up again, or re-read the backup.",
        count(n, "record is", "records are")
    )
}

/// `214 photos, 7.9 GB`, and what was not safe.
pub fn run_line(photos_: u64, files_: u64, bytes_: u64, not_safe: Option<u64>) -> String {
    let what = if photos_ > 0 { photos(photos_) } else { files(files_) };
    let end = match not_safe {
        Some(0) => String::new(),
        Some(n) => format!(" · {} not safe", number(n)),
        None => " · not finished".to_owned(),
    };
    format!("{what}, {}{end}", bytes(bytes_))
}

/// `on 2 of 2 drives: PHOTOS, TRAVEL2`.
pub fn on_drives(on: &[String], all: usize) -> String {
    let drives = if all == 1 { "drive" } else { "drives" };
    let names = if on.is_empty() { String::new() } else { format!(": {}", on.join(", ")) };
    format!("on {} of {all} {drives}{names}", on.len())
}

fn are(n: u64) -> String {
    format!("{} {}", files(n), if n == 1 { "is" } else { "are" })
}

fn was(n: u64) -> &'static str {
    if n == 1 { "was" } else { "were" }
}

/// With a capital in front, as a sentence begins.
pub fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
