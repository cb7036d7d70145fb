//! Who is let in to the page. Pure: time and randomness are given, and only hashes are kept.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::time::Duration;

/// The time that a link and a code are good for.
pub const GOOD_FOR: Duration = Duration::from_secs(600);
/// Wrong codes in [`PERIOD`] before nobody is heard for a while.
const MOST_TRIES: usize = 5;
const PERIOD: Duration = Duration::from_secs(60);
/// Wrong codes, all in all, before every code is void: 20 of 22^8 is nothing.
const MOST_WRONG: u32 = 20;
/// Invitations that are open at a time, and browsers that are let in: the oldest go.
const MOST_OPEN: usize = 4;
const MOST_SESSIONS: usize = 32;
/// Letters that no one takes for another or for a digit.
const LETTERS: &[u8; 22] = b"ABCDEFGHJKMNPQRSTVWXYZ";

/// SHA-256 as hex digits.
type Hash = String;

/// The door.
#[derive(Debug, Default)]
pub struct Door {
    invited: Invited,
    sessions: VecDeque<Session>,
}

/// Everything that lasts no longer than this boot: its times are those since it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Invited {
    open: VecDeque<Open>,
    wrong: u32,
    tries: VecDeque<Duration>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Open {
    token: Hash,
    code: Hash,
    until: Duration,
}

/// A browser that was let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    hash: Hash,
    /// Wall clock, RFC 3339, to show.
    pub since: String,
    /// As the browser calls itself, in short.
    pub name: String,
}

/// Why a code did not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    Wrong,
    /// Too many tries; later.
    Later,
}

impl Door {
    /// The door as it was left: what its two texts say, and nothing where they can't be read.
    #[must_use]
    pub fn from_texts(sessions: &str, invited: &str) -> Self {
        Door {
            sessions: serde_json::from_str(sessions).unwrap_or_default(),
            invited: serde_json::from_str(invited).unwrap_or_default(),
        }
    }

    /// Texts of the browsers that are let in, and of the invitations, which end with this boot.
    #[must_use]
    pub fn texts(&self) -> (String, String) {
        let text = |text: serde_json::Result<String>| text.unwrap_or_default();
        (text(serde_json::to_string(&self.sessions)), text(serde_json::to_string(&self.invited)))
    }

    /// Opens it for one browser: the link's token, 32 hex digits, and the code.
    pub fn invite(&mut self, now: Duration, random: &[u8]) -> (String, String) {
        let token = hex(&random[..16.min(random.len())]);
        let code: String = random[16.min(random.len())..]
            .iter()
            // 242 is the greatest multiple of 22 in a byte: above it some letters would come more often.
            .filter(|byte| **byte < 242)
            .map(|byte| char::from(LETTERS[usize::from(byte % 22)]))
            .take(8)
            .collect();
        while self.invited.open.len() >= MOST_OPEN {
            self.invited.open.pop_front();
        }
        self.invited.wrong = 0;
        self.invited.open.push_back(Open { token: hash(&token), code: hash(&code), until: now + GOOD_FOR });
        (token, code)
    }

    /// Says whether this link opens; it never does again.
    pub fn take_token(&mut self, now: Duration, token: &str) -> bool {
        self.take(now, |open| open.token == hash(token))
    }

    /// Says whether this code opens; it never does again. Spaces, dashes and small letters are forgiven.
    ///
    /// # Errors
    /// Wrong, or nobody is heard right now.
    pub fn take_code(&mut self, now: Duration, code: &str) -> Result<(), Closed> {
        while self.invited.tries.front().is_some_and(|at| now.saturating_sub(*at) > PERIOD) {
            self.invited.tries.pop_front();
        }
        if self.invited.tries.len() >= MOST_TRIES {
            return Err(Closed::Later);
        }
        let code: String = code.chars().filter(char::is_ascii_alphabetic).collect();
        let code = hash(&code.to_ascii_uppercase());
        if self.take(now, |open| open.code == code) {
            return Ok(());
        }
        self.invited.tries.push_back(now);
        self.invited.wrong += 1;
        if self.invited.wrong >= MOST_WRONG {
            self.invited.open.clear();
        }
        Err(Closed::Wrong)
    }

    fn take(&mut self, now: Duration, fits: impl Fn(&Open) -> bool) -> bool {
        self.invited.open.retain(|open| now < open.until);
        match self.invited.open.iter().position(fits) {
            Some(at) => self.invited.open.remove(at).is_some(),
            None => false,
        }
    }

    /// Lets a browser in for good; returns what it has to show from now on, 64 hex digits.
    pub fn let_in(&mut self, random: &[u8], since: String, name: String) -> String {
        let secret = hex(random);
        while self.sessions.len() >= MOST_SESSIONS {
            self.sessions.pop_front();
        }
        self.sessions.push_back(Session { hash: hash(&secret), since, name });
        secret
    }

