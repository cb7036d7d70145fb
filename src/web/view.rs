//! The state as tiles: what stands where, in which colour, with which button. Pure.

use super::words::{self, Sentence};
use crate::jobs::health::is_plain;
use crate::jobs::job::{BadFile, Job, Phase, Verb};
use crate::jobs::state::{CardState, Claim, DriveState, Fact, Level, State};
use serde::Serialize;

/// So many files that are not safe are named on a tile.
const NAMED: usize = 8;

/// The first page's content.
#[derive(Debug, Serialize)]
pub struct Home {
    pub cards: Vec<Tile>,
    pub drives: Vec<Drive>,
    pub history: Vec<Row>,
}

/// A card, a verdict, or both.
#[derive(Debug, Default, Serialize)]
pub struct Tile {
    pub label: String,
    /// `good`, `bad`, `warn` or `calm`: a colour, never the only sign.
    pub tone: &'static str,
    /// In front of the title.
    pub mark: &'static str,
    pub title: String,
    /// The card's content.
    pub line: String,
    pub text: String,
    pub files: Vec<BadFile>,
    pub more: String,
    pub health: Vec<Told>,
    pub button: Option<Button>,
    pub quiet: Option<Button>,
    pub job: Option<Running>,
}

/// Something to do.
#[derive(Debug, Serialize)]
pub struct Button {
    pub verb: &'static str,
    pub text: &'static str,
    /// For those who hear it: with the card's name.
    pub name: String,
}

/// A job on its way.
#[derive(Debug, Default, Serialize)]
pub struct Running {
    pub id: String,
    /// In thousandths; none while that is not known.
    pub part: Option<u64>,
    pub doing: &'static str,
    pub done: String,
    pub speed: String,
    pub left: String,
    pub beside: String,
    pub short: String,
    pub stopping: bool,
}

#[derive(Debug, Serialize)]
pub struct Drive {
    pub label: String,
    pub present: bool,
    pub line: String,
    /// Full, in thousandths.
    pub part: u64,
    pub problem: String,
    pub health: Vec<Told>,
}

/// A fact about the health of a card or drive, in the words of the command line.
#[derive(Debug, Serialize)]
pub struct Told {
    pub words: String,
    pub remedy: Option<String>,
    /// Something is to be done.
    pub wants: bool,
}

impl From<&Fact> for Told {
    fn from(fact: &Fact) -> Self {
        let wants = matches!(fact.level, Level::Warning | Level::Bad);
        Told {
            words: words::sentence(&fact.words),
            remedy: fact.remedy.as_deref().map(words::sentence),
            wants,
        }
    }
}

/// A backup of the past.
#[derive(Debug, Serialize)]
pub struct Row {
    pub run: String,
    pub label: String,
    pub when: String,
    pub line: String,
}

/// Lays out a state. `now` is the host's clock.
#[must_use]
pub fn home(state: &State, now: jiff::Timestamp) -> Home {
    let mut cards: Vec<Tile> = state.cards.iter().map(|card| tile(card, state, now)).collect();
    cards.extend(orphans(state, now));
    // The verdict first; otherwise as they are.
    cards.sort_by_key(|tile| match (tile.tone, tile.job.is_some()) {
        (_, true) => 1,
        ("calm", false) => 2,
        _ => 0,
    });
    Home {
        cards,
        drives: state.drives.iter().map(drive).collect(),
        history: state.drives.iter().flat_map(|drive| &drive.runs).take(12).map(row).collect(),
    }
}

/// The host's year, for dates that leave it out.
#[must_use]
pub fn year(now: jiff::Timestamp) -> i16 {
    now.to_zoned(jiff::tz::TimeZone::UTC).year()
}

fn tile(card: &CardState, state: &State, now: jiff::Timestamp) -> Tile {
    let label = card.label.as_str();
    let of_card = || state.jobs.iter().filter(|job| job.label == label);
    let mut tile = Tile {
        label: label.to_owned(),
        tone: "calm",
        title: label.to_owned(),
        line: words::card_line(card, year(now)),
        ..Tile::default()
    };
    if let Some(job) = of_card().rfind(|job| !job.state.is_over()) {
        tile.job = Some(running(job));
        return tile;
    }
    if !card.present {
        (tile.text, tile.line) = (words::ABSENT.to_owned(), String::new());
        return tile;
    }
    // A card without a complaint needs no line.
    let tells = |fact: &&Fact| fact.level == Level::Unknown || !is_plain(fact);
    tile.health = card.health.iter().filter(tells).map(Told::from).collect();
    let last = |verb: Verb| of_card().find(|job| job.verb == verb && job.state.is_over());
    verdict(&mut tile, card, of_card().find(|job| job.state.is_over()), &last, now);
    tile
}

