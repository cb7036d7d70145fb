//! A job's state, folded from the lines that `--json` prints (docs/BACKUP.md). Pure.
//!
//! A line that is not understood changes nothing: a newer piback may say more.

use super::job::{BadFile, Job, Outcome, Phase, Plan, Progress};
use crate::backup::events::{Side, Tally};
use serde::Deserialize;
use serde_json::Value;

/// So many files that are not safe are kept by name; the number of all of them is.
pub const MOST_NAMED: usize = 200;

#[derive(Deserialize)]
struct Moving {
    files: u64,
    bytes: u64,
    of_files: u64,
    of_bytes: u64,
    position_bytes: u64,
    bytes_per_second: u64,
    #[serde(default)]
    current: String,
    #[serde(default)]
    slower: Option<Side>,
}

/// Takes in one line.
pub fn line(job: &mut Job, line: &str) {
    let Ok(value) = serde_json::from_str::<Value>(line) else { return };
    if let Some(error) = value.get("error").and_then(Value::as_str) {
        job.error = Some(error.to_owned());
        job.hints = strings(&value, "hints");
        return;
    }
    match value.get("event").and_then(Value::as_str) {
        Some("scanned") => job.scanned = serde_json::from_value(value).ok(),
        Some("planned") => job.plan = serde_json::from_value::<Plan>(value).ok(),
        Some("progress") => {
            if let Ok(moving) = serde_json::from_value::<Moving>(value) {
                job.progress = Some(moving.into());
            }
        }
        Some("stopping") if job.state == Phase::Running => job.state = Phase::Stopping,
        Some("account") => {
            let already = tally(&value, "already_safe");
            let verified = tally(&value, "copied");
            job.result =
                Some(Outcome { already, ..outcome(&value, "safe", "on_card", verified, "not_safe_files") });
        }
        Some("answer") => {
            let verified = tally(&value, "on_drive");
            job.result = Some(outcome(&value, "safe_to_format", "on_card", verified, "not_safe_files"));
        }
        Some("verdict") => {
            let verified = tally(&value, "verified");
            let mut result = outcome(&value, "good", "recorded", verified, "bad_files");
            result.notes.extend(strings(&value, "damaged_manifests"));
            job.result = Some(result);
        }
        _ => {}
    }
}

/// The process ended with this code; none when a signal killed it. `good` needs both the code and the account: one
/// without the other is no good end.
pub fn ended(job: &mut Job, code: Option<u8>) {
    let asked = job.state == Phase::Stopping;
    let good = job.result.as_ref().is_some_and(|r| r.good);
    job.exit_code = code;
    job.state = match code {
        Some(0) if good => Phase::Done,
        // A signal before it could listen to one ends it too.
        Some(5) | None if asked => Phase::Cancelled,
        Some(5) => Phase::NotSafe,
        None => Phase::Died,
        Some(_) => Phase::Failed,
    };
    if job.state == Phase::Failed && job.error.is_none() {
        job.error = Some("it ended without an account".to_owned());
    }
    // A bar that stands still would look as if it moved.
    job.progress = None;
}

impl From<Moving> for Progress {
    fn from(m: Moving) -> Self {
        let left = m.of_bytes.saturating_sub(m.position_bytes);
        Progress {
            files: m.files,
            bytes: m.bytes,
            of_files: m.of_files,
            of_bytes: m.of_bytes,
            position_bytes: m.position_bytes.min(m.of_bytes),
            bytes_per_second: m.bytes_per_second,
            seconds_left: left.checked_div(m.bytes_per_second),
            slower: m.slower,
            current: m.current,
        }
    }
}

fn outcome(value: &Value, good: &str, all: &str, verified: Tally, bad: &str) -> Outcome {
    let files = value.get(bad).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let named = |file: &Value| {
        Some(BadFile {
            path: file.get("path")?.as_str()?.to_owned(),
            bytes: file.get("bytes").and_then(Value::as_u64).unwrap_or(0),
            why: file.get("why")?.as_str()?.to_owned(),
        })
    };
    let stopped = value.get("stopped").and_then(Value::as_str);
    let is_left = |file: &&Value| stopped.is_some() && file.get("why").and_then(Value::as_str) == stopped;
    let left = files.iter().filter(is_left).count() as u64;
    let bytes = files.iter().filter_map(|f| f.get("bytes")?.as_u64()).fold(0, u64::saturating_add);
    Outcome {
        good: value.get(good).and_then(Value::as_bool).unwrap_or(false),
        all: tally(value, all),
        already: Tally::default(),
        from_records: tally(value, "from_records"),
        verified,
        not_safe: Tally { files: files.len() as u64, bytes },
        not_safe_files: files.iter().take(MOST_NAMED).filter_map(named).collect(),
        not_reached: value.get("not_reached_files").and_then(Value::as_u64).unwrap_or(left),
        healed: value.get("healed").and_then(Value::as_array).map_or(0, |names| names.len() as u64),
        renamed: value.get("renamed").and_then(Value::as_array).map_or(0, |r| r.len() as u64),
        skipped: strings(value, "skipped"),
        stopped: stopped.map(str::to_owned),
        sentence: value.get("sentence").and_then(Value::as_str).unwrap_or_default().to_owned(),
        notes: strings(value, "notes"),
    }
}

