//! Lines that are in force.

/// The first line of `matches`, from 1; comments don't count.
pub fn line_where(text: &str, matches: impl Fn(&str) -> bool) -> Option<usize> {
    let active = |line: &str| !line.trim_start().starts_with('#') && matches(line.trim());
    text.lines().position(active).map(|index| index + 1)
}
