//! A remote asked: what it can, what it has, what comes back from it.

use super::answers::{self, Abilities, Errors, Listed, LogLine};
use super::place::ON_ITS_WAY;
use super::rclone::Rclone;
use super::record::How;
use super::trouble::{self, Trouble};
use crate::backup::offers::{Comparison, Content, Sum};
use crate::system::input;
use crate::system::run::Tool;
use crate::system::stream::{self, Said};
use std::collections::HashMap;

/// The copy of a file that a remote has, held against the drive's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    Same(How),
    /// Another content, or another length.
    Other,
    /// Of the same length; the remote has no hash of it.
    SameSize,
    Nothing,
}

/// The code with which rclone ends where there is no such folder (its documentation, "Exit code"); also where it lists all but
/// one folder within, of which a server says that it is not there.
const NO_FOLDER: i32 = 3;

/// A tool that came to its end.
struct Told {
    code: Option<i32>,
    text: String,
    errors: Errors,
}

/// Runs a tool to its end, whatever its exit code.
fn ask(tool: &Tool, stop: &dyn Fn() -> bool) -> Result<Told, Trouble> {
    let (mut text, mut errors) = (Vec::new(), Errors::default());
    let said = |said: Said<'_>| match said {
        Said::Bytes(bytes) => text.extend_from_slice(bytes),
        Said::Line(line) => _ = errors.hear(line),
    };
    let output = stream::run(tool, said, stop).map_err(|e| trouble::of_run(&e))?;
    Ok(Told { code: output.code, text: String::from_utf8_lossy(&text).into_owned(), errors })
}

fn refused(told: &Told) -> Trouble {
    trouble::of_log(told.errors.lines())
}

/// Asks for a remote's abilities.
///
/// # Errors
/// It could not be asked, a stop was asked for, or it said no.
pub fn abilities(rclone: &Rclone, stop: &dyn Fn() -> bool) -> Result<Abilities, Trouble> {
    let (told, kinds) = (ask(&rclone.features(), stop)?, ask(&rclone.kinds(), stop)?);
    if told.code != Some(0) {
        // rclone goes on without it, and misses the remote.
        return Err(match input::is_absent(&rclone.config) {
            true => trouble::no_configuration(&rclone.config),
            false => refused(&told),
        });
    }
    let said = answers::abilities(&told.text);
    let mut said = said.map_err(|what| Trouble { kind: trouble::Kind::Wrong, what, hints: vec![] })?;
    // Where it can't be told, a hash counts for nothing.
    said.sum = said.sum.filter(|_| kinds.code == Some(0) && answers::computes(&kinds.text, rclone.remote()));
    Ok(said)
}

/// Asks which of these files are there; those that are not are left out.
///
/// # Errors
/// As [`abilities`].
pub fn list(
    rclone: &Rclone,
    folder: Option<&str>,
    names: &[&str],
    sum: Option<Sum>,
    stop: &dyn Fn() -> bool,
) -> Result<HashMap<String, Listed>, Trouble> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    listed(&rclone.list(folder, lines(names), sum), stop)
}

/// Asks for all that is there, but for what is on its way.
///
/// # Errors
/// As [`abilities`].
pub fn everything(
    rclone: &Rclone,
    sum: Option<Sum>,
    stop: &dyn Fn() -> bool,
) -> Result<HashMap<String, Listed>, Trouble> {
    let mut all = listed(&rclone.list_all(sum), stop)?;
    let prefix = format!("{ON_ITS_WAY}/");
    all.retain(|name, _| !name.starts_with(&prefix));
    Ok(all)
}

/// A list of what is in a folder; of nothing where there is no such folder.
fn listed(tool: &Tool, stop: &dyn Fn() -> bool) -> Result<HashMap<String, Listed>, Trouble> {
    let told = ask(tool, stop)?;
    match told.code {
        Some(0) => answers::listed(&told.text).map_err(|what| Trouble {
            kind: trouble::Kind::Away,
            what,
            hints: vec![],
        }),
        Some(NO_FOLDER) if is_absent(&told.text, told.errors.lines()) => Ok(HashMap::new()),
        _ => Err(refused(&told)),
    }
}

