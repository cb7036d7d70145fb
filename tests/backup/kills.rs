//! kill -9 at every kind of moment: the real binary, stopped by ptrace at a system call.

use crate::cascade::profile_with;
use crate::rig::{Rig, ended, noise, stamps, tree};
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Runs a command and kills it, all its threads, at its `at`-th system call. `Err` is how it ended if it made
/// fewer, and how many.
#[allow(clippy::zombie_processes, reason = "waited for below, with ptrace's own flags")]
pub fn kill_at(command: &mut Command, at: u64) -> Result<(), (i32, u64)> {
    // SAFETY: ptrace(PTRACE_TRACEME) is a plain system call, allowed between fork and exec.
    unsafe { command.pre_exec(|| ptrace::traceme().map_err(Into::into)) };
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let main = Pid::from_raw(child.id() as i32);
    // Only this thread's children: other tests have their own.
    let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
    let options = ptrace::Options::PTRACE_O_TRACESYSGOOD
        | ptrace::Options::PTRACE_O_TRACECLONE
        | ptrace::Options::PTRACE_O_EXITKILL;
    assert!(matches!(waitpid(main, Some(flags)).unwrap(), WaitStatus::Stopped(..)), "stopped after exec");
    ptrace::setoptions(main, options).unwrap();
    ptrace::syscall(main, None).unwrap();
    let mut stops = 0;
    loop {
        let status = match waitpid(None::<Pid>, Some(flags)) {
            Ok(status) => status,
            Err(errno) => panic!("wait: {errno}"),
        };
        let (pid, signal) = match status {
            WaitStatus::Exited(pid, code) if pid == main => return Err((code, stops / 2)),
            WaitStatus::Signaled(pid, ..) if pid == main => return Ok(()),
            WaitStatus::PtraceSyscall(pid) => {
                stops += 1;
                // Entry and exit stop each: half of the kills hit before the call, half after it.
                if stops == at * 2 - at % 2 {
                    nix::sys::signal::kill(main, Signal::SIGKILL).unwrap();
                }
                (pid, None)
            }
            WaitStatus::Stopped(pid, signal) => {
                (pid, Some(signal).filter(|s| !matches!(s, Signal::SIGSTOP | Signal::SIGTRAP)))
            }
            WaitStatus::PtraceEvent(pid, ..) => (pid, None),
            _ => continue,
        };
        // It may be dead already.
        let _ = ptrace::syscall(pid, signal);
    }
}

/// How many system calls a run makes.
pub fn count(command: &mut Command) -> u64 {
    match kill_at(command, u64::MAX / 4) {
        Err((0, calls)) => calls,
        other => panic!("{other:?}"),
    }
}

/// A card with collisions, groups, an empty file and a file of several pieces; a drive with an older backup.
fn scene(rig: Rig) -> Rig {
    for i in 0..6 {
        rig.shoot(&format!("DCIM/100CANON/IMG_{i:04}.CR3"), noise(i, 9_000));
        rig.shoot(&format!("DCIM/100CANON/IMG_{i:04}.JPG"), noise(50 + i, 3_000));
    }
    rig.backed_up();
    rig.format();
    for i in 3..12 {
        rig.shoot(&format!("DCIM/100CANON/IMG_{i:04}.CR3"), noise(100 + i, 9_000));
        rig.shoot(&format!("DCIM/100CANON/IMG_{i:04}.JPG"), noise(150 + i, 3_000));
    }
    rig.shoot("DCIM/101CANON/MVI_0001.MP4", noise(7, 5_000_000));
    rig.shoot("MISC/empty", b"");
    rig
}

fn copy_tree(from: &Path, to: &Path) {
    let run = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(run.success());
}

/// What is on a drive: the files of the backup, finished ones alone.
fn published(rig: &Rig, drive: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = tree(&drive.join(&rig.label));
    files.retain(|path, _| !path.ends_with(".tmp"));
    files
}

/// A verb over some of the drives.
fn over(rig: &Rig, verb: &str, drives: &[&PathBuf]) -> Command {
    let mut command = rig.bare(verb);
    drives.iter().for_each(|drive| {
        command.arg("--dest").arg(drive);
    });
    command
}

fn done(command: &mut Command, at: u64) {
    let run = ended(command);
    assert_eq!(run.code, Some(0), "killed at call {at}: {run:?}");
}

