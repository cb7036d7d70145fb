//! The committer: what was written becomes durable, is read back from the medium, and only then gets its name.

use super::batch::{Batch, Pending};
use super::context::Context;
use super::read_back::ReadBack;
use super::result::Shared;
use crate::backup::digest::Digest;
use crate::backup::events::{Event, Tally};
use crate::backup::manifest::{FileRecord, Log, Record};
use crate::backup::reason::{Reason, Stop};
use crate::backup::{names, scan};
use crate::system::volume::{Dir, Fault, FaultKind, Stat};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// With fewer files than this, each is synced by itself instead of the whole file system.
const FEW: usize = 4;

/// So many names are tried for a file whose own was taken since the plan was made.
const NAME_TRIES: u32 = 1000;

/// Commits batch after batch, until the writer is done.
pub fn run(context: &Context<'_>, result: &Shared<'_>, writer: Receiver<Batch>, log: &mut Log) {
    let mut committer = Committer { context, result, log, read_back: ReadBack::new() };
    while let Ok(batch) = writer.recv() {
        let temps: Vec<(Arc<Dir>, Vec<u8>)> =
            batch.files.iter().map(|f| (Arc::clone(&f.place.dir), f.temp.clone())).collect();
        if result.drive_gone() {
            continue;
        }
        if let Err(stop) = committer.commit(batch) {
            result.stop(stop);
            for (dir, temp) in temps {
                // Published ones are not there under this name any more. What stays, the next run removes.
                let _ = dir.unlink(&temp);
            }
        }
    }
}

struct Committer<'a> {
    context: &'a Context<'a>,
    result: &'a Shared<'a>,
    log: &'a mut Log,
    read_back: ReadBack,
}

/// A file that was published, and what the manifest will say of it.
struct Done {
    job: u32,
    digest: Digest,
    /// Of the file on the card.
    stat: Stat,
    dest: Vec<u8>,
    record: Record,
    bad: Option<Reason>,
}

