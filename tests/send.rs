//! `piback send` against rclone's own servers, on loopback: WebDAV, which knows no hashes, and SFTP, which does.
#![allow(clippy::disallowed_methods)]

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A card that was backed up to a drive, and a folder far away behind a server.
struct Rig {
    dir: tempfile::TempDir,
    server: Option<Child>,
    port: u16,
    kind: &'static str,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.down();
    }
}

impl Rig {
    fn new(kind: &'static str, photos: u32) -> Rig {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        for sub in ["card/DCIM", "drive", "far"] {
            fs::create_dir_all(dir.path().join(sub)).unwrap();
        }
        let mut rig = Rig { dir, server: None, port: free_port(), kind };
        for n in 0..photos {
            rig.shoot(
                &format!("IMG_{n:04}.JPG"),
                &noise(n, 20_000 + n as usize),
                1_700_000_000 + u64::from(n),
            );
        }
        rig.back_up();
        rig.configure();
        rig.up(&[]);
        rig
    }

    fn path(&self, sub: &str) -> PathBuf {
        self.dir.path().join(sub)
    }

    fn shoot(&self, name: &str, content: &[u8], seconds: u64) {
        let path = self.path("card/DCIM").join(name);
        fs::write(&path, content).unwrap();
        let time = std::time::UNIX_EPOCH + Duration::from_secs(seconds);
        fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    }

    fn back_up(&self) {
        let (card, drive) = (self.path("card"), self.path("drive"));
        let args = ["backup", "CARD", "--source", card.to_str().unwrap(), "--dest", drive.to_str().unwrap()];
        let output = Command::new(env!("CARGO_BIN_EXE_piback")).args(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    fn configure(&self) {
        let obscured =
            Command::new("rclone").args(["obscure", "secret-word"]).output().expect("rclone is needed");
        let obscured = String::from_utf8(obscured.stdout).unwrap();
        let port = self.port;
        let text = format!(
            "[webdav]\ntype = webdav\nurl = http://127.0.0.1:{port}\nvendor = other\n\n\
             [sftp]\ntype = sftp\nhost = 127.0.0.1\nport = {port}\nuser = u\npass = {obscured}\n"
        );
        fs::write(self.path("rclone.conf"), text).unwrap();
    }

    /// Starts the server; it is up when it takes a connection.
    fn up(&mut self, flags: &[&str]) {
        let address = format!("127.0.0.1:{}", self.port);
        let mut command = Command::new("rclone");
        command
            .args(["serve", self.kind, "--dir-cache-time", "0s"])
            .arg(self.path("far"))
            .args(["--addr", &address])
            .args(flags);
        if self.kind == "sftp" {
            command.args(["--user", "u", "--pass", "secret-word"]);
        }
        let log = fs::File::create(self.path("server.log")).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log).env("HOME", self.dir.path());
        self.server = Some(command.spawn().expect("rclone is needed"));
        let since = Instant::now();
        while std::net::TcpStream::connect(&address).is_err() {
            assert!(since.elapsed() < Duration::from_secs(60), "the server does not come up");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn down(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }

    fn command(&self, flags: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_piback"));
        command
            .args(["send", self.kind, "--json", "--folder", "my photos", "--dest"])
            .arg(self.path("drive"));
        command.arg("--config").arg(self.path("rclone.conf")).args(flags);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Exit code, the row of the account, and everything that was said.
    fn send(&self, flags: &[&str]) -> (i32, Value, String) {
        told(&self.command(flags).output().unwrap())
    }

    /// What lies far away, but for what is on its way.
    fn far(&self) -> BTreeMap<String, Vec<u8>> {
        tree(&self.path("far/my photos"))
    }

    fn on_drive(&self) -> BTreeMap<String, Vec<u8>> {
        tree(&self.path("drive"))
    }
}

fn told(output: &Output) -> (i32, Value, String) {
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines = out.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let row = lines.rev().find(|line| line["event"] == "sent").unwrap_or_default()["remotes"][0].clone();
    (output.status.code().unwrap_or(-1), row, format!("{out}{err}"))
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn noise(seed: u32, len: usize) -> Vec<u8> {
    let mut state = u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..len).map(|_| byte()).collect()
}

/// Files below a folder without those of piback's own.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(at: &Path, below: &str, all: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(at).into_iter().flatten().map(Result::unwrap) {
            let name = format!("{below}{}", entry.file_name().to_string_lossy());
            if name.starts_with(".piback") {
                continue;
            }
            match entry.file_type().unwrap().is_dir() {
                true => walk(&entry.path(), &format!("{name}/"), all),
                false => _ = all.insert(name, fs::read(entry.path()).unwrap()),
            }
        }
    }
    let mut all = BTreeMap::new();
    walk(folder, "", &mut all);
    all
}

