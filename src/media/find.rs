//! From a label to exactly one volume, or to an error that lists what there is.

use super::volume::{Plugged, Volume};
use crate::error::Problem;
use crate::ui::visible;
use std::path::Path;

/// The kind of volume that is looked for; decides the words of the error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolumeKind {
    Card,
    Drive,
}

impl VolumeKind {
    fn word(self) -> &'static str {
        match self {
            VolumeKind::Card => "card",
            VolumeKind::Drive => "drive",
        }
    }
}

/// The one volume of this label. Disks that this system runs from, and whatever `excluded` names, are not offered.
///
/// # Errors
/// None of that label, or more than one; the hints list what is plugged in.
pub fn by_label<'a>(
    plugged: &'a Plugged,
    label: &str,
    kind: VolumeKind,
    excluded: &dyn Fn(&Volume) -> bool,
) -> Result<&'a Volume, Problem> {
    let word = kind.word();
    let mut same = plugged.offered().filter(|v| !excluded(v) && v.label.as_deref() == Some(label));
    match (same.next(), same.next()) {
        (Some(volume), None) => Ok(volume),
        (Some(first), Some(second)) => {
            let all = [first, second].into_iter().chain(same);
            let mut problem = Problem::failed(format!(
                "more than one volume is labelled {}, and nothing but the user can tell which is meant",
                visible(label)
            ));
            for volume in all {
                problem = problem.hint(volume.to_string());
            }
            Err(problem.hint(match kind {
                VolumeKind::Card => "unplug the others, or name the device: --source /dev/...".to_owned(),
                VolumeKind::Drive => "unplug the others".to_owned(),
            }))
        }
        (None, _) => Err(missing(plugged, label, word, excluded)),
    }
}

/// The volume on this block device, named as `/dev/sda1`.
///
/// # Errors
/// There is none, or this system runs from its disk.
pub fn by_device<'a>(plugged: &'a Plugged, device: &Path) -> Result<&'a Volume, Problem> {
    let shown = visible(&device.to_string_lossy());
    match plugged.volumes.iter().find(|v| v.device() == device) {
        Some(volume) if volume.system => Err(Problem::failed(format!(
            "{shown} lies on a disk that this system runs from: it is no card and no drive"
        ))),
        Some(volume) => Ok(volume),
        None => Err(listing(
            Problem::failed(format!("{shown} is no volume that is plugged in")),
            plugged.offered(),
        )),
    }
}

fn missing(plugged: &Plugged, label: &str, word: &str, excluded: &dyn Fn(&Volume) -> bool) -> Problem {
    let shown = visible(label);
    if plugged.volumes.iter().any(|v| v.system && v.label.as_deref() == Some(label)) {
        let what = format!("{shown} lies on a disk that this system runs from: it is no {word}");
        return listing(Problem::failed(what), plugged.offered().filter(|v| !excluded(v)));
    }
    let what = format!("no {word} labelled {shown} is plugged in");
    listing(Problem::failed(what), plugged.offered().filter(|v| !excluded(v)))
}

fn listing<'a>(mut problem: Problem, volumes: impl Iterator<Item = &'a Volume>) -> Problem {
    let before = problem.hints.len();
    for volume in volumes {
        problem = problem.hint(format!("there is {volume}"));
    }
    if problem.hints.len() == before {
        problem = problem.hint("nothing is plugged in that could be it; `piback cards` shows the same");
    }
    problem
}
