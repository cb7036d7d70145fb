//! Several drives at once: one read of the card, a verdict for each drive, and none holds another's fate.

use crate::faulty::{Faults, Gone, Mounted};
use crate::rig::{Ended, Rig, ended, noise};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

const MIB: usize = 1024 * 1024;

/// A card and two drives.
struct Two {
    rig: Rig,
    other: PathBuf,
}

fn name(i: u64) -> String {
    format!("DCIM/100CANON/IMG_{i:04}.JPG")
}

impl Two {
    fn new(rig: Rig) -> Self {
        let other = rig.dir.path().join("other");
        fs::create_dir(&other).unwrap();
        Two { rig, other }
    }

    /// Small files, and one of several pieces.
    fn shot() -> Self {
        Two::shot_in(Rig::apart())
    }

    fn shot_in(rig: Rig) -> Self {
        let two = Two::new(rig);
        for i in 0..6 {
            two.rig.shoot(&name(i), noise(i, 9_000 + i as usize));
        }
        two.rig.shoot("DCIM/100CANON/MVI_0006.MP4", noise(6, 9 * MIB + 77));
        two
    }

    fn run(&self, verb: &str) -> Ended {
        ended(self.rig.command(verb).arg("--dest").arg(&self.other).arg("--json"))
    }

    /// Backs up to both.
    fn backup(&self) -> (Ended, Value) {
        let run = self.run("backup");
        let account = run.account();
        (run, account)
    }

    fn answer(&self) -> (Ended, Value) {
        let run = self.run("safe-to-format");
        let last = run.out.lines().map(|l| serde_json::from_str::<Value>(l).expect(l)).next_back();
        let answer = last.unwrap_or_else(|| panic!("{run:?}"));
        assert_eq!(answer["safe_to_format"], run.code == Some(0), "{run:?}");
        (run, answer)
    }

    fn on_other(&self) -> std::collections::BTreeMap<String, Vec<u8>> {
        crate::rig::tree(&self.other.join(&self.rig.label))
    }
}

fn files(row: &Value, what: &str) -> u64 {
    row[what]["files"].as_u64().unwrap_or_else(|| panic!("{what}: {row}"))
}

#[test]
fn both_empty_drives_get_all_and_a_verdict_each() {
    let two = Two::shot();
    let (run, account) = two.backup();
    assert_eq!(run.code, Some(0), "{run:?}");
    let shot = crate::rig::tree(&two.rig.card);
    assert_eq!((two.rig.tree(), two.on_other()), (shot.clone(), shot));
    assert_eq!(account["sentence"], "safe on 2 of 2");
    assert_eq!((files(&account, "on_card"), files(&account, "copied")), (7, 7));
    let rows = account["drives"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "{account}");
    for (row, drive) in rows.iter().zip([&two.rig.drive, &two.other]) {
        assert_eq!(row["drive"], drive.to_str().unwrap());
        assert_eq!((&row["safe"], files(row, "copied"), &row["error"]), (&true.into(), 7, &Value::Null));
    }
    let (run, answer) = two.answer();
    assert_eq!(
        (run.code, &answer["sentence"], &answer["yes_drives"]),
        (Some(0), &"safe on 2 of 2".into(), &2.into())
    );
    // Each drive is good by itself.
    assert_eq!(two.rig.run("verify", &[]).code, Some(0));
    let text = ended(two.rig.command("backup").arg("--dest").arg(&two.other));
    assert!(text.code == Some(0) && text.says("SD32GB-03 is safe on 2 of 2."), "{text:?}");
}

#[test]
fn drives_that_are_lost_together_with_the_card_are_not_called_safe() {
    let two = Two::shot_in(Rig::new());
    let (run, account) = two.backup();
    assert_eq!((run.code, &account["safe_drives"]), (Some(0), &0.into()), "{run:?}");
    let sentence = account["sentence"].as_str().unwrap();
    assert!(sentence.starts_with("safe on 0 of 2: "), "{sentence}");
    assert_eq!(sentence.matches("card and drive are one file system").count(), 2, "{sentence}");
    let text = ended(two.rig.command("backup").arg("--dest").arg(&two.other));
    assert!(!text.says("safe on 2") && text.says("NO BACKUP"), "{text:?}");
}

