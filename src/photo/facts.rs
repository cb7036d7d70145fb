//! Facts that the camera wrote about a photo.

use std::fmt;

/// All of it may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// 1 to 8, as in EXIF.
    pub orientation: Option<u8>,
    /// By the camera's clock: `2026-11-24T14:32:05`.
    pub taken: Option<String>,
    /// In seconds.
    pub exposure: Option<Ratio>,
    /// As an f-number.
    pub aperture: Option<Ratio>,
    pub iso: Option<u32>,
    /// As the camera calls itself.
    pub camera: Option<String>,
}

/// A quotient; the divisor is never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio {
    above: u32,
    below: u32,
}

impl Facts {
    /// Takes from `other` what is missing here.
    pub fn complete(&mut self, other: &Facts) {
        self.orientation = self.orientation.or(other.orientation);
        self.exposure = self.exposure.or(other.exposure);
        self.aperture = self.aperture.or(other.aperture);
        self.iso = self.iso.or(other.iso);
        if self.taken.is_none() {
            self.taken.clone_from(&other.taken);
        }
        if self.camera.is_none() {
            self.camera.clone_from(&other.camera);
        }
    }
}

impl Ratio {
    /// None for a quotient that is no positive number.
    #[must_use]
    pub fn new(above: u32, below: u32) -> Option<Self> {
        (above > 0 && below > 0).then_some(Ratio { above, below })
    }

    #[must_use]
    pub fn value(self) -> f64 {
        f64::from(self.above) / f64::from(self.below)
    }

    /// As a shutter speed: `1/250 s`, `2.5 s`.
    #[must_use]
    pub fn shutter(self) -> String {
        let seconds = self.value();
        if seconds < 0.3 { format!("1/{:.0} s", 1.0 / seconds) } else { format!("{} s", Tidy(seconds)) }
    }

    /// As an aperture: `f/2.8`.
    #[must_use]
    pub fn aperture(self) -> String {
        format!("f/{}", Tidy(self.value()))
    }
}

/// One digit after the point, and none where it is 0.
struct Tidy(f64);

impl fmt::Display for Tidy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.1}", self.0);
        f.write_str(text.strip_suffix(".0").unwrap_or(&text))
    }
}

/// EXIF's `2026:11:24 14:32:05` as `2026-11-24T14:32:05`; none for what is no time, as the blanks of a camera whose
/// clock was never set.
pub(super) fn time(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text.get(..19)?).ok()?;
    let digits = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok();
    let marks = [(4, ':'), (7, ':'), (10, ' '), (13, ':'), (16, ':')];
    if marks.iter().any(|(at, mark)| text.as_bytes()[*at] != *mark as u8) {
        return None;
    }
    let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
    let (hour, minute, second) = (digits(11, 13)?, digits(14, 16)?, digits(17, 19)?);
    let real =
        (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
    (real && year > 0).then(|| format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photographer_s_way_to_write_them() {
        let shutter = |a, b| Ratio::new(a, b).unwrap().shutter();
        assert_eq!(shutter(1, 250), "1/250 s");
        assert_eq!(shutter(10, 2500), "1/250 s");
        assert_eq!(shutter(25, 10), "2.5 s");
        assert_eq!(shutter(30, 1), "30 s");
        assert_eq!(Ratio::new(28, 10).unwrap().aperture(), "f/2.8");
        assert_eq!(Ratio::new(8, 1).unwrap().aperture(), "f/8");
        assert!(Ratio::new(1, 0).is_none() && Ratio::new(0, 1).is_none());
    }

    #[test]
    fn a_time_is_one_or_none() {
        assert_eq!(time(b"2026:11:24 14:32:05\0").as_deref(), Some("2026-11-24T14:32:05"));
        for bad in [
            &b"    :  :     :  :  "[..],
            b"0000:00:00 00:00:00",
            b"2026:13:01 00:00:00",
            b"2026",
            b"+026:11:24 14:32:0x",
        ] {
            assert_eq!(time(bad), None);
        }
    }
}
