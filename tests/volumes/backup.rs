//! `backup`, `verify` and `safe-to-format` by label; `attach` and `cancel` on a backup that runs.

use crate::loops::{Bench, ok, stderr};
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

#[test]
fn a_card_is_backed_up_by_its_label_and_nothing_stays_mounted() {
    let Some(mut bench) = Bench::new() else { return };
    let (card, _) = bench.card("PBCARD");
    let (drive, _) = bench.drive();
    let refused = bench.piback(&["backup", "PBCARD"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("is not enrolled"), "{}", stderr(&refused));
    bench.look(&drive, |at| assert_eq!(names(at), ["lost+found"], "a refused drive was written to"));

    bench.enroll();
    let bytes = std::fs::read(&card).unwrap();
    for verb in ["backup", "backup", "verify", "safe-to-format"] {
        let output = bench.piback(&[verb, "PBCARD"]);
        assert_eq!(output.status.code(), Some(0), "{verb}: {}", stderr(&output));
        assert_eq!(names(&bench.media()), Vec::<String>::new(), "{verb} left something mounted");
    }
    assert_eq!(std::fs::read(&card).unwrap(), bytes, "the card was written to");
    bench.look(&drive, |at| {
        let photo = std::fs::read(at.join("PBCARD/DCIM/100CANON/IMG_0001.CR3")).unwrap();
        assert_eq!(photo, b"photo");
    });
    assert_eq!(names(&bench.root().join("run/piback")), Vec::<String>::new());
}

#[test]
fn a_running_backup_outlives_its_terminal_is_followed_and_cancelled() {
    let Some(mut bench) = Bench::new() else { return };
    let card = bench.image("big.img", "PBCARD", |at| {
        std::fs::create_dir(at.join("DCIM")).unwrap();
        for n in 0..12 {
            std::fs::write(at.join(format!("DCIM/IMG_{n}.CR3")), vec![n; 1 << 20]).unwrap();
        }
    });
    bench.plug(&card, &[]);
    bench.drive();
    bench.enroll();
    let mut running = spawn(&bench, &["backup", "PBCARD"]);
    let run_dir = bench.root().join("run/piback");
    let file = format!("{}.jsonl", running.id());
    let started = Instant::now();
    while !run_dir.join(&file).exists() {
        assert!(started.elapsed() < Duration::from_secs(30), "it never showed up in the run directory");
        std::thread::sleep(Duration::from_millis(1));
    }
    // It stands still, so that what follows does not depend on how fast this machine is.
    signal(&running, "STOP");
    let mut attached = spawn(&bench, &["attach"]);
    wait_for(&mut attached, "Ctrl-C ends only this view\n");
    signal(&running, "HUP");
    let cancelled = bench.piback(&["cancel", "PBCARD"]);
    assert_eq!(cancelled.status.code(), Some(0), "{}", stderr(&cancelled));
    signal(&running, "CONT");

    let code = running.wait().unwrap().code();
    let output = finish(attached);
    assert_eq!((code, output.status.code()), (Some(5), Some(5)), "{}", stderr(&output));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("NOT SAFE") && said.contains("Don't format the card."), "{said}");
    assert_eq!(names(&bench.media()), Vec::<String>::new(), "a cancelled backup left something mounted");
    assert_eq!(names(&run_dir), Vec::<String>::new());
    // The next one finishes it.
    assert_eq!(bench.piback(&["backup", "PBCARD"]).status.code(), Some(0));
    assert_eq!(bench.piback(&["safe-to-format", "PBCARD"]).status.code(), Some(0));
}

fn spawn(bench: &Bench, args: &[&str]) -> Child {
    bench.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    ok(Command::new("kill").args(["-s", name, &child.id().to_string()]));
}

fn wait_for(child: &mut Child, text: &str) {
    let mut said = String::new();
    let stream = child.stderr.as_mut().unwrap();
    while !said.ends_with(text) {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap_or_else(|e| panic!("{e}: {said}"));
        said.push(char::from(byte[0]));
    }
}

fn finish(child: Child) -> Output {
    child.wait_with_output().unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}
