//! The socket of whoever keeps the jobs, as an honest client and a hostile one meet it.
#![allow(clippy::disallowed_methods)]

use piback::jobs::Control;
use piback::jobs::job::{Phase, Verb};
use piback::jobs::protocol::{Answer, Request};
use piback::jobs::remote::Remote;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

struct Site {
    dir: tempfile::TempDir,
    server: Child,
}

impl Site {
    fn new() -> Site {
        Site::of(Path::new(env!("CARGO_BIN_EXE_piback")), tempfile::tempdir().unwrap())
    }

    /// One whose keeper is that program.
    fn of(program: &Path, dir: tempfile::TempDir) -> Site {
        fs::create_dir_all(dir.path().join("CARD/DCIM")).unwrap();
        fs::create_dir(dir.path().join("DRIVE")).unwrap();
        for n in 0..3 {
            fs::write(dir.path().join(format!("CARD/DCIM/IMG_{n}.JPG")), vec![n; 100_000]).unwrap();
        }
        let path = |name: &str| dir.path().join(name);
        let server = Command::new(program)
            .args(["control", "--socket"])
            .arg(path("socket"))
            .arg("--source")
            .arg(path("CARD"))
            .arg("--dest")
            .arg(path("DRIVE"))
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let site = Site { dir, server };
        site.until(|| UnixStream::connect(site.socket()).is_ok());
        site
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("socket")
    }

    fn remote(&self) -> Remote {
        Remote::new(&self.socket())
    }

    fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(self.socket()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }

