//! The drives that may receive backups: the marker on the drive, and the list that this appliance keeps.
//!
//! Both must agree. The marker alone could have been copied to another stick with everything else; the list alone
//! would know a drive by its volume id, which two sticks written from one image share.

use super::volume::Volume;
use serde::{Deserialize, Serialize};

/// The marker's place below the drive's root.
pub const MARKER: &str = ".piback/drive.json";
/// Version of both files.
pub const SCHEMA: u32 = 1;
/// Longer than any that piback writes: more is not read.
pub const LONGEST: u64 = 256 * 1024;

/// The marker file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    pub schema: u32,
    /// 32 hexadecimal digits, random, made once.
    pub id: String,
    /// The label at the time, for people.
    pub label: String,
    /// The volume id at the time.
    pub volume: Option<String>,
    /// It has a folder DCIM of its own, and its user said that it is a drive all the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_dcim: bool,
}

/// The appliance's list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drives {
    pub schema: u32,
    pub drives: Vec<Marker>,
}

impl Default for Drives {
    fn default() -> Self {
        Drives { schema: SCHEMA, drives: Vec::new() }
    }
}

impl Marker {
    /// Makes a new drive's marker from 16 random bytes.
    #[must_use]
    pub fn new(random: [u8; 16], volume: &Volume) -> Self {
        let id = random.iter().map(|b| format!("{b:02x}")).collect();
        Marker {
            schema: SCHEMA,
            id,
            label: volume.label.clone().unwrap_or_default(),
            volume: volume.uuid.clone(),
            has_dcim: false,
        }
    }

    /// Reads a marker file's text.
    ///
    /// # Errors
    /// It is none that piback wrote, or one of a later version.
    pub fn parse(text: &str) -> Result<Self, String> {
        let marker: Marker = serde_json::from_str(text).map_err(|e| format!("not a drive's marker: {e}"))?;
        schema_is_known(marker.schema)?;
        if marker.id.len() != 32 || !marker.id.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err("not a drive's marker: its identity is not 32 hexadecimal digits".to_owned());
        }
        Ok(marker)
    }

    /// Tells whether it was written for the file system that it lies on now.
    #[must_use]
    pub fn belongs_to(&self, volume: &Volume) -> bool {
        self.volume == volume.uuid
    }
}

impl Drives {
    /// Reads the list's text.
    ///
    /// # Errors
    /// It is none that piback wrote, or one of a later version.
    pub fn parse(text: &str) -> Result<Self, String> {
        let drives: Drives = serde_json::from_str(text).map_err(|e| format!("not a list of drives: {e}"))?;
        schema_is_known(drives.schema)?;
        Ok(drives)
    }

    /// The record of the drive that this volume is, by volume id and label. Known before anything is mounted.
    pub fn of<'a>(&'a self, volume: &'a Volume) -> impl Iterator<Item = &'a Marker> {
        let label = volume.label.as_deref().unwrap_or_default();
        self.drives.iter().filter(move |d| d.belongs_to(volume) && d.label == label)
    }

    /// Tells whether this marker is on the list, word for word.
    #[must_use]
    pub fn knows(&self, marker: &Marker) -> bool {
        self.drives.contains(marker)
    }

    /// Adds a drive; what was known of the same identity, or of the same volume, goes.
    pub fn record(&mut self, marker: Marker) {
        let same_volume =
            |d: &Marker| d.volume.is_some() && d.volume == marker.volume && d.label == marker.label;
        self.drives.retain(|d| d.id != marker.id && !same_volume(d));
        self.drives.push(marker);
    }
}

fn schema_is_known(schema: u32) -> Result<(), String> {
    if schema == SCHEMA {
        return Ok(());
    }
    Err(format!("it is of version {schema}, and this piback knows version {SCHEMA}"))
}

/// A file's text as piback writes it: one object, readable, with a line end.
#[must_use]
pub fn text<T: Serialize>(record: &T) -> String {
    // Strings and numbers only: serialising them can't fail.
    let mut text = serde_json::to_string_pretty(record).unwrap_or_default();
    text.push('\n');
    text
}

/// Tells whether a folder listing is that of a camera's card: a folder DCIM at the root (DCF 2.0, 3.2.1). FAT and exFAT
/// ignore case.
#[must_use]
pub fn is_camera_card<'a>(folders_at_root: impl IntoIterator<Item = &'a str>) -> bool {
    folders_at_root.into_iter().any(|name| name.eq_ignore_ascii_case("DCIM"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::device::DeviceNumber;

    fn volume(label: &str, uuid: Option<&str>) -> Volume {
        Volume {
            kname: "sdb1".into(),
            number: DeviceNumber { major: 8, minor: 17 },
            label: Some(label.into()),
            fstype: Some("exfat".into()),
            uuid: uuid.map(str::to_owned),
            size: 0,
            read_only: false,
            usb: true,
            removable: true,
            model: None,
            mounts: Vec::new(),
            system: false,
        }
    }

    #[test]
    fn a_marker_survives_its_own_text() {
        let marker = Marker::new([0xab; 16], &volume("P\n\u{1b}[2J", Some("1A2B-3C4D")));
        assert_eq!(Marker::parse(&text(&marker)).unwrap(), marker);
        assert_eq!(marker.id, "ab".repeat(16));
    }

    #[test]
    fn what_is_no_marker_is_refused() {
        for text in [
            "",
            "null",
            "[]",
            "{\"schema\":1}",
            "{\"schema\":2,\"id\":\"00000000000000000000000000000000\",\"label\":\"\",\"volume\":null}",
            "{\"schema\":1,\"id\":\"../../etc\",\"label\":\"\",\"volume\":null}",
        ] {
            assert!(Marker::parse(text).is_err(), "{text}");
        }
        assert!(Drives::parse("{\"schema\":9,\"drives\":[]}").unwrap_err().contains("version 9"));
    }

    #[test]
    fn enrolling_again_leaves_one_record() {
        let drive = volume("PDRIVE", Some("AAAA-0001"));
        let mut drives = Drives::default();
        drives.record(Marker::new([1; 16], &drive));
        let before = drives.clone();
        drives.record(Marker::new([1; 16], &drive));
        assert_eq!(drives, before);
        // The same volume with a new identity, its marker having been lost.
        drives.record(Marker::new([2; 16], &drive));
        assert_eq!(drives.drives.len(), 1);
        // Another drive of the same label, and a formatted one: neither is the enrolled one.
        assert_eq!(drives.of(&volume("PDRIVE", Some("BBBB-0002"))).count(), 0);
        assert_eq!(drives.of(&volume("OTHER", Some("AAAA-0001"))).count(), 0);
        assert_eq!(drives.of(&drive).count(), 1);
    }

    #[test]
    fn a_camera_is_known_by_its_folder() {
        assert!(is_camera_card(["MISC", "dcim"]));
        assert!(!is_camera_card(["SD32GB-03", "DCIM2", ".piback"]));
    }
}
