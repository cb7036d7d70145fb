//! `piback web` as a browser, a script and an attacker meet it.
#![allow(clippy::disallowed_methods)]

mod common;
#[path = "common/listening.rs"]
mod listening;
#[path = "common/openapi.rs"]
mod openapi;
#[path = "photos/mod.rs"]
mod photos;

use photos::Shot;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

/// A card, a drive and the page on them.
struct Site {
    dir: tempfile::TempDir,
    server: Child,
    address: SocketAddr,
    pair_path: String,
    code: String,
}

/// An answer.
#[derive(Debug, Clone)]
struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {} {}", self.head, self.text()))
    }
}

impl Site {
    fn new() -> Self {
        Site::with(|card| {
            for (end, bytes) in photos::all(&Shot::plain(1)) {
                fs::write(card.join(format!("IMG_0001.{end}")), bytes).unwrap();
            }
        })
    }

    fn with(fill: impl FnOnce(&PathBuf)) -> Self {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        let card = dir.path().join("CARD/DCIM/100");
        fs::create_dir_all(&card).unwrap();
        fs::create_dir(dir.path().join("DRIVE")).unwrap();
        fill(&card);
        Site::start(dir, &["--allow-same-filesystem"])
    }

    fn start(dir: tempfile::TempDir, flags: &[&str]) -> Self {
        let (server, said) = listening::listening(dir.path(), flags);
        let url = said["url"].as_str().unwrap();
        assert_eq!(
            (&said["schema"], &said["command"], &said["event"]),
            (&json!(1), &json!("web"), &json!("listening"))
        );
        let address = url.strip_prefix("http://").unwrap().parse().unwrap();
        let pair_path = said["pair_url"].as_str().unwrap().strip_prefix(url).unwrap().to_owned();
        Site { dir, server, address, pair_path, code: said["code"].as_str().unwrap().to_owned() }
    }

    fn card(&self) -> PathBuf {
        self.dir.path().join("CARD/DCIM/100")
    }

    fn drive(&self) -> PathBuf {
        self.dir.path().join("DRIVE")
    }

