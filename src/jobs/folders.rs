//! Jobs on plain folders: no root, no profile, no device.

use super::album::Album;
use super::claim::{Said, Scene};
use super::control::Control;
use super::job::{Job, Phase, Verb};
use super::kept::{Kept, scene};
use super::protocol::{Answer, OnePhoto, Picture, RefusalKind, Request, Wanted};
use super::queue::{Cancelled, Placed};
use super::state::{Claim, DriveState, State};
use super::world::{self, Look};
use super::{fold, records};
use crate::backup::label::Label;
use crate::system::child::{self, Child};
use crate::system::volume::{Dir, InFile};
use crate::system::{clock, process, random};
use crate::ui::JSON_SCHEMA;
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::Duration;

/// A look that ended so short a time ago is as good as a new one.
const FRESH: Duration = Duration::from_millis(250);
/// While a job runs, looks take at most one part in so many of the time: the card and the drive are wanted there.
const SHARE: u32 = 20;
/// Of a thread that looks and starts a job.
const STACK: usize = 1024 * 1024;

/// A folder and the label that it goes by: its name.
#[derive(Debug, Clone)]
pub struct Named {
    pub label: Label,
    pub path: PathBuf,
}

/// Folders that stand for cards and drives.
pub struct Folders {
    inner: Arc<Inner>,
}

struct Inner {
    cards: Vec<Named>,
    drives: Vec<Named>,
    allow_same: bool,
    kept: Mutex<Kept>,
    /// Of the first drive.
    album: RwLock<Album>,
    watcher: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// When the last look ended, and how long it took; held while one goes on.
    looked: Mutex<Option<(Duration, Duration)>>,
}

impl Folders {
    /// `allow_same` lets card and drive be one file system, to try things out.
    #[must_use]
    pub fn new(cards: Vec<Named>, drives: Vec<Named>, allow_same: bool) -> Self {
        let inner = Inner {
            cards,
            drives,
            allow_same,
            kept: Mutex::default(),
            album: RwLock::default(),
            watcher: OnceLock::new(),
            looked: Mutex::default(),
        };
        Folders { inner: Arc::new(inner) }
    }
}

impl Control for Folders {
    fn ask(&self, request: &Request) -> Answer {
        match request {
            Request::State { look } => {
                if *look {
                    self.inner.look();
                }
                Answer::State(Box::new(self.inner.state()))
            }
            Request::Start { verb, label } => Inner::start(&self.inner, *verb, label),
            Request::Job { id } => self.inner.job(id, false),
            Request::Cancel { id } => Inner::cancel(&self.inner, id),
            Request::Photos(wanted) => self.inner.photos(wanted),
            Request::Photo { id, wanted } => self.inner.photo(id, wanted),
        }
    }

    fn open(&self, id: &str) -> Option<(Picture, InFile)> {
        let album = self.inner.album.read().unwrap_or_else(PoisonError::into_inner);
        album.open(&self.inner.records()?, id)
    }

    fn watch(&self, changed: Box<dyn Fn() + Send + Sync>) {
        // The first one stays: there is one page.
        let _ = self.inner.watcher.set(changed);
    }

    fn look(&self) {
        self.inner.look();
    }
}

