//! `piback attach` and `piback cancel`, against a process that holds a run's lock as a backup does.
#![allow(clippy::disallowed_methods)]

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A stand-in for a running backup: it locks its status file, says so, and dies of SIGINT.
struct Run {
    child: Child,
    file: PathBuf,
}

impl Run {
    fn start(root: &Path, pid: i32, label: &str) -> Run {
        let dir = root.join("run/piback");
        std::fs::create_dir_all(&dir).unwrap();
        let file = dir.join(format!("{pid}.jsonl"));
        let header = format!(
            "{{\"schema\":1,\"event\":\"run\",\"pid\":{pid},\"label\":\"{label}\",\"destination\":\"/media/D\"}}\n"
        );
        std::fs::write(&file, header).unwrap();
        // Whoever starts the tests in the background ignores SIGINT, and what is ignored is inherited.
        let script = "import fcntl,signal,sys,time\nsignal.signal(signal.SIGINT,signal.SIG_DFL)\nf=open(sys.argv[1],'r+')\nfcntl.lockf(f,fcntl.LOCK_EX|fcntl.LOCK_NB)\n\
                      print('locked',flush=True)\ntime.sleep(60)\n";
        let mut child = Command::new("python3")
            .args(["-c", script])
            .arg(&file)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python3 is needed for this test");
        child.stdout.as_mut().unwrap().read_exact(&mut [0; 7]).unwrap();
        Run { child, file }
    }

