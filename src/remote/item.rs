//! A photo on its way: where it was read, and the name that it gets. Pure.

use super::answers::LogLine;
use super::place;
use crate::backup::offers::Offer;

/// A content that was read from the drive and is as recorded.
pub struct Whole<'a> {
    pub offer: &'a Offer,
    /// The file that was read: another one of the same content, where the offer's own is damaged.
    pub place: Vec<u8>,
    /// The hash that the remote has of it, computed from these bytes.
    pub sum: Option<String>,
}

/// A file on its way, and the name that it gets.
pub struct Item<'a> {
    pub offer: &'a Offer,
    pub place: Vec<u8>,
    pub sum: Option<String>,
    pub name: String,
    /// Its name there is its name on the drive, and can stand in a list.
    pub plain: bool,
}

/// The name that an offer has there, if nothing else has it: its own; what somebody put beside the labels' folders goes into its
/// label's.
#[must_use]
pub fn own(offer: &Offer) -> String {
    let own = place::own(&offer.place());
    if own.contains('/') { own } else { format!("{}/{own}", offer.label) }
}

impl Item<'_> {
    /// Tells whether a line of rclone's log is about this file.
    #[must_use]
    pub fn is_about(&self, line: &LogLine) -> bool {
        let ends = |name: &[u8]| {
            let before = name.strip_suffix(line.object.as_bytes());
            before.is_some_and(|before| before.is_empty() || before.ends_with(b"/"))
        };
        !line.object.is_empty() && (ends(self.name.as_bytes()) || ends(&self.place))
    }
}
