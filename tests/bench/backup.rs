//! `scripts/bench backup`: piback beside rsync and cp, cold, in turns, on the disk as it is and on slow devices.
//!
//! Every figure is a median of the rounds of one run; what counts are the ratios.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]

#[path = "drives.rs"]
mod drives;
#[path = "../backup/faulty.rs"]
#[allow(dead_code)]
mod faulty;
#[path = "growth.rs"]
mod growth;

use faulty::{Faults, Mounted};
use std::fs;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const PIBACK: &str = env!("CARGO_BIN_EXE_piback");
const MB: u64 = 1_000_000;

/// What one command took.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    wall: f64,
    cpu: f64,
    /// Peak memory, in MiB.
    memory: f64,
    /// From "done" to durable, in seconds.
    gap: f64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tool {
    Piback,
    Rsync,
    RsyncVerified,
    Cp,
}

const TOOLS: [(Tool, &str); 4] = [
    (Tool::Piback, "piback (verified)"),
    (Tool::Rsync, "rsync -a; sync"),
    (Tool::RsyncVerified, "rsync -a; sync; drop caches; rsync -ac"),
    (Tool::Cp, "cp -a; sync"),
];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let rounds = std::env::var("ROUNDS").ok().and_then(|r| r.parse().ok()).unwrap_or(3);
    let on = |name: &str| wanted.is_empty() || wanted.iter().any(|w| w == name);
    let scratch = tempfile::tempdir().unwrap();
    let at = scratch.path();
    println!(
        "{} rounds, medians; wall and CPU in s, memory in MiB, gap = from \"done\" to durable in s\n",
        rounds
    );
    if let Some(("drives", parts)) = wanted.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        drives::all(at, rounds, parts);
        return;
    }
    if on("large") {
        compare(at, "4 GB in 160 files", rounds, &mut |card| shoot(card, 160, 25 * MB), None);
    }
    if on("small") {
        compare(at, "1 GB in 10,000 files", rounds, &mut |card| shoot(card, 10_000, 100_000), None);
    }
    if on("increment") {
        let more = |card: &Path| shoot_from(card, 5_000, 50, 4 * MB);
        compare(
            at,
            "50 new of 4 MB among 5,000",
            rounds,
            &mut |card| shoot(card, 5_000, 100_000),
            Some(&more),
        );
    }
    if on("nothing") {
        nothing(at, rounds.max(5));
    }
    if on("memory") {
        memory(at);
    }
    if wanted.iter().any(|name| name == "growth") {
        growth::all(at, rounds);
    }
    for (card, drive) in [(90, 30), (90, 120)] {
        if on("slow") {
            slow(at, card * MB, drive * MB, rounds);
        }
    }
}

/// All tools, in turns, from a cold cache, onto an empty drive (or one that has `before` the increment).
fn compare(
    at: &Path,
    title: &str,
    rounds: usize,
    fill: &mut dyn FnMut(&Path),
    increment: Option<&dyn Fn(&Path)>,
) {
    let (card, drive) = (at.join("card"), at.join("drive"));
    fs::create_dir_all(&card).unwrap();
    fill(&card);
    let mut costs = vec![Vec::new(); TOOLS.len()];
    for round in 0..rounds {
        for (n, (tool, _)) in TOOLS.iter().enumerate() {
            fs::create_dir_all(&drive).unwrap();
            if increment.is_some() {
                copy(*tool, &card, &drive);
            }
            let extra = increment.map(|more| more(&card));
            costs[n].push(copy(*tool, &card, &drive));
            assert_same(&card, &drive.join("S"));
            if extra.is_some() {
                fs::remove_dir_all(card.join("DCIM/999NEW")).unwrap();
            }
            empty(&drive);
            let used = at.join("used");
            fs::create_dir_all(&used).unwrap();
            fs::rename(&drive, used.join(format!("{round}-{n}"))).unwrap();
        }
    }
    fs::remove_dir_all(at.join("used")).unwrap();
    fs::remove_dir_all(&card).unwrap();
    print(title, &TOOLS.map(|(_, name)| name), &costs);
}

/// Gives the space back and leaves the files: for a minute after a removal, ext4 searches what was removed at every new
/// file (`recently_deleted` in fs/ext4/ialloc.c), and whoever is measured next would pay.
fn empty(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            empty(&path);
        } else {
            fs::File::create(path).unwrap();
        }
    }
}

