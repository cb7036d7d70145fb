//! The profiles inside the binary.

/// Name and text of each, the default first.
pub const EMBEDDED: [(&str, &str); 2] = [
    ("travel", include_str!("../../profiles/travel.yaml")),
    ("moving-electrons", include_str!("../../profiles/moving-electrons.yaml")),
];

/// The text of an embedded profile.
#[must_use]
pub fn embedded(name: &str) -> Option<&'static str> {
    EMBEDDED.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_a_profile() {
        for (name, text) in EMBEDDED {
            if let Err(e) = crate::profile::load(text, name) {
                panic!("{e}");
            }
        }
    }
}
