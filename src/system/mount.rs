//! Mounts a volume on a folder of its own, and takes it off again.
//!
//! Kernel file systems go through mount(2) and not through the `mount` tool: its errors are numbers (no such file
//! system, already mounted, no medium) that decide what to try next, the device and the folder reach the kernel as
//! they are, and `/etc/fstab` can't add options. The tools for FUSE run where the kernel does not know the file
//! system: NTFS before 5.15, exFAT before 5.7.

use super::folder::Folder;
use super::run::{RunError, Tool};
use crate::ui::visible;
use anyhow::{Context, anyhow, bail};
use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount as kernel_mount, umount2};
use nix::sys::statvfs::{FsFlags, statvfs};
use std::fmt;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing is written to the device, not even a replayed journal.
    ReadOnly,
    ReadWrite,
}

/// The user that files of a file system without owners belong to: FAT, exFAT, NTFS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    pub uid: u32,
    pub gid: u32,
}

/// A volume that piback itself mounted. [`Mounted::close`] takes it off; dropping it does not.
#[derive(Debug)]
#[must_use = "it stays mounted until it is closed"]
pub struct Mounted {
    pub at: PathBuf,
    made_folder: bool,
}

/// Why it was not mounted, where the caller can do something else.
#[derive(Debug)]
pub enum MountError {
    /// The device is mounted elsewhere, in a way that stands against this one.
    Busy,
    Other(anyhow::Error),
}

/// The number of a block device, as `st_dev` shows it on what is mounted from it.
///
/// # Errors
/// There is no such block device.
pub fn device_number(device: &Path) -> io::Result<u64> {
    let found = fs::metadata(device)?;
    if !found.file_type().is_block_device() {
        return Err(io::Error::other("it is no block device"));
    }
    Ok(found.rdev())
}

/// Tells whether a path names a block device.
#[must_use]
pub fn is_block_device(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|m| m.file_type().is_block_device())
}

/// Tells whether the volume of this number is what is seen at `dir`: a mountpoint that its mount has left is an
/// ordinary, empty folder of the system's own disk.
///
/// # Errors
/// `dir` is missing or can't be looked at.
pub fn is_at(number: u64, dir: &Path) -> io::Result<bool> {
    Ok(fs::symlink_metadata(dir)?.dev() == number)
}

/// Mounts `device`, which holds a file system of type `fstype` as blkid names it, on a folder below `mount_root`
/// that is named by the first of `names` that is free; without an `owner` its files are root's, where it knows none. The file system's programs, devices and set-uid bits are off.
///
/// # Errors
/// [`MountError::Busy`], or whatever the kernel or the tool said. Nothing is left mounted then, and no folder.
pub fn mount(
    device: &Path,
    fstype: &str,
    mount_root: &Path,
    names: &[&str],
    access: Access,
    owner: Option<Owner>,
) -> Result<Mounted, MountError> {
    let number = device_number(device).with_context(|| visible(&device.to_string_lossy()))?;
    let ways = ways(fstype, access, owner)?;
    let (at, made_folder) = folder(mount_root, names)?;
    let mounted = Mounted { at, made_folder };
    let result = try_ways(device, &ways, &mounted.at, access);
    if let Err(error) = result {
        // Nothing is mounted: at most the folder has to go.
        return Err(with_cleanup(error, mounted.remove_folder().err()));
    }
    match right(number, &mounted.at, access) {
        Ok(()) => Ok(mounted),
        Err(error) => Err(with_cleanup(MountError::Other(error), mounted.close().err())),
    }
}

/// Takes off what is mounted at `at`, and removes the folder if that is empty then. What is `gone` is taken out of the tree
/// even while somebody has files of it open: nothing of it can be read or written any more.
///
/// # Errors
/// It is still in use after two seconds, or the device failed while it was flushed.
pub fn take_off(at: &Path, gone: bool) -> anyhow::Result<()> {
    let mounted = Mounted { at: at.to_owned(), made_folder: false };
    if gone {
        match umount2(at, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW) {
            Ok(()) | Err(Errno::EINVAL) => {}
            Err(e) => return Err(io::Error::from(e)).with_context(|| format!("unmount {}", mounted.shown())),
        }
    } else {
        mounted.close()?;
    }
    match fs::remove_dir(at) {
        Err(e) if !matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) => {
            Err(e).with_context(|| format!("remove the folder {}", visible(&at.to_string_lossy())))
        }
        _ => Ok(()),
    }
}

/// Makes everything that was written to the file system at `at` durable, the device's own cache included.
///
/// # Errors
/// The device failed.
pub fn make_durable(at: &Path, device: &Path) -> io::Result<()> {
    let folder = fs::File::open(at)?;
    nix::unistd::syncfs(&folder)?;
    flush(device)
}

