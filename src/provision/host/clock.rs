//! The host's clock: a Pi without a battery comes up in the past, and the network sets it, or the user does, or nobody.

use crate::system::Host;
use crate::system::run::Tool;

/// A moment that was over when this piback was built: the package's own date, or one before its first release.
fn built() -> i64 {
    const BEFORE_THE_FIRST: i64 = 1_793_491_200;
    option_env!("SOURCE_DATE_EPOCH").and_then(|time| time.parse().ok()).unwrap_or(BEFORE_THE_FIRST)
}

/// The longest time from a build on that anybody uses it for; what lies behind it is a slip of the finger.
const LIFE: i64 = 30 * 366 * 86_400;

/// The clock as it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// Seconds since 1970.
    pub now: i64,
    /// Nothing where nobody says.
    pub by_network: Option<bool>,
    /// The newest moment that is known to be over.
    pub newest: i64,
}

impl Clock {
    /// Tells whether it shows a moment that is long over: then it is set by nobody.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.now < self.newest
    }

    /// Tells whether a moment can be today, as far as can be known.
    #[must_use]
    pub fn can_be(&self, moment: i64) -> bool {
        (self.newest..built().saturating_add(LIFE)).contains(&moment)
    }
}

/// Looks at the clock; `recorded` is when piback last changed this host.
#[must_use]
pub fn look(host: &dyn Host, recorded: Option<i64>) -> Clock {
    Clock { now: host.now(), by_network: by_network(host), newest: newest(recorded) }
}

/// The best guess at what time it is: what the clock shows, or where that can't be, the newest moment that is known to be over.
#[must_use]
pub fn likely(now: i64, recorded: Option<i64>) -> i64 {
    let clock = Clock { now, by_network: None, newest: newest(recorded) };
    if clock.can_be(now) { now } else { clock.newest }
}

fn newest(recorded: Option<i64>) -> i64 {
    // A record that is made with a clock far ahead must not call every right one wrong.
    let recorded = recorded.filter(|time| *time < built().saturating_add(LIFE));
    recorded.unwrap_or_default().max(built())
}

/// Asks whether the network holds the clock. It is the kernel that knows, whichever program set it.
fn by_network(host: &dyn Host) -> Option<bool> {
    if !host.is_live() {
        return None;
    }
    let said = |args: &[&str]| {
        let output = host.output(&Tool::new("timedatectl").args(args.iter().copied())).ok()?;
        (output.code == Some(0)).then_some(output.stdout)
    };
    let show = said(&["show", "--property=NTPSynchronized", "--value"]);
    // systemd before 239, as in Stretch, has no `show`.
    synchronized(&show.or_else(|| said(&["status"]))?)
}

fn synchronized(text: &str) -> Option<bool> {
    let mut lines = text.lines().map(str::trim);
    let word = match text.trim() {
        word @ ("yes" | "no") => word,
        _ => lines.find_map(|line| line.split_once("synchronized: "))?.1,
    };
    match word {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_timedatectl_says() {
        for (said, known) in [
            ("yes\n", Some(true)),
            ("no\n", Some(false)),
            ("      Local time: Tue\n NTP synchronized: yes\n", Some(true)),
            ("System clock synchronized: no\n              NTP service: active\n", Some(false)),
            ("System clock synchronized: n/a\n", None),
            ("Failed to connect to bus\n", None),
            ("", None),
        ] {
            assert_eq!(synchronized(said), known, "{said}");
        }
    }

    #[test]
    fn a_clock_behind_what_is_known_is_set_by_nobody() {
        let clock = |now, newest| Clock { now, by_network: None, newest };
        assert!(clock(built() - 1, built()).is_behind());
        assert!(!clock(built(), built()).is_behind());
        assert!(clock(built() + 5, built() + 6).is_behind());
        let now = clock(0, built());
        assert!(now.can_be(built()) && now.can_be(built() + 86_400 * 3650));
        let day = 86_400;
        assert_eq!(
            [0, built() + day, i64::MAX].map(|now| likely(now, None)),
            [built(), built() + day, built()]
        );
        assert_eq!(likely(0, Some(built() + day)), built() + day);
        assert!(!now.can_be(built() - 1) && !now.can_be(built() + LIFE) && !now.can_be(i64::MAX));
    }
}
