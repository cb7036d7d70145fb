//! Jobs that wait, begin, are stopped, and end.

use super::Inner;
use crate::jobs::claim::{Said, Scene};
use crate::jobs::fold;
use crate::jobs::job::{Job, Phase, Verb};
use crate::jobs::kept::scene;
use crate::jobs::places::Place;
use crate::jobs::protocol::{Answer, RefusalKind};
use crate::jobs::queue::{Cancelled, Placed};
use crate::jobs::runner::{Order, Stop, Told};
use crate::jobs::state::Claim;
use crate::jobs::store::{Stored, Text};
use crate::system::{clock, random};
use std::sync::{Arc, PoisonError};

/// Of a thread that looks and starts a job.
const STACK: usize = 1024 * 1024;

impl Inner {
    pub(super) fn start(inner: &Arc<Inner>, verb: Verb, label: &str, compare: bool) -> Answer {
        let cards = || inner.kept().world.cards_of(label);
        if cards() == 0 {
            // Plugged in a moment ago, perhaps.
            inner.look();
        }
        let shown = crate::ui::visible(label);
        if cards() > 1 && verb != Verb::Verify {
            let what = format!("more than one card is called {shown}, and only you can tell which is meant");
            return Answer::refused(RefusalKind::Busy, what, "unplug the others");
        }
        let on_a_drive = || inner.kept().drives.iter().any(|drive| drive.labels.iter().any(|l| l == label));
        let drives = inner.kept().world.drives.clone();
        let is_away = |drive: &Place| drive.path.is_none() && drive.kname.is_none();
        if verb == Verb::Verify && !drives.is_empty() && drives.iter().all(is_away) {
            let labels: Vec<String> = drives.iter().map(|drive| crate::ui::visible(&drive.label)).collect();
            let what = format!("{} is not plugged in", labels.join(", "));
            return Answer::refused(RefusalKind::Failed, what, "plug the drive in");
        }
        if cards() == 0 && !(verb == Verb::Verify && on_a_drive()) {
            let hint = "the labels stand in /api/v1/state, and in piback cards";
            return Answer::refused(RefusalKind::Unknown, format!("there is no card {shown}"), hint);
        }
        Inner::place(inner, verb, label, Order { kname: None, compare })
    }

    /// A card was plugged in: a backup of this very one.
    pub(super) fn insert(inner: &Arc<Inner>, kname: &str) -> Answer {
        inner.look();
        let label = {
            let kept = inner.kept();
            let card = kept.world.cards.iter().find(|card| card.kname.as_deref() == Some(kname));
            card.map(|card| card.label.clone())
        };
        match label {
            Some(label) => {
                let order = Order { kname: Some(kname.to_owned()), compare: false };
                Inner::place(inner, Verb::Backup, &label, order)
            }
            None => Answer::refused(RefusalKind::Unknown, "there is no such card", ""),
        }
    }

    fn place(inner: &Arc<Inner>, verb: Verb, label: &str, order: Order) -> Answer {
        let Ok(id) = random::bits() else {
            return Answer::refused(RefusalKind::Failed, "no random number", "");
        };
        let placed = {
            let kept = &mut *inner.kept();
            let drives: Vec<String> = kept.world.drives.iter().map(|d| d.label.clone()).collect();
            let (orders, alone) = (&kept.orders, kept.world.cards_of(label) < 2);
            // A label alone does not tell two cards apart.
            let is_same =
                |id: &str| match (&order.kname, orders.get(id).and_then(|other| other.kname.as_ref())) {
                    (Some(this), Some(other)) => this == other,
                    (Some(_), None) => alone,
                    (None, _) => true,
                };
            let placed = kept.queue.ask(&format!("{id:016x}"), verb, label, &drives, is_same);
            if let Placed::New(id) = &placed {
                kept.orders.insert(id.clone(), order);
            }
            placed
        };
        let (id, new) = match placed {
            Placed::New(id) => (id, true),
            Placed::Same(id) => (id, false),
            Placed::Full => {
                let hint = "wait for them, or stop some";
                return Answer::refused(RefusalKind::Busy, "too many jobs wait", hint);
            }
        };
        Inner::pump(inner);
        inner.job(&id, new)
    }

    pub(super) fn cancel(inner: &Arc<Inner>, id: &str) -> Answer {
        let now = clock::today().to_string();
        let (cancelled, stop) = {
            let mut kept = inner.kept();
            (kept.queue.cancel(id, &now), kept.stops.get(id).cloned())
        };
        match cancelled {
            Cancelled::Unknown => return no_such_job(),
            // Where its process is not there yet, whoever starts it sees that it shall stop.
            Cancelled::Ask => stop.iter().for_each(|stop| stop()),
            Cancelled::Dropped | Cancelled::Over => {}
        }
        inner.keep();
        inner.changed();
        inner.job(id, false)
    }

    pub(super) fn job(&self, id: &str, new: bool) -> Answer {
        let kept = self.kept();
        match kept.queue.get(id) {
            Some(job) => Answer::Job { job: Box::new(Job { stands: kept.stands(job), ..job.clone() }), new },
            None => no_such_job(),
        }
    }

