//! Whoever keeps the jobs: what outlives it, and what it claims of cards that it can't tell apart.
#![allow(clippy::disallowed_methods)]

use piback::jobs::Control;
use piback::jobs::health::Facts;
use piback::jobs::job::{Job, Phase, Verb};
use piback::jobs::keeper::{Keeper, Manner};
use piback::jobs::places::{Place, Places, World};
use piback::jobs::protocol::{Answer, Key, RefusalKind, Request};
use piback::jobs::runner::{Order, Runner, Stop, Told};
use piback::jobs::state::{Claim, Fact, Level};
use piback::jobs::store::{Store, Text};
use piback::jobs::uplink::Handed;
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Everything beside a keeper: it stays when the keeper goes.
#[derive(Default)]
struct Beside {
    world: Mutex<World>,
    texts: Mutex<HashMap<&'static str, String>>,
    boot: Mutex<String>,
    /// Jobs that were started, and those that an earlier keeper's are heard by.
    started: Mutex<Vec<(String, Order)>>,
    told: Mutex<HashMap<String, Told>>,
    /// Processes that are still there.
    alive: Mutex<Vec<String>>,
    stopped: Mutex<Vec<String>>,
    /// Jobs that began or are over, as the light and the terminals hear of them.
    heard_of: Mutex<Vec<Phase>>,
    forgotten: Mutex<Vec<String>>,
    /// Verbs that were run, and what each answers.
    verbs: Mutex<Vec<String>>,
    answer: Mutex<serde_json::Value>,
    secrets: Mutex<Vec<String>>,
    /// Looks at the health, and what each says.
    cared: Mutex<Vec<World>>,
    facts: Mutex<Facts>,
}

struct Of(Arc<Beside>);

impl Places for Of {
    fn world(&self) -> World {
        self.0.world.lock().unwrap().clone()
    }
}

impl Store for Of {
    fn read(&self, text: Text) -> Option<String> {
        self.0.texts.lock().unwrap().get(name(text)).cloned()
    }

    fn write(&self, which: Text, text: &str) {
        self.0.texts.lock().unwrap().insert(name(which), text.to_owned());
    }

    fn boot(&self) -> String {
        self.0.boot.lock().unwrap().clone()
    }
}

impl Runner for Of {
    fn start(&self, job: &Job, order: &Order, _: &World, told: Told) -> std::io::Result<Stop> {
        // What is on its way is on record before it begins: a power cut now must not be forgotten.
        let text = self.read(Text::Jobs).unwrap_or_default();
        assert!(text.contains(&job.id) && text.contains("\"running\""), "not on record: {text}");
        self.0.started.lock().unwrap().push((job.id.clone(), order.clone()));
        self.0.alive.lock().unwrap().push(job.id.clone());
        Ok(self.heard(&job.id, told))
    }

    fn again(&self, id: &str, told: Told) -> Option<Stop> {
        let alive = self.0.alive.lock().unwrap().iter().any(|alive| alive == id);
        alive.then(|| self.heard(id, told))
    }

    fn tell(&self, job: &Job) {
        self.0.heard_of.lock().unwrap().push(job.state);
    }

    fn verb(&self, args: &[&str]) -> std::io::Result<serde_json::Value> {
        self.0.verbs.lock().unwrap().push(args.join(" "));
        let answer = self.0.answer.lock().unwrap().clone();
        Ok(answer)
    }

    fn verb_with(&self, args: &[&str], secret: &Handed) -> std::io::Result<serde_json::Value> {
        self.0.secrets.lock().unwrap().push(secret.expose().to_owned());
        self.verb(args)
    }

    fn health(&self, world: &World) -> std::io::Result<Facts> {
        self.0.cared.lock().unwrap().push(world.clone());
        Ok(self.0.facts.lock().unwrap().clone())
    }

    fn forget(&self, id: &str) {
        self.0.forgotten.lock().unwrap().push(id.to_owned());
    }
}

impl Of {
    fn heard(&self, id: &str, told: Told) -> Stop {
        self.0.told.lock().unwrap().insert(id.to_owned(), told);
        let (beside, id) = (Arc::clone(&self.0), id.to_owned());
        Arc::new(move || beside.stopped.lock().unwrap().push(id.clone()))
    }
}

