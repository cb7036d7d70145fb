//! Terminals that close, SSH that drops, Ctrl-C.

use crate::faulty::Mounted;
use crate::rig::{Rig, noise, tree, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::PathBuf;
use std::process::{Child, Stdio};

const FILES: u64 = 1200;

/// A copy in the middle: some files are published, and the card gives no more until it is let go.
struct Running {
    rig: Rig,
    card: Mounted,
    behind: PathBuf,
    child: Child,
}

/// Waits until a signal has come to the thread that takes them, and that one has gone back to sleep.
fn is_heard(process: u32) {
    let tasks = format!("/proc/{process}/task");
    until("the signal is heard", || {
        std::fs::read_dir(&tasks).unwrap().flatten().any(|task| {
            let status = std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
            status.starts_with("Name:\tsignals\n")
                && status.contains("\nState:\tS")
                && status.contains("\nShdPnd:\t0000000000000000\n")
        })
    });
}

impl Running {
    fn start(flags: &[&str], stdout: Stdio) -> Running {
        let rig = Rig::new();
        for i in 0..FILES {
            rig.shoot(&format!("DCIM/100CANON/IMG_{i:04}.JPG"), noise(i, 2_000));
        }
        let (card, behind) = rig.gate_card(FILES / 2);
        let child = rig.command("backup").args(flags).stdout(stdout).stderr(Stdio::piped()).spawn().unwrap();
        let first = rig.kept("DCIM/100CANON/IMG_0000.JPG");
        until("the copy stands still in the middle", || card.is_held() && first.exists());
        Running { rig, card, behind, child }
    }

    /// Waits until the drive's half of the copy stands still too, with files that have no name yet. A batch ends after
    /// some seconds by itself: then more is given.
    fn stands_still_in_a_batch(&self) {
        let (mut before, mut looks) = (Vec::new(), 0);
        until("the drive stands still in the middle of a batch", || {
            let now = self.rig.litter();
            if now.is_empty() && self.card.is_held() {
                self.card.allow(Some(50));
            }
            looks = if !now.is_empty() && now == before { looks + 1 } else { 0 };
            before = now;
            looks == 20
        });
    }

    fn send(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    /// Waits until nothing is left of it but threads for which the kernel waits: the card owes them an answer.
    fn is_dying(&self) {
        let threads = format!("/proc/{}/task", self.child.id());
        until("the threads are gone", || {
            let left = std::fs::read_dir(&threads).unwrap().count();
            left <= 1 + self.card.held() as usize
        });
    }

    /// Sends a signal and waits until it was taken.
    fn interrupt(&self) {
        self.send(Signal::SIGINT);
        let status = format!("/proc/{}/status", self.child.id());
        until("the signal was taken", || {
            let text = std::fs::read_to_string(&status).unwrap();
            let pending = text.lines().find_map(|l| l.strip_prefix("ShdPnd:")).unwrap().trim();
            u64::from_str_radix(pending, 16).unwrap() & (1 << (Signal::SIGINT as u64 - 1)) == 0
        });
    }

    /// Lets the copy go on to its end, which must be as if nothing had happened.
    fn finishes(mut self) {
        self.card.allow(None);
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        assert_eq!(self.rig.tree(), tree(&self.behind));
        self.card.unmount();
    }
}

#[test]
fn a_closed_terminal_does_not_stop_the_copy() {
    let mut running = Running::start(&["--json"], Stdio::piped());
    running.send(Signal::SIGHUP);
    // Nobody reads any more: EPIPE.
    drop(running.child.stdout.take());
    drop(running.child.stderr.take());
    running.finishes();
}

#[test]
fn a_terminal_that_answers_eio_does_not_stop_the_copy() {
    let terminal = nix::pty::openpty(None, None).unwrap();
    let running = Running::start(&[], Stdio::from(terminal.slave));
    drop(terminal.master);
    running.finishes();
}

#[test]
fn ctrl_c_ends_at_a_batch_boundary_and_says_where_it_stands() {
    let running = Running::start(&["--json"], Stdio::piped());
    running.interrupt();
    let Running { rig, card, child, .. } = running;
    let ended = std::thread::spawn(move || child.wait_with_output().unwrap());
    // File by file, until it notices: however slow it is, the card does not come to its end meanwhile.
    until("it stops", || {
        if card.is_held() {
            card.allow(Some(1));
        }
        ended.is_finished()
    });
    let output = ended.join().unwrap();
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    let run = crate::rig::Ended {
        code: Some(5),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    let account = run.account();
    assert!(account["stopped"].as_str().unwrap().contains("stopped"), "{account}");
    assert!(
        run.err.contains("stopped before their turn.") && run.err.contains("Type the same again"),
        "{run:?}"
    );
    let copied = account["copied"]["files"].as_u64().unwrap();
    assert!((1..FILES).contains(&copied));
    assert_eq!(rig.tree().len() as u64, copied, "no file is there that the account does not know");
    assert!(rig.litter().is_empty());
    card.allow(None);
    let account = rig.backed_up();
    assert_eq!(account["already_safe"]["files"], copied);
    card.unmount();
}

#[test]
fn a_second_ctrl_c_ends_at_once_and_the_next_run_cleans_up() {
    let mut running = Running::start(&[], Stdio::null());
    running.stands_still_in_a_batch();
    running.interrupt();
    running.send(Signal::SIGINT);
    running.is_dying();
    running.card.allow(None);
    let ended = running.child.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended), Some(Signal::SIGINT as i32));
    let mut said = String::new();
    std::io::Read::read_to_string(&mut running.child.stderr.take().unwrap(), &mut said).unwrap();
    assert!(said.contains("stopped at once"), "{said}");
    let Running { rig, card, behind, .. } = running;
    assert!(!rig.litter().is_empty(), "it was in the middle");
    rig.backed_up();
    assert_eq!(rig.tree(), tree(&behind));
    assert!(rig.litter().is_empty());
    card.unmount();
}

#[test]
fn a_suspended_ssh_client_does_not_hold_up_the_copy() {
    let rig = Rig::new();
    // Far more to say than a pipe holds.
    for i in 0..2000 {
        std::os::unix::fs::symlink("nowhere", rig.card.join(format!("a-link-with-a-long-name-{i:060}")))
            .unwrap();
    }
    for i in 0..20 {
        rig.shoot(&format!("DCIM/100CANON/IMG_{i:04}.JPG"), noise(i, 20_000));
    }
    let child =
        rig.command("backup").arg("--json").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let finished =
        || rig.manifests().iter().any(|m| std::fs::read_to_string(m).unwrap().contains("\"t\":\"end\""));
    until("the copy ends, though nobody reads", finished);
    assert_eq!(rig.tree(), tree(&rig.card));
    // The client is back: nothing of what was said is lost.
    let output = child.wait_with_output().unwrap();
    let run = crate::rig::Ended {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::new(),
    };
    assert_eq!(run.account()["not_safe"]["files"], 2000);
    assert_eq!(run.code, Some(5));
}

#[test]
fn a_comparison_that_was_stopped_calls_nothing_missing() {
    let rig = Rig::new();
    (0..30).for_each(|i| rig.shoot(&format!("DCIM/100CANON/IMG_{i:04}.JPG"), noise(i, 2_000)));
    rig.backed_up();
    let (card, _) = rig.gate_card(10);
    let mut command = rig.command("safe-to-format");
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("the comparison stands still in the middle", || card.is_held());
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    card.allow(None);
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(ended.status.code(), Some(5), "{said}");
    assert!(
        said.contains(" files were looked at. Don't format it.") && !said.contains("turn, and"),
        "{said}"
    );
    assert!(said.contains("NO: not known: stopped before "), "{said}");
    assert!(!said.contains("copied") && !said.contains("not on the drive"), "{said}");
    card.unmount();
}

#[test]
fn a_verification_that_was_stopped_says_how_many_were_not_read() {
    let rig = Rig::new();
    (0..60).for_each(|i| rig.shoot(&format!("DCIM/100CANON/IMG_{i:04}.JPG"), noise(i, 2_000)));
    rig.backed_up();
    let behind = rig.dir.path().join("drive-behind");
    std::fs::rename(&rig.drive, &behind).unwrap();
    let drive = Mounted::gated(&behind, &rig.drive, 20);
    let mut command = rig.command("verify");
    let child = command.arg("--json").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("the reading stands still in the middle", || drive.is_held());
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    is_heard(child.id());
    drive.allow(None);
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(5), "{said}");
    let verdict: serde_json::Value =
        serde_json::from_str(String::from_utf8(ended.stdout).unwrap().lines().last().unwrap()).unwrap();
    let (read, left) = (&verdict["verified"]["files"], &verdict["not_reached_files"]);
    assert_eq!(read.as_u64().unwrap() + left.as_u64().unwrap(), 60, "{verdict}");
    assert!(
        left.as_u64().unwrap() > 30 && said.contains(&format!("stopped before {left} files were looked at."))
    );
    drive.unmount();
}