/// Says what can be said of a card that no job works on.
fn verdict<'a>(
    tile: &mut Tile,
    card: &CardState,
    newest: Option<&Job>,
    last: &dyn Fn(Verb) -> Option<&'a Job>,
    now: jiff::Timestamp,
) {
    let label = card.label.as_str();
    let button = |verb: Verb, text: &'static str| Some(to_press(label, verb, text));
    let compared = last(Verb::SafeToFormat).filter(|job| job.stands);
    let copied = last(Verb::Backup).filter(|job| job.stands);
    tile.button = button(Verb::Backup, words::BACK_UP);
    let found = |job: Option<&'a Job>| job.and_then(|job| Some((job, job.result.as_ref()?)));
    match (card.safe_to_format, found(compared), card.backed_up, found(copied), newest) {
        (Claim::Yes, Some((job, result)), ..) => {
            say(tile, "good", words::safe_to_format(label, &drives(job), result, &when(job, now)));
            tile.button = None;
            tile.quiet = button(Verb::SafeToFormat, words::CHECK_AGAIN);
        }
        (Claim::No, Some((job, result)), backed_up, ..) => {
            say(tile, "bad", words::not_to_format(label, &drives(job), result));
            name(tile, &result.not_safe_files, result.not_safe.files);
            if backed_up == Claim::Yes {
                tile.button = button(Verb::Verify, words::RE_READ);
            }
        }
        (_, _, Claim::No, Some((job, result)), _) => {
            say(tile, "bad", words::not_backed_up(label, &drives(job), result));
            name(tile, &result.not_safe_files, result.not_safe.files);
            tile.button = button(Verb::Backup, words::BACK_UP_AGAIN);
        }
        (.., Some(job)) if matches!(job.state, Phase::Failed | Phase::Died) => {
            say(tile, "bad", words::failed(label, job));
        }
        (_, _, Claim::Yes, Some((job, result)), _) => {
            say(tile, "good", words::backed_up(label, &drives(job), result, &when(job, now)));
            tile.button = button(Verb::SafeToFormat, words::CHECK_FORMAT);
        }
        (.., Some(job)) if job.state == Phase::Cancelled => {
            say(tile, "warn", words::stopped(label, job.result.as_ref()));
        }
        _ => nothing_said(tile, card, last(Verb::Verify)),
    }
    // It said yes, and it is none.
    let yes = last(Verb::SafeToFormat).is_some_and(|job| job.is_good() && job.stands);
    if card.same_filesystem && yes && card.safe_to_format != Claim::Yes {
        say(tile, "warn", words::same_filesystem(label));
    }
    if card.files == 0 {
        tile.button = None;
    }
}

fn to_press(label: &str, verb: Verb, text: &'static str) -> Button {
    Button { verb: verb.as_str(), text, name: format!("{text}: {label}") }
}

/// A card that no backup and no comparison speaks of; re-reading its backup may.
fn nothing_said(tile: &mut Tile, card: &CardState, verified: Option<&Job>) {
    let button = |verb: Verb, text: &'static str| Some(to_press(&card.label, verb, text));
    if verified.is_some_and(|job| job.state == Phase::NotSafe && job.stands) {
        tile.text = words::NOT_GOOD.to_owned();
        tile.quiet = button(Verb::SafeToFormat, words::CHECK_FORMAT);
        return;
    }
    tile.text = words::plain(card);
    if card.files > 0 && card.new_files == 0 {
        tile.button = button(Verb::SafeToFormat, words::CHECK_FORMAT);
        tile.quiet = button(Verb::Backup, words::BACK_UP_AGAIN);
    }
}

/// Tiles for what `verify` said of a backup, and for what runs for a card that is not there.
fn orphans(state: &State, now: jiff::Timestamp) -> Vec<Tile> {
    let mut tiles: Vec<Tile> = Vec::new();
    for job in state.jobs.iter().filter(|job| job.verb == Verb::Verify) {
        let is_card = state.cards.iter().any(|card| card.label == job.label);
        if tiles.iter().any(|tile| tile.label == job.label) || (is_card && !job.state.is_over()) {
            continue;
        }
        let label = job.label.clone();
        let mut tile = Tile { title: label.clone(), label, tone: "calm", ..Tile::default() };
        match (&job.result, job.state) {
            (_, phase) if !phase.is_over() => tile.job = Some(running(job)),
            (Some(result), Phase::Done) if job.stands => {
                let tone = if result.healed > 0 { "warn" } else { "good" };
                say(&mut tile, tone, words::verified(&job.label, result, &when(job, now)));
            }
            (Some(result), Phase::NotSafe) if job.stands => {
                say(&mut tile, "bad", words::not_verified(&job.label, result));
                name(&mut tile, &result.not_safe_files, result.not_safe.files);
            }
            (_, Phase::Failed | Phase::Died) if !is_card => {
                say(&mut tile, "bad", words::failed(&job.label, job));
            }
            _ => continue,
        }
        tiles.push(tile);
    }
    tiles
}

