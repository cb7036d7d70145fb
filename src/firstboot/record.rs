//! Records of a boot file on the Pi: that it was taken over, and, while that goes on, what it replaced.

use serde::{Deserialize, Serialize};

/// Which secrets were made on this Pi and not given by the user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    pub passphrase: bool,
    pub share_password: bool,
}

/// The file that was taken over last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub schema: u32,
    /// SHA-256 of the file as it stands on the boot partition since, in hex.
    pub sha256: String,
    pub made: Made,
}

/// A taking over that is not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    pub schema: u32,
    /// The apply succeeded: what was replaced is past.
    pub applied: bool,
    pub made: Made,
    /// Every file that it writes below `/etc/piback`, as it was; held only as long as this is open.
    pub before: Vec<Before>,
}

/// A file as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    pub path: String,
    /// Mode and bytes; nothing where no file was.
    pub file: Option<(u32, Vec<u8>)>,
}