    /// Memory of the server that is its own, in KiB.
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.server.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    fn until(&self, done: impl Fn() -> bool) {
        let begin = Instant::now();
        while !done() {
            assert!(begin.elapsed() < Duration::from_secs(60), "nothing comes");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn answers(&self) -> bool {
        let remote = self.remote();
        let control: &dyn Control = &remote;
        control.state(false).is_ok()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn a_job_asked_for_over_the_socket_is_done_and_its_photo_handed_over_open() {
    let site = Site::new();
    let remote = site.remote();
    let control: &dyn Control = &remote;
    let start = Request::Start { verb: Verb::Backup, label: "CARD".into(), compare: false };
    let Answer::Job { job, new: true } = control.ask(&start) else { panic!() };
    let ended = || match control.ask(&Request::Job { id: job.id.clone() }) {
        Answer::Job { job, .. } => job.state == Phase::Done,
        other => panic!("{other:?}"),
    };
    site.until(ended);
    let Answer::Photos(page) = control.ask(&Request::Photos(Default::default())) else { panic!() };
    assert_eq!(page.total, 3);
    let (picture, mut file) = control.open(&page.photos[0].id).unwrap();
    let mut bytes = vec![0; 200_000];
    assert_eq!(file.read_at(&mut bytes, 0).unwrap() as u64, picture.bytes);
    assert!(control.open("../../etc/passwd").is_none());
}

#[test]
fn a_keeper_whose_program_an_upgrade_replaced_does_its_jobs_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("piback");
    fs::copy(env!("CARGO_BIN_EXE_piback"), &program).unwrap();
    let site = Site::of(&program, dir);
    // As dpkg does it.
    fs::write(site.dir.path().join("piback.dpkg-new"), "#!/bin/sh\nexit 99\n").unwrap();
    fs::rename(site.dir.path().join("piback.dpkg-new"), &program).unwrap();
    let remote = site.remote();
    let control: &dyn Control = &remote;
    let start = Request::Start { verb: Verb::Backup, label: "CARD".into(), compare: false };
    let Answer::Job { job, .. } = control.ask(&start) else { panic!() };
    let now = || match control.ask(&Request::Job { id: job.id.clone() }) {
        Answer::Job { job, .. } => *job,
        other => panic!("{other:?}"),
    };
    site.until(|| now().state.is_over());
    assert_eq!(now().state, Phase::Done, "{:?}", now().error);
}

#[test]
fn a_watcher_is_told_of_changes() {
    let site = Site::new();
    let (told, heard) = std::sync::mpsc::channel();
    site.remote().watch(Box::new(move || _ = told.send(())));
    heard.recv_timeout(Duration::from_secs(30)).unwrap();
    let remote = site.remote();
    let control: &dyn Control = &remote;
    control.look();
    std::thread::sleep(Duration::from_millis(600));
    while heard.try_recv().is_ok() {}
    fs::write(site.dir.path().join("CARD/DCIM/new.JPG"), "x").unwrap();
    control.look();
    heard.recv_timeout(Duration::from_secs(30)).unwrap();
}

/// Requests from a small generator of its own: the same ones every time.
fn nonsense(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let words = [
        "{\"v\":1,\"ask\":\"start\",\"verb\":\"backup\",\"label\":\"",
        "\"}",
        "../../etc/shadow",
        "/dev/sda1",
        "{",
        "}",
        "\"ask\":\"open\",\"id\":\"",
        "[",
        "\\u0000",
        "null",
        "1e999",
        "\"v\":2",
        "start",
        "apply",
        "--mirror",
        "\"kname\":\"sda\"",
        "{\"v\":1,\"ask\":\"insert\",\"kname\":\"../../root\"}",
        "{\"v\":1,\"ask\":\"forget\",\"at\":99999}",
        "\u{202e}",
        "\x1b[2J",
        "{\"v\":1,\"ask\":\"photos\",\"from\":18446744073709551615,\"limit\":18446744073709551615}",
        "{\"v\":1,\"ask\":\"cancel\",\"id\":\"%00\"}",
        "{\"v\":1,\"ask\":\"job\",\"id\":\"\"}",
        "{\"v\":1,\"ask\":\"known\",\"secret\":\"x\"}",
        "{\"v\":1,\"ask\":\"enter\",\"key\":{\"code\":\"AAAAAAAA\"},\"name\":\"x\"}",
        "{\"v\":1,\"ask\":\"state\",\"look\":true}",
        "{\"v\":1,\"ask\":\"join\",\"ssid\":\"--help\",\"passphrase\":\"x\"}",
        "{\"v\":1,\"ask\":\"forget-network\",\"ssid\":\"../../etc/passwd\\u0000\"}",
        "{\"v\":1,\"ask\":\"networks\"}",
    ];
    let mut line = Vec::new();
    match next() % 4 {
        0 => line.extend((0..next() % 300).map(|_| (next() % 256) as u8).filter(|b| *b != b'\n')),
        1 => line.extend_from_slice(words[next() as usize % words.len()].as_bytes()),
        _ => (0..next() % 6)
            .for_each(|_| line.extend_from_slice(words[next() as usize % words.len()].as_bytes())),
    }
    line.push(b'\n');
    line
}

#[test]
fn five_thousand_random_requests_start_nothing_and_reach_no_path() {
    let site = Site::new();
    let before = fs::read_dir(site.dir.path()).unwrap().count();
    let mut stream = BufReader::new(site.connect());
    let memory = site.memory();
    for seed in 1..=5000 {
        let line = nonsense(seed);
        stream.get_mut().write_all(&line).unwrap();
        let mut answer = String::new();
        stream.read_line(&mut answer).unwrap();
        assert!(answer.starts_with("{\"answer\":"), "{answer:?} to {:?}", String::from_utf8_lossy(&line));
        assert!(!answer.contains("root:"), "{answer}");
    }
    let remote = site.remote();
    let control: &dyn Control = &remote;
    assert!(control.state(true).unwrap().jobs.is_empty(), "something was started");
    assert_eq!(fs::read_dir(site.dir.path()).unwrap().count(), before);
    assert!(site.memory() < memory + 16 * 1024, "{memory} KiB became {}", site.memory());
}

#[test]
fn a_line_without_an_end_a_hundred_connections_and_one_that_never_reads_harm_nobody() {
    let site = Site::new();
    let memory = site.memory();
    // One line for ever: it is cut off.
    let mut endless = site.connect();
    let piece = [b'x'; 4096];
    let mut sent = 0;
    while sent < 10_000_000 && endless.write_all(&piece).is_ok() {
        sent += piece.len();
    }
    assert!(sent < 1_000_000, "{sent} bytes of one line were taken");
    assert!(site.answers());
    // One that asks and asks, and never reads.
    let mut deaf = site.connect();
    deaf.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    while deaf.write_all(b"{\"v\":1,\"ask\":\"state\"}\n").is_ok() {}
    assert!(site.answers());
    // A hundred that say nothing: the next is told to come again, and can once they are gone.
    let silent: Vec<UnixStream> = (0..100).map(|_| site.connect()).collect();
    let mut told = String::new();
    site.connect().read_to_string(&mut told).unwrap();
    assert!(told.contains("too many are connected"), "{told:?}");
    drop(silent);
    site.until(|| site.answers());
    assert!(site.memory() < memory + 32 * 1024, "{memory} KiB became {}", site.memory());
}
