//! A crash tells nobody a secret: no core dump, and a panic without its words.
#![allow(clippy::disallowed_methods)]

mod common;

use common::{PASSPHRASE, Tree};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// `piback plan` that waits for its profile: a pipe that nobody writes to.
fn waiting(tree: &Tree) -> Child {
    let pipe = tree.dir.path().join("profile.yaml");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR | nix::sys::stat::Mode::S_IWUSR).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_piback"));
    command.args(["plan", "--root", &tree.root_text(), "--profile"]).arg(&pipe);
    command.current_dir(tree.dir.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // SAFETY: setrlimit is a plain system call.
    unsafe {
        command.pre_exec(|| {
            let (_, most) = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_CORE)?;
            Ok(nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, most, most)?)
        });
    }
    command.spawn().unwrap()
}

#[test]
fn a_crash_leaves_no_core_dump() {
    let tree = Tree::new();
    let mut child = waiting(&tree);
    let limits = format!("/proc/{}/limits", child.id());
    // The soft and the hard limit; until `main` has begun they are the test's own.
    let core = || {
        let text = std::fs::read_to_string(&limits).unwrap();
        let line = text.lines().find(|l| l.starts_with("Max core file size")).unwrap().to_owned();
        line.split_whitespace().skip(4).take(2).map(str::to_owned).collect::<Vec<_>>()
    };
    let set = (0..2000).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(5));
        core() == ["1", "1"] || core() == ["0", "0"]
    });
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGABRT).unwrap();
    let status = child.wait().unwrap();
    assert!(set, "core dumps are not forbidden");
    assert_eq!(status.signal(), Some(Signal::SIGABRT as i32));
    assert!(!status.core_dumped());
    let left: Vec<_> = std::fs::read_dir(tree.dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with("core")), "{left:?}");
}

/// The panic of a slice quotes the text that it cut: here a passphrase. This test runs itself once more to panic so.
#[test]
fn a_panic_shows_its_place_and_not_its_words() {
    const AGAIN: &str = "PIBACK_TEST_PANICS";
    if std::env::var_os(AGAIN).is_some() {
        piback::ui::bare_panics();
        let secret = format!("{PASSPHRASE}é");
        let _ = &secret[..PASSPHRASE.len() + 1];
        unreachable!("it cuts a letter in two");
    }
    let test = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_panic_shows_its_place_and_not_its_words", "--nocapture"])
        .env(AGAIN, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[test.stdout, test.stderr].concat()).into_owned();
    assert!(!test.status.success(), "{said}");
    assert!(said.contains("a fault of its own (tests/crashes.rs:"), "{said}");
    assert!(!said.contains(PASSPHRASE), "{said}");
    // And the program begins with it.
    let main = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/main.rs")).unwrap();
    let begins = main.split_once("fn main() -> ExitCode {").unwrap().1;
    assert!(begins.find("ui::bare_panics();").unwrap() < begins.find("try_parse").unwrap());
}
