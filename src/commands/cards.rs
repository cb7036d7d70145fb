//! `piback cards`: what is plugged in.

use super::{context, running};
use crate::backup::{
    self, CardErrors,
    manifest::{shown, to_text},
};
use crate::cli::Global;
use crate::error::Outcome;
use crate::jobs::health as care;
use crate::jobs::state::{Fact, Level};
use crate::media::complaints::Complaints;
use crate::media::drives::{self, Drives};
use crate::media::health::{self, Health};
use crate::media::smart::Smart;
use crate::media::volume::{MountedAt, Volume};
use crate::media::{enrolled, plugged};
use crate::system::folder::Folder;
use crate::ui::{self, Style, Ui, bytes, date, visible};
use serde::Serialize;
use std::path::{Path, PathBuf};

pub fn run(global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    // What is plugged in can be told without the rest.
    let destinations = context::settings(global).map(|s| s.destinations).unwrap_or_else(|e| {
        ui.note(&format!("{e:#}"));
        Vec::new()
    });
    let enrolled = enrolled::read(global.root.as_deref()).unwrap_or_else(|e| {
        ui.note(&format!("{e:#}"));
        Drives::default()
    });
    let plugged = plugged::read()?;
    let volumes: Vec<&Volume> = plugged.offered().collect();
    let health = health::look(&volumes, running::is_any(global));
    let is_drive = |volume: &&&Volume| enrolled.of(volume).next().is_some();
    let drives: Vec<&Path> =
        volumes.iter().filter(is_drive).filter_map(|v| Some(v.mounts.first()?.path.as_path())).collect();
    let card = |(volume, health): (&&Volume, Health)| {
        let mut card = Card::new(volume, health, &enrolled, &destinations);
        card.know(volume, &drives);
        card
    };
    let cards: Vec<Card> = volumes.iter().zip(health).map(card).collect();
    if cards.is_empty() {
        ui.say("No card or drive is plugged in.");
    }
    for card in &cards {
        ui.say(&card.text(ui));
    }
    if cards.iter().any(|card| card.kernel.is_none()) {
        ui.note("errors that the kernel saw are not known: its log is root's to read (sudo piback cards)");
    }
    #[derive(Serialize)]
    struct Answer<'a> {
        volumes: &'a [Card],
    }
    ui.json("volumes", &Answer { volumes: &cards });
    Ok(Outcome::Done)
}

/// The part that a volume plays for piback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    Card,
    Drive,
    /// A disk that is neither: it can't be pulled, and it is not the drive.
    Volume,
    /// Not formatted, or not in a way that is known.
    Unreadable,
}

#[derive(Debug, Serialize)]
struct Card {
    device: PathBuf,
    label: Option<String>,
    role: Role,
    /// Set if backups may go there.
    enrolled: bool,
    fstype: Option<String>,
    /// The volume id.
    uuid: Option<String>,
    size_bytes: u64,
    /// The device refuses writes.
    read_only: bool,
    usb: bool,
    model: Option<String>,
    mounted: Vec<Mounted>,
    /// The kernel's complaints about the device since it was plugged in; null where its log can't be read.
    kernel: Option<Complaints>,
    /// The drive's own check; null where it is not known, and of a card, which has none.
    smart: Option<Smart>,
    /// The reason why it is not known.
    smart_unknown: Option<String>,
    /// Of all backups of cards of this label; null where no drive that is mounted has one.
    read_errors: Option<ReadErrors>,
    /// All of this in words, and of a drive when its files were last read.
    facts: Vec<Fact>,
}

/// Files that cards could not give whole.
#[derive(Debug, Serialize)]
struct ReadErrors {
    files: u64,
    /// Days on which one was found first.
    days: u64,
    /// The latest of these.
    last: Option<String>,
}

impl ReadErrors {
    fn of(errors: CardErrors) -> Self {
        ReadErrors { files: errors.files, days: errors.days, last: errors.last.map(date) }
    }
}

/// Place where it is mounted.
#[derive(Debug, Serialize)]
struct Mounted {
    /// As text that loses nothing.
    path: String,
    read_only: bool,
}

impl Mounted {
    fn new(at: &MountedAt) -> Self {
        Mounted { path: to_text(at.path.as_os_str().as_encoded_bytes()), read_only: at.read_only }
    }
}

impl Card {
    fn new(volume: &Volume, health: Health, enrolled: &Drives, destinations: &[String]) -> Self {
        let is_enrolled = enrolled.of(volume).next().is_some();
        let named = volume.label.as_ref().is_some_and(|label| destinations.contains(label));
        let camera = || {
            volume.mounts.iter().any(|m| {
                let folders = Folder::open(&m.path).and_then(|f| f.folders()).unwrap_or_default();
                drives::is_camera_card(folders.iter().map(String::as_str))
            })
        };
        let role = match volume.fstype {
            None => Role::Unreadable,
            Some(_) if is_enrolled || named => Role::Drive,
            Some(_) if volume.removable || camera() => Role::Card,
            Some(_) => Role::Volume,
        };
        let facts = care::of_device(&health);
        let (smart, smart_unknown) = match health.smart {
            Some(Ok(smart)) => (Some(smart), None),
            Some(Err(why)) => (None, Some(visible(&why))),
            None => (None, None),
        };
        Card {
            device: volume.device(),
            label: volume.label.clone(),
            role,
            enrolled: is_enrolled,
            fstype: volume.fstype.clone(),
            uuid: volume.uuid.clone(),
            size_bytes: volume.size,
            read_only: volume.read_only,
            usb: volume.usb,
            model: volume.model.clone(),
            mounted: volume.mounts.iter().map(Mounted::new).collect(),
            kernel: health.kernel,
            smart,
            smart_unknown,
            read_errors: None,
            facts,
        }
    }

