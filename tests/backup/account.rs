//! What is shown: the account, lines where there is no terminal, a bar where there is one, memory.

use crate::rig::{PIBACK, Rig, noise};
use std::fs;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};

#[test]
fn the_account_says_what_a_photographer_wants_to_read() {
    let rig = Rig::apart();
    for i in 0..3 {
        rig.shoot(&format!("DCIM/IMG_{i}.JPG"), noise(i, 1_000_000));
    }
    let run = rig.run("backup", &[]);
    assert_eq!(
        run.out,
        "copying 3 files (3.0 MB)\n\
         on the card            3 files   3.0 MB\n\
         already safe           0 files      0 B\n\
         copied, verified       3 files   3.0 MB\n\
         not safe               0 files      0 B\n\
         All 3 files on SD32GB-03 are on the drive, verified.\n"
    );
    std::os::unix::fs::symlink("x", rig.card.join("link")).unwrap();
    let run = rig.run("backup", &[]);
    assert!(
        run.out.ends_with("NOT SAFE: 1 file on SD32GB-03 is not on the drive.\nDon't format the card.\n"),
        "{run:?}"
    );
    assert!(run.out.lines().all(|line| line.len() <= 60), "{run:?}");
}

#[test]
fn a_terminal_of_40_columns_shows_a_bar_that_fits() {
    let rig = Rig::new();
    for i in 0..60 {
        // Each of these takes two columns.
        let wide = if i % 2 == 0 { "写真".repeat(12) } else { "IMG".to_owned() };
        rig.shoot(&format!("DCIM/100CANON/{wide}_{i:04}.JPG"), noise(i, 200_000));
    }
    let behind = rig.dir.path().join("behind");
    let slow = crate::faulty::Faults { write_limit: Some(8_000_000), ..Default::default() };
    let mounted = crate::faulty::Mounted::new(&behind, &rig.drive, slow);
    let size = nix::pty::Winsize { ws_row: 24, ws_col: 40, ws_xpixel: 0, ws_ypixel: 0 };
    let terminal = nix::pty::openpty(&size, None).unwrap();
    let mut child = rig
        .command("backup")
        .env("TERM", "xterm")
        .stdout(Stdio::from(terminal.slave.try_clone().unwrap()))
        .stderr(Stdio::from(terminal.slave))
        .spawn()
        .unwrap();
    let mut shown = String::new();
    let mut reader = fs::File::from(terminal.master);
    let mut bytes = [0; 4096];
    // The terminal's other side answers EIO when the last writer is gone.
    while let Ok(n @ 1..) = reader.read(&mut bytes) {
        shown.push_str(&String::from_utf8_lossy(&bytes[..n]));
    }
    assert!(child.wait().unwrap().success());
    assert!(reader.as_raw_fd() >= 0);
    assert!(shown.contains("of 12 MB") && shown.contains("of 60 files") && shown.contains('%'), "{shown:?}");
    // The bar fills its lines with blanks, but for a full one, which ends with its percentage; what is between them must fit
    // into one.
    let plain = without_escapes(shown.split("on the card").next().unwrap()).replace('%', "%\n");
    for text in plain.split(['\r', '\n']).flat_map(|line| line.split("  ")).map(str::trim) {
        let columns: usize = text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
        assert!(columns <= 40, "{text:?}");
    }
    mounted.unmount();
}

