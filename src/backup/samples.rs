//! Samples of the card's files, many at once: a card answers each request late, and several in the time of one.

use super::digest;
use super::scan::{Card, File};
use super::source::Source;
use crate::system::volume::{Dir, Fault};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Files that are opened and read at the same time.
const AT_ONCE: usize = 16;

/// Files that are read before the first of them is looked at.
const WINDOW: usize = 512;

/// The two ends of a file as a number; `None` when it is not as long any more as it was.
type Answer = Result<Option<u64>, Fault>;

/// Samples that were read and not asked for yet, by index into the card's files.
#[derive(Debug, Default)]
pub struct Samples {
    ahead: HashMap<u32, Answer>,
    /// All that were read, where another drive will ask for them.
    kept: Option<HashMap<u32, Option<u64>>>,
}

/// A file to read, and its folder.
struct Task<'a> {
    at: u32,
    dir: Arc<Dir>,
    name: &'a [u8],
    size: u64,
}

impl Samples {
    /// None yet. With `keep` what was read once is never read again.
    #[must_use]
    pub fn new(keep: bool) -> Self {
        Samples { ahead: HashMap::new(), kept: keep.then(HashMap::new) }
    }

    /// The sample of the `at`-th file. Of the files that follow it those that `wanted` says yes to are read on the way, in
    /// the card's order, which is the order in which a camera wrote them.
    ///
    /// # Errors
    /// When the card can't read it.
    pub fn of(
        &mut self,
        at: u32,
        card: &Card,
        source: &mut Source,
        wanted: &mut dyn FnMut(&File) -> bool,
    ) -> Answer {
        if let Some(sample) = self.kept.as_ref().and_then(|kept| kept.get(&at)) {
            return Ok(*sample);
        }
        let answer = self.read_or_ahead(at, card, source, wanted);
        if let (Some(kept), Ok(sample)) = (&mut self.kept, answer) {
            kept.insert(at, sample);
        }
        answer
    }

    fn read_or_ahead(
        &mut self,
        at: u32,
        card: &Card,
        source: &mut Source,
        wanted: &mut dyn FnMut(&File) -> bool,
    ) -> Answer {
        if let Some(answer) = self.ahead.remove(&at) {
            return answer;
        }
        let first = at as usize;
        let mut tasks = vec![task(at, card, source)?];
        for (n, file) in card.files.iter().enumerate().skip(first + 1) {
            if tasks.len() == WINDOW {
                break;
            }
            let kept = self.kept.as_ref().is_some_and(|kept| kept.contains_key(&(n as u32)));
            if !kept && wanted(file) {
                match task(n as u32, card, source) {
                    Ok(task) => tasks.push(task),
                    // Asked again, and answered for, when it is this file's turn.
                    Err(_) => break,
                }
            }
        }
        self.ahead = read(&tasks);
        self.ahead.remove(&at).unwrap_or_else(|| one(&tasks[0]))
    }
}

fn task<'a>(at: u32, card: &'a Card, source: &mut Source) -> Result<Task<'a>, Fault> {
    let file = &card.files[at as usize];
    let dir = source.folder(&card.folders[file.folder as usize].path)?;
    Ok(Task { at, dir, name: card.name(file), size: file.size })
}

/// Reads until something can't be read: whether the whole card is gone has to be found out before more is asked of it.
fn read(tasks: &[Task<'_>]) -> HashMap<u32, Answer> {
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = || {
        let mut done = Vec::new();
        while !failed.load(Ordering::Relaxed)
            && let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed))
        {
            let answer = one(task);
            failed.fetch_or(answer.is_err(), Ordering::Relaxed);
            done.push((task.at, answer));
        }
        done
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (1..AT_ONCE.min(tasks.len())).map(|_| scope.spawn(work)).collect();
        let mut all: HashMap<u32, Answer> = work().into_iter().collect();
        for worker in workers {
            // What a worker did not answer is read when it is asked for.
            all.extend(worker.join().unwrap_or_default());
        }
        all
    })
}

fn one(task: &Task<'_>) -> Answer {
    let mut file = task.dir.read(task.name, false)?;
    let mut ends = [0; digest::SAMPLE * 2];
    let head = task.size.min(digest::SAMPLE as u64) as usize;
    let (at, tail) = digest::tail_range(task.size);
    // The end is on its way while the beginning is waited for.
    file.prefetch_ends(head, at, tail);
    if file.read_at(&mut ends[..head], 0)? != head || file.read_at(&mut ends[head..head + tail], at)? != tail
    {
        return Ok(None);
    }
    Ok(Some(digest::sample(&ends[..head + tail])))
}
