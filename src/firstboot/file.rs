//! A boot file's text to a profile and a first boot's extras, with every error in one go.

use super::types::{Hostname, SshKey};
use crate::profile::types::Passphrase;
use crate::profile::{self, Profile, ProfileError, ProfileErrors, Step, Wanted, dotted, locate};
use serde_yaml::{Mapping, Value as Yaml};
use std::ops::Range;
use std::str::FromStr;

/// Names that the file may have, in any case: editors add `.txt`, and hide it.
pub const FILE_NAMES: [&str; 4] = ["piback.yaml", "piback.yml", "piback.yaml.txt", "piback.yml.txt"];

/// The section that is no part of the profile.
const SECTION: &str = "first_boot";

/// Tells whether a name on the boot partition is the file's.
#[must_use]
pub fn is_boot_file(name: &str) -> bool {
    FILE_NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// A boot file that can be taken over.
#[derive(Debug, Clone)]
pub struct BootFile {
    pub profile: Profile,
    /// The whole profile as YAML: what the file says, and the default for the rest.
    pub profile_text: String,
    pub first_boot: FirstBoot,
}

/// The section `first_boot:`; `None` and empty leave what is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FirstBoot {
    pub passphrase: Option<Passphrase>,
    pub share_password: Option<Passphrase>,
    pub ssh_keys: Vec<SshKey>,
    pub hostname: Option<Hostname>,
}

/// Reads a boot file's text; `file` is its name for the errors.
///
/// # Errors
/// All errors at once, each with its line and column in `text`. None quotes a secret.
pub fn parse(text: &str, file: &str) -> Result<BootFile, ProfileErrors> {
    let mut errors = curly_quotes(text);
    let mut first_boot = FirstBoot::default();
    let mut rest = text.to_owned();
    if let Ok(Yaml::Mapping(whole)) = serde_yaml::from_str::<Yaml>(text)
        && let Some(section) = whole.get(SECTION)
    {
        match without_section(text, &whole) {
            Some(without) => {
                first_boot = read(text, section, &mut errors);
                rest = without;
            }
            None => errors.push(error(text, &[SECTION], Wanted::Key, "must begin a line of its own".into())),
        }
    }
    if let Some(empty) = nothing_in(&rest) {
        errors.push(empty);
        return Err(ProfileErrors { file: file.to_owned(), errors });
    }
    match profile::load_part(&rest, file) {
        Ok((profile, profile_text)) if errors.is_empty() && !profile.remote_screen => {
            Ok(BootFile { profile, profile_text, first_boot })
        }
        read => {
            if read.as_ref().is_ok_and(|(profile, _)| profile.remote_screen) {
                let why =
                    "needs a password that this file can't hold: leave it out here, and turn it on over SSH";
                errors.push(error(text, &["remote_screen"], Wanted::Value, why.into()));
            }
            errors.extend(read.err().into_iter().flat_map(|e| e.errors));
            errors.sort_by_key(|e| (e.line, e.column));
            Err(ProfileErrors { file: file.to_owned(), errors })
        }
    }
}

/// The lines of the section, from its key to the next key of the top; `None` when it has no line of its own.
pub(super) fn section(text: &str) -> Option<Range<usize>> {
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.iter().position(|line| {
        let key = line.strip_prefix('"').unwrap_or(line).strip_prefix(SECTION);
        key.is_some_and(|after| after.strip_prefix('"').unwrap_or(after).trim_start().starts_with(':'))
    })?;
    let is_next = |line: &&str| !line.starts_with([' ', '\t', '#']) && !line.is_empty();
    let length = lines[start + 1..].iter().position(is_next).unwrap_or(lines.len() - start - 1);
    Some(start..start + 1 + length)
}

/// The text with empty lines in the section's place, so that all others keep their numbers; `None` unless it then reads
/// as everything but the section.
fn without_section(text: &str, whole: &Mapping) -> Option<String> {
    let lines = section(text)?;
    let rest: String = text
        .split_inclusive('\n')
        .enumerate()
        .map(|(i, line)| if lines.contains(&i) { "\n" } else { line })
        .collect();
    let mut wanted = whole.clone();
    wanted.remove(SECTION);
    match serde_yaml::from_str::<Yaml>(&rest).ok()? {
        Yaml::Mapping(read) => (read == wanted).then_some(rest),
        read => (read.is_null() && wanted.is_empty()).then_some(rest),
    }
}