fn name(text: Text) -> &'static str {
    match text {
        Text::Jobs => "jobs",
        Text::Guests => "guests",
        Text::Invitations => "invitations",
    }
}

fn keeper(beside: &Arc<Beside>) -> Keeper {
    let of = || Box::new(Of(Arc::clone(beside)));
    Keeper::new(
        of(),
        of(),
        Some(of()),
        Manner { allow_same: true, page: Some("http://10.41.0.1".into()), appliance: true },
    )
}

fn place(dir: &Path, label: &str, kname: &str) -> Place {
    Place { label: label.into(), path: Some(dir.to_owned()), kname: Some(kname.into()) }
}

/// A card with a photo, a drive with nothing.
fn site() -> (tempfile::TempDir, Arc<Beside>) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("card/DCIM")).unwrap();
    fs::write(dir.path().join("card/DCIM/a.JPG"), "photo").unwrap();
    fs::create_dir(dir.path().join("drive")).unwrap();
    let world = World {
        cards: vec![place(&dir.path().join("card"), "SD", "sda1")],
        drives: vec![place(&dir.path().join("drive"), "PHOTOS", "sdb1")],
    };
    let beside = Beside { world: Mutex::new(world), boot: Mutex::new("first".into()), ..Beside::default() };
    (dir, Arc::new(beside))
}

fn ask(keeper: &Keeper, verb: Verb) -> Job {
    match keeper.ask(&Request::Start { verb, label: "SD".into(), compare: false }) {
        Answer::Job { job, .. } => *job,
        other => panic!("{other:?}"),
    }
}

fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "nothing comes");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Ends a job's process as if it had printed these lines.
fn end(beside: &Beside, id: &str, lines: &[&str], code: Option<u8>) {
    let mut told = until(|| beside.told.lock().unwrap().remove(id));
    beside.alive.lock().unwrap().retain(|alive| alive != id);
    lines.iter().for_each(|line| (told.line)(line));
    (told.end)(code);
}

fn state(keeper: &Keeper) -> piback::jobs::state::State {
    let control: &dyn Control = keeper;
    control.state(true).unwrap()
}

const ACCOUNT: &str = r#"{"event":"account","safe":true,"on_card":{"files":1,"bytes":5},"copied":{"files":1,"bytes":5},"not_safe_files":[]}"#;
const YES: &str = r#"{"event":"answer","safe_to_format":true,"on_card":{"files":1,"bytes":5},"on_drive":{"files":1,"bytes":5},"not_safe_files":[]}"#;