/// Empties a device's own cache onto its medium. syncfs does not do that on vfat, and unmounting writes once more: that the
/// volume is clean.
///
/// # Errors
/// The device failed.
pub fn flush(device: &Path) -> io::Result<()> {
    fs::File::open(device)?.sync_all()
}

impl Mounted {
    /// Takes the volume off and removes the folder that was made for it.
    ///
    /// # Errors
    /// It is still in use after two seconds, or the device failed while it was flushed.
    pub fn close(self) -> anyhow::Result<()> {
        let mut left = 20;
        loop {
            match umount2(&self.at, MntFlags::UMOUNT_NOFOLLOW) {
                Ok(()) => break,
                // A file manager that looks at the new volume, or a FUSE daemon that is about to let go.
                Err(Errno::EBUSY) if left > 0 => {
                    left -= 1;
                    sleep(Duration::from_millis(100));
                }
                // Someone else took it off, or the device went and udev did.
                Err(Errno::EINVAL) => break,
                Err(e) => {
                    return Err(io::Error::from(e)).with_context(|| format!("unmount {}", self.shown()));
                }
            }
        }
        self.remove_folder()
    }

    fn remove_folder(&self) -> anyhow::Result<()> {
        if self.made_folder {
            fs::remove_dir(&self.at).with_context(|| format!("remove the folder {}", self.shown()))?;
        }
        Ok(())
    }

    fn shown(&self) -> String {
        visible(&self.at.to_string_lossy())
    }
}

impl From<anyhow::Error> for MountError {
    fn from(error: anyhow::Error) -> Self {
        MountError::Other(error)
    }
}

impl fmt::Display for MountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MountError::Busy => f.write_str("it is mounted elsewhere already"),
            MountError::Other(error) => write!(f, "{error:#}"),
        }
    }
}

fn with_cleanup(error: MountError, cleanup: Option<anyhow::Error>) -> MountError {
    match cleanup {
        Some(more) => MountError::Other(anyhow!("{error}; and then: {more:#}")),
        None => error,
    }
}

