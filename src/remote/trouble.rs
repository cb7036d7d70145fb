//! Why rclone could not do it, in words that help. Pure.

use super::answers::{Errors, LogLine};
use crate::error::Problem;
use crate::system::run::RunError;
use crate::ui::visible;
use std::path::Path;

/// The kind of trouble, as far as it decides what to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The remote can't be reached: nothing more can go now.
    Away,
    /// It can't be used as it is set up: nothing more can go at all.
    Wrong,
    /// It has no room left.
    Full,
    /// It refused one file.
    Refused,
}

/// A trouble, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub kind: Kind,
    pub what: String,
    pub hints: Vec<&'static str>,
}

/// Words in rclone's messages, in lower case, and what they mean. The first that is found counts.
const KNOWN: &[(&[&str], Kind, &str, &[&str])] = &[
    (
        &["certificate has expired or is not yet valid", "not yet valid"],
        Kind::Away,
        "the remote's certificate is not valid at the time that this clock shows",
        &["look at the clock: piback status", "set it: sudo piback set-time TIME"],
    ),
    (
        &["x509:", "tls:", "certificate"],
        Kind::Away,
        "somebody else answers in the remote's place, as a hotel's sign-in page does",
        &["sign in on the iPad, then again: piback send"],
    ),
    (
        &["invalid character '<'", "<!doctype", "<html"],
        Kind::Away,
        "a page answers in the remote's place, as a hotel's sign-in page does",
        &["sign in on the iPad, then again: piback send"],
    ),
    (
        &["didn't find section in config file", "didn't find backend called"],
        Kind::Wrong,
        "rclone's configuration has no such remote",
        &["list those that there are: rclone --config FILE listremotes"],
    ),
    (
        &[
            "unable to authenticate",
            "401 unauthorized",
            "status code: 401",
            "403 forbidden",
            "status code: 403",
            "invalid_grant",
            "accessdenied",
            "signaturedoesnotmatch",
            "invalidaccesskeyid",
            "unauthorized",
            "permission denied (login)",
        ],
        Kind::Wrong,
        "the remote does not let piback in",
        &["sign in anew: rclone config, on a computer with a browser; then copy the file"],
    ),
    (
        &[
            "quota",
            "no space left",
            "insufficient storage",
            "507 insufficient",
            "storagelimit",
            "disk full",
            "not enough space",
        ],
        Kind::Full,
        "the remote is full",
        &["make room there, then again: piback send"],
    ),
    (
        &[
            "no such host",
            "connection refused",
            "network is unreachable",
            "no route to host",
            "i/o timeout",
            "timeout",
            "connection reset",
            ": eof",
            "unexpected eof",
            "temporary failure in name resolution",
            "server misbehaving",
            "broken pipe",
            "couldn't connect",
            "deadline exceeded",
            "connection lost",
        ],
        Kind::Away,
        "the remote can't be reached",
        &[
            "is there internet? piback uplink",
            "what is there stays; the rest goes with the next: piback send",
        ],
    ),
];

/// Says what the last errors of a log mean.
#[must_use]
pub fn of_log(errors: &[LogLine]) -> Trouble {
    // A photo called IMG_4010.JPG says nothing about being let in.
    let names = errors.iter().map(|line| line.object.as_str()).filter(|name| !name.is_empty());
    let names: Vec<&str> = names.flat_map(|name| [Some(name), name.rsplit('/').next()]).flatten().collect();
    let without = |msg: &str| names.iter().fold(without_places(msg), |msg, name| msg.replace(name, ""));
    let said: Vec<String> = errors.iter().rev().map(|line| without(&line.msg).to_lowercase()).collect();
    let known =
        KNOWN.iter().find(|(words, ..)| said.iter().any(|said| words.iter().any(|word| said.contains(word))));
    let last = errors.last().map(|line| visible(without_places(line.msg.trim()).trim())).unwrap_or_default();
    match known {
        Some((_, kind, what, hints)) => {
            Trouble { kind: *kind, what: format!("{what} ({})", short(&last)), hints: hints.to_vec() }
        }
        None if last.is_empty() => Trouble {
            kind: Kind::Refused,
            what: "it did not arrive, and rclone says nothing of it".into(),
            hints: vec![],
        },
        None => Trouble { kind: Kind::Refused, what: short(&last), hints: vec![] },
    }
}

/// Tells whether no other file would arrive either: a line about all of them says so, or those about two files.
#[must_use]
pub fn is_for_all(errors: &Errors) -> bool {
    let is_bad = |line: &&LogLine| of_log(std::slice::from_ref(*line)).kind != Kind::Refused;
    let bad: Vec<&LogLine> = errors.lines().iter().filter(is_bad).collect();
    bad.iter().any(|line| line.is_of_all()) || bad.iter().filter(|line| !line.object.is_empty()).count() > 1
}

/// The text with no more of an address than its host: what follows may let anybody in, or be a photo's name.
fn without_places(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '>');
        let (address, others) = after.split_at(after.find(ends).unwrap_or(after.len()));
        let host = address.split(['/', '?', '#']).next().unwrap_or_default();
        kept.push_str(before);
        kept.push_str(host.rsplit('@').next().unwrap_or_default());
        rest = others;
    }
    kept + rest
}

