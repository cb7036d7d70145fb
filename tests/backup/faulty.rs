//! A file system in the test process: everything goes through to a folder behind it, except what a test breaks.

use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, MountOption, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData,
    ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow,
    WriteFlags,
};
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime};

/// What is broken. Changed while the file system is mounted, from the test or by what happens.
#[derive(Default)]
pub struct Faults {
    /// EIO for reads that touch these ranges of files whose path ends so.
    pub bad: Vec<(String, std::ops::Range<u64>)>,
    /// Everything fails from now on.
    pub gone: Option<Gone>,
    /// Gone after so many more bytes were read, or written.
    pub gone_after_read: Option<(u64, Gone)>,
    pub gone_after_written: Option<(u64, Gone)>,
    /// Gone from the so-manieth lookup of a name that ends so on: at a known step of a run.
    pub gone_at: Option<(String, u64, Gone)>,
    /// Lookups of names that end so are answered with this, as where the folder's entry is damaged.
    pub refused: Vec<(String, Errno)>,
    /// Folders whose path ends so can be opened, and their names can't be read.
    pub unlisted: Vec<(String, Errno)>,
    /// Nothing gets a name that begins so: every rename to it is answered with this.
    pub unnamed: Option<(String, Errno)>,
    /// After so many more bytes were written it answers nothing, until the test lets it go.
    pub hangs_after_written: Option<u64>,
    /// ENOSPC after so many more bytes were written, whatever `statfs` says.
    pub full_after: Option<u64>,
    /// ENOSPC for writes to files whose path begins so.
    pub full_in: Option<String>,
    /// ENOSPC for new files whose path begins so: no inode is left.
    pub no_inode_in: Option<String>,
    /// What `statfs` says is free, in bytes, until something is written.
    pub free: Option<u64>,
    /// EFBIG from this offset on.
    pub largest: Option<u64>,
    /// Answers to reads are no longer than this.
    pub short_reads: Option<usize>,
    /// A bit of the file flips on the medium when it was synced: of the files whose number is here.
    pub flip_after_sync: Vec<u64>,
    /// A bit flips on its way to the medium, in files whose number is here.
    pub flip_on_write: Vec<u64>,
    /// Before the second read of a file whose path ends so, this happens to it.
    pub meanwhile: Option<(String, Meanwhile)>,
    /// Listed, and unknown to every lookup: names that end so.
    pub unknown: Vec<String>,
    /// Gone in the moment in which it is looked up: names that end so.
    pub goes: Vec<String>,
    /// Listed twice: names that end so.
    pub twice: Vec<String>,
    /// Folders whose path ends so can't be opened, and why: no permission, or damaged.
    pub closed: Vec<(String, Errno)>,
    /// Change times move by themselves, as on FUSE pools.
    pub restless_ctime: bool,
    /// Files whose path ends so claim to be as large as a file can be.
    pub forged: Vec<String>,
    /// Refused names are answered with ENOENT, as exfat-fuse does.
    pub refuses_with_enoent: bool,
    /// Names as FAT has them: case is ignored, some characters are refused.
    pub fat: bool,
    /// Renaming knows no flags, as with ntfs-3g.
    pub plain_renames: bool,
    /// Bytes per second.
    pub read_limit: Option<u64>,
    pub write_limit: Option<u64>,
    /// Reads and writes wait for each other.
    pub one_way: bool,
    /// The kernel keeps nothing of these files: for images of devices.
    pub direct: bool,
    /// Every call is delayed.
    pub delay: Option<Duration>,
    /// What was called, in order.
    pub log: Vec<Call>,
    /// Files created so far.
    pub created: u64,
    pub read: u64,
    pub written: u64,
}

/// How a medium answers when it is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// Every call: ENODEV.
    Nodev,
    /// As exFAT on a pulled drive: writes still succeed and go nowhere, what waits for the device says EIO.
    LikeExfat,
    /// As vfat on a pulled card: EIO everywhere.
    Eio,
}

fn content_at(file: &File, at: u64) -> std::io::Result<u8> {
    let mut byte = [0];
    file.read_exact_at(&mut byte, at)?;
    Ok(byte[0])
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meanwhile {
    Grow,
    Shrink,
    Rewrite,
    /// Its last byte turns.
    Rot,
}

/// A call that changes something or makes it durable. Paths are relative to the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    Create(String),
    Write(String),
    Sync(String),
    SyncDir(String),
    Read(String),
    Rename(String, String),
    Unlink(String),
}