fn say(tile: &mut Tile, tone: &'static str, (title, text): Sentence) {
    (tile.tone, tile.title, tile.text) = (tone, title, text);
    tile.mark = match tone {
        "good" => "✓",
        "bad" => "✗",
        _ => "!",
    };
}

fn name(tile: &mut Tile, files: &[BadFile], all: u64) {
    tile.files = files.iter().take(NAMED).cloned().collect();
    let more = all.saturating_sub(tile.files.len() as u64);
    if more > 0 {
        tile.more = words::and_more(more);
    }
}

fn running(job: &Job) -> Running {
    let mut shown = Running {
        id: job.id.clone(),
        doing: words::doing(job.verb),
        beside: words::beside(job),
        short: words::short(job).unwrap_or_default(),
        stopping: job.state == Phase::Stopping,
        ..Running::default()
    };
    if shown.stopping {
        shown.doing = words::STOPPING;
    }
    match (&job.progress, job.state) {
        (_, Phase::Queued) => shown.done = words::waits().to_owned(),
        (Some(progress), _) => {
            shown.part = (progress.position_bytes * 1000).checked_div(progress.of_bytes);
            shown.done = words::done(job.verb, progress);
            shown.speed = words::speed(progress);
            shown.left = words::time_left(progress);
        }
        (None, _) => shown.done = words::looking().to_owned(),
    }
    shown
}

fn drive(drive: &DriveState) -> Drive {
    let full = drive.total.saturating_sub(drive.free);
    let problem =
        if drive.damaged_records > 0 { words::damaged_records(drive.damaged_records) } else { String::new() };
    Drive {
        label: drive.label.clone(),
        present: drive.present,
        line: if drive.present { words::drive_line(drive) } else { words::ABSENT.to_owned() },
        part: (full / 1000).checked_div((drive.total / 1_000_000).max(1)).unwrap_or(0).min(1000),
        problem,
        health: drive.health.iter().filter(|_| drive.present).map(Told::from).collect(),
    }
}

fn row(run: &crate::jobs::state::RunState) -> Row {
    Row {
        run: run.run.clone(),
        label: run.label.clone(),
        when: words::moment(&run.started),
        line: words::run_line(run.photos, run.files, run.bytes, run.not_safe),
    }
}

fn drives(job: &Job) -> String {
    job.drives.join(" and ")
}

fn when(job: &Job, now: jiff::Timestamp) -> String {
    let ended = job.ended.as_deref().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    words::ago(ended.map_or(0, |ended| now.as_second() - ended.as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_whose_backup_is_not_good_is_to_be_backed_up_again() {
        let card = CardState { label: "SD".into(), present: true, files: 3, ..CardState::default() };
        let mut job = Job::new("1".into(), Verb::Verify, "SD", &[]);
        (job.state, job.stands) = (Phase::NotSafe, true);
        let mut state = State { cards: vec![card], jobs: vec![job], ..State::default() };
        let button = |state: &State| {
            let tile = home(state, jiff::Timestamp::UNIX_EPOCH).cards.remove(0);
            (tile.button.unwrap().verb, tile.text)
        };
        assert_eq!(button(&state), ("backup", words::NOT_GOOD.to_owned()));
        // The next backup ends what it said.
        state.jobs[0].stands = false;
        assert_eq!(button(&state).0, "safe-to-format");
    }

    #[test]
    fn health_is_told_of_what_is_there_and_a_card_without_a_complaint_needs_no_line() {
        let fact = |name: &str, level, words: &str| Fact {
            name: name.into(),
            level,
            words: words.into(),
            remedy: (level == Level::Bad).then(|| "replace it".into()),
        };
        let all = vec![
            fact("kernel", Level::Good, "the kernel saw no errors"),
            fact("smart", Level::Bad, "own check FAILED"),
        ];
        let card =
            CardState { label: "SD".into(), present: true, health: all.clone(), ..CardState::default() };
        let drive = DriveState { label: "P".into(), present: true, health: all, ..DriveState::default() };
        let mut state = State { cards: vec![card], drives: vec![drive], ..State::default() };
        let told = |state: &State| {
            let home = home(state, jiff::Timestamp::UNIX_EPOCH);
            let said = |all: &[Told]| all.iter().map(|one| one.words.clone()).collect::<Vec<_>>();
            (said(&home.cards[0].health), said(&home.drives[0].health))
        };
        let (of_card, of_drive) = told(&state);
        assert_eq!(of_card, ["Own check FAILED"]);
        assert_eq!(of_drive, ["The kernel saw no errors", "Own check FAILED"]);
        (state.cards[0].present, state.drives[0].present) = (false, false);
        assert_eq!(told(&state), (Vec::new(), Vec::new()));
    }
}
