//! Terminals that close, SSH that drops, Ctrl-C.

use crate::faulty::{Faults, Mounted};
use crate::rig::{Rig, noise, tree};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::process::{Child, Stdio};
use std::time::Duration;

/// A slow copy that has begun: some files are published already.
fn running(flags: &[&str], stdout: Stdio) -> (Rig, Mounted, Child) {
    let rig = Rig::new();
    for i in 0..1200 {
        rig.shoot(&format!("DCIM/100CANON/IMG_{i:04}.JPG"), noise(i, 20_000));
    }
    let behind = rig.dir.path().join("behind");
    let mounted =
        Mounted::new(&behind, &rig.drive, Faults { write_limit: Some(5_000_000), ..Faults::default() });
    let child = rig.command("backup").args(flags).stdout(stdout).stderr(Stdio::piped()).spawn().unwrap();
    // Looked at from behind, so that looking does not slow it down.
    while !behind.join("SD32GB-03/DCIM/100CANON/IMG_0000.JPG").exists() {
        std::thread::sleep(Duration::from_millis(20));
    }
    (rig, mounted, child)
}

fn send(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id() as i32), signal).unwrap();
}

#[test]
fn a_closed_terminal_does_not_stop_the_copy() {
    let (rig, mounted, mut child) = running(&["--json"], Stdio::piped());
    send(&child, Signal::SIGHUP);
    // Nobody reads any more: EPIPE.
    drop(child.stdout.take());
    drop(child.stderr.take());
    mounted.set(|f| f.write_limit = None);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(rig.tree(), tree(&rig.card));
    mounted.unmount();
}

#[test]
fn a_terminal_that_answers_eio_does_not_stop_the_copy() {
    let terminal = nix::pty::openpty(None, None).unwrap();
    let (rig, mounted, mut child) = running(&[], Stdio::from(terminal.slave));
    drop(terminal.master);
    mounted.set(|f| f.write_limit = None);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(rig.tree(), tree(&rig.card));
    mounted.unmount();
}

#[test]
fn ctrl_c_ends_at_a_batch_boundary_and_says_where_it_stands() {
    let (rig, mounted, child) = running(&["--json"], Stdio::piped());
    send(&child, Signal::SIGINT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    let run = crate::rig::Ended {
        code: Some(5),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    let account = run.account();
    assert!(account["stopped"].as_str().unwrap().contains("stopped"), "{account}");
    let copied = account["copied"]["files"].as_u64().unwrap();
    assert!((1..1200).contains(&copied));
    assert_eq!(rig.tree().len() as u64, copied, "no file is there that the account does not know");
    assert!(rig.litter().is_empty());
    mounted.set(|f| f.write_limit = None);
    let account = rig.backed_up();
    assert_eq!(account["already_safe"]["files"], copied);
    mounted.unmount();
}

#[test]
fn a_second_ctrl_c_ends_at_once_and_the_next_run_cleans_up() {
    let (rig, mounted, mut child) = running(&[], Stdio::null());
    mounted.set(|f| f.delay = Some(Duration::from_millis(100)));
    send(&child, Signal::SIGINT);
    std::thread::sleep(Duration::from_millis(50));
    send(&child, Signal::SIGINT);
    assert_eq!(child.wait().unwrap().code(), None);
    mounted.set(|f| (f.delay, f.write_limit) = (None, None));
    rig.backed_up();
    assert_eq!(rig.tree(), tree(&rig.card));
    assert!(rig.litter().is_empty());
    mounted.unmount();
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
    let begin = std::time::Instant::now();
    while !finished() {
        assert!(begin.elapsed() < Duration::from_secs(120), "the copy waits for a reader");
        std::thread::sleep(Duration::from_millis(20));
    }
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
