//! `piback set-time` on a host whose clock is played: the machine that runs the tests keeps its own.
#![allow(clippy::disallowed_methods)]

mod common;

use common::{Tree, piback};
use piback::cli::SetTime;
use piback::commands::set_time;
use piback::system::fake::{Event, FakeHost, Fault};
use piback::system::run::{Output, RunError, Tool};
use piback::ui::Ui;

/// A day that every piback can take for today.
const TODAY: i64 = 1_800_000_000;

/// A Pi that came up in 2016, whose timedatectl says this, or is not there.
fn pi(tree: &Tree, says: Option<&'static str>) -> FakeHost {
    let answer = move |tool: &Tool| match says {
        Some(stdout) if tool.program == "timedatectl" => {
            Ok(Output { code: Some(0), stdout: stdout.into(), stderr: String::new() })
        }
        _ => Err(RunError::NotFound { program: tool.program.clone() }),
    };
    FakeHost::live(&tree.root(), answer).unwrap()
}

/// What set-time says, and what the clock was set to.
fn set(host: &FakeHost, to: i64) -> (String, Option<i64>) {
    let args = SetTime { time: jiff::Timestamp::from_second(to).unwrap() };
    let result = set_time::on(host, &args, &Ui::new("set-time", false, false, true));
    let set = host.take_log().into_iter().find_map(|noted| match noted.event {
        Event::SetClock(to) => Some(to),
        _ => None,
    });
    (result.map_or_else(|e| format!("{e:#}"), |_| "done".to_owned()), set)
}

fn applied(tree: &Tree) {
    tree.init("travel");
    assert_eq!(tree.piback(&["apply", "--stack", "dhcpcd", "--yes"]).code, 0);
}

/// The one apply on record, moved to another time.
fn applied_at(tree: &Tree, time: i64) {
    let names: Vec<_> = std::fs::read_dir(tree.path("/var/lib/piback/generations")).unwrap().collect();
    let path = names[0].as_ref().unwrap().path();
    let mut record: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    record["time"] = time.into();
    std::fs::write(&path, record.to_string()).unwrap();
}

#[test]
fn a_clock_that_nobody_has_set_goes_forwards() {
    let tree = Tree::new();
    let host = pi(&tree, Some("no\n"));
    assert_eq!(set(&host, TODAY), ("done".to_owned(), Some(TODAY)));
    let (said, set_to) = set(&host, TODAY - 60);
    assert!(said.contains("forwards only") && set_to.is_none(), "{said}");
    // The user may have been an hour wrong.
    assert_eq!(set(&host, TODAY + 3600).1, Some(TODAY + 3600));
}

#[test]
fn a_clock_of_the_network_s_is_left_alone_and_so_is_one_that_nobody_knows_of() {
    let tree = Tree::new();
    for (says, why) in [
        (Some("yes\n"), "the network has set the clock"),
        (Some("NTP synchronized: yes\n"), "the network has set the clock"),
        (Some("Failed to create bus connection\n"), "is not known"),
        (None, "is not known"),
    ] {
        let (said, set_to) = set(&pi(&tree, says), TODAY);
        assert!(said.contains(why) && set_to.is_none(), "{says:?}: {said}");
    }
}

#[test]
fn a_slip_of_the_finger_is_refused_for_it_could_not_be_taken_back() {
    let tree = Tree::new();
    let record = |time: i64| applied_at(&tree, time);
    applied(&tree);
    for wrong in [1_480_000_000, 7_000_000_000] {
        let (said, set_to) = set(&pi(&tree, Some("no\n")), wrong);
        assert!(said.contains("can't be now") && set_to.is_none(), "{said}");
    }
    // Something was applied here yesterday, so it is not the day before.
    record(TODAY);
    let (said, set_to) = set(&pi(&tree, Some("no\n")), TODAY - 86_400);
    assert!(said.contains("can't be now") && set_to.is_none(), "{said}");
    // Applied with a clock of the next century: nobody has to wait for it.
    record(7_000_000_000);
    assert_eq!(set(&pi(&tree, Some("no\n")), TODAY).1, Some(TODAY));
}

#[test]
fn a_clock_that_can_t_be_set_is_said() {
    let tree = Tree::new();
    let host = pi(&tree, Some("no\n"));
    host.arm_when(Fault::Fail, |event| matches!(event, Event::SetClock(_)));
    let (said, _) = set(&host, TODAY);
    assert!(said.contains("the clock can't be set"), "{said}");
}

#[test]
fn status_says_a_clock_that_shows_the_past() {
    let tree = Tree::new();
    applied(&tree);
    assert!(!tree.piback(&["status"]).stdout.contains("clock not set"));
    applied_at(&tree, jiff::Timestamp::now().as_second() + 86_400);
    let status = tree.piback(&["status"]);
    assert!(status.stdout.contains("clock not set"), "{}", status.all());
    let line: serde_json::Value = serde_json::from_str(&tree.piback(&["status", "--json"]).stdout).unwrap();
    assert_eq!(line["clock"]["behind"], true);
}

#[test]
fn a_tree_has_no_clock_and_a_time_needs_its_zone() {
    // The past, always: this machine's clock must not move, whatever breaks.
    let past = "2001-01-01T00:00:00Z";
    let tree = Tree::new();
    assert_eq!(tree.piback(&["set-time", past]).code, 64);
    for wrong in ["2001-01-01 00:00", "yesterday", "@", ""] {
        assert_eq!(piback(&["set-time", wrong]).code, 64, "{wrong}");
    }
    for back in [past, "@978307200"] {
        let answer = piback(&["set-time", back]);
        assert_eq!(answer.code, 1, "{}", answer.all());
    }
}
