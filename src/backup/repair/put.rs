//! Good bytes onto a drive: copied, read back, and named once what is damaged is out of the way.

use super::bytes::{self, Trouble};
use super::origins::Origins;
use super::outcome::{Repaired, Repairs, Wanted};
use crate::backup::account::NotSafe;
use crate::backup::drive::{self, Drive, RESERVE};
use crate::backup::events::{Event, Tally, Watch};
use crate::backup::manifest::{FileRecord, Log, Record, to_text};
use crate::backup::reason::{Reason, Stop};
use crate::backup::source::{self, LARGE, PIECE};
use crate::backup::verify::place_text;
use crate::backup::{names, scan};
use crate::system::volume::{Buffer, Dir, Fault, FaultKind, FileKind};
use std::sync::Arc;

/// A batch ends with so many files or bytes: so much is copied again where a repair is cut off.
const BATCH_FILES: usize = 64;
const BATCH_BYTES: u64 = 256 * 1024 * 1024;

/// So many names are tried for a file whose own is another's.
const NAME_TRIES: u32 = 1000;

pub struct Putter<'a> {
    origins: &'a mut Origins,
    at: usize,
    run: &'a str,
    log: &'a mut Log,
    repairs: &'a mut Repairs,
    watch: &'a dyn Watch,
    buffer: Buffer,
    temps: u64,
    batch: Vec<Ready>,
}

/// A good copy under its temporary name in the label's folder, on the medium.
struct Ready {
    wanted: Wanted,
    /// Record that it lies beside the name that its record has.
    relocated: Option<Record>,
    temp: Vec<u8>,
    from: String,
    /// Content of its record, where it gets one.
    sample: u64,
    times: (i64, i64),
    dir: Arc<Dir>,
    name: Vec<u8>,
    /// Folder that the damaged file goes to: for people, and the open folder.
    aside: Option<(String, Dir)>,
}

/// A good copy that has no folder yet.
struct Copied {
    temp: Vec<u8>,
    from: String,
    sample: u64,
    times: (i64, i64),
}

impl Wanted {
    /// Takes the name that it gets in its folder. Where a record has it under another one, returns what tells of that.
    fn name_anew(&mut self, name: &[u8]) -> Option<Record> {
        let (folder, own) = scan::split_path(&self.place);
        if own == name {
            return None;
        }
        let to = scan::join(folder, name);
        let before = std::mem::replace(&mut self.dest, to.clone());
        self.place.clone_from(&to);
        self.recorded.then(|| Record::Relocated { dest: place_text(&before), to: place_text(&to) })
    }
}

impl Ready {
    /// Record in the manifest once it has its name.
    fn records(&self) -> Vec<Record> {
        let Wanted { path, dest, size, hash, recorded, .. } = &self.wanted;
        let file = (!recorded)
            .then(|| Record::File(FileRecord::new(path, dest, *size, self.times, self.sample, *hash)));
        let repaired = Record::Repaired { dest: place_text(dest), from: self.from.clone() };
        self.relocated.clone().into_iter().chain(file).chain([repaired]).collect()
    }
}

impl<'a> Putter<'a> {
    pub fn new(
        origins: &'a mut Origins,
        at: usize,
        run: &'a str,
        log: &'a mut Log,
        repairs: &'a mut Repairs,
        watch: &'a dyn Watch,
    ) -> Self {
        let (buffer, batch) = (Buffer::new(PIECE), Vec::new());
        Putter { origins, at, run, log, repairs, watch, buffer, temps: 0, batch }
    }

    /// Brings back what can be; the rest is named.
    ///
    /// # Errors
    /// When the drive takes nothing more, or a stop was asked for.
    pub fn all(&mut self, wanted: Vec<Wanted>) -> Result<(), Stop> {
        let mut bytes = 0;
        let mut result = Ok(());
        for one in wanted {
            if self.watch.stop_requested() {
                result = Err(Stop::Asked);
                break;
            }
            bytes += one.size;
            if let Err(stop) = self.bring(one) {
                result = Err(stop);
                break;
            }
            if self.batch.len() >= BATCH_FILES || bytes >= BATCH_BYTES {
                self.commit()?;
                bytes = 0;
            }
        }
        match result {
            // What is on the medium already gets its name.
            Ok(()) | Err(Stop::Asked) => self.commit().and(result),
            stop => stop,
        }
    }

    fn bring(&mut self, wanted: Wanted) -> Result<(), Stop> {
        let path = to_text(&wanted.dest);
        self.watch.event(Event::Comparing { path, bytes: wanted.size });
        let space = self.drive().root.space().map_err(Stop::of_drive)?;
        if space.free < wanted.size.saturating_add(RESERVE) {
            self.failed(&wanted, Reason::NoSpace);
            return Ok(());
        }
        match self.copy(&wanted) {
            Ok(Some(copied)) => self.ready(wanted, copied),
            Ok(None) => {
                self.failed(&wanted, Reason::NoGoodCopy);
                Ok(())
            }
            Err(Trouble::Stopped) => Err(Stop::Asked),
            Err(Trouble::Write(fault)) if self.drive().is_lost(fault) => Err(Stop::of_drive(fault)),
            Err(Trouble::Write(fault)) if fault.kind() == FaultKind::NoSpace => {
                self.failed(&wanted, Reason::NoSpace);
                Ok(())
            }
            Err(Trouble::Write(fault)) => {
                self.failed(&wanted, Reason::Refused(fault));
                Ok(())
            }
            Err(Trouble::Read) => {
                self.failed(&wanted, Reason::NoGoodCopy);
                Ok(())
            }
        }
    }