impl Inner {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        if let Some(watcher) = self.watcher.get() {
            watcher();
        }
    }

    fn records(&self) -> Option<Dir> {
        records::root(&self.drives.first()?.path)
    }

    /// Looks at everything; one look at a time, and none right after another.
    fn look(&self) {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = clock::monotonic();
        let busy = self.kept().queue.is_busy();
        let good_for = |took: Duration| if busy { FRESH.max(took * SHARE) } else { FRESH };
        if looked.is_some_and(|(at, took)| begin.saturating_sub(at) < good_for(took)) {
            return;
        }
        let drives: Vec<DriveState> = self.drives.iter().map(|drive| self.drive(drive)).collect();
        let labels: Vec<String> = {
            let kept = self.kept();
            let said = kept.said.keys().map(|(label, _)| label.clone());
            let mut labels: Vec<String> =
                self.cards.iter().map(|c| c.label.to_string()).chain(said).collect();
            labels.sort_unstable();
            labels.dedup();
            labels
        };
        let looks: HashMap<_, _> = labels.into_iter().map(|l| (l.clone(), self.look_at(&l))).collect();
        let changed = {
            let mut kept = self.kept();
            let changed = kept.looks != looks || kept.drives != drives;
            kept.looks = looks;
            kept.drives = drives;
            changed
        };
        let end = clock::monotonic();
        *looked = Some((end, end.saturating_sub(begin)));
        drop(looked);
        if changed {
            self.changed();
        }
    }

    /// A card and its folder on every drive, now.
    fn look_at(&self, label: &str) -> (Option<Look>, Vec<Option<Look>>) {
        let album = self.album.read().unwrap_or_else(PoisonError::into_inner);
        let card = self.cards.iter().find(|card| card.label.as_str() == label);
        let known = |path: &[u8], size: u64, mtime: i64| album.knows(label, path, size, mtime);
        let card = card.and_then(|card| world::card(&card.path, &known));
        (card, self.drives.iter().map(|drive| world::on_drive(&drive.path, label)).collect())
    }

    fn drive(&self, drive: &Named) -> DriveState {
        let label = drive.label.to_string();
        let Some(root) = records::root(&drive.path) else {
            return DriveState { label, ..DriveState::default() };
        };
        let space = root.space().ok();
        let mut state = DriveState {
            label,
            present: true,
            free: space.map_or(0, |s| s.free),
            total: space.map_or(0, |s| s.total),
            ..DriveState::default()
        };
        let mut album = self.album.write().unwrap_or_else(PoisonError::into_inner);
        if self.drives.first().is_some_and(|first| first.label == drive.label) {
            // What can't be read now is read the next time.
            let _ = album.update(&root);
            state.photos = album.len() as u64;
            state.damaged_records = album.damaged();
            state.labels = album.labels();
            state.runs = album.runs();
        }
        state
    }

    fn state(&self) -> State {
        let kept = self.kept();
        let cards = self.cards.iter().map(|card| kept.card(card.label.as_str(), self.allow_same)).collect();
        let jobs = kept.queue.all().map(|job| Job { stands: kept.stands(job), ..job.clone() }).collect();
        State {
            schema: JSON_SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: process::host_name(),
            cards,
            drives: kept.drives.clone(),
            jobs,
        }
    }

    fn start(inner: &Arc<Inner>, verb: Verb, label: &str) -> Answer {
        let on_a_card = inner.cards.iter().any(|card| card.label.as_str() == label);
        let on_a_drive = || {
            inner.look();
            inner.kept().drives.iter().any(|drive| drive.labels.iter().any(|l| l == label))
        };
        if !(on_a_card || verb == Verb::Verify && on_a_drive()) {
            let what = format!("there is no card {}", crate::ui::visible(label));
            return Answer::refused(RefusalKind::Unknown, what, "the labels stand in /api/v1/state");
        }
        let Ok(id) = random::bits() else {
            return Answer::refused(RefusalKind::Failed, "no random number", "");
        };
        let drives: Vec<String> = inner.drives.iter().map(|d| d.label.to_string()).collect();
        let placed = inner.kept().queue.ask(&format!("{id:016x}"), verb, label, &drives);
        let (id, new) = match placed {
            Placed::New(id) => (id, true),
            Placed::Same(id) => (id, false),
            Placed::Full => {
                return Answer::refused(
                    RefusalKind::Busy,
                    "too many jobs wait",
                    "wait for them, or stop some",
                );
            }
        };
        Inner::pump(inner);
        inner.job(&id, new)
    }

    fn cancel(inner: &Arc<Inner>, id: &str) -> Answer {
        let now = clock::today().to_string();
        let (cancelled, child) = {
            let mut kept = inner.kept();
            (kept.queue.cancel(id, &now), kept.children.get(id).cloned())
        };
        match cancelled {
            Cancelled::Unknown => {
                return Answer::refused(
                    RefusalKind::Unknown,
                    "there is no such job",
                    "the jobs stand in /api/v1/state",
                );
            }
            // Where its process is not there yet, whoever starts it sees that it shall stop.
            Cancelled::Ask => child.iter().for_each(Child::interrupt),
            Cancelled::Dropped | Cancelled::Over => {}
        }
        inner.changed();
        inner.job(id, false)
    }

    fn job(&self, id: &str, new: bool) -> Answer {
        let kept = self.kept();
        match kept.queue.get(id) {
            Some(job) => Answer::Job { job: Box::new(Job { stands: kept.stands(job), ..job.clone() }), new },
            None => Answer::refused(
                RefusalKind::Unknown,
                "there is no such job",
                "the jobs stand in /api/v1/state",
            ),
        }
    }

    fn photos(&self, wanted: &Wanted) -> Answer {
        let album = self.album.read().unwrap_or_else(PoisonError::into_inner);
        match self.records() {
            Some(drive) => Answer::Photos(album.page(&drive, wanted)),
            None => Answer::refused(RefusalKind::Failed, "the drive is not there", "plug it in"),
        }
    }

    fn photo(&self, id: &str, wanted: &Wanted) -> Answer {
        let album = self.album.read().unwrap_or_else(PoisonError::into_inner);
        let records = self.records();
        let found = records.as_ref().and_then(|drive| album.photo(drive, id, wanted));
        let (Some(records), Some((photo, newer, older))) = (records, found) else {
            return Answer::refused(RefusalKind::Unknown, "there is no such photo", "");
        };
        let has = |drive: &&Named| {
            records::root(&drive.path).is_some_and(|drive| album.is_on(&records, &photo.id, &drive))
        };
        let on = self.drives.iter().filter(has).map(|drive| drive.label.to_string()).collect();
        Answer::Photo(Box::new(OnePhoto { photo, on, of_drives: self.drives.len(), newer, older }))
    }

    /// Starts whatever may start now, each on a thread that first looks at the world.
    fn pump(inner: &Arc<Inner>) {
        let now = clock::today().to_string();
        loop {
            let Some(job) = inner.kept().queue.next(&now) else { break };
            let launched = Arc::clone(inner);
            let id = job.id.clone();
            let thread = std::thread::Builder::new().name("start".into()).stack_size(STACK);
            if thread.spawn(move || Inner::launch(&launched, &job)).is_err() {
                Inner::over(inner, &id, None, None);
            }
        }
        inner.changed();
    }

    fn launch(inner: &Arc<Inner>, job: &Job) {
        let (card, drives) = inner.look_at(&job.label);
        let before = scene(job.verb, card.as_ref(), &drives);
        let id = job.id.clone();
        // Stopped before it began.
        if inner.kept().queue.get(&id).is_none_or(|job| job.state != Phase::Running) {
            return Inner::over(inner, &id, Some(5), before);
        }
        let (told, ended) = (Arc::clone(inner), Arc::clone(inner));
        let (line_id, end_id, end_before) = (id.clone(), id.clone(), before.clone());
        let line = move |line: &str| {
            if let Some(job) = told.kept().queue.get_mut(&line_id) {
                fold::line(job, line);
            }
            told.changed();
        };
        let end = move |code| Inner::over(&ended, &end_id, code, end_before);
        match child::start(&inner.arguments(job), line, end) {
            Ok(child) => {
                let mut kept = inner.kept();
                match kept.queue.get(&id).map(|job| job.state) {
                    Some(Phase::Stopping) => child.interrupt(),
                    Some(Phase::Running) => {}
                    // It ended already.
                    _ => return,
                }
                kept.children.insert(id, child);
            }
            Err(e) => {
                if let Some(job) = inner.kept().queue.get_mut(&id) {
                    job.error = Some(format!("piback could not be started: {e}"));
                }
                Inner::over(inner, &id, Some(1), before);
            }
        }
    }

    fn arguments(&self, job: &Job) -> Vec<OsString> {
        let mut args: Vec<OsString> =
            vec![job.verb.as_str().into(), job.label.clone().into(), "--json".into()];
        let card = self.cards.iter().find(|card| card.label.as_str() == job.label);
        if let Some(card) = card.filter(|_| job.verb != Verb::Verify) {
            args.extend(["--source".into(), card.path.clone().into()]);
        }
        for drive in &self.drives {
            args.extend(["--dest".into(), drive.path.clone().into()]);
        }
        if self.allow_same && job.verb == Verb::SafeToFormat {
            args.push("--allow-same-filesystem".into());
        }
        args
    }

    /// A job's process ended: what it said is held against the world of before and after.
    fn over(inner: &Arc<Inner>, id: &str, code: Option<u8>, before: Option<Scene>) {
        // What it recorded is known before it is told that it is over.
        if let Some(drive) = inner.records() {
            let _ = inner.album.write().unwrap_or_else(PoisonError::into_inner).update(&drive);
        }
        let found = {
            let mut kept = inner.kept();
            kept.children.remove(id);
            kept.queue.get_mut(id).map(|job| {
                fold::ended(job, code);
                job.ended = Some(clock::today().to_string());
                job.clone()
            })
        };
        if let Some(job) = found {
            let answer = match job.state {
                Phase::Done => Claim::Yes,
                Phase::NotSafe => Claim::No,
                _ => Claim::NotKnown,
            };
            let (card, drives) = inner.look_at(&job.label);
            let after = scene(job.verb, card.as_ref(), &drives);
            let mut kept = inner.kept();
            if answer != Claim::NotKnown {
                let said = Said::new(&job.id, answer, before, after, job.verb == Verb::Backup);
                kept.said.insert((job.label.clone(), job.verb), said);
            }
            kept.looks.insert(job.label.clone(), (card, drives));
        }
        inner.look();
        Inner::pump(inner);
    }
}