/// One way to mount a file system: the kernel's type, or a FUSE tool, and options.
#[derive(Debug, PartialEq, Eq)]
enum Way {
    Kernel { fstype: &'static str, options: String },
    Fuse { tool: &'static str, package: &'static str, options: String },
}

/// In the order in which to try them; the next one is taken only where the kernel does not know the one before.
fn ways(fstype: &str, access: Access, owner: Option<Owner>) -> anyhow::Result<Vec<Way>> {
    // Whoever mounts has a umask of his own, which the kernel would take.
    let owned = owner.map(|Owner { uid, gid }| format!("uid={uid},gid={gid},umask=0022"));
    let kernel = |fstype, options: &str| Way::Kernel { fstype, options: options.to_owned() };
    let ownerless =
        |fstype, own: &str| Way::Kernel { fstype, options: joined([Some(own), owned.as_deref()]) };
    let fuse = |tool, package, own: &str| {
        let options = joined([Some(own), owned.as_deref()]);
        Way::Fuse { tool, package, options }
    };
    // Without it a read-only mount replays the journal, and that is a write.
    let journal = if access == Access::ReadOnly { "noload" } else { "" };
    Ok(match fstype {
        // FAT stores local time without saying which; a fixed zone keeps every time the same on every journey.
        "vfat" => vec![ownerless("vfat", "tz=UTC,utf8=1")],
        "exfat" => {
            vec![ownerless("exfat", "iocharset=utf8"), fuse("mount.exfat-fuse", "exfat-fuse", "")]
        }
        // Names that Windows could not open are refused, and kept escaped.
        "ntfs" => vec![ownerless("ntfs3", "iocharset=utf8"), fuse("ntfs-3g", "ntfs-3g", "windows_names")],
        "ext2" => vec![kernel("ext2", ""), kernel("ext4", "")],
        "ext3" => vec![kernel("ext3", journal), kernel("ext4", journal)],
        "ext4" => vec![kernel("ext4", journal)],
        "hfsplus" => vec![kernel("hfsplus", "")],
        other => bail!("piback does not mount {}; mount it yourself and try again", visible(other)),
    })
}

/// Options with commas between them.
fn joined<const N: usize>(options: [Option<&str>; N]) -> String {
    let options: Vec<&str> = options.into_iter().flatten().filter(|option| !option.is_empty()).collect();
    options.join(",")
}

fn try_ways(device: &Path, ways: &[Way], at: &Path, access: Access) -> Result<(), MountError> {
    let mut tried = Vec::new();
    for way in ways {
        match way {
            Way::Kernel { fstype, options } => {
                let done =
                    kernel_mount(Some(device), at, Some(*fstype), flags(access), Some(options.as_str()));
                match done {
                    Ok(()) => return Ok(()),
                    Err(Errno::EBUSY) => return Err(MountError::Busy),
                    Err(Errno::ENODEV) => tried.push(format!("this kernel has no {fstype}")),
                    Err(Errno::EPERM) => {
                        return Err(MountError::Other(anyhow!("only root can mount: use sudo")));
                    }
                    Err(e) => {
                        let e = anyhow!(io::Error::from(e));
                        return Err(MountError::Other(e.context(format!("mount it as {fstype}"))));
                    }
                }
            }
            Way::Fuse { tool, package, options: own } => {
                let access_option = if access == Access::ReadOnly { "ro" } else { "rw" };
                let options = joined([Some(access_option), Some(own)]);
                match Tool::new(*tool).args(["-o", &options]).arg(device).arg(at).run() {
                    Ok(_) => return restrict(at, access),
                    Err(RunError::NotFound { .. }) => {
                        tried.push(format!("{tool} is not installed (package {package})"));
                    }
                    Err(e) => return Err(MountError::Other(e.into())),
                }
            }
        }
    }
    Err(MountError::Other(anyhow!("{}", tried.join(", and "))))
}

fn flags(access: Access) -> MsFlags {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC | MsFlags::MS_NOATIME;
    if access == Access::ReadOnly { flags | MsFlags::MS_RDONLY } else { flags }
}

/// FUSE tools drop some of the flags that they are given (exfat-fuse 1.3: noexec); the kernel does not.
fn restrict(at: &Path, access: Access) -> Result<(), MountError> {
    let flags = flags(access) | MsFlags::MS_REMOUNT | MsFlags::MS_BIND;
    let done = kernel_mount(None::<&str>, at, None::<&str>, flags, None::<&str>);
    let Err(e) = done else { return Ok(()) };
    let error = MountError::Other(anyhow!(io::Error::from(e)).context("restrict what was mounted"));
    let undone = umount2(at, MntFlags::UMOUNT_NOFOLLOW).map_err(|e| anyhow!(io::Error::from(e)));
    Err(with_cleanup(error, undone.err()))
}

/// The mount took, it is of the device that was meant, and it lets do what was asked for.
fn right(number: u64, at: &Path, access: Access) -> anyhow::Result<()> {
    let shown = visible(&at.to_string_lossy());
    if !is_at(number, at).with_context(|| shown.clone())? {
        bail!("another volume appeared at {shown}");
    }
    let flags = statvfs(at).map_err(io::Error::from)?.flags();
    if !flags.contains(FsFlags::ST_NOSUID | FsFlags::ST_NODEV | FsFlags::ST_NOEXEC) {
        bail!("{shown} came up without nosuid, nodev and noexec");
    }
    let read_only = flags.contains(FsFlags::ST_RDONLY);
    match access {
        Access::ReadOnly if !read_only => bail!("{shown} came up writable"),
        // NTFS that Windows left hibernated, HFS+ with a journal.
        Access::ReadWrite if read_only => {
            bail!("it can be mounted read-only only; check it on a computer that can repair it")
        }
        _ => Ok(()),
    }
}

/// A folder to mount on, and whether it was made now. One that is there is taken only if it is an empty one.
fn folder(mount_root: &Path, names: &[&str]) -> anyhow::Result<(PathBuf, bool)> {
    let shown = visible(&mount_root.to_string_lossy());
    fs::DirBuilder::new().recursive(true).mode(0o755).create(mount_root).with_context(|| shown.clone())?;
    let mount_root = fs::canonicalize(mount_root).with_context(|| shown.clone())?;
    for name in names {
        let at = mount_root.join(name);
        match fs::DirBuilder::new().mode(0o755).create(&at) {
            Ok(()) => return Ok((at, true)),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                if free(&at, &mount_root).unwrap_or(false) {
                    return Ok((at, false));
                }
            }
            Err(e) => return Err(e).with_context(|| format!("make a folder in {shown}")),
        }
    }
    bail!("{shown} has something of the name {} already, and it is not an empty folder", names.join(" and "))
}

/// A real folder, with nothing in it and nothing mounted on it.
fn free(at: &Path, parent: &Path) -> io::Result<bool> {
    let (found, above): (Metadata, Metadata) = (fs::symlink_metadata(at)?, fs::metadata(parent)?);
    Ok(found.is_dir() && found.dev() == above.dev() && Folder::open(at)?.names()?.is_empty())
}