fn files(row: &Value, what: &str) -> u64 {
    row[what]["files"].as_u64().unwrap_or(u64::MAX)
}

#[test]
fn all_arrives_is_compared_by_the_remote_s_hash_and_goes_once() {
    let rig = Rig::new("sftp", 70);
    let (code, row, said) = rig.send(&[]);
    assert_eq!((code, files(&row, "verified"), files(&row, "new")), (0, 70, 70), "{said}");
    assert_eq!(rig.far(), rig.on_drive());
    let times: Vec<_> = fs::read_dir(rig.path("far/my photos/CARD/DCIM"))
        .unwrap()
        .map(|e| e.unwrap().metadata().unwrap().ctime_nsec())
        .collect();
    let (code, row, said) = rig.send(&[]);
    assert_eq!((code, files(&row, "verified"), files(&row, "new")), (0, 70, 0), "{said}");
    assert!(said.contains("verified there by an earlier run"), "{said}");
    let (_, row, said) = rig.send(&["--compare"]);
    assert!(files(&row, "verified_earlier") == 0 && said.contains("verified there."), "{said}");
    let again: Vec<_> = fs::read_dir(rig.path("far/my photos/CARD/DCIM"))
        .unwrap()
        .map(|e| e.unwrap().metadata().unwrap().ctime_nsec())
        .collect();
    assert_eq!(times, again, "nothing was written there a second time");
}

#[test]
fn without_hashes_the_size_is_all_that_is_known_until_it_is_read_back() {
    let rig = Rig::new("webdav", 5);
    let (code, row, said) = rig.send(&[]);
    assert_eq!((code, files(&row, "verified"), files(&row, "size_only")), (0, 0, 5), "{said}");
    assert!(said.contains("All 5 files are also at webdav: uploaded, size only."), "{said}");
    let (code, row, said) = rig.send(&["--read-back"]);
    assert_eq!((code, files(&row, "verified"), files(&row, "size_only")), (0, 5, 0), "{said}");
    let (_, row, _) = rig.send(&[]);
    assert_eq!(files(&row, "verified"), 5, "it is remembered");
}

#[test]
fn other_bytes_there_are_never_called_verified() {
    let rig = Rig::new("webdav", 3);
    assert_eq!(rig.send(&[]).0, 0);
    let far = rig.path("far/my photos/CARD/DCIM/IMG_0001.JPG");
    let mut bytes = fs::read(&far).unwrap();
    bytes[77] ^= 1;
    fs::write(&far, &bytes).unwrap();
    let (code, row, said) = rig.send(&["--read-back"]);
    // The photo itself goes beside what somebody made of it, which stays.
    assert_eq!((code, files(&row, "verified")), (0, 3), "{said}");
    assert_eq!(fs::read(&far).unwrap(), bytes);
    let beside = rig.path("far/my photos/CARD/DCIM/IMG_0001~2.JPG");
    assert_eq!(fs::read(beside).unwrap(), fs::read(rig.path("drive/CARD/DCIM/IMG_0001.JPG")).unwrap());

    let rig = Rig::new("sftp", 3);
    assert_eq!(rig.send(&[]).0, 0);
    let far = rig.path("far/my photos/CARD/DCIM/IMG_0002.JPG");
    let mut bytes = fs::read(&far).unwrap();
    bytes[0] ^= 1;
    fs::write(&far, &bytes).unwrap();
    let (code, row, said) = rig.send(&["--compare"]);
    assert_eq!((code, files(&row, "verified"), files(&row, "new")), (0, 3, 1), "{said}");
    assert_eq!(fs::read(&far).unwrap(), bytes, "nothing that is there is written to");
}