    /// The session that this secret belongs to, by its place.
    #[must_use]
    pub fn session(&self, secret: &str) -> Option<usize> {
        let hash = hash(secret);
        self.sessions.iter().position(|session| session.hash == hash)
    }

    /// Browsers that are let in.
    #[must_use]
    pub fn sessions(&self) -> Vec<Session> {
        self.sessions.iter().cloned().collect()
    }

    /// Shows a browser out.
    pub fn forget(&mut self, at: usize) {
        self.sessions.remove(at);
    }
}

fn hash(text: &str) -> Hash {
    hex(&Sha256::digest(text.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1000);

    fn random(seed: u8) -> Vec<u8> {
        (0..64u8).map(|n| n.wrapping_mul(7).wrapping_add(seed)).collect()
    }

    #[test]
    fn link_and_code_open_once_and_either_of_them() {
        let mut door = Door::default();
        let (token, code) = door.invite(NOW, &random(1));
        assert_eq!((token.len(), code.len()), (32, 8));
        assert!(!door.take_token(NOW, "x"));
        assert!(door.take_token(NOW, &token));
        assert!(!door.take_token(NOW, &token), "twice");
        assert_eq!(door.take_code(NOW, &code), Err(Closed::Wrong), "the link was used");
        let (_, code) = door.invite(NOW, &random(2));
        let typed = format!(" {}-{} ", code[..4].to_lowercase(), &code[4..]);
        assert_eq!(door.take_code(NOW, &typed), Ok(()));
        assert_eq!(door.take_code(NOW, &typed), Err(Closed::Wrong));
    }

    #[test]
    fn ten_minutes_and_no_longer() {
        let mut door = Door::default();
        let (token, _) = door.invite(NOW, &random(1));
        assert!(!door.take_token(NOW + GOOD_FOR, &token));
        let (token, _) = door.invite(NOW, &random(1));
        assert!(door.take_token(NOW + GOOD_FOR - Duration::from_secs(1), &token));
    }

    #[test]
    fn guessing_is_slow_and_ends() {
        let mut door = Door::default();
        let (_, code) = door.invite(NOW, &random(1));
        for _ in 0..MOST_TRIES {
            assert_eq!(door.take_code(NOW, "AAAAAAAA"), Err(Closed::Wrong));
        }
        assert_eq!(door.take_code(NOW, &code), Err(Closed::Later), "the right one is not heard either");
        let mut now = NOW;
        for _ in 0..MOST_WRONG {
            now += PERIOD;
            let _ = door.take_code(now, "AAAAAAAA");
        }
        let (token, code2) = (door.invited.open.len(), code);
        assert_eq!(token, 0);
        assert_eq!(door.take_code(now + PERIOD * 2, &code2), Err(Closed::Wrong), "void");
    }

    #[test]
    fn twenty_wrong_codes_void_all_while_they_would_still_be_good() {
        let mut door = Door::default();
        let (token, code) = door.invite(NOW, &random(1));
        let mut now = NOW;
        for n in 0..MOST_WRONG {
            if n % 5 == 0 {
                now += PERIOD + Duration::from_secs(1);
            }
            assert_eq!(door.take_code(now, "AAAAAAAA"), Err(Closed::Wrong));
        }
        now += PERIOD + Duration::from_secs(1);
        assert!(now < NOW + GOOD_FOR);
        assert_eq!(door.take_code(now, &code), Err(Closed::Wrong));
        assert!(!door.take_token(now, &token));
    }

    #[test]
    fn of_the_open_invitations_the_oldest_goes() {
        let mut door = Door::default();
        let all: Vec<String> = (0..5u8).map(|n| door.invite(NOW, &random(n)).0).collect();
        assert!(!door.take_token(NOW, &all[0]));
        assert!(all[1..].iter().all(|token| door.take_token(NOW, token)));
    }

    #[test]
    fn a_session_is_known_by_its_secret_alone_and_can_be_forgotten() {
        let mut door = Door::default();
        let secret = door.let_in(&random(3)[..32], "then".into(), "iPad".into());
        assert_eq!(secret.len(), 64);
        assert_eq!(door.session(&secret), Some(0));
        assert_eq!(door.session(&secret[1..]), None);
        assert!(!format!("{door:?}{:?}", door.texts()).contains(&secret));
        let (sessions, invited) = door.texts();
        assert_eq!(Door::from_texts(&sessions, &invited).session(&secret), Some(0));
        assert_eq!(Door::from_texts("", "x").session(&secret), None);
        door.forget(0);
        assert_eq!(door.session(&secret), None);
        for n in 0..100 {
            door.let_in(&random(n), String::new(), String::new());
        }
        assert_eq!(door.sessions().len(), MOST_SESSIONS);
    }
}
