//! `scripts/bench growth`: what one new photo costs beside more and more files, and after more and more runs.

use crate::{Cost, MB, backup_line, cold, run, shoot, sync};
use piback::backup::manifest::{FileRecord, Record, Run};
use std::fs;
use std::path::Path;
use std::time::Instant;

/// One new photo, by piback and by rsync, in turns.
#[derive(Clone, Default)]
struct Grown {
    piback: Vec<Cost>,
    rsync: Vec<f64>,
    /// Bytes that came to the drive's records.
    records: Vec<u64>,
}

/// Beside 1,000 to 100,000 files; after 10 to 1,000 runs; and a label of 200,000 photos in 500 runs.
pub fn all(at: &Path, rounds: usize) {
    let mut rows = Vec::new();
    for files in [1_000, 10_000, 30_000, 100_000] {
        let place = at.join("beside");
        fs::create_dir_all(place.join("drive")).unwrap();
        shoot(&place.join("card"), files, 300);
        let mut grown = Grown::default();
        one_more(&place, 0, None);
        (1..=rounds).for_each(|n| one_more(&place, n, Some(&mut grown)));
        rows.push((format!("beside {files} files"), grown));
        fs::remove_dir_all(&place).unwrap();
    }
    let place = at.join("runs");
    fs::create_dir_all(place.join("drive")).unwrap();
    shoot(&place.join("card"), 1_000, 300);
    let mut grown = Grown::default();
    for n in 0..1_000 + rounds {
        let counted = [10, 100, 1_000].iter().any(|first| (*first..first + rounds).contains(&n));
        one_more(&place, n, counted.then_some(&mut grown));
        if grown.records.len() == rounds {
            rows.push((format!("after {} runs", n + 1 - rounds), std::mem::take(&mut grown)));
        }
    }
    fs::remove_dir_all(&place).unwrap();
    print(&rows);
    many_records(at, rounds);
}

/// Shoots a photo of 4 MB, and copies it; the first time with everything that is on the card.
fn one_more(at: &Path, n: usize, grown: Option<&mut Grown>) {
    let (card, drive, other) = (at.join("card"), at.join("drive"), at.join("rsync"));
    let folder = card.join("DCIM/999NEW");
    fs::create_dir_all(&folder).unwrap();
    let photo: Vec<u8> = (0..4 * MB).map(|i| (i * 31 + i / 251 + n as u64) as u8).collect();
    fs::write(folder.join(format!("IMG_{n:04}.CR3")), photo).unwrap();
    sync(&card);
    let before = size(&drive.join(".piback"));
    let timed = |line: &[String]| {
        let begin = Instant::now();
        let cost = run(line);
        sync(at);
        Cost { wall: begin.elapsed().as_secs_f64(), ..cost }
    };
    let piback = timed(&backup_line(&card, &drive));
    let records = size(&drive.join(".piback")) - before;
    // Only beside what is measured: a thousand runs of rsync's tell nothing.
    let rsync = (n == 0 || grown.is_some()).then(|| {
        timed(&["rsync".into(), "-a".into(), format!("{}/", card.display()), other.display().to_string()])
    });
    if let (Some(grown), Some(rsync)) = (grown, rsync) {
        grown.piback.push(piback);
        grown.rsync.push(rsync.wall);
        grown.records.push(records);
    }
}

fn print(rows: &[(String, Grown)]) {
    println!(
        "### One new photo of 4 MB\n\n| | wall | of rsync -a; sync | memory | records |\n|---|---|---|---|---|"
    );
    for (name, grown) in rows {
        let wall = median(grown.piback.iter().map(|c| c.wall));
        println!(
            "| {name} | {wall:.2} | {:.2} | {:.0} | {:.1} |",
            wall / median(grown.rsync.iter().copied()),
            median(grown.piback.iter().map(|c| c.memory)),
            median(grown.records.iter().map(|r| *r as f64)) / 1024.0,
        );
    }
    println!();
}

/// Nothing to do, where nearly all of the work is to read the records.
fn many_records(at: &Path, rounds: usize) {
    let (card, drive) = (at.join("card"), at.join("drive"));
    shoot(&card, 1, 300);
    fs::create_dir_all(&drive).unwrap();
    let line = backup_line(&card, &drive);
    run(&line);
    let alone = median((0..rounds).map(|_| run(&line).wall));
    let folder = drive.join(".piback/manifests/S");
    for n in 2..502_u64 {
        let name = format!("{n:06}-20261123T150143Z-{n:016x}");
        let mut lines = Record::Run(Run::new(&name, "S", "backup", "2026-11-23T15:01:43Z".into())).to_line();
        for i in 0..400 {
            let path =
                format!("DCIM/{}CANON/IMG_{:04}.CR3", 100 + (n * 400 + i) / 1000, (n * 400 + i) % 10_000);
            let path = path.as_bytes();
            lines +=
                &Record::File(FileRecord::new(path, path, 25 * MB + i, (i as i64, i as i64), i, n.into()))
                    .to_line();
        }
        lines += &Record::End { files: 400, bytes: 400, not_safe: 0 }.to_line();
        fs::write(folder.join(format!("{name}.jsonl")), lines).unwrap();
    }
    println!("### Records of 200,000 photos in 500 runs\n\n| | wall | memory |\n|---|---|---|");
    let costs = |cold_each: bool| -> Vec<Cost> {
        (0..rounds)
            .map(|_| {
                if cold_each {
                    cold(&drive);
                }
                run(&line)
            })
            .collect()
    };
    for (name, cold_each) in [("nothing to do, cold", true), ("nothing to do, warm", false)] {
        let costs = costs(cold_each);
        let (wall, memory) = (median(costs.iter().map(|c| c.wall)), median(costs.iter().map(|c| c.memory)));
        println!("| {name} | {wall:.2} | {memory:.0} |");
    }
    println!("| nothing to do, one record, warm | {alone:.2} | |\n");
    fs::remove_dir_all(&card).unwrap();
    fs::remove_dir_all(&drive).unwrap();
}

fn size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .map(|entry| entry.unwrap())
        .map(
            |entry| if entry.path().is_dir() { size(&entry.path()) } else { entry.metadata().unwrap().len() },
        )
        .sum()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