/// Says that of several files none arrived, whatever rclone thinks of it.
#[must_use]
pub fn nothing_arrived(errors: &[LogLine]) -> Trouble {
    let trouble = of_log(errors);
    match trouble.kind {
        Kind::Away | Kind::Wrong | Kind::Full if !errors.is_empty() => trouble,
        _ => Trouble {
            kind: Kind::Away,
            what: format!("nothing that was sent arrived ({})", trouble.what),
            hints: vec![
                "does a sign-in page stand in between? piback uplink",
                "is it the right place? rclone --config FILE lsd REMOTE:",
            ],
        },
    }
}

/// Says that rclone's configuration is not where it was said to be.
#[must_use]
pub fn no_configuration(file: &Path) -> Trouble {
    Trouble {
        kind: Kind::Wrong,
        what: format!("there is no rclone configuration {}", visible(&file.to_string_lossy())),
        hints: vec!["see where rclone has it: rclone config file", "or make one: rclone config"],
    }
}

/// Says why rclone itself did not run to its end.
#[must_use]
pub fn of_run(error: &RunError) -> Trouble {
    match error {
        RunError::NotFound { program } => Trouble {
            kind: Kind::Wrong,
            what: format!("{} is not installed", visible(program)),
            hints: vec!["with remotes in the profile: sudo piback apply", "or: sudo apt install rclone"],
        },
        RunError::TimedOut { .. } => Trouble {
            kind: Kind::Away,
            what: "the remote does not answer any more".into(),
            hints: vec!["what is there stays; the rest goes with the next: piback send"],
        },
        other => Trouble { kind: Kind::Wrong, what: other.to_string(), hints: vec![] },
    }
}

impl Trouble {
    /// The same as an error of the command.
    #[must_use]
    pub fn problem(&self, remote: &str) -> Problem {
        let problem = Problem::failed(format!("{}: {}", visible(remote), self.what));
        self.hints.iter().fold(problem, |problem, hint| problem.hint(*hint))
    }
}

/// One line, not too long for a small screen.
fn short(text: &str) -> String {
    const MOST: usize = 200;
    let line: String = text.chars().take(MOST).collect();
    if line.len() < text.len() { format!("{line}...") } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(msg: &str) -> Kind {
        of_log(&[LogLine { level: "error".into(), msg: msg.into(), ..LogLine::default() }]).kind
    }

    #[test]
    fn what_rclone_says_is_told_apart() {
        for (msg, expected) in [
            (
                "Failed to copy: Put \"http://x\": dial tcp 127.0.0.1:9: connect: connection refused",
                Kind::Away,
            ),
            (
                "couldn't connect SSH: ssh: handshake failed: ssh: unable to authenticate, attempted methods",
                Kind::Wrong,
            ),
            ("Failed to create file system for \"nope:\": didn't find section in config file", Kind::Wrong),
            ("x509: certificate has expired or is not yet valid: current time 2017", Kind::Away),
            ("Failed to copy: Insufficient Storage: 507", Kind::Full),
            ("Failed to copy: file name too long", Kind::Refused),
        ] {
            assert_eq!(kind(msg), expected, "{msg}");
        }
        for name in ["IMG_4010.JPG", "quota eof.jpg", "a/certificate 403 forbidden.pdf"] {
            let msg = format!("Failed to copy: open /mnt/drive/{name}: permission denied");
            let line = LogLine { level: "error".into(), msg, object: name.into(), ..LogLine::default() };
            assert_eq!(of_log(&[line]).kind, Kind::Refused, "{name}");
        }
        let line = |object: &str, msg: &str| LogLine {
            level: "error".into(),
            object: object.into(),
            msg: msg.into(),
            ..LogLine::default()
        };
        let all = |lines: &[LogLine]| {
            let mut errors = Errors::default();
            lines.iter().for_each(|line| errors.take(line.clone()));
            is_for_all(&errors)
        };
        assert!(!all(&[
            line("a", "i/o timeout"),
            line("", "Attempt 1/1 failed with 1 errors and: i/o timeout")
        ]));
        assert!(all(&[line("a", "i/o timeout"), line("b", "i/o timeout")]));
        assert!(all(&[line("", "couldn't connect SSH: connection refused")]));
        assert!(!all(&[line("a", "file name too long"), line("b", "file name too long")]));
        assert_eq!(of_log(&[]).kind, Kind::Refused);
        let told = of_log(&[LogLine {
            msg: "Put \"http://me:pw@host:80/dav?token=tOkEn/my%20quota.jpg\": 405 Method Not Allowed".into(),
            ..LogLine::default()
        }]);
        assert_eq!(told.what, "Put \"http://host:80\": 405 Method Not Allowed");
        assert_eq!(told.kind, Kind::Refused, "a photo called quota");
        let clock = of_log(&[LogLine {
            msg: "x509: certificate has expired or is not yet valid".into(),
            ..LogLine::default()
        }]);
        assert!(clock.hints.iter().any(|hint| hint.contains("set-time")));
    }
}
