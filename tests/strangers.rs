//! The page of an appliance, to a browser that was not let in and to one that was: what each of them makes it ask for.
#![allow(clippy::disallowed_methods)]

#[path = "common/openapi.rs"]
mod openapi;

use piback::jobs::Control;
use piback::jobs::job::Verb;
use piback::jobs::protocol::{Answer, Picture, Refusal, RefusalKind, Request};
use piback::jobs::state::State;
use piback::jobs::uplink::{Handed, Network, Uplink, Way};
use piback::system::volume::InFile;
use piback::web::Server;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Whoever keeps the jobs: notes what it is asked, and refuses everything.
#[derive(Default)]
struct Noted {
    asked: Mutex<Vec<Request>>,
    opened: Mutex<Vec<String>>,
    /// False of plain folders.
    appliance: Mutex<bool>,
    /// The secret that lets in.
    known: Mutex<Option<String>>,
    /// Answers to the two, where they are not refused.
    uplink: Mutex<Option<Uplink>>,
    networks: Mutex<Vec<Network>>,
    changed: Mutex<Vec<Box<dyn Fn() + Send + Sync>>>,
}

struct Of(Arc<Noted>);

impl Control for Of {
    fn ask(&self, request: &Request) -> Answer {
        match request {
            Request::State { .. } => {
                let appliance = *self.0.appliance.lock().unwrap();
                Answer::State(Box::new(State { appliance, ..State::default() }))
            }
            Request::Known { secret } => {
                let known = self.0.known.lock().unwrap();
                self.0.asked.lock().unwrap().push(request.clone());
                Answer::Known { at: (known.as_ref() == Some(secret)).then_some(0) }
            }
            other => {
                self.0.asked.lock().unwrap().push(other.clone());
                let uplink = self.0.uplink.lock().unwrap().clone();
                match (other, uplink) {
                    (Request::Uplink | Request::Join { .. }, Some(uplink)) => {
                        return Answer::Uplink(Box::new(uplink));
                    }
                    (Request::Networks, Some(_)) => {
                        return Answer::Networks { networks: self.0.networks.lock().unwrap().clone() };
                    }
                    (Request::ForgetNetwork { .. }, Some(_)) => return Answer::Done,
                    _ => {}
                }
                Answer::Refused(Refusal::new(RefusalKind::Busy, "not now", ""))
            }
        }
    }

    fn open(&self, id: &str) -> Option<(Picture, InFile)> {
        self.0.opened.lock().unwrap().push(id.to_owned());
        None
    }

    fn watch(&self, changed: Box<dyn Fn() + Send + Sync>) {
        self.0.changed.lock().unwrap().push(changed);
    }

    fn look(&self) {}
}

struct Site {
    host: String,
    noted: Arc<Noted>,
    secret: String,
}

impl Site {
    fn new() -> Site {
        let noted = Arc::new(Noted::default());
        let secret = "a".repeat(64);
        (*noted.appliance.lock().unwrap(), *noted.known.lock().unwrap()) = (true, Some(secret.clone()));
        let server =
            Server::bind("127.0.0.1:0".parse().unwrap(), None, Arc::new(Of(Arc::clone(&noted)))).unwrap();
        let host = server.url().strip_prefix("http://").unwrap().to_owned();
        std::thread::spawn(move || server.run(None));
        Site { host, noted, secret }
    }

    /// Sends a request; a stream of events is open then.
    fn send(&self, method: &str, path: &str, cookie: &str, kind: &str, body: &str) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let host = &self.host;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nConnection: close\r\nCookie: {cookie}\r\n\
             Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        BufReader::new(stream)
    }

    fn reply(&self, method: &str, path: &str, cookie: &str, kind: &str, body: &str) -> (u16, String) {
        let mut text = String::new();
        self.send(method, path, cookie, kind, body).read_to_string(&mut text).unwrap();
        let status = text.split(' ').nth(1).and_then(|code| code.parse().ok());
        (status.unwrap_or_else(|| panic!("{path}: {text}")), text)
    }

    fn status(&self, method: &str, path: &str, cookie: &str, kind: &str, body: &str) -> u16 {
        self.reply(method, path, cookie, kind, body).0
    }

    fn cookie(&self) -> String {
        format!("piback_session={}", self.secret)
    }

    /// What was asked for since the last time, but for who is there.
    fn wishes(&self) -> Vec<Request> {
        let mut asked = std::mem::take(&mut *self.noted.asked.lock().unwrap());
        asked.retain(|request| !matches!(request, Request::Known { .. }));
        asked
    }
}

