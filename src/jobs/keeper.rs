//! Keeps the jobs of some cards and drives: what there is, what was asked for, what is claimed.

mod appliance;
mod care;
mod guests;
mod turns;
mod uplink;

use super::album::Album;
use super::control::Control;
use super::door::Door;
use super::job::Job;
use super::kept::Kept;
use super::places::{Place, Places, World};
use super::protocol::{Answer, OnePhoto, Picture, RefusalKind, Request, Wanted};
use super::records;
use super::runner::Runner;
use super::state::{DriveState, State};
use super::store::{Store, Text};
use super::world::{self, Look};
use crate::system::volume::{Dir, InFile};
use crate::system::{clock, process};
use crate::ui::JSON_SCHEMA;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, TryLockError};
use std::time::Duration;

/// A look that ended so short a time ago is as good as a new one.
const FRESH: Duration = Duration::from_millis(250);
/// While a job runs, looks take at most one part in so many of the time: the card and the drive are wanted there.
const SHARE: u32 = 20;

/// The way in which jobs are kept.
#[derive(Debug, Clone, Default)]
pub struct Manner {
    /// Card and drive may be one file system, to try things out.
    pub allow_same: bool,
    /// The page's address, as a browser types it.
    pub page: Option<String>,
    /// It is an appliance, which can eject, be switched off and have its clock set.
    pub appliance: bool,
}

/// Keeps jobs.
pub struct Keeper {
    inner: Arc<Inner>,
}

struct Inner {
    places: Box<dyn Places>,
    runner: Box<dyn Runner>,
    store: Option<Box<dyn Store>>,
    allow_same: bool,
    page: Option<String>,
    appliance: bool,
    kept: Mutex<Kept>,
    door: Mutex<Door>,
    /// Of the first drive.
    album: RwLock<Album>,
    watcher: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// When the last look ended, and how long it took; held while one goes on.
    looked: Mutex<Option<(Duration, Duration)>>,
    /// Held while somebody looks how cards and drives are.
    caring: Mutex<()>,
    /// Held while the uplink is looked at or changed.
    uplink: Mutex<()>,
}

impl Keeper {
    /// Takes up what an earlier process left in `store`.
    #[must_use]
    pub fn new(
        places: Box<dyn Places>,
        runner: Box<dyn Runner>,
        store: Option<Box<dyn Store>>,
        manner: Manner,
    ) -> Self {
        let Manner { allow_same, page, appliance } = manner;
        let read = |text| store.as_ref().and_then(|store| store.read(text)).unwrap_or_default();
        let door = Door::from_texts(&read(Text::Guests), &read(Text::Invitations));
        let inner = Arc::new(Inner {
            places,
            runner,
            allow_same,
            page,
            appliance,
            kept: Mutex::default(),
            door: Mutex::new(door),
            album: RwLock::default(),
            watcher: OnceLock::new(),
            looked: Mutex::default(),
            caring: Mutex::default(),
            uplink: Mutex::default(),
            store,
        });
        Inner::take_up(&inner);
        Keeper { inner }
    }

    /// Says whether anything runs or waits.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.inner.kept().queue.is_busy()
    }
}

impl Control for Keeper {
    fn ask(&self, request: &Request) -> Answer {
        let inner = &self.inner;
        match request {
            Request::State { look } => {
                if *look {
                    self.look();
                }
                Answer::State(Box::new(inner.state()))
            }
            Request::Start { verb, label, compare } => Inner::start(inner, *verb, label, *compare),
            Request::Insert { kname } => Inner::insert(inner, kname),
            Request::Job { id } => inner.job(id, false),
            Request::Cancel { id } => Inner::cancel(inner, id),
            Request::Photos(wanted) => inner.photos(wanted),
            Request::Photo { id, wanted } => inner.photo(id, wanted),
            Request::Look => {
                self.look();
                Answer::Done
            }
            Request::Eject { label } => inner.eject(label.as_deref()),
            Request::Poweroff { stop_jobs } => Inner::poweroff(inner, *stop_jobs),
            Request::SetTime { seconds } => inner.set_time(*seconds),
            Request::Doctor => inner.doctor(),
            Request::Uplink => inner.uplink(),
            Request::Networks => inner.networks(),
            Request::Join { ssid, passphrase } => inner.join(ssid, passphrase.as_ref()),
            Request::ForgetNetwork { ssid } => inner.forget_network(ssid),
            Request::Invite => inner.invite(),
            Request::Enter { key, name } => inner.enter(key, name),
            Request::Known { secret } => Answer::Known { at: inner.door().session(secret) },
            Request::Guests => inner.guests(),
            Request::Forget { at } => inner.show_out(*at),
            // These need more than one answer, or a file beside it: whoever holds the connection sees to that.
            Request::Open { .. } | Request::Watch | Request::Follow { .. } => {
                Answer::refused(RefusalKind::Unknown, "not here", "")
            }
        }
    }

    fn open(&self, id: &str) -> Option<(Picture, InFile)> {
        self.inner.look_once();
        let album = self.inner.album.read().unwrap_or_else(PoisonError::into_inner);
        album.open(&self.inner.records()?, id)
    }

    fn watch(&self, changed: Box<dyn Fn() + Send + Sync>) {
        // The first one stays: there is one page.
        let _ = self.inner.watcher.set(changed);
    }

