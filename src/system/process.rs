//! This process as it was started: its environment, its user.

use super::run::{self, Tool};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;

/// Tells whether `NO_COLOR` is set to anything but the empty string (<https://no-color.org>).
#[must_use]
pub fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
}

/// Tells whether the command line has this very word, for when it can't be parsed.
#[must_use]
pub fn was_told(word: &str) -> bool {
    std::env::args_os().any(|argument| argument == word)
}

/// Finds the first of these words that the command line has, for when it can't be parsed.
#[must_use]
pub fn first_of(words: &[&'static str]) -> Option<&'static str> {
    std::env::args_os().skip(1).find_map(|argument| words.iter().copied().find(|word| argument == *word))
}

/// Tells whether this process may change the host.
#[must_use]
pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Begins this very command line again as root, in place of this process, where `sudo` asks for no password (the first
/// user of a Raspberry Pi). Comes back where that is not so.
pub fn again_as_root() {
    if is_root() || Tool::new("sudo").args(["-n", "true"]).run().is_err() {
        return;
    }
    let (Some(sudo), Ok(own)) = (run::find("sudo"), own_path()) else { return };
    let mut command = std::process::Command::new(sudo);
    command.arg("-n");
    if no_color() {
        command.arg("--preserve-env=NO_COLOR");
    }
    // Comes back only if it fails; what stood in the way before is then said.
    let _ = command.arg("--").arg(own).args(std::env::args_os().skip(1)).exec();
}

/// This machine's name, for records.
#[must_use]
pub fn host_name() -> String {
    nix::unistd::gethostname().map_or_else(|_| "unknown".into(), |name| name.to_string_lossy().into_owned())
}

/// Absolute path of this program.
///
/// # Errors
/// When the kernel can't say it.
pub fn own_path() -> std::io::Result<std::path::PathBuf> {
    std::env::current_exe()
}

/// The server's address and port of the SSH session that this process belongs to. `sudo` takes `SSH_CONNECTION` out of the
/// environment, so that of the processes above is looked at too.
#[must_use]
pub fn ssh_server() -> Option<(String, u16)> {
    let own = std::env::var("SSH_CONNECTION").ok();
    own.or_else(|| above().find_map(ssh_connection)).and_then(|text| {
        // client address, client port, server address, server port: sshd(8)
        let mut server = text.split(' ').skip(2);
        Some((server.next()?.to_owned(), server.next()?.trim().parse().ok()?))
    })
}

/// The processes above this one, nearest first.
fn above() -> impl Iterator<Item = u32> {
    std::iter::successors(Some(std::process::id()), |pid| parent(*pid)).skip(1).take(64)
}

fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold anything, brackets too: the fields begin after the last one.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(1)?.parse().ok().filter(|pid| *pid > 1)
}

fn ssh_connection(pid: u32) -> Option<String> {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    let entry = environment.split(|b| *b == 0).find_map(|e| e.strip_prefix(b"SSH_CONNECTION="))?;
    String::from_utf8(entry.to_vec()).ok()
}

/// Forbids core dumps of this process and of the tools that it runs: memory holds secrets. (`PR_SET_DUMPABLE` would
/// also take a user's own `/proc/self/fd` away, and end with the next `exec`.)
///
/// The limit is 1 and not 0: no dump fits into a byte, and 1 is the one value that also keeps the kernel from piping a
/// dump to a program, for which it ignores every other limit (`fs/coredump.c`, core(5)).
pub fn forbid_core_dumps() {
    // What can't be set, as below a limit of 0, is no reason not to work.
    let _ = nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 1, 1);
}

/// Open files that this process asks for: many times what three drives use.
const SOFT_OPEN_FILES: u64 = 16_384;

/// Lets this process have more open files than the 1,024 that the kernel gives for the sake of `select` (`setrlimit(2)`;
/// nothing here uses it): several drives at once need more. Never beyond the hard limit, and no reason not to work.
pub fn allow_open_files() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard.min(SOFT_OPEN_FILES)
    {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard.min(SOFT_OPEN_FILES), hard);
    }
}