    /// Copies the content from the first place that has it.
    fn copy(&mut self, wanted: &Wanted) -> Result<Option<Copied>, Trouble> {
        let tree = self.tree().map_err(Trouble::Write)?;
        for place in self.origins.of(self.at, wanted) {
            let Some(mut from) = self.origins.open(&place, wanted.size) else { continue };
            let temp = drive::temp_name(self.run, self.temps);
            self.temps += 1;
            let mut out = tree.create(&temp).map_err(Trouble::Write)?;
            // No card's file has such a change time: a record that a list alone made proves nothing by times.
            let times = wanted.times.unwrap_or((from.opened().mtime, i64::MIN));
            let written =
                bytes::write(&mut from, &mut out, (wanted.size, times.0), &mut self.buffer, self.watch);
            drop(out);
            let mut sample = 0;
            let good = match written {
                Ok(digest) if (digest.hash, digest.len) == (wanted.hash, wanted.size) => {
                    sample = digest.sample;
                    self.is_on_medium(&tree, &temp, wanted).map_err(Trouble::Write)
                }
                Ok(digest) => {
                    self.origins.was(&place, digest.hash);
                    Ok(false)
                }
                Err(Trouble::Read) => {
                    self.origins.cant_be_read(&place);
                    Ok(false)
                }
                Err(other) => Err(other),
            };
            match good {
                Ok(true) => return Ok(Some(Copied { temp, from: self.origins.name(&place), sample, times })),
                // If this fails the drive is gone, and the next run removes the file.
                other => drop((tree.unlink(&temp), other?)),
            }
        }
        Ok(None)
    }

    /// Reads the new copy back from the medium.
    fn is_on_medium(&mut self, tree: &Dir, temp: &[u8], wanted: &Wanted) -> Result<bool, Fault> {
        let mut file = tree.read(temp, wanted.size >= LARGE)?;
        let digest = match source::digest(&mut file, &mut self.buffer) {
            Ok(digest) => digest,
            Err(fault) if self.drive().is_lost(fault) => return Err(fault),
            Err(_) => None,
        };
        Ok(digest.is_some_and(|digest| (digest.hash, digest.len) == (wanted.hash, wanted.size)))
    }

    /// Finds the folder and the name that a good copy gets, and where what is damaged goes.
    fn ready(&mut self, mut wanted: Wanted, copied: Copied) -> Result<(), Stop> {
        let mut changed = Vec::new();
        let place = self.folder(&wanted.place, &mut changed).and_then(|dir| {
            changed.iter().try_for_each(|dir: &Arc<Dir>| dir.sync())?;
            let name = scan::split_path(&wanted.place).1.to_vec();
            Ok((dir.stat(&name)?, dir, name))
        });
        let result = place.and_then(|(there, dir, name)| match there {
            None => Ok(Some((dir, name, None))),
            Some(stat) if wanted.aside && stat.kind == FileKind::File => {
                let aside = self.aside(&wanted.place)?;
                Ok(Some((dir, name, Some(aside))))
            }
            // A folder, or a file that is not known to be this one: the photo goes beside it.
            Some(_) => Ok(free_name(&dir, &name)?.map(|name| (dir, name, None))),
        });
        match result {
            Ok(Some((dir, name, aside))) => {
                let Copied { temp, from, sample, times } = copied;
                let relocated = wanted.name_anew(&name);
                self.batch.push(Ready { wanted, relocated, temp, from, sample, times, dir, name, aside });
                Ok(())
            }
            Ok(None) => self.drop_temp(&wanted, &copied.temp, Reason::Missing),
            Err(fault) if self.drive().is_lost(fault) => Err(Stop::of_drive(fault)),
            Err(fault) => self.drop_temp(&wanted, &copied.temp, Reason::Refused(fault)),
        }
    }

