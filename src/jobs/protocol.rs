//! Requests to whoever keeps the jobs, and the answers: one JSON object a line, with a version.
//!
//! A closed list. No path and no device name is ever in a request: cards are named by the labels that a state gave out,
//! jobs and photos by their ids.

use super::job::{Job, Verb};
use super::state::State;
use super::uplink::{Handed, Network, Uplink};
use serde::{Deserialize, Serialize};

/// Version of the protocol.
pub const VERSION: u32 = 1;
/// Longer lines are none of ours.
pub const LONGEST: usize = 4096;

/// A line to control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub v: u32,
    #[serde(flatten)]
    pub request: Request,
}

/// Everything that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Request {
    /// Everything; with a look at the world, or as it was last seen.
    State {
        #[serde(default)]
        look: bool,
    },
    /// One job.
    Job {
        id: String,
    },
    Start {
        verb: Verb,
        label: String,
        /// Everything on the card is read and compared.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        compare: bool,
    },
    /// A card was plugged in, by the kernel's name for it; root alone may say so.
    Insert {
        kname: String,
    },
    Cancel {
        id: String,
    },
    /// A page of the photos on the drive, the newest first.
    Photos(Wanted),
    /// One of them, and its neighbours among the wanted.
    Photo {
        id: String,
        wanted: Wanted,
    },
    /// A photo, with its open file beside the answer.
    Open {
        id: String,
    },
    /// A look at cards and drives.
    Look,
    /// A card or drive off, by its label, or all of them: then it may be unplugged.
    Eject {
        label: Option<String>,
    },
    /// All cards and drives off, and then the appliance.
    Poweroff {
        #[serde(default)]
        stop_jobs: bool,
    },
    /// A clock that no network has set, forwards: seconds since 1970.
    SetTime {
        seconds: i64,
    },
    /// All that stands in the way.
    Doctor,
    /// The uplink: where the internet comes from, and whether it is there.
    Uplink,
    /// The Wi-Fi networks around a second radio.
    Networks,
    /// Joins one of them.
    Join {
        ssid: String,
        /// None for an open one.
        #[serde(default)]
        passphrase: Option<Handed>,
    },
    /// Forgets one that was joined.
    ForgetNetwork {
        ssid: String,
    },
    /// A line whenever something changed, as long as the connection lasts.
    Watch,
    /// A job's lines, from the first to the last.
    Follow {
        id: String,
    },
    /// A new way in to the page.
    Invite,
    /// A browser that brings a link's token or a code, and its name.
    Enter {
        key: Key,
        name: String,
    },
    /// The browser that shows this secret.
    Known {
        secret: String,
    },
    /// All browsers that are let in.
    Guests,
    /// Shows one of them out.
    Forget {
        at: usize,
    },
}

/// The thing that opens the door, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Key {
    Token(String),
    Code(String),
}

/// Which photos.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// Of this card.
    pub label: Option<String>,
    /// Of this day, as `2026-11-24`.
    pub day: Option<String>,
    /// Copied by this run.
    pub run: Option<String>,
    /// So many are left out at the beginning.
    pub from: usize,
    /// At most so many.
    pub limit: usize,
}

/// A photo or video on the drive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    pub id: String,
    pub label: String,
    /// Path on the drive below the label's folder, as shown.
    pub path: String,
    /// Its last part.
    pub name: String,
    pub bytes: u64,
    /// By the card's clock: `2026-11-24T14:32:05`; empty where no card told.
    pub time: String,
    pub sort: String,
    /// XXH3-128 of the content, 32 hex digits.
    pub hash: String,
    /// The run that copied it.
    pub run: String,
}

/// Some of the photos.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Number of all that are wanted.
    pub total: usize,
    pub from: usize,
    pub photos: Vec<Picture>,
    /// All days of the wanted photos, the newest first; only with the first page.
    pub days: Vec<Day>,
    /// All labels that have photos; only with the first page.
    pub labels: Vec<String>,
}