impl Committer<'_> {
    fn commit(&mut self, batch: Batch) -> Result<(), Stop> {
        let Batch { mut files, mut changed, .. } = batch;
        self.make_durable(&files).map_err(Stop::of_drive)?;
        self.context.pulse.beat();
        if !self.context.drive.root.is_at(&self.context.drive.path) {
            return Err(Stop::DriveReplaced);
        }
        let mut done = Vec::with_capacity(files.len());
        let answers = self.read_back.read(self.context, &mut files)?;
        for (file, answer) in files.into_iter().zip(answers) {
            match answer {
                None => done.extend(self.publish(file, &mut changed)?),
                Some(reason) => self.give_up(file, reason)?,
            }
            self.context.pulse.beat();
        }
        self.make_names_durable(&changed).map_err(Stop::of_drive)?;
        self.log.append(done.iter().map(|d| d.record.clone())).map_err(Stop::of_drive)?;
        let mut verified = Tally::default();
        for done in done {
            match done.bad {
                None => {
                    self.result.published(done.job, done.digest, done.stat, &done.dest);
                    verified.add(done.digest.len);
                }
                Some(reason) => self.result.failed(done.job, reason),
            }
        }
        self.context.watch.event(Event::Verified(verified));
        Ok(())
    }

    /// Data, sizes and times on the medium, its own cache flushed. The waits tell of a pulled drive on every file
    /// system; `syncfs` alone sends no flush on vfat, so that one file is synced in any case.
    fn make_durable(&self, files: &[Pending]) -> Result<(), Fault> {
        if self.context.drive.medium.syncfs && files.len() > FEW {
            self.context.drive.root.sync_all()?;
            for file in files {
                file.file.wait_writeback(0, 0)?;
                self.context.pulse.beat();
            }
            return files.last().map_or(Ok(()), |file| file.file.sync());
        }
        files.iter().try_for_each(|file| {
            self.context.pulse.beat();
            file.file.sync()
        })
    }

    /// Gives a verified file its name; the one that was planned, or the next that is free.
    fn publish(&self, file: Pending, changed: &mut Vec<Arc<Dir>>) -> Result<Option<Done>, Stop> {
        let at = self.context.jobs[file.job as usize];
        let entry = &self.context.card.files[at.file as usize];
        let path = self.context.card.path(entry);
        let own = self.context.card.name(entry);
        let partial = !file.end.bad.is_empty();
        if partial && let Some(kept) = self.kept_before(&path, &file) {
            let reason = Reason::BadRanges { bad: file.end.bad.clone(), kept: Some(kept) };
            self.give_up(file, reason)?;
            return Ok(None);
        }
        for k in at.k..at.k.saturating_add(NAME_TRIES) {
            let mut plain = names::variant(own, k);
            if partial {
                plain.extend_from_slice(b".partial");
            }
            let tried = names::tried(plain, self.context.drive.medium.keeps_ends());
            for name in &tried {
                match file.place.dir.rename(&file.temp, &file.place.dir, name) {
                    Ok(()) => {
                        if !changed.iter().any(|dir| Arc::ptr_eq(dir, &file.place.dir)) {
                            changed.push(Arc::clone(&file.place.dir));
                        }
                        return Ok(Some(done(file, &path, name)));
                    }
                    Err(fault) => match fault.kind() {
                        FaultKind::Exists => break,
                        // Escaped, the drive may take it.
                        FaultKind::BadName | FaultKind::Unsupported if Some(name) != tried.last() => {}
                        // exfat-fuse says so of characters that it does not take.
                        FaultKind::Missing if Some(name) != tried.last() && is_there(&file) => {}
                        _ => return self.refused(file, fault).map(|()| None),
                    },
                }
            }
        }
        self.give_up(file, Reason::Missing)?;
        Ok(None)
    }

    /// Place where an earlier run kept exactly this much of the file.
    fn kept_before(&self, path: &[u8], file: &Pending) -> Option<Vec<u8>> {
        let known = self.context.index.of_path(path).find(|known| {
            known.partial && known.hash == file.end.digest.hash && known.size == file.end.digest.len
        })?;
        let (folder, name) = scan::split_path(known.dest);
        let there = folder == file.place.path && file.place.dir.stat(name).ok().flatten()?.size == known.size;
        there.then(|| known.dest.to_vec())
    }

    fn refused(&self, file: Pending, fault: Fault) -> Result<(), Stop> {
        if fault.ends_the_drive() {
            return Err(Stop::of_drive(fault));
        }
        let reason = match fault.kind() {
            FaultKind::NoSpace => self.context.drive.no_room(fault),
            _ => Reason::Refused(fault),
        };
        self.give_up(file, reason)
    }

    fn give_up(&self, file: Pending, reason: Reason) -> Result<(), Stop> {
        let Pending { job, file, temp, place, .. } = file;
        drop(file);
        let removed = place.dir.unlink(&temp);
        self.result.failed(job, reason);
        match removed {
            Err(fault) if fault.ends_the_drive() => Err(Stop::of_drive(fault)),
            _ => Ok(()),
        }
    }

    fn make_names_durable(&self, changed: &[Arc<Dir>]) -> Result<(), Fault> {
        // vfat makes the new entry with size 0 and writes size and place into it with the inode, later (`vfat_rename` in
        // the kernel's fs/fat/namei_vfat.c). Syncing the folder alone would make just the empty entry durable.
        if self.context.drive.medium.syncfs && !changed.is_empty() {
            self.context.drive.root.sync_all()?;
        }
        let mut seen = HashSet::new();
        changed.iter().filter(|dir| seen.insert(dir.inode())).try_for_each(|dir| dir.sync())
    }
}

/// Tells whether the temporary file is where it was: a rename that finds nothing means the new name then.
fn is_there(file: &Pending) -> bool {
    file.place.dir.stat(&file.temp).is_ok_and(|stat| stat.is_some())
}

fn done(file: Pending, path: &[u8], name: &[u8]) -> Done {
    let dest = scan::join(&file.place.path, name);
    let (digest, stat) = (file.end.digest, file.end.stat);
    let record =
        FileRecord::new(path, &dest, digest.len, (stat.mtime, stat.ctime), digest.sample, digest.hash);
    let (record, bad) = if file.end.bad.is_empty() {
        (Record::File(record), None)
    } else {
        let reason = Reason::BadRanges { bad: file.end.bad.clone(), kept: Some(dest.clone()) };
        (Record::Partial { file: record, bad: file.end.bad }, Some(reason))
    };
    Done { job: file.job, digest, stat, dest, record, bad }
}
