//! A card, a drive and piback between them.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

pub const PIBACK: &str = env!("CARGO_BIN_EXE_piback");

/// Folders that stand for a card and a drive.
pub struct Rig {
    pub dir: tempfile::TempDir,
    pub card: PathBuf,
    pub drive: PathBuf,
    pub label: String,
    _memory: Option<tempfile::TempDir>,
    /// Where the card's files lie, if the card is a file system in front of them.
    pub behind: Option<PathBuf>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Rig {
    pub fn new() -> Self {
        Rig::in_dir(tempfile::tempdir().unwrap())
    }

    /// A card and a drive that are not lost together: the card lies in memory.
    pub fn apart() -> Self {
        let memory = tempfile::tempdir_in("/dev/shm").unwrap();
        let card = memory.path().to_owned();
        Rig { card, _memory: Some(memory), ..Rig::new() }
    }

    /// In memory, where a test is about order and not about disks.
    pub fn in_memory() -> Self {
        Rig::in_dir(tempfile::tempdir_in("/dev/shm").unwrap())
    }

    fn in_dir(dir: tempfile::TempDir) -> Self {
        let (card, drive) = (dir.path().join("card"), dir.path().join("drive"));
        fs::create_dir(&card).unwrap();
        fs::create_dir(&drive).unwrap();
        Rig { dir, card, drive, label: "SD32GB-03".into(), _memory: None, behind: None }
    }

    /// Puts a file on the card, with the same time for every call.
    pub fn shoot(&self, path: &str, content: impl AsRef<[u8]>) {
        put(&self.card.join(path), content.as_ref(), 1_700_000_000);
    }

    /// Puts the card, as it is, behind a file system that lets so many of its files be opened. Returns where the
    /// card's files are now.
    pub fn gate_card(&self, files: u64) -> (crate::faulty::Mounted, PathBuf) {
        let behind = self.dir.path().join("card-behind");
        fs::rename(&self.card, &behind).unwrap();
        (crate::faulty::Mounted::gated(&behind, &self.card, files), behind)
    }

    /// A file of the card, to be written or removed.
    pub fn on_card(&self, path: &str) -> PathBuf {
        self.behind.as_ref().unwrap_or(&self.card).join(path)
    }

    /// Erases the card as a camera does.
    pub fn format(&self) {
        for entry in fs::read_dir(self.behind.as_ref().unwrap_or(&self.card)).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                fs::remove_dir_all(entry.path()).unwrap();
            } else {
                fs::remove_file(entry.path()).unwrap();
            }
        }
    }

    /// A file of the backup.
    pub fn kept(&self, path: &str) -> PathBuf {
        self.drive.join(&self.label).join(path)
    }

    pub fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.kept(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    pub fn command(&self, verb: &str) -> Command {
        let mut command = self.bare(verb);
        command.arg("--dest").arg(&self.drive);
        command
    }

    /// A verb without a drive.
    pub fn bare(&self, verb: &str) -> Command {
        let mut command = Command::new(PIBACK);
        command.arg(verb).arg(&self.label);
        if verb != "verify" {
            command.arg("--source").arg(&self.card);
        }
        if verb == "safe-to-format" {
            // Most rigs are two folders of one file system.
            command.arg("--allow-same-filesystem");
        }
        command.stdin(Stdio::null());
        plain_signals(&mut command);
        command
    }

    pub fn run(&self, verb: &str, flags: &[&str]) -> Ended {
        ended(self.command(verb).args(flags))
    }

    /// Backs up and checks that the account adds up and agrees with the exit code.
    pub fn backup(&self) -> (Ended, Value) {
        let run = self.run("backup", &["--json"]);
        let account = run.account();
        (run, account)
    }

    /// Backs up, and everything must be safe.
    pub fn backed_up(&self) -> Value {
        let (run, account) = self.backup();
        assert_eq!(run.code, Some(0), "{run:?}");
        account
    }

    /// Backs up, and something must not be safe.
    pub fn not_safe(&self) -> (Ended, Value) {
        let (run, account) = self.backup();
        assert_eq!(run.code, Some(5), "{run:?}");
        (run, account)
    }

    /// The backup's files and their content, below the label's folder.
    pub fn tree(&self) -> BTreeMap<String, Vec<u8>> {
        tree(&self.drive.join(&self.label))
    }

    /// Temporary files anywhere on the drive.
    pub fn litter(&self) -> Vec<String> {
        tree(&self.drive).into_keys().filter(|p| p.contains(".piback-") && p.ends_with(".tmp")).collect()
    }

    pub fn manifests(&self) -> Vec<PathBuf> {
        let folder = self.drive.join(".piback/manifests").join(&self.label);
        let mut all: Vec<_> = fs::read_dir(folder).into_iter().flatten().map(|e| e.unwrap().path()).collect();
        all.sort();
        all
    }
}