/// Holds the opening of files up, until the test lets them go: so that a run stands still at a known place, however
/// busy the machine is.
#[derive(Default)]
struct Gate {
    state: Mutex<Held>,
    changed: Condvar,
}

#[derive(Default)]
struct Held {
    /// So many more files may be opened; all of them without a number.
    left: Option<u64>,
    waiting: u32,
}

impl Gate {
    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.waiting += 1;
        while state.left == Some(0) {
            self.changed.notify_all();
            state = self.changed.wait(state).unwrap();
        }
        state.waiting -= 1;
        state.left = state.left.map(|left| left - 1);
    }

    fn allow(&self, left: Option<u64>) {
        self.state.lock().unwrap().left = left;
        self.changed.notify_all();
    }
}

/// A mounted file system; unmounted when dropped.
pub struct Mounted {
    pub faults: Arc<Mutex<Faults>>,
    gate: Arc<Gate>,
    at: PathBuf,
    session: Option<BackgroundSession>,
}

impl Mounted {
    /// Mounts `behind` at `at`.
    pub fn new(behind: &Path, at: &Path, faults: Faults) -> Self {
        Mounted::with_threads(behind, at, faults, 1)
    }

    /// Mounts `behind` at `at` and lets so many files be opened; the rest waits, and all other calls are answered.
    pub fn gated(behind: &Path, at: &Path, files: u64) -> Self {
        let mounted = Mounted::with_threads(behind, at, Faults::default(), 2);
        mounted.allow(Some(files));
        mounted
    }

    /// Mounts `behind` at `at` and answers so many calls at the same time, those that wait to open a file included.
    pub fn answering(behind: &Path, at: &Path, faults: Faults, calls: usize) -> Self {
        Mounted::with_threads(behind, at, faults, calls)
    }

    fn with_threads(behind: &Path, at: &Path, faults: Faults, threads: usize) -> Self {
        fs::create_dir_all(behind).unwrap();
        fs::create_dir_all(at).unwrap();
        let faults = Arc::new(Mutex::new(faults));
        let gate = Arc::new(Gate::default());
        let inner = Inner {
            paths: HashMap::from([(1, PathBuf::new())]),
            inodes: HashMap::from([(PathBuf::new(), 1)]),
            files: HashMap::new(),
            numbers: HashMap::new(),
            next: 2,
        };
        let fs = Faulty {
            behind: behind.to_owned(),
            faults: Arc::clone(&faults),
            gate: Arc::clone(&gate),
            inner: Mutex::new(inner),
            started: Instant::now(),
            clocks: Mutex::new([Duration::ZERO; 2]),
        };
        let mut config = Config::default();
        config.n_threads = Some(threads);
        config.mount_options =
            vec![MountOption::FSName("faulty".into()), MountOption::DefaultPermissions, MountOption::NoAtime];
        let session = fuser::spawn_mount(fs, at, &config).expect("FUSE can be mounted");
        Mounted { faults, gate, at: at.to_owned(), session: Some(session) }
    }

    /// Whether somebody waits to open a file.
    pub fn is_held(&self) -> bool {
        self.held() > 0
    }

    /// So many files are waited for at the same time.
    pub fn held(&self) -> u32 {
        let state = self.gate.state.lock().unwrap();
        if state.left == Some(0) { state.waiting } else { 0 }
    }

    /// Lets so many more files be opened; all without a number.
    pub fn allow(&self, files: Option<u64>) {
        self.gate.allow(files);
    }

    pub fn set(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.faults.lock().unwrap());
    }

    pub fn log(&self) -> Vec<Call> {
        self.faults.lock().unwrap().log.clone()
    }

    pub fn unmount(mut self) {
        self.allow(None);
        let Some(session) = self.session.take() else { return };
        // A child that another test is just starting has this one's descriptors, until it executes its program.
        let begin = Instant::now();
        while nix::mount::umount(&self.at) == Err(nix::errno::Errno::EBUSY) {
            assert!(begin.elapsed() < Duration::from_secs(300), "{} stays busy", self.at.display());
            std::thread::sleep(Duration::from_millis(5));
        }
        // Where only root may do that, the library knows how; where it is done, it has nothing left to do.
        let _ = session.umount_and_join();
        let still = fs::read_to_string("/proc/self/mounts").unwrap();
        assert!(!still.contains(self.at.to_str().unwrap()), "{still}");
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // A test that failed must not wait for itself.
        self.allow(None);
    }
}

