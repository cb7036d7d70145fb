//! `scripts/bench drives`: two drives beside one, and a scrub beside a backup. Each figure is a ratio within one run.

use crate::faulty::{Faults, Mounted};
use crate::{Cost, MB, PIBACK, Slow, assert_same, attach, clear, cold, detach, empty, run, shoot};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const FILE: u64 = 25 * MB;

/// The parts that are named, or all.
pub fn all(at: &Path, rounds: usize, parts: &[String]) {
    let on = |name: &str| parts.is_empty() || parts.iter().any(|part| part == name);
    if on("equal") {
        equal(at, rounds);
    }
    if on("unequal") {
        unequal(at, rounds);
    }
    if on("bus") {
        bus(at, rounds);
    }
    if on("processor") {
        processor(at, rounds, "1 GB in 40 files", 40, FILE);
        processor(at, rounds, "400 MB in 4,000 files", 4_000, 100_000);
    }
    if on("memory") {
        memory(at);
    }
    if on("scrub") {
        scrub(at, rounds);
    }
}

/// A card behind a throttle that counts what is read of it.
struct Card {
    mounted: Mounted,
    place: PathBuf,
    behind: PathBuf,
    bytes: u64,
}

impl Card {
    fn new(at: &Path, files: u64, rate: u64) -> Self {
        let (behind, place) = (at.join("card-behind"), at.join("card"));
        fs::create_dir_all(&behind).unwrap();
        shoot(&behind, files, FILE);
        let mounted = Mounted::new(&behind, &place, Faults { read_limit: Some(rate), ..Faults::default() });
        let bytes = fs::read_dir(behind.join("DCIM/100CANON")).unwrap();
        let bytes = bytes.map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
        Card { mounted, place, behind, bytes }
    }

    /// What was read of it since the last call, in parts of its files.
    fn read(&self) -> f64 {
        let mut read = 0;
        self.mounted.set(|f| read = std::mem::take(&mut f.read));
        read as f64 / self.bytes as f64
    }

    fn end(self) {
        self.mounted.unmount();
        fs::remove_dir_all(self.behind).unwrap();
    }
}

fn line(card: &Path, drives: &[&Path]) -> Vec<String> {
    let mut line: Vec<String> = [PIBACK, "backup", "S", "--source"].map(String::from).to_vec();
    line.push(card.display().to_string());
    for drive in drives {
        line.extend(["--dest".to_owned(), drive.display().to_string()]);
    }
    line
}

/// Backs up, from a cold cache, to these drives.
fn backup(card: &Path, drives: &[&Path]) -> Cost {
    cold(drives[0]);
    let cost = run(&line(card, drives));
    drives.iter().for_each(|drive| assert_same(&card.join("DCIM"), &drive.join("S/DCIM")));
    cost
}

/// The same, and the time after which a drive has the last file under its name.
fn backup_until(card: &Path, drives: &[&Path], of: &Path, flags: &[String]) -> (Cost, f64) {
    let last =
        fs::read_dir(card.join("DCIM/100CANON")).unwrap().map(|e| e.unwrap().file_name()).max().unwrap();
    let last = of.join("S/DCIM/100CANON").join(last);
    let done = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&done);
    cold(drives[0]);
    let begin = Instant::now();
    let end = std::thread::spawn(move || {
        while !last.exists() && !seen.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        begin.elapsed().as_secs_f64()
    });
    let cost = run(&[line(card, drives), flags.to_vec()].concat());
    done.store(true, Ordering::Relaxed);
    (cost, end.join().unwrap())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Two drives, each as fast as the one beside which they are measured.
fn equal(at: &Path, rounds: usize) {
    let (card, rate, size) = (Card::new(at, 12, 90 * MB), 60 * MB, 900 * MB);
    let drives = [Slow::new(at, "a", rate, size), Slow::new(at, "b", rate, size)];
    let (a, b) = (drives[0].place.as_path(), drives[1].place.as_path());
    let (mut walls, mut reads) = ([vec![], vec![]], [vec![], vec![]]);
    for _ in 0..rounds {
        for (n, these) in [&[a][..], &[a, b]].into_iter().enumerate() {
            card.read();
            cold(a);
            walls[n].push(backup(&card.place, these).wall);
            // Its listing was compared afterwards, which reads nothing of its files.
            reads[n].push(card.read());
            drives.iter().for_each(Slow::clear);
        }
    }
    head("300 MB to one drive of 60 MB/s and to two, card 90 MB/s", "| wall | of one | read of the card |");
    let walls = walls.map(median);
    for (n, (name, reads)) in ["one drive", "two drives"].iter().zip(reads).enumerate() {
        println!("| {name} | {:.2} | {:.3} | {:.4} |", walls[n], walls[n] / walls[0], median(reads));
    }
    println!();
    drives.into_iter().for_each(Slow::end);
    card.end();
}

