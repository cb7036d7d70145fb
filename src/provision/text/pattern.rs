//! fnmatch(3) patterns, as dhcpcd, ifupdown and systemd take them.

/// Tells whether a name fits a pattern of `*`, `?`, `[a-z]` and `[!a-z]`; all else stands for itself.
#[must_use]
pub fn fits(pattern: &str, name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    // The beginnings of the name that the pattern, as far as it was read, fits.
    let mut ends = vec![false; name.len() + 1];
    ends[0] = true;
    let mut rest = pattern;
    while let Some((piece, after)) = next(rest) {
        rest = after;
        let mut fitting = vec![false; name.len() + 1];
        for at in 0..=name.len() {
            fitting[at] = match piece {
                Piece::Any => ends[at] || (at > 0 && fitting[at - 1]),
                Piece::One(_, _) if at == 0 => false,
                Piece::One(not, set) => ends[at - 1] && holds(set, name[at - 1]) != not,
            };
        }
        ends = fitting;
    }
    ends[name.len()]
}

/// Tells whether a word holds a pattern at all.
#[must_use]
pub fn is_one(word: &str) -> bool {
    word.contains(['*', '?', '['])
}

#[derive(Clone, Copy)]
enum Piece<'a> {
    Any,
    /// One letter of a set, or one that is not in it.
    One(bool, &'a str),
}

fn next(pattern: &str) -> Option<(Piece<'_>, &str)> {
    let first = pattern.chars().next()?;
    let (own, after) = pattern.split_at(first.len_utf8());
    Some(match first {
        '*' => (Piece::Any, after),
        // None of nothing.
        '?' => (Piece::One(true, ""), after),
        '[' => {
            let (not, set) = match after.strip_prefix(['!', '^']) {
                Some(set) => (true, set),
                None => (false, after),
            };
            // A bracket that comes first is one of the set.
            match set.char_indices().skip(1).find(|(_, letter)| *letter == ']') {
                Some((end, _)) => (Piece::One(not, &set[..end]), &set[end + 1..]),
                None => (Piece::One(false, own), after),
            }
        }
        _ => (Piece::One(false, own), after),
    })
}

fn holds(set: &str, letter: char) -> bool {
    let set: Vec<char> = set.chars().collect();
    let in_range = |w: &[char]| w[1] == '-' && w[0] <= letter && letter <= w[2];
    set.contains(&letter) || set.windows(3).any(in_range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit() {
        for (pattern, name, is) in [
            ("wlan0", "wlan0", true),
            ("wlan*", "wlan0", true),
            ("wl*", "eth0", false),
            ("*", "", true),
            ("wlan?", "wlan", false),
            ("wlan[0-3]", "wlan2", true),
            ("wlan[!0-3]", "wlan2", false),
            ("wlan[]", "wlan[]", true),
            ("[", "[", true),
            ("", "", true),
            ("", "x", false),
            ("*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
            ("é?", "éx", true),
            ("[é-ü]", "ö", true),
        ] {
            assert_eq!(fits(pattern, name), is, "{pattern} {name}");
        }
    }
}
