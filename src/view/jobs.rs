//! Jobs in a line or two each, as `status` shows them.

use crate::jobs::job::{Job, Phase, Verb};
use crate::ui::{self, Style, Ui, visible};

/// Jobs that are over and are shown.
const LATEST: usize = 3;

/// Shows those that run and wait, and the latest that are over.
pub fn show(ui: &Ui, jobs: &[Job]) {
    let under_way = jobs.iter().filter(|job| !job.state.is_over()).rev();
    let over = jobs.iter().filter(|job| job.state.is_over()).take(LATEST);
    for job in under_way.chain(over) {
        let (style, word) = word(job.state);
        let what = format!("{} of {}", job.verb.as_str(), visible(&job.label));
        ui.say(&format!("{}  {what}: {}", ui.paint(style, word), line(job)));
        job.hints.iter().filter(|_| job.error.is_some()).for_each(|hint| ui.say(&format!("      {hint}")));
    }
}

fn word(state: Phase) -> (Style, &'static str) {
    match state {
        Phase::Queued => (Style::Dim, "next"),
        Phase::Running | Phase::Stopping => (Style::Cyan, "runs"),
        Phase::Done => (Style::Green, "done"),
        Phase::Cancelled => (Style::Yellow, "stop"),
        Phase::NotSafe | Phase::Failed | Phase::Died => (Style::Red, "bad "),
    }
}

/// A job's place on its way, or how it ended.
fn line(job: &Job) -> String {
    if job.is_running() {
        let stopping = if job.state == Phase::Stopping { ", stopping" } else { "" };
        return format!("{}{stopping}", moving(job));
    }
    let when =
        job.ended.as_deref().map(|at| format!("{}, ", visible(&at.chars().take(16).collect::<String>())));
    format!("{}{}", when.unwrap_or_default(), ended(job))
}

fn moving(job: &Job) -> String {
    match &job.progress {
        Some(p) => {
            let left = p.seconds_left.map_or(String::new(), |s| format!(", {} left", ui::clock(s)));
            let (done, all) = (ui::bytes(p.bytes), ui::bytes(p.of_bytes));
            format!("{done} of {all} verified, {}/s{left}", ui::bytes(p.bytes_per_second))
        }
        None => "it begins".to_owned(),
    }
}

fn ended(job: &Job) -> String {
    if let Some(error) = &job.error {
        return visible(error);
    }
    let Some(result) = &job.result else {
        return match job.state {
            Phase::Queued => "waits for another job".to_owned(),
            Phase::Died => "it was killed; what was verified is safe".to_owned(),
            _ => "no account".to_owned(),
        };
    };
    let tally = |tally: crate::backup::events::Tally| {
        format!("{} ({})", ui::files(tally.files), ui::bytes(tally.bytes))
    };
    match (job.verb, job.state) {
        (Verb::Backup, Phase::Done) => {
            format!(
                "{} copied and verified, {} were safe",
                tally(result.verified),
                ui::files(result.already.files)
            )
        }
        (Verb::Verify, Phase::Done) => format!("{} as they were written", tally(result.verified)),
        // Whether it still is so, `safe-to-format` says: card and drive may have changed since.
        (Verb::SafeToFormat, Phase::Done) => {
            format!("every byte was on the drive then, {}", tally(result.verified))
        }
        (_, Phase::Cancelled) => format!("stopped, {} not reached", ui::files(result.not_safe.files)),
        _ => {
            let why = result.stopped.clone().or_else(|| result.not_safe_files.first().map(|f| f.why.clone()));
            let why = why.map_or(String::new(), |why| format!(": {}", visible(&why)));
            format!("{} not safe{why}", ui::files(result.not_safe.files))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::events::Tally;
    use crate::jobs::job::{Outcome, Progress};

    #[test]
    fn a_line_says_how_far_or_how_it_ended() {
        let mut job = Job::new("1".into(), Verb::Backup, "SD", &[]);
        assert_eq!(line(&job), "waits for another job");
        job.state = Phase::Running;
        assert_eq!(line(&job), "it begins");
        job.progress = Some(Progress {
            bytes: 1_000_000,
            of_bytes: 4_000_000,
            bytes_per_second: 1_000_000,
            seconds_left: Some(3),
            ..Progress::default()
        });
        assert_eq!(line(&job), "1.0 MB of 4.0 MB verified, 1.0 MB/s, 0:03 left");
        job.state = Phase::Done;
        job.ended = Some("2026-11-27T17:15:03.123Z".into());
        let verified = Tally { files: 2, bytes: 3_000_000 };
        job.result = Some(Outcome { verified, ..Outcome::default() });
        assert_eq!(line(&job), "2026-11-27T17:15, 2 files (3.0 MB) copied and verified, 0 files were safe");
        job.state = Phase::Died;
        job.error = Some("it was cut off\u{1b}".into());
        assert_eq!(line(&job), "2026-11-27T17:15, it was cut off\\u{1b}");
    }
}