impl Ended {
    /// The account of `backup --json`: it adds up and agrees with the exit code.
    pub fn account(&self) -> Value {
        let lines: Vec<Value> = self.out.lines().map(|l| serde_json::from_str(l).expect(l)).collect();
        assert_eq!(lines.first().expect("a first line")["schema"], 1, "{self:?}");
        let account =
            lines.into_iter().find(|l| l["event"] == "account").unwrap_or_else(|| panic!("{self:?}"));
        for what in ["files", "bytes"] {
            let n = |field: &str| account[field][what].as_u64().unwrap();
            assert_eq!(n("on_card"), n("already_safe") + n("copied") + n("not_safe"), "{account}");
        }
        assert_eq!(account["not_safe"]["files"], account["not_safe_files"].as_array().unwrap().len() as u64);
        assert_eq!(account["safe"], self.code == Some(0), "{self:?}");
        account
    }

    pub fn says(&self, text: &str) -> bool {
        self.out.contains(text) || self.err.contains(text)
    }
}

/// Signals as a terminal's shell gives them: whoever starts the tests in the background ignores SIGINT, and what is
/// ignored is inherited.
fn plain_signals(command: &mut Command) {
    use nix::sys::signal::{SigHandler, Signal, signal};
    let reset = || {
        for inherited in [Signal::SIGINT, Signal::SIGHUP, Signal::SIGTERM] {
            // SAFETY: sets a signal to its default, which runs no code of ours.
            unsafe { signal(inherited, SigHandler::SigDfl) }?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec nothing but signal(2) is called, which is allowed there.
    unsafe { command.pre_exec(reset) };
}

/// Waits until something is so. The time after which this counts as never is no measure of speed.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = std::time::Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(300), "still waiting: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Runs a command to its end.
pub fn ended(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    Ended {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Writes a file with a modification time in whole seconds since 1970.
pub fn put(path: &Path, content: &[u8], seconds: i64) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    touch(path, seconds);
}

pub fn touch(path: &Path, seconds: i64) {
    let time = if seconds >= 0 {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds as u64)
    } else {
        SystemTime::UNIX_EPOCH - Duration::from_secs(seconds.unsigned_abs())
    };
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

/// All files below a folder, with their content; names that are no UTF-8 as they can be shown.
pub fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(&at).into_iter().flatten() {
            let path = entry.unwrap().path();
            let Some(meta) = there(fs::symlink_metadata(&path)) else { continue };
            if meta.is_dir() {
                folders.push(path);
            } else if meta.is_file() {
                let name = String::from_utf8_lossy(path.strip_prefix(folder).unwrap().as_os_str().as_bytes());
                let Some(content) = there(fs::read(&path)) else { continue };
                files.insert(name.into_owned(), content);
            }
        }
    }
    files
}

/// None for what is not there any more: a run may be renaming right now. Anything else is an error.
fn there<T>(answer: std::io::Result<T>) -> Option<T> {
    match answer {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
        answer => Some(answer.unwrap()),
    }
}

/// Inode, size and times of all files below a folder: equal before and after means that nothing was touched.
pub fn stamps(folder: &Path) -> BTreeMap<PathBuf, (u64, u64, i64, i64)> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(&at).into_iter().flatten() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            if meta.is_dir() {
                folders.push(path);
            } else {
                all.insert(
                    path,
                    (
                        meta.ino(),
                        meta.size(),
                        meta.mtime_nsec() + meta.mtime() * 1_000_000_000,
                        meta.ctime_nsec(),
                    ),
                );
            }
        }
    }
    all
}

/// Content that no other call gives.
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}