    /// Gives the batch's files their names.
    fn commit(&mut self) -> Result<(), Stop> {
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() {
            return Ok(());
        }
        if !self.drive().root.is_at(&self.drive().path) {
            return Err(Stop::DriveReplaced);
        }
        let asides = batch.iter().filter_map(|ready| {
            let (to, _) = ready.aside.as_ref()?;
            Some(Record::Aside { dest: place_text(&ready.wanted.place), to: to.clone() })
        });
        self.log.append(asides).map_err(Stop::of_drive)?;
        self.put_aside(&batch).map_err(Stop::of_drive)?;
        let tree = self.tree().map_err(Stop::of_drive)?;
        let mut done = Vec::new();
        for ready in batch {
            match tree.rename(&ready.temp, &ready.dir, &ready.name) {
                Ok(()) => done.push(ready),
                Err(fault) if fault.ends_the_drive() => return Err(Stop::of_drive(fault)),
                Err(fault) => {
                    self.put_back(&ready);
                    self.drop_temp(&ready.wanted, &ready.temp, Reason::Refused(fault))?;
                }
            }
        }
        let dirs: Vec<&Dir> = done.iter().map(|ready| &*ready.dir).chain([&tree]).collect();
        self.make_names_durable(&dirs).map_err(Stop::of_drive)?;
        self.log.append(done.iter().flat_map(Ready::records)).map_err(Stop::of_drive)?;
        for ready in done {
            self.watch.event(Event::Checked(Tally { files: 1, bytes: ready.wanted.size }));
            self.repairs.repaired.push(Repaired {
                path: to_text(&ready.wanted.dest),
                bytes: ready.wanted.size,
                from: ready.from,
                damaged: ready.aside.map(|(to, _)| to),
            });
        }
        Ok(())
    }

    /// Moves what is damaged out of the way, durably, before a good copy takes its name.
    fn put_aside(&self, batch: &[Ready]) -> Result<(), Fault> {
        let mut dirs = Vec::new();
        for ready in batch {
            let Some((_, aside)) = &ready.aside else { continue };
            match ready.dir.rename(&ready.name, aside, &ready.name) {
                Err(fault) if fault.ends_the_drive() => return Err(fault),
                // Where it stays, the good copy can't have its name, and that is said.
                _ => {}
            }
            dirs.extend([&*ready.dir, aside]);
        }
        if dirs.is_empty() { Ok(()) } else { self.make_names_durable(&dirs) }
    }

    /// Gives a damaged file its name back where the good copy can't have it.
    fn put_back(&self, ready: &Ready) {
        if let Some((_, aside)) = &ready.aside {
            // If this fails, it stays where the record says.
            let _ = aside.rename(&ready.name, &ready.dir, &ready.name);
        }
    }

    fn make_names_durable(&self, dirs: &[&Dir]) -> Result<(), Fault> {
        // As in the copy: on vfat the folder's sync alone would make an empty entry durable.
        if self.drive().medium.syncfs {
            self.drive().root.sync_all()?;
        }
        let mut seen = std::collections::HashSet::new();
        dirs.iter().filter(|dir| seen.insert(dir.inode())).try_for_each(|dir| dir.sync())
    }

    /// Opens the folder of a place, and makes what is missing of it.
    fn folder(&self, place: &[u8], changed: &mut Vec<Arc<Dir>>) -> Result<Arc<Dir>, Fault> {
        let mut at =
            Arc::new(if place.starts_with(b"/") { self.drive().root.again()? } else { self.tree()? });
        for name in parts(scan::split_path(place).0) {
            let (sub, made) = at.make_sub(name)?;
            if made {
                changed.push(Arc::clone(&at));
            }
            at = Arc::new(sub);
        }
        Ok(at)
    }

    /// The folder below `.piback/damaged/RUN/` for what lies at this place, and its path there.
    fn aside(&self, place: &[u8]) -> Result<(String, Dir), Fault> {
        let label = self.drive().label.as_bytes();
        let mut path: Vec<&[u8]> = vec![b"damaged", self.run.as_bytes()];
        path.extend((!place.starts_with(b"/")).then_some(label));
        let (folder, name) = scan::split_path(place);
        path.extend(parts(folder));
        let dir = self.drive().make_own(&path)?;
        path.push(name);
        let whole = [drive::OWN, b"/", path.join(&b'/').as_slice()].concat();
        Ok((to_text(&whole), dir))
    }

    fn drop_temp(&mut self, wanted: &Wanted, temp: &[u8], reason: Reason) -> Result<(), Stop> {
        self.failed(wanted, reason);
        match self.tree().and_then(|tree| tree.unlink(temp)) {
            Err(fault) if fault.ends_the_drive() => Err(Stop::of_drive(fault)),
            _ => Ok(()),
        }
    }

    fn failed(&mut self, wanted: &Wanted, reason: Reason) {
        self.repairs.failed.push(NotSafe { path: to_text(&wanted.dest), size: wanted.size, reason });
    }

    fn tree(&self) -> Result<Dir, Fault> {
        self.drive().root.sub(self.drive().label.as_bytes())
    }

    fn drive(&self) -> &Drive {
        &self.origins.sides[self.at].drive
    }
}

/// The first name beside a taken one that is free.
fn free_name(dir: &Dir, name: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
    for k in 2..NAME_TRIES {
        let other = names::variant(name, k);
        if dir.stat(&other)?.is_none() {
            return Ok(Some(other));
        }
    }
    Ok(None)
}

fn parts(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|b| *b == b'/').filter(|part| !part.is_empty())
}