/// A card and two drives on one bus that goes one way at a time, in one pass and in two.
fn bus(at: &Path, rounds: usize) {
    let (behind, through) = (at.join("bus-behind"), at.join("bus-through"));
    fs::create_dir_all(&behind).unwrap();
    for name in ["card", "a", "b"] {
        fs::File::create(behind.join(name)).unwrap().set_len(600 * MB).unwrap();
    }
    let mounted =
        Mounted::new(&behind, &through, Faults { direct: true, one_way: true, ..Faults::default() });
    let places = ["card", "a", "b"].map(|name| at.join(name));
    let devices: Vec<String> =
        places.iter().map(|place| attach(&through.join(place.file_name().unwrap()), place)).collect();
    let [card, a, b] = &places;
    shoot(card, 6, FILE);
    cold(card);
    let always = always(at);
    let runs: [(&str, &Path, &[String]); 4] = [
        ("one pass, the first drive has all", a, &[]),
        ("one pass, both have all", b, &[]),
        ("cascade, the first drive has all", a, &always),
        ("cascade, both have all", b, &always),
    ];
    let mut ends: [Vec<f64>; 4] = Default::default();
    for _ in 0..rounds {
        for (n, (_, of, flags)) in runs.iter().enumerate() {
            mounted.set(|f| (f.read_limit, f.write_limit) = (Some(35 * MB), Some(35 * MB)));
            ends[n].push(backup_until(card, &[a, b], of, flags).1);
            mounted.set(|f| (f.read_limit, f.write_limit) = (None, None));
            [a, b].into_iter().for_each(|drive| clear(drive));
        }
    }
    let ends = ends.map(median);
    head("150 MB to two drives, all on one bus of 35 MB/s", "| wall | of one pass to both |");
    for ((name, ..), end) in runs.iter().zip(ends) {
        println!("| {name} | {end:.2} | {:.2} |", end / ends[1]);
    }
    println!();
    devices.iter().zip(&places).for_each(|(device, place)| detach(device, place));
    mounted.unmount();
}

/// A profile with `cascade: always`, on the command line.
fn always(at: &Path) -> [String; 2] {
    let profile = at.join("always.yaml");
    let text = include_str!("../../profiles/travel.yaml");
    fs::write(&profile, text.replace("\nbackup:\n", "\nbackup:\n  cascade: always\n")).unwrap();
    ["--profile".to_owned(), profile.display().to_string()]
}

/// A slow drive beside a fast one: the fast one's own end.
fn unequal(at: &Path, rounds: usize) {
    let card = Card::new(at, 12, 150 * MB);
    let (fast, slow) = (Slow::new(at, "fast", 120 * MB, 900 * MB), Slow::new(at, "slow", 30 * MB, 900 * MB));
    let (a, b) = (fast.place.as_path(), slow.place.as_path());
    let always = always(at);
    let runs: [(&str, &[&Path], &Path, &[String]); 6] = [
        ("the fast one alone", &[a], a, &[]),
        ("the fast one, beside the slow one", &[a, b], a, &[]),
        ("the fast one, cascade: always", &[a, b], a, &always),
        ("the slow one alone", &[b], b, &[]),
        ("the slow one, beside the fast one", &[a, b], b, &[]),
        ("the slow one, cascade: always", &[a, b], b, &always),
    ];
    let mut ends: [Vec<f64>; 6] = Default::default();
    for _ in 0..rounds {
        for (n, (_, drives, of, flags)) in runs.iter().enumerate() {
            ends[n].push(backup_until(&card.place, drives, of, flags).1);
            [&fast, &slow].into_iter().for_each(Slow::clear);
        }
    }
    let ends = ends.map(median);
    head("300 MB to a drive of 120 MB/s and one of 30 MB/s, card 150 MB/s", "| wall | of alone |");
    for (n, (name, ..)) in runs.iter().enumerate() {
        println!("| {name} | {:.2} | {:.3} |", ends[n], ends[n] / ends[n / 3 * 3]);
    }
    println!();
    [fast, slow].into_iter().for_each(Slow::end);
    card.end();
}