fn read(text: &str, section: &Yaml, errors: &mut Vec<ProfileError>) -> FirstBoot {
    const KEYS: [&str; 4] = ["passphrase", "share_password", "ssh_keys", "hostname"];
    let empty = Mapping::new();
    let section = match section {
        Yaml::Mapping(section) => section,
        Yaml::Null => &empty,
        _ => {
            let why =
                "is no section; keys like `passphrase: …` belong here, on lines that begin with two spaces";
            errors.push(error(text, &[SECTION], Wanted::Value, why.into()));
            &empty
        }
    };
    for key in section.keys().filter(|key| !key.as_str().is_some_and(|key| KEYS.contains(&key))) {
        let key = key.as_str().unwrap_or_default();
        let why = format!("unknown key; allowed here: {}", KEYS.join(", "));
        errors.push(error(text, &[SECTION, key], Wanted::Key, why));
    }
    FirstBoot {
        passphrase: secret(text, section, "passphrase", errors),
        share_password: secret(text, section, "share_password", errors),
        ssh_keys: keys(text, section, errors),
        hostname: scalar(text, section, "hostname", errors),
    }
}

fn secret(text: &str, section: &Mapping, key: &str, errors: &mut Vec<ProfileError>) -> Option<Passphrase> {
    struct Typed(Passphrase);
    impl FromStr for Typed {
        type Err = String;

        fn from_str(text: &str) -> Result<Self, String> {
            Passphrase::from_file_content(text.as_bytes()).map(Typed)
        }
    }
    scalar::<Typed>(text, section, key, errors).map(|typed| typed.0)
}

/// One value of the section. Its error never quotes it: it may be a secret in the wrong line.
fn scalar<T: FromStr<Err = String>>(
    text: &str,
    section: &Mapping,
    key: &str,
    errors: &mut Vec<ProfileError>,
) -> Option<T> {
    let why = match section.get(key)? {
        Yaml::Null => return None,
        Yaml::String(value) => match value.parse() {
            Ok(value) => return Some(value),
            Err(why) => why,
        },
        Yaml::Bool(_) | Yaml::Number(_) => "must be text: put it in quotes".into(),
        _ => "is no single value".into(),
    };
    errors.push(error(text, &[SECTION, key], Wanted::Value, why));
    None
}

fn keys(text: &str, section: &Mapping, errors: &mut Vec<ProfileError>) -> Vec<SshKey> {
    let one;
    let list = match section.get("ssh_keys") {
        None | Some(Yaml::Null) => return Vec::new(),
        Some(Yaml::Sequence(list)) => list,
        Some(single) => {
            one = vec![single.clone()];
            &one
        }
    };
    let mut keys = Vec::new();
    for (i, key) in list.iter().enumerate() {
        match key.as_str().unwrap_or_default().parse() {
            Ok(key) => keys.push(key),
            Err(why) => {
                let path = [Step::Key(SECTION.into()), Step::Key("ssh_keys".into()), Step::Index(i)];
                let (line, column) = locate(text, &path, Wanted::Value);
                errors.push(ProfileError { line, column, key: dotted(&path), value: None, why });
            }
        }
    }
    keys
}

fn error(text: &str, keys: &[&str], wanted: Wanted, why: String) -> ProfileError {
    let path: Vec<Step> = keys.iter().map(|key| Step::Key((*key).to_owned())).collect();
    let (line, column) = locate(text, &path, wanted);
    ProfileError { line, column, key: dotted(&path), value: None, why }
}

/// The error of a file in which nothing is written but comments.
fn nothing_in(text: &str) -> Option<ProfileError> {
    let nothing = matches!(serde_yaml::from_str::<Yaml>(text), Ok(Yaml::Null));
    let why = "is missing: where you are, in two letters, as in US or DE".into();
    nothing.then(|| ProfileError { line: 1, column: 1, key: "wifi.country".into(), value: None, why })
}

