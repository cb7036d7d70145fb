//! Locks of the files of accounts that a power cut left behind.
//!
//! The tools of shadow-utils hold `/etc/group.lock` and its like while they work, with their process number in it, and take one
//! over whose process is no more. After a boot another process has that number, and they give up at once.

use crate::system::{Host, Node};

const LOCKS: [&str; 4] = ["/etc/passwd.lock", "/etc/shadow.lock", "/etc/group.lock", "/etc/gshadow.lock"];

/// Programs that take these locks: those of Debian's packages `passwd` and `login`, as the kernel shortens their names.
const TOOLS: [&str; 22] = [
    "chage",
    "chfn",
    "chgpasswd",
    "chpasswd",
    "chsh",
    "gpasswd",
    "groupadd",
    "groupdel",
    "groupmems",
    "groupmod",
    "grpck",
    "grpconv",
    "grpunconv",
    "newusers",
    "passwd",
    "pwck",
    "pwconv",
    "pwunconv",
    "useradd",
    "userdel",
    "usermod",
    "vipw",
];

/// Removes the locks whose number is that of a process that takes none; tells whether there were any.
///
/// # Errors
/// When one can't be read or removed.
pub fn clear(host: &dyn Host) -> std::io::Result<bool> {
    let mut cleared = false;
    for lock in LOCKS {
        let Node::File(file) = host.read(lock)? else { continue };
        let text = String::from_utf8_lossy(&file.bytes);
        let Ok(process) = text.trim_matches(['\0', '\n', ' ']).parse::<u32>() else { continue };
        let Some(name) = host.read_followed(&format!("/proc/{process}/comm"))? else { continue };
        if !TOOLS.contains(&String::from_utf8_lossy(&name).trim_end()) {
            host.remove(lock)?;
            cleared = true;
        }
    }
    Ok(cleared)
}