/// What the second drive costs of the processor, on the disk as it is.
fn processor(at: &Path, rounds: usize, title: &str, files: u64, size: u64) {
    let card = at.join("card");
    shoot(&card, files, size);
    let (mut costs, used) = ([vec![], vec![]], at.join("used"));
    for round in 0..rounds {
        for (n, names) in [&["a"][..], &["a", "b"]].iter().enumerate() {
            let place = used.join(format!("{round}-{n}"));
            let drives: Vec<PathBuf> = names.iter().map(|name| place.join(name)).collect();
            drives.iter().for_each(|drive| fs::create_dir_all(drive).unwrap());
            let these: Vec<&Path> = drives.iter().map(PathBuf::as_path).collect();
            costs[n].push(backup(&card, &these));
            empty(&place);
        }
    }
    fs::remove_dir_all(used).unwrap();
    fs::remove_dir_all(card).unwrap();
    let of = |costs: &[Cost], what: fn(&Cost) -> f64| median(costs.iter().map(what).collect());
    let first = of(&costs[0], |c| c.cpu);
    head(&format!("{title}, to one drive and to two"), "| wall | CPU | of the first | memory |");
    for (n, (name, costs)) in ["one drive", "two drives"].iter().zip(&costs).enumerate() {
        let (wall, cpu, memory) = (of(costs, |c| c.wall), of(costs, |c| c.cpu), of(costs, |c| c.memory));
        // What the last of the drives took.
        let share = (cpu - if n == 0 { 0.0 } else { first }) / first;
        println!("| {name} | {wall:.2} | {cpu:.2} | {share:.2} | {memory:.0} |");
    }
    println!();
}

/// 100,000 files and a video, to two drives.
fn memory(at: &Path) {
    let (card, a, b) = (at.join("card"), at.join("a"), at.join("b"));
    shoot(&card, 100_000, 300);
    fs::File::create(card.join("DCIM/MVI_0001.MP4")).unwrap().set_len(2_000_000_000).unwrap();
    [&a, &b].into_iter().for_each(|drive| fs::create_dir_all(drive).unwrap());
    let first = line(&card, &[&a, &b]);
    let verb = |name: &str| {
        let mut line = first.clone();
        line[1] = name.into();
        run(&line)
    };
    head("100,000 files and a 2 GB video, to two drives", "| wall | CPU | memory |");
    for (name, verb) in
        [("backup", "backup"), ("backup, nothing to do", "backup")].into_iter().map(|(n, v)| (n, verb(v)))
    {
        println!("| {name} | {:.2} | {:.2} | {:.0} |", verb.wall, verb.cpu, verb.memory);
    }
    println!();
    [card, a, b].into_iter().for_each(|place| fs::remove_dir_all(place).unwrap());
}

/// A backup beside a scrub of the drive that it goes to.
fn scrub(at: &Path, rounds: usize) {
    let (card, drive, root) =
        (Card::new(at, 24, 90 * MB), Slow::new(at, "a", 60 * MB, 2_400 * MB), at.join("root"));
    fs::create_dir_all(&root).unwrap();
    let place = drive.place.as_path();
    let with_root = |mut line: Vec<String>| {
        line.extend(["--root".to_owned(), root.display().to_string()]);
        line
    };
    // What there is to scrub.
    let mut old = with_root(line(&card.place, &[place]));
    old[2] = "OLD".into();
    run(&old);
    let names = ["a backup alone", "a scrub begins beside it", "a scrub is at work when it begins"];
    let mut walls: [Vec<f64>; 3] = Default::default();
    for _ in 0..rounds {
        for (n, walls) in walls.iter_mut().enumerate() {
            let _ = fs::remove_dir_all(place.join("S"));
            let _ = fs::remove_dir_all(place.join(".piback/manifests/S"));
            cold(place);
            let scrub = (n > 0).then(|| {
                let scrub = with_root(vec![
                    "scrub".into(),
                    "--share".into(),
                    "100%".into(),
                    "--dest".into(),
                    place.display().to_string(),
                ]);
                let pause = if n == 1 { Duration::from_secs(1) } else { Duration::ZERO };
                std::thread::spawn(move || {
                    std::thread::sleep(pause);
                    Command::new(PIBACK)
                        .args(scrub)
                        .stdout(Stdio::null())
                        .stderr(Stdio::null())
                        .spawn()
                        .unwrap()
                })
            });
            if n == 2 {
                std::thread::sleep(Duration::from_secs(1));
            }
            walls.push(run(&with_root(line(&card.place, &[place]))).wall);
            if let Some(scrub) = scrub {
                let mut scrub = scrub.join().unwrap();
                assert!(scrub.try_wait().unwrap().is_none(), "it was done before the backup was");
                scrub.kill().unwrap();
                scrub.wait().unwrap();
            }
        }
    }
    let walls = walls.map(median);
    head("600 MB to a drive of 60 MB/s, beside a scrub of it", "| wall | of alone |");
    for (name, wall) in names.iter().zip(walls) {
        println!("| {name} | {wall:.2} | {:.3} |", wall / walls[0]);
    }
    println!();
    drive.end();
    card.end();
}

fn head(title: &str, columns: &str) {
    let load = fs::read_to_string("/proc/loadavg").unwrap();
    let load = load.split(' ').next().unwrap();
    println!(
        "load of the machine: {load}\n\n### {title}\n\n| {columns}\n|{}",
        "---|".repeat(columns.matches('|').count())
    );
}
