//! Who is next. Pure: ids and times are given.

use super::job::{Job, Phase, Verb};

/// Jobs that are over are kept up to this number, the newest.
const MOST_OVER: usize = 20;
/// More that wait make no sense: a card can wait once for each verb.
const MOST_WAITING: usize = 32;

/// Jobs in the order in which they were asked for.
#[derive(Debug, Default)]
pub struct Queue {
    jobs: Vec<Job>,
}

/// The fate of a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placed {
    New(String),
    /// The same verb for the same card waits or runs already: one job.
    Same(String),
    /// Too many wait.
    Full,
}

/// The thing to do about a cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// It waited, and does no more.
    Dropped,
    /// It runs: ask its process.
    Ask,
    /// It was over already.
    Over,
    Unknown,
}

impl Queue {
    /// All jobs, the newest first.
    pub fn all(&self) -> impl Iterator<Item = &Job> {
        self.jobs.iter().rev()
    }

    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Job> {
        self.jobs.iter().find(|job| job.id == id)
    }

    pub fn get_mut(&mut self, id: &str) -> Option<&mut Job> {
        self.jobs.iter_mut().find(|job| job.id == id)
    }

    /// Puts a job at the end, unless the same is on its way. `is_same` tells by its id whether one of this verb and label is
    /// about the same card.
    pub fn ask(
        &mut self,
        id: &str,
        verb: Verb,
        label: &str,
        drives: &[String],
        is_same: impl Fn(&str) -> bool,
    ) -> Placed {
        let under_way = || self.jobs.iter().filter(|job| !job.state.is_over());
        let same = |job: &&Job| job.verb == verb && job.label == label && is_same(&job.id);
        if let Some(same) = under_way().find(same) {
            return Placed::Same(same.id.clone());
        }
        if under_way().count() >= MOST_WAITING {
            return Placed::Full;
        }
        self.jobs.push(Job::new(id.to_owned(), verb, label, drives));
        self.forget();
        Placed::New(id.to_owned())
    }

    /// Puts a job of an earlier process at the end, as it was.
    pub fn take_up(&mut self, job: Job) {
        self.jobs.push(job);
        self.forget();
    }

    /// Marks the next job as running: the oldest that shares no card and no drive with one that runs, or that was asked
    /// for before it.
    pub fn next(&mut self, now: &str) -> Option<Job> {
        let shares = |a: &Job, b: &Job| a.label == b.label || a.drives.iter().any(|d| b.drives.contains(d));
        let free = |at: &usize| {
            let before = |(n, job): (usize, &Job)| {
                let in_the_way = match job.state {
                    Phase::Running | Phase::Stopping => true,
                    Phase::Queued => n < *at,
                    _ => false,
                };
                in_the_way && shares(job, &self.jobs[*at])
            };
            self.jobs[*at].state == Phase::Queued && !self.jobs.iter().enumerate().any(before)
        };
        let at = (0..self.jobs.len()).find(free)?;
        self.jobs[at].state = Phase::Running;
        self.jobs[at].started = Some(now.to_owned());
        Some(self.jobs[at].clone())
    }

    /// Takes back a wish.
    pub fn cancel(&mut self, id: &str, now: &str) -> Cancelled {
        match self.get_mut(id) {
            None => Cancelled::Unknown,
            Some(job) if job.state == Phase::Queued => {
                job.state = Phase::Cancelled;
                job.ended = Some(now.to_owned());
                Cancelled::Dropped
            }
            Some(job) if job.state.is_over() => Cancelled::Over,
            Some(job) => {
                job.state = Phase::Stopping;
                Cancelled::Ask
            }
        }
    }

