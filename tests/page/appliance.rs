//! The page of a made-up appliance: `cargo run --example sample-appliance [-- --trouble]`. For the browser tests and for looking
//! at pages that plain folders do not have. Nothing is done but to answer.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]

use piback::certificate::{Authority, Identity, Names};
use piback::jobs::Control;
use piback::jobs::job::{Job, Phase, Verb};
use piback::jobs::protocol::{Answer, Guest, Picture, Refusal, RefusalKind, Request};
use piback::jobs::state::{CardState, Claim, DriveState, Fact, Level, State};
use piback::jobs::uplink::{Network, Uplink, Way};
use piback::system::volume::InFile;
use piback::web::Server;
use std::sync::{Arc, Mutex};

/// Sixty-four letters, as a browser shows them.
const SECRET: &str = "abcdefghijklmnopabcdefghijklmnopabcdefghijklmnopabcdefghijklmnop";

struct Appliance {
    /// One radio, no internet, a job that runs, a drive that fails.
    trouble: bool,
    joined: Mutex<Vec<String>>,
}

fn main() {
    let trouble = std::env::args().any(|arg| arg == "--trouble");
    let appliance = Appliance { trouble, joined: Mutex::default() };
    // Over TLS, which plain folders are not here: only that shows how to trust it.
    let identity = std::env::args().any(|arg| arg == "--tls").then(identity);
    let address = "127.0.0.1:0".parse().expect("an address");
    let server = Server::bind(address, identity.as_ref(), Arc::new(appliance)).expect("a socket");
    let invited = server.invite().expect("a way in");
    let said = serde_json::json!({ "url": server.url(), "pair_url": invited.url, "code": invited.code });
    println!("{said}");
    server.run(None);
}

fn identity() -> Identity {
    let address = std::net::Ipv4Addr::LOCALHOST.into();
    let authority = Authority::new(&[address], &[]).expect("an authority");
    authority
        .issue(&Names { address, hosts: Vec::new() }, piback::system::clock::now())
        .expect("a certificate")
}

fn fact(name: &str, level: Level, words: &str, remedy: Option<&str>) -> Fact {
    Fact { name: name.into(), level, words: words.into(), remedy: remedy.map(str::to_owned) }
}

impl Appliance {
    fn state(&self) -> State {
        let trouble = self.trouble;
        let errors = "2 files of its backups could not be read whole, on 2026-11-24";
        let resets = "since it was plugged in the kernel saw 4 reads or writes that failed, 7 resets of its USB connection";
        let cable =
            "another cable or port, or a stronger power supply; if that does not help, take another one";
        let mut card =
            CardState { label: "SD32GB-03".into(), present: true, files: 214, ..CardState::default() };
        (card.photos, card.bytes, card.new_files, card.new_bytes) = (210, 7_900_000_000, 38, 1_400_000_000);
        (card.first_day, card.last_day) = (Some("2026-11-24".into()), Some("2026-11-25".into()));
        card.backed_up = Claim::NotKnown;
        card.health = match trouble {
            true => vec![
                fact("kernel", Level::Warning, resets, Some(cable)),
                fact("read_errors", Level::Good, errors, None),
            ],
            false => vec![fact("kernel", Level::Good, "the kernel saw no errors", None)],
        };
        let drive = |label: &str, health| DriveState {
            label: label.into(),
            present: true,
            free: 572_000_000_000,
            total: 1_000_000_000_000,
            photos: 24_110,
            health,
            ..DriveState::default()
        };
        let well = vec![
            fact("kernel", Level::Good, "the kernel saw no errors", None),
            fact("smart", Level::Good, "own check passed, 3 % of its life used, 34 °C", None),
            fact(
                "read_again",
                Level::Good,
                "All 24,110 files were read or copied within the last 26 days.",
                None,
            ),
        ];
        let replace = "copy what is on it to another drive now, and replace it";
        let repair = "bring back what is damaged, while there is another copy: piback verify LABEL --repair";
        let ill = vec![
            fact("kernel", Level::Unknown, "errors that the kernel saw are not known", None),
            fact(
                "smart",
                Level::Bad,
                "own check FAILED, 5 errors that nothing corrects, 103 % of its life used, 71 °C",
                Some(replace),
            ),
            fact("read_again", Level::Bad, "3 files not as recorded", Some(repair)),
        ];
        let drives = vec![drive("PHOTOS", well), drive("TRAVEL2", if trouble { ill } else { Vec::new() })];
        let mut job = Job::new("1".into(), Verb::Verify, "SD16GB-01", &["PHOTOS".to_owned()]);
        job.state = Phase::Running;
        State {
            schema: 1,
            version: env!("CARGO_PKG_VERSION").into(),
            host: "travel-box".into(),
            appliance: true,
            cards: vec![card],
            drives,
            jobs: if trouble { vec![job] } else { Vec::new() },
        }
    }