/// Quotes that word processors put in the place of straight ones; YAML takes them for letters of the value.
fn curly_quotes(text: &str) -> Vec<ProfileError> {
    let mut errors = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let value = line.trim_start().trim_start_matches("- ");
        let value =
            if value.starts_with('#') { "" } else { value.split_once(": ").map_or(value, |(_, v)| v).trim() };
        if value.starts_with(['\u{201c}', '\u{201d}', '\u{201e}', '\u{2018}', '\u{2019}', '\u{201a}']) {
            let column = line.chars().count() - value.chars().count() + 1;
            let why = "begins with a curly quote; a straight one (\") or none is needed".into();
            errors.push(ProfileError { line: i + 1, column, key: String::new(), value: None, why });
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(text: &str) -> Vec<(usize, usize, String)> {
        let errors = parse(text, "piback.yaml").unwrap_err().errors;
        errors.into_iter().map(|e| (e.line, e.column, format!("{}: {}", e.key, e.why))).collect()
    }

    #[test]
    fn the_country_alone_is_enough() {
        let read = parse("wifi:\n  country: DE\n", "piback.yaml").unwrap();
        assert_eq!(read.profile.wifi.country.as_str(), "DE");
        assert_eq!(read.first_boot, FirstBoot::default());
        assert_eq!(profile::load(&read.profile_text, "whole").unwrap(), read.profile);
    }

    #[test]
    fn without_a_country_there_is_nothing() {
        assert_eq!(errors("")[0].0, 1);
        assert_eq!(errors("# only words\n")[0].2.split(':').next(), Some("wifi.country"));
        assert_eq!(errors("wifi:\n  ssid: A\n"), [(1, 1, "wifi.country: is missing".into())]);
        assert!(errors("first_boot:\n  hostname: a\n")[0].2.starts_with("wifi.country: is missing"));
    }

    #[test]
    fn a_screen_needs_a_password_that_is_not_here() {
        let said = errors("remote_screen: true\nwifi: {country: DE}\n");
        assert_eq!((said[0].0, said[0].1), (1, 16), "{said:?}");
        assert!(said[0].2.starts_with("remote_screen: needs a password"), "{said:?}");
        assert!(parse("remote_screen: false\nwifi: {country: DE}\n", "f").is_ok());
    }

    #[test]
    fn five_gigahertz_need_no_channel() {
        let read = parse("wifi:\n  country: DE\n  radio: {band: 5GHz}\n", "f").unwrap();
        assert_eq!(read.profile.wifi.radio.channel(), 36);
    }

    #[test]
    fn every_error_has_its_place_and_no_secret() {
        let text = "first_boot:\n  passphrase: short\n  share_password: 12345678\n  ssh_keys: [nonsense]\n  \
                    hostname: -a\n  pasphrase: my secret\nwifi:\n  country: XX\n  chanel: 3\n";
        let said = errors(text);
        let places: Vec<(usize, usize)> = said.iter().map(|e| (e.0, e.1)).collect();
        assert_eq!(places, [(2, 15), (3, 19), (4, 14), (5, 13), (6, 3), (8, 12), (9, 3)], "{said:?}");
        let shown = parse(text, "f").unwrap_err().to_string();
        for secret in ["short", "12345678", "my secret", "nonsense"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn lines_keep_their_numbers_behind_the_section() {
        let said = errors(
            "first_boot:\n  passphrase: |\n    two words\n\n# a word\n  hostname: a\nwifi:\n  country: X\n",
        );
        assert_eq!((said[0].0, said[0].1), (8, 12), "{said:?}");
    }

    #[test]
    fn what_can_not_be_split_is_refused() {
        assert!(
            errors("{first_boot: {hostname: a}, wifi: {country: DE}}\n")[0].2.contains("a line of its own")
        );
        assert!(errors("wifi: {country: DE}\nfirst_boot: text\n")[0].2.contains("no section"));
        assert_eq!(errors("wifi:\n  country: DE\n  ssid: \u{201c}A\u{201d}\n")[0].0, 3);
    }
}
