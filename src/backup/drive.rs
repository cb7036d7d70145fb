//! The drive: where a label's files and piback's own lie on it, and how folders are reached.

use super::label::Label;
use super::manifest::{self, Runs};
use super::reason::Reason;
use super::{names, scan};
use crate::error::Problem;
use crate::system::volume::{Dir, Fault, FaultKind, FileKind, Lock, Medium};
use crate::ui::visible;
use anyhow::Context as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// piback's own folder at a drive's root.
pub const OWN: &[u8] = b".piback";

/// Room that is left on a drive for folders and the records.
pub const RESERVE: u64 = 8 * 1024 * 1024;

/// More names than that for one folder are not tried.
const FOLDER_VARIANTS: u32 = 20;

/// An open drive, and one label's place on it.
#[derive(Debug)]
pub struct Drive {
    pub root: Dir,
    /// Name by the user, or by the mount table.
    pub path: PathBuf,
    pub medium: Medium,
    pub label: Label,
    /// `a` and `A` are one name here.
    pub ignores_case: bool,
    cached: Option<(Vec<u8>, Arc<Dir>)>,
}

/// A folder on the drive, and its path below the label's folder, which may differ from the card's path where
/// the drive can't hold a name.
#[derive(Debug, Clone)]
pub struct DestFolder {
    pub dir: Arc<Dir>,
    pub path: Vec<u8>,
}

/// The folder that a file lies in, and its name there; none where there is no such folder.
pub type Held<'a> = Option<(Arc<Dir>, &'a [u8])>;

/// The name of this run's `n`-th temporary file. Longer than most final names: exFAT then renames in place.
#[must_use]
pub fn temp_name(run: &str, n: u64) -> Vec<u8> {
    format!("{}{n:08}{TEMP_END}", temp_start(run)).into_bytes()
}

/// Tells whether a file is a temporary one of that run.
#[must_use]
pub fn is_temp_of(run: &str, name: &[u8]) -> bool {
    name.strip_prefix(temp_start(run).as_bytes())
        .and_then(|rest| rest.strip_suffix(TEMP_END.as_bytes()))
        .is_some_and(|n| n.len() >= 8 && n.iter().all(u8::is_ascii_digit))
}

/// Tells whether a file is a temporary one of any run, as far as its name tells.
#[must_use]
pub fn is_temp(name: &[u8]) -> bool {
    let random = name.strip_prefix(b".piback-").and_then(|rest| rest.get(..16));
    random.and_then(|r| std::str::from_utf8(r).ok()).is_some_and(|random| is_temp_of(random, name))
}

const TEMP_END: &str = ".tmp";

/// A run's name ends with its random part, which no other program's file will have.
fn temp_start(run: &str) -> String {
    format!(".piback-{}-", run.rsplit('-').next().unwrap_or(run))
}

impl Drive {
    /// Opens a drive for one label; writes nothing.
    ///
    /// # Errors
    /// When it is not there or can't be used.
    pub fn open(path: &Path, label: Label) -> anyhow::Result<Self> {
        let shown = visible(&path.to_string_lossy());
        let root = Dir::open(path).map_err(|fault| Problem::failed(format!("drive {shown}: {fault}")))?;
        let medium = root.medium().map_err(|fault| Problem::failed(format!("drive {shown}: {fault}")))?;
        // Whoever shows the drive to a computer may have made it; the records would have no place.
        if let Ok(Some(stat)) = root.stat(OWN)
            && stat.kind != FileKind::Directory
        {
            return Err(Problem::failed(format!(
                "{shown}/.piback is no folder: backups keep their records there"
            ))
            .hint("rename it or move it away")
            .into());
        }
        let mut drive =
            Drive { root, path: path.to_owned(), medium, label, ignores_case: false, cached: None };
        drive.look_at_case();
        Ok(drive)
    }

    /// Locks the drive against other runs.
    ///
    /// # Errors
    /// When another run holds it.
    pub fn lock(&self) -> anyhow::Result<Lock> {
        let shown = visible(&self.path.to_string_lossy());
        match self.root.lock() {
            Ok(Some(lock)) => Ok(lock),
            Ok(None) => Err(Problem::failed(format!("another piback works on drive {shown} right now"))
                .hint("piback attach follows it, piback cancel stops it")
                .into()),
            Err(fault) => Err(Problem::failed(format!("drive {shown} can't be locked: {fault}")).into()),
        }
    }

    /// Why a call was refused with "no space left". Bytes that find no room are one thing; a name that finds none where
    /// there is room is another.
    #[must_use]
    pub fn no_room(&self, fault: Fault) -> Reason {
        let is_a_name = matches!(fault.call, "create" | "mkdir" | "rename" | "link");
        match self.root.space() {
            Ok(space) if is_a_name && space.free >= RESERVE => Reason::NoMoreNames,
            _ => Reason::NoSpace,
        }
    }

