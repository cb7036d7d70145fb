use super::leaf::leaf;
use std::fmt;
use std::str::FromStr;

/// The time in which everything is done once: so many days, or never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Every(Option<u16>);

/// A week asks a lot of a drive that is plugged in for an hour a day; after a year rot has had its time.
const DAYS: std::ops::RangeInclusive<u16> = 7..=365;

impl Every {
    /// So many days; none for `off`.
    #[must_use]
    pub fn days(self) -> Option<u16> {
        self.0
    }

    /// The part, in percent and rounded up, that is to be done each day.
    #[must_use]
    pub fn daily_percent(self) -> Option<u16> {
        self.0.map(|days| 100u16.div_ceil(days))
    }
}

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(days) => write!(f, "{days}d"),
            None => f.write_str("off"),
        }
    }
}

impl FromStr for Every {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Every(None));
        }
        let digits = text.strip_suffix('d').filter(|days| days.bytes().all(|b| b.is_ascii_digit()));
        let days = digits.and_then(|days| days.parse().ok()).filter(|days| DAYS.contains(days));
        days.map(|days| Every(Some(days)))
            .ok_or_else(|| "is no number of days; 7d to 365d are allowed, as in 30d, and off".into())
    }
}

leaf!(Every, text, "Every", {
    "type": "string", "pattern": "^(off|[0-9]{1,3}d)$",
    "description": "Days in which everything is done once, as in 30d, or off"
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_their_daily_part() {
        for (text, days, percent) in [("30d", 30, 4), ("7d", 7, 15), ("100d", 100, 1), ("365d", 365, 1)] {
            let every: Every = text.parse().unwrap();
            assert_eq!((every.days(), every.daily_percent()), (Some(days), Some(percent)), "{text}");
            assert!(days * percent >= 100, "all of it in that time");
            assert_eq!(every.to_string(), text);
        }
        assert_eq!("off".parse::<Every>().unwrap(), Every::default());
        for bad in ["", "d", "6d", "366d", "30", "-30d", "+30d", "1e2d", "30d\n", "99999d"] {
            assert!(bad.parse::<Every>().is_err(), "{bad}");
        }
    }
}
