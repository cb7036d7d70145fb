//! Golden traces: all that a running host is asked to do, in its order, on each network stack: every change of a file
//! with the journal's phase at that time, every tool with its arguments, what piback says, and what stands at the end:
//! units, kernel, records and the names in them.
//!
//! After a wanted change: `UPDATE_GOLDEN=1 cargo test --test trace`, then read the diff before committing it: a changed
//! order is a changed promise, and a changed name in a record is a record that the next version can't read.
#![allow(clippy::disallowed_methods)]

mod common;
#[path = "common/pi.rs"]
mod pi;

use common::Tree;
use pi::{Pi, Unit, by_hand, fresh_on, next, pi_on, runs, window, writes};
use piback::provision::apply;
use piback::provision::host::facts::Stack;
use piback::system::Host;
use piback::system::fake::{Event, Fault, Noted};
use piback::system::run::Tool;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

const STATE: &str = "/var/lib/piback/";
const INTENT: &str = "/var/lib/piback/journal/intent.json";

/// The text of one stack's file, as it grows.
#[derive(Default)]
struct Trace {
    text: String,
    /// The journal's phase on disk, `-` where there is none.
    phase: String,
    /// Units that were shown: their text is given once.
    shown: BTreeSet<(String, Vec<u8>)>,
    /// For each record, its names; for names whose values are words of piback's own, those too.
    names: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

impl Trace {
    fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref().trim_end());
        self.text.push('\n');
    }

    fn begin(&mut self, pi: &Pi, title: &str) {
        pi.host.take_log();
        self.phase = phase_on_disk(pi);
        self.line(format!("\n== {title}"));
    }

    /// Everything since the last call.
    fn events(&mut self, pi: &Pi) {
        let mut lines = Vec::new();
        for noted in pi.host.take_log() {
            if let Some(phase) = sets_phase(&noted) {
                self.phase = phase;
            }
            let phase = self.phase.clone();
            lines.extend(self.event(&noted).into_iter().map(|line| format!("{phase:<11} {line}")));
            self.learn(&noted);
        }
        assert_eq!(self.phase, phase_on_disk(pi), "what was written is not what is there");
        folded(lines).into_iter().for_each(|line| self.line(line));
    }

    fn event(&mut self, noted: &Noted) -> Vec<String> {
        let mut lines = match &noted.event {
            Event::Write { path, file } => {
                let mut lines = vec![format!("write   {path} {:04o}", file.mode)];
                if path == INTENT {
                    let intent: Value = serde_json::from_slice(&file.bytes).unwrap();
                    if let Some(deadline) = intent["deadline"].as_i64() {
                        lines[0].push_str(&format!(", undone in {} s", deadline - noted.at));
                    }
                }
                let shown = is_own_unit(path) && self.shown.insert((path.clone(), file.bytes.clone()));
                let text = String::from_utf8_lossy(&file.bytes);
                lines.extend(text.lines().filter(|_| shown).map(|line| format!("        | {line}")));
                lines
            }
            Event::Link { path, target } => vec![format!("link    {path} -> {target}")],
            Event::Remove { path } => vec![format!("remove  {path}")],
            Event::MakeDir { path, mode } => vec![format!("mkdir   {path} {mode:04o}")],
            Event::RemoveDir { path } => vec![format!("rmdir   {path}")],
            Event::Tool(tool) => vec![format!("run     {}", command(tool))],
            Event::SetClock(to) => vec![format!("clock   {to}")],
            Event::Wait(time) => vec![format!("wait    {time:?}")],
            Event::Said(line) => vec![format!("say     {line}")],
        };
        match noted.fault {
            Some(Fault::Die) => lines[0].insert_str(0, "KILLED  "),
            Some(Fault::Fail) => lines[0].insert_str(0, "FAILED  "),
            None => {}
        }
        lines
    }

    /// Names and words of a record that is written.
    fn learn(&mut self, noted: &Noted) {
        let Event::Write { path, file } = &noted.event else { return };
        if noted.fault.is_some() || !path.starts_with(STATE) || !path.ends_with(".json") {
            return;
        }
        let (dir, name) = path.rsplit_once('/').unwrap();
        let name = if dir.ends_with("/generations") { "NNNNNN.json" } else { name };
        let names = self.names.entry(format!("{dir}/{name}")).or_default();
        learn("", &serde_json::from_slice(&file.bytes).unwrap(), names);
    }

    /// What stands at the end of a command.
    fn end(&mut self, pi: &Pi, ended: anyhow::Result<String>) {
        self.events(pi);
        match ended {
            Ok(said) => self.line(format!("ends: {said}")),
            Err(e) => {
                self.line(format!("ends: exit code {}", piback::error::exit_code(&e)));
                format!("{e:#}").lines().for_each(|line| self.line(format!("      {line}")));
                piback::error::hints(&e).iter().for_each(|hint| self.line(format!("      hint: {hint}")));
            }
        }
        self.line(format!("journal: {}", self.phase.clone()));
        let model = pi.model.borrow().clone();
        for (name, Unit { file, active }) in &model.units {
            let active = if *active { "active" } else { "inactive" };
            self.line(format!("unit: {name} {file} {active}"));
        }
        model.jobs.iter().for_each(|(verb, name)| self.line(format!("queued: {verb} {name}")));
        let chains = if model.chains { "loaded" } else { "not loaded" };
        self.line(format!("kernel: ip_forward {}, chains {chains}", pi.ip_forward()));
        self.line(format!("radio: {}", if model.address.is_empty() { "no address" } else { &model.address }));
        model.rules.iter().for_each(|rule| self.line(format!("rule: {rule}")));
        for (path, entry) in &pi.tree.snapshot().0 {
            if path.starts_with(STATE) && entry.kind != 'd' {
                self.line(format!("record: {path} {:04o}", entry.mode));
            }
        }
    }
}