/// Tells whether it is the folder itself that is not there: nothing was listed, and no folder within is complained about.
fn is_absent(text: &str, errors: &[LogLine]) -> bool {
    let is_empty = text.chars().all(|c| c.is_whitespace() || matches!(c, '[' | ']'));
    is_empty && errors.iter().all(|line| line.object.is_empty())
}

/// Names as lines.
#[must_use]
pub fn lines(names: &[&str]) -> Vec<u8> {
    names.iter().flat_map(|name| [name.as_bytes(), b"\n"].concat()).collect()
}

/// Holds what was listed against a file of this size, and its hash. Where the remote knows no size, nothing but a hash tells.
#[must_use]
pub fn compare(listed: Option<&Listed>, size: u64, wanted: Option<(Sum, &str)>) -> Found {
    let Some(listed) = listed else { return Found::Nothing };
    let theirs = u64::try_from(listed.size);
    if theirs.is_ok_and(|theirs| theirs != size) {
        return Found::Other;
    }
    let hashes = wanted.and_then(|(sum, ours)| Some((listed.hashes.get(sum.name())?, ours)));
    match hashes.filter(|(theirs, _)| !theirs.is_empty()) {
        Some((theirs, ours)) if theirs.eq_ignore_ascii_case(ours) => Found::Same(How::Hash),
        None if theirs.is_ok() => Found::SameSize,
        _ => Found::Other,
    }
}

/// Fetches a file and holds it against a content.
///
/// # Errors
/// As [`abilities`].
pub fn read_back(
    rclone: &Rclone,
    name: &str,
    content: Content,
    stop: &dyn Fn() -> bool,
) -> Result<Found, Trouble> {
    let mut comparison = Comparison::default();
    let mut errors = Errors::default();
    let said = |said: Said<'_>| match said {
        Said::Bytes(bytes) => comparison.write(bytes),
        Said::Line(line) => _ = errors.hear(line),
    };
    let told = stream::run(&rclone.fetch(name), said, stop).map_err(|e| trouble::of_run(&e))?;
    match told.code {
        Some(0) if comparison.is(content) => Ok(Found::Same(How::ReadBack)),
        Some(0) => Ok(Found::Other),
        _ => Err(trouble::of_log(errors.lines())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_absent_where_nothing_was_listed_and_none_within_it_is_missing() {
        let line = |object: &str| LogLine {
            msg: "error listing: not found".into(),
            object: object.into(),
            ..LogLine::default()
        };
        assert!(is_absent("[\n]\n", &[line("")]) && is_absent("", &[]));
        assert!(!is_absent("[\n", &[line("CARD/DCIM")]), "a folder within");
        assert!(!is_absent("[\n{\"Path\":\"a\",\"Size\":1}\n]", &[line("")]), "a file was listed");
    }

    #[test]
    fn a_size_alone_is_no_more_than_a_size_and_no_size_is_nothing() {
        let of = |size: i64, hash: &str, wanted: Option<(Sum, &str)>| {
            let hashes = HashMap::from([("md5".to_owned(), hash.to_owned())]);
            compare(Some(&Listed { path: "a".into(), size, is_dir: false, hashes }), 3, wanted)
        };
        let ours = Some((Sum::Md5, "aB"));
        assert_eq!(of(3, "Ab", ours), Found::Same(How::Hash));
        assert_eq!(of(3, "00", ours), Found::Other);
        assert_eq!(of(3, "", ours), Found::SameSize);
        assert_eq!(of(3, "ab", None), Found::SameSize);
        assert_eq!(of(3, "ab", Some((Sum::Sha1, "ab"))), Found::SameSize, "a hash of another kind");
        assert_eq!(of(4, "ab", ours), Found::Other, "whatever its hash");
        assert_eq!(of(-1, "ab", ours), Found::Same(How::Hash));
        assert_eq!(of(-1, "", ours), Found::Other, "neither size nor hash");
        assert_eq!(compare(Some(&Listed::unknown("a")), 3, None), Found::Other);
        assert_eq!(compare(None, 3, ours), Found::Nothing);
    }
}
