//! A remote asked: what it can, what it has, what comes back from it.

use super::answers::{self, Abilities, Listed};
use super::rclone::Rclone;
use super::record::How;
use super::trouble::{self, Trouble};
use crate::backup::offers::{Comparison, Content, Sum};
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

/// Runs a tool to its end, what it wrote being one text.
///
/// # Errors
/// It could not be run, was stopped, or said no.
pub fn ask(tool: &Tool, stop: &dyn Fn() -> bool) -> Result<String, Trouble> {
    let mut text = Vec::new();
    let output = stream::run(
        tool,
        |said| {
            if let Said::Bytes(bytes) = said {
                text.extend_from_slice(bytes);
            }
        },
        stop,
    )
    .map_err(|e| trouble::of_run(&e))?;
    match output.code {
        Some(0) => Ok(String::from_utf8_lossy(&text).into_owned()),
        _ => Err(trouble::of_log(&answers::errors(&output.stderr))),
    }
}

/// Asks for a remote's abilities.
///
/// # Errors
/// As [`ask`].
pub fn abilities(rclone: &Rclone, stop: &dyn Fn() -> bool) -> Result<Abilities, Trouble> {
    let text = ask(&rclone.features(), stop)?;
    answers::abilities(&text).map_err(|what| Trouble { kind: trouble::Kind::Wrong, what, hints: vec![] })
}

/// Asks which of these files are there; those that are not are left out.
///
/// # Errors
/// As [`ask`].
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
    let text = ask(&rclone.list(folder, lines(names), sum), stop)?;
    answers::listed(&text).map_err(|what| Trouble { kind: trouble::Kind::Away, what, hints: vec![] })
}

/// Names as lines.
#[must_use]
pub fn lines(names: &[&str]) -> Vec<u8> {
    names.iter().flat_map(|name| [name.as_bytes(), b"\n"].concat()).collect()
}

/// Holds what was listed against a file of this size, and its hash.
#[must_use]
pub fn compare(listed: Option<&Listed>, size: u64, wanted: Option<(Sum, &str)>) -> Found {
    let Some(listed) = listed else { return Found::Nothing };
    if u64::try_from(listed.size).is_ok_and(|theirs| theirs != size) {
        return Found::Other;
    }
    let theirs = wanted.and_then(|(sum, ours)| Some((listed.hashes.get(sum.name())?, ours)));
    match theirs.filter(|(theirs, _)| !theirs.is_empty()) {
        Some((theirs, ours)) if theirs.eq_ignore_ascii_case(ours) => Found::Same(How::Hash),
        Some(_) => Found::Other,
        None => Found::SameSize,
    }
}

/// Fetches a file and holds it against a content.
///
/// # Errors
/// As [`ask`].
pub fn read_back(
    rclone: &Rclone,
    name: &str,
    content: Content,
    stop: &dyn Fn() -> bool,
) -> Result<Found, Trouble> {
    let mut comparison = Comparison::default();
    let output = stream::run(
        &rclone.fetch(name),
        |said| {
            if let Said::Bytes(bytes) = said {
                comparison.write(bytes);
            }
        },
        stop,
    )
    .map_err(|e| trouble::of_run(&e))?;
    match output.code {
        Some(0) if comparison.is(content) => Ok(Found::Same(How::ReadBack)),
        Some(0) => Ok(Found::Other),
        _ => Err(trouble::of_log(&answers::errors(&output.stderr))),
    }
}