fn is_own_unit(path: &str) -> bool {
    path.starts_with("/run/systemd/system/") || path == "/etc/systemd/system/piback-settle.service"
}

fn phase_of(intent: &[u8]) -> String {
    let intent: Value = serde_json::from_slice(intent).unwrap();
    intent["phase"].as_str().unwrap().to_owned()
}

fn phase_on_disk(pi: &Pi) -> String {
    std::fs::read(pi.tree.path(INTENT)).map_or_else(|_| "-".to_owned(), |bytes| phase_of(&bytes))
}

/// The phase that is on disk once this is done.
fn sets_phase(noted: &Noted) -> Option<String> {
    match &noted.event {
        _ if noted.fault.is_some() => None,
        Event::Write { path, file } if path == INTENT => Some(phase_of(&file.bytes)),
        Event::Remove { path } if path == INTENT => Some("-".to_owned()),
        _ => None,
    }
}

fn command(tool: &Tool) -> String {
    let mut line = tool.line();
    for (name, value) in &tool.env {
        line.push_str(&format!(" {{{name}={value}}}"));
    }
    if let Some(stdin) = &tool.stdin {
        line.push_str(&format!(" < {} bytes", stdin.expose().len()));
    }
    if tool.deadline != Duration::from_secs(60) {
        line.push_str(&format!(" (at most {:?})", tool.deadline));
    }
    // Staged files lie in a folder of their own.
    while let Some(at) = line.find("/piback-check-") {
        let start = line[..at].rfind(['=', ' ']).map_or(0, |before| before + 1);
        let end = line[at + 1..].find('/').map_or(line.len(), |length| at + 1 + length);
        line.replace_range(start..end, "STAGED");
    }
    line
}

/// Rounds of looking, with a wait between, that are all alike: one, and how often.
fn folded(lines: Vec<String>) -> Vec<String> {
    let mut rounds: Vec<(Vec<String>, usize)> = vec![(Vec::new(), 1)];
    for line in lines {
        let waits = line.contains(" wait    ");
        rounds.last_mut().unwrap().0.push(line);
        if waits {
            match rounds.len() {
                n if n > 1 && rounds[n - 2].0 == rounds[n - 1].0 => {
                    rounds[n - 2].1 += 1;
                    rounds[n - 1].0.clear();
                }
                _ => rounds.push((Vec::new(), 1)),
            }
        }
    }
    let text = |(mut lines, times): (Vec<String>, usize)| {
        if times > 1 {
            lines.push(format!("            (so {times} times)"));
        }
        lines
    };
    rounds.into_iter().flat_map(text).collect()
}

