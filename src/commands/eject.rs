//! `piback eject LABEL|DEVICE|--all`: everything durable and taken off, looked at again, and then said so.

use super::context::{self, Settings};
use super::running;
use crate::cli::{Eject, Global};
use crate::error::{Outcome, Problem};
use crate::jobs::Control;
use crate::jobs::protocol::Request;
use crate::media::find::{self, VolumeKind};
use crate::media::volume::{Plugged, Volume};
use crate::media::{appear, plugged};
use crate::provision::components::volumes;
use crate::system::mount;
use crate::system::process;
use crate::system::run::Tool;
use crate::system::rundir::{Found, Header, RunDir};
use crate::ui::{Ui, visible};
use anyhow::{Context, anyhow};
use serde::Serialize;
use std::path::{Path, PathBuf};

pub fn run(args: &Eject, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    if !process::is_root()
        && let Some(remote) = running::keeper(global)
    {
        running::done(remote.ask(&Request::Eject { label: args.volume.clone() }))?;
        let shown = args.volume.as_deref().map_or("All cards and drives".to_owned(), visible);
        ui.say(&format!("{shown} may be unplugged."));
        #[derive(Serialize)]
        struct Asked<'a> {
            asked: Option<&'a str>,
        }
        ui.json("ejected", &Asked { asked: args.volume.as_deref() });
        return Ok(Outcome::Done);
    }
    need_root()?;
    let settings = context::settings(global)?;
    let plugged = plugged::read()?;
    let volumes: Vec<&Volume> = match &args.volume {
        Some(named) => vec![one(&plugged, named)?],
        None => mounted(&plugged).collect(),
    };
    // All of them are looked at before the first is taken off.
    let running = running()?;
    let headers: Vec<&Header> = running.iter().map(|found| &found.header).collect();
    for volume in &volumes {
        refuse_while_used(volume, &headers, &settings)?;
    }
    if volumes.is_empty() {
        ui.say("No card or drive is mounted.");
    }
    take_off_all(&volumes, &settings, ui)?;
    Ok(Outcome::Done)
}

/// Refuses anybody but root.
///
/// # Errors
/// As said.
pub fn need_root() -> anyhow::Result<()> {
    if !process::is_root() {
        return Err(Problem::needs_root("only root can mount, and take off what is mounted").into());
    }
    Ok(())
}

/// Cards and drives that are mounted: what can be pulled out, none of the system's.
pub fn mounted(plugged: &Plugged) -> impl Iterator<Item = &Volume> {
    plugged.offered().filter(|v| (v.usb || v.removable) && !v.mounts.is_empty())
}

fn one<'a>(plugged: &'a Plugged, named: &str) -> anyhow::Result<&'a Volume> {
    let device = Path::new(named);
    if device.is_absolute() && mount::is_block_device(device) {
        return Ok(find::by_device(plugged, device)?);
    }
    Ok(find::by_label(plugged, named, VolumeKind::Drive, &|_| false)?)
}

/// The backups that run.
///
/// # Errors
/// They can't be looked up.
pub fn running() -> anyhow::Result<Vec<Found>> {
    RunDir::existing(None)?.map_or(Ok(Vec::new()), |dir| dir.running())
}

fn refuse_while_used(volume: &Volume, running: &[&Header], settings: &Settings) -> anyhow::Result<()> {
    let is_drive = volume.label.as_ref().is_some_and(|label| settings.destinations.contains(label));
    let writes_to = |run: &Header| {
        let to = Path::new(&run.destination);
        // A run names one drive, a job none, and both write to all drives of the profile.
        let to_drives = to.as_os_str().is_empty() || to.starts_with(&settings.mount_root);
        is_drive && to_drives || volume.mounts.iter().any(|m| to.starts_with(&m.path))
    };
    let used = running.iter().find(|run| volume.label.as_deref() == Some(&run.label) || writes_to(run));
    let Some(run) = used else { return Ok(()) };
    let label = visible(&run.label);
    Err(Problem::failed(format!("a backup of {label} runs: {} is needed", volume.shown_label()))
        .hint(format!("wait for it: piback attach '{label}'"))
        .hint(format!("or stop it first: piback cancel '{label}'"))
        .into())
}

/// Takes volumes off, and says of each that it may be unplugged once it is seen nowhere any more.
///
/// # Errors
/// One could not be taken off; those before it are.
pub fn take_off_all(volumes: &[&Volume], settings: &Settings, ui: &Ui) -> anyhow::Result<()> {
    let busy = volumes.iter().any(|v| v.mounts.iter().any(|m| m.path.starts_with(&settings.mount_root)));
    if busy && let Some((share, _)) = &settings.share {
        close_share(share, &settings.mount_root, ui);
    }
    #[derive(Serialize)]
    struct Ejected {
        label: Option<String>,
        device: PathBuf,
        /// False where nothing was mounted to begin with.
        was_mounted: bool,
    }
    let mut ejected = Vec::new();
    for volume in volumes {
        take_off(volume, ui)?;
        let shown = volume.shown_label();
        ui.say(&format!("{shown} may be unplugged."));
        let was_mounted = !volume.mounts.is_empty();
        ejected.push(Ejected { label: volume.label.clone(), device: volume.device(), was_mounted });
    }
    #[derive(Serialize)]
    struct Answer {
        volumes: Vec<Ejected>,
    }
    ui.json("ejected", &Answer { volumes: ejected });
    Ok(())
}

