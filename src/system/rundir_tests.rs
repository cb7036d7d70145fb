#![cfg(test)]

use super::*;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Child, Command, Stdio};

fn open(scratch: &tempfile::TempDir) -> RunDir {
    RunDir::open(Some(scratch.path())).unwrap()
}

/// A process of its own that holds a record lock on a status file, as a running backup does: locks are by process.
fn locker(file: &Path) -> Child {
    let script = "import fcntl,signal,sys,time\nsignal.signal(signal.SIGINT,signal.SIG_DFL)\nf=open(sys.argv[1],'r+')\nfcntl.lockf(f,fcntl.LOCK_EX|fcntl.LOCK_NB)\n\
                  print('locked',flush=True)\ntime.sleep(60)\n";
    let mut child = Command::new("python3")
        .args(["-c", script])
        .arg(file)
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is needed for this test");
    let mut line = [0; 7];
    io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut line).unwrap();
    assert_eq!(&line, b"locked\n");
    child
}

fn status_file(dir: &RunDir, pid: i32) -> PathBuf {
    let path = dir.path.join(file_name(pid));
    let header = Header {
        schema: 1,
        command: "backup".into(),
        event: "run".into(),
        pid,
        label: "SD".into(),
        destination: "/d".into(),
        job: None,
    };
    std::fs::write(&path, line(&header)).unwrap();
    path
}

#[test]
fn it_is_made_for_its_owner_alone() {
    let scratch = tempfile::tempdir().unwrap();
    assert!(RunDir::existing(Some(scratch.path())).unwrap().is_none());
    let dir = open(&scratch);
    assert_eq!(std::fs::metadata(&dir.path).unwrap().permissions().mode() & 0o777, 0o700);
    // One that others may enter is closed again.
    std::fs::set_permissions(&dir.path, std::fs::Permissions::from_mode(0o777)).unwrap();
    open(&scratch);
    assert_eq!(std::fs::metadata(&dir.path).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_symlink_in_its_place_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::create_dir(scratch.path().join("run")).unwrap();
    symlink(elsewhere.path(), scratch.path().join("run/piback")).unwrap();
    assert!(RunDir::open(Some(scratch.path())).is_err());
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

/// The folder above is no way out of the tree either.
#[test]
fn a_symlink_above_it_leads_nowhere() {
    let scratch = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    symlink(elsewhere.path(), scratch.path().join("run")).unwrap();
    assert!(RunDir::open(Some(scratch.path())).is_err());
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    std::fs::create_dir(elsewhere.path().join("piback")).unwrap();
    assert!(RunDir::existing(Some(scratch.path())).is_err());
}

#[test]
fn only_what_a_run_left_is_swept() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = open(&scratch);
    let stale = status_file(&dir, 1);
    let theirs = ["mine.jsonl", "01.jsonl", "+3.jsonl", "7.jsonl.old", "9.json"];
    for name in theirs {
        std::fs::write(dir.path.join(name), "kept\n").unwrap();
    }
    dir.start("backup", "SD32GB-03", Path::new("/media/d")).unwrap().end(0).unwrap();
    assert!(!stale.exists());
    for name in theirs {
        assert!(dir.path.join(name).exists(), "{name}");
    }
}

#[test]
fn the_pid_is_the_lock_holders_not_the_one_in_the_file() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = open(&scratch);
    // The file says pid 1; that process must never get a signal.
    let path = status_file(&dir, 1);
    assert_eq!(dir.running().unwrap().len(), 0, "nobody holds it: a stale file");
    let mut child = locker(&path);
    let found = dir.running().unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].pid, child.id() as i32);
    assert_eq!(found[0].header.label, "SD");
    found[0].interrupt().unwrap();
    // Python dies of SIGINT with a traceback.
    assert!(!child.wait().unwrap().success());
    assert!(found[0].interrupt().unwrap_err().to_string().contains("ended meanwhile"));
    // The lock is another process's now: that one was not meant.
    let mut other = locker(&path);
    assert!(found[0].interrupt().unwrap_err().to_string().contains("ended meanwhile"));
    assert!(other.try_wait().unwrap().is_none());
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn a_new_run_sweeps_up_after_a_killed_one_and_leaves_a_live_one() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = open(&scratch);
    let (stale, live) = (status_file(&dir, 1), status_file(&dir, 2));
    let mut child = locker(&live);
    let running = dir.start("backup", "SD32GB-03", Path::new("/media/d")).unwrap();
    assert!(!stale.exists() && live.exists());
    assert_eq!(dir.running().unwrap().len(), 1, "its own is left out");
    running.end(0).unwrap();
    assert_eq!(dir.folder.names().unwrap(), ["2.jsonl"]);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_follower_reads_every_line_once_and_then_the_end() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = open(&scratch);
    let path = status_file(&dir, 7);
    let mut child = locker(&path);
    let mut follower = dir.running().unwrap().remove(0).follower;
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    let News::Lines(lines) = follower.news().unwrap() else { panic!() };
    assert_eq!(lines.len(), 1, "the header");
    // A line that is half there is not shown yet.
    file.write_all(b"{\"event\":\"a\"}\n{\"eve").unwrap();
    assert_eq!(follower.news().unwrap(), News::Lines(vec!["{\"event\":\"a\"}".into()]));
    file.write_all(b"nt\":\"b\"}\n").unwrap();
    assert_eq!(follower.news().unwrap(), News::Lines(vec!["{\"event\":\"b\"}".into()]));
    std::fs::remove_file(&path).unwrap();
    file.write_all(b"{\"event\":\"c\"}\n{\"schema\":1,\"event\":\"end\",\"exit_code\":5}\n").unwrap();
    assert_eq!(follower.news().unwrap(), News::Ended(vec!["{\"event\":\"c\"}".into()], 5));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(follower.news().unwrap(), News::Died(vec![]));
}

