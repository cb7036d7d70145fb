//! Everything that outlives whoever keeps the jobs: as texts, and where they lie.

use super::claim::Said;
use super::job::{Job, Phase, Verb};
use super::runner::Order;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The version of the jobs' text.
const SCHEMA: u32 = 1;
const CUT: &str = "it was cut off: the power went, or the appliance was started anew";
const NOT_BEGUN: &str = "it had not begun when the power went, or the appliance was started anew";

/// A text that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    /// Jobs and what they found.
    Jobs,
    /// Browsers that are let in.
    Guests,
    /// Invitations: no longer than this boot.
    Invitations,
}

/// The place where texts are kept.
pub trait Store: Send + Sync {
    /// The text as it was last kept; none where there is none, or it can't be read.
    fn read(&self, text: Text) -> Option<String>;

    /// Keeps a text. One that can't be kept is lost when this process ends.
    fn write(&self, which: Text, text: &str);

    /// This boot's id.
    fn boot(&self) -> String;
}

/// A job and the wish behind it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    #[serde(flatten)]
    pub job: Job,
    #[serde(default)]
    pub order: Order,
}

/// Jobs, the oldest first, and what is claimed by them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Stored {
    schema: u32,
    boot: String,
    pub jobs: Vec<Entry>,
    said: Vec<(String, Verb, Said)>,
}

impl Stored {
    /// The jobs as they stand now; a bar that moves is none of it.
    #[must_use]
    pub fn new<'a>(
        boot: String,
        jobs: impl Iterator<Item = (&'a Job, Order)>,
        said: &HashMap<(String, Verb), Said>,
    ) -> Self {
        let entry = |(job, order): (&Job, Order)| Entry { job: Job { progress: None, ..job.clone() }, order };
        let said = said.iter().map(|((label, verb), said)| (label.clone(), *verb, said.clone()));
        Stored { schema: SCHEMA, boot, jobs: jobs.map(entry).collect(), said: said.collect() }
    }

    /// The text to keep.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a text again; none where it is none, or a later version's. In another boot than its own, jobs that were not
    /// over are dead, and claims are about devices that have other numbers now.
    #[must_use]
    pub fn parse(text: &str, boot: &str) -> Option<Self> {
        let mut stored: Stored = serde_json::from_str(text).ok()?;
        if stored.schema != SCHEMA {
            return None;
        }
        if stored.boot != boot {
            stored.said.clear();
            for Entry { job, .. } in stored.jobs.iter_mut().filter(|entry| !entry.job.state.is_over()) {
                let why = if job.state == Phase::Queued { NOT_BEGUN } else { CUT };
                job.state = Phase::Died;
                job.error = Some(why.to_owned());
                job.hints = vec!["what was verified is safe; start it again".to_owned()];
            }
        }
        Some(stored)
    }

    /// Claims, by label and verb.
    pub fn said(&self) -> HashMap<(String, Verb), Said> {
        self.said.iter().map(|(label, verb, said)| ((label.clone(), *verb), said.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> String {
        let mut jobs = [Phase::Done, Phase::Running, Phase::Queued].map(|state| {
            let mut job = Job::new(format!("{:016x}", state as u8), Verb::Backup, "A", &["D".to_owned()]);
            job.state = state;
            job
        });
        jobs[1].progress = Some(Default::default());
        let order = Order { kname: Some("sda1".into()), compare: true };
        Stored::new("boot".into(), jobs.iter().map(|job| (job, order.clone())), &HashMap::new()).text()
    }

    #[test]
    fn in_the_same_boot_all_is_as_it_was() {
        let again = Stored::parse(&stored(), "boot").unwrap();
        let states: Vec<Phase> = again.jobs.iter().map(|entry| entry.job.state).collect();
        assert_eq!(states, [Phase::Done, Phase::Running, Phase::Queued]);
        assert_eq!(again.jobs[1].order.kname.as_deref(), Some("sda1"));
        assert_eq!(again.jobs[1].job.progress, None);
    }

    #[test]
    fn after_a_power_cut_what_was_under_way_is_dead_and_says_so() {
        let again = Stored::parse(&stored(), "another").unwrap();
        let told = |n: usize| (again.jobs[n].job.state, again.jobs[n].job.error.clone());
        assert_eq!(told(0), (Phase::Done, None));
        assert_eq!(told(1), (Phase::Died, Some(CUT.to_owned())));
        assert_eq!(told(2), (Phase::Died, Some(NOT_BEGUN.to_owned())));
    }

    /// An upgrade finds what the version before it left, with jobs that run and wait. This text is never changed; a new field
    /// has a value where it is not there.
    #[test]
    fn jobs_of_the_first_version_are_taken_up() {
        const FIRST: &str = r#"{"schema":1,"boot":"boot","jobs":[
            {"id":"0000000000000001","verb":"backup","label":"A","drives":["D"],"state":"running","started":"then",
             "ended":null,"scanned":null,"plan":null,"progress":null,"result":null,"error":null,"hints":[],
             "exit_code":null,"stands":false,"order":{"kname":"sda1","compare":true}},
            {"id":"0000000000000002","verb":"safe-to-format","label":"A","drives":["D"],"state":"queued","started":null,
             "ended":null,"scanned":null,"plan":null,"progress":null,"result":null,"error":null,"hints":[],
             "exit_code":null,"stands":false,"order":{"kname":null,"compare":false}}],
            "said":[["A","verify",{"job":"0000000000000000","answer":"yes","scene":{"card":0,"drives":[7]}}]]}"#;
        let again = Stored::parse(FIRST, "boot").unwrap();
        let told: Vec<_> = again.jobs.iter().map(|entry| (entry.job.verb, entry.job.state)).collect();
        assert_eq!(told, [(Verb::Backup, Phase::Running), (Verb::SafeToFormat, Phase::Queued)]);
        assert_eq!(again.jobs[0].order, Order { kname: Some("sda1".into()), compare: true });
        assert!(again.said().contains_key(&("A".to_owned(), Verb::Verify)));
    }

    #[test]
    fn nonsense_is_nothing() {
        for text in ["", "[]", "{}", r#"{"schema":2,"boot":"b","jobs":[],"said":[]}"#] {
            assert!(Stored::parse(text, "b").is_none(), "{text}");
        }
    }
}