/// Everything that does something or shows something, and what it asks for.
fn all() -> Vec<(&'static str, &'static str, &'static str, &'static str, Option<Request>)> {
    let start = |verb| Some(Request::Start { verb, label: "SD".into(), compare: false });
    let eject = |label: Option<&str>| Some(Request::Eject { label: label.map(str::to_owned) });
    let poweroff = |stop_jobs| Some(Request::Poweroff { stop_jobs });
    let join = |text: &str| {
        let passphrase = Some(Handed::new(text.into())).filter(|_| !text.is_empty());
        Some(Request::Join { ssid: "Café 1".into(), passphrase })
    };
    let forget = Some(Request::ForgetNetwork { ssid: "Café 1".into() });
    let cancel = Some(Request::Cancel { id: "1".into() });
    vec![
        ("GET", "/", FORM, "", None),
        ("GET", "/tiles", FORM, "", None),
        ("GET", "/photos", FORM, "", None),
        ("GET", "/photos/1", FORM, "", None),
        ("GET", "/devices", FORM, "", Some(Request::Guests)),
        ("POST", "/devices", FORM, "", Some(Request::Invite)),
        ("POST", "/devices/3/forget", FORM, "", Some(Request::Forget { at: 3 })),
        ("POST", "/jobs", FORM, "verb=backup&label=SD", start(Verb::Backup)),
        ("POST", "/jobs/1/stop", FORM, "", cancel.clone()),
        ("GET", "/appliance", FORM, "", None),
        ("GET", "/appliance/checks", FORM, "", Some(Request::Doctor)),
        ("GET", "/uplink", FORM, "", Some(Request::Uplink)),
        ("GET", "/uplink/networks", FORM, "", Some(Request::Uplink)),
        ("POST", "/uplink/join", FORM, "ssid=Caf%C3%A9+1&passphrase=a+b%26c%25d", join("a b&c%d")),
        ("POST", "/uplink/join", FORM, "ssid=Caf%C3%A9+1&passphrase=", join("")),
        ("POST", "/uplink/forget", FORM, "ssid=Caf%C3%A9+1", forget.clone()),
        ("GET", "/api/v1/uplink", JSON, "", Some(Request::Uplink)),
        ("GET", "/api/v1/uplink/networks", JSON, "", Some(Request::Networks)),
        ("POST", "/api/v1/uplink/join", JSON, r#"{"ssid":"Café 1","passphrase":"a b&c%d"}"#, join("a b&c%d")),
        ("POST", "/api/v1/uplink/join", JSON, r#"{"ssid":"Café 1"}"#, join("")),
        ("POST", "/api/v1/uplink/forget", JSON, r#"{"ssid":"Café 1"}"#, forget),
        ("GET", "/poweroff", FORM, "", None),
        ("POST", "/eject", FORM, "label=SD", eject(Some("SD"))),
        ("POST", "/eject", FORM, "label=", eject(None)),
        ("POST", "/time", FORM, "seconds=5", Some(Request::SetTime { seconds: 5 })),
        ("POST", "/poweroff", FORM, "", poweroff(false)),
        ("POST", "/poweroff", FORM, "stop_jobs=true", poweroff(true)),
        ("GET", "/api/v1/state", JSON, "", None),
        ("GET", "/api/v1/events", JSON, "", None),
        ("POST", "/api/v1/jobs", JSON, r#"{"verb":"verify","label":"SD"}"#, start(Verb::Verify)),
        ("GET", "/api/v1/jobs/1", JSON, "", Some(Request::Job { id: "1".into() })),
        ("DELETE", "/api/v1/jobs/1", JSON, "", cancel),
        ("GET", "/api/v1/checks", JSON, "", Some(Request::Doctor)),
        ("POST", "/api/v1/eject", JSON, r#"{"label":"SD"}"#, eject(Some("SD"))),
        ("POST", "/api/v1/time", JSON, r#"{"seconds":5}"#, Some(Request::SetTime { seconds: 5 })),
        ("POST", "/api/v1/poweroff", JSON, "{}", poweroff(false)),
        ("GET", "/api/v1/photos", JSON, "", None),
        ("GET", "/api/v1/photos/1", JSON, "", None),
        ("GET", "/api/v1/photos/1/small", JSON, "", None),
        ("GET", "/api/v1/photos/1/large", JSON, "", None),
        ("POST", "/api/v1/pairings", JSON, "", Some(Request::Invite)),
        ("DELETE", "/api/v1/session", JSON, "", Some(Request::Forget { at: 0 })),
    ]
}

#[test]
fn a_stranger_makes_it_ask_for_nothing() {
    let site = Site::new();
    for cookie in ["", &format!("piback_session={}", "b".repeat(64)), &site.secret, "piback_session="] {
        for (method, path, kind, body, _) in all() {
            let (status, text) = site.reply(method, path, cookie, kind, body);
            // A page shows the door instead.
            let closed = if path.starts_with("/api/") || path == "/tiles" { 401 } else { 200 };
            assert_eq!(status, closed, "{method} {path}");
            assert!(closed == 401 || text.contains("action=\"/pair\""), "{method} {path}: {text}");
            assert_eq!(site.wishes(), [], "{method} {path}");
        }
    }
    assert!(site.noted.opened.lock().unwrap().is_empty());
}

#[test]
fn one_who_was_let_in_asks_for_what_the_request_says() {
    let site = Site::new();
    for (method, path, kind, body, wish) in all().into_iter().filter(|one| one.1 != "/api/v1/events") {
        let status = site.status(method, path, &site.cookie(), kind, body);
        assert_ne!(status, 401, "{method} {path}");
        if let Some(wish) = wish {
            assert!(site.wishes().contains(&wish), "{method} {path}");
        }
        site.wishes();
    }
    assert_eq!(*site.noted.opened.lock().unwrap(), ["1", "1"], "small and large");
}

#[test]
fn the_api_of_the_appliance_wants_json_and_an_appliance() {
    let site = Site::new();
    let verbs = [
        ("/api/v1/eject", "{}"),
        ("/api/v1/time", r#"{"seconds":5}"#),
        ("/api/v1/poweroff", r#"{"stop_jobs":true}"#),
        ("/api/v1/uplink/join", r#"{"ssid":"Hotel"}"#),
        ("/api/v1/uplink/forget", r#"{"ssid":"Hotel"}"#),
    ];
    for (path, body) in verbs {
        for kind in ["text/plain", FORM, "multipart/form-data", "application/jsonx"] {
            assert_eq!(site.status("POST", path, &site.cookie(), kind, body), 415, "{path} {kind}");
        }
        assert_eq!(site.wishes(), [], "{path}");
    }
    *site.noted.appliance.lock().unwrap() = false;
    for (path, body) in verbs {
        assert_eq!(site.status("POST", path, &site.cookie(), JSON, body), 404, "{path}");
    }
    for path in ["/api/v1/checks", "/api/v1/uplink", "/api/v1/uplink/networks", "/uplink", "/uplink/networks"]
    {
        assert_eq!(site.status("GET", path, &site.cookie(), JSON, ""), 404, "{path}");
    }
    for path in ["/uplink/join", "/uplink/forget"] {
        assert_eq!(site.status("POST", path, &site.cookie(), FORM, "ssid=Hotel"), 404, "{path}");
    }
    assert_eq!(site.wishes(), []);
}

#[test]
fn of_many_cookies_four_are_looked_at() {
    let site = Site::new();
    let wrong = |n: usize| vec![format!("piback_session={}", "b".repeat(64)); n].join("; ");
    let with = |n: usize| format!("{}; {}", wrong(n), site.cookie());
    assert_eq!(site.status("GET", "/api/v1/state", &with(3), JSON, ""), 200);
    site.noted.asked.lock().unwrap().clear();
    assert_eq!(site.status("GET", "/api/v1/state", &with(4), JSON, ""), 401);
    assert_eq!(site.noted.asked.lock().unwrap().len(), 4);
}

#[test]
fn events_end_when_their_browser_is_shown_out_and_streams_are_counted() {
    let site = Site::new();
    let open = || {
        let mut stream = site.send("GET", "/api/v1/events", &site.cookie(), JSON, "");
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        // Up to the first event.
        while line.starts_with("HTTP/1.1 200") && !line.contains("data:") {
            stream.read_line(&mut line).unwrap();
        }
        (stream, line)
    };
    let mut streams: Vec<_> = (0..32).map(|_| open()).collect();
    assert!(streams.iter().all(|(_, line)| line.contains("data:")));
    assert!(open().1.starts_with("HTTP/1.1 503"), "one more than is served");
    *site.noted.known.lock().unwrap() = None;
    site.noted.changed.lock().unwrap().iter().for_each(|changed| changed());
    let (mut stream, _) = streams.pop().unwrap();
    let mut rest = String::new();
    stream.get_ref().set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.read_to_string(&mut rest).unwrap();
    assert!(!rest.contains("data:"), "{rest}");
}

fn uplink() -> Uplink {
    let way = |interface: &str, kind: &str, in_use: bool| Way {
        interface: interface.into(),
        kind: kind.into(),
        address: in_use.then(|| "192.168.1.23/24".into()),
        in_use,
        metered: kind == "phone",
    };
    Uplink {
        ways: vec![way("eth0", "cable", true), way("usb0", "phone", false)],
        internet: "sign-in needed".into(),
        sign_in: Some("http://portal.example/login?a=1&b=\"><script>".into()),
        radio: Some("wlan1".into()),
        known: vec!["Last <b>week</b>".into()],
        ..Uplink::default()
    }
}

fn network(ssid: &str, security: &str, known: bool) -> Network {
    Network { ssid: ssid.into(), signal: 80, security: security.into(), joined: false, known }
}

#[test]
fn the_uplink_s_page_says_what_is_so_and_names_of_networks_are_text() {
    let site = Site::new();
    *site.noted.uplink.lock().unwrap() = Some(uplink());
    let evil = "\"><img src=x onerror=alert(1)>{{ 7*7 }}";
    *site.noted.networks.lock().unwrap() = vec![
        network(evil, "WPA2", false),
        network("Lobby", "", false),
        network("Staff", "WPA2 802.1X", false),
        network("Room 12", "WPA2", true),
    ];
    let page = site.reply("GET", "/uplink/networks", &site.cookie(), FORM, "").1;
    for there in
        ["Sign in to the network", "Cable", "(in use)", "usb0 · no address · metered", "wlan1", "(known)"]
    {
        assert!(page.contains(there), "{there}: {page}");
    }
    for bad in ["<img src=x", "<script>", "<b>week", "Join 49", "alert(1)>49"] {
        assert!(!page.contains(bad), "{bad}: {page}");
    }
    assert_eq!(
        page.matches("action=\"/uplink/join\"").count(),
        3,
        "not for Staff; what is known can be joined with another passphrase"
    );
    assert_eq!(page.matches("name=\"passphrase\"").count(), 2, "an open one has none");
    assert_eq!(page.matches("action=\"/uplink/forget\"").count(), 2);
    assert!(
        page.contains("href=\"http:&#x2F;&#x2F;portal") || page.contains("href=\"http://portal"),
        "{page}"
    );
    // A portal's word is a link only where it is an address.
    site.noted.uplink.lock().unwrap().as_mut().unwrap().sign_in = Some("javascript:alert(1)".into());
    let page = site.reply("GET", "/uplink", &site.cookie(), FORM, "").1;
    assert!(!page.contains("href=\"javascript") && !page.contains("Open the sign-in page"), "{page}");
    let joined =
        site.reply("POST", "/uplink/join", &site.cookie(), FORM, "ssid=Lobby&passphrase=correct+horse").1;
    assert!(joined.starts_with("HTTP/1.1 303") && !joined.contains("horse"), "{joined}");
}

#[test]
fn with_one_radio_nothing_can_be_joined_and_the_page_says_why() {
    let site = Site::new();
    *site.noted.uplink.lock().unwrap() = Some(Uplink {
        radio: None,
        no_radio: Some("wlan0 is the only radio, and the appliance's own Wi-Fi needs it".into()),
        no_radio_hints: vec!["a USB Wi-Fi adapter joins the hotel's network".into()],
        internet: "no".into(),
        why: Some("no uplink has a way out".into()),
        ways: Vec::new(),
        ..uplink()
    });
    let page = site.reply("GET", "/uplink", &site.cookie(), FORM, "").1;
    for there in [
        "No internet",
        "No uplink has a way out",
        "wlan0 is the only radio",
        "A USB Wi-Fi adapter",
        "No uplink: plug",
    ] {
        assert!(page.contains(there), "{there}: {page}");
    }
    assert!(!page.contains("/uplink/join") && !page.contains("/uplink/networks"), "{page}");
}

#[test]
fn the_uplink_s_answers_are_what_the_api_s_file_says() {
    let api: serde_json::Value = serde_yaml::from_str(include_str!("../docs/api/openapi.yaml")).unwrap();
    let site = Site::new();
    *site.noted.uplink.lock().unwrap() = Some(uplink());
    *site.noted.networks.lock().unwrap() = vec![network("Lobby", "", false)];
    for (method, path, body) in [
        ("GET", "/api/v1/uplink", ""),
        ("GET", "/api/v1/uplink/networks", ""),
        ("POST", "/api/v1/uplink/join", r#"{"ssid":"Lobby"}"#),
        ("POST", "/api/v1/uplink/forget", r#"{"ssid":"Lobby"}"#),
    ] {
        let (status, text) = site.reply(method, path, &site.cookie(), JSON, body);
        assert_eq!(status, 200, "{text}");
        let value = serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap();
        let at = &api["paths"][path][method.to_lowercase()]["responses"]["200"]["content"][JSON]["schema"];
        openapi::fits(&api, at, &value, path);
    }
}