#[test]
fn progress_is_thinned_and_other_events_are_not() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = open(&scratch);
    let mut running = dir.start("backup", "SD", Path::new("/d")).unwrap();
    for n in 0..100 {
        running.progress(&serde_json::json!({"event": "progress", "n": n}));
        running.event(&serde_json::json!({"event": "file", "n": n}));
    }
    let path = dir.path.join(file_name(process::pid()));
    // Not opened through std: closing it would let go of the lock, as it does for any descriptor of the file.
    let text = std::fs::read_to_string(path).unwrap();
    let of = |event: &str| text.lines().filter(|l| l.contains(event)).count();
    assert_eq!(of("\"file\""), 100);
    assert!((1..100).contains(&of("\"progress\"")), "{}", of("\"progress\""));
    running.end(0).unwrap();
}

#[test]
fn a_file_without_line_ends_is_refused_not_swallowed() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = open(&scratch);
    let path = status_file(&dir, 9);
    let mut follower = Follower::new(dir.folder.file("9.jsonl").unwrap().unwrap());
    std::fs::File::create(&path).unwrap().set_len(65 * 1024 * 1024).unwrap();
    assert!(follower.news().unwrap_err().to_string().contains("no piback wrote"));
}

#[test]
fn what_is_no_job_s_id_reaches_no_file() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = open(&scratch);
    let good = "00000000000000af";
    std::fs::write(dir.path.join(job_name(good)), "").unwrap();
    assert!(dir.job(good).unwrap().is_some());
    for id in ["", "af", "00000000000000AF", "00000000000000a/", "0000000000000000af", "../00000000000000af"]
    {
        let path = dir.path.join(job_name(id));
        let there = std::fs::create_dir_all(path.parent().unwrap()).and_then(|()| std::fs::write(&path, ""));
        there.unwrap_or_else(|e| panic!("{id}: {e}"));
        assert!(dir.job(id).is_ok_and(|found| found.is_none()), "{id} is followed");
        dir.forget_job(id);
        assert!(path.exists(), "{id} was taken away");
        assert!(dir.start_job(id, "backup", "SD", Path::new("")).is_err(), "{id} is a job");
    }
    dir.forget_job(good);
    assert!(dir.job(good).unwrap().is_none());
}