/// The places of a record: `files[].kind`, with the words that stand there. A name that is a path or a number of the
/// host's own is `*`.
fn learn(at: &str, value: &Value, names: &mut BTreeMap<String, BTreeSet<String>>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let name = if name.contains('/') { "*" } else { name };
                learn(&format!("{at}.{name}"), value, names);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| learn(&format!("{at}[]"), item, names)),
        other => {
            let words = names.entry(at.trim_start_matches('.').to_owned()).or_default();
            let kind = match other {
                Value::Null => "null".to_owned(),
                Value::Bool(_) => "true or false".to_owned(),
                Value::Number(_) => "number".to_owned(),
                Value::String(text) if is_word(text) => format!("{text:?}"),
                _ => "text".to_owned(),
            };
            words.insert(kind);
        }
    }
}

fn is_word(text: &str) -> bool {
    text.len() < 24 && text.chars().all(|c| c.is_ascii_alphabetic() || "-_".contains(c))
}

fn done(result: anyhow::Result<()>) -> anyhow::Result<String> {
    result.map(|()| "done".to_owned())
}

fn settled(pi: &Pi, boot: bool) -> anyhow::Result<String> {
    let _lock = apply::lock(&pi.host)?;
    apply::settle(&pi.host, boot).map(|recovered| format!("{recovered:?}"))
}

/// Ends an apply at a step, as a power cut does, and boots up to piback's unit.
fn cut_off(pi: &Pi, trace: &mut Trace, channel: u8, at: impl Fn(&Event) -> bool + 'static) {
    pi.host.arm_when(Fault::Die, at);
    assert!(pi.apply(channel, window().filter(|_| false)).is_err());
    assert!(pi.host.is_dead(), "nothing was killed");
    trace.events(pi);
    pi.host.arm(usize::MAX, Fault::Die);
}

/// A Pi on which nobody did anything yet: from the first apply to the way back.
fn fresh_pi(stack: Stack, trace: &mut Trace) {
    let mut pi = pi_on(stack, fresh_on(stack), Tree::new());
    let one = |trace: &mut Trace, pi: &Pi, title: &str, run: &dyn Fn(&Pi) -> anyhow::Result<String>| {
        trace.begin(pi, title);
        let ended = run(pi);
        trace.end(pi, ended);
    };
    one(trace, &pi, "first apply, without internet", &|pi| {
        pi.model.borrow_mut().offline = true;
        let ended = done(pi.apply(6, window()));
        pi.model.borrow_mut().offline = false;
        ended
    });
    one(trace, &pi, "first apply, waits for its confirmation", &|pi| done(pi.apply(6, window())));
    one(trace, &pi, "confirmed", &|pi| apply::confirm(&pi.host).map(|waited| format!("{waited}")));
    // What the model's tools do not do themselves.
    pi.tree.write("/etc/passwd", "root:x:0:0::/:/bin/sh\npiback:x:999:999::/nonexistent:/usr/sbin/nologin\n");
    for dir in ["/srv/piback", "/media/piback"] {
        std::fs::create_dir_all(pi.tree.path(dir)).unwrap();
    }
    one(trace, &pi, "the same again", &|pi| done(pi.apply(6, None)));
    one(trace, &pi, "changed apply", &|pi| done(pi.apply(11, None)));
    one(trace, &pi, "failed apply: the radio refuses the channel", &|pi| {
        pi.model.borrow_mut().refuses = Some("channel=1");
        let ended = done(pi.apply(1, window()));
        pi.model.borrow_mut().refuses = None;
        ended
    });
    one(trace, &pi, "not confirmed: the timer", &|pi| {
        pi.apply(1, window())?;
        pi.host.wait(Duration::from_secs(121));
        settled(pi, false)
    });
    one(trace, &pi, "not confirmed: power goes, boot", &|pi| {
        pi.apply(1, window())?;
        pi.power_cut();
        settled(pi, true)
    });
    pi.boot_goes_on();
    trace.begin(&pi, "power goes while files are written, boot");
    cut_off(&pi, trace, 1, writes("/etc/hostapd/hostapd.conf"));
    pi.power_cut();
    let ended = settled(&pi, true);
    trace.end(&pi, ended);
    pi.boot_goes_on();
    trace.begin(&pi, "power goes after the files, boot");
    cut_off(&pi, trace, 1, runs("systemctl restart hostapd.service"));
    pi.power_cut();
    let ended = settled(&pi, true);
    trace.end(&pi, ended);
    pi.boot_goes_on();
    trace.begin(&pi, "killed after the files, the next command finishes it");
    cut_off(&pi, trace, 11, runs("systemctl restart hostapd.service"));
    let ended = apply::recover(&pi.host).map(|recovered| format!("{recovered:?}"));
    trace.end(&pi, ended);
    one(trace, &pi, "killed after the files, undone by hand", &|pi| {
        pi.host.arm_when(Fault::Die, runs("systemctl restart hostapd.service"));
        pi.apply(1, None).unwrap_err();
        pi.host.arm(usize::MAX, Fault::Die);
        apply::roll_back_open(&pi.host).map(|undone| format!("{undone}"))
    });
    pi.stack = next(stack);
    pi.model.borrow_mut().units.extend(fresh_on(pi.stack).units);
    let title = format!("the stack is {} now", pi.stack);
    one(trace, &pi, &title, &|pi| done(pi.apply(11, None)));
    one(trace, &pi, "back to generation 2", &|pi| done(pi.roll_back_to(2)));
    one(trace, &pi, "back to the original", &|pi| done(pi.roll_back()));
}