struct Faulty {
    behind: PathBuf,
    faults: Arc<Mutex<Faults>>,
    gate: Arc<Gate>,
    inner: Mutex<Inner>,
    started: Instant,
    clocks: Mutex<[Duration; 2]>,
}

struct Inner {
    paths: HashMap<u64, PathBuf>,
    inodes: HashMap<PathBuf, u64>,
    files: HashMap<u64, Arc<File>>,
    /// The number of a created file, by inode.
    numbers: HashMap<u64, u64>,
    next: u64,
}

const TTL: Duration = Duration::ZERO;

impl Faulty {
    fn path(&self, ino: INodeNo) -> PathBuf {
        self.inner.lock().unwrap().paths.get(&ino.0).cloned().unwrap_or_else(|| PathBuf::from("\u{1}gone"))
    }

    fn real(&self, path: &Path) -> PathBuf {
        self.behind.join(path)
    }

    /// The path of a name in a folder, as the disk has it: on FAT in whatever case it was made.
    fn child(&self, parent: INodeNo, name: &OsStr) -> PathBuf {
        let folder = self.path(parent);
        let path = folder.join(name);
        if !self.faults.lock().unwrap().fat || fs::symlink_metadata(self.real(&path)).is_ok() {
            return path;
        }
        let wanted = name.to_string_lossy().to_lowercase();
        let found = fs::read_dir(self.real(&folder)).into_iter().flatten().flatten().map(|e| e.file_name());
        found
            .into_iter()
            .find(|n| n.to_string_lossy().to_lowercase() == wanted)
            .map_or(path, |n| folder.join(n))
    }

    fn inode(&self, path: &Path) -> u64 {
        let mut inner = self.inner.lock().unwrap();
        if let Some(ino) = inner.inodes.get(path) {
            return *ino;
        }
        let ino = inner.next;
        inner.next += 1;
        inner.inodes.insert(path.to_owned(), ino);
        inner.paths.insert(ino, path.to_owned());
        ino
    }

    fn forget_path(&self, path: &Path) {
        let mut inner = self.inner.lock().unwrap();
        if let Some(ino) = inner.inodes.remove(path) {
            inner.paths.remove(&ino);
        }
    }

    fn attr(&self, path: &Path) -> Result<FileAttr, Errno> {
        let meta = fs::symlink_metadata(self.real(path))?;
        let time = |s: i64, ns: i64| {
            if s >= 0 {
                SystemTime::UNIX_EPOCH + Duration::new(s as u64, ns as u32)
            } else {
                SystemTime::UNIX_EPOCH - Duration::new(s.unsigned_abs(), 0)
            }
        };
        let kind = FileType::from_std(meta.file_type()).unwrap_or(FileType::RegularFile);
        let fat = self.faults.lock().unwrap().fat;
        Ok(FileAttr {
            ino: INodeNo(self.inode(path)),
            size: if self.is_forged(path) { i64::MAX as u64 } else { meta.size() },
            blocks: meta.blocks(),
            atime: time(meta.atime(), meta.atime_nsec()),
            mtime: time(meta.mtime(), meta.mtime_nsec()),
            // FAT and exFAT have no change time of their own.
            ctime: if self.faults.lock().unwrap().restless_ctime {
                SystemTime::now()
            } else if fat {
                time(meta.mtime(), meta.mtime_nsec())
            } else {
                time(meta.ctime(), meta.ctime_nsec())
            },
            crtime: SystemTime::UNIX_EPOCH,
            kind,
            perm: (meta.mode() & 0o7777) as u16,
            nlink: meta.nlink() as u32,
            uid: meta.uid(),
            gid: meta.gid(),
            rdev: meta.rdev() as u32,
            blksize: 4096,
            flags: 0,
        })
    }

    fn is_forged(&self, path: &Path) -> bool {
        let path = path.to_string_lossy();
        self.faults.lock().unwrap().forged.iter().any(|end| path.ends_with(end.as_str()))
    }