/// What a backup is given besides its ends.
type Flags<'a> = &'a [&'a str];

/// A backup to one drive with an older backup, and to others that are new, is killed at call after call; whatever it
/// left, each drive is as it would be by itself. The next backup is in turns one pass over all of them, and one for each.
fn kills(rig: Rig, (others, flags): (usize, Flags<'_>), rounds: u64, part: u64) {
    let rig = scene(rig);
    let base = rig.dir.path().join("base");
    fs::create_dir(&base).unwrap();
    let mut drives = vec![rig.drive.clone()];
    for n in 0..others {
        drives.push(rig.dir.path().join(format!("other-{n}")));
        fs::create_dir(&drives[n + 1]).unwrap();
    }
    let all: Vec<&PathBuf> = drives.iter().collect();
    let kept = |drive: &PathBuf| base.join(drive.file_name().unwrap());
    all.iter().for_each(|drive| copy_tree(drive, &kept(drive)));
    let calls = count(over(&rig, "backup", &all).args(flags));
    let finished: Vec<_> = all.iter().map(|drive| published(&rig, drive)).collect();
    let before: Vec<_> = all.iter().map(|drive| published(&rig, &kept(drive))).collect();
    assert!(calls > 300, "{calls}");
    for round in 0..rounds {
        // Spread over the whole run, at a place of its own in every stretch.
        let mut at = 1 + (round * calls + (round * 7919 + part * 104_729) % calls) / rounds;
        loop {
            for drive in &all {
                fs::remove_dir_all(drive).unwrap();
                copy_tree(&kept(drive), drive);
            }
            match kill_at(over(&rig, "backup", &all).args(flags), at) {
                Ok(()) => break,
                // Threads interleave, and this run was done with fewer calls.
                Err((status, made)) => {
                    assert_eq!(status, 0);
                    at = 1 + at % made;
                }
            }
        }
        let mut left = Vec::new();
        for (n, drive) in all.iter().enumerate() {
            let there = published(&rig, drive);
            for (path, content) in &there {
                assert_eq!(finished[n].get(path), Some(content), "killed at call {at} of {calls}: {path}");
            }
            assert!(before[n].iter().all(|(path, content)| there.get(path) == Some(content)), "call {at}");
            left.push((there, stamps(&drive.join(&rig.label))));
        }
        match round % 2 {
            0 => done(over(&rig, "backup", &all).args(flags), at),
            _ => all.iter().for_each(|drive| done(&mut over(&rig, "backup", &[drive]), at)),
        }
        for (n, drive) in all.iter().enumerate() {
            let litter: Vec<_> = tree(drive).into_keys().filter(|path| path.ends_with(".tmp")).collect();
            assert_eq!(litter, [""; 0], "killed at call {at}");
            let now = tree(&drive.join(&rig.label));
            assert!(now == finished[n], "killed at call {at}: {:?}", now.keys());
            let (there, stamps_before) = &left[n];
            let stamps_after = stamps(&drive.join(&rig.label));
            for path in there.keys().map(|path| drive.join(&rig.label).join(path)) {
                assert_eq!(stamps_before[&path], stamps_after[&path], "killed at call {at}");
            }
            if round % 10 < 2 {
                done(&mut over(&rig, "verify", &[drive]), at);
                done(&mut over(&rig, "safe-to-format", &[drive]), at);
            }
        }
    }
}

#[test]
fn killed_at_250_system_calls_on_a_disk_nothing_is_half_done() {
    kills(Rig::new(), (0, &[]), 250, 0);
}

#[test]
fn killed_at_250_system_calls_in_memory_nothing_is_half_done() {
    kills(Rig::in_memory(), (0, &[]), 250, 1);
}

#[test]
fn killed_with_two_drives_each_is_as_it_would_be_by_itself() {
    kills(Rig::in_memory(), (1, &[]), kills_of_two(), 2);
}

#[test]
fn killed_in_either_pass_each_of_two_drives_is_as_it_would_be_by_itself() {
    let rig = Rig::in_memory();
    let profile = profile_with(rig.dir.path(), "always");
    kills(rig, (1, &["--profile", &profile]), kills_of_two(), 3);
}

/// 40 kills, or as many as `PIBACK_KILLS` says.
fn kills_of_two() -> u64 {
    std::env::var("PIBACK_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(40)
}

#[test]
fn killed_again_and_again_a_card_gets_there() {
    let rig = scene(Rig::new());
    let calls = count(&mut rig.command("backup"));
    fs::remove_dir_all(&rig.drive).unwrap();
    fs::create_dir(&rig.drive).unwrap();
    for round in 1..=12 {
        let _ = kill_at(&mut rig.command("backup"), calls * round / 13);
    }
    rig.backed_up();
    assert_eq!(rig.tree(), tree(&rig.card));
    assert_eq!(rig.litter(), [""; 0]);
}
