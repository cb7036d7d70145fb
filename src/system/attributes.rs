//! Extended attributes of a file that another one takes the place of: ACLs, capabilities, the user's own.

use super::process;
use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fremovexattr, fsetxattr};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd;

const ACL: &str = "system.posix_acl_access";
/// The kernel takes it away at each write: it comes last.
const CAPABILITY: &str = "security.capability";
/// The kernel's own limit of a value and of a list.
const LARGEST: usize = 64 * 1024;

/// Attributes that belong to a file's name and not to its bytes: labels and signatures of the kernel's are not among them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attributes(BTreeMap<String, Vec<u8>>);

impl Attributes {
    /// Reads those of an open file; none where its file system has none.
    ///
    /// # Errors
    /// The kernel's.
    pub fn read(file: impl AsFd) -> io::Result<Self> {
        let mut space = vec![0; LARGEST];
        let names = match flistxattr(&file, space.as_mut_slice()) {
            Ok(length) => String::from_utf8_lossy(&space[..length]).into_owned(),
            Err(Errno::NOTSUP) => return Ok(Attributes::default()),
            Err(e) => return Err(e.into()),
        };
        let mut found = BTreeMap::new();
        for name in names.split('\0').filter(|name| is_carried(name)) {
            match fgetxattr(&file, name, space.as_mut_slice()) {
                Ok(length) => found.insert(name.to_owned(), space[..length].to_vec()),
                Err(Errno::NODATA) => continue,
                Err(e) => return Err(e.into()),
            };
        }
        Ok(Attributes(found))
    }

    /// Adds those of `other`, which win.
    pub fn extend(&mut self, other: Attributes) {
        self.0.extend(other.0);
    }

    /// Gives them to an open file, all but a capability. An ACL that its directory gave it goes where there is none among
    /// them; one of its own lets nobody but the owner in, until the file's mode is set.
    ///
    /// # Errors
    /// The kernel's, with the attribute's name.
    pub fn give(&self, file: impl AsFd) -> io::Result<()> {
        if !self.0.contains_key(ACL) {
            match fremovexattr(&file, ACL) {
                Ok(()) | Err(Errno::NODATA | Errno::NOTSUP) => {}
                Err(e) => return Err(e.into()),
            }
        }
        self.0.iter().filter(|(name, _)| *name != CAPABILITY).try_for_each(|(name, value)| {
            match name.as_str() {
                ACL => set(&file, name, &closed(value)),
                _ => set(&file, name, value),
            }
        })
    }

    /// Gives the capability, once the bytes and the owner are there.
    ///
    /// # Errors
    /// As [`Attributes::give`].
    pub fn give_capability(&self, file: impl AsFd) -> io::Result<()> {
        self.0.get(CAPABILITY).map_or(Ok(()), |value| set(&file, CAPABILITY, value))
    }
}

/// An ACL that is shut: setting one sets the file's mode too, and whoever opened it in that moment would read what comes. The mask
/// holds named users and groups, and the mode that is set at the end opens it and what others may.
/// The kernel's `posix_acl_xattr.h`: a version of four bytes, then entries of a tag, rights and an id.
fn closed(acl: &[u8]) -> Vec<u8> {
    const VERSION: usize = 4;
    const ENTRY: usize = 8;
    const GROUP: u16 = 0x04;
    const MASK: u16 = 0x10;
    const OTHERS: u16 = 0x20;
    let tag = |entry: &[u8]| u16::from_le_bytes([entry[0], entry[1]]);
    let mut shut = acl.to_vec();
    let Some(entries) = shut.get_mut(VERSION..) else { return shut };
    let has_mask = entries.chunks_exact(ENTRY).any(|entry| tag(entry) == MASK);
    for entry in entries.chunks_exact_mut(ENTRY) {
        if matches!(tag(entry), MASK | OTHERS) || (tag(entry) == GROUP && !has_mask) {
            entry[2..4].fill(0);
        }
    }
    shut
}

fn is_carried(name: &str) -> bool {
    name.starts_with("user.") || [ACL, CAPABILITY].contains(&name)
}

fn set(file: impl AsFd, name: &str, value: &[u8]) -> io::Result<()> {
    match fsetxattr(file, name, value, XattrFlags::empty()) {
        Ok(()) => Ok(()),
        // A record of it on another file system can't have it, and a user can't give what only root can, as with owners.
        Err(Errno::NOTSUP) => Ok(()),
        Err(Errno::PERM) if !process::is_root() => Ok(()),
        Err(e) => Err(io::Error::new(
            io::Error::from(e).kind(),
            format!("its attribute {name} can't be carried over: {}", io::Error::from(e)),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acl_lets_nobody_in_before_its_file_is_whole() {
        // user::rw- user:1000:r-- group::r-- mask::r-- other::r--
        let entries = [(0x01u16, 6u16), (0x02, 4), (0x04, 4), (0x10, 4), (0x20, 4)];
        let acl = |rights: &[u16]| {
            let mut bytes = 2u32.to_le_bytes().to_vec();
            for ((tag, _), right) in entries.iter().zip(rights) {
                bytes.extend(tag.to_le_bytes().iter().chain(&right.to_le_bytes()).chain(&[0xff; 4]));
            }
            bytes
        };
        let whole: Vec<u16> = entries.iter().map(|(_, right)| *right).collect();
        assert_eq!(closed(&acl(&whole)), acl(&[6, 4, 4, 0, 0]));
        let plain = [2, 0, 0, 0, 0x04, 0, 4, 0, 9, 9, 9, 9];
        assert_eq!(closed(&plain), [2, 0, 0, 0, 0x04, 0, 0, 0, 9, 9, 9, 9], "no mask holds the group");
        assert_eq!(closed(&[2, 0]), [2, 0]);
    }
}
