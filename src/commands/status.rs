//! `piback status`: what is up, and what is on record here.

use super::{context, running};
use crate::backup::{self, offers::Offers};
use crate::cli::{Global, Status};
use crate::doctor::drive::{self, Drive};
use crate::error::{self, Outcome};
use crate::jobs::Control;
use crate::jobs::job::Job;
use crate::profile::types::VolumeLabel;
use crate::profile::{Profile, Remote};
use crate::provision::apply::journal;
use crate::provision::components::{dnsmasq, web};
use crate::provision::desired::expected::Expected;
use crate::provision::host::clock::{self, Clock};
use crate::provision::host::uplink::{self, Internet};
use crate::provision::probe::Probe;
use crate::provision::probe::clients::{self, Overview};
use crate::provision::state::State;
use crate::provision::state::generations::{self, Generation};
use crate::remote::{self, ByRecord};
use crate::system::read_only::ReadOnly;
use crate::system::{Host, Node};
use crate::ui::{Style, Ui, visible};
use crate::view::{self, scrubbed, sent};
use serde::Serialize;
use std::path::Path;

pub fn run(args: &Status, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let host = context::host(global)?;
    let host = ReadOnly::new(&host);
    let jobs = jobs(&host, global);
    let state = match State::read(&host) {
        // Who may ask for jobs may see them; the rest is root's.
        Err(e) if error::is_denied(&e) && !jobs.is_empty() && !args.generations => {
            return Ok(jobs_alone(&jobs, ui));
        }
        state => state?,
    };
    let cut_off = journal::open(&host)?.map(|intent| journal::notice(&intent));
    if let Some(notice) = &cut_off {
        ui.say(notice);
    }
    let generations = if args.generations { list(&host, ui)? } else { Vec::new() };
    let live = host.is_live() && !args.generations && !state.owned().is_empty();
    let up = live.then(|| Up::look(&host, global, ui, &state));
    let clock = clock::look(&host, state.last.as_ref().map(|last| last.time));
    if !args.generations {
        // What is looked for first stands first: an iPad shows some forty lines.
        view::jobs::show(ui, &jobs);
        if host.is_live() || clock.is_behind() {
            of_the_clock(&clock).say(ui);
        }
        up.iter().for_each(|up| up.say(ui));
    }
    match &state.last {
        Some(_) if args.generations => {}
        Some(last) => ui.say(&in_force(last)),
        None if cut_off.is_some() => {}
        None => ui.say("Nothing was applied here yet. `piback apply` does."),
    }
    let last = state.last.as_ref();
    let line = StatusJson {
        generation: last.map(|l| l.number),
        time: last.map(|l| l.time),
        stack: last.and_then(|l| l.stack).map(|s| s.to_string()),
        files: state.owned().iter().map(|a| a.path.as_str()).collect(),
        up,
        generations,
        cut_off,
        jobs: &jobs,
        clock: ClockJson { now: clock.now, by_network: clock.by_network, behind: clock.is_behind() },
    };
    ui.json("status", &line);
    Ok(Outcome::Done)
}

#[derive(Serialize)]
struct StatusJson<'a> {
    generation: Option<u32>,
    time: Option<i64>,
    stack: Option<String>,
    files: Vec<&'a str>,
    /// The things that are up; null on a tree, and where nothing is applied.
    up: Option<Up>,
    generations: Vec<GenerationJson>,
    cut_off: Option<String>,
    /// Those that wait, run, or are over, the newest first.
    jobs: &'a [Job],
    clock: ClockJson,
}

/// Jobs of this host; none where nobody keeps them, or not for this user.
fn jobs(host: &dyn Host, global: &Global) -> Vec<Job> {
    let remote = running::keeper(global).filter(|_| host.is_live());
    let control = remote.as_ref().map(|remote| remote as &dyn Control);
    control.and_then(|control| control.state(false).ok()).map(|state| state.jobs).unwrap_or_default()
}

fn jobs_alone(jobs: &[Job], ui: &Ui) -> Outcome {
    view::jobs::show(ui, jobs);
    ui.note("the rest is root's to see: sudo piback status");
    ui.json("jobs", &serde_json::json!({ "jobs": jobs }));
    Outcome::Done
}

#[derive(Serialize)]
struct ClockJson {
    now: i64,
    by_network: Option<bool>,
    behind: bool,
}

/// Tells of the clock: whether it is known to be set, whether it may be, and the words.
fn of_the_clock(clock: &Clock) -> Line<'static> {
    let now = when(clock.now);
    let (known, ok, found) = match clock.by_network {
        Some(true) => (true, true, format!("{now}, set by the network")),
        _ if clock.is_behind() => {
            (true, false, format!("clock not set, it shows {now}; set it: sudo piback set-time TIME"))
        }
        _ => (false, true, format!("{now}, not set by the network since boot")),
    };
    Line { name: "time", known, ok, found }
}

