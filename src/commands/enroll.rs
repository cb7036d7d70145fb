//! `piback enroll DRIVE`: this drive may receive backups.

use super::context::{self, Settings};
use crate::cli::{Enroll, Global};
use crate::error::{Outcome, Problem};
use crate::media::drives::{self, Marker};
use crate::media::find::{self, VolumeKind};
use crate::media::reach::{marker, only_read_only, reach, refuse_a_card, take_off};
use crate::media::volume::{Plugged, Volume};
use crate::media::{appear, enrolled, plugged};
use crate::provision::components::volumes;
use crate::system::folder::Folder;
use crate::system::mount::{self, Access};
use crate::system::run::Tool;
use crate::system::{process, random};
use crate::ui::{Ui, visible, word};
use anyhow::{Context, anyhow};
use serde::Serialize;
use std::path::Path;

pub fn run(args: &Enroll, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let settings = context::settings(global)?;
    let plugged = plugged::read()?;
    let volume = find_drive(&plugged, &args.drive)?;
    if settings.automount && only_read_only(volume) && process::is_root() {
        // Mounted when it was plugged in, read-only as every drive that is not enrolled yet.
        appear::unmount(&volume.kname, &settings.mount_root, ui)?;
        let enrolled = enroll(args, &settings, global, ui);
        mount_again(&volume.kname);
        return enrolled;
    }
    enroll(args, &settings, global, ui)
}

/// Lets the unit mount it again, writable now. One that can't is looked at by `status`.
fn mount_again(kname: &str) {
    let unit = format!("{}{kname}.service", volumes::VOLUME);
    let _ = Tool::new("systemctl").args(["restart", &unit]).run();
}

fn enroll(args: &Enroll, settings: &Settings, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let plugged = plugged::read()?;
    let volume = find_drive(&plugged, &args.drive)?;
    let (shown, device) = (volume.shown_label(), volume.device());
    if volume.label.is_none() {
        let what = format!("{} has no label, and the profile names the drive by its label", device.display());
        return Err(Problem::failed(what).hint("give it one on a computer, then enroll it").into());
    }
    if volume.read_only {
        let what = format!("{shown} ({}) can't be written: the device refuses", device.display());
        return Err(Problem::failed(what).hint("is there a lock switch on it?").into());
    }
    // First a look without a write: a card must not even be mounted writable.
    let found = on(volume, Access::ReadOnly, &settings.mount_root, ui, |root| {
        let may_have_dcim = args.is_a_drive;
        // A marker that can't be understood is no reason to stop here: enrolling writes a good one.
        let found = marker(root, volume).unwrap_or_else(|e| {
            ui.note(&format!("{e:#}"));
            None
        });
        if !may_have_dcim && !found.as_ref().is_some_and(|marker| marker.has_dcim) {
            refuse_a_card(root, volume)?;
        }
        Ok(found)
    })?;
    let enrolled = enrolled::read(global.root.as_deref())?;
    let found = found.filter(|marker| marker.belongs_to(volume));
    let has_dcim = args.is_a_drive || found.as_ref().is_some_and(|marker| marker.has_dcim);
    let already = found.as_ref().is_some_and(|marker| enrolled.knows(marker) && marker.has_dcim == has_dcim);
    if !already && !agreed(args, volume, ui)? {
        ui.unchanged();
        return Ok(Outcome::Done);
    }
    let marker = match found {
        Some(marker) if already => marker,
        found => {
            let marker = match found {
                // Enrolled elsewhere, or before this system was installed anew: its identity stays.
                Some(marker) => Marker { label: volume.label.clone().unwrap_or_default(), ..marker },
                None => Marker::new(identity()?, volume),
            };
            let marker = Marker { has_dcim, ..marker };
            on(volume, Access::ReadWrite, &settings.mount_root, ui, |root| write(root, &marker, volume))?;
            enrolled::add(global.root.as_deref(), marker.clone())?;
            marker
        }
    };
    report(&marker, already, &settings.destinations, ui);
    Ok(Outcome::Done)
}

fn find_drive<'a>(plugged: &'a Plugged, typed: &str) -> anyhow::Result<&'a Volume> {
    let device = Path::new(typed);
    if device.is_absolute() && mount::is_block_device(device) {
        return Ok(find::by_device(plugged, device)?);
    }
    Ok(find::by_label(plugged, typed, VolumeKind::Drive, &|_| false)?)
}

fn agreed(args: &Enroll, volume: &Volume, ui: &Ui) -> anyhow::Result<bool> {
    if args.yes {
        return Ok(true);
    }
    if !ui.can_ask() {
        return Err(Problem::usage("enrolling needs a yes, and there is no terminal to ask on")
            .hint(format!("piback enroll --yes {}", word(&args.drive)))
            .into());
    }
    let question = if args.is_a_drive {
        "It may have photos of its own in DCIM. Is it a drive and no camera's card, and may it receive backups?"
    } else {
        "May it receive backups?"
    };
    ui.confirm(&format!("{volume}. {question}"))
}

/// Runs `body` on the volume's root folder, and takes the volume off again if it was mounted for this.
fn on<T>(
    volume: &Volume,
    access: Access,
    mount_root: &Path,
    ui: &Ui,
    body: impl FnOnce(&Folder) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let mut mounted = Vec::new();
    let result = reach(volume, access, mount_root, &mut mounted, ui).and_then(|place| {
        let root = Folder::open(&place.dir).with_context(|| visible(&place.dir.to_string_lossy()))?;
        if root.device()? != place.device {
            return Err(anyhow!("{} was unplugged", volume.shown_label()));
        }
        body(&root)
    });
    match (result, take_off(mounted)) {
        (Err(error), Err(unclosed)) => {
            ui.note(&format!("{unclosed:#}"));
            Err(error)
        }
        (result, closed) => result.and_then(|value| closed.map(|()| value)),
    }
}

fn write(root: &Folder, marker: &Marker, volume: &Volume) -> anyhow::Result<()> {
    let (dir, name) = drives::MARKER.split_once('/').unwrap_or(("", drives::MARKER));
    root.make_sub(dir, 0o755)
        .and_then(|dir| dir.replace(name, &drives::text(marker), 0o644))
        .with_context(|| format!("write {} on {}", drives::MARKER, volume.shown_label()))
}

fn identity() -> anyhow::Result<[u8; 16]> {
    let random = random::bytes(16).context("/dev/urandom")?;
    random.try_into().map_err(|_| anyhow!("/dev/urandom gave too little"))
}

fn report(marker: &Marker, already: bool, destinations: &[String], ui: &Ui) {
    let shown = visible(&marker.label);
    ui.say(&if already {
        format!("{shown} was enrolled already.")
    } else {
        format!("{shown} is enrolled: it may receive backups.")
    });
    if !destinations.is_empty() && !destinations.contains(&marker.label) {
        let named = visible(&destinations.join(", "));
        ui.note(&format!("the profile sends backups to {named}, not to {shown}"));
    }
    #[derive(Serialize)]
    struct Answer<'a> {
        enrolled: &'a Marker,
        already: bool,
    }
    ui.json("enrolled", &Answer { enrolled: marker, already });
}