/// Files that this process may have open at once; what every process gets where the kernel does not tell.
#[must_use]
pub fn open_files_allowed() -> usize {
    let limit = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE);
    limit.map_or(1024, |(soft, _)| usize::try_from(soft).unwrap_or(usize::MAX))
}

/// Lets everybody else go first where a disk is busy, and on the processor. A kernel or a disk scheduler that knows no
/// classes (`ioprio_set(2)`) leaves it as it was.
pub fn step_back() {
    const WHO_PROCESS: nix::libc::c_int = 1;
    const CLASS_IDLE: nix::libc::c_int = 3 << 13;
    // SAFETY: numbers only go in; threads that begin later inherit both.
    unsafe {
        nix::libc::syscall(nix::libc::SYS_ioprio_set, WHO_PROCESS, 0, CLASS_IDLE);
        nix::libc::setpriority(nix::libc::PRIO_PROCESS, 0, 19);
    }
}

/// The numbers of a user and of his own group; none where there is no such user.
#[must_use]
pub fn ids_of(user: &str) -> Option<(u32, u32)> {
    let user = nix::unistd::User::from_name(user).ok().flatten()?;
    Some((user.uid.as_raw(), user.gid.as_raw()))
}

/// Says whether a process belongs to this group only because the group is its user's own: nobody put the user into it.
#[must_use]
pub fn is_by_own_group(group: &str, uid: u32, gid: u32) -> bool {
    let found = nix::unistd::Group::from_gid(gid.into()).ok().flatten();
    let user = nix::unistd::User::from_uid(uid.into()).ok().flatten().map(|user| user.name);
    uid != 0
        && found
            .is_some_and(|found| found.name == group && user.is_none_or(|user| !found.mem.contains(&user)))
}

/// This boot's id: another one after each start of the kernel; empty where it does not say.
#[must_use]
pub fn boot_id() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    text.trim().to_owned()
}

/// The user that this process acts as.
#[must_use]
pub fn user() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// The unit's run that this process is a part of, as systemd names it (systemd.exec(5), `$INVOCATION_ID`); without one, a name
/// of this process alone.
#[must_use]
pub fn invocation() -> String {
    let given = std::env::var("INVOCATION_ID").ok();
    let is_one = |id: &String| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
    given.filter(is_one).unwrap_or_else(|| format!("of-{}", pid()))
}

#[must_use]
pub fn pid() -> i32 {
    nix::unistd::getpid().as_raw()
}

/// The user and group who put `sudo` in front of this command, if that is how this process became root.
#[must_use]
pub fn typed_by() -> Option<(u32, u32)> {
    let number = |name| std::env::var(name).ok()?.parse().ok();
    is_root().then(|| Some((number("SUDO_UID")?, number("SUDO_GID")?))).flatten()
}

/// The login session's folder for sockets and locks, if the environment names one by an absolute path.
#[must_use]
pub fn runtime_dir() -> Option<PathBuf> {
    let dir = PathBuf::from(std::env::var_os("XDG_RUNTIME_DIR")?);
    (dir.is_absolute() && dir.is_dir()).then_some(dir)
}

/// The group that this process acts as.
#[must_use]
pub fn group() -> u32 {
    nix::unistd::getegid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_s_own_group_is_not_one_that_he_was_put_into() {
        let root = ids_of("root").unwrap().1;
        assert!(is_by_own_group("root", 54_321, root));
        assert!(!is_by_own_group("root", 0, root), "root may");
        assert!(!is_by_own_group("piback", 54_321, root), "another group");
        assert!(!is_by_own_group("root", 54_321, 54_321), "a group without a name");
        let all = std::fs::read_to_string("/etc/group").unwrap();
        for line in all.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            let &[group, _, gid, members] = fields.as_slice() else { continue };
            for member in members.split(',').filter(|name| ids_of(name).is_some()) {
                let (uid, _) = ids_of(member).unwrap();
                assert!(!is_by_own_group(group, uid, gid.parse().unwrap()), "{member} is in {group}");
            }
        }
    }
}