    /// What every call meets first.
    fn gate(&self) -> Result<(), Errno> {
        let faults = self.faults.lock().unwrap();
        let (gone, delay) = (faults.gone, faults.delay);
        drop(faults);
        if let Some(delay) = delay {
            std::thread::sleep(delay);
        }
        match gone {
            None => Ok(()),
            Some(Gone::Nodev) => Err(Errno::ENODEV),
            Some(Gone::Eio | Gone::LikeExfat) => Err(Errno::EIO),
        }
    }

    fn is_pulled_at(&self, name: &OsStr) {
        let mut faults = self.faults.lock().unwrap();
        let Some((end, left, gone)) = &mut faults.gone_at else { return };
        if name.to_string_lossy().ends_with(end.as_str()) {
            *left -= 1;
            if *left == 0 {
                faults.gone = Some(*gone);
                faults.gone_at = None;
            }
        }
    }

    fn refused(&self, name: &OsStr) -> Result<(), Errno> {
        let refused = &self.faults.lock().unwrap().refused;
        match refused.iter().find(|(end, _)| name.to_string_lossy().ends_with(end.as_str())) {
            Some((_, errno)) => Err(*errno),
            None => Ok(()),
        }
    }

    fn unknown(&self, name: &OsStr) -> Result<(), Errno> {
        let unknown = &self.faults.lock().unwrap().unknown;
        let is_unknown = unknown.iter().any(|end| name.to_string_lossy().ends_with(end));
        if is_unknown { Err(Errno::ENOENT) } else { Ok(()) }
    }

    fn bad_name(&self, name: &OsStr) -> Result<(), Errno> {
        let bad = |b: &u8| b"\"*/:<>?\\|".contains(b) || *b < 32;
        let fat = self.faults.lock().unwrap().fat;
        if fat && (name.as_bytes().iter().any(bad) || name.to_str().is_none()) {
            let enoent = self.faults.lock().unwrap().refuses_with_enoent;
            return Err(if enoent { Errno::ENOENT } else { Errno::EINVAL });
        }
        Ok(())
    }

    /// Sleeps as long as a slow medium would take for these bytes.
    fn throttle(&self, which: usize, bytes: usize, limit: Option<u64>) {
        let Some(limit) = limit else { return };
        let cost = Duration::from_secs_f64(bytes as f64 / limit as f64);
        let until = {
            let mut clocks = self.clocks.lock().unwrap();
            let now = self.started.elapsed();
            clocks[which] = clocks[which].max(now) + cost;
            clocks[which]
        };
        let now = self.started.elapsed();
        if until > now {
            std::thread::sleep(until - now);
        }
    }

    fn handle(&self, fh: FileHandle) -> Result<Arc<File>, Errno> {
        self.inner.lock().unwrap().files.get(&fh.0).cloned().ok_or(Errno::EBADF)
    }

    fn keep(&self, file: File) -> FileHandle {
        let mut inner = self.inner.lock().unwrap();
        let fh = inner.next;
        inner.next += 1;
        inner.files.insert(fh, Arc::new(file));
        FileHandle(fh)
    }

    fn note(&self, call: impl FnOnce(String) -> Call, path: &Path) {
        let call = call(path.to_string_lossy().into_owned());
        let mut faults = self.faults.lock().unwrap();
        if faults.log.last() != Some(&call) {
            faults.log.push(call);
        }
    }