    /// Takes up what an earlier process left: jobs that run are heard again, those that wait have their turn.
    pub(super) fn take_up(inner: &Arc<Inner>) {
        let Some(store) = &inner.store else { return };
        let stored = store.read(Text::Jobs).and_then(|text| Stored::parse(&text, &store.boot()));
        let Some(stored) = stored else { return };
        inner.kept().take_up(stored);
        let running: Vec<Job> = inner.kept().queue.all().filter(|job| job.is_running()).cloned().collect();
        for job in running {
            // What the world was before it is not known any more: it ends without a claim.
            match inner.runner.again(&job.id, Inner::told(inner, &job.id, None)) {
                Some(stop) => Inner::heard(inner, &job.id, stop),
                None => Inner::over(inner, &job.id, None, None),
            }
        }
        Inner::pump(inner);
    }

    /// Starts whatever may start now, each on a thread that first looks at the world.
    fn pump(inner: &Arc<Inner>) {
        let now = clock::today().to_string();
        loop {
            let Some(job) = inner.kept().queue.next(&now) else { break };
            let launched = Arc::clone(inner);
            let id = job.id.clone();
            // Before it begins: after a power cut it must be known that it did.
            inner.keep();
            let thread = std::thread::Builder::new().name("start".into()).stack_size(STACK);
            if thread.spawn(move || Inner::launch(&launched, &job)).is_err() {
                Inner::over(inner, &id, None, None);
            }
        }
        inner.keep();
        inner.changed();
    }

    fn launch(inner: &Arc<Inner>, job: &Job) {
        let world = inner.places.world();
        let (card, drives) = inner.look_at(&world, &job.label);
        let before = scene(job.verb, card.as_ref(), &drives);
        let id = &job.id;
        // Stopped before it began.
        if inner.kept().queue.get(id).is_none_or(|job| job.state != Phase::Running) {
            return Inner::over(inner, id, Some(5), before);
        }
        let order = inner.kept().orders.get(id).cloned().unwrap_or_default();
        inner.runner.tell(job);
        drop(inner.nobody_cares());
        match inner.runner.start(job, &order, &world, Inner::told(inner, id, before.clone())) {
            Ok(stop) => Inner::heard(inner, id, stop),
            Err(e) => {
                if let Some(job) = inner.kept().queue.get_mut(id) {
                    job.error = Some(format!("piback could not be started: {e}"));
                }
                Inner::over(inner, id, Some(1), before);
            }
        }
    }

    /// Whom a job's process tells.
    fn told(inner: &Arc<Inner>, id: &str, before: Option<Scene>) -> Told {
        let (lines, ended) = (Arc::clone(inner), Arc::clone(inner));
        let (line_id, end_id) = (id.to_owned(), id.to_owned());
        Told {
            line: Box::new(move |text| {
                if let Some(job) = lines.kept().queue.get_mut(&line_id) {
                    fold::line(job, text);
                }
                lines.changed();
            }),
            end: Box::new(move |code| Inner::over(&ended, &end_id, code, before)),
        }
    }

    /// A job's process is there.
    fn heard(inner: &Arc<Inner>, id: &str, stop: Stop) {
        let mut kept = inner.kept();
        match kept.queue.get(id).map(|job| job.state) {
            Some(Phase::Stopping) => stop(),
            Some(Phase::Running) => {}
            // It ended already.
            _ => return,
        }
        kept.stops.insert(id.to_owned(), stop);
    }

    /// A job's process ended: what it said is held against the world of before and after.
    fn over(inner: &Arc<Inner>, id: &str, code: Option<u8>, before: Option<Scene>) {
        // What it recorded is known before it is told that it is over.
        if let Some(drive) = inner.records() {
            let _ = inner.album.write().unwrap_or_else(PoisonError::into_inner).update(&drive);
        }
        let found = {
            let mut kept = inner.kept();
            kept.stops.remove(id);
            kept.queue.get_mut(id).map(|job| {
                fold::ended(job, code);
                job.ended = Some(clock::today().to_string());
                job.clone()
            })
        };
        if let Some(job) = found {
            inner.runner.tell(&job);
            let answer = match job.state {
                Phase::Done => Claim::Yes,
                Phase::NotSafe => Claim::No,
                _ => Claim::NotKnown,
            };
            let (card, drives) = inner.look_at(&inner.places.world(), &job.label);
            let after = scene(job.verb, card.as_ref(), &drives);
            let mut kept = inner.kept();
            if matches!(job.state, Phase::NotSafe | Phase::Failed | Phase::Died) {
                kept.take_back(&job.label);
            }
            if answer != Claim::NotKnown {
                let said = Said::new(&job.id, answer, before, after, job.verb == Verb::Backup);
                kept.said.insert((job.label.clone(), job.verb), said);
            }
            kept.looks.insert(job.label.clone(), (card, drives));
        }
        inner.keep();
        inner.runner.forget(id);
        inner.kept().care.forget();
        inner.look();
        Inner::pump(inner);
        Inner::care(inner);
    }

    /// Keeps jobs and claims beyond this process.
    fn keep(&self) {
        if let Some(store) = &self.store {
            let text = self.kept().stored(store.boot()).text();
            store.write(Text::Jobs, &text);
        }
    }
}

fn no_such_job() -> Answer {
    Answer::refused(RefusalKind::Unknown, "there is no such job", "the jobs stand in /api/v1/state")
}
