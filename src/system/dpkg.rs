//! dpkg's lock, asked and not taken.

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

/// Held by apt and its kind from before the first package to after the last trigger.
const FRONTEND: &str = "/var/lib/dpkg/lock-frontend";
/// Held by every dpkg.
const LOCK: &str = "/var/lib/dpkg/lock";

/// Tells whether somebody puts packages in or takes them out at this moment. A host without dpkg has nobody who does.
///
/// # Errors
/// The kernel's.
pub fn is_busy() -> io::Result<bool> {
    Ok(is_locked(Path::new(FRONTEND))? || is_locked(Path::new(LOCK))?)
}

/// Tells whether another process holds a write lock of fcntl(2)'s on any part of the file.
fn is_locked(path: &Path) -> io::Result<bool> {
    // To ask for a write lock takes no more than reading.
    let file = match File::open(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(false),
        file => file?,
    };
    let mut asked = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(&file, FcntlArg::F_GETLK(&mut asked))?;
    Ok(asked.l_type != libc::F_UNLCK as libc::c_short)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_lock_of_another_process_is_seen_and_its_end_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert!(!is_locked(&path).unwrap(), "none there, nobody holds it");
        std::fs::write(&path, "").unwrap();
        assert!(!is_locked(&path).unwrap());
        let holds = "import fcntl, sys\nf = open(sys.argv[1], 'w')\nfcntl.lockf(f, fcntl.LOCK_EX)\nprint(flush=True)\nsys.stdin.read()";
        let mut holder = Command::new("python3")
            .args(["-c", holds])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut [0]).unwrap();
        assert!(is_locked(&path).unwrap());
        drop(holder.stdin.take());
        holder.wait().unwrap();
        assert!(!is_locked(&path).unwrap());
    }
}