fn tally(value: &Value, name: &str) -> Tally {
    value.get(name).and_then(|v| Tally::deserialize(v).ok()).unwrap_or_default()
}

fn strings(value: &Value, name: &str) -> Vec<String> {
    let list = value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::job::Verb;

    fn running(verb: Verb) -> Job {
        let mut job = Job::new("1".into(), verb, "SD", &["PHOTOS".to_owned()]);
        job.state = Phase::Running;
        job
    }

    #[test]
    fn a_backup_from_its_first_line_to_its_last() {
        let mut job = running(Verb::Backup);
        for text in [
            r#"{"schema":1,"command":"backup","event":"begin","label":"SD"}"#,
            r#"{"schema":1,"command":"backup","event":"scanned","files":3,"bytes":300}"#,
            r#"{"schema":1,"command":"backup","event":"planned","safe":{"files":1,"bytes":100},"copy":{"files":2,"bytes":200},"free":900,"short":0}"#,
            r#"{"schema":1,"command":"backup","event":"progress","files":1,"bytes":100,"of_files":2,"of_bytes":200,"written_bytes":150,"position_bytes":120,"bytes_per_second":40,"current":"DCIM/a.jpg","slower":"card"}"#,
        ] {
            line(&mut job, text);
        }
        let progress = job.progress.clone().unwrap();
        assert_eq!(
            (progress.bytes, progress.seconds_left, progress.slower),
            (100, Some(2), Some(Side::Card))
        );
        assert_eq!(job.plan.unwrap().copy.files, 2);
        line(
            &mut job,
            r#"{"schema":1,"command":"backup","event":"account","label":"SD","safe":true,"on_card":{"files":3,"bytes":300},"already_safe":{"files":1,"bytes":100},"copied":{"files":2,"bytes":200},"not_safe":{"files":0,"bytes":0},"not_safe_files":[],"renamed":[],"skipped":["System Volume Information"],"removed_files":0,"taken_over_files":0,"stopped":null,"notes":[]}"#,
        );
        ended(&mut job, Some(0));
        assert!(job.is_good());
        let result = job.result.unwrap();
        assert_eq!((result.all.files, result.already.files, result.verified.files), (3, 1, 2));
    }

    #[test]
    fn an_exit_code_alone_or_an_account_alone_is_no_good_end() {
        let mut job = running(Verb::SafeToFormat);
        ended(&mut job, Some(0));
        assert_eq!(job.state, Phase::Failed);
        let mut job = running(Verb::SafeToFormat);
        line(&mut job, r#"{"event":"answer","safe_to_format":true}"#);
        ended(&mut job, Some(1));
        assert!(!job.is_good());
        let mut job = running(Verb::Backup);
        ended(&mut job, None);
        assert_eq!(job.state, Phase::Died);
    }

    #[test]
    fn what_is_not_safe_is_named_up_to_a_limit() {
        let mut job = running(Verb::Backup);
        let files: Vec<_> = (0..1000)
            .map(|n| serde_json::json!({"path": format!("{n}.jpg"), "bytes": 2, "why": "the card is gone"}))
            .collect();
        line(&mut job, r#"{"event":"stopping"}"#);
        let account = serde_json::json!({"event": "account", "safe": false, "not_safe_files": files, "stopped": "the card is gone"});
        line(&mut job, &account.to_string());
        ended(&mut job, Some(5));
        assert_eq!(job.state, Phase::Cancelled);
        let result = job.result.unwrap();
        assert_eq!(result.not_reached, 1000);
        assert_eq!(
            (result.not_safe, result.not_safe_files.len()),
            (Tally { files: 1000, bytes: 2000 }, MOST_NAMED)
        );
    }

    #[test]
    fn nonsense_changes_nothing() {
        let mut job = running(Verb::Verify);
        let before = job.clone();
        for text in
            ["", "x", "[]", "{}", "null", r#"{"event":"progress"}"#, r#"{"event":7}"#, r#"{"event":"new"}"#]
        {
            line(&mut job, text);
        }
        assert_eq!(job, before);
        line(&mut job, r#"{"schema":1,"error":"card SD: gone","hints":["put it in"],"exit_code":1}"#);
        ended(&mut job, Some(1));
        assert_eq!((job.error.as_deref(), job.hints.len()), (Some("card SD: gone"), 1));
    }
}