fn pi_by_hand(stack: Stack, trace: &mut Trace) {
    let pi = by_hand(stack);
    trace.begin(&pi, "set up by hand: first apply, Samba does not start");
    pi.model.borrow_mut().broken = Some("smbd.service");
    let ended = done(pi.apply(6, window()));
    trace.end(&pi, ended);

    let pi = by_hand(stack);
    trace.begin(&pi, "set up by hand: not confirmed, the timer");
    let ended = pi.apply(6, window()).and_then(|()| {
        pi.host.wait(Duration::from_secs(121));
        settled(&pi, false)
    });
    trace.end(&pi, ended);

    let pi = by_hand(stack);
    trace.begin(&pi, "set up by hand: not confirmed, power goes, boot");
    pi.apply(6, window()).unwrap();
    pi.host.take_log();
    pi.power_cut();
    let ended = settled(&pi, true);
    trace.end(&pi, ended);

    let pi = by_hand(stack);
    trace.begin(&pi, "set up by hand: killed after the files, the next command finishes it");
    cut_off(&pi, trace, 6, runs("systemctl restart dnsmasq.service"));
    let ended = apply::recover(&pi.host).map(|recovered| format!("{recovered:?}"));
    trace.end(&pi, ended);
    trace.begin(&pi, "set up by hand: back to the original");
    let ended = done(pi.roll_back());
    trace.end(&pi, ended);
}

fn trace(stack: Stack) -> String {
    let mut trace = Trace::default();
    trace.line(format!("What a host with {stack} is asked to do. Left: the journal's phase on disk."));
    fresh_pi(stack, &mut trace);
    pi_by_hand(stack, &mut trace);
    trace.line("\n== names in the records");
    for (record, names) in std::mem::take(&mut trace.names) {
        trace.line(record);
        for (name, words) in names {
            let words: Vec<String> = words.into_iter().collect();
            trace.line(format!("    {name}: {}", words.join(", ")));
        }
    }
    trace.text
}

fn held_against_the_golden_one(stack: Stack) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trace").join(format!("{}.txt", stack));
    let now = trace(stack);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(golden.parent().unwrap()).unwrap();
        std::fs::write(&golden, &now).unwrap();
    }
    let then = std::fs::read_to_string(&golden).unwrap_or_default();
    if now != then {
        let diff = similar::TextDiff::from_lines(&then, &now);
        let name = golden.display();
        panic!(
            "not as in {name} (UPDATE_GOLDEN=1 cargo test --test trace):\n{}",
            diff.unified_diff().context_radius(4)
        );
    }
}

#[test]
fn on_ifupdown_every_step_is_as_committed() {
    held_against_the_golden_one(Stack::Ifupdown);
}

#[test]
fn on_dhcpcd_every_step_is_as_committed() {
    held_against_the_golden_one(Stack::Dhcpcd);
}

#[test]
fn on_networkmanager_every_step_is_as_committed() {
    held_against_the_golden_one(Stack::NetworkManager);
}