    /// Says whether anything runs or waits.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.jobs.iter().any(|job| !job.state.is_over())
    }

    fn forget(&mut self) {
        let mut over = self.jobs.iter().filter(|job| job.state.is_over()).count();
        self.jobs.retain(|job| {
            let drop = job.state.is_over() && over > MOST_OVER;
            over -= usize::from(drop);
            !drop
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(queue: &mut Queue, id: &str, verb: Verb, label: &str, drive: &str) -> Placed {
        queue.ask(id, verb, label, &[drive.to_owned()], |_| true)
    }

    fn end(queue: &mut Queue, id: &str) {
        queue.get_mut(id).unwrap().state = Phase::Done;
    }

    #[test]
    fn the_same_card_twice_is_one_job() {
        let mut queue = Queue::default();
        assert_eq!(ask(&mut queue, "1", Verb::Backup, "A", "D"), Placed::New("1".into()));
        assert_eq!(ask(&mut queue, "2", Verb::Backup, "A", "D"), Placed::Same("1".into()));
        queue.next("now").unwrap();
        assert_eq!(ask(&mut queue, "3", Verb::Backup, "A", "D"), Placed::Same("1".into()));
        assert_eq!(ask(&mut queue, "4", Verb::Verify, "A", "D"), Placed::New("4".into()));
        end(&mut queue, "1");
        assert_eq!(ask(&mut queue, "5", Verb::Backup, "A", "D"), Placed::New("5".into()));
    }

    #[test]
    fn one_drive_takes_turns_and_two_do_not_wait_for_each_other() {
        let mut queue = Queue::default();
        for (id, label, drive) in [("1", "A", "D"), ("2", "B", "D"), ("3", "C", "E")] {
            ask(&mut queue, id, Verb::Backup, label, drive);
        }
        assert_eq!(queue.next("now").unwrap().id, "1");
        assert_eq!(queue.next("now").unwrap().id, "3");
        assert_eq!(queue.next("now"), None);
        end(&mut queue, "1");
        assert_eq!(queue.next("now").unwrap().id, "2");
        assert!(queue.is_busy());
    }

    #[test]
    fn what_waits_is_dropped_and_what_runs_is_asked() {
        let mut queue = Queue::default();
        ask(&mut queue, "1", Verb::Backup, "A", "D");
        ask(&mut queue, "2", Verb::Backup, "B", "D");
        queue.next("now").unwrap();
        assert_eq!(queue.cancel("2", "now"), Cancelled::Dropped);
        assert_eq!(queue.cancel("2", "now"), Cancelled::Over);
        assert_eq!(queue.cancel("1", "now"), Cancelled::Ask);
        assert_eq!(queue.get("1").unwrap().state, Phase::Stopping);
        assert_eq!(queue.cancel("9", "now"), Cancelled::Unknown);
        assert_eq!(queue.next("now"), None);
    }

    #[test]
    fn a_card_is_read_by_one_job_and_nobody_overtakes_who_waits_for_the_same() {
        let mut queue = Queue::default();
        let mut ask = |id: &str, verb, label: &str, drives: &[&str]| {
            let drives: Vec<String> = drives.iter().map(|drive| drive.to_string()).collect();
            queue.ask(id, verb, label, &drives, |_| true);
        };
        ask("1", Verb::Backup, "A", &["D"]);
        ask("2", Verb::SafeToFormat, "A", &["E"]);
        ask("3", Verb::Backup, "B", &["D", "F"]);
        ask("4", Verb::Backup, "C", &["F"]);
        assert_eq!(queue.next("now").unwrap().id, "1");
        assert_eq!(queue.next("now"), None, "2 wants the card, 3 the drive, and 4 waits behind 3");
        // One that finishes the files at hand still writes.
        assert_eq!(queue.cancel("1", "now"), Cancelled::Ask);
        assert_eq!(queue.next("now"), None, "it stops, and has not stopped");
        end(&mut queue, "1");
        assert_eq!(queue.next("now").unwrap().id, "2");
        assert_eq!(queue.next("now").unwrap().id, "3");
        assert_eq!(queue.next("now"), None);
    }

    #[test]
    fn so_many_wait_and_no_more() {
        let mut queue = Queue::default();
        for n in 0..MOST_WAITING {
            let id = n.to_string();
            assert_eq!(ask(&mut queue, &id, Verb::Backup, &id, "D"), Placed::New(id.clone()));
        }
        assert_eq!(ask(&mut queue, "x", Verb::Backup, "x", "D"), Placed::Full);
        assert_eq!(ask(&mut queue, "y", Verb::Backup, "0", "D"), Placed::Same("0".into()));
        queue.cancel("1", "now");
        assert_eq!(ask(&mut queue, "x", Verb::Backup, "x", "D"), Placed::New("x".into()));
    }

    #[test]
    fn memory_does_not_grow_with_jobs() {
        let mut queue = Queue::default();
        for n in 0..500 {
            let id = n.to_string();
            ask(&mut queue, &id, Verb::Backup, "A", "D");
            queue.next("now").unwrap();
            end(&mut queue, &id);
        }
        assert!(queue.all().count() <= MOST_OVER + 1);
        assert_eq!(queue.all().next().unwrap().id, "499");
    }
}