fn take_off(volume: &Volume, ui: &Ui) -> anyhow::Result<()> {
    let shown = volume.shown_label();
    for at in &volume.mounts {
        ui.detail(&format!("taking {shown} off {}", visible(&at.path.to_string_lossy())));
        if !at.read_only {
            mount::make_durable(&at.path, &volume.device())
                .with_context(|| format!("{shown} can't be made durable"))?;
        }
    }
    // The unit that mounted it, so that systemd knows it is off; where there is none this says nothing.
    let unit = format!("{}{}.service", volumes::VOLUME, volume.kname);
    let stopped = Tool::new("systemctl").args(["stop", &unit]).run();
    if let Err(e) = stopped {
        ui.detail(&format!("{e:#}"));
    }
    for at in &still(volume)? {
        mount::take_off(at, false).map_err(|e| in_use(&shown, at, &e))?;
    }
    // The last word is the kernel's.
    match still(volume)?.first() {
        None => mount::flush(&volume.device())
            .with_context(|| format!("{shown} is off, and may not be unplugged yet")),
        Some(at) => Err(in_use(&shown, at, &anyhow!("it is mounted again"))),
    }
}

/// Places where a volume is mounted now.
fn still(volume: &Volume) -> anyhow::Result<Vec<PathBuf>> {
    let plugged = plugged::read()?;
    let now = plugged.volumes.iter().find(|v| v.kname == volume.kname && v.number == volume.number);
    let mut places: Vec<PathBuf> =
        now.map(|v| v.mounts.iter().map(|m| m.path.clone()).collect()).unwrap_or_default();
    if now.is_none() {
        places = appear::places(&volume.kname)?;
    }
    Ok(places)
}

fn in_use(shown: &str, at: &Path, why: &anyhow::Error) -> anyhow::Error {
    let at = visible(&at.to_string_lossy());
    Problem::failed(format!("{shown} is still mounted at {at}, don't unplug it: {why:#}"))
        .hint(format!("who uses it: sudo fuser -vm '{at}'"))
        .into()
}

/// Closes what clients of the share have open; they look again by themselves. A Samba that does not run has nobody.
fn close_share(share: &str, at: &Path, ui: &Ui) {
    if let Ok(listed) = Tool::new("smbstatus").arg("--locks").output() {
        for name in open_files(&listed.stdout, &at.to_string_lossy()) {
            ui.note(&format!("somebody has {} open over the network: it is closed", visible(&name)));
        }
    }
    match Tool::new("smbcontrol").args(["smbd", "close-share", share]).output() {
        Ok(done) if done.code == Some(0) => {
            ui.detail(&format!("the share {} was closed for a moment", visible(share)))
        }
        Ok(_) | Err(_) => ui.detail("no share is served"),
    }
}

/// Files below a folder that clients of Samba have open, as `smbstatus --locks` lists them: the folder, the name, and a time
/// as ctime(3) writes it.
fn open_files(text: &str, folder: &str) -> Vec<String> {
    const TIME: usize = "Thu Nov 26 18:30:00 2026".len();
    let name = |line: &str| {
        let rest = line.split_once(&format!(" {folder} "))?.1.trim();
        let end = rest.len().checked_sub(TIME).filter(|at| rest.is_char_boundary(*at))?;
        let name = rest[..end].trim();
        // The folder itself is no file.
        (!name.is_empty() && name != ".").then(|| name.to_owned())
    };
    let mut names: Vec<String> = text.lines().filter_map(name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::volume::made_up;

    #[test]
    fn what_a_run_reads_or_writes_is_not_taken_off() {
        let volume = |label: &str, at: &str| made_up("sda1", Some(label), at);
        let run = |label: &str, destination: &str| Header {
            schema: 1,
            command: "backup".into(),
            event: "run".into(),
            pid: 7,
            label: label.into(),
            destination: destination.into(),
            job: None,
        };
        let settings = Settings { destinations: vec!["PHOTOS".into(), "TWO".into()], ..Settings::default() };
        let refused = |volume: &Volume, run: &Header| refuse_while_used(volume, &[run], &settings).is_err();
        let (card, drive) = (volume("SD", "/media/x/SD"), volume("PHOTOS", "/media/x/PHOTOS"));
        assert!(refused(&card, &run("SD", "")), "its card");
        assert!(refused(&drive, &run("SD", "")), "a job writes to all drives");
        assert!(refused(&volume("TWO", "/media/x/TWO"), &run("SD", "")));
        assert!(refused(&volume("OTHER", "/mnt/o"), &run("SD", "/mnt/o/folder")), "a folder on it");
        assert!(!refused(&volume("SD2", "/media/x/SD2"), &run("SD", "")));
        assert!(!refused(&drive, &run("SD", "/home/pi/copy")), "a folder elsewhere");
        assert!(refuse_while_used(&card, &[], &settings).is_ok());
    }

    #[test]
    fn open_files_are_named_as_smbstatus_lists_them() {
        let text = "\nLocked files:\nPid          User(ID)   DenyMode   Access      R/W        Oplock           SharePath   Name   Time\n\
            --------------------------------------------------------------------------------------------------\n\
            1368         999        DENY_NONE  0x120089    RDONLY     LEASE(RWH)       /media/piback   SD32GB-03/DCIM/a b.JPG   Fri Nov 27 17:40:05 2026\n\
            1368         999        DENY_NONE  0x100081    RDONLY     NONE             /media/piback   .   Fri Nov 27 17:40:05 2026\n\
            1368         999        DENY_NONE  0x100081    RDONLY     NONE             /srv/piback   other.txt   Fri Nov 27 17:40:05 2026\n";
        assert_eq!(open_files(text, "/media/piback"), ["SD32GB-03/DCIM/a b.JPG"]);
        assert_eq!(open_files("No locked files\n", "/media/piback"), Vec::<String>::new());
    }
}
