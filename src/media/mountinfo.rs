//! `/proc/self/mountinfo`: what is mounted where. Its format is in proc(5).

use super::device::DeviceNumber;
use std::path::PathBuf;

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    pub id: u32,
    /// The mount that this one lies on.
    pub parent: u32,
    pub number: DeviceNumber,
    /// The folder of the file system that is seen here: `/` but for bind mounts and subvolumes.
    pub root: String,
    pub at: PathBuf,
    /// Of this mount or of the whole file system.
    pub read_only: bool,
    pub fstype: String,
    /// `/dev/sda1`, or a name without a device behind it.
    pub source: String,
    /// The file system's own options, comma-separated.
    pub options: String,
}

/// Reads the file's text. A line that is not as the kernel writes it is an error: guessing here may end in a write
/// to the wrong disk.
///
/// # Errors
/// A sentence with the line's number.
pub fn parse(text: &str) -> Result<Vec<Mount>, String> {
    // Not `lines()`: that takes a carriage return away, which the kernel writes as it is.
    let lines = text.split('\n').enumerate().filter(|(_, line)| !line.is_empty());
    lines
        .map(|(i, line)| mount(line).ok_or_else(|| format!("line {} of mountinfo is broken", i + 1)))
        .collect()
}

fn mount(line: &str) -> Option<Mount> {
    // Optional fields stand between the sixth field and a lone dash. A space in a path is written \040.
    let (before, after) = line.split_once(" - ")?;
    let mut before = before.split(' ');
    let id = before.next()?.parse().ok()?;
    let parent = before.next()?.parse().ok()?;
    let number = DeviceNumber::parse(before.next()?)?;
    let root = undo_octal(before.next()?);
    let at = PathBuf::from(undo_octal(before.next()?));
    let flags = before.next()?;
    let mut after = after.splitn(3, ' ');
    let fstype = after.next()?.to_owned();
    let source = undo_octal(after.next()?);
    let options = after.next().unwrap_or_default().to_owned();
    let ro = |list: &str| list.split(',').any(|o| o == "ro");
    Some(Mount {
        id,
        parent,
        number,
        root,
        at,
        read_only: ro(flags) || ro(&options),
        fstype,
        source,
        options,
    })
}

/// The kernel writes space, tab, newline and backslash as a backslash and three octal digits.
fn undo_octal(field: &str) -> String {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        match (first, after) {
            (b'\\', &[a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..]) => {
                plain.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = &after[3..];
            }
            _ => {
                plain.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn real_lines() {
        let text = "\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
98 27 8:1 / /media/pi/SD\\04032GB\\134x rw,nosuid,nodev,relatime shared:54 master:2 - vfat /dev/sda1 ro,tz=UTC
99 27 8:17 /sub /srv/bind ro,relatime - fuseblk /dev/sdb1 rw,user_id=0
";
        let mounts = parse(text).unwrap();
        let seen: Vec<_> =
            mounts.iter().map(|m| (m.at.to_str().unwrap(), &*m.root, m.read_only, &*m.fstype)).collect();
        assert_eq!(
            seen,
            [
                ("/proc", "/", false, "proc"),
                ("/", "/", false, "ext4"),
                ("/media/pi/SD 32GB\\x", "/", true, "vfat"),
                ("/srv/bind", "/sub", true, "fuseblk"),
            ]
        );
        assert_eq!(mounts[2].number, DeviceNumber { major: 8, minor: 1 });
        assert_eq!(mounts[2].source, "/dev/sda1");
    }

    #[test]
    fn a_broken_line_is_named() {
        for broken in
            ["x", "22 27 0:21 / /proc rw", "22 27 zz / /proc rw - proc proc rw", "1 2 0:1 / - a b c"]
        {
            let text = format!("27 1 254:0 / / rw - ext4 /dev/vda rw\n{broken}\n");
            assert_eq!(parse(&text).unwrap_err(), "line 2 of mountinfo is broken", "{broken}");
        }
        // An option may end in a carriage return, and it comes last.
        let overlay = parse("1 2 0:1 / / rw - overlay overlay rw,lowerdir=/x\r\n").unwrap();
        assert_eq!(overlay[0].options, "rw,lowerdir=/x\r");
        // A source that is empty is written as two spaces.
        assert_eq!(parse("1 2 0:1 / /x rw - tmpfs  rw").unwrap()[0].source, "");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[ -~\\\\\n0-9é]{0,200}") {
            let _ = parse(&text);
            let _ = parse(&format!("1 2 8:1 / {text} rw - vfat {text} rw"));
        }
    }
}