/// Shows every generation on record, a line each.
fn list(host: &dyn Host, ui: &Ui) -> anyhow::Result<Vec<GenerationJson>> {
    let mut list = Vec::new();
    for number in generations::numbers(host)? {
        let record = generations::read(host, number)?;
        let stack = record.stack.map_or_else(|| "none".to_owned(), |s| s.to_string());
        ui.say(&format!("{number:>4}  {}  {stack:<14}  {}", when(record.time), visible(&record.made_by)));
        list.push(GenerationJson { number, time: record.time, stack, made_by: record.made_by });
    }
    Ok(list)
}

/// Describes the generation that is in force.
fn in_force(last: &Generation) -> String {
    let stack = last.stack.map_or_else(|| "none (rolled back)".to_owned(), |s| s.to_string());
    let (made, by) = (when(last.time), visible(&last.made_by));
    let files = crate::ui::files(last.artifacts.len() as u64);
    format!("generation {}: {by}, {made}, {stack}, {files}, piback {}", last.number, visible(&last.version))
}

/// The things that are up on a running host. What can't be found out is nothing here.
#[derive(Serialize)]
struct Up {
    #[serde(flatten)]
    overview: Option<Overview>,
    /// The internet that comes in, in words; null where nobody says.
    internet: Option<&'static str>,
    #[serde(skip)]
    has_ipv4: bool,
    drives: Option<Vec<Drive>>,
    /// Copies at the profile's remotes, by the records of the drives that are mounted.
    remotes: Vec<ByRecord>,
    /// Each a name, and what is typed on the iPad.
    #[serde(skip)]
    reached_by: Vec<(&'static str, String)>,
}

/// The time since what is on a drive was read again, or why nobody knows; nothing where it is not mounted.
fn last_read(drive: &Drive) -> Option<Line<'static>> {
    let (ok, found) = match backup::last_read(drive.folder()?) {
        Ok(ages) => scrubbed::damaged(&ages).map_or_else(|| (true, ages.words()), |damage| (false, damage)),
        Err(e) => (false, format!("{e:#}")),
    };
    Some(Line { name: "read again", known: true, ok, found })
}

/// Copies of what is on the drives that are mounted at the profile's remotes, by record.
fn sent_of(profile: &Profile, drives: &[Drive]) -> Vec<ByRecord> {
    let of = |drive: &Path| {
        // The records are read once for all remotes.
        let Ok(offers) = Offers::open(drive).map(|offers| offers.list()) else { return Vec::new() };
        let one =
            |remote: &Remote| remote::by_record(drive, &offers, remote.name.as_str(), &remote.to()).ok();
        profile.remotes.iter().filter_map(one).collect::<Vec<_>>()
    };
    let asked = drives.iter().filter(|_| !profile.remotes.is_empty());
    asked.filter_map(Drive::folder).flat_map(of).collect()
}

/// Words to type on the iPad, to get to the share, to the page and to the screen.
fn reached_by(profile: &Profile, address: &str, page: bool) -> Vec<(&'static str, String)> {
    let mut typed = vec![("Files app, Connect to Server", format!("smb://{address}"))];
    if page {
        let scheme = profile.web.tls.scheme();
        typed.insert(0, ("Safari", format!("{scheme}://{address} or {scheme}://{}", dnsmasq::NAME)));
    }
    typed.push(("share", format!("{}, as {}", profile.share.names.drives, profile.share.user)));
    if profile.remote_screen {
        typed.push(("screen, in a VNC viewer", format!("{address}, as {}", profile.share.user)));
    }
    typed
}

impl Up {
    fn look(host: &dyn Host, global: &Global, ui: &Ui, state: &State) -> Self {
        let profile = context::load_profile(host, global).map_err(|e| ui.note(&format!("{e:#}"))).ok();
        // What the last apply proved; an older record does not have it, and then the profile must do.
        let proved = state.last.as_ref().and_then(|last| last.expected.clone());
        let expected = proved.or_else(|| profile.as_ref().map(|profile| Expected::of(profile, None)));
        let page = Some(web::SOCKET).filter(|path| host.read(path).is_ok_and(|node| node != Node::Absent));
        let reached_by = match (&profile, &expected) {
            (Some(profile), Some(expected)) => reached_by(profile, &expected.address, page.is_some()),
            _ => Vec::new(),
        };
        let overview = expected.map(|expected| clients::look(host, &expected));
        let labels = profile.iter().flat_map(|profile| profile.backup.labels());
        let wanted: Vec<&str> = labels.map(VolumeLabel::as_str).collect();
        let drives =
            drive::look(global.root.as_deref(), &wanted).map_err(|e| ui.note(&format!("{e:#}"))).ok();
        let internet = uplink::internet(host);
        let remotes =
            profile.iter().flat_map(|profile| sent_of(profile, drives.as_deref().unwrap_or_default()));
        let remotes = remotes.collect();
        let has_ipv4 = internet == Some(Internet::Ipv4);
        Up { overview, internet: internet.map(Internet::words), has_ipv4, drives, remotes, reached_by }
    }

