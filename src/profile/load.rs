//! YAML text to [`Profile`], with every error in one go.

use super::defaults;
use super::embedded;
use super::errors::{ProfileError, ProfileErrors};
use super::known_keys::{self, KeyError};
use super::locate::{Step, Wanted, dotted, locate, steps};
use super::schema::{Profile, json_schema};
use crate::paths::PROFILE;
use serde_yaml::Value as Yaml;

/// Larger files are no profiles.
const LARGEST: usize = 256 * 1024;
/// More errors than this are not a profile with errors but another kind of file.
const MOST_ERRORS: usize = 50;

/// More brackets than this hold no profile, and their nesting takes the YAML reader a time that grows with its square.
const MOST_BRACKETS: usize = 1000;

/// Reads a profile; `file` is its name for the errors.
///
/// # Errors
/// All errors of the profile where the YAML can be read at all, else the YAML error alone.
pub fn load(text: &str, file: &str) -> Result<Profile, ProfileErrors> {
    let one = |e| ProfileErrors { file: file.to_owned(), errors: vec![e] };
    let yaml = match parse(text).map_err(one)? {
        Yaml::Null => return Err(one(empty(file))),
        yaml => yaml,
    };
    read(text, file, yaml)
}

/// Reads a profile of which only a part is written down, but always the country: the embedded one fills the rest.
/// Returns the whole profile's text too, which [`load`] reads as the same profile.
///
/// # Errors
/// As [`load`]; places are those of `text`.
pub fn load_part(text: &str, file: &str) -> Result<(Profile, String), ProfileErrors> {
    let one = |e| ProfileErrors { file: file.to_owned(), errors: vec![e] };
    let mut yaml = parse(text).map_err(one)?;
    defaults::fill(&mut yaml);
    let profile = read(text, file, yaml.clone())?;
    let whole = serde_yaml::to_string(&yaml).unwrap_or_default();
    match load(&whole, file) {
        Ok(again) if again == profile => Ok((profile, whole)),
        _ => Err(one(whole_file("can't be written out as a whole profile".into()))),
    }
}

fn read(text: &str, file: &str, mut yaml: Yaml) -> Result<Profile, ProfileErrors> {
    let mut errors = Vec::new();
    let mut more = 0;
    for error in known_keys::check(&schema(), &mut yaml) {
        // Each place is looked for anew: with thousands of errors that is a time that grows with their square.
        match error {
            KeyError::Missing { mistyped: true, .. } => {}
            _ if errors.len() < MOST_ERRORS => errors.push(key_error(text, &error)),
            _ => more += 1,
        }
        if let KeyError::Missing { mut section, key, .. } = error {
            section.push(Step::Key(key));
            stand_in(&mut yaml, &section);
        }
    }
    // serde stops at the first wrong value. So each is noted, a good one takes its place, and the reading goes on.
    loop {
        match serde_path_to_error::deserialize::<_, Profile>(yaml.clone()) {
            Ok(profile) if errors.is_empty() => return Ok(profile),
            Ok(_) => break,
            Err(e) => {
                let section = steps(e.path());
                let (path, why) = place(section.clone(), &e.inner().to_string());
                let known = errors.iter().any(|e: &ProfileError| e.key == dotted(&path));
                if !known {
                    errors.push(value_error(text, &yaml, &path, why));
                }
                if known || errors.len() >= MOST_ERRORS || !stand_in(&mut yaml, &section) {
                    break;
                }
            }
        }
    }
    errors.sort_by_key(|e| (e.line, e.column));
    if more > 0 {
        errors.push(whole_file(format!("has {more} more errors; is it a profile at all?")));
    }
    Err(ProfileErrors { file: file.to_owned(), errors })
}

fn schema() -> serde_json::Value {
    json_schema().to_value()
}

fn parse(text: &str) -> Result<Yaml, ProfileError> {
    if text.len() > LARGEST {
        return Err(whole_file(format!("is {} bytes long; a profile has at most {LARGEST}", text.len())));
    }
    if text.bytes().filter(|b| matches!(b, b'[' | b'{')).count() > MOST_BRACKETS {
        return Err(whole_file(format!("has more than {MOST_BRACKETS} brackets; is it a profile at all?")));
    }
    match serde_yaml::from_str::<Yaml>(text) {
        Ok(yaml @ (Yaml::Mapping(_) | Yaml::Null)) => Ok(yaml),
        Ok(_) => Err(whole_file("is no profile: sections like `wifi:` belong here".into())),
        Err(e) => {
            let (line, column) = e.location().map_or((1, 1), |at| (at.line(), at.column()));
            let said = e.to_string();
            let said = said.split(" at line ").next().unwrap_or(&said);
            if let Some(path) = twice(said) {
                let (line, column) = locate(text, &path, Wanted::SecondKey);
                let why = "stands here a second time; one of the two has to go".into();
                return Err(ProfileError { line, column, key: dotted(&path), value: None, why });
            }
            Err(ProfileError { line, column, ..whole_file(format!("can't be read as YAML: {said}")) })
        }
    }
}