    fn append(&self, text: &str) {
        let mut file = std::fs::OpenOptions::new().append(true).open(&self.file).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(root: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_piback"));
    command.arg("--root").arg(root).args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn piback(root: &Path, args: &[&str]) -> Output {
    command(root, args).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn nothing_runs() {
    let root = tempfile::tempdir().unwrap();
    for verb in ["attach", "cancel"] {
        let output = piback(root.path(), &[verb]);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains("no backup runs"), "{}", stderr(&output));
        assert!(!stderr(&output).contains("sudo"), "{}", stderr(&output));
    }
    assert!(!root.path().join("run").exists(), "asking made the run directory");
    // What a killed run left behind is none that runs, whatever pid it names: here the test's own.
    let dir = root.path().join("run/piback");
    std::fs::create_dir_all(&dir).unwrap();
    let pid = std::process::id();
    let stale =
        format!("{{\"schema\":1,\"event\":\"run\",\"pid\":{pid},\"label\":\"SD\",\"destination\":\"/d\"}}\n");
    std::fs::write(dir.join(format!("{pid}.jsonl")), stale).unwrap();
    let output = piback(root.path(), &["cancel"]);
    assert!(stderr(&output).contains("no backup runs"), "{}", stderr(&output));
}

#[test]
fn cancel_interrupts_the_one_that_is_meant() {
    let root = tempfile::tempdir().unwrap();
    let mut first = Run::start(root.path(), 1, "SD32GB-03");
    let mut second = Run::start(root.path(), 2, "EOS_DIGITAL");
    let output = piback(root.path(), &["cancel"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("more than one backup runs"), "{said}");
    assert!(said.contains("SD32GB-03, to /media/D") && said.contains("EOS_DIGITAL, to /media/D"), "{said}");
    let output = piback(root.path(), &["cancel", "NONE"]);
    let said = stderr(&output);
    assert!(said.contains("no backup of NONE runs") && !said.contains("sudo"), "{said}");
    assert!(
        said.contains("what runs: ") && said.contains("EOS_DIGITAL") && said.contains("SD32GB-03"),
        "{said}"
    );

    let output = piback(root.path(), &["cancel", "EOS_DIGITAL", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["pid"], second.child.id());
    second.child.wait().unwrap();
    assert!(first.child.try_wait().unwrap().is_none(), "the other one was interrupted too");
    // Only one is left: no name is needed.
    assert_eq!(piback(root.path(), &["cancel"]).status.code(), Some(0));
    first.child.wait().unwrap();
}

#[test]
fn attach_shows_what_comes_and_ends_as_the_run_ends() {
    // Ending with 0 is no proof: there must be an account of it.
    let safe = "{\"schema\":1,\"event\":\"account\",\"safe\":true}\n";
    for (account, code, expected) in [(safe, 0, 0), ("", 0, 1), ("", 5, 5), ("", 1, 1), ("", 64, 1)] {
        let root = tempfile::tempdir().unwrap();
        let run = Run::start(root.path(), 3, "SD32GB-03");
        run.append("{\"schema\":1,\"event\":\"first\"}\n{\"schema\":1,");
        let mut attached = command(root.path(), &["attach", "--json"]).spawn().unwrap();
        let mut seen = String::new();
        let stdout = attached.stdout.as_mut().unwrap();
        let started = Instant::now();
        while !seen.contains("first") {
            let mut byte = [0];
            stdout.read_exact(&mut byte).unwrap();
            seen.push(char::from(byte[0]));
            assert!(started.elapsed() < Duration::from_secs(30));
        }
        run.append("\"event\":\"second\"}\n");
        run.append(account);
        // As a run ends: the last line, the file goes, the process goes.
        run.append(&format!("{{\"schema\":1,\"event\":\"end\",\"exit_code\":{code}}}\n"));
        std::fs::remove_file(&run.file).unwrap();
        let output = attached.wait_with_output().unwrap();
        seen.push_str(&String::from_utf8_lossy(&output.stdout));
        assert!(seen.contains("{\"schema\":1,\"event\":\"second\"}"), "{seen}");
        assert_eq!(output.status.code(), Some(expected), "{}", stderr(&output));
    }
}

#[test]
fn attach_says_when_the_run_was_killed() {
    let root = tempfile::tempdir().unwrap();
    let mut run = Run::start(root.path(), 4, "SD32GB-03");
    let mut attached = command(root.path(), &["attach"]).spawn().unwrap();
    let mut said = String::new();
    let stream = attached.stderr.as_mut().unwrap();
    while !said.contains("Ctrl-C ends only this view\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        said.push(char::from(byte[0]));
    }
    run.child.kill().unwrap();
    run.child.wait().unwrap();
    let output = attached.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("was killed"), "{}", stderr(&output));
}

/// `piback attach` typed by somebody else than root, on a host whose `sudo` is this script.
fn typed_without_sudo(sudo: &str) -> Output {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (script, piback) = (dir.path().join("sudo"), dir.path().join("piback"));
    std::fs::write(&script, sudo).unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_piback"), &piback).unwrap();
    for path in [dir.path(), &script, &piback] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let steps = "mount -t tmpfs sudo /usr/local/sbin; cp \"$1\" /usr/local/sbin/sudo
                 exec setpriv --reuid=65534 --regid=65534 --clear-groups \"$2\" attach 'SD 1'";
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-ec", steps, "sh"]).args([&script, &piback]).env("NO_COLOR", "1");
    command.env_remove("XDG_RUNTIME_DIR").output().unwrap()
}

#[test]
fn where_sudo_asks_for_nothing_it_need_not_be_typed() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let run =
        typed_without_sudo("#!/bin/sh\n[ \"$*\" = '-n true' ] && exit 0\nprintf '<%s>' \"$@\"\nexit 5\n");
    assert_eq!(run.status.code(), Some(5), "{run:?}");
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(said.starts_with("<-n><--preserve-env=NO_COLOR><--></"), "{said}");
    assert!(said.ends_with("/piback><attach><SD 1>"), "{said}");

    let refused = typed_without_sudo("#!/bin/sh\necho 'a password is required' >&2\nexit 1\n");
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("put sudo in front") && !said.contains("password"), "{said}");
}

#[test]
fn a_scrub_waits_while_a_backup_runs() {
    let dir = tempfile::tempdir().unwrap();
    let (card, drive) = (dir.path().join("card"), dir.path().join("drive"));
    std::fs::create_dir_all(card.join("DCIM")).unwrap();
    std::fs::create_dir(&drive).unwrap();
    std::fs::write(card.join("DCIM/IMG_0001.CR3"), "photo").unwrap();
    let at = |path: &Path| path.to_str().unwrap().to_owned();
    let backup = ["backup", "SD", "--source", &at(&card), "--dest", &at(&drive)];
    assert_eq!(piback(dir.path(), &backup).status.code(), Some(0));
    let drive = at(&drive);
    let scrub = ["scrub", "--share", "100%", "--dest", &drive];
    let mut run = Run::start(dir.path(), 4711, "OTHER");
    let mut scrubbing = command(dir.path(), &scrub).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    assert!(scrubbing.try_wait().unwrap().is_none(), "it read on while a backup ran");
    // The kernel lets go of the lock of whoever dies.
    run.child.kill().unwrap();
    run.child.wait().unwrap();
    let output = scrubbing.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("was read or copied today"), "{output:?}");

    // Whoever stops it need not wait.
    let _run = Run::start(dir.path(), 4712, "OTHER");
    let scrubbing = command(dir.path(), &scrub).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    let interrupted = Command::new("kill").args(["-s", "INT", &scrubbing.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    assert_eq!(scrubbing.wait_with_output().unwrap().status.code(), Some(5));
}