    /// Makes piback's own folder and the label's, and folders below piback's own.
    ///
    /// # Errors
    /// When the drive does not take them.
    pub fn prepare(&mut self) -> Result<(), Fault> {
        let (own, made) = self.root.make_sub(OWN)?;
        let (_, made_label) = self.root.make_sub(self.label.as_bytes())?;
        if made || made_label {
            self.root.sync()?;
        }
        drop(own);
        self.look_at_case();
        Ok(())
    }

    /// A folder below `.piback/`; `None` where it is missing.
    ///
    /// # Errors
    /// When it is there and can't be opened.
    pub fn own(&self, path: &[&[u8]]) -> Result<Option<Dir>, Fault> {
        let mut at: Option<Dir> = None;
        for name in [OWN].iter().chain(path) {
            match at.as_ref().unwrap_or(&self.root).sub(name) {
                Ok(sub) => at = Some(sub),
                Err(fault) if fault.kind() == FaultKind::Missing => return Ok(None),
                Err(fault) => return Err(fault),
            }
        }
        Ok(at)
    }

    /// A folder below `.piback/`, made and made durable where it is missing.
    ///
    /// # Errors
    /// When the drive does not take it.
    pub fn make_own(&self, path: &[&[u8]]) -> Result<Dir, Fault> {
        let (mut at, made) = self.root.make_sub(OWN)?;
        if made {
            self.root.sync()?;
        }
        for name in path {
            let (sub, made) = at.make_sub(name)?;
            if made {
                at.sync()?;
            }
            at = sub;
        }
        Ok(at)
    }

    /// Records of the label's manifests.
    ///
    /// # Errors
    /// When the drive does not answer.
    pub fn runs(&self) -> anyhow::Result<Runs> {
        let label = self.label.as_bytes();
        let manifests = self.own(&[b"manifests", label]).context("open the manifests")?;
        let lists = self.own(&[b"mhl", label]).context("open the media hash lists")?;
        let listed = lists.as_ref().map(manifest::runs_with_lists).transpose();
        Runs::load(manifests.as_ref(), listed.context("list the media hash lists")?.unwrap_or_default())
    }

    /// The label's folder; `None` before its first backup.
    ///
    /// # Errors
    /// When something else is in its place.
    pub fn tree(&self) -> anyhow::Result<Option<Dir>> {
        match self.root.sub(self.label.as_bytes()) {
            Ok(dir) => Ok(Some(dir)),
            Err(fault) if fault.kind() == FaultKind::Missing => Ok(None),
            Err(fault) => Err(Problem::failed(format!(
                "{}/{}: {fault}",
                visible(&self.path.to_string_lossy()),
                self.label
            ))
            .hint("it must be a plain folder on the drive itself")
            .into()),
        }
    }

