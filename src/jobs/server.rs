//! Requests over a local socket: one JSON object a line, an answer for each; from a closed list, and from whom the kernel
//! says.

use super::control::Control;
use super::job::Job;
use super::protocol::{Answer, LONGEST, Line as Asked, RefusalKind, Request};
use crate::system::clock;
use crate::system::local::{Line, Listener, Peer};
use crate::system::rundir::{News, RunDir};
use std::io::ErrorKind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Connections at a time; each takes a thread.
const MOST: usize = 100;
/// Of a connection's thread: a state with many jobs is laid out on the heap.
const STACK: usize = 512 * 1024;
/// A client that asks nothing for so long is sent away, and so is one that takes nothing for so long.
const ASK_WITHIN: Duration = Duration::from_secs(60);
const TAKE_WITHIN: Duration = Duration::from_secs(10);
/// Time between two looks at what a job says, and the shortest between two words that something changed.
const EVERY: Duration = Duration::from_millis(250);
/// A watcher that went away is noticed after so long.
const STILL_THERE: Duration = Duration::from_secs(15);

/// Says of a client whether it may ask for anything: the socket knows groups alone.
pub type MayAsk = dyn Fn(Peer) -> bool + Send + Sync;

/// Changes, counted.
#[derive(Default)]
struct Changes {
    count: Mutex<u64>,
    more: Condvar,
}

/// Answers until nobody has asked, and nothing was busy, for `idle`; for ever without it.
///
/// `busy` says whether there is more to do than to answer.
pub fn serve(
    listener: &Listener,
    control: Arc<dyn Control>,
    idle: Option<Duration>,
    busy: &dyn Fn() -> bool,
    may_ask: Arc<MayAsk>,
) {
    let changes = Arc::new(Changes::default());
    let told = Arc::clone(&changes);
    control.watch(Box::new(move || told.more()));
    let connected = Arc::new(AtomicUsize::new(0));
    let mut quiet_since = clock::monotonic();
    loop {
        match listener.accept(idle.map_or(ASK_WITHIN, |idle| idle.min(Duration::from_secs(1)))) {
            Ok(Some(mut line)) if connected.load(Ordering::Relaxed) >= MOST => {
                let _ = line.patience(EVERY, EVERY);
                let full = Answer::refused(RefusalKind::Busy, "too many are connected", "try again");
                let _ = say(&mut line, &full);
            }
            Ok(Some(line)) => {
                connected.fetch_add(1, Ordering::Relaxed);
                let (control, changes) = (Arc::clone(&control), Arc::clone(&changes));
                let (left, may_ask) = (Arc::clone(&connected), Arc::clone(&may_ask));
                let thread = std::thread::Builder::new().name("client".into()).stack_size(STACK);
                let spawned = thread.spawn(move || {
                    converse(line, &*control, &changes, &*may_ask);
                    left.fetch_sub(1, Ordering::Relaxed);
                });
                if spawned.is_err() {
                    connected.fetch_sub(1, Ordering::Relaxed);
                }
            }
            Ok(None) => {}
            // Out of descriptors: those who go give some back.
            Err(_) => clock::sleep(EVERY),
        }
        let now = clock::monotonic();
        if connected.load(Ordering::Relaxed) > 0 || busy() {
            quiet_since = now;
        }
        if idle.is_some_and(|idle| now.saturating_sub(quiet_since) >= idle) {
            return;
        }
    }
}

/// One client, until it goes, is silent for too long, or says what is no line.
fn converse(mut line: Line, control: &dyn Control, changes: &Changes, may_ask: &MayAsk) {
    let Ok(peer) = line.peer() else { return };
    if line.patience(ASK_WITHIN, TAKE_WITHIN).is_err() {
        return;
    }
    loop {
        let text = match line.next(LONGEST) {
            Ok(Some(text)) => text,
            Ok(None) => return,
            Err(e) => {
                if e.kind() == ErrorKind::InvalidData {
                    let _ = say(&mut line, &Answer::refused(RefusalKind::Unknown, "this is too long", ""));
                }
                return;
            }
        };
        if !may_ask(peer) {
            let what = "this user may not ask for jobs";
            let _ = say(&mut line, &Answer::refused(RefusalKind::Denied, what, ""));
            return;
        }
        let goes_on = match Asked::parse(&text) {
            Ok(request) => answer(&mut line, &request, peer, control, changes),
            Err(why) => say(&mut line, &Answer::refused(RefusalKind::Unknown, why, "")),
        };
        if goes_on.is_err() {
            return;
        }
    }
}

fn answer(
    line: &mut Line,
    request: &Request,
    peer: Peer,
    control: &dyn Control,
    changes: &Changes,
) -> std::io::Result<()> {
    match request {
        Request::Insert { .. } if peer.uid != 0 => {
            let what = "only root may say what was plugged in";
            say(line, &Answer::refused(RefusalKind::Denied, what, ""))
        }
        Request::Watch => watch(line, changes),
        Request::Follow { id } => follow(line, id, control),
        Request::Open { id } => match control.open(id) {
            Some((picture, file)) => {
                line.send_with(&text(&Answer::Opened { picture: Box::new(picture) }), &file)
            }
            None => say(line, &Answer::refused(RefusalKind::Unknown, "there is no such photo", "")),
        },
        request => say(line, &control.ask(request)),
    }
}