#[test]
fn what_is_gone_there_goes_again_and_a_record_alone_proves_nothing() {
    let rig = Rig::new("sftp", 4);
    assert_eq!(rig.send(&[]).0, 0);
    fs::remove_file(rig.path("far/my photos/CARD/DCIM/IMG_0003.JPG")).unwrap();
    fs::write(rig.path("far/my photos/CARD/DCIM/IMG_0002.JPG"), b"short").unwrap();
    let (code, row, said) = rig.send(&[]);
    assert_eq!((code, files(&row, "verified"), files(&row, "new")), (0, 4, 2), "{said}");
    assert_eq!(rig.far()["CARD/DCIM/IMG_0003.JPG"], rig.on_drive()["CARD/DCIM/IMG_0003.JPG"]);
    assert_eq!(rig.far()["CARD/DCIM/IMG_0002~2.JPG"], rig.on_drive()["CARD/DCIM/IMG_0002.JPG"]);
}

#[test]
fn a_damaged_copy_on_the_drive_does_not_go() {
    let rig = Rig::new("sftp", 3);
    let path = rig.path("drive/CARD/DCIM/IMG_0001.JPG");
    let mut bytes = fs::read(&path).unwrap();
    bytes[5] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let (code, row, said) = rig.send(&[]);
    assert_eq!((code, files(&row, "verified")), (5, 2), "{said}");
    assert_eq!(row["bad_files"][0]["path"], "CARD/DCIM/IMG_0001.JPG");
    assert!(!rig.far().contains_key("CARD/DCIM/IMG_0001.JPG"));
    assert!(said.contains("2 of 3 files are also at sftp"), "{said}");
}

#[test]
fn odd_names_arrive_under_a_name_that_tells_them() {
    use std::os::unix::ffi::OsStrExt;
    let rig = Rig::new("sftp", 1);
    for name in [
        &b"caf\xe9.jpg"[..],
        b"a\nb.jpg",
        b" space .jpg",
        b"$HOME {x} ;`id`.jpg",
        b"-rf.jpg",
        "Ö 写.jpg".as_bytes(),
    ] {
        fs::write(rig.path("card/DCIM").join(std::ffi::OsStr::from_bytes(name)), name).unwrap();
    }
    rig.back_up();
    let (code, row, said) = rig.send(&[]);
    assert_eq!((code, files(&row, "verified")), (0, 7), "{said}");
    let far = rig.far();
    assert_eq!(far.len(), 7, "{:?}", far.keys());
    for name in [
        "CARD/DCIM/caf%E9.jpg",
        "CARD/DCIM/a%0Ab.jpg",
        "CARD/DCIM/$HOME {x} ;`id`.jpg",
        "CARD/DCIM/-rf.jpg",
        "CARD/DCIM/Ö 写.jpg",
    ] {
        assert!(far.contains_key(name), "{name}: {:?}", far.keys());
    }
}

#[test]
fn the_newest_photos_go_first() {
    let mut rig = Rig::new("sftp", 130);
    // It goes away after the first photos.
    let mut child = rig.command(&["--limit", "400k"]).spawn().unwrap();
    let since = Instant::now();
    while rig.far().is_empty() {
        assert!(since.elapsed() < Duration::from_secs(60) && child.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(20));
    }
    rig.down();
    let (code, row, said) = told(&child.wait_with_output().unwrap());
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("can't be reached") && files(&row, "left") > 0, "{said}");
    let oldest = rig.far().into_keys().next().unwrap();
    assert!(oldest.as_str() >= "CARD/DCIM/IMG_0066.JPG", "{oldest}");
    rig.up(&[]);
    let (code, row, said) = rig.send(&[]);
    assert_eq!((code, files(&row, "verified")), (0, 130), "{said}");
    assert_eq!(rig.far(), rig.on_drive());
}