    fn do_read(&self, path: &Path, file: &File, offset: u64, size: u32) -> Result<Vec<u8>, Errno> {
        self.gate()?;
        let text = path.to_string_lossy().into_owned();
        let (limit, short) = {
            let mut faults = self.faults.lock().unwrap();
            faults.read += u64::from(size);
            let hit = faults.bad.iter().any(|(end, range)| {
                text.ends_with(end.as_str()) && offset < range.end && offset + u64::from(size) > range.start
            });
            if hit {
                return Err(Errno::EIO);
            }
            if let Some((left, gone)) = faults.gone_after_read {
                if left < u64::from(size) {
                    faults.gone = Some(gone);
                    return Err(if gone == Gone::Nodev { Errno::ENODEV } else { Errno::EIO });
                }
                faults.gone_after_read = Some((left - u64::from(size), gone));
            }
            if offset > 0 && faults.meanwhile.as_ref().is_some_and(|(end, _)| text.ends_with(end.as_str())) {
                let (_, what) = faults.meanwhile.take().unwrap();
                let real = OpenOptions::new().read(true).write(true).open(self.real(path))?;
                let len = real.metadata()?.len();
                match what {
                    Meanwhile::Grow => real.write_all_at(b"more", len)?,
                    Meanwhile::Shrink => real.set_len(len - 1)?,
                    Meanwhile::Rewrite => real.write_all_at(b"X", 0)?,
                    Meanwhile::Rot => real.write_all_at(&[!content_at(&real, len - 1)?], len - 1)?,
                }
            }
            (faults.read_limit, faults.short_reads)
        };
        let mut data = vec![0; (size as usize).min(short.unwrap_or(usize::MAX))];
        let mut filled = 0;
        while filled < data.len() {
            match file.read_at(&mut data[filled..], offset + filled as u64)? {
                0 => break,
                n => filled += n,
            }
        }
        data.truncate(filled);
        self.throttle(0, filled, limit);
        Ok(data)
    }

    fn do_write(&self, ino: INodeNo, file: &File, offset: u64, data: &[u8]) -> Result<(), Errno> {
        let number = self.inner.lock().unwrap().numbers.get(&ino.0).copied();
        let mut data = data.to_vec();
        let (clock, limit) = {
            let mut faults = self.faults.lock().unwrap();
            if faults.gone == Some(Gone::LikeExfat) {
                return Ok(());
            }
            faults.written += data.len() as u64;
            if let Some((left, gone)) = faults.gone_after_written {
                let len = data.len() as u64;
                if left < len {
                    faults.gone = Some(gone);
                    return if gone == Gone::LikeExfat { Ok(()) } else { Err(Errno::EIO) };
                }
                faults.gone_after_written = Some((left - len, gone));
            }
            if let Some(left) = faults.hangs_after_written {
                faults.hangs_after_written = left.checked_sub(data.len() as u64);
                if faults.hangs_after_written.is_none() {
                    drop(faults);
                    self.gate.allow(Some(0));
                    self.gate.pass();
                    return Err(Errno::EIO);
                }
            }
            if let Some(left) = faults.full_after {
                if left < data.len() as u64 {
                    return Err(Errno::ENOSPC);
                }
                faults.full_after = Some(left - data.len() as u64);
            }
            let path = self.path(ino);
            if faults.full_in.as_ref().is_some_and(|full| path.starts_with(full)) {
                return Err(Errno::ENOSPC);
            }
            if faults.largest.is_some_and(|largest| offset + data.len() as u64 > largest) {
                return Err(Errno::EFBIG);
            }
            if number.is_some_and(|n| faults.flip_on_write.contains(&n)) && !data.is_empty() {
                data[0] ^= 1;
            }
            (usize::from(!faults.one_way), faults.write_limit)
        };
        self.gate()?;
        file.write_all_at(&data, offset)?;
        self.throttle(clock, data.len(), limit);
        Ok(())
    }

    fn do_sync(&self, ino: INodeNo, file: &File) -> Result<(), Errno> {
        self.gate()?;
        let number = self.inner.lock().unwrap().numbers.get(&ino.0).copied();
        let flip = number.is_some_and(|n| self.faults.lock().unwrap().flip_after_sync.contains(&n));
        let len = file.metadata()?.len();
        if flip && len > 0 {
            let mut byte = [0];
            let behind = OpenOptions::new().read(true).write(true).open(self.real(&self.path(ino)))?;
            behind.read_exact_at(&mut byte, len / 2)?;
            behind.write_all_at(&[byte[0] ^ 0x10], len / 2)?;
        }
        Ok(())
    }

    fn do_rename(&self, from: &Path, to: &Path, flags: RenameFlags) -> Result<(), Errno> {
        self.gate()?;
        let name = to.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some((begin, errno)) = &self.faults.lock().unwrap().unnamed
            && name.starts_with(begin.as_str())
        {
            return Err(*errno);
        }
        if !flags.is_empty() && self.faults.lock().unwrap().plain_renames {
            return Err(Errno::EINVAL);
        }
        if flags.contains(RenameFlags::RENAME_NOREPLACE) && fs::symlink_metadata(self.real(to)).is_ok() {
            return Err(Errno::EEXIST);
        }
        fs::rename(self.real(from), self.real(to))?;
        let mut inner = self.inner.lock().unwrap();
        if let Some(ino) = inner.inodes.remove(from) {
            inner.inodes.insert(to.to_owned(), ino);
            inner.paths.insert(ino, to.to_owned());
        }
        Ok(())
    }
}

