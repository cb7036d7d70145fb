//! The account of copies far away, for people and as `--json`.

use super::report::{self, BadFile, row};
use crate::backup::events::Tally;
use crate::remote::{ByRecord, Sent, Stopped};
use crate::ui::{Style, Ui, count, files, visible};
use serde::Serialize;
use std::path::PathBuf;

/// One drive and one remote.
pub struct OnRemote {
    pub drive: PathBuf,
    pub remote: String,
    /// An error where the drive could not be read.
    pub sent: anyhow::Result<Sent>,
}

#[derive(Serialize)]
struct Row {
    remote: String,
    drive: String,
    complete: bool,
    on_record: Tally,
    verified: Tally,
    verified_earlier: Tally,
    size_only: Tally,
    new: Tally,
    left: Tally,
    bad_files: Vec<BadFile>,
    stopped: Option<String>,
    error: Option<String>,
}

impl Row {
    fn new(one: &OnRemote) -> Self {
        let none = Sent::default();
        let (sent, error) = match &one.sent {
            Ok(sent) => (sent, None),
            Err(error) => (&none, Some(format!("{error:#}"))),
        };
        let bad = sent.bad.iter().map(|bad| BadFile {
            path: bad.path.clone(),
            bytes: bad.bytes,
            why: bad.why.clone(),
        });
        Row {
            remote: visible(&one.remote),
            drive: visible(&one.drive.to_string_lossy()),
            complete: error.is_none() && sent.complete(),
            on_record: sent.all,
            verified: sent.verified,
            verified_earlier: sent.earlier,
            size_only: sent.size_only,
            new: sent.new,
            left: sent.left(),
            bad_files: bad.collect(),
            stopped: sent.stopped.as_ref().map(|stopped| match stopped {
                Stopped::Asked => "stopped".to_owned(),
                Stopped::Trouble(trouble) => trouble.what.clone(),
                Stopped::Drive(why) => why.clone(),
            }),
            error,
        }
    }
}

/// Shows all drives and remotes.
pub fn show(ui: &Ui, all: &[OnRemote]) {
    let rows: Vec<Row> = all.iter().map(Row::new).collect();
    for row in &rows {
        text(ui, row);
    }
    #[derive(Serialize)]
    struct Answer {
        complete: Option<bool>,
        remotes: Vec<Row>,
    }
    let complete = (!rows.is_empty()).then(|| rows.iter().all(|row| row.complete));
    ui.json("sent", &Answer { complete, remotes: rows });
}

fn text(ui: &Ui, one: &Row) {
    if let Some(error) = &one.error {
        ui.say(&ui.paint(Style::Red, &format!("NOTHING SENT: {error}")));
        return;
    }
    row(ui, "on the drive", one.on_record);
    if one.new.files > 0 {
        row(ui, "new there", one.new);
    }
    row(ui, "there, compared", one.verified);
    if one.verified_earlier.files > 0 {
        row(ui, "of these, earlier", one.verified_earlier);
    }
    if one.size_only.files > 0 {
        row(ui, "there, by size", one.size_only);
    }
    if one.left.files > 0 {
        row(ui, "not yet there", one.left);
    }
    report::list(
        ui,
        one.bad_files.iter().map(|bad| format!("  {}: {}", visible(&bad.path), visible(&bad.why))),
        one.bad_files.len(),
        report::LISTED,
    );
    let style = if one.complete { Style::Green } else { Style::Red };
    ui.say(&ui.paint(style, &sentence(one)));
}

/// Says in one sentence what is there: a photo whose content was not compared is never called verified.
fn sentence(one: &Row) -> String {
    let (all, there) = (one.on_record.files, one.verified.files + one.size_only.files);
    let remote = &one.remote;
    let said = match (all, there) {
        (0, _) => return "No file is on record: nothing to send.".to_owned(),
        (1, 1) => format!("The one file is also at {remote}"),
        (all, there) if all == there => format!("All {} are also at {remote}", files(all)),
        _ => format!("{} of {} are also at {remote}", count(there), files(all)),
    };
    let verified = match (one.verified.files, one.verified_earlier.files) {
        (_, 0) => "verified there".to_owned(),
        (all, earlier) if all == earlier => "verified there by an earlier run".to_owned(),
        (_, earlier) => format!("verified there, {} by an earlier run", count(earlier)),
    };
    match (there, one.size_only.files) {
        (0, _) => format!("{said}."),
        (_, 0) => format!("{said}, {verified}."),
        (there, size) if there == size => format!("{said}: uploaded, size only."),
        (_, size) => format!("{said}; of {} the size only is known.", count(size)),
    }
}

/// Says what was sent to a remote, by the record: that it is there now is for `piback send` to say.
#[must_use]
pub fn by_record(record: &ByRecord) -> String {
    let day = record.last.as_deref().and_then(|at| at.get(..10)).map(visible);
    let (sent, all) = (count(record.sent), files(record.on_drive));
    match day {
        Some(day) => format!("{}: {sent} of {all} sent, the last on {day}", visible(&record.remote)),
        None => format!("{}: nothing sent yet, of {all}", visible(&record.remote)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(all: u64, verified: u64, size_only: u64) -> String {
        let tally = |files| Tally { files, bytes: files };
        let sent = Sent {
            all: tally(all),
            verified: tally(verified),
            size_only: tally(size_only),
            ..Sent::default()
        };
        sentence(&Row::new(&OnRemote { drive: "/d".into(), remote: "home".into(), sent: Ok(sent) }))
    }

    #[test]
    fn verified_is_said_only_of_what_was_compared() {
        assert_eq!(of(12_612, 12_400, 0), "12,400 of 12,612 files are also at home, verified there.");
        assert_eq!(of(3, 3, 0), "All 3 files are also at home, verified there.");
        assert_eq!(of(3, 0, 3), "All 3 files are also at home: uploaded, size only.");
        assert_eq!(of(3, 1, 1), "2 of 3 files are also at home; of 1 the size only is known.");
        assert_eq!(of(3, 0, 0), "0 of 3 files are also at home.");
        assert_eq!(of(1, 1, 0), "The one file is also at home, verified there.");
        assert_eq!(of(0, 0, 0), "No file is on record: nothing to send.");
    }

    #[test]
    fn what_an_earlier_run_compared_is_said_to_be_so() {
        let tally = |files| Tally { files, bytes: files };
        let of = |all, earlier| {
            let sent =
                Sent { all: tally(all), verified: tally(all), earlier: tally(earlier), ..Sent::default() };
            sentence(&Row::new(&OnRemote { drive: "/d".into(), remote: "home".into(), sent: Ok(sent) }))
        };
        assert_eq!(of(3, 3), "All 3 files are also at home, verified there by an earlier run.");
        assert_eq!(of(3, 2), "All 3 files are also at home, verified there, 2 by an earlier run.");
    }

    #[test]
    fn a_record_says_sent_and_no_more() {
        let last = Some("2026-11-27T21:45:40Z".to_owned());
        let record = ByRecord { remote: "home".into(), on_drive: 12_612, sent: 12_400, last };
        assert_eq!(by_record(&record), "home: 12,400 of 12,612 files sent, the last on 2026-11-27");
        let none = ByRecord { sent: 0, last: None, ..record };
        assert_eq!(by_record(&none), "home: nothing sent yet, of 12,612 files");
    }
}
