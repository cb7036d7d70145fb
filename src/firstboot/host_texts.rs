//! Texts of a host that `first_boot:` touches: who logs in, its keys, its name.

use super::types::{Hostname, SshKey};

/// Somebody who logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    pub uid: u32,
    pub gid: u32,
    pub home: String,
}

/// Finds the first user who can log in, in the text of passwd(5): the one that Raspberry Pi OS was set up with.
/// Ordinary users begin at 1000 on Debian (login.defs, UID_MIN).
#[must_use]
pub fn first_login(passwd: &str) -> Option<Login> {
    let one = |line: &str| {
        let fields: Vec<&str> = line.split(':').collect();
        let [_, _, uid, gid, _, home, shell] = fields[..] else { return None };
        let (uid, gid) = (uid.parse().ok()?, gid.parse().ok()?);
        let logs_in = !shell.ends_with("/nologin") && !shell.ends_with("/false");
        let plain = home.starts_with("/home/") && !home.contains("..");
        (logs_in && plain && (1000..60_000).contains(&uid)).then(|| Login { uid, gid, home: home.to_owned() })
    };
    passwd.lines().filter_map(one).min_by_key(|login| login.uid)
}

/// Adds keys to the text of `authorized_keys`; nothing when all are in it.
#[must_use]
pub fn with_keys(text: &str, keys: &[SshKey]) -> Option<String> {
    let mut longer = text.to_owned();
    for key in keys {
        if !longer.lines().any(|line| key.is_in(line)) {
            if !longer.is_empty() && !longer.ends_with('\n') {
                longer.push('\n');
            }
            longer.push_str(&format!("{key}\n"));
        }
    }
    (longer != text).then_some(longer)
}

/// Puts a host's name into hosts(5), on the line that Debian keeps for it.
#[must_use]
pub fn with_hostname(hosts: &str, name: &Hostname) -> String {
    const OWN: &str = "127.0.1.1";
    let mut lines: Vec<String> = hosts.lines().map(str::to_owned).collect();
    let line = format!("{OWN}\t{name}");
    match lines.iter_mut().find(|line| line.split_whitespace().next() == Some(OWN)) {
        Some(own) => *own = line,
        None => lines.push(line),
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_user_is_who_logs_in() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nbob:x:1001:1001::/home/bob:/bin/sh\n\
                      piback:x:1002:1002::/home/p:/usr/sbin/nologin\nann:x:1000:1000:,,,:/home/ann:/bin/bash\nbroken\n";
        assert_eq!(first_login(passwd), Some(Login { uid: 1000, gid: 1000, home: "/home/ann".into() }));
        assert_eq!(first_login("root:x:0:0:root:/root:/bin/bash\n"), None);
        assert_eq!(first_login("a:x:1000:1000::/home/../etc:/bin/sh\n"), None);
    }

    #[test]
    fn keys_and_names_are_added_once() {
        let body = "AAAAC3NzaC1lZDI1NTE5AAAAIJ1rVX2n4p3uVw1u0qyq3sVvYb0VxYb0VxYb0VxYb0Vx";
        let key: SshKey = format!("ssh-ed25519 {body} me").parse().unwrap();
        let text = with_keys("# mine", std::slice::from_ref(&key)).unwrap();
        assert_eq!(text, format!("# mine\nssh-ed25519 {body} me\n"));
        assert_eq!(with_keys(&text, &[key]), None);
        let name: Hostname = "travel".parse().unwrap();
        let hosts = with_hostname("127.0.0.1 localhost\n127.0.1.1\told\n", &name);
        assert_eq!(hosts, "127.0.0.1 localhost\n127.0.1.1\ttravel\n");
        assert_eq!(with_hostname(&hosts, &name), hosts);
        assert_eq!(with_hostname("", &name), "127.0.1.1\ttravel\n");
    }
}