#[test]
fn a_keeper_that_goes_and_comes_hears_its_jobs_again() {
    let (_dir, beside) = site();
    let first = keeper(&beside);
    let (running, waiting) = (ask(&first, Verb::Backup), ask(&first, Verb::Verify));
    until(|| beside.told.lock().unwrap().contains_key(&running.id).then_some(()));
    drop(first);
    beside.told.lock().unwrap().clear();

    let second = keeper(&beside);
    assert!(second.is_busy());
    assert_eq!(beside.started.lock().unwrap().len(), 1, "it was started twice");
    end(&beside, &running.id, &[ACCOUNT], Some(0));
    // The one that waited has its turn.
    end(&beside, &waiting.id, &[r#"{"event":"verdict","good":true}"#], Some(0));
    until(|| (!second.is_busy()).then_some(()));
    let jobs = state(&second).jobs;
    assert_eq!(jobs.iter().map(|job| job.state).collect::<Vec<_>>(), [Phase::Done, Phase::Done]);
    assert_eq!(*beside.forgotten.lock().unwrap(), [running.id, waiting.id]);
}

#[test]
fn a_job_whose_process_died_meanwhile_is_said_so_and_a_power_cut_too() {
    let (_dir, beside) = site();
    let first = keeper(&beside);
    let job = ask(&first, Verb::Backup);
    until(|| beside.told.lock().unwrap().contains_key(&job.id).then_some(()));
    drop(first);
    beside.alive.lock().unwrap().clear();
    let second = keeper(&beside);
    assert_eq!(state(&second).jobs[0].state, Phase::Died);

    let job = ask(&second, Verb::Backup);
    until(|| beside.told.lock().unwrap().contains_key(&job.id).then_some(()));
    drop(second);
    *beside.boot.lock().unwrap() = "second".into();
    let third = keeper(&beside);
    let jobs = state(&third).jobs;
    assert_eq!((jobs[0].state, jobs[0].id == job.id), (Phase::Died, true));
    assert!(jobs[0].error.as_ref().unwrap().contains("cut off"), "{jobs:?}");
    assert!(!third.is_busy());
}

#[test]
fn a_claim_outlives_its_keeper_and_no_boot() {
    let (dir, beside) = site();
    let first = keeper(&beside);
    let job = ask(&first, Verb::SafeToFormat);
    end(&beside, &job.id, &[YES], Some(0));
    let claim = |keeper: &Keeper| state(keeper).cards[0].safe_to_format;
    until(|| (claim(&first) == Claim::Yes).then_some(()));
    drop(first);
    let second = keeper(&beside);
    assert_eq!(claim(&second), Claim::Yes);
    fs::write(dir.path().join("card/DCIM/b.JPG"), "new").unwrap();
    until(|| (claim(&second) == Claim::NotKnown).then_some(()));
    fs::remove_file(dir.path().join("card/DCIM/b.JPG")).unwrap();
    drop(second);
    *beside.boot.lock().unwrap() = "second".into();
    assert_eq!(claim(&keeper(&beside)), Claim::NotKnown);
}

#[test]
fn of_two_cards_of_one_label_nothing_is_claimed_and_none_is_guessed() {
    let (dir, beside) = site();
    let keeper = keeper(&beside);
    let job = ask(&keeper, Verb::SafeToFormat);
    end(&beside, &job.id, &[YES], Some(0));
    until(|| (state(&keeper).cards[0].safe_to_format == Claim::Yes).then_some(()));
    beside.world.lock().unwrap().cards.push(place(&dir.path().join("card"), "SD", "sdc1"));
    until(|| (state(&keeper).cards.len() == 2).then_some(()));
    assert!(state(&keeper).cards.iter().all(|card| card.safe_to_format == Claim::NotKnown));
    let refused = keeper.ask(&Request::Start { verb: Verb::Backup, label: "SD".into(), compare: false });
    assert!(matches!(&refused, Answer::Refused(r) if r.kind == RefusalKind::Busy), "{refused:?}");
    // The one that was just plugged in is meant, and told by its device.
    let Answer::Job { job, .. } = keeper.ask(&Request::Insert { kname: "sdc1".into() }) else { panic!() };
    until(|| beside.told.lock().unwrap().contains_key(&job.id).then_some(()));
    assert_eq!(beside.started.lock().unwrap().last().unwrap().1.kname.as_deref(), Some("sdc1"));
    assert!(matches!(keeper.ask(&Request::Insert { kname: "../sdc1".into() }), Answer::Refused(_)));
    keeper.ask(&Request::Cancel { id: job.id.clone() });
    assert_eq!(*beside.stopped.lock().unwrap(), [job.id]);
}

#[test]
fn what_a_later_job_finds_takes_an_earlier_yes_away() {
    let bad: [(Verb, &[&str], Option<u8>); 3] = [
        // Rot moves neither size nor time.
        (Verb::Verify, &[r#"{"event":"verdict","good":false,"bad_files":[]}"#], Some(5)),
        (Verb::SafeToFormat, &[r#"{"error":"the drive does not answer","hints":[]}"#], Some(1)),
        (Verb::SafeToFormat, &[], None),
    ];
    for (verb, lines, code) in bad {
        let (_dir, beside) = site();
        let keeper = keeper(&beside);
        let claim = || state(&keeper).cards[0].safe_to_format;
        let job = ask(&keeper, Verb::SafeToFormat);
        end(&beside, &job.id, &[YES], Some(0));
        until(|| (claim() == Claim::Yes).then_some(()));
        let job = ask(&keeper, verb);
        end(&beside, &job.id, lines, code);
        until(|| (!keeper.is_busy()).then_some(()));
        assert_ne!(claim(), Claim::Yes, "after a {} that ended with {code:?}", verb.as_str());
    }
    // One that somebody stopped found nothing.
    let (_dir, beside) = site();
    let keeper = keeper(&beside);
    let job = ask(&keeper, Verb::SafeToFormat);
    end(&beside, &job.id, &[YES], Some(0));
    until(|| (state(&keeper).cards[0].safe_to_format == Claim::Yes).then_some(()));
    let job = ask(&keeper, Verb::Verify);
    until(|| beside.told.lock().unwrap().contains_key(&job.id).then_some(()));
    keeper.ask(&Request::Cancel { id: job.id.clone() });
    end(&beside, &job.id, &[], Some(5));
    until(|| (!keeper.is_busy()).then_some(()));
    assert_eq!(state(&keeper).cards[0].safe_to_format, Claim::Yes);
}

#[test]
fn a_second_card_of_the_same_label_is_not_taken_for_the_first() {
    let (dir, beside) = site();
    let keeper = keeper(&beside);
    let insert = |kname: &str| match keeper.ask(&Request::Insert { kname: kname.into() }) {
        Answer::Job { job, new } => (job.id, new),
        other => panic!("{other:?}"),
    };
    // Asked for by hand just before it was mounted: the same.
    let by_hand = ask(&keeper, Verb::Backup).id;
    assert_eq!(insert("sda1"), (by_hand.clone(), false));
    end(&beside, &by_hand, &[ACCOUNT], Some(0));
    until(|| (!keeper.is_busy()).then_some(()));
    let (first, _) = insert("sda1");
    beside.world.lock().unwrap().cards.push(place(&dir.path().join("card"), "SD", "sdc1"));
    until(|| (state(&keeper).cards.len() == 2).then_some(()));
    let (second, new) = insert("sdc1");
    assert!(new && second != first, "it is said to be backed up, and is not");
    assert_eq!(insert("sda1"), (first.clone(), false));
    assert_eq!(insert("sdc1"), (second.clone(), false));
    end(&beside, &first, &[ACCOUNT], Some(0));
    end(&beside, &second, &[ACCOUNT], Some(0));
    let started = beside.started.lock().unwrap();
    assert_eq!(started.last().unwrap().1.kname.as_deref(), Some("sdc1"));
}

#[test]
fn nothing_is_taken_off_that_a_job_wants_whether_it_runs_or_waits() {
    let (_dir, beside) = site();
    let keeper = keeper(&beside);
    *beside.answer.lock().unwrap() = serde_json::json!({"event": "done"});
    let (running, waiting) = (ask(&keeper, Verb::Backup), ask(&keeper, Verb::Verify));
    until(|| beside.told.lock().unwrap().contains_key(&running.id).then_some(()));
    let eject = |label: Option<&str>| Request::Eject { label: label.map(str::to_owned) };
    let poweroff = |stop_jobs| Request::Poweroff { stop_jobs };
    for wish in [eject(Some("SD")), eject(Some("PHOTOS")), eject(None), poweroff(false)] {
        let Answer::Refused(refusal) = keeper.ask(&wish) else { panic!("{wish:?}") };
        assert_eq!(refusal.kind, RefusalKind::Busy);
        assert!(
            refusal.error.ends_with("of SD waits") || refusal.error.ends_with("of SD runs"),
            "{refusal:?}"
        );
    }
    assert!(beside.verbs.lock().unwrap().is_empty(), "it was tried");
    // Stopped on the way off: the one that waits does not begin when the other has ended.
    assert_eq!(keeper.ask(&poweroff(true)), Answer::Done);
    end(&beside, &running.id, &[], Some(5));
    until(|| (!keeper.is_busy()).then_some(()));
    assert!(beside.started.lock().unwrap().iter().all(|(id, _)| *id != waiting.id));
    assert_eq!(keeper.ask(&eject(Some("SD"))), Answer::Done);
}

#[test]
fn the_appliance_s_verbs_are_run_on_what_is_there_and_their_refusals_told() {
    let (_dir, beside) = site();
    let keeper = keeper(&beside);
    *beside.answer.lock().unwrap() = serde_json::json!({"event": "ejected", "volumes": []});
    let eject = |label: &str| keeper.ask(&Request::Eject { label: Some(label.into()) });
    assert_eq!(eject("SD"), Answer::Done);
    for stranger in ["--all", "/dev/sda1", "NOBODY", ""] {
        assert!(
            matches!(eject(stranger), Answer::Refused(r) if r.kind == RefusalKind::Unknown),
            "{stranger}"
        );
    }
    assert_eq!(keeper.ask(&Request::Eject { label: None }), Answer::Done);
    assert_eq!(keeper.ask(&Request::SetTime { seconds: -5 }), Answer::Done);
    *beside.answer.lock().unwrap() = serde_json::json!({"error": "a backup of SD runs", "hints": ["wait"]});
    let Answer::Refused(refusal) = keeper.ask(&Request::Poweroff { stop_jobs: true }) else { panic!() };
    assert_eq!((refusal.error.as_str(), refusal.hints), ("a backup of SD runs", vec!["wait".to_owned()]));
    assert_eq!(
        *beside.verbs.lock().unwrap(),
        ["eject -- SD", "eject --all", "set-time @-5", "poweroff --stop-jobs"]
    );
}

#[test]
fn power_off_stops_no_job_unasked_and_tells_a_refusal() {
    let (_dir, beside) = site();
    let keeper = keeper(&beside);
    *beside.answer.lock().unwrap() = serde_json::json!({"event": "poweroff", "off": true});
    assert_eq!(keeper.ask(&Request::Poweroff { stop_jobs: false }), Answer::Done);
    assert_eq!(*beside.verbs.lock().unwrap(), ["poweroff"]);
}

#[test]
fn a_job_that_is_stopped_before_its_process_is_there_does_nothing() {
    let (_dir, beside) = site();
    let keeper = keeper(&beside);
    let _ = state(&keeper);
    // Whoever starts it first looks at the world, and hangs there.
    let world = beside.world.lock().unwrap();
    let job = ask(&keeper, Verb::Backup);
    keeper.ask(&Request::Cancel { id: job.id.clone() });
    drop(world);
    until(|| (!keeper.is_busy()).then_some(()));
    assert!(beside.started.lock().unwrap().is_empty());
    assert_eq!(state(&keeper).jobs[0].state, Phase::Cancelled);

    // The process comes up, and nobody can be asked yet.
    let started = beside.started.lock().unwrap();
    let before = beside.heard_of.lock().unwrap().len();
    let job = ask(&keeper, Verb::Verify);
    until(|| (beside.heard_of.lock().unwrap().len() > before).then_some(()));
    keeper.ask(&Request::Cancel { id: job.id.clone() });
    assert!(beside.stopped.lock().unwrap().is_empty());
    drop(started);
    until(|| (*beside.stopped.lock().unwrap() == [job.id.clone()]).then_some(()));
    end(&beside, &job.id, &[], Some(5));
    until(|| (!keeper.is_busy()).then_some(()));
    assert_eq!(beside.heard_of.lock().unwrap().last(), Some(&Phase::Cancelled));
}

#[test]
fn whoever_looks_on_is_told_that_a_browser_was_shown_out() {
    let (_dir, beside) = site();
    let keeper = keeper(&beside);
    let told = Arc::new(Mutex::new(0));
    let count = Arc::clone(&told);
    keeper.watch(Box::new(move || *count.lock().unwrap() += 1));
    keeper.ask(&Request::Forget { at: 0 });
    assert_eq!(*told.lock().unwrap(), 1, "its event stream would go on");
}

#[test]
fn a_drive_that_is_not_there_is_named_rather_than_the_card() {
    let (_dir, beside) = site();
    beside.world.lock().unwrap().drives = vec![Place { label: "PHOTOS".into(), path: None, kname: None }];
    let keeper = keeper(&beside);
    let verify = Request::Start { verb: Verb::Verify, label: "SD".into(), compare: false };
    let Answer::Refused(refusal) = keeper.ask(&verify) else { panic!() };
    assert_eq!(refusal.error, "PHOTOS is not plugged in");
}

#[test]
fn browsers_that_are_let_in_stay_so_and_invitations_end_with_the_boot() {
    let (_dir, beside) = site();
    let first = keeper(&beside);
    let Answer::Invited { code, page, .. } = first.ask(&Request::Invite) else { panic!() };
    assert_eq!(page.as_deref(), Some("http://10.41.0.1"));
    drop(first);
    let second = keeper(&beside);
    let enter = |keeper: &Keeper, code: &str| {
        keeper.ask(&Request::Enter { key: Key::Code(code.into()), name: "iPad\n".into() })
    };
    let Answer::Entered { secret } = enter(&second, &code) else { panic!() };
    assert!(matches!(enter(&second, &code), Answer::Refused(_)), "twice");
    assert!(
        !beside.texts.lock().unwrap().values().any(|text| text.contains(&secret) || text.contains(&code))
    );
    drop(second);
    let third = keeper(&beside);
    assert_eq!(third.ask(&Request::Known { secret: secret.clone() }), Answer::Known { at: Some(0) });
    let Answer::Guests { guests } = third.ask(&Request::Guests) else { panic!() };
    assert_eq!(guests[0].name, "iPad");
    third.ask(&Request::Forget { at: 0 });
    third.ask(&Request::Forget { at: 7 });
    drop(third);
    assert_eq!(keeper(&beside).ask(&Request::Known { secret }), Answer::Known { at: None });
}

#[test]
fn health_is_looked_at_once_and_again_when_a_job_ended_or_something_else_is_there() {
    let (_dir, beside) = site();
    let fact = Fact {
        name: "smart".into(),
        level: Level::Bad,
        words: "own check FAILED".into(),
        remedy: Some("replace it".into()),
    };
    let drive = beside.world.lock().unwrap().drives[0].kname.clone().unwrap();
    *beside.facts.lock().unwrap() = Facts::from([(drive, vec![fact.clone()])]);
    let keeper = keeper(&beside);
    let control: &dyn Control = &keeper;
    let looks = || {
        // More looks than one may need, and a moment for the thread that each might start.
        for _ in 0..10 {
            control.look();
            std::thread::sleep(Duration::from_millis(60));
        }
        beside.cared.lock().unwrap().len()
    };
    assert_eq!(looks(), 1);
    let state = control.state(false).unwrap();
    assert_eq!(state.drives[0].health, [fact]);
    let card: Vec<_> = state.cards[0].health.iter().map(|fact| (fact.name.as_str(), fact.level)).collect();
    assert_eq!(card, [("kernel", Level::Unknown)], "the answer says nothing of the card");
    let job = ask(&keeper, Verb::Backup);
    until(|| beside.told.lock().unwrap().contains_key(&job.id).then_some(()));
    beside.world.lock().unwrap().cards.clear();
    assert_eq!(looks(), 1, "a job is at work");
    end(&beside, &job.id, &[ACCOUNT], Some(0));
    until(|| (beside.cared.lock().unwrap().len() == 2).then_some(()));
    assert_eq!(looks(), 2);
    beside.world.lock().unwrap().drives[0].kname = Some("sdz1".into());
    assert_eq!(looks(), 3, "another drive");
}

#[test]
fn a_passphrase_is_in_the_input_of_the_process_that_joins_and_in_no_argument() {
    let (_dir, beside) = site();
    let keeper = keeper(&beside);
    let join = |passphrase: Option<&str>| {
        let passphrase = passphrase.map(|text| Handed::new(text.to_owned()));
        keeper.ask(&Request::Join { ssid: "--on".into(), passphrase })
    };
    *beside.answer.lock().unwrap() = serde_json::json!({"ways": [], "internet": "yes", "sign_in": null, "why": null,
        "radio": "wlan1", "no_radio": null, "no_radio_hints": [], "known": ["--on"]});
    let Answer::Uplink(uplink) = join(Some("correct horse")) else { panic!() };
    assert_eq!((uplink.internet.as_str(), uplink.radio.as_deref()), ("yes", Some("wlan1")));
    join(None);
    keeper.ask(&Request::ForgetNetwork { ssid: "--on".into() });
    keeper.ask(&Request::Uplink);
    assert_eq!(*beside.secrets.lock().unwrap(), ["correct horse"]);
    let verbs = [
        "uplink join --passphrase-file /dev/stdin -- --on",
        "uplink join -- --on",
        "uplink forget -- --on",
        "uplink",
    ];
    assert_eq!(*beside.verbs.lock().unwrap(), verbs);
    *beside.answer.lock().unwrap() =
        serde_json::json!({"error": "wlan0 is the only radio", "hints": ["a USB adapter"]});
    let Answer::Refused(why) = join(None) else { panic!() };
    assert_eq!((why.error.as_str(), why.hints[0].as_str()), ("wlan0 is the only radio", "a USB adapter"));
    assert!(matches!(keeper.ask(&Request::Networks), Answer::Refused(_)));
}