    /// The folder that a file of the records lies in, and its name there. A place that begins with a slash is below the
    /// drive's root.
    ///
    /// # Errors
    /// When the folder is there and can't be opened.
    pub fn holding<'a>(&mut self, dest: &'a [u8]) -> Result<Held<'a>, Fault> {
        let (folder, name) = scan::split_path(dest);
        let at_root = folder.is_empty() && dest.starts_with(b"/");
        Ok(self.exact(if at_root { b"/" } else { folder })?.map(|dir| (dir, name)))
    }

    /// Tells whether a failed call says that the drive is gone or can't be used any further ([`Stop::of_drive`] tells why), and
    /// not that one folder can't be opened: no permission, or damaged.
    #[must_use]
    pub fn is_lost(&self, fault: Fault) -> bool {
        match fault.kind() {
            FaultKind::Gone | FaultKind::ReadOnly | FaultKind::Exhausted => true,
            FaultKind::Io => !self.root.device_present() || self.root.list().is_err(),
            _ => false,
        }
    }

    /// The folder of exactly this path below the label's folder; below the root where it begins with a slash.
    ///
    /// # Errors
    /// When it is there and can't be opened.
    pub fn exact(&mut self, path: &[u8]) -> Result<Option<Arc<Dir>>, Fault> {
        if let Some((cached, dir)) = &self.cached
            && cached == path
        {
            return Ok(Some(Arc::clone(dir)));
        }
        let top =
            if path.starts_with(b"/") { self.root.again() } else { self.root.sub(self.label.as_bytes()) };
        let mut at = match top {
            Ok(dir) => dir,
            Err(fault) if fault.kind() == FaultKind::Missing => return Ok(None),
            Err(fault) => return Err(fault),
        };
        for name in components(path) {
            match at.sub(name) {
                Ok(dir) => at = dir,
                Err(fault) => match fault.kind() {
                    // EINVAL: a name that this drive can't hold is not there.
                    FaultKind::Missing
                    | FaultKind::NotADirectory
                    | FaultKind::BadName
                    | FaultKind::Unsupported => {
                        return Ok(None);
                    }
                    _ => return Err(fault),
                },
            }
        }
        let dir = Arc::new(at);
        self.cached = Some((path.to_vec(), Arc::clone(&dir)));
        Ok(Some(dir))
    }

    /// Place where a folder of the card lies on the drive; `None` while it does not.
    ///
    /// # Errors
    /// When a folder can't be opened.
    pub fn find(&mut self, card_path: &[u8]) -> Result<Option<DestFolder>, Fault> {
        let kept = self.medium.keeps_ends() || !components(card_path).any(names::ends_badly);
        if kept && let Some(dir) = self.exact(card_path)? {
            return Ok(Some(DestFolder { dir, path: card_path.to_vec() }));
        }
        match self.resolve(card_path, None) {
            Ok(place) => Ok(Some(place)),
            Err(fault) if fault.kind() == FaultKind::Missing => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// The place of a folder of the card, made where it is missing. Folders that got a new name in them are added
    /// to `changed`, to be made durable with the batch.
    ///
    /// # Errors
    /// When the drive does not take it.
    pub fn make(&self, card_path: &[u8], changed: &mut Vec<Arc<Dir>>) -> Result<DestFolder, Fault> {
        self.resolve(card_path, Some(changed))
    }

    fn resolve(
        &self,
        card_path: &[u8],
        mut changed: Option<&mut Vec<Arc<Dir>>>,
    ) -> Result<DestFolder, Fault> {
        let mut at = Arc::new(self.root.sub(self.label.as_bytes())?);
        let mut path = Vec::new();
        for name in components(card_path) {
            let (sub, used) = step(&at, name, self.medium.keeps_ends(), changed.as_deref_mut())?;
            at = Arc::new(sub);
            path = scan::join(&path, &used);
        }
        Ok(DestFolder { dir: at, path })
    }

    fn look_at_case(&mut self) {
        let own = self.root.stat(OWN).ok().flatten();
        let other = self.root.stat(OWN.to_ascii_uppercase().as_slice()).ok().flatten();
        self.ignores_case = own.is_some() && own.map(|s| s.inode) == other.map(|s| s.inode);
    }
}

/// One folder deeper: under its own name, escaped where the drive can't hold it, with a suffix where a file or a
/// link is in the way.
fn step(
    at: &Arc<Dir>,
    name: &[u8],
    keeps_ends: bool,
    mut changed: Option<&mut Vec<Arc<Dir>>>,
) -> Result<(Dir, Vec<u8>), Fault> {
    let mut last = None;
    for k in 1..=FOLDER_VARIANTS {
        let plain = names::variant(name, k);
        for used in names::tried(plain, keeps_ends) {
            let answer = match changed.as_deref_mut() {
                Some(changed) => at.make_sub(&used).map(|(dir, made)| {
                    if made {
                        changed.push(Arc::clone(at));
                    }
                    dir
                }),
                None => at.sub(&used),
            };
            match answer {
                Ok(dir) => return Ok((dir, used)),
                Err(fault) => {
                    last = Some(fault);
                    match fault.kind() {
                        FaultKind::NotADirectory => break,
                        FaultKind::BadName | FaultKind::Unsupported | FaultKind::Missing => {}
                        _ => return Err(fault),
                    }
                }
            }
        }
        if last.is_some_and(|fault| fault.kind() != FaultKind::NotADirectory) {
            break;
        }
    }
    match last {
        Some(fault) => Err(fault),
        // The loop ran at least once and left without a folder only by a fault.
        None => at.sub(name).map(|dir| (dir, name.to_vec())),
    }
}

fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|b| *b == b'/').filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_run_s_own_temporary_files_are_its_own() {
        let run = "000003-20261123T120000Z-0123456789abcdef";
        let temp = temp_name(run, 7);
        assert_eq!(temp, b".piback-0123456789abcdef-00000007.tmp");
        assert!(is_temp_of(run, &temp));
        assert!(is_temp(&temp) && !is_temp(b".piback-0123456789abcdef-7.JPG") && !is_temp(b"IMG_0001.tmp"));
        for other in [
            &b".piback-0123456789abcdef-.tmp"[..],
            b".piback-0123456789abcdee-00000007.tmp",
            b"x.tmp",
            b".piback",
        ] {
            assert!(!is_temp_of(run, other));
        }
    }
}