#[test]
fn killed_at_any_moment_nothing_is_there_twice_or_missing_or_only_claimed() {
    let (photos, cuts) = match std::env::var("PIBACK_SEND_CUTS").is_ok() {
        true => (1000, 50),
        false => (150, 8),
    };
    let rig = Rig::new("sftp", photos);
    for cut in 0..cuts {
        let mut child = rig.command(&[]).spawn().unwrap();
        let pieces = std::thread::spawn({
            let mut out = child.stdout.take().unwrap();
            move || _ = out.read_to_end(&mut Vec::new())
        });
        std::thread::sleep(Duration::from_millis(60 + 137 * (cut * 7 % 11)));
        // The whole group, as a power cut would.
        let _ = child.kill();
        let _ = child.wait();
        pieces.join().unwrap();
        let (far, drive) = (rig.far(), rig.on_drive());
        for (name, bytes) in &far {
            assert!(drive.get(name) == Some(bytes), "{name} is there and not whole, after cut {cut}");
        }
        let record = fs::read_to_string(rig.path("drive/.piback/sent/sftp.jsonl")).unwrap_or_default();
        for line in record.lines().filter_map(|line| serde_json::from_str::<Value>(line.get(17..)?).ok()) {
            if line["t"] == "sent" {
                assert!(far.contains_key(line["name"].as_str().unwrap()), "claimed and not there: {line}");
            }
        }
    }
    let (code, row, said) = rig.send(&[]);
    assert_eq!((code, files(&row, "verified")), (0, u64::from(photos)), "{said}");
    assert_eq!(rig.far(), rig.on_drive());
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_claimed() {
    let mut rig = Rig::new("webdav", 2);
    rig.down();
    let (code, row, said) = rig.send(&[]);
    assert_eq!((code, files(&row, "verified"), files(&row, "left")), (1, 0, 2), "{said}");
    assert!(said.contains("the remote can't be reached") && said.contains("piback uplink"), "{said}");

    rig.up(&["--read-only"]);
    let (code, row, said) = rig.send(&[]);
    assert!(code != 0 && files(&row, "verified") + files(&row, "size_only") == 0, "{said}");

    let (code, _, said) = told(&rig.command(&["--folder", "../x"]).output().unwrap());
    assert_eq!(code, 64, "{said}");
    let mut unknown = Command::new(env!("CARGO_BIN_EXE_piback"));
    unknown.args(["send", "nobody", "--folder", "x", "--dest"]).arg(rig.path("drive"));
    let (code, _, said) = told(&unknown.arg("--config").arg(rig.path("rclone.conf")).output().unwrap());
    assert!(code == 1 && said.contains("no such remote"), "{code} {said}");
    let mut absent = Command::new(env!("CARGO_BIN_EXE_piback"));
    absent
        .args(["send", "nobody", "--folder", "x", "--config", "/no/file.conf", "--dest"])
        .arg(rig.path("drive"));
    let (code, _, said) = told(&absent.output().unwrap());
    assert!(code == 1 && said.contains("there is no rclone configuration /no/file.conf"), "{code} {said}");
}

#[test]
fn a_hotel_s_sign_in_page_is_no_remote() {
    let mut rig = Rig::new("webdav", 2);
    rig.down();
    let portal = TcpListener::bind(("127.0.0.1", rig.port)).unwrap();
    std::thread::spawn(move || {
        for one in portal.incoming() {
            let mut one = one.unwrap();
            let _ = one.read(&mut [0; 4096]);
            let page = "<html>Welcome to our hotel. Please sign in.</html>";
            let _ = write!(
                one,
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
                page.len()
            );
        }
    });
    let (code, row, said) = rig.send(&[]);
    assert_eq!((code, files(&row, "verified"), files(&row, "size_only")), (1, 0, 0), "{said}");
    assert!(said.contains("sign-in page"), "{said}");
}

#[test]
fn safe_to_format_can_demand_that_it_is_far_away_too_and_looks() {
    let mut rig = Rig::new("sftp", 4);
    let ask = |rig: &Rig| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_piback"));
        command.args(["safe-to-format", "CARD", "--allow-same-filesystem", "--json", "--also-at", rig.kind]);
        command
            .args(["--folder", "my photos", "--source"])
            .arg(rig.path("card"))
            .arg("--dest")
            .arg(rig.path("drive"));
        let output = command.arg("--config").arg(rig.path("rclone.conf")).output().unwrap();
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code().unwrap(), said)
    };
    let (code, said) = ask(&rig);
    assert!(code == 5 && said.contains("4 files not there") && said.contains("not at sftp"), "{code} {said}");
    assert!(said.contains("\"safe_to_format\":false"), "{said}");
    assert_eq!(rig.send(&[]).0, 0);
    let (code, said) = ask(&rig);
    assert!(code == 0 && said.contains("YES") && said.contains("and at sftp"), "{code} {said}");
    // Of the same size, and other bytes: the record says verified, the remote does not.
    let far = rig.path("far/my photos/CARD/DCIM/IMG_0001.JPG");
    let good = fs::read(&far).unwrap();
    let mut bytes = good.clone();
    bytes[9] ^= 1;
    fs::write(&far, &bytes).unwrap();
    let (code, said) = ask(&rig);
    assert!(code == 5 && said.contains("1 file not there"), "{code} {said}");
    fs::write(&far, &good).unwrap();
    assert_eq!(ask(&rig).0, 0);
    // A photo that is on card and drive, and not there yet.
    rig.shoot("NEW.JPG", b"new", 1_800_000_000);
    rig.back_up();
    assert_eq!(ask(&rig).0, 5);
    rig.down();
    let (code, said) = ask(&rig);
    assert!(code == 5 && said.contains("not known"), "what can't be asked is no yes: {code} {said}");
}