fn copy(tool: Tool, card: &Path, drive: &Path) -> Cost {
    let to = drive.join("S");
    let from = format!("{}/", card.display());
    let rsync = |flag: &str| vec!["rsync".into(), flag.into(), from.clone(), format!("{}/", to.display())];
    cold(drive);
    let mut cost = match tool {
        Tool::Piback => run(&[
            PIBACK.into(),
            "backup".into(),
            "S".into(),
            "--source".into(),
            card.display().to_string(),
            "--dest".into(),
            drive.display().to_string(),
        ]),
        Tool::Rsync | Tool::RsyncVerified => run(&rsync("-a")),
        Tool::Cp => {
            fs::create_dir_all(&to).unwrap();
            run(&["cp".into(), "-a".into(), format!("{from}."), to.display().to_string()])
        }
    };
    let begin = Instant::now();
    sync(drive);
    cost.gap = begin.elapsed().as_secs_f64();
    cost.wall += cost.gap;
    if tool == Tool::RsyncVerified {
        cold(drive);
        let again = run(&rsync("-ac"));
        cost.wall += again.wall;
        cost.cpu += again.cpu;
        cost.memory = cost.memory.max(again.memory);
    }
    cost
}

/// A second run over 10,000 files, everything in the cache.
fn nothing(at: &Path, rounds: usize) {
    let (card, drive) = (at.join("card"), at.join("drive"));
    shoot(&card, 10_000, 2_000);
    fs::create_dir_all(&drive).unwrap();
    let tools = [(Tool::Piback, "piback"), (Tool::Rsync, "rsync -a")];
    let mut costs = vec![Vec::new(); 2];
    for (tool, _) in tools {
        copy(tool, &card, &drive.join(if tool == Tool::Piback { "p" } else { "r" }));
    }
    for _ in 0..rounds {
        for (n, (tool, _)) in tools.iter().enumerate() {
            let drive = drive.join(if *tool == Tool::Piback { "p" } else { "r" });
            costs[n].push(if *tool == Tool::Piback {
                run(&backup_line(&card, &drive))
            } else {
                run(&[
                    "rsync".into(),
                    "-a".into(),
                    format!("{}/", card.display()),
                    drive.join("S").display().to_string(),
                ])
            });
        }
    }
    fs::remove_dir_all(&card).unwrap();
    fs::remove_dir_all(&drive).unwrap();
    print("nothing to do, 10,000 files, warm", &tools.map(|(_, name)| name), &costs);
}

/// 100,000 files and a video of 6 GB: first run, second run, verification.
fn memory(at: &Path) {
    let (card, drive) = (at.join("card"), at.join("drive"));
    shoot(&card, 100_000, 300);
    let video = fs::File::create(card.join("DCIM/MVI_0001.MP4")).unwrap();
    video.set_len(6_000_000_000).unwrap();
    fs::create_dir_all(&drive).unwrap();
    let line = backup_line(&card, &drive);
    let verb = |name: &str| {
        let mut line = line.clone();
        line[1] = name.into();
        if name == "verify" {
            line.drain(3..5);
        }
        run(&line)
    };
    let costs =
        vec![vec![verb("backup")], vec![verb("backup")], vec![verb("verify")], vec![verb("safe-to-format")]];
    let names = ["backup", "backup, nothing to do", "verify", "safe-to-format"];
    fs::remove_dir_all(&card).unwrap();
    fs::remove_dir_all(&drive).unwrap();
    print("100,000 files and a 6 GB video", &names, &costs);
}

