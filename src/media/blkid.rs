//! `blkid -o export`: labels where udev is not there to tell lsblk (a container, a rescue shell). blkid writes a
//! control character in a label as `cat -v` does, and that can not be undone: such a label is found by device only.

/// The findings of blkid on one device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// `/dev/sda1`.
    pub device: String,
    pub fstype: Option<String>,
    pub label: Option<String>,
    pub uuid: Option<String>,
}

/// Reads `blkid -o export`: lines of `NAME=value`, odd characters behind a backslash, an empty line between devices.
/// Lines that mean nothing to it are passed over.
#[must_use]
pub fn parse(text: &str) -> Vec<Found> {
    let mut all = Vec::new();
    for part in text.split("\n\n") {
        let mut found = Found::default();
        for (name, value) in part.lines().filter_map(|l| l.split_once('=')) {
            let value = Some(undo_backslash(value)).filter(|v| !v.is_empty());
            match name {
                "DEVNAME" => found.device = value.unwrap_or_default(),
                "TYPE" => found.fstype = value,
                "LABEL" => found.label = value,
                "UUID" => found.uuid = value,
                _ => {}
            }
        }
        if !found.device.is_empty() {
            all.push(found);
        }
    }
    all
}

fn undo_backslash(value: &str) -> String {
    let mut plain = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        plain.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_output() {
        // blkid 2.38.1, after `mkfs.ext4 -L 'SD card/1'`.
        let text = "DEVNAME=/dev/loop0\nLABEL=SD\\ card/1\nUUID=9e1c\nBLOCK_SIZE=1024\nTYPE=ext4\n\nDEVNAME=/dev/vda\nTYPE=ext4\n";
        let found = parse(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].label.as_deref(), Some("SD card/1"));
        assert_eq!(found[0].fstype.as_deref(), Some("ext4"));
        assert_eq!(
            found[1],
            Found { device: "/dev/vda".into(), fstype: Some("ext4".into()), ..Found::default() }
        );
        assert_eq!(parse("\n\n=\nLABEL=x\n\\"), []);
    }
}