#[test]
fn a_size_alone_is_not_enough_to_format_a_card() {
    let rig = Rig::new("webdav", 2);
    let ask = |flags: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_piback"));
        command.args(["safe-to-format", "CARD", "--allow-same-filesystem", "--also-at", rig.kind]);
        command.args(["--folder", "my photos", "--source"]).arg(rig.path("card")).arg("--dest");
        command.arg(rig.path("drive")).arg("--config").arg(rig.path("rclone.conf")).args(flags);
        let output = command.output().unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_eq!(rig.send(&["--read-back"]).0, 0);
    // What was compared when it went may be anything today.
    let (code, said) = ask(&[]);
    assert!(code == 5 && said.contains("of 2 files the size alone is known today"), "{code} {said}");
    let (code, said) = ask(&["--read-back"]);
    assert!(code == 0 && said.contains("YES"), "{code} {said}");
    let far = rig.path("far/my photos/CARD/DCIM/IMG_0001.JPG");
    let mut bytes = fs::read(&far).unwrap();
    bytes[77] ^= 1;
    fs::write(&far, &bytes).unwrap();
    let (code, said) = ask(&["--read-back"]);
    assert!(code == 5 && said.contains("1 file not there"), "{code} {said}");
    // Nor does sending believe its own record where it is asked to look.
    let (code, row, said) = rig.send(&["--read-back", "--compare"]);
    assert_eq!((code, files(&row, "verified"), files(&row, "verified_earlier")), (0, 2, 0), "{said}");
    assert!(rig.path("far/my photos/CARD/DCIM/IMG_0001~2.JPG").exists(), "{said}");
}

#[test]
fn a_hash_that_the_remote_did_not_compute_is_none() {
    let mut rig = Rig::new("sftp", 2);
    let far = rig.path("far");
    let mut config = fs::OpenOptions::new().append(true).open(rig.path("rclone.conf")).unwrap();
    // It keeps the hash of what once went by, beside pieces that it never looks at again.
    let text = "\n[pieces]\ntype = chunker\nchunk_size = 8k\nhash_type = md5\nremote =";
    writeln!(config, "{text} {}", far.display()).unwrap();
    rig.kind = "pieces";
    let (code, row, said) = rig.send(&[]);
    assert_eq!((code, files(&row, "verified"), files(&row, "size_only")), (0, 0, 2), "{said}");
    assert!(tree(&far).len() > 4, "in pieces: {:?}", tree(&far).keys());
}

