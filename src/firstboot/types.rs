//! Values that only a boot file has.

use std::fmt;
use std::str::FromStr;

/// A host's name: 1 to 63 letters, digits and dashes, no dash at either end (RFC 1123, 2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hostname(String);

impl FromStr for Hostname {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let letters = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let ends = !text.starts_with('-') && !text.ends_with('-');
        match letters && ends && (1..=63).contains(&text.len()) {
            true => Ok(Hostname(text.to_ascii_lowercase())),
            false => Err("is no host name; 1 to 63 letters, digits and dashes inside are allowed".into()),
        }
    }
}

impl fmt::Display for Hostname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A public SSH key as one line of `authorized_keys`, without options (sshd(8), AUTHORIZED_KEYS FILE FORMAT).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshKey(String);

/// The kinds of key that today's OpenSSH takes (`ssh -Q key-sig`); DSA is gone.
const KINDS: [&str; 7] = [
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

impl FromStr for SshKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.contains("PRIVATE KEY") {
            return Err(
                "is a private key, which belongs to nobody else; the .pub file's line is wanted".into()
            );
        }
        let wrong =
            || "is no public SSH key; the one line of a .pub file is wanted, as in `ssh-ed25519 AAAA… name`";
        let mut words = text.split(' ');
        let (kind, body) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let printable = text.chars().all(|c| !c.is_control());
        let base64 = body.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='));
        // The body begins with the kind's length, four bytes of which the first three are 0 (RFC 4253, 6.6).
        match KINDS.contains(&kind) && printable && base64 && body.starts_with("AAAA") && body.len() > 60 {
            true => Ok(SshKey(text.to_owned())),
            false => Err(wrong().into()),
        }
    }
}

impl fmt::Display for SshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl SshKey {
    /// Tells whether an `authorized_keys` line holds this key, whatever options or comment it has.
    #[must_use]
    pub fn is_in(&self, line: &str) -> bool {
        let body = self.0.split(' ').nth(1).unwrap_or_default();
        !line.trim_start().starts_with('#') && line.split_whitespace().any(|word| word == body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIJ1rVX2n4p3uVw1u0qyq3sVvYb0VxYb0VxYb0VxYb0Vx";

    #[test]
    fn host_names() {
        for good in ["pi", "Travel-Pi", "a", "0pi", &"x".repeat(63)] {
            assert!(good.parse::<Hostname>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "a.b", "a b", "ü", "a\nb", &"x".repeat(64)] {
            assert!(bad.parse::<Hostname>().is_err(), "{bad}");
        }
    }

    #[test]
    fn ssh_keys() {
        let key: SshKey = format!(" ssh-ed25519 {BODY} me@ipad ").parse().unwrap();
        assert!(key.is_in(&format!("no-pty ssh-ed25519 {BODY} elsewhere")));
        assert!(!key.is_in(&format!("# ssh-ed25519 {BODY}")));
        for bad in [
            "",
            "ssh-dss AAAA",
            "ssh-ed25519",
            "ssh-ed25519 AAAA",
            "-----BEGIN OPENSSH PRIVATE KEY-----",
            &format!("command=\"sh\" ssh-ed25519 {BODY}"),
            &format!("ssh-ed25519 {BODY}\nssh-ed25519 {BODY}"),
            &format!("ssh-ed25519 {BODY}$"),
        ] {
            assert!(bad.parse::<SshKey>().is_err(), "{bad}");
        }
    }
}