    fn raw(&self, request: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        // A server that has had enough closes while we write.
        let _ = stream.write_all(request);
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all);
        let at = all.windows(4).position(|w| w == b"\r\n\r\n").unwrap_or(all.len());
        let head = String::from_utf8_lossy(&all[..at]).into_owned();
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
        Reply { status, head, body: all.get(at + 4..).unwrap_or_default().to_vec() }
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request.push_str(&format!("Host: {}\r\n", self.address));
        }
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            request.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        self.raw(format!("{request}\r\n{body}").as_bytes())
    }

    /// The cookie of a browser that was let in by the link.
    fn cookie(&self) -> String {
        let reply = self.ask("GET", &self.pair_path, &[], "");
        assert_eq!(reply.status, 303, "{reply:?}");
        reply.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
    }

    fn get(&self, cookie: &str, path: &str) -> Reply {
        self.ask("GET", path, &[("Cookie", cookie)], "")
    }

    fn post(&self, cookie: &str, wish: &Value) -> Reply {
        let headers = [("Cookie", cookie), ("Content-Type", "application/json"), ("Origin", &self.origin())];
        self.ask("POST", "/api/v1/jobs", &headers, &wish.to_string())
    }

    fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    fn state(&self, cookie: &str) -> Value {
        self.get(cookie, "/api/v1/state").json()
    }

    /// Starts a job and waits for its end.
    fn job(&self, cookie: &str, verb: &str) -> Value {
        let job = self.post(cookie, &json!({"verb": verb, "label": "CARD"})).json();
        self.ended(cookie, job["id"].as_str().unwrap())
    }

    fn ended(&self, cookie: &str, id: &str) -> Value {
        let begin = Instant::now();
        loop {
            let job = self.get(cookie, &format!("/api/v1/jobs/{id}")).json();
            if !["queued", "running", "stopping"].contains(&job["state"].as_str().unwrap()) {
                return job;
            }
            assert!(begin.elapsed() < Duration::from_secs(300), "{job}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn claim(&self, cookie: &str, what: &str) -> String {
        self.state(cookie)["cards"][0][what].as_str().unwrap().to_owned()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn a_card_is_backed_up_compared_and_seen() {
    let site = Site::new();
    let cookie = site.cookie();
    let state = site.state(&cookie);
    assert_eq!(state["cards"][0]["label"], "CARD");
    assert_eq!(state["drives"][0]["label"], "DRIVE");
    assert_eq!((&state["cards"][0]["new_files"], &state["jobs"]), (&json!(12), &json!([])));
    let started = site.post(&cookie, &json!({"verb": "backup", "label": "CARD"}));
    assert_eq!(started.status, 201, "{}", started.text());
    let id = started.json()["id"].as_str().unwrap().to_owned();
    let job = site.ended(&cookie, &id);
    assert_eq!(
        (&job["state"], &job["result"]["good"], &job["stands"]),
        (&json!("done"), &json!(true), &json!(true))
    );
    assert_eq!(job["result"]["verified"]["files"], 12);
    for (end, bytes) in photos::all(&Shot::plain(1)) {
        let copy = site.drive().join(format!("CARD/DCIM/100/IMG_0001.{end}"));
        assert_eq!(fs::read(copy).unwrap(), bytes, "{end}");
    }
    assert_eq!(site.claim(&cookie, "backed_up"), "yes");
    assert_eq!(site.claim(&cookie, "safe_to_format"), "not-known");
    assert_eq!(site.job(&cookie, "safe-to-format")["state"], "done");
    assert_eq!(site.claim(&cookie, "safe_to_format"), "yes");
    assert_eq!(site.job(&cookie, "verify")["state"], "done");
    assert_eq!(site.claim(&cookie, "safe_to_format"), "yes", "reading changes nothing");
    let home = site.get(&cookie, "/").text();
    assert!(home.contains("Safe to format: CARD"), "{home}");
    // The health of the drive, as far as its records know; it is looked at beside everything else.
    let begin = Instant::now();
    while site.state(&cookie)["drives"][0]["health"][0]["words"] != "All 12 files were read or copied today."
    {
        assert!(begin.elapsed() < Duration::from_secs(60), "{}", site.state(&cookie)["drives"][0]);
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(site.get(&cookie, "/").text().contains("All 12 files were read or copied today."));
}

#[test]
fn a_verdict_is_taken_back_as_soon_as_the_world_moves() {
    let site = Site::new();
    let cookie = site.cookie();
    let safe = || {
        site.job(&cookie, "backup");
        site.job(&cookie, "safe-to-format");
        assert_eq!(site.claim(&cookie, "safe_to_format"), "yes");
        // As the page's own looks are: not within the same quarter of a second.
        std::thread::sleep(Duration::from_millis(300));
    };
    safe();
    fs::write(site.card().join("IMG_0002.JPG"), "one more").unwrap();
    assert_eq!(site.claim(&cookie, "safe_to_format"), "not-known", "a photo more on the card");
    assert_eq!(site.claim(&cookie, "backed_up"), "not-known");
    assert_eq!(site.job(&cookie, "safe-to-format")["state"], "not-safe");
    assert_eq!(site.claim(&cookie, "safe_to_format"), "no");
    let home = site.get(&cookie, "/").text();
    assert!(home.contains("format CARD") && home.contains("IMG_0002.JPG"), "{home}");
    safe();
    let copy = site.drive().join("CARD/DCIM/100/IMG_0002.JPG");
    fs::write(&copy, "ONE MORE").unwrap();
    assert_eq!(site.claim(&cookie, "safe_to_format"), "not-known", "other bytes on the drive");
    fs::write(&copy, "one more").unwrap();
    safe();
    fs::rename(site.dir.path().join("CARD"), site.dir.path().join("pulled")).unwrap();
    assert_eq!(site.claim(&cookie, "safe_to_format"), "not-known", "the card is gone");
    assert_eq!(site.state(&cookie)["cards"][0]["present"], false);
    assert!(site.get(&cookie, "/").text().contains("Not there"));
}

#[test]
fn one_file_system_is_never_a_yes() {
    let dir = tempfile::tempdir_in("/dev/shm").unwrap();
    fs::create_dir_all(dir.path().join("CARD/DCIM")).unwrap();
    fs::create_dir(dir.path().join("DRIVE")).unwrap();
    fs::write(dir.path().join("CARD/DCIM/a.JPG"), "photo").unwrap();
    let site = Site::start(dir, &[]);
    let cookie = site.cookie();
    assert_eq!(site.job(&cookie, "backup")["state"], "done");
    site.job(&cookie, "safe-to-format");
    assert_ne!(site.claim(&cookie, "safe_to_format"), "yes");
    assert_eq!(site.state(&cookie)["cards"][0]["same_filesystem"], true);
    assert!(!site.get(&cookie, "/").text().contains("Safe to format: CARD"));
}

#[test]
fn the_first_event_is_the_whole_state_and_a_job_is_followed_to_its_end() {
    let site = Site::new();
    let cookie = site.cookie();
    let mut stream = TcpStream::connect(site.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
    write!(stream, "GET /api/v1/events HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\n\r\n", site.address)
        .unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let mut next = || -> Value {
        let line = lines.find(|line| line.starts_with("data: ")).unwrap();
        serde_json::from_str(line.strip_prefix("data: ").unwrap()).unwrap()
    };
    assert_eq!(next()["cards"][0]["label"], "CARD");
    site.post(&cookie, &json!({"verb": "backup", "label": "CARD"}));
    loop {
        let state = next();
        assert_eq!(state["drives"][0]["label"], "DRIVE", "always a whole state");
        if state["jobs"][0]["state"] == "done" {
            break;
        }
    }
}

#[test]
fn the_same_card_twice_is_one_job_and_a_job_can_be_stopped() {
    let site = Site::with(|card| {
        for n in 0..400 {
            fs::write(card.join(format!("IMG_{n:04}.JPG")), vec![n as u8; 300_000]).unwrap();
        }
    });
    let cookie = site.cookie();
    let wish = json!({"verb": "backup", "label": "CARD"});
    let (first, second) = (site.post(&cookie, &wish), site.post(&cookie, &wish));
    assert_eq!((first.status, second.status), (201, 200));
    let id = first.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(second.json()["id"], id.as_str());
    // One that waits behind it goes at once.
    let verify = site.post(&cookie, &json!({"verb": "safe-to-format", "label": "CARD"})).json();
    let waiting = format!("/api/v1/jobs/{}", verify["id"].as_str().unwrap());
    let headers = [("Cookie", cookie.as_str()), ("Origin", &site.origin())];
    assert_eq!(site.ask("DELETE", &waiting, &headers, "").status, 200);
    let stopped = site.ask("DELETE", &format!("/api/v1/jobs/{id}"), &headers, "");
    assert!([200, 202].contains(&stopped.status), "{}", stopped.text());
    let job = site.ended(&cookie, &id);
    assert!(["cancelled", "done"].contains(&job["state"].as_str().unwrap()), "{job}");
    assert_eq!(site.ask("DELETE", "/api/v1/jobs/nowhere", &headers, "").status, 404);
    // It goes on where it was.
    let job = site.job(&cookie, "backup");
    assert_eq!((&job["state"], &job["result"]["all"]["files"]), (&json!("done"), &json!(400)));
}

#[test]
fn photos_are_byte_ranges_of_the_files_and_nothing_else() {
    let site = Site::with(|card| {
        let shot = Shot { orientation: 6, ..Shot::plain(7) };
        for (end, bytes) in photos::all(&shot) {
            fs::write(card.join(format!("IMG_0001.{end}")), bytes).unwrap();
        }
        fs::write(card.join("EVIL.JPG"), "<script>alert(1)</script><svg onload=alert(1)>").unwrap();
        fs::write(card.join("NOTES.TXT"), "not a photo").unwrap();
    });
    let cookie = site.cookie();
    site.job(&cookie, "backup");
    let page = site.get(&cookie, "/api/v1/photos").json();
    assert_eq!((&page["total"], &page["labels"]), (&json!(13), &json!(["CARD"])));
    let shot = Shot { orientation: 6, ..Shot::plain(7) };
    for photo in page["photos"].as_array().unwrap() {
        let (name, id) = (photo["name"].as_str().unwrap(), photo["id"].as_str().unwrap());
        let large = site.get(&cookie, &format!("/api/v1/photos/{id}/large"));
        if name == "EVIL.JPG" {
            assert_eq!(large.status, 404, "what is no picture is not sent");
            continue;
        }
        assert_eq!(large.status, 200, "{name}");
        let media = large.header("content-type").unwrap().to_owned();
        assert!(
            ["image/jpeg", "image/heic", "video/mp4", "video/quicktime"].contains(&media.as_str()),
            "{media}"
        );
        assert!(large.header("content-security-policy").unwrap().contains("sandbox"));
        let file = fs::read(site.card().join(name)).unwrap();
        if ["CR2", "CR3", "NEF", "ARW", "DNG", "ORF"].iter().any(|end| name.ends_with(end)) {
            assert!(large.body.ends_with(&shot.large[2..]), "{name}");
            let shown = piback::photo::locate(&mut &large.body[..]).unwrap();
            assert_eq!(shown.facts.orientation, Some(6), "{name} tells how it stands");
            let small = site.get(&cookie, &format!("/api/v1/photos/{id}/small"));
            assert!(small.body.ends_with(&shot.small[2..]), "{name}");
        } else if !name.ends_with("RAF") && !name.ends_with("RW2") {
            assert_eq!(large.body, file, "{name} as it is");
        }
        let part = site.ask(
            "GET",
            &format!("/api/v1/photos/{id}/large"),
            &[("Cookie", &cookie), ("Range", "bytes=3-60")],
            "",
        );
        assert_eq!((part.status, &part.body[..]), (206, &large.body[3..61]), "{name}");
        let known = [("Cookie", cookie.as_str()), ("If-None-Match", large.header("etag").unwrap())];
        assert_eq!(site.ask("GET", &format!("/api/v1/photos/{id}/large"), &known, "").status, 304);
        let one = site.get(&cookie, &format!("/api/v1/photos/{id}")).json();
        assert_eq!((&one["on"], &one["of_drives"]), (&json!(["DRIVE"]), &json!(1)));
    }
    // What is no longer what its record says is not shown, and not claimed to be there.
    let id = page["photos"].as_array().unwrap().iter().find(|p| p["name"] == "IMG_0001.JPG").unwrap()["id"]
        .as_str()
        .unwrap();
    let copy = site.drive().join("CARD/DCIM/100/IMG_0001.JPG");
    fs::remove_file(&copy).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", &copy).unwrap();
    assert_eq!(
        site.get(&cookie, &format!("/api/v1/photos/{id}/large")).status,
        404,
        "a link is not followed"
    );
    assert_eq!(site.get(&cookie, &format!("/api/v1/photos/{id}")).json()["on"], json!([]));
}

#[test]
fn no_path_leads_out_of_the_records() {
    let site = Site::new();
    let cookie = site.cookie();
    site.job(&cookie, "backup");
    for id in [
        "..",
        "../../etc/passwd",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "x",
        "0123456789abcdef-0",
        "-",
        "-0",
        "CARD",
        "%00",
        &"a".repeat(3000),
    ] {
        for tail in ["", "/small", "/large"] {
            let reply = site.get(&cookie, &format!("/api/v1/photos/{id}{tail}"));
            assert!([400, 404].contains(&reply.status), "{id}{tail}: {reply:?}");
        }
    }
    for path in
        ["/../Cargo.toml", "/style.css/../../x", "/.git/config", "/templates/web/home.html", "//etc/passwd"]
    {
        assert_eq!(site.get(&cookie, path).status, 404, "{path}");
    }
}

#[test]
fn nobody_gets_in_without_the_link_or_the_code_and_each_works_once() {
    let site = Site::new();
    let outside = site.ask("GET", "/", &[], "");
    assert!(outside.text().contains("Idle.") && !outside.text().contains("CARD"), "{}", outside.text());
    for path in [
        "/api/v1/state",
        "/api/v1/events",
        "/api/v1/photos",
        "/api/v1/photos/x/large",
        "/api/v1/jobs/x",
        "/tiles",
    ] {
        assert_eq!(site.ask("GET", path, &[], "").status, 401, "{path}");
    }
    let wish = json!({"verb": "backup", "label": "CARD"}).to_string();
    let scripted = [("Content-Type", "application/json"), ("Cookie", "piback_session=0")];
    assert_eq!(site.ask("POST", "/api/v1/jobs", &scripted, &wish).status, 401);
    let reply = site.ask("GET", &site.pair_path, &[], "");
    let cookie = reply.header("set-cookie").unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let again = site.ask("GET", &site.pair_path, &[], "");
    assert_eq!((again.status, again.header("set-cookie")), (410, None), "once");
    let origin = site.origin();
    let form = [("Origin", origin.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
    let with_code = |code: &str| site.ask("POST", "/pair", &form, &format!("code={code}"));
    assert_eq!(with_code(&site.code).status, 403, "the code went with the link");
    // A browser that is in lets another one in, by code.
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let headers = [("Cookie", cookie.as_str()), ("Origin", origin.as_str())];
    let invited = site.ask("POST", "/api/v1/pairings", &headers, "").json();
    let code = invited["code"].as_str().unwrap();
    assert_eq!(with_code(code).status, 303);
    assert_eq!(with_code(code).status, 403, "once");
    for _ in 0..6 {
        with_code("AAAAAAAA");
    }
    let invited = site.ask("POST", "/api/v1/pairings", &headers, "").json();
    assert_eq!(
        with_code(invited["code"].as_str().unwrap()).status,
        429,
        "after many guesses not even the right one"
    );
    assert_eq!(site.ask("DELETE", "/api/v1/session", &headers, "").status, 204);
    assert_eq!(site.get(&cookie, "/api/v1/state").status, 401, "shown out");
}

#[test]
fn other_hosts_and_origins_are_refused_and_every_answer_is_armoured() {
    let site = Site::new();
    let cookie = site.cookie();
    for host in ["evil.example", "127.0.0.1", "127.0.0.2:80", "localhost:1", "", "127.0.0.1.nip.io"] {
        let reply = site.ask("GET", "/", &[("Host", host), ("Cookie", &cookie)], "");
        assert!([400, 403].contains(&reply.status), "{host}: {}", reply.status);
    }
    let local = format!("localhost:{}", site.address.port());
    assert_eq!(site.ask("GET", "/", &[("Host", &local)], "").status, 200);
    assert_eq!(site.raw(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").status, 403, "no host");
    let wish = json!({"verb": "backup", "label": "CARD"}).to_string();
    for origin in ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1"] {
        let headers = [("Cookie", cookie.as_str()), ("Origin", origin), ("Content-Type", "application/json")];
        assert_eq!(site.ask("POST", "/api/v1/jobs", &headers, &wish).status, 403, "{origin}");
        assert_eq!(site.ask("DELETE", "/api/v1/jobs/x", &headers, "").status, 403, "{origin}");
        let headers = [("Cookie", cookie.as_str()), ("Origin", origin)];
        assert_eq!(site.ask("POST", "/jobs", &headers, "verb=backup&label=CARD").status, 403, "{origin}");
    }
    let headers = [("Cookie", cookie.as_str())];
    assert_eq!(
        site.ask("POST", "/jobs", &headers, "verb=backup&label=CARD").status,
        403,
        "a form without an origin"
    );
    assert_eq!(site.state(&cookie)["jobs"], json!([]), "none of them did anything");
    for path in ["/", "/style.css", "/page.js", "/photos", "/devices", "/api/v1/state", "/nowhere", "/pair/x"]
    {
        let reply = site.get(&cookie, path);
        let policy = reply.header("content-security-policy").unwrap_or_else(|| panic!("{path}"));
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
    }
}

#[test]
fn what_is_too_large_too_odd_or_unknown_is_refused_with_a_reason() {
    let site = Site::new();
    let cookie = site.cookie();
    let kind = ("Content-Type", "application/json");
    let post = |body: &str| site.ask("POST", "/api/v1/jobs", &[("Cookie", &cookie), kind], body);
    for (body, status) in [
        ("", 400),
        ("{}", 400),
        ("[]", 400),
        (r#"{"verb":"format","label":"CARD"}"#, 400),
        (r#"{"verb":"backup","label":"CARD","dest":"/etc"}"#, 400),
        (r#"{"verb":"backup","label":"../../etc"}"#, 404),
        (r#"{"verb":"verify","label":"NONE"}"#, 404),
    ] {
        let reply = post(body);
        assert_eq!(reply.status, status, "{body}: {}", reply.text());
        assert!(reply.json()["error"].is_string(), "{body}");
    }
    assert_eq!(post(&"x".repeat(100_000)).status, 413);
    let headers = [("Cookie", cookie.as_str()), ("Content-Type", "text/plain"), ("Origin", &site.origin())];
    assert_eq!(site.ask("POST", "/api/v1/jobs", &headers, "{}").status, 415);
    let long = "x".repeat(60_000);
    let reply = site.ask("GET", "/", &[("X-Long", &long)], "");
    assert!([0, 431].contains(&reply.status), "{}", reply.status);
    let many: Vec<(String, &str)> = (0..300).map(|n| (format!("X-{n}"), "x")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(n, v)| (n.as_str(), *v)).collect();
    assert!([0, 400, 431].contains(&site.ask("GET", "/", &many, "").status));
    assert_eq!(site.state(&cookie)["jobs"], json!([]));
}

#[test]
fn names_from_a_card_are_text_wherever_they_stand() {
    let names: [&[u8]; 7] = [
        b"<img src=x onerror=alert(1)>.JPG",
        b"\"onclick=alert(1) x=\".JPG",
        b"'&lt;{{7*7}}{% raw %}.JPG",
        b"new\nline\x1b[31m.JPG",
        "\u{202e}GPJ.exe.JPG".as_bytes(),
        b"latin\xe9.JPG",
        &[b'x'; 255],
    ];
    let site = Site::with(|card| {
        for name in names {
            fs::write(card.join(std::ffi::OsStr::from_bytes(name)), photos::camera_jpeg(&Shot::plain(2)))
                .unwrap();
        }
    });
    let cookie = site.cookie();
    assert_eq!(site.job(&cookie, "backup")["state"], "done");
    let page = site.get(&cookie, "/api/v1/photos").json();
    assert_eq!(page["total"], 6, "but for the one that has no end");
    let mut pages = vec![site.get(&cookie, "/").text(), site.get(&cookie, "/photos").text()];
    for photo in page["photos"].as_array().unwrap() {
        let id = photo["id"].as_str().unwrap();
        pages.push(site.get(&cookie, &format!("/photos/{id}")).text());
        assert_eq!(site.get(&cookie, &format!("/api/v1/photos/{id}/large")).status, 200, "{photo}");
    }
    for page in pages {
        for bad in ["<img src=x", "onclick=alert(1) x=\"", "\x1b", "\u{202e}", "lt;49"] {
            assert!(!page.contains(bad), "{bad:?} in {page}");
        }
        assert!(!page.contains("\"onclick"), "{page}");
    }
}

#[test]
fn two_hundred_connections_and_slow_ones_hold_nobody_up() {
    let site = Site::new();
    let cookie = site.cookie();
    let mut idle: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(site.address).unwrap()).collect();
    for (n, stream) in idle.iter_mut().enumerate() {
        // Silent, half a head, and a body that never comes.
        let begin: &[u8] = match n % 3 {
            0 => b"",
            1 => b"GET / HTTP/1.1\r\nHost: ",
            _ => b"POST /pair HTTP/1.1\r\nContent-Length: 100\r\n",
        };
        stream.write_all(begin).unwrap();
    }
    assert_eq!(site.get(&cookie, "/api/v1/state").status, 200);
    // Streams that nobody reads.
    let streams: Vec<TcpStream> = (0..10)
        .map(|_| {
            let mut stream = TcpStream::connect(site.address).unwrap();
            write!(
                stream,
                "GET /api/v1/events HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\n\r\n",
                site.address
            )
            .unwrap();
            stream
        })
        .collect();
    assert_eq!(site.job(&cookie, "backup")["state"], "done");
    drop((idle, streams));
    let status = fs::read_to_string(format!("/proc/{}/status", site.server.id())).unwrap();
    let anon = status.lines().find_map(|l| l.strip_prefix("RssAnon:")).unwrap();
    let kilobytes: u64 = anon.trim().split(' ').next().unwrap().parse().unwrap();
    assert!(kilobytes < 24_000, "{kilobytes} kB");
}

#[test]
fn a_page_without_a_script_does_all_of_it_by_forms() {
    let site = Site::new();
    let cookie = site.cookie();
    let origin = site.origin();
    let headers = [("Cookie", cookie.as_str()), ("Origin", origin.as_str())];
    let home = site.get(&cookie, "/").text();
    assert!(home.contains(r#"<noscript><meta http-equiv="refresh""#));
    assert!(home.contains(r#"<form method="post" action="/jobs">"#));
    let reply = site.ask("POST", "/jobs", &headers, "verb=backup&label=CARD");
    assert_eq!((reply.status, reply.header("location")), (303, Some("/")));
    let id = site.state(&cookie)["jobs"][0]["id"].as_str().unwrap().to_owned();
    site.ended(&cookie, &id);
    assert_eq!(site.ask("POST", &format!("/jobs/{id}/stop"), &headers, "").status, 303);
    assert!(site.get(&cookie, "/photos").text().contains("IMG_0001.CR3"));
    let weight: usize =
        ["/", "/style.css", "/page.js"].iter().map(|path| site.get(&cookie, path).body.len()).sum();
    assert!(weight <= 40_000, "the page weighs {weight} bytes");
}

#[test]
fn a_job_outlives_the_server() {
    let mut site = Site::with(|card| {
        for n in 0..300 {
            fs::write(card.join(format!("IMG_{n:04}.JPG")), vec![n as u8; 500_000]).unwrap();
        }
    });
    let cookie = site.cookie();
    site.post(&cookie, &json!({"verb": "backup", "label": "CARD"}));
    let folder = site.drive().join(".piback/manifests/CARD");
    let begin = Instant::now();
    // Its first record is there: it works.
    while fs::read_dir(&folder).map_or(0, Iterator::count) == 0 {
        assert!(begin.elapsed() < Duration::from_secs(300));
        std::thread::sleep(Duration::from_millis(5));
    }
    site.server.kill().unwrap();
    site.server.wait().unwrap();
    let ended = || {
        let manifest = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
        fs::read_to_string(manifest).unwrap().contains(r#""t":"end""#)
    };
    while !ended() {
        assert!(begin.elapsed() < Duration::from_secs(300), "the backup died with the server");
        std::thread::sleep(Duration::from_millis(50));
    }
    let copies = fs::read_dir(site.drive().join("CARD/DCIM/100")).unwrap();
    assert_eq!(
        copies.filter(|e| e.as_ref().unwrap().path().extension().is_some_and(|x| x == "JPG")).count(),
        300
    );
}

#[test]
fn the_api_is_what_its_file_says() {
    let text = include_str!("../docs/api/openapi.yaml");
    let api: Value = serde_yaml::from_str(text).unwrap();
    let site = Site::new();
    let cookie = site.cookie();
    let origin = site.origin();
    let check = |method: &str, path: &str, real: &str, body: &str| -> Reply {
        let mut headers = vec![("Cookie", cookie.as_str()), ("Origin", origin.as_str())];
        if !body.is_empty() {
            headers.push(("Content-Type", "application/json"));
        }
        let reply = site.ask(&method.to_uppercase(), real, &headers, body);
        let status = reply.status.to_string();
        let mut known = &api["paths"][path][method]["responses"][&status];
        assert!(known.is_object(), "{method} {path}: {status} is documented nowhere: {}", reply.text());
        if let Some(name) = known["$ref"].as_str() {
            known = api.pointer(&name[1..]).unwrap();
        }
        if let Some(kinds) = known["content"].as_object() {
            let kind = reply.header("content-type").unwrap();
            assert!(kinds.contains_key(kind), "{method} {path}: {kind}");
            if kind == "application/json" {
                openapi::fits(&api, &kinds[kind]["schema"], &reply.json(), path);
            }
        }
        reply
    };
    check("get", "/api/v1/state", "/api/v1/state", "");
    // Plain folders are no appliance, and do nothing of one.
    for (method, path, body) in [
        ("get", "/api/v1/checks", ""),
        ("get", "/api/v1/uplink", ""),
        ("get", "/api/v1/uplink/networks", ""),
        ("post", "/api/v1/uplink/join", r#"{"ssid":"Hotel","passphrase":"12345678"}"#),
        ("post", "/api/v1/uplink/forget", r#"{"ssid":"Hotel"}"#),
        ("post", "/api/v1/eject", r#"{"label":"CARD"}"#),
        ("post", "/api/v1/poweroff", "{}"),
        ("post", "/api/v1/time", r#"{"seconds":1}"#),
    ] {
        assert_eq!(check(method, path, path, body).status, 404, "{path}");
    }
    let wish = r#"{"verb":"backup","label":"CARD"}"#;
    let id = check("post", "/api/v1/jobs", "/api/v1/jobs", wish).json()["id"].as_str().unwrap().to_owned();
    check("post", "/api/v1/jobs", "/api/v1/jobs", "{}");
    site.ended(&cookie, &id);
    let one = format!("/api/v1/jobs/{id}");
    check("get", "/api/v1/jobs/{id}", &one, "");
    check("delete", "/api/v1/jobs/{id}", &one, "");
    check("get", "/api/v1/jobs/{id}", "/api/v1/jobs/none", "");
    fs::write(site.card().join("MORE.JPG"), "more").unwrap();
    site.job(&cookie, "safe-to-format");
    check("get", "/api/v1/state", "/api/v1/state", "");
    let photos = check("get", "/api/v1/photos", "/api/v1/photos?label=CARD&limit=3", "").json();
    assert_eq!(photos["photos"].as_array().unwrap().len(), 3);
    let photo = photos["photos"][1]["id"].as_str().unwrap();
    check("get", "/api/v1/photos/{id}", &format!("/api/v1/photos/{photo}"), "");
    check("get", "/api/v1/photos/{id}/large", &format!("/api/v1/photos/{photo}/large"), "");
    check("get", "/api/v1/photos/{id}/small", "/api/v1/photos/none/small", "");
    check("post", "/api/v1/pairings", "/api/v1/pairings", "");
    check("delete", "/api/v1/session", "/api/v1/session", "");
}

#[test]
fn a_script_shows_a_token_and_gets_no_further_without_it() {
    let site = Site::new();
    let cookie = site.cookie();
    let secret = cookie.split_once('=').unwrap().1;
    let state = |token: &str| site.ask("GET", "/api/v1/state", &[("Authorization", token)], "").status;
    assert_eq!(state(&format!("Bearer {secret}")), 200);
    for wrong in
        [secret.to_owned(), format!("Basic {secret}"), format!("Bearer {}", &secret[1..]), "Bearer ".into()]
    {
        assert_eq!(state(&wrong), 401, "{wrong}");
    }
    // It starts a job with JSON, and a form, which a page elsewhere could send, does not.
    let bearer = format!("Bearer {secret}");
    let wish = r#"{"verb":"backup","label":"CARD"}"#;
    let json = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    assert_eq!(site.ask("POST", "/api/v1/jobs", &json, wish).status, 201);
    let form = [("Authorization", bearer.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
    assert_eq!(site.ask("POST", "/jobs", &form, "verb=verify&label=CARD").status, 403);
}