/// A card and a drive that are slower than the machine: loop devices whose images go through a throttle.
fn slow(at: &Path, card_rate: u64, drive_rate: u64, rounds: usize) {
    let size = if drive_rate < 60 * MB { 300 * MB } else { 900 * MB };
    let slow_card = Slow::new(at, "slow-card", card_rate, 3 * size + 300 * MB);
    let slow_drive = Slow::new(at, "slow-drive", drive_rate, 3 * size + 300 * MB);
    let (card, drive) = (slow_card.place.clone(), slow_drive.place.clone());
    slow_card.mounted.set(|f| (f.read_limit, f.write_limit) = (None, None));
    shoot(&card, size / (25 * MB), 25 * MB);
    sync(&card);
    slow_card.mounted.set(|f| f.read_limit = Some(card_rate));
    let names = [
        "dd: write, fsync, drop caches, read",
        "piback (verified)",
        "rsync -a; sync",
        "rsync -a; sync; drop caches; rsync -ac",
    ];
    let mut costs = vec![Vec::new(); names.len()];
    for _ in 0..rounds {
        let file = drive.join("dd").display().to_string();
        cold(&drive);
        let count = size / MB;
        let write = run(&[
            "dd".into(),
            "if=/dev/zero".into(),
            format!("of={file}"),
            "bs=1000000".into(),
            format!("count={count}"),
            "conv=fsync".into(),
        ]);
        cold(&drive);
        let read = run(&["dd".into(), format!("if={file}"), "of=/dev/null".into(), "bs=1000000".into()]);
        costs[0].push(Cost { wall: write.wall + read.wall, cpu: write.cpu + read.cpu, ..Cost::default() });
        slow_drive.clear();
        for (n, tool) in [Tool::Piback, Tool::Rsync, Tool::RsyncVerified].into_iter().enumerate() {
            costs[n + 1].push(copy(tool, &card, &drive));
            assert_same(&card.join("DCIM"), &drive.join("S/DCIM"));
            slow_drive.clear();
        }
    }
    let title = format!("{} MB, card {} MB/s, drive {} MB/s", size / MB, card_rate / MB, drive_rate / MB);
    print(&title, &names, &costs);
    slow_card.end();
    slow_drive.end();
}

/// A device that is slower than the machine: ext4 on a loop device whose image goes through a throttle.
struct Slow {
    mounted: Mounted,
    device: String,
    place: PathBuf,
}

impl Slow {
    /// Bytes per second to read and to write, and the device's size.
    fn new(at: &Path, name: &str, rate: u64, size: u64) -> Self {
        let (behind, through) = (at.join(format!("{name}-behind")), at.join(format!("{name}-through")));
        fs::create_dir_all(&behind).unwrap();
        fs::File::create(behind.join("image")).unwrap().set_len(size).unwrap();
        let mounted = Mounted::new(&behind, &through, Faults { direct: true, ..Faults::default() });
        let place = at.join(name);
        let device = attach(&through.join("image"), &place);
        mounted.set(|f| (f.read_limit, f.write_limit) = (Some(rate), Some(rate)));
        Slow { mounted, device, place }
    }

    /// Removes all that is on it.
    fn clear(&self) {
        clear(&self.place);
    }

    fn end(self) {
        self.mounted.set(|f| (f.read_limit, f.write_limit) = (None, None));
        detach(&self.device, &self.place);
        self.mounted.unmount();
    }
}

fn clear(place: &Path) {
    for entry in fs::read_dir(place).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }
    sync(place);
}

/// Makes an image a file system, and mounts it. Returns its loop device.
fn attach(image: &Path, place: &Path) -> String {
    let device = output(&["losetup", "-f", "--show", image.to_str().unwrap()]);
    fs::create_dir_all(place).unwrap();
    output(&["mkfs.ext4", "-q", "-E", "lazy_itable_init=0", "-J", "size=16", &device]);
    output(&["mount", &device, place.to_str().unwrap()]);
    device
}

fn detach(device: &str, place: &Path) {
    output(&["umount", place.to_str().unwrap()]);
    output(&["losetup", "-d", device]);
    // The loop device lets go of its image a moment later.
    std::thread::sleep(Duration::from_millis(300));
}

fn backup_line(card: &Path, drive: &Path) -> Vec<String> {
    let (card, drive) = (card.display().to_string(), drive.display().to_string());
    [PIBACK, "backup", "S", "--source", &card, "--dest", &drive].map(String::from).to_vec()
}

fn shoot(card: &Path, files: u64, size: u64) {
    fill(&card.join("DCIM"), 0, files, size);
}

fn shoot_from(card: &Path, first: u64, files: u64, size: u64) {
    fill(&card.join("DCIM/999NEW"), first, files, size);
}

/// Files of about this size, no two alike, 1,000 in a folder.
fn fill(at: &Path, first: u64, files: u64, size: u64) {
    let mut block = vec![0u8; size as usize + 4096];
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    for bytes in block.chunks_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.copy_from_slice(&state.to_le_bytes()[..bytes.len()]);
    }
    for i in first..first + files {
        let folder = at.join(format!("{}CANON", 100 + i / 1000));
        fs::create_dir_all(&folder).unwrap();
        let mut file = fs::File::create(folder.join(format!("IMG_{:04}.CR3", i % 10_000))).unwrap();
        file.write_all(&i.to_le_bytes()).unwrap();
        file.write_all(&block[..size as usize - 8 + (i % 97) as usize]).unwrap();
    }
}