    /// For people: what is not as it should be, what a day is about, what is typed on the iPad; and the rest by its names,
    /// unless more was asked for.
    fn say(&self, ui: &Ui) {
        let probes: Vec<Line> = self.probes();
        let (well, wrong): (Vec<_>, Vec<_>) = probes.iter().partition(|line| line.known && line.ok);
        wrong.iter().for_each(|line| line.say(ui));
        self.of_the_day().iter().for_each(|line| line.say(ui));
        for (name, typed) in &self.reached_by {
            ui.say(&format!("      {name}: {}", ui.paint(Style::Bold, typed)));
        }
        if ui.verbose() {
            well.iter().for_each(|line| line.say(ui));
        } else if !well.is_empty() {
            let names: Vec<&str> = well.iter().map(|line| line.name).collect();
            ui.say(&format!("{}  {} (-v says more)", ui.paint(Style::Green, UP), names.join(", ")));
        }
    }

    /// Each look at what an apply set up.
    fn probes(&self) -> Vec<Line<'_>> {
        let Some(overview) = &self.overview else {
            let found = "not known without a profile".to_owned();
            return vec![Line { name: "Wi-Fi", known: false, ok: false, found }];
        };
        let line = |probe: &'_ Probe| Line {
            name: probe.name,
            known: probe.known,
            ok: probe.ok,
            found: probe.found.clone(),
        };
        overview.probes.iter().map(line).collect()
    }

    /// Who is on the Wi-Fi, the internet, the drives, and the copies far away.
    fn of_the_day(&self) -> Vec<Line<'_>> {
        let mut lines = Vec::new();
        let mut add = |name, known, ok, found| lines.push(Line { name, known, ok, found });
        match self.drives.as_deref() {
            None => add("drive", false, false, "not known".to_owned()),
            Some([]) => add("drive", true, false, "none is enrolled".to_owned()),
            Some(drives) => {
                for drive in drives {
                    let found = format!("{}: {}", visible(&drive.label), drive.words());
                    add("drive", true, drive.is_fit(), found);
                    if let Some(Line { name, known, ok, found }) = last_read(drive) {
                        add(name, known, ok, found);
                    }
                }
            }
        }
        for one in &self.remotes {
            add("away", true, one.sent == one.on_drive, sent::by_record(one));
        }
        match self.internet {
            Some(words) => add("internet", true, self.has_ipv4, words.to_owned()),
            None => add("internet", false, false, "not known".to_owned()),
        }
        if let Some(overview) = &self.overview {
            add("clients", overview.clients.is_some(), true, overview.clients_in_words());
        }
        lines
    }
}

const UP: &str = "up  ";

/// A line such as `up    DNS: port 53 on 10.41.0.1`.
struct Line<'a> {
    name: &'a str,
    /// Somebody could say.
    known: bool,
    /// It is as it should be.
    ok: bool,
    found: String,
}

impl Line<'_> {
    fn say(&self, ui: &Ui) {
        let (style, word) = match (self.known, self.ok) {
            (false, _) => (Style::Dim, "?   "),
            (true, true) => (Style::Green, UP),
            (true, false) => (Style::Red, "down"),
        };
        ui.say(&format!("{}  {}: {}", ui.paint(style, word), self.name, self.found));
    }
}

#[derive(Serialize)]
struct GenerationJson {
    number: u32,
    time: i64,
    stack: String,
    made_by: String,
}

/// A record's time for people, in UTC: the Pi's zone is rarely the traveller's.
fn when(time: i64) -> String {
    jiff::Timestamp::from_second(time).map_or_else(|_| time.to_string(), |t| t.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{EMBEDDED, load};

    #[test]
    fn a_screen_is_said_where_there_is_one() {
        let mut profile = load(EMBEDDED[0].1, "travel").unwrap();
        let said = |profile: &Profile| reached_by(profile, "10.41.0.1", false);
        assert!(!said(&profile).iter().any(|(by, _)| by.starts_with("screen")));
        profile.remote_screen = true;
        let last = said(&profile).pop().unwrap();
        assert_eq!(last, ("screen, in a VNC viewer", "10.41.0.1, as piback".to_owned()));
    }
}