#[test]
fn a_drive_that_has_some_gets_the_rest_and_the_other_all() {
    let two = Two::shot();
    two.rig.backed_up();
    for i in 7..9 {
        two.rig.shoot(&name(i), noise(i, 5_000));
    }
    let (run, account) = two.backup();
    assert_eq!(run.code, Some(0), "{run:?}");
    let of =
        |n: usize| (files(&account["drives"][n], "already_safe"), files(&account["drives"][n], "copied"));
    assert_eq!((of(0), of(1)), ((7, 2), (0, 9)));
    // Together nothing was on both.
    assert_eq!((files(&account, "already_safe"), files(&account, "copied")), (0, 9));
    assert_eq!(two.rig.tree(), two.on_other());
    let (_, again) = two.backup();
    assert_eq!((files(&again, "already_safe"), files(&again, "copied")), (9, 0));
}

#[test]
fn the_card_is_read_once_for_two_drives() {
    let two = Two::shot_in(Rig::new());
    let behind = two.rig.dir.path().join("card-behind");
    fs::rename(&two.rig.card, &behind).unwrap();
    let mounted = Mounted::new(&behind, &two.rig.card, Faults::default());
    let size: u64 = crate::rig::tree(&behind).values().map(|content| content.len() as u64).sum();
    let (run, _) = two.backup();
    assert_eq!(run.code, Some(0), "{run:?}");
    let read = || {
        let mut read = 0;
        mounted.set(|faults| read = std::mem::take(&mut faults.read));
        read
    };
    // The kernel reads in pages.
    let pages = 7 * 4096;
    let once = read();
    assert!((size..=size + pages).contains(&once), "{once} of {size}");
    // Samples too are read once for both.
    let (run, _) = two.backup();
    assert_eq!(run.code, Some(0), "{run:?}");
    let samples = read();
    assert!(samples <= 7 * 2 * 8192, "{samples}");
    let (run, _) = two.answer();
    assert_eq!(run.code, Some(0), "{run:?}");
    let compared = read();
    assert!((size..=size + pages).contains(&compared), "{compared} of {size}");
    // Compared with both drives, without a record's word.
    let run = ended(two.rig.command("backup").arg("--dest").arg(&two.other).args(["--compare", "--json"]));
    assert_eq!(run.code, Some(0), "{run:?}");
    let compared = read();
    assert!((size..=size + pages).contains(&compared), "{compared} of {size}");
    mounted.unmount();
}

/// Makes the first drive break, and tells what is said of both.
fn first_breaks(faults: Faults, why: &str) {
    let two = Two::shot();
    let behind = two.rig.dir.path().join("drive-behind");
    let mounted = Mounted::new(&behind, &two.rig.drive, faults);
    let (run, account) = two.backup();
    assert_eq!(run.code, Some(5), "{run:?}");
    let sentence = account["sentence"].as_str().unwrap();
    assert!(sentence.starts_with("safe on 1 of 2: ") && sentence.contains(why), "{sentence}");
    assert_eq!((&account["safe"], &account["safe_drives"]), (&false.into(), &1.into()));
    let (broken, whole) = (&account["drives"][0], &account["drives"][1]);
    assert_eq!((&broken["safe"], &whole["safe"]), (&false.into(), &true.into()), "{account}");
    assert!(files(broken, "not_safe") > 0 && files(whole, "not_safe") == 0, "{account}");
    assert_eq!(two.on_other(), crate::rig::tree(&two.rig.card));
    // What has a name on the broken one is whole.
    mounted.unmount();
    for (path, content) in crate::rig::tree(&behind.join(&two.rig.label)) {
        assert!(path.ends_with(".tmp") || fs::read(two.rig.card.join(&path)).unwrap() == content, "{path}");
    }
}

