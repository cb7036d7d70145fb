//! The 2016 article's `backup_photos.conf`, read once by `init --from-conf`.
//!
//! Its script took two lines, `mount folder=/media/pi/` and `destination folder=PDRIVE128GB`, and broke on a space
//! beside the `=`. Spaces are fine here, and so are the line ends of Windows and of old Macs, empty lines and
//! comments.

use super::types::{HostPath, VolumeLabel};
use crate::ui::visible;
use std::fmt;

/// The values of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyConf {
    /// `mount folder`: what the profile calls `backup.mount_root`.
    pub mount_root: HostPath,
    /// `destination folder`: what the profile calls `backup.destination`.
    pub destination: VolumeLabel,
}

/// A line that can't be taken over; line 0 is the file as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfError {
    pub line: usize,
    pub what: String,
}

impl fmt::Display for ConfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        f.write_str(&self.what)
    }
}

/// Reads the file's text.
///
/// # Errors
/// Every line that can't be taken over, and every value that is missing.
pub fn parse(text: &str) -> Result<LegacyConf, Vec<ConfError>> {
    let mut errors = Vec::new();
    let mut mount_root = Entry::new("mount folder");
    let mut destination = Entry::new("destination folder");
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
    for (line, content) in (1..).zip(text.split('\n').map(str::trim)) {
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let Some((name, value)) = content.split_once('=').map(|(n, v)| (n.trim(), v.trim())) else {
            errors.push(ConfError { line, what: format!("no `=` in {}", quoted(content)) });
            continue;
        };
        let taken = if name == mount_root.name {
            mount_root.take(line, value)
        } else if name == destination.name {
            destination.take(line, value)
        } else {
            let known = format!("`{}` and `{}` are known", mount_root.name, destination.name);
            Err(ConfError { line, what: format!("{} means nothing here; {known}", quoted(name)) })
        };
        errors.extend(taken.err());
    }
    errors.extend(mount_root.missing());
    errors.extend(destination.missing());
    match (mount_root.value, destination.value) {
        (Some(mount_root), Some(destination)) if errors.is_empty() => {
            Ok(LegacyConf { mount_root, destination })
        }
        _ => Err(errors),
    }
}

/// One of the two values while the file is read.
struct Entry<T> {
    name: &'static str,
    line: Option<usize>,
    value: Option<T>,
}

impl<T: std::str::FromStr<Err = String>> Entry<T> {
    fn new(name: &'static str) -> Self {
        Entry { name, line: None, value: None }
    }

    fn take(&mut self, line: usize, value: &str) -> Result<(), ConfError> {
        if let Some(first) = self.line {
            return Err(ConfError { line, what: format!("`{}` again, after line {first}", self.name) });
        }
        self.line = Some(line);
        let value = value.parse().map_err(|e| ConfError { line, what: format!("{} {e}", quoted(value)) })?;
        self.value = Some(value);
        Ok(())
    }

    fn missing(&self) -> Option<ConfError> {
        let what = format!("`{}=` is missing", self.name);
        self.line.is_none().then_some(ConfError { line: 0, what })
    }
}

/// The start of a text from the file, harmless to print.
fn quoted(text: &str) -> String {
    let start: String = text.chars().take(60).collect();
    format!("`{}{}`", visible(&start), if start.len() < text.len() { "…" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said(text: &str) -> Vec<String> {
        parse(text).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_articles_own_file_and_its_variants() {
        for text in [
            "mount folder=/media/pi/\ndestination folder=PDRIVE128GB\n",
            "mount folder = /media/pi/ \r\n\tdestination folder\t=\tPDRIVE128GB\r\n",
            "mount folder=/media/pi\rdestination folder=PDRIVE128GB",
            "\u{feff}# my drive\n\ndestination folder=PDRIVE128GB\nmount folder=/media/pi/",
        ] {
            let conf = parse(text).unwrap();
            assert_eq!(conf.mount_root.as_str(), "/media/pi", "{text:?}");
            assert_eq!(conf.destination.as_str(), "PDRIVE128GB", "{text:?}");
        }
        let conf = parse("mount folder=/m\ndestination folder=MY = DRIVE").unwrap();
        assert_eq!(conf.destination.as_str(), "MY = DRIVE");
    }

    #[test]
    fn every_error_with_its_line() {
        assert_eq!(said(""), ["`mount folder=` is missing", "`destination folder=` is missing"]);
        assert_eq!(
            said("mount folder=media\nfoo\n\ndestination=X\u{1b}\ndestination folder=../etc\n"),
            [
                "line 1: `media` is no plain absolute path; /, letters, digits and - _ . + @ are allowed, as in /media/pi",
                "line 2: no `=` in `foo`",
                "line 4: `destination` means nothing here; `mount folder` and `destination folder` are known",
                "line 5: `../etc` is no volume label; no slash, no control character, no dot in front is allowed",
            ]
        );
        assert_eq!(
            said("mount folder=/a\nmount folder=/b\ndestination folder=X"),
            ["line 2: `mount folder` again, after line 1"]
        );
        assert_eq!(
            said("a\u{1b}[2Jb\nmount folder=/a\ndestination folder=X"),
            ["line 1: no `=` in `a\\u{1b}[2Jb`"]
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_or_pass_unchecked(text in "(mount folder=|destination folder=|[ -~é\r\n\u{1b}]{0,9}){0,8}") {
            if let Ok(conf) = parse(&text) {
                prop_assert!(!conf.destination.as_str().contains('/'));
                prop_assert!(conf.mount_root.as_str().starts_with('/'));
            }
        }
    }
}
