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
    /// them. Changes the file's mode.
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
        self.0
            .iter()
            .filter(|(name, _)| *name != CAPABILITY)
            .try_for_each(|(name, value)| set(&file, name, value))
    }

    /// Gives the capability, once the bytes and the owner are there.
    ///
    /// # Errors
    /// As [`Attributes::give`].
    pub fn give_capability(&self, file: impl AsFd) -> io::Result<()> {
        self.0.get(CAPABILITY).map_or(Ok(()), |value| set(&file, CAPABILITY, value))
    }
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
