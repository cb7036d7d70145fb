//! The internet behind the uplink: a page with a known answer is asked for.

use crate::profile::types::CheckUrl;
use crate::system::Host;
use std::io;
use std::time::Duration;

/// A hotel's own resolver may be slow.
const WITHIN: Duration = Duration::from_secs(6);

/// The internet, as far as one page tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    Yes,
    /// Another page answers in its place; where that one leads to, if it says.
    SignIn(Option<String>),
    No(String),
    /// Nobody was asked.
    NotKnown,
}

impl Reach {
    /// The word for it, in JSON and for people.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Reach::Yes => "yes",
            Reach::SignIn(_) => "sign-in needed",
            Reach::No(_) => "no",
            Reach::NotKnown => "not known",
        }
    }
}

/// Asks the profile's page.
#[must_use]
pub fn ask(host: &dyn Host, page: &CheckUrl) -> Reach {
    match page.page() {
        None => Reach::NotKnown,
        Some((server, port, path)) => judge(host.get(server, port, path, WITHIN)),
    }
}

/// Answers of the pages that are asked for this by systems in use (Debian's, Firefox's, Apple's, Microsoft's); Android's
/// answers 204 and says nothing.
const ONLINE: [&str; 5] = [
    "NetworkManager is online",
    "success",
    "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>",
    "Microsoft Connect Test",
    "Microsoft NCSI",
];

fn judge(answer: io::Result<String>) -> Reach {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) if error.kind() == io::ErrorKind::Unsupported => return Reach::NotKnown,
        Err(error) => return Reach::No(error.to_string()),
    };
    let (head, body) =
        answer.split_once("\r\n\r\n").or_else(|| answer.split_once("\n\n")).unwrap_or((&answer, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok());
    let location = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("location").then(|| value.trim().to_owned())
    });
    match status {
        Some(204) if body.trim().is_empty() => Reach::Yes,
        Some(200) if ONLINE.contains(&body.trim()) => Reach::Yes,
        // RFC 6585: a portal may say so by name.
        Some(200..=399 | 511) => Reach::SignIn(location),
        Some(status) => Reach::No(format!("the page that was asked answers {status}")),
        None => Reach::No("what answers does not speak HTTP".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(answer: &str) -> Reach {
        judge(Ok(answer.to_owned()))
    }

    #[test]
    fn only_the_known_answer_is_the_internet() {
        assert_eq!(of("HTTP/1.1 200 OK\r\nServer: x\r\n\r\nNetworkManager is online\n"), Reach::Yes);
        assert_eq!(of("HTTP/1.0 204 No Content\r\n\r\n"), Reach::Yes);
        let portal = of("HTTP/1.1 302 Found\r\nLocation: http://portal.hotel/login\r\n\r\n");
        assert_eq!(portal, Reach::SignIn(Some("http://portal.hotel/login".into())));
        assert_eq!(of("HTTP/1.1 200 OK\r\n\r\n<html>Welcome to our hotel"), Reach::SignIn(None));
        assert_eq!(of("HTTP/1.1 204 No\r\n\r\nhello"), Reach::SignIn(None));
        assert_eq!(of("HTTP/1.1 511 Network Authentication Required\r\n\r\n"), Reach::SignIn(None));
        assert!(matches!(of("HTTP/1.1 503 no\r\n\r\n"), Reach::No(_)));
        assert!(matches!(of("SSH-2.0-OpenSSH"), Reach::No(_)));
        assert!(matches!(judge(Err(io::Error::other("no route"))), Reach::No(_)));
        assert_eq!(judge(Err(io::Error::from(io::ErrorKind::Unsupported))), Reach::NotKnown);
    }
}