#[test]
fn a_name_that_somebody_took_in_the_meantime_is_not_written_over() {
    for kind in ["webdav", "sftp"] {
        let rig = Rig::new(kind, 1);
        let rclone = piback::remote::Rclone {
            config: rig.path("rclone.conf"),
            drive: rig.path("drive"),
            to: format!("{kind}:"),
            limit: None,
            sandbox: piback::remote::Sandbox::None,
        };
        for (name, theirs) in [("A/same size.jpg", "their"), ("A/a%0Ab.jpg", "another length")] {
            let (way, taken) = (rig.path("far/way").join(name), rig.path("far").join(name));
            for (path, text) in [(&way, "mine!"), (&taken, theirs)] {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            let name = name.strip_prefix("A/").unwrap();
            rclone.publish("way/A", "A", format!("{name}\n").into_bytes()).output().unwrap();
            assert_eq!(fs::read_to_string(&taken).unwrap(), theirs, "{kind} {name}");
            assert_eq!(fs::read_to_string(&way).unwrap(), "mine!", "{kind} {name}");
        }
    }
}

#[test]
fn what_a_remote_does_not_take_keeps_nothing_else_back() {
    let rig = Rig::new("sftp", 4);
    // rclone writes such a name in another way there.
    fs::write(rig.path("card/DCIM/\u{201b}q.jpg"), "odd").unwrap();
    rig.back_up();
    for _ in 0..2 {
        let (code, row, said) = rig.send(&[]);
        assert!(files(&row, "verified") >= 4 && (code == 0 || code == 5), "{code} {said}");
    }
    let record = fs::read_to_string(rig.path("drive/.piback/sent/sftp.jsonl")).unwrap();
    assert!(record.matches("\"t\":\"sent\"").count() >= 4, "{record}");
}

#[test]
fn a_remote_that_takes_two_spellings_for_one_has_every_photo_and_none_in_another_s_place() {
    let mut rig = Rig::new("webdav", 2);
    rig.down();
    rig.up(&["--vfs-case-insensitive"]);
    // There under another spelling, by somebody else's hand.
    let far = rig.path("far/my photos/CARD/DCIM");
    fs::create_dir_all(&far).unwrap();
    fs::copy(rig.path("drive/CARD/DCIM/IMG_0000.JPG"), far.join("img_0000.jpg")).unwrap();
    for (name, text) in [("CLIP.MOV", "one"), ("clip.mov", "two")] {
        rig.shoot(name, text.as_bytes(), 1_700_000_500);
    }
    rig.back_up();
    for _ in 0..2 {
        let (code, _, said) = rig.send(&["--read-back"]);
        assert!(code == 0 || code == 5, "{code} {said}");
    }
    let there: Vec<Vec<u8>> = rig.far().into_values().collect();
    for (name, bytes) in rig.on_drive() {
        assert!(there.contains(&bytes), "{name}: {:?}", rig.far().keys());
    }
}

#[test]
fn what_lies_whole_on_its_way_is_not_sent_again_and_what_is_refused_is_named() {
    let rig = Rig::new("sftp", 3);
    // The way is known from a run that had nothing to do yet.
    let name = "CARD/DCIM/IMG_0001.JPG";
    fs::rename(rig.path("drive/CARD"), rig.path("aside")).unwrap();
    let _ = rig.send(&[]);
    fs::rename(rig.path("aside"), rig.path("drive/CARD")).unwrap();
    let record = fs::read_to_string(rig.path("drive/.piback/sent/sftp.jsonl")).unwrap();
    let id = record.split("\"id\":\"").nth(1).unwrap().split('"').next().unwrap();
    let on_way = rig.path("far/my photos/.piback-sending").join(id).join(name);
    fs::create_dir_all(on_way.parent().unwrap()).unwrap();
    fs::copy(rig.path("drive").join(name), &on_way).unwrap();
    let long_ago = std::time::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::File::options().write(true).open(&on_way).unwrap().set_modified(long_ago).unwrap();
    let (code, row, said) = rig.send(&[]);
    assert_eq!((code, files(&row, "verified")), (0, 3), "{said}");
    let seconds = fs::metadata(rig.path("far/my photos").join(name)).unwrap().mtime();
    assert_eq!(seconds, 1_000_000_000, "it was moved, and not sent again");
}

#[test]
fn one_sends_at_a_time_and_another_drive_s_record_is_taken_over() {
    let rig = Rig::new("webdav", 3);
    assert_eq!(rig.send(&[]).0, 0);
    let sent = rig.path("drive/.piback/sent");
    let mut holder = Command::new("flock").arg(&sent).args(["sleep", "60"]).spawn().unwrap();
    let is_held = || !Command::new("flock").arg("-n").arg(&sent).arg("true").status().unwrap().success();
    while !is_held() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let (code, said) = {
        let output = rig.command(&[]).output().unwrap();
        (output.status.code(), format!("{output:?}"))
    };
    assert!(code == Some(1) && said.contains("another piback"), "{said}");
    // flock's child holds it as well: both are this test's.
    Command::new("sh").args(["-c", &format!("kill $(ps -o pid= --ppid {})", holder.id())]).status().unwrap();
    let _ = holder.kill();
    let _ = holder.wait();
    let other = rig.path("other");
    let (card, to) = (rig.path("card"), other.to_str().unwrap().to_owned());
    fs::create_dir(&other).unwrap();
    let args = ["backup", "CARD", "--source", card.to_str().unwrap(), "--dest", &to];
    assert!(Command::new(env!("CARGO_BIN_EXE_piback")).args(args).status().unwrap().success());
    let before = rig.far();
    let output = rig.command(&["--dest", &to]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    // Fetching them would have compared them.
    assert_eq!(
        (output.status.code(), said.matches("\"size_only\":{\"files\":3").count()),
        (Some(0), 2),
        "{said}"
    );
    assert_eq!(rig.far(), before);
    assert_eq!(
        fs::read_to_string(other.join(".piback/sent/webdav.jsonl"))
            .unwrap()
            .matches("\"t\":\"sent\"")
            .count(),
        3
    );
}

#[test]
fn another_copy_of_the_same_content_stands_in_for_a_damaged_one() {
    let rig = Rig::new("sftp", 1);
    rig.shoot("A.JPG", b"one content", 1_700_000_000);
    rig.shoot("B.JPG", b"one content", 1_700_000_000);
    rig.back_up();
    fs::write(rig.path("drive/CARD/DCIM/A.JPG"), "otherwise !").unwrap();
    let (code, row, said) = rig.send(&[]);
    assert_eq!((code, files(&row, "verified")), (0, 2), "{said}");
    assert!(rig.far().values().any(|bytes| bytes == b"one content"), "{said}");
}

#[test]
fn what_the_card_has_must_be_far_away_whatever_the_drive_s_records_say() {
    let rig = Rig::new("sftp", 2);
    assert_eq!(rig.send(&[]).0, 0);
    // Somebody copied it by hand: the drive has it, byte for byte, and no record speaks of it.
    rig.shoot("BY_HAND.JPG", b"by hand", 1_700_000_100);
    fs::copy(rig.path("card/DCIM/BY_HAND.JPG"), rig.path("drive/CARD/DCIM/BY_HAND.JPG")).unwrap();
    let ask = |flags: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_piback"));
        command.args(["safe-to-format", "CARD", "--allow-same-filesystem", "--source"]).arg(rig.path("card"));
        command.arg("--dest").arg(rig.path("drive")).args(flags);
        let output = command.output().unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_eq!(ask(&[]).0, 0, "the drive has all of it");
    let config = rig.path("rclone.conf");
    let away = ["--also-at", "sftp", "--folder", "my photos", "--config", config.to_str().unwrap()];
    let (code, said) = ask(&away);
    assert!(code == 5 && said.contains("1 file not there"), "{code} {said}");
}
