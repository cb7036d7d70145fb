//! Amounts as people read them.

/// `12.3 GB`: decimal, as drives and cards are sold.
#[must_use]
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if n < 1000 {
        return format!("{n} B");
    }
    let mut value = n as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if value < 9.95 { format!("{value:.1} {}", UNITS[unit]) } else { format!("{value:.0} {}", UNITS[unit]) }
}

/// `2026-11-23`, from days since 1970.
#[must_use]
pub fn date(day: i32) -> String {
    let at = jiff::Timestamp::from_second(i64::from(day) * 86_400).unwrap_or_default();
    at.strftime("%Y-%m-%d").to_string()
}

/// `1 file`, `12,345 files`.
#[must_use]
pub fn files(n: u64) -> String {
    format!("{} {}", count(n), if n == 1 { "file" } else { "files" })
}

/// `12,345`
#[must_use]
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `2:05` or `1:02:05`.
#[must_use]
pub fn clock(seconds: u64) -> String {
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if h > 0 { format!("{h}:{m:02}:{s:02}") } else { format!("{m}:{s:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_well() {
        let shown = [0, 999, 1000, 9_949, 9_960, 999_499, 999_500, 12_345_678_901].map(bytes);
        assert_eq!(shown, ["0 B", "999 B", "1.0 kB", "9.9 kB", "10 kB", "999 kB", "1.0 MB", "12 GB"]);
        assert_eq!(
            [0, 1, 1234, 1_000_000].map(files),
            ["0 files", "1 file", "1,234 files", "1,000,000 files"]
        );
        assert_eq!([5, 125, 3725].map(clock), ["0:05", "2:05", "1:02:05"]);
    }
}
