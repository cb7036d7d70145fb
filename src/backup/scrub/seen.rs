//! When each file of a label was last read from the drive's medium. Pure: text in, text out.
//!
//! One line a file: sixteen hexadecimal digits that stand for its place and content, and a day, in days since 1970 by the clock
//! of then. A line that makes no sense says nothing, and its file counts as read when it was backed up.

use crate::backup::manifest::Known;
use crate::backup::verify::read_key;
use std::collections::HashMap;

/// The first line.
const HEADER: &str = "piback scrub 1";

/// The days of one label's files.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen(HashMap<u64, i32>);

impl Seen {
    /// Reads what [`Seen::to_text`] wrote, as far as it is whole.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut lines = text.lines();
        if lines.next() != Some(HEADER) {
            return Seen::default();
        }
        let line = |line: &str| {
            let (key, day) = line.split_once(' ')?;
            let key = (key.len() == 16).then(|| u64::from_str_radix(key, 16).ok())??;
            Some((key, day.parse().ok()?))
        };
        Seen(lines.filter_map(line).collect())
    }

    /// The lines of those files that `are_there`, sorted, so that the same days are the same bytes.
    #[must_use]
    pub fn to_text(&self, are_there: impl Fn(u64) -> bool) -> String {
        let mut lines: Vec<_> = self.0.iter().filter(|(key, _)| are_there(**key)).collect();
        lines.sort_unstable();
        let mut text = format!("{HEADER}\n");
        for (key, day) in lines {
            text.push_str(&format!("{key:016x} {day}\n"));
        }
        text
    }

    /// Day on which a file was last read: by a scrub, or when its copy was verified. A day that is still to come, by today's clock,
    /// counts as today.
    #[must_use]
    pub fn last_read(&self, known: &Known<'_>, today: i32) -> i32 {
        let scrubbed = self.0.get(&read_key(known)).copied().unwrap_or(i32::MIN);
        scrubbed.max(known.day).min(today)
    }

    /// Counts a file as read today.
    pub fn read(&mut self, key: u64, today: i32) {
        self.0.insert(key, today);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(day: i32) -> Known<'static> {
        Known {
            path: b"a",
            dest: b"a",
            size: 1,
            mtime: 0,
            ctime: 0,
            sample: 0,
            hash: 7,
            day,
            partial: false,
            accepted: false,
        }
    }

    #[test]
    fn days_survive_their_own_text_and_damage_costs_single_lines() {
        let mut seen = Seen::default();
        for n in 0..100 {
            seen.read(n * 0x0123_4567_89ab, 20_000 + n as i32);
        }
        let text = seen.to_text(|_| true);
        assert_eq!(Seen::parse(&text), seen);
        assert_eq!(Seen::parse(&text).to_text(|_| true), text);
        assert_eq!(seen.to_text(|_| false), "piback scrub 1\n", "of files that are gone nothing is kept");
        let torn = &text[..text.len() - 9];
        assert_eq!(Seen::parse(torn).0.len(), 99);
        for bad in [
            "",
            "x",
            "piback scrub 2\n0000000000000001 5\n",
            "piback scrub 1\nzz 5\n1 5\n000000000000000g 5\n",
        ] {
            assert_eq!(Seen::parse(bad), Seen::default(), "{bad}");
        }
    }

    #[test]
    fn the_later_of_backup_and_scrub_counts_and_never_a_day_to_come() {
        let mut seen = Seen::default();
        assert_eq!(seen.last_read(&known(50), 100), 50);
        seen.read(read_key(&known(50)), 80);
        assert_eq!(seen.last_read(&known(50), 100), 80);
        assert_eq!(seen.last_read(&known(90), 100), 90);
        assert_eq!(seen.last_read(&known(500), 100), 100);
        let other = Known { hash: 8, ..known(50) };
        assert_eq!(seen.last_read(&other, 100), 50, "another content was not read");
    }
}
