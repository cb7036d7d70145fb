//! A link as a QR code: for a page, and for a terminal.

use qrcodegen::{QrCode, QrCodeEcc};

/// The code, a square of light and dark.
pub struct Qr(QrCode);

/// Light modules around it, which readers need (ISO/IEC 18004).
const QUIET: i32 = 4;
/// With fewer of them cameras begin to fail.
const LEAST_QUIET: i32 = 2;

impl Qr {
    /// None for a text that is too long for one.
    #[must_use]
    pub fn new(text: &str) -> Option<Qr> {
        QrCode::encode_text(text, QrCodeEcc::Medium).ok().map(Qr)
    }

    /// Number of modules along a side, the quiet zone included.
    #[must_use]
    pub fn side(&self) -> i32 {
        self.0.size() + 2 * QUIET
    }

    /// Tells whether a module is dark, counted from the quiet zone's upper left corner.
    #[must_use]
    pub fn is_dark(&self, x: u32, y: u32) -> bool {
        let at = |n: u32| i32::try_from(n).unwrap_or(i32::MAX) - QUIET;
        self.0.get_module(at(x), at(y))
    }

    /// The dark modules as an SVG path of unit squares.
    #[must_use]
    pub fn path(&self) -> String {
        let size = self.0.size();
        let dark =
            (0..size).flat_map(|y| (0..size).map(move |x| (x, y))).filter(|(x, y)| self.0.get_module(*x, *y));
        dark.map(|(x, y)| format!("M{},{}h1v1h-1z", x + QUIET, y + QUIET)).collect()
    }

    /// For a dark or a light terminal: two modules a character, drawn light on dark.
    #[must_use]
    pub fn text(&self) -> String {
        self.drawn(QUIET)
    }

    /// The same on a terminal of so many columns, with less around it where that is narrow; none where it does not fit:
    /// broken lines are none that a camera reads.
    #[must_use]
    pub fn text_within(&self, columns: Option<usize>) -> Option<String> {
        let fits =
            |quiet: &i32| columns.is_none_or(|columns| (self.0.size() + 2 * quiet) as usize <= columns);
        (LEAST_QUIET..=QUIET).rev().find(fits).map(|quiet| self.drawn(quiet))
    }

    fn drawn(&self, quiet: i32) -> String {
        let side = self.0.size() + quiet;
        let light = |x: i32, y: i32| !self.0.get_module(x, y);
        let row = |y: i32| -> String {
            (-quiet..side)
                .map(|x| match (light(x, y), light(x, y + 1)) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                })
                .collect()
        };
        (-quiet..side).step_by(2).map(row).collect::<Vec<_>>().join("\n")
    }

    /// The same twice as large: a module is two characters wide and one high.
    #[must_use]
    pub fn large_text(&self) -> String {
        let side = self.0.size() + QUIET;
        let row = |y: i32| -> String {
            (-QUIET..side).map(|x| if self.0.get_module(x, y) { "  " } else { "██" }).collect()
        };
        (-QUIET..side).map(row).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_corners() {
        let qr = Qr::new("http://10.41.0.1/pair/0123456789abcdef0123456789abcdef").unwrap();
        assert!(qr.path().starts_with("M4,4h1v1h-1z"));
        let text = qr.text();
        assert!(text.lines().all(|line| line.chars().count() as i32 == qr.side()), "{text}");
        assert!(Qr::new(&"x".repeat(4000)).is_none());
    }

    #[test]
    fn a_narrow_terminal_gets_less_around_the_code_or_none_of_it() {
        let qr = Qr::new("http://10.41.0.1/pair/0123456789abcdef0123456789abcdef").unwrap();
        let wide = |columns| {
            let text = qr.text_within(columns);
            text.map(|text| text.lines().map(|line| line.chars().count()).max().unwrap())
        };
        assert_eq!([None, Some(80), Some(41), Some(40)].map(wide), [41, 41, 41, 39].map(Some));
        assert_eq!([Some(37), Some(36)].map(wide), [Some(37), None]);
    }
}