    fn uplink(&self) -> Uplink {
        let way = |interface: &str, kind: &str, address: Option<&str>, in_use, metered| Way {
            interface: interface.into(),
            kind: kind.into(),
            address: address.map(str::to_owned),
            in_use,
            metered,
        };
        let joined = self.joined.lock().expect("the list").clone();
        if self.trouble {
            let hint =
                "a USB Wi-Fi adapter joins the hotel's network: docs/AWAY.md names kernel drivers that do";
            return Uplink {
                internet: "no".into(),
                why: Some("no uplink has a way out".into()),
                no_radio: Some("wlan0 is the only radio, and the appliance's own Wi-Fi needs it".into()),
                no_radio_hints: vec![hint.into(), "or share a phone's internet by its USB cable".into()],
                ..Uplink::default()
            };
        }
        let wifi =
            way("wlan1", "wifi", (!joined.is_empty()).then_some("10.20.0.44/16"), !joined.is_empty(), false);
        let phone = way("usb0", "phone", Some("192.168.42.7/24"), joined.is_empty(), true);
        let internet = if joined.is_empty() { "yes" } else { "sign-in needed" };
        Uplink {
            ways: vec![phone, wifi],
            internet: internet.into(),
            sign_in: (!joined.is_empty()).then(|| "http://portal.hotel.example/login".into()),
            radio: Some("wlan1".into()),
            known: joined,
            ..Uplink::default()
        }
    }

    fn networks(&self) -> Vec<Network> {
        let joined = self.joined.lock().expect("the list").clone();
        let all = [
            ("Hotel Rex", 82, "WPA2"),
            ("Lobby", 71, ""),
            ("A name as long as names of netws.", 54, "WPA2 WPA3"),
            ("Staff", 40, "WPA2 802.1X"),
        ];
        let network = |(ssid, signal, security): (&str, u8, &str)| {
            let known = joined.iter().any(|name| name == ssid);
            Network { ssid: ssid.into(), signal, security: security.into(), joined: known, known }
        };
        all.into_iter().map(network).collect()
    }
}

fn checks() -> serde_json::Value {
    let check = |name: &str, level: &str, line: &str, found: &str, remedy: Option<&str>| serde_json::json!({ "name": name, "level": level, "line": line, "found": found, "remedy": remedy });
    serde_json::json!([
        check(
            "power",
            "warning",
            "the power supply is strong enough",
            "too little voltage since boot",
            Some("take the supply that came with the Pi")
        ),
        check("clock", "unknown", "the clock is right", "nobody says", None),
        check("radio", "good", "the radio is there", "wlan0", None),
    ])
}

impl Control for Appliance {
    fn ask(&self, request: &Request) -> Answer {
        match request {
            Request::State { .. } => Answer::State(Box::new(self.state())),
            Request::Known { secret } => Answer::Known { at: (secret == SECRET).then_some(0) },
            Request::Invite => Answer::Invited { token: "t".repeat(64), code: "ABCDEFGH".into(), page: None },
            Request::Enter { .. } => Answer::Entered { secret: SECRET.into() },
            Request::Guests => Answer::Guests {
                guests: vec![Guest { name: "iPad".into(), since: "2026-11-24T18:30:00Z".into() }],
            },
            Request::Doctor => Answer::Findings { checks: checks() },
            Request::Uplink => Answer::Uplink(Box::new(self.uplink())),
            Request::Networks => Answer::Networks { networks: self.networks() },
            Request::Join { ssid, passphrase }
                if passphrase.as_ref().is_none_or(|text| text.expose() != "wrong one") =>
            {
                self.joined.lock().expect("the list").push(ssid.clone());
                Answer::Uplink(Box::new(self.uplink()))
            }
            Request::ForgetNetwork { ssid } => {
                self.joined.lock().expect("the list").retain(|name| name != ssid);
                Answer::Done
            }
            Request::Join { ssid, .. } => {
                let what = format!("{ssid} could not be joined with wlan1");
                Answer::Refused(Refusal::new(RefusalKind::Busy, what, "is the passphrase right?"))
            }
            _ => Answer::Refused(Refusal::new(RefusalKind::Busy, "not here", "it is made up")),
        }
    }

    fn open(&self, _: &str) -> Option<(Picture, InFile)> {
        None
    }

    fn watch(&self, _: Box<dyn Fn() + Send + Sync>) {}

    fn look(&self) {}
}
