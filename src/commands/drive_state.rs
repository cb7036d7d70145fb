//! The drives for backups, as values for `status` and `doctor`: joins what is plugged in with what is enrolled.

use super::plugged;
use crate::backup::card::{Plugged, Volume, drives::Drives};
use crate::cli::Global;
use crate::provision::drive::{self, Drive};
use crate::system::volume::Dir;

/// Looks at what is plugged in and what is enrolled; `wanted` is the profile's label.
///
/// # Errors
/// When one of the two can't be read.
pub fn look(global: &Global, wanted: Option<&str>) -> anyhow::Result<Vec<Drive>> {
    let enrolled = plugged::enrolled(global.root.as_deref())?;
    Ok(join(&plugged::read()?, &enrolled, wanted, &free))
}

/// The drives that are enrolled, there or not, and what has the wanted label.
fn join(
    plugged: &Plugged,
    enrolled: &Drives,
    wanted: Option<&str>,
    free: &dyn Fn(&std::path::Path) -> Option<u64>,
) -> Vec<Drive> {
    let there: Vec<(&Volume, bool)> =
        plugged.offered().map(|volume| (volume, enrolled.of(volume).next().is_some())).collect();
    let absent = enrolled.drives.iter().filter(|marker| {
        !there.iter().any(|(volume, known)| *known && enrolled.of(volume).any(|m| m == *marker))
    });
    let mut drives: Vec<Drive> = there
        .iter()
        .filter(|(volume, known)| *known || (wanted.is_some() && volume.label.as_deref() == wanted))
        .map(|(volume, known)| Drive {
            label: volume.label.clone().unwrap_or_default(),
            enrolled: *known,
            plugged: Some(plugged_in(volume, free)),
        })
        .collect();
    drives.extend(absent.map(|m| Drive { label: m.label.clone(), enrolled: true, plugged: None }));
    drives
}

fn plugged_in(volume: &Volume, free: &dyn Fn(&std::path::Path) -> Option<u64>) -> drive::Plugged {
    // A place that can be written counts before one that can't.
    let at = volume.mounts.iter().min_by_key(|m| m.read_only);
    let mounted = at.map(|m| drive::Mounted {
        path: m.path.to_string_lossy().into_owned(),
        read_only: m.read_only,
        free_bytes: free(&m.path),
    });
    drive::Plugged {
        fstype: volume.fstype.clone(),
        size_bytes: volume.size,
        locked: volume.read_only,
        mounted,
    }
}

fn free(path: &std::path::Path) -> Option<u64> {
    Some(Dir::open(path).ok()?.space().ok()?.free)
}