fn watch(line: &mut Line, changes: &Changes) -> std::io::Result<()> {
    let mut seen = 0;
    loop {
        let now = changes.after(seen);
        // A word now and then, so that one that went away is noticed.
        say(line, if now == seen { &Answer::Done } else { &Answer::Changed })?;
        seen = now;
        clock::sleep(EVERY);
    }
}

/// A job's lines as they come, and its end.
fn follow(line: &mut Line, id: &str, control: &dyn Control) -> std::io::Result<()> {
    let mut follower = None;
    let mut silent = Duration::ZERO;
    loop {
        let job = match control.ask(&Request::Job { id: id.to_owned() }) {
            Answer::Job { job, .. } => job,
            other => return say(line, &other),
        };
        if follower.is_none() {
            follower = RunDir::existing(None).ok().flatten().and_then(|dir| dir.job(id).ok().flatten());
        }
        let news = follower.as_mut().and_then(|follower| follower.news().ok());
        let (lines, ended) = match news {
            Some(News::Lines(lines)) => (lines, job.state.is_over()),
            Some(News::Ended(lines, _) | News::Died(lines)) => (lines, true),
            None => (Vec::new(), job.state.is_over()),
        };
        for text in &lines {
            say(line, &Answer::Said { line: text.clone() })?;
        }
        if ended {
            return say(line, &Answer::Ended { exit_code: over(id, control, job).exit_code });
        }
        silent = if lines.is_empty() { silent + EVERY } else { Duration::ZERO };
        if silent >= STILL_THERE {
            silent = Duration::ZERO;
            say(line, &Answer::Done)?;
        }
        clock::sleep(EVERY);
    }
}

/// The job once whoever keeps it knows that it is over: what is said next of it must be the whole truth.
fn over(id: &str, control: &dyn Control, mut job: Box<Job>) -> Box<Job> {
    let begin = clock::monotonic();
    while !job.state.is_over() && clock::monotonic().saturating_sub(begin) < TAKE_WITHIN {
        clock::sleep(EVERY);
        if let Answer::Job { job: now, .. } = control.ask(&Request::Job { id: id.to_owned() }) {
            job = now;
        }
    }
    job
}

fn say(line: &mut Line, answer: &Answer) -> std::io::Result<()> {
    line.send(&text(answer))
}

fn text(answer: &Answer) -> String {
    // These types hold nothing that JSON can't carry.
    serde_json::to_string(answer).unwrap_or_default()
}

impl Changes {
    fn more(&self) {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        *count = count.wrapping_add(1);
        self.more.notify_all();
    }

    /// The count once it is another one, or after a while.
    fn after(&self, seen: u64) -> u64 {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.more.wait_timeout_while(count, STILL_THERE, |count| *count == seen);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::{folders, remote::Remote};
    use std::sync::atomic::AtomicBool;

    #[test]
    fn who_may_not_ask_is_told_so_whatever_it_asks() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("socket");
        let listener = Listener::bind(&path).unwrap();
        let keeper: Arc<dyn Control> = Arc::new(folders::keeper(Vec::new(), Vec::new(), false));
        let server = std::thread::spawn(move || {
            serve(&listener, keeper, Some(EVERY), &|| false, Arc::new(|peer| peer.uid == u32::MAX));
        });
        for wish in [Request::State { look: false }, Request::Invite, Request::Watch, Request::Look] {
            let answer = Remote::new(&path).ask(&wish);
            assert!(matches!(&answer, Answer::Refused(r) if r.kind == RefusalKind::Denied), "{answer:?}");
        }
        server.join().unwrap();
    }

    #[test]
    fn it_stays_while_somebody_is_there_or_something_runs_and_then_goes() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("socket");
        let listener = Listener::bind(&path).unwrap();
        let keeper: Arc<dyn Control> = Arc::new(folders::keeper(Vec::new(), Vec::new(), false));
        let runs = Arc::new(AtomicBool::new(true));
        let busy = Arc::clone(&runs);
        let server = std::thread::spawn(move || {
            serve(&listener, keeper, Some(EVERY), &|| busy.load(Ordering::Relaxed), Arc::new(|_| true));
        });
        clock::sleep(6 * EVERY);
        assert!(!server.is_finished(), "a job runs");
        let client = Line::connect(&path).unwrap();
        clock::sleep(2 * EVERY);
        runs.store(false, Ordering::Relaxed);
        clock::sleep(6 * EVERY);
        assert!(!server.is_finished(), "somebody is connected");
        drop(client);
        server.join().unwrap();
    }

    #[test]
    fn what_was_plugged_in_is_heard_from_root_alone() {
        let keeper = folders::keeper(Vec::new(), Vec::new(), false);
        let changes = Changes::default();
        let said = |uid| {
            let (mut here, mut there) = Line::pair().unwrap();
            let request = Request::Insert { kname: "sda1".into() };
            answer(&mut here, &request, Peer { uid, gid: 0, pid: 1 }, &keeper, &changes).unwrap();
            there.next(LONGEST).unwrap().unwrap()
        };
        assert!(said(1000).contains(r#""kind":"denied""#), "{}", said(1000));
        assert!(said(0).contains("there is no such card"), "{}", said(0));
    }
}