    fn look(&self) {
        self.inner.look();
        Inner::care(&self.inner);
    }
}

/// Waits for a turn; none where it does not come.
fn turn(of: &Mutex<()>, within: Duration) -> Option<MutexGuard<'_, ()>> {
    const EVERY: Duration = Duration::from_millis(50);
    let begin = clock::monotonic();
    loop {
        match of.try_lock() {
            Ok(turn) => return Some(turn),
            Err(TryLockError::Poisoned(turn)) => return Some(turn.into_inner()),
            Err(TryLockError::WouldBlock) if clock::monotonic().saturating_sub(begin) > within => {
                return None;
            }
            Err(TryLockError::WouldBlock) => clock::sleep(EVERY),
        }
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

    /// The first drive, if it is there.
    fn records(&self) -> Option<Dir> {
        let path = self.kept().world.drives.first()?.path.clone()?;
        records::root(&path)
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
        let world = self.places.world();
        let first = world.drives.first();
        let drives: Vec<DriveState> =
            world.drives.iter().map(|drive| self.drive(drive, first == Some(drive))).collect();
        let labels: Vec<String> = {
            let kept = self.kept();
            let said = kept.said.keys().map(|(label, _)| label.clone());
            let mut labels: Vec<String> = world.cards.iter().map(|c| c.label.clone()).chain(said).collect();
            labels.sort_unstable();
            labels.dedup();
            labels
        };
        let looks: HashMap<_, _> =
            labels.into_iter().map(|l| (l.clone(), self.look_at(&world, &l))).collect();
        let changed = {
            let mut kept = self.kept();
            let changed = kept.looks != looks || kept.drives != drives || kept.world != world;
            // A card is only read: one with other photos is another one.
            let content = |looks: &HashMap<String, (Option<Look>, Vec<Option<Look>>)>, card: &Place| {
                looks.get(&card.label).and_then(|(card, _)| card.as_ref()?.signature)
            };
            let is_other = |card: &&Place| content(&kept.looks, card) != content(&looks, card);
            let other: Vec<Place> = world.cards.iter().filter(is_other).cloned().collect();
            other.iter().for_each(|card| kept.care.is_another(card));
            (kept.looks, kept.drives, kept.world) = (looks, drives, world);
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
    fn look_at(&self, world: &World, label: &str) -> (Option<Look>, Vec<Option<Look>>) {
        let album = self.album.read().unwrap_or_else(PoisonError::into_inner);
        let known = |path: &[u8], size: u64, mtime: i64| album.knows(label, path, size, mtime);
        let card = world.card(label).and_then(|card| card.path.as_ref());
        let card = card.and_then(|path| world::card(path, &known));
        let on_drive = |drive: &Place| match (&drive.path, &drive.kname) {
            (Some(path), _) => world::on_drive(path, label),
            // One that is not plugged in has nothing; once it is, that is another world.
            (None, None) => Some(Look { signature: Some(0), ..Look::default() }),
            (None, Some(_)) => None,
        };
        (card, world.drives.iter().map(on_drive).collect())
    }

    fn drive(&self, drive: &Place, is_first: bool) -> DriveState {
        let label = drive.label.clone();
        let Some(root) = drive.path.as_ref().and_then(|path| records::root(path)) else {
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
        if is_first {
            let mut album = self.album.write().unwrap_or_else(PoisonError::into_inner);
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
        let cards = kept.world.cards.iter().map(|card| kept.card(card, self.allow_same)).collect();
        let drives = kept.drives.iter().zip(&kept.world.drives);
        let drives = drives.map(|(drive, place)| DriveState { health: kept.care.of(place), ..drive.clone() });
        let jobs = kept.queue.all().map(|job| Job { stands: kept.stands(job), ..job.clone() }).collect();
        State {
            schema: JSON_SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: process::host_name(),
            appliance: self.appliance,
            cards,
            drives: drives.collect(),
            jobs,
        }
    }

    /// Photos are asked for before anything else by a browser that comes back to them.
    fn look_once(&self) {
        if self.kept().world == World::default() {
            self.look();
        }
    }

    fn photos(&self, wanted: &Wanted) -> Answer {
        self.look_once();
        let album = self.album.read().unwrap_or_else(PoisonError::into_inner);
        match self.records() {
            Some(drive) => Answer::Photos(album.page(&drive, wanted)),
            None => Answer::refused(RefusalKind::Failed, "the drive is not there", "plug it in"),
        }
    }

    fn photo(&self, id: &str, wanted: &Wanted) -> Answer {
        self.look_once();
        let album = self.album.read().unwrap_or_else(PoisonError::into_inner);
        let records = self.records();
        let found = records.as_ref().and_then(|drive| album.photo(drive, id, wanted));
        let (Some(records), Some((photo, newer, older))) = (records, found) else {
            return Answer::refused(RefusalKind::Unknown, "there is no such photo", "");
        };
        let drives = self.kept().world.drives.clone();
        let has = |drive: &&Place| {
            let root = drive.path.as_ref().and_then(|path| records::root(path));
            root.is_some_and(|drive| album.is_on(&records, &photo.id, &drive))
        };
        let on = drives.iter().filter(has).map(|drive| drive.label.clone()).collect();
        Answer::Photo(Box::new(OnePhoto { photo, on, of_drives: drives.len(), newer, older }))
    }
}