    /// Adds what the records of the drives that are mounted know of it.
    fn know(&mut self, volume: &Volume, drives: &[&Path]) {
        let errors = volume.label.as_deref().and_then(|label| care::most_errors(drives, label));
        self.facts.extend(errors.as_ref().and_then(care::of_card));
        self.read_errors = errors.map(ReadErrors::of);
        let folder = volume.mounts.first().filter(|_| self.enrolled);
        self.facts.extend(folder.map(|at| care::of_drive(&backup::last_read(&at.path))));
        for fact in &mut self.facts {
            fact.remedy = fact.remedy.take().map(|remedy| ui::as_typed(&remedy));
        }
    }

    /// Short lines: an iPad in portrait shows 40 columns.
    fn text(&self, ui: &Ui) -> String {
        let label = self.label.as_deref().map_or_else(|| "(no label)".to_owned(), visible);
        let role = match self.role {
            Role::Card => "card".to_owned(),
            Role::Drive if self.enrolled => ui.paint(Style::Green, "drive, enrolled"),
            Role::Drive => ui.paint(Style::Yellow, "drive, not enrolled"),
            Role::Volume => "disk".to_owned(),
            Role::Unreadable => ui.paint(Style::Yellow, "no known file system"),
        };
        let mut facts = vec![bytes(self.size_bytes)];
        facts.extend(self.fstype.as_deref().map(visible));
        facts.extend(self.usb.then(|| "USB".to_owned()));
        facts.extend(self.read_only.then(|| "locked".to_owned()));
        let mut text = format!("{}  {role}\n  {}\n", ui.paint(Style::Bold, &label), facts.join(", "));
        text.push_str(&format!("  {}", self.device.display()));
        for mounted in &self.mounted {
            let how = if mounted.read_only { " (read-only)" } else { "" };
            text.push_str(&format!("\n  at {}{how}", shown(&mounted.path)));
        }
        if self.role == Role::Drive && !self.enrolled {
            text.push_str(&format!("\n  sudo piback enroll {}", ui::word(&label)));
        }
        for Fact { level, words, remedy, .. } in self.facts.iter().filter(|fact| !care::is_plain(fact)) {
            let words = match level {
                Level::Good | Level::Unknown => words.clone(),
                Level::Warning => ui.paint(Style::Yellow, words),
                Level::Bad => ui.paint(Style::Red, words),
            };
            text.push_str(&format!("\n  {words}"));
            text.extend(remedy.iter().map(|remedy| format!("\n  -> {remedy}")));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::volume::made_up;

    fn text(kernel: Option<Complaints>) -> String {
        of(Health { label: "SD 1".into(), kernel, smart: None })
    }

    fn of(health: Health) -> String {
        let volume = Volume { mounts: Vec::new(), ..made_up("sdb1", Some("SD 1"), "") };
        Card::new(&volume, health, &Drives::default(), &[]).text(&Ui::new("cards", false, false, true))
    }

    #[test]
    fn a_device_s_complaints_stand_below_it_with_what_to_do() {
        let none = text(Some(Complaints::default()));
        assert_eq!((none.lines().count(), &none), (3, &text(None)), "no complaint is no line");
        let few = text(Some(Complaints { usb_resets: 1, ..Complaints::default() }));
        assert!(few.ends_with("\n  since it was plugged in the kernel saw 1 reset of its USB connection"));
        let bad = text(Some(Complaints { io_errors: 4, ..Complaints::default() }));
        let own = |smart| of(Health { label: "SD 1".into(), kernel: None, smart: Some(smart) });
        let well = own(Ok(Smart { passed: true, ..Smart::default() }));
        assert!(well.ends_with("\n  own check passed"), "{well}");
        assert!(own(Err("it sleeps".into())).ends_with("\n  own check not known: it sleeps"));
        assert!(own(Ok(Smart::default())).contains("own check FAILED\n  -> copy what is on it"));
        let volume = made_up("sdb1", Some("SD 1"), "");
        let health = Health { label: "SD 1".into(), kernel: None, smart: None };
        let mut card = Card::new(&volume, health, &Drives::default(), &[]);
        card.facts.extend(care::of_card(&CardErrors { files: 2, days: 1, last: Some(20_000) }));
        let text = card.text(&Ui::new("cards", false, false, true));
        assert!(
            text.ends_with("\n  2 files of its backups could not be read whole, on 2024-10-04"),
            "{text}"
        );
        assert!(bad.contains("4 reads or writes that failed\n  -> another cable or port"), "{bad}");
    }
}
