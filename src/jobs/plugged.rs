//! Cards and drives that are plugged in.

use super::places::{Place, Places, World};
use crate::backup::label::Label;
use crate::media::volume::{Plugged as Found, Volume};
use crate::media::{enrolled, plugged};

/// Everything that is plugged in: enrolled drives are drives, everything else that can be pulled out is a card.
#[derive(Debug, Clone)]
pub struct Plugged {
    /// Labels of the profile's drives, the first one first: they are told even where they are not there.
    pub destinations: Vec<String>,
}

impl Places for Plugged {
    fn world(&self) -> World {
        let (Ok(found), Ok(enrolled)) = (plugged::read(), enrolled::read(None)) else {
            return World::default();
        };
        self.of(&found, &|volume| enrolled.of(volume).next().is_some())
    }
}

impl Plugged {
    fn of(&self, found: &Found, is_drive: &dyn Fn(&Volume) -> bool) -> World {
        let place = |volume: &Volume| {
            let label = volume.label.clone().filter(|label| Label::new(label).is_ok())?;
            let path = volume.mounts.first().map(|mount| mount.path.clone());
            Some(Place { label, path, kname: Some(volume.kname.clone()) })
        };
        let mut world = World::default();
        for volume in found.offered().filter(|v| (v.usb || v.removable) && v.fstype.is_some()) {
            let list = if is_drive(volume) { &mut world.drives } else { &mut world.cards };
            list.extend(place(volume));
        }
        // Only the profile's drives receive backups. Another appliance's, or one of earlier days, is not spoken of.
        let there = std::mem::take(&mut world.drives);
        let drive = |label: &String| {
            let found = there.iter().find(|drive| drive.label == *label).cloned();
            found.unwrap_or_else(|| Place { label: label.clone(), path: None, kname: None })
        };
        world.drives = self.destinations.iter().map(drive).collect();
        world
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::volume::made_up;

    fn volume(kname: &str, label: Option<&str>, system: bool) -> Volume {
        Volume { system, ..made_up(kname, label, &format!("/media/{kname}")) }
    }

    #[test]
    fn cards_drives_and_nothing_of_the_system_s() {
        let found = Found {
            volumes: vec![
                volume("sda1", Some("SD 1"), false),
                volume("sdb1", Some("PHOTOS"), false),
                volume("sdc1", Some("OLD"), false),
                volume("sdd1", None, false),
                volume("sde1", Some("../etc"), false),
                volume("mmcblk0p1", Some("bootfs"), true),
            ],
        };
        let plugged = Plugged { destinations: vec!["PHOTOS".into(), "AWAY".into()] };
        let is_drive = |v: &Volume| matches!(v.label.as_deref(), Some("PHOTOS" | "OLD"));
        let world = plugged.of(&found, &is_drive);
        let labels = |places: &[Place]| places.iter().map(|p| p.label.clone()).collect::<Vec<_>>();
        assert_eq!(labels(&world.cards), ["SD 1"]);
        assert_eq!(labels(&world.drives), ["PHOTOS", "AWAY"]);
        assert_eq!(world.drives[1].path, None);
        assert_eq!(world.drives[0].path.as_deref(), Some("/media/sdb1".as_ref()));
        // A disk that is built in, and one without a file system, are neither.
        let fixed = Volume { usb: false, removable: false, ..volume("nvme0n1p1", Some("HOME"), false) };
        let empty = Volume { fstype: None, ..volume("sdf1", Some("EMPTY"), false) };
        let world = plugged.of(&Found { volumes: vec![fixed, empty] }, &is_drive);
        assert!(world.cards.is_empty(), "{:?}", world.cards);
        let world = plugged.of(&Found::default(), &is_drive);
        assert_eq!((labels(&world.drives).len(), world.drives[0].path.clone()), (2, None));
    }
}
