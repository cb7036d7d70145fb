//! `piback volume`: what udev's rule and the units ask for, when a card or drive comes or goes.

use super::context::{self, Settings};
use super::{backup, eject, running};
use crate::cli::{Backup, Global, Volume, VolumeAct};
use crate::error::{Outcome, Problem};
use crate::jobs::Control;
use crate::jobs::protocol::{Answer, Request};
use crate::jobs::rot;
use crate::media::appear::{self, How};
use crate::media::drives::{self, Drives};
use crate::media::volume::Volume as Plugged;
use crate::media::{enrolled, find, plugged};
use crate::profile::OnInsert;
use crate::provision::components::volumes;
use crate::system::folder::Folder;
use crate::system::mount::Owner;
use crate::system::run::Tool;
use crate::system::{led, process};
use crate::ui::{Ui, visible, word};
use anyhow::Context;
use serde::Serialize;
use std::path::{Path, PathBuf};

pub fn run(args: &Volume, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    eject::need_root()?;
    let settings = context::settings(global)?;
    let volumes = match &args.act {
        VolumeAct::Mount { kname } => mount(kname, &settings, ui)?,
        VolumeAct::Unmount { kname } => {
            let taken = appear::unmount(kname, &settings.mount_root, ui)?;
            // What the light told was of a card or drive that is gone now.
            if settings.led && eject::running()?.is_empty() {
                led::give_back();
                // Another drive may still be there.
                rot::show(rot::is_known(&settings.destinations));
            }
            if taken == 0 { Vec::new() } else { vec![appear::device(kname)] }
        }
        VolumeAct::All => all(&settings)?,
        VolumeAct::Backup { kname } => return back_up(kname, &settings, global, ui),
    };
    #[derive(Serialize)]
    struct Answer {
        volumes: Vec<PathBuf>,
    }
    ui.json("volume", &Answer { volumes });
    Ok(Outcome::Done)
}

fn mount(kname: &str, settings: &Settings, ui: &Ui) -> anyhow::Result<Vec<PathBuf>> {
    let enrolled = enrolled::read(None)?;
    let share = settings.share.as_ref();
    let owner = share.and_then(|(_, user)| process::ids_of(user)).map(|(uid, gid)| Owner { uid, gid });
    let destinations = &settings.destinations;
    let how = How { mount_root: &settings.mount_root, enrolled: &enrolled, destinations, owner };
    let Some((volume, at)) = appear::mount(kname, &how, ui)? else { return Ok(Vec::new()) };
    // What is known of a drive is told when it comes, and after a boot.
    let is_drive = enrolled.of(&volume).next().is_some();
    if settings.led && is_drive && eject::running()?.is_empty() {
        rot::show(rot::is_on(&at));
    }
    match settings.on_insert {
        OnInsert::Start => start_backups(&volume, &at, &enrolled)?,
        OnInsert::Ask => ask(&volume, &at, &enrolled, ui)?,
        OnInsert::Off => {}
    }
    Ok(vec![volume.device()])
}

/// Starts the backup of a card that was mounted, or of those that wait for this drive.
fn start_backups(volume: &Plugged, at: &Path, enrolled: &Drives) -> anyhow::Result<()> {
    let is_drive = |v: &Plugged| enrolled.of(v).next().is_some();
    if !is_drive(volume) {
        return if holds_shots(at)? { start(volumes::INSERT, &volume.kname) } else { Ok(()) };
    }
    for card in plugged::read()?.offered().filter(|v| v.usb && !is_drive(v)) {
        if card.mounts.first().is_some_and(|m| holds_shots(&m.path).unwrap_or(false)) {
            start(volumes::INSERT, &card.kname)?;
        }
    }
    Ok(())
}

/// Asks whoever is logged in whether a card shall be backed up. `status` and the page show it all the same.
fn ask(volume: &Plugged, at: &Path, enrolled: &Drives, ui: &Ui) -> anyhow::Result<()> {
    if enrolled.of(volume).next().is_some() || !holds_shots(at)? {
        return Ok(());
    }
    let shown = volume.shown_label();
    let line = format!("piback: {shown} went in. To back it up: piback backup {}", word(&shown));
    ui.say(&line);
    // Nobody may be logged in, or wall(1) not there.
    let _ = Tool::new("wall").args(["--nobanner", &line]).run();
    Ok(())
}

/// Starts the unit of each volume, which mounts it.
fn all(settings: &Settings) -> anyhow::Result<Vec<PathBuf>> {
    let mut started = Vec::new();
    if !settings.automount {
        return Ok(started);
    }
    for volume in plugged::read()?.offered().filter(|v| v.usb && v.fstype.is_some()) {
        start(volumes::VOLUME, &volume.kname)?;
        started.push(volume.device());
    }
    Ok(started)
}

fn start(unit: &str, kname: &str) -> anyhow::Result<()> {
    let unit = format!("{unit}{kname}.service");
    Tool::new("systemctl")
        .args(["--no-block", "start", &unit])
        .run()
        .with_context(|| format!("start {unit}"))?;
    Ok(())
}

/// Tells whether a folder is a camera's or a recorder's card, by the folders at its root: DCIM of the DCF standard, or a tree
/// of one of the video formats (their sources stand in `backup/clips.rs`).
fn holds_shots(at: &Path) -> anyhow::Result<bool> {
    const TREES: [&str; 7] = ["PRIVATE", "AVCHD", "BDMV", "M4ROOT", "XDROOT", "BPAV", "CONTENTS"];
    let root = Folder::open(at).with_context(|| visible(&at.to_string_lossy()))?;
    let folders = root.folders().with_context(|| visible(&at.to_string_lossy()))?;
    Ok(drives::is_camera_card(folders.iter().map(String::as_str))
        || folders.iter().any(|name| TREES.iter().any(|tree| name.eq_ignore_ascii_case(tree))))
}

fn back_up(kname: &str, settings: &Settings, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let plugged = plugged::read()?;
    let card = find::by_device(&plugged, &appear::device(kname))?;
    let Some(label) = card.label.clone() else {
        let what = format!(
            "the card {} has no label: nothing says which folder its photos belong to",
            card.device().display()
        );
        return Err(Problem::failed(what)
            .hint(format!("back it up under a name: piback backup NAME --source {}", card.device().display()))
            .into());
    };
    let enrolled = enrolled::read(None)?;
    let named = |v: &Plugged| v.label.as_ref().is_some_and(|label| settings.destinations.contains(label));
    let is_there = plugged.offered().any(|v| named(v) && enrolled.of(v).next().is_some());
    if !is_there {
        // Its arrival starts this again.
        let drives = visible(&settings.destinations.join(" or "));
        ui.say(&format!("{} waits for the drive {drives}", visible(&label)));
        return Ok(Outcome::Done);
    }
    if let Some(remote) = running::keeper(global) {
        // It goes on as a job: this process need not stay for it.
        return match remote.ask(&Request::Insert { kname: card.kname.clone() }) {
            Answer::Job { .. } => {
                ui.say(&format!("{} is backed up; see: piback status", visible(&label)));
                Ok(Outcome::Done)
            }
            Answer::Refused(refusal) => Err(running::problem(refusal).into()),
            _ => Err(Problem::failed("whoever keeps the jobs gave another answer").into()),
        };
    }
    let args = Backup {
        label,
        source: Some(card.device()),
        dest: Vec::new(),
        mirror: false,
        compare: false,
        foreground: true,
    };
    backup::run(&args, global, ui)
}