#[test]
fn a_drive_that_fills_up_ends_alone() {
    first_breaks(Faults { full_after: Some(4 * MIB as u64), ..Faults::default() }, "no room on the drive");
}

#[test]
fn a_drive_that_is_too_small_is_told_before_and_the_other_gets_all() {
    first_breaks(Faults { free: Some(9 * MIB as u64), ..Faults::default() }, "no room on the drive");
}

#[test]
fn a_drive_that_is_pulled_ends_alone() {
    for gone in [Gone::Nodev, Gone::LikeExfat, Gone::Eio] {
        let faults = Faults { gone_after_written: Some((5 * MIB as u64, gone)), ..Faults::default() };
        first_breaks(faults, "the drive is gone");
    }
}

/// As a stick whose controller has stopped: the kernel waits for it, and so does whoever writes to it.
#[test]
fn a_drive_that_does_not_answer_is_left_behind_and_the_other_gets_all() {
    let two = Two::shot();
    // More than all buffers hold.
    for i in 7..10 {
        two.rig.shoot(&name(i), noise(i, 30 * MIB));
    }
    let behind = two.rig.dir.path().join("drive-behind");
    let faults = Faults { hangs_after_written: Some(12 * MIB as u64), ..Faults::default() };
    let mounted = Mounted::new(&behind, &two.rig.drive, faults);
    let shot = crate::rig::tree(&two.rig.card);
    let mut command = two.rig.command("backup");
    let run = std::thread::scope(|scope| {
        let run = scope.spawn(|| ended(command.arg("--dest").arg(&two.other).arg("--json")));
        // A minute's patience, and twice that on a busy machine.
        let begin = std::time::Instant::now();
        while two.on_other() != shot && begin.elapsed().as_secs() < 180 {
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        assert!(mounted.is_held(), "the first drive still hangs");
        assert_eq!(two.on_other(), shot);
        // The kernel gives up at last.
        mounted.allow(None);
        run.join().unwrap()
    });
    assert_eq!(run.code, Some(5), "{run:?}");
    let account = run.account();
    let sentence = account["sentence"].as_str().unwrap();
    assert!(sentence.starts_with("safe on 1 of 2: ") && sentence.ends_with("the drive does not answer"));
    assert!(run.out.contains("the others go on without it"), "{run:?}");
    mounted.unmount();
}

#[test]
fn a_drive_that_is_pulled_while_it_is_looked_at_gets_its_list_file_by_file() {
    let two = Two::shot();
    for drive in [two.rig.drive.clone(), two.other.clone()] {
        // The same names and sizes without a record: they are read.
        for i in 0..6 {
            let path = drive.join(&two.rig.label).join(name(i));
            crate::rig::put(&path, &noise(90 + i, 9_000 + i as usize), 1_600_000_000);
        }
    }
    let behind = two.rig.dir.path().join("drive-behind");
    fs::rename(&two.rig.drive, &behind).unwrap();
    let faults = Faults { gone_after_read: Some((20_000, Gone::Nodev)), ..Faults::default() };
    let mounted = Mounted::new(&behind, &two.rig.drive, faults);
    let (run, account) = two.backup();
    assert_eq!(run.code, Some(5), "{run:?}");
    let (lost, whole) = (&account["drives"][0], &account["drives"][1]);
    assert_eq!((&lost["error"], &lost["stopped"]), (&Value::Null, &"the drive is gone".into()), "{account}");
    assert_eq!((files(lost, "not_safe"), files(whole, "copied")), (7, 7), "{account}");
    // By itself too.
    mounted.set(|f| (f.gone, f.gone_after_read) = (None, Some((20_000, Gone::Nodev))));
    let (run, account) = two.rig.backup();
    assert_eq!((run.code, files(&account, "not_safe")), (Some(5), 7), "{run:?}");
    assert_eq!(account["stopped"], "the drive is gone");
    mounted.unmount();
}

/// Backs up many small files to several drives with so many open files allowed.
fn with_open_files(soft: u64, hard: u64, drives: usize) {
    use std::os::unix::process::CommandExt;
    let rig = Rig::apart();
    for i in 0..900 {
        rig.shoot(&name(i), noise(i, 300));
    }
    let others: Vec<PathBuf> = (1..drives).map(|n| rig.dir.path().join(format!("other-{n}"))).collect();
    let mut command = rig.command("backup");
    for other in &others {
        fs::create_dir(other).unwrap();
        command.arg("--dest").arg(other);
    }
    let limit = move || {
        use nix::sys::resource::{Resource, setrlimit};
        Ok(setrlimit(Resource::RLIMIT_NOFILE, soft, hard)?)
    };
    // SAFETY: one system call between fork and exec.
    unsafe { command.pre_exec(limit) };
    let run = ended(command.arg("--json"));
    assert_eq!(run.code, Some(0), "{soft}, {hard}, {drives}: {}", run.err);
    for other in &others {
        assert_eq!(crate::rig::tree(&other.join(&rig.label)), crate::rig::tree(&rig.card));
    }
}

#[test]
fn several_drives_need_no_more_open_files_than_there_are() {
    with_open_files(1024, 1024, 3);
    with_open_files(256, 256, 2);
    // What is low for the sake of old programs is raised.
    with_open_files(64, 4096, 3);
}

#[test]
fn a_lack_of_open_files_is_blamed_on_neither_card_nor_drive() {
    use std::os::unix::process::CommandExt;
    let two = Two::shot();
    // Enough to begin with; too few to open both drives' files, too.
    for files in 14..40 {
        let mut command = two.rig.command("backup");
        let limit = move || {
            use nix::sys::resource::{Resource, setrlimit};
            Ok(setrlimit(Resource::RLIMIT_NOFILE, files, files)?)
        };
        // SAFETY: one system call between fork and exec.
        unsafe { command.pre_exec(limit) };
        let run = ended(command.arg("--dest").arg(&two.other).arg("--json"));
        assert!(!run.says("can't read it") && !run.says("refuses it"), "{files}: {run:?}");
        assert!(run.code == Some(0) || run.says("open files"), "{files}: {run:?}");
    }
}

#[test]
fn a_drive_that_can_t_be_used_at_all_has_a_row_with_the_reason() {
    let two = Two::shot();
    fs::write(two.rig.drive.join(".piback"), "a file").unwrap();
    let (run, account) = two.backup();
    assert_eq!(run.code, Some(5), "{run:?}");
    assert!(account["drives"][0]["error"].as_str().unwrap().contains("is no folder"), "{account}");
    assert_eq!(account["drives"][1]["safe"], true);
    assert_eq!((&account["safe"], &account["safe_drives"]), (&false.into(), &1.into()));
    assert_eq!(two.on_other(), crate::rig::tree(&two.rig.card));
    let (run, answer) = two.answer();
    assert_eq!((run.code, &answer["yes_drives"]), (Some(5), &1.into()), "{answer}");
    // None of the two: as with one drive.
    fs::remove_dir_all(&two.other).unwrap();
    fs::create_dir(&two.other).unwrap();
    fs::write(two.other.join(".piback"), "a file").unwrap();
    assert_eq!((two.run("backup").code, two.run("safe-to-format").code), (Some(1), Some(1)));
}

#[test]
fn a_drive_that_is_no_folder_is_told_before_and_the_other_gets_all() {
    let two = Two::shot();
    fs::remove_dir(&two.other).unwrap();
    let other = two.other.display().to_string();
    let (run, account) = two.backup();
    assert_eq!((run.code, &account["safe_drives"]), (Some(5), &Value::from(1)), "{run:?}");
    let first = run.err.lines().next().unwrap();
    assert!(first.contains(&format!("the drive {other} is no folder to use")), "{run:?}");
    assert!(!two.other.exists() && two.rig.tree().len() == 7);
    for verb in ["safe-to-format", "verify", "scrub"] {
        let mut command = std::process::Command::new(crate::rig::PIBACK);
        match verb {
            "scrub" => _ = command.arg("scrub").args(["--share", "100%", "--dest"]).arg(&two.rig.drive),
            _ => command = two.rig.command(verb),
        }
        let run = ended(command.arg("--dest").arg(&two.other));
        assert!(run.code == Some(5) && run.says("it is no folder to use"), "{verb}: {run:?}");
    }
    // Where none is a folder nothing is done, and a card that is none is called a card.
    fs::rename(&two.rig.drive, two.rig.dir.path().join("away")).unwrap();
    for (verb, what) in [("backup", "drive"), ("verify", "drive"), ("safe-to-format", "drive")] {
        let run = two.run(verb);
        assert!(run.code == Some(1) && run.err.contains(&format!("the {what} {}", two.rig.drive.display())));
    }
    fs::remove_dir_all(&two.rig.card).unwrap();
    let run = two.run("backup");
    assert!(
        run.code == Some(1) && run.err.contains(&format!("the card {}", two.rig.card.display())),
        "{run:?}"
    );
}

#[test]
fn other_photos_of_the_same_names_on_one_drive_get_a_suffix_there_alone() {
    let two = Two::shot();
    // Of the same size, too: content decides.
    crate::rig::put(&two.other.join("SD32GB-03").join(name(1)), &noise(77, 9_001), 1_600_000_000);
    let (run, account) = two.backup();
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(two.rig.tree(), crate::rig::tree(&two.rig.card));
    let on_other = two.on_other();
    assert_eq!(on_other[&name(1)], noise(77, 9_001));
    assert_eq!(on_other["DCIM/100CANON/IMG_0001~2.JPG"], noise(1, 9_001));
    let renamed = |n: usize| account["drives"][n]["renamed"].as_array().unwrap().len();
    assert_eq!((renamed(0), renamed(1)), (0, 1), "{account}");
    assert_eq!(two.answer().0.code, Some(0));
}

#[test]
fn safe_to_format_is_yes_only_when_each_drive_has_all() {
    let two = Two::shot();
    let (run, _) = two.backup();
    assert_eq!(run.code, Some(0), "{run:?}");
    for (at, drive) in [two.rig.drive.clone(), two.other.clone()].iter().enumerate() {
        let copy = drive.join(&two.rig.label).join(name(2));
        let aside = two.rig.dir.path().join("aside");
        fs::rename(&copy, &aside).unwrap();
        let (run, answer) = two.answer();
        assert_eq!((run.code, &answer["yes_drives"]), (Some(5), &1.into()), "{answer}");
        let safe = |n: usize| answer["drives"][n]["safe_to_format"].as_bool().unwrap();
        assert_eq!((safe(at), safe(1 - at)), (false, true), "{answer}");
        let sentence = answer["sentence"].as_str().unwrap();
        assert!(sentence.starts_with("safe on 1 of 2: ") && sentence.ends_with("no copy on the drive"));
        assert_eq!((files(&answer, "on_card"), files(&answer, "on_drive")), (7, 6));
        fs::rename(&aside, &copy).unwrap();
    }
    // A large copy of which one byte is another, on the second drive.
    let copy = two.other.join(&two.rig.label).join("DCIM/100CANON/MVI_0006.MP4");
    let mut content = fs::read(&copy).unwrap();
    content[8 * MIB] ^= 1;
    fs::write(&copy, content).unwrap();
    let (run, answer) = two.answer();
    assert_eq!((run.code, &answer["yes_drives"]), (Some(5), &1.into()), "{answer}");
}

#[test]
fn a_step_names_its_drive_where_there_are_several_and_only_then() {
    let two = Two::new(Rig::apart());
    (1..4).for_each(|i| two.rig.shoot(&name(i), noise(i, 3000)));
    assert_eq!(two.backup().0.code, Some(0));
    fs::remove_file(two.other.join(&two.rig.label).join(name(2))).unwrap();
    let other = two.other.to_str().unwrap();
    let missing = |run: &Ended| -> Vec<Value> {
        let lines = run.out.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
        lines.filter(|line| line["event"] == "not_safe").collect()
    };
    let of_both = missing(&two.run("safe-to-format"));
    assert_eq!(of_both.len(), 1, "{of_both:?}");
    assert_eq!((&of_both[0]["path"], &of_both[0]["drive"]), (&name(2).into(), &other.into()));
    let alone = missing(&ended(two.rig.bare("safe-to-format").args(["--json", "--dest", other])));
    assert_eq!(alone.len(), 1, "{alone:?}");
    assert_eq!((&alone[0]["path"], alone[0].get("drive")), (&name(2).into(), None));
}

#[test]
fn a_card_that_is_pulled_ends_both() {
    let two = Two::shot_in(Rig::new());
    let behind = two.rig.dir.path().join("card-behind");
    fs::rename(&two.rig.card, &behind).unwrap();
    let faults = Faults { gone_after_read: Some((5 * MIB as u64, Gone::Nodev)), ..Faults::default() };
    let mounted = Mounted::new(&behind, &two.rig.card, faults);
    let (run, account) = two.backup();
    assert_eq!(run.code, Some(5), "{run:?}");
    for row in account["drives"].as_array().unwrap() {
        assert_eq!((&row["stopped"], files(row, "copied")), (&"the card is gone".into(), 6), "{account}");
    }
    mounted.unmount();
}

#[test]
fn one_folder_twice_and_a_drive_on_the_card_are_refused() {
    let two = Two::shot();
    let twice = ended(two.rig.command("backup").arg("--dest").arg(&two.rig.drive));
    assert!(twice.code == Some(64) && twice.says("is given twice"), "{twice:?}");
    let answer = ended(two.rig.command("safe-to-format").arg("--dest").arg(&two.rig.drive));
    assert_eq!(answer.code, Some(64), "{answer:?}");
    // On the card: that one is refused and written to never, the other gets all.
    let on_card = two.rig.card.join("drive");
    fs::create_dir(&on_card).unwrap();
    let run = ended(two.rig.command("backup").arg("--dest").arg(&on_card).arg("--json"));
    assert_eq!(run.code, Some(5), "{run:?}");
    let account = run.account();
    assert!(account["drives"][1]["error"].as_str().unwrap().contains("lies on it"), "{account}");
    assert_eq!(account["drives"][0]["safe"], true);
    assert_eq!(fs::read_dir(&on_card).unwrap().count(), 0);
}

#[test]
fn a_drive_that_is_one_file_system_with_the_card_makes_the_answer_no() {
    let two = Two::new(Rig::apart());
    two.rig.shoot(&name(1), noise(1, 5000));
    // The second drive lies beside the card, in memory.
    let beside = tempfile::tempdir_in("/dev/shm").unwrap();
    let run = |verb: &str| {
        let mut command = std::process::Command::new(crate::rig::PIBACK);
        command.args([verb, "SD32GB-03", "--json", "--source"]).arg(&two.rig.card);
        ended(command.arg("--dest").arg(&two.rig.drive).arg("--dest").arg(beside.path()))
    };
    let backup = run("backup");
    assert_eq!(backup.code, Some(0), "{backup:?}");
    let account = backup.account();
    assert_eq!(
        (&account["drives"][0]["shared"], &account["drives"][1]["shared"]),
        (&Value::Null, &"filesystem".into())
    );
    let answer = run("safe-to-format");
    assert_eq!(answer.code, Some(5), "{answer:?}");
    let line: Value = serde_json::from_str(answer.out.lines().last().unwrap()).unwrap();
    let safe = |n: usize| line["drives"][n]["safe_to_format"].as_bool().unwrap();
    assert_eq!((safe(0), safe(1)), (true, false), "{line}");
}