/// A day and how many photos it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    pub day: String,
    pub photos: usize,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    State(Box<State>),
    /// It will be done; `new` is false where the same was on its way already.
    Job {
        job: Box<Job>,
        new: bool,
    },
    Photos(Page),
    Photo(Box<OnePhoto>),
    Opened {
        picture: Box<Picture>,
    },
    Done,
    /// As `piback doctor --json` has them.
    Findings {
        checks: serde_json::Value,
    },
    Uplink(Box<Uplink>),
    Networks {
        networks: Vec<Network>,
    },
    Changed,
    /// A job's line, as it printed it.
    Said {
        line: String,
    },
    /// A job is over; none where it was killed.
    Ended {
        exit_code: Option<u8>,
    },
    /// A link's token and a code, and the page's address where it is known.
    Invited {
        token: String,
        code: String,
        #[serde(default)]
        page: Option<String>,
    },
    /// The secret that a browser has to show from now on.
    Entered {
        secret: String,
    },
    /// The place of a browser among those that are let in.
    Known {
        at: Option<usize>,
    },
    Guests {
        guests: Vec<Guest>,
    },
    Refused(Refusal),
}

/// A browser that was let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guest {
    pub name: String,
    /// RFC 3339, by the host's clock.
    pub since: String,
}

/// A photo, and the way on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnePhoto {
    pub photo: Picture,
    /// Labels of the drives that hold it, by a look at them, and the number of drives.
    pub on: Vec<String>,
    pub of_drives: usize,
    pub newer: Option<String>,
    pub older: Option<String>,
}

/// Why not, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub kind: RefusalKind,
    pub error: String,
    pub hints: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalKind {
    /// There is no such card, job or photo, or it is no request.
    Unknown,
    /// Not for this user, or a wrong code.
    Denied,
    /// Not now.
    Busy,
    Failed,
}

impl Answer {
    /// A no, with its reason and what to do.
    #[must_use]
    pub fn refused(kind: RefusalKind, error: impl Into<String>, hint: &str) -> Answer {
        Answer::Refused(Refusal::new(kind, error, hint))
    }
}

impl Refusal {
    #[must_use]
    pub fn new(kind: RefusalKind, error: impl Into<String>, hint: &str) -> Self {
        let hints = if hint.is_empty() { Vec::new() } else { vec![hint.to_owned()] };
        Refusal { kind, error: error.into(), hints }
    }
}

impl Line {
    /// Reads a request.
    ///
    /// # Errors
    /// Why it is none, in a sentence.
    pub fn parse(text: &str) -> Result<Request, String> {
        if text.len() > LONGEST {
            return Err(format!("a request has at most {LONGEST} bytes"));
        }
        let line: Line = serde_json::from_str(text).map_err(|e| format!("this is no request: {e}"))?;
        match line.v {
            VERSION => Ok(line.request),
            other => Err(format!("version {other} is not known here; this is version {VERSION}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_comes_back_and_nonsense_does_not() {
        let request = Request::Start { verb: Verb::SafeToFormat, label: "SD 1".into(), compare: false };
        let text = serde_json::to_string(&Line { v: VERSION, request: request.clone() }).unwrap();
        assert_eq!(text, r#"{"v":1,"ask":"start","verb":"safe-to-format","label":"SD 1"}"#);
        assert_eq!(Line::parse(&text).unwrap(), request);
        assert!(Line::parse(r#"{"v":2,"ask":"state"}"#).unwrap_err().contains("version 2"));
        for bad in
            ["", "{}", r#"{"v":1,"ask":"format"}"#, r#"{"v":1,"ask":"start","verb":"apply","label":"x"}"#]
        {
            assert!(Line::parse(bad).is_err(), "{bad}");
        }
        let long = format!(r#"{{"v":1,"ask":"cancel","id":"{}"}}"#, "x".repeat(LONGEST));
        assert!(Line::parse(&long).is_err());
    }

    #[test]
    fn a_passphrase_is_in_its_line_and_in_no_other_text() {
        let passphrase = Some(Handed::new("correct horse".into()));
        let request = Request::Join { ssid: "Hotel".into(), passphrase };
        assert!(!format!("{request:?}").contains("horse"), "{request:?}");
        let text = serde_json::to_string(&Line { v: VERSION, request: request.clone() }).unwrap();
        assert!(text.ends_with(r#""ssid":"Hotel","passphrase":"correct horse"}"#), "{text}");
        assert_eq!(Line::parse(&text), Ok(request));
        let wrong = r#"{"v":1,"ask":"join","ssid":7,"passphrase":"correct horse"}"#;
        assert!(!Line::parse(wrong).unwrap_err().contains("horse"));
        let number = r#"{"v":1,"ask":"join","ssid":"Hotel","passphrase":12345678}"#;
        assert!(!Line::parse(number).unwrap_err().contains("1234"));
    }
}