/// Everything durable, nothing of it cached.
fn cold(drive: &Path) {
    sync(drive);
    output(&["sync"]);
    fs::write("/proc/sys/vm/drop_caches", "3").expect("cold caches need root");
    std::thread::sleep(Duration::from_millis(200));
}

fn sync(at: &Path) {
    fs::create_dir_all(at).unwrap();
    output(&["sync", "-f", at.to_str().unwrap()]);
}

fn output(line: &[&str]) -> String {
    let output = Command::new(line[0]).args(&line[1..]).output().unwrap();
    assert!(output.status.success(), "{line:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Runs a command; its cost is what the kernel counted for it and its children.
#[allow(clippy::zombie_processes)] // wait4 waits for it below
fn run(line: &[String]) -> Cost {
    let mut said = tempfile::tempfile().unwrap();
    let begin = Instant::now();
    let child = Command::new(&line[0])
        .args(&line[1..])
        .stdout(std::process::Stdio::null())
        .stderr(said.try_clone().unwrap())
        .spawn()
        .unwrap_or_else(|e| panic!("{}: {e}", line[0]));
    // What the kernel reports at the end includes this process's own size at the fork: look at the child instead.
    let status_file = format!("/proc/{}/status", child.id());
    let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = std::sync::Arc::clone(&done);
    let peak = std::thread::spawn(move || {
        let mut peak = 0.0f64;
        while !seen.load(std::sync::atomic::Ordering::Relaxed) {
            let text = fs::read_to_string(&status_file).unwrap_or_default();
            let line =
                text.lines().find_map(|l| l.strip_prefix("VmHWM:")).map(|l| l.trim().trim_end_matches(" kB"));
            peak = peak.max(line.and_then(|kb| kb.parse().ok()).unwrap_or(0.0));
            std::thread::sleep(Duration::from_millis(20));
        }
        peak
    });
    let mut status = 0;
    // SAFETY: plain data that the kernel fills.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: waits for our own child, into variables that live here.
    let waited = unsafe { libc::wait4(child.id() as i32, &raw mut status, 0, &raw mut usage) };
    assert_eq!(waited, child.id() as i32);
    let wall = begin.elapsed().as_secs_f64();
    done.store(true, std::sync::atomic::Ordering::Relaxed);
    let memory = peak.join().unwrap() / 1024.0;
    let status = std::process::ExitStatus::from_raw(status);
    if !status.success() {
        let mut text = String::new();
        said.rewind().unwrap();
        said.read_to_string(&mut text).unwrap();
        panic!("{line:?}: {status}\n{text}");
    }
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    Cost { wall, cpu: seconds(usage.ru_utime) + seconds(usage.ru_stime), memory, gap: 0.0 }
}

fn assert_same(card: &Path, kept: &Path) {
    let count = |at: &Path| {
        let mut files = 0u64;
        let mut bytes = 0u64;
        let mut folders: Vec<PathBuf> = vec![at.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                let meta = entry.metadata().unwrap();
                if meta.is_dir() {
                    folders.push(entry.path());
                } else {
                    files += 1;
                    bytes += meta.len();
                }
            }
        }
        (files, bytes)
    };
    assert_eq!(count(card), count(kept));
}

fn print(title: &str, names: &[&str], costs: &[Vec<Cost>]) {
    let median = |of: &dyn Fn(&Cost) -> f64, costs: &[Cost]| {
        let mut values: Vec<f64> = costs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    println!(
        "### {title}\n\n| | wall | of the first | CPU | of the first | memory | gap |\n|---|---|---|---|---|---|---|"
    );
    let (wall, cpu) = (median(&|c| c.wall, &costs[0]), median(&|c| c.cpu, &costs[0]));
    for (name, costs) in names.iter().zip(costs) {
        let of = |f: &dyn Fn(&Cost) -> f64| median(f, costs);
        println!(
            "| {name} | {:.2} | {:.2} | {:.2} | {:.2} | {:.0} | {:.2} |",
            of(&|c| c.wall),
            of(&|c| c.wall) / wall,
            of(&|c| c.cpu),
            of(&|c| c.cpu) / cpu,
            of(&|c| c.memory),
            of(&|c| c.gap),
        );
    }
    println!();
}