macro_rules! answer {
    ($reply:expr, $result:expr, $ok:ident $(, $extra:expr)*) => {
        match $result {
            Ok(_) => $reply.$ok($($extra)*),
            Err(errno) => $reply.error(errno),
        }
    };
}

impl Filesystem for Faulty {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let path = self.child(parent, name);
        if self.faults.lock().unwrap().goes.iter().any(|end| name.to_string_lossy().ends_with(end)) {
            let _ = fs::remove_file(self.real(&path));
        }
        self.is_pulled_at(name);
        match self
            .gate()
            .and_then(|()| self.unknown(name))
            .and_then(|()| self.refused(name))
            .and_then(|()| self.bad_name(name))
            .and_then(|()| self.attr(&path))
        {
            Ok(attr) => reply.entry(&TTL, &attr, Generation(0)),
            Err(errno) => reply.error(errno),
        }
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.gate().and_then(|()| self.attr(&self.path(ino))) {
            Ok(attr) => reply.attr(&TTL, &attr),
            Err(errno) => reply.error(errno),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        _mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        size: Option<u64>,
        _atime: Option<TimeOrNow>,
        mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _fh: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<fuser::BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let path = self.path(ino);
        let result = self.gate().and_then(|()| {
            let file = OpenOptions::new().write(true).open(self.real(&path))?;
            if let Some(size) = size {
                file.set_len(size)?;
            }
            if let Some(TimeOrNow::SpecificTime(time)) = mtime {
                file.set_modified(time)?;
            }
            self.attr(&path)
        });
        match result {
            Ok(attr) => reply.attr(&TTL, &attr),
            Err(errno) => reply.error(errno),
        }
    }

    fn readlink(&self, _: &Request, ino: INodeNo, reply: ReplyData) {
        match fs::read_link(self.real(&self.path(ino))) {
            Ok(target) => reply.data(target.as_os_str().as_bytes()),
            Err(e) => reply.error(e.into()),
        }
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, name: &OsStr, _mode: u32, _umask: u32, reply: ReplyEntry) {
        let path = self.child(parent, name);
        let result = self.gate().and_then(|()| self.bad_name(name)).and_then(|()| {
            fs::create_dir(self.real(&path))?;
            self.attr(&path)
        });
        match result {
            Ok(attr) => reply.entry(&TTL, &attr, Generation(0)),
            Err(errno) => reply.error(errno),
        }
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let path = self.child(parent, name);
        let result = self.gate().and_then(|()| Ok(fs::remove_file(self.real(&path))?));
        if result.is_ok() {
            self.forget_path(&path);
            self.note(Call::Unlink, &path);
        }
        answer!(reply, result, ok);
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let path = self.child(parent, name);
        let result = self.gate().and_then(|()| Ok(fs::remove_dir(self.real(&path))?));
        self.forget_path(&path);
        answer!(reply, result, ok);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let (from, to) = (self.child(parent, name), self.child(newparent, newname));
        let result = self.bad_name(newname).and_then(|()| self.do_rename(&from, &to, flags));
        if result.is_ok() {
            self.note(|from| Call::Rename(from, to.to_string_lossy().into_owned()), &from);
        }
        answer!(reply, result, ok);
    }