#[test]
fn what_is_said_on_40_columns_breaks_between_words() {
    let rig = Rig::new();
    for round in 0..2 {
        rig.format();
        rig.shoot("DCIM/100CANON/IMG_0001.CR3", noise(round, 1000));
        std::os::unix::fs::symlink("x", rig.card.join("a-link")).unwrap();
        rig.run("backup", &[]);
    }
    crate::rig::put(&rig.kept("DCIM/100CANON/stray.JPG"), b"x", 0);
    rig.format();
    rig.shoot("DCIM/100CANON/IMG_0001.CR3", noise(9, 1000));
    std::os::unix::fs::symlink("x", rig.card.join("a-link")).unwrap();
    for (verb, sentence) in [
        ("backup", "NOT SAFE: 1 file on SD32GB-03 is not on the drive."),
        ("safe-to-format", "NO: 1 file on SD32GB-03 is not on the drive. Don't format it."),
        ("verify", "A backup of the card compares what has no record."),
    ] {
        let size = nix::pty::Winsize { ws_row: 20, ws_col: 40, ws_xpixel: 0, ws_ypixel: 0 };
        let terminal = nix::pty::openpty(&size, None).unwrap();
        let mut child = rig
            .command(verb)
            .env("NO_COLOR", "1")
            .stdout(Stdio::from(terminal.slave.try_clone().unwrap()))
            .stderr(Stdio::from(terminal.slave))
            .spawn()
            .unwrap();
        let mut shown = Vec::new();
        // Ends with EIO when the last writer is gone.
        let _ = fs::File::from(terminal.master).read_to_end(&mut shown);
        assert_eq!(child.wait().unwrap().code(), Some(5));
        let shown = without_escapes(&String::from_utf8(shown).unwrap());
        let lines: Vec<_> = shown.split(['\r', '\n']).map(str::trim_end).collect();
        // The bar draws over itself; it has its own test.
        let said = |line: &&&str| !line.contains('%') && !line.contains("/s");
        assert!(lines.iter().filter(said).all(|line| line.chars().count() <= 40), "{lines:?}");
        let words = lines.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(sentence), "{words}");
    }
}

/// Text without what moves the cursor or colours.
fn without_escapes(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\x1b' {
            plain.push(c);
        } else if rest.next() == Some('[') {
            while rest.next().is_some_and(|c| !c.is_ascii_alphabetic()) {}
        }
    }
    plain
}

#[test]
fn a_hundred_thousand_files_stay_under_64_mib() {
    let rig = Rig::in_memory();
    for i in 0..100_000u32 {
        let folder = rig.card.join(format!("DCIM/{}CANON", 100 + i / 20_000));
        if i % 20_000 == 0 {
            fs::create_dir_all(&folder).unwrap();
        }
        fs::write(folder.join(format!("IMG_{:05}.JPG", i % 20_000)), i.to_le_bytes()).unwrap();
    }
    fs::File::create(rig.card.join("DCIM/MVI_0001.MP4")).unwrap().set_len(700_000_000).unwrap();
    // Of a release's 64 MiB its code takes 7; of this build's, which is not optimised, three times as much. So what is held
    // against a limit here is all but the code, and the limit is what 64 MiB left for that before the page had TLS.
    const LIMIT: u64 = 44 * 1024;
    let peak = |line: &[&str]| {
        let mut child =
            Command::new(PIBACK).args(line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let status = format!("/proc/{}/status", child.id());
        let (mut peak, mut code) = (0, 0);
        loop {
            let text = fs::read_to_string(&status).unwrap_or_default();
            let kb = |name: &str| {
                let value = text.lines().find_map(|l| l.strip_prefix(name)?.trim().strip_suffix(" kB"));
                value.and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0)
            };
            (peak, code) = (peak.max(kb("VmHWM:")), code.max(kb("RssFile:")));
            if let Some(ended) = child.try_wait().unwrap() {
                assert!(ended.success(), "{line:?}");
                return peak - code;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    };
    let (card, drive) = (rig.card.to_str().unwrap(), rig.drive.to_str().unwrap());
    let both = ["X", "--source", card, "--dest", drive];
    for line in [
        [&["backup"], &both[..]].concat(),
        [&["verify"], &["X", "--dest", drive][..]].concat(),
        [&["backup", "--mirror"], &both[..]].concat(),
    ] {
        let peak = peak(&line);
        assert!((1_000..LIMIT).contains(&peak), "{peak} KiB for {line:?}");
    }
    // Times shifted: every file is compared and recorded anew.
    for entry in walk(&rig.card) {
        crate::rig::touch(&entry, 1_600_000_000);
    }
    let shifted = peak(&[&["backup"], &both[..]].concat());
    assert!((1_000..LIMIT).contains(&shifted), "{shifted} KiB when all times shifted");
}

fn walk(at: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(at).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            all.extend(walk(&entry.path()))
        } else {
            all.push(entry.path())
        }
    }
    all
}
