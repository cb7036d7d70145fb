//! What the tests share: a scratch tree, the binary, a snapshot of a tree.
#![allow(dead_code, clippy::disallowed_methods)]

pub mod readers;

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub const PASSPHRASE: &str = "correct horse battery";

/// What `piback` answered.
pub struct Answer {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Answer {
    /// Both streams.
    pub fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// Runs the binary under test.
pub fn piback(args: &[&str]) -> Answer {
    let output: Output = Command::new(env!("CARGO_BIN_EXE_piback"))
        .args(args)
        .stdin(std::process::Stdio::null())
        .output()
        .expect("piback can be started");
    Answer {
        code: output.status.code().expect("piback was killed"),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A scratch tree for `--root`.
pub struct Tree {
    pub dir: tempfile::TempDir,
}

impl Tree {
    pub fn new() -> Self {
        // In memory where there is some: thousands of fsyncs would wait for a disk that proves nothing here.
        let dir =
            tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a scratch directory");
        std::fs::create_dir(dir.path().join("root")).expect("a root");
        Tree { dir }
    }

    pub fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    pub fn root_text(&self) -> String {
        self.root().to_str().expect("UTF-8").to_owned()
    }

    /// `path` is absolute, as on the host.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root().join(path.trim_start_matches('/'))
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let file = self.path(path);
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("directories");
        std::fs::write(file, text).expect("a file");
    }

    pub fn mode(&self, path: &str) -> u32 {
        std::fs::metadata(self.path(path)).expect(path).permissions().mode() & 0o7777
    }

    pub fn set_mode(&self, path: &str, mode: u32) {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(self.path(path), permissions).expect(path);
    }

    /// `piback init` with the article's profile.
    pub fn init(&self, from: &str) {
        let file = self.dir.path().join("passphrase");
        std::fs::write(&file, format!("{PASSPHRASE}\n")).expect("the passphrase");
        let answer = self.piback(&[
            "init",
            "--from",
            from,
            "--ssid",
            "NET",
            "--country",
            "US",
            "--drive",
            "PDRIVE128GB",
            "--passphrase-file",
            file.to_str().expect("UTF-8"),
            "--yes",
        ]);
        assert_eq!(answer.code, 0, "{}", answer.all());
    }

    /// Runs the binary on this tree.
    pub fn piback(&self, args: &[&str]) -> Answer {
        let root = self.root_text();
        let args: Vec<&str> = args.iter().copied().chain(["--root", &root]).collect();
        piback(&args)
    }

    /// Everything below the root, or below the given folders of it.
    pub fn snapshot(&self) -> Snapshot {
        let mut all = BTreeMap::new();
        walk(&self.root(), &self.root(), &mut all);
        Snapshot(all)
    }
}

/// Path to kind, mode, owner, content; times are looked at separately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot(pub BTreeMap<String, Entry>);

#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    pub kind: char,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub bytes: Vec<u8>,
    /// Modification time in nanoseconds; compared only by [`Snapshot::untouched`].
    pub mtime: Mtime,
}

/// One line, the bytes as text.
impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text: String = String::from_utf8_lossy(&self.bytes).chars().take(40).collect();
        write!(f, "{} {:o} {}:{} {} {text:?}", self.kind, self.mode, self.uid, self.gid, self.bytes.len())
    }
}

/// Equal to any other: a restored file has a new time.
#[derive(Debug, Clone, Copy)]
pub struct Mtime(pub i128);

impl PartialEq for Mtime {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Mtime {}

impl Snapshot {
    /// Without what lies below the given paths.
    pub fn without(&self, prefixes: &[&str]) -> Snapshot {
        let kept = self.0.iter().filter(|(p, _)| !prefixes.iter().any(|x| p.starts_with(x)));
        Snapshot(kept.map(|(p, e)| (p.clone(), e.clone())).collect())
    }

    /// Whether not even a modification time differs.
    pub fn untouched(&self, other: &Snapshot) -> bool {
        self == other && self.0.iter().all(|(path, entry)| other.0[path].mtime.0 == entry.mtime.0)
    }
}

fn walk(root: &Path, dir: &Path, all: &mut BTreeMap<String, Entry>) {
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        let meta = std::fs::symlink_metadata(&path).expect("metadata");
        let (kind, bytes) = if meta.is_symlink() {
            ('l', std::fs::read_link(&path).expect("a link").into_os_string().into_encoded_bytes())
        } else if meta.is_dir() {
            ('d', Vec::new())
        } else {
            ('f', std::fs::read(&path).expect("a file"))
        };
        let mode = if meta.is_symlink() { 0 } else { meta.mode() & 0o7777 };
        let mtime = Mtime(i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec()));
        let name = format!("/{}", path.strip_prefix(root).expect("below").display());
        all.insert(name, Entry { kind, mode, uid: meta.uid(), gid: meta.gid(), bytes, mtime });
        if meta.is_dir() {
            walk(root, &path, all);
        }
    }
}