    fn open(&self, _: &Request, ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        self.gate.pass();
        let path = self.path(ino);
        let write = flags.0 & 0o3 != 0;
        let result = self
            .gate()
            .and_then(|()| Ok(OpenOptions::new().read(true).write(write).open(self.real(&path))?));
        match result {
            Ok(file) => {
                let direct = self.faults.lock().unwrap().direct;
                let flags = if direct { FopenFlags::FOPEN_DIRECT_IO } else { FopenFlags::empty() };
                reply.opened(self.keep(file), flags);
            }
            Err(errno) => reply.error(errno),
        }
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        flags: i32,
        reply: ReplyCreate,
    ) {
        let path = self.child(parent, name);
        let result = self.gate().and_then(|()| self.bad_name(name)).and_then(|()| {
            let none_left = |prefix: &String| path.starts_with(prefix);
            if self.faults.lock().unwrap().no_inode_in.as_ref().is_some_and(none_left) {
                return Err(Errno::ENOSPC);
            }
            let exclusive = flags & 0o200 != 0;
            let mut options = OpenOptions::new();
            options.read(true).write(true).mode(0o644);
            if exclusive {
                options.create_new(true)
            } else {
                options.create(true)
            };
            let file = options.open(self.real(&path))?;
            Ok((file, self.attr(&path)?))
        });
        match result {
            Ok((file, attr)) => {
                let mut faults = self.faults.lock().unwrap();
                faults.created += 1;
                let number = faults.created;
                drop(faults);
                self.inner.lock().unwrap().numbers.insert(attr.ino.0, number);
                self.note(Call::Create, &path);
                reply.created(&TTL, &attr, Generation(0), self.keep(file), FopenFlags::empty());
            }
            Err(errno) => reply.error(errno),
        }
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _lock: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let path = self.path(ino);
        self.note(Call::Read, &path);
        match self.handle(fh).and_then(|file| self.do_read(&path, &file, offset, size)) {
            Ok(data) => reply.data(&data),
            Err(errno) => reply.error(errno),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        data: &[u8],
        _write_flags: WriteFlags,
        _flags: OpenFlags,
        _lock: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        self.note(Call::Write, &self.path(ino));
        let result = self.handle(fh).and_then(|file| self.do_write(ino, &file, offset, data));
        answer!(reply, result, written, data.len() as u32);
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn release(
        &self,
        _: &Request,
        _: INodeNo,
        fh: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        self.inner.lock().unwrap().files.remove(&fh.0);
        reply.ok();
    }

    fn fsync(&self, _: &Request, ino: INodeNo, fh: FileHandle, _: bool, reply: ReplyEmpty) {
        self.note(Call::Sync, &self.path(ino));
        let result = self.handle(fh).and_then(|file| self.do_sync(ino, &file));
        answer!(reply, result, ok);
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.note(Call::SyncDir, &self.path(ino));
        answer!(reply, self.gate(), ok);
    }

    fn readdir(&self, _: &Request, ino: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let folder = self.path(ino);
        let result = self.gate().and_then(|()| {
            let closed_to_names = |(end, errno): &(String, Errno)| {
                folder.to_string_lossy().ends_with(end.as_str()).then_some(*errno)
            };
            let unlisted = self.faults.lock().unwrap().unlisted.iter().find_map(closed_to_names);
            if let Some(errno) = unlisted {
                return Err(errno);
            }
            let mut names: Vec<(OsString, FileType)> =
                vec![(".".into(), FileType::Directory), ("..".into(), FileType::Directory)];
            for entry in fs::read_dir(self.real(&folder))? {
                let entry = entry?;
                let kind = FileType::from_std(entry.file_type()?).unwrap_or(FileType::RegularFile);
                let twice = &self.faults.lock().unwrap().twice;
                if twice.iter().any(|end| entry.file_name().to_string_lossy().ends_with(end)) {
                    names.push((entry.file_name(), kind));
                }
                names.push((entry.file_name(), kind));
            }
            Ok(names)
        });
        match result {
            Ok(mut names) => {
                names[2..].sort_by(|a, b| a.0.cmp(&b.0));
                for (at, (name, kind)) in names.into_iter().enumerate().skip(offset as usize) {
                    if reply.add(INodeNo(1), at as u64 + 1, kind, &name) {
                        break;
                    }
                }
                reply.ok();
            }
            Err(errno) => reply.error(errno),
        }
    }

    fn opendir(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        let path = self.path(ino).to_string_lossy().into_owned();
        let closed =
            self.faults.lock().unwrap().closed.iter().find(|(end, _)| path.ends_with(end)).map(|c| c.1);
        match closed {
            Some(errno) => reply.error(errno),
            None => reply.opened(FileHandle(0), FopenFlags::empty()),
        }
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let faults = self.faults.lock().unwrap();
        let free = faults.free.map_or(1 << 40, |free| free.saturating_sub(faults.written)) / 4096;
        drop(faults);
        match self.gate() {
            Ok(()) => reply.statfs(1 << 30, free, free, 1 << 20, 1 << 20, 4096, 255, 4096),
            Err(errno) => reply.error(errno),
        }
    }
}