/// Says of an empty file what belongs there; in the profile's own place `init` writes it over the empty one.
fn empty(file: &str) -> ProfileError {
    let mut nothing = Yaml::Mapping(serde_yaml::Mapping::new());
    let missing = |error| match error {
        KeyError::Missing { key, .. } => Some(key),
        KeyError::Unknown { .. } => None,
    };
    let needed: Vec<String> =
        known_keys::check(&schema(), &mut nothing).into_iter().filter_map(missing).collect();
    let remedy = if file == PROFILE { "; `piback init --force` writes one over it" } else { "" };
    whole_file(format!("the profile is empty; the least that belongs here: {}{remedy}", needed.join(", ")))
}

/// An error of the file as a whole.
fn whole_file(why: String) -> ProfileError {
    ProfileError { line: 1, column: 1, key: String::new(), value: None, why }
}

/// The key that is there twice, from serde_yaml's words: `wifi.radio: duplicate entry with key "band"`. Its place is
/// that of the section.
fn twice(said: &str) -> Option<Vec<Step>> {
    let (section, key) = match said.split_once("duplicate entry with key \"")? {
        ("", key) => (None, key),
        (section, key) => (Some(section.strip_suffix(": ")?), key),
    };
    let keys = section.into_iter().flat_map(|s| s.split('.')).chain([key.strip_suffix('"')?]);
    Some(keys.map(|key| Step::Key(key.to_owned())).collect())
}

fn key_error(text: &str, error: &KeyError) -> ProfileError {
    match error {
        KeyError::Unknown { path, allowed, nearest } => {
            let (line, column) = locate(text, path, Wanted::Key);
            let meant = nearest.as_ref().map(|n| format!("; did you mean {n}?")).unwrap_or_default();
            let why = format!("unknown key{meant} Allowed here: {}", allowed.join(", "));
            let why = if meant.is_empty() { why.replacen(" Allowed", "; allowed", 1) } else { why };
            ProfileError { line, column, key: dotted(path), value: None, why }
        }
        KeyError::Missing { section, key, .. } => {
            let (line, column) = locate(text, section, Wanted::Key);
            let mut path = section.clone();
            path.push(Step::Key(key.clone()));
            ProfileError { line, column, key: dotted(&path), value: None, why: "is missing".into() }
        }
    }
}

/// Refines the place of an error that a section found among its own keys: `channel|why`.
fn place(mut path: Vec<Step>, said: &str) -> (Vec<Step>, String) {
    let said = said.split(" at line ").next().unwrap_or(said);
    match said.split_once('|') {
        Some((keys, why)) if keys.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '_' | '.')) => {
            path.extend(keys.split('.').map(|k| Step::Key(k.to_owned())));
            (path, why.to_owned())
        }
        _ => (path, said.to_owned()),
    }
}

fn value_error(text: &str, yaml: &Yaml, path: &[Step], why: String) -> ProfileError {
    let (line, column) = locate(text, path, Wanted::Value);
    let value = match get(yaml, path) {
        Some(Yaml::String(text)) => Some(text.clone()),
        Some(Yaml::Bool(value)) => Some(value.to_string()),
        Some(Yaml::Number(value)) => Some(value.to_string()),
        _ => None,
    };
    let why = match why.strip_prefix("invalid type: ").and_then(|w| w.split_once(", expected ")) {
        Some((_, "a boolean")) => "is not true or false".into(),
        Some((_, "a sequence")) => "is no list; write [a, b] or lines that begin with a dash".into(),
        Some(_) => "is no section; keys like `name: value` belong here".into(),
        None => why,
    };
    ProfileError { line, column, key: dotted(path), value, why }
}

/// Puts the embedded profile's value (any element of its lists) where a wrong one stands, so that reading can go on.
/// `false` when there is nothing to take.
fn stand_in(yaml: &mut Yaml, path: &[Step]) -> bool {
    let found = [embedded("travel"), Some(BEYOND_TRAVEL)].into_iter().flatten().find_map(|text| {
        let good: Yaml = serde_yaml::from_str(text).ok()?;
        get(&good, path).cloned()
    });
    found.is_some_and(|value| put(yaml, path, value))
}

/// Good values of keys that the embedded profile leaves out.
const BEYOND_TRAVEL: &str = "\
uplink: {check: off}
remotes: [{name: home, folder: photos, config_file: /etc/piback/secrets/rclone.conf, when: any, limit: off, order: newest}]
";

fn get<'a>(yaml: &'a Yaml, path: &[Step]) -> Option<&'a Yaml> {
    path.iter().try_fold(yaml, |at, step| match (step, at) {
        (Step::Key(key), Yaml::Mapping(m)) => m.get(key.as_str()),
        (Step::Index(i), Yaml::Sequence(s)) => s.get(*i).or(s.first()),
        _ => None,
    })
}

fn put(yaml: &mut Yaml, path: &[Step], value: Yaml) -> bool {
    let [step, rest @ ..] = path else {
        *yaml = value;
        return true;
    };
    match (step, yaml) {
        (Step::Key(key), Yaml::Mapping(m)) => match m.get_mut(key.as_str()) {
            Some(inner) => put(inner, rest, value),
            None if rest.is_empty() => {
                m.insert(Yaml::String(key.clone()), value);
                true
            }
            None => false,
        },
        (Step::Index(i), Yaml::Sequence(s)) => s.get_mut(*i).is_some_and(|inner| put(inner, rest, value)),
        _ => false,
    }
}
