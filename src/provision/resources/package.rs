//! Debian packages.

use crate::error::Problem;
use crate::system::Host;
use crate::system::run::Tool;
use anyhow::Context;
use std::time::Duration;

/// Plans the packages that are missing.
///
/// # Errors
/// When dpkg can't say which are there.
pub fn plan(host: &dyn Host, wanted: &[&str]) -> anyhow::Result<Vec<String>> {
    let query = Tool::new("dpkg-query").args(["-W", "-f", "${Package} ${db:Status-Status}\\n"]).args(wanted);
    // Ends with 1 when a package is unknown: that is an answer.
    let installed = installed(&host.output(&query).context("which packages are installed")?.stdout);
    Ok(wanted.iter().filter(|p| !installed.iter().any(|i| i == *p)).map(|p| (*p).to_owned()).collect())
}

/// Names out of `dpkg-query -W -f '${Package} ${db:Status-Status}\n'`.
fn installed(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| match line.split_once(' ') {
            Some((name, "installed")) => Some(name.to_owned()),
            _ => None,
        })
        .collect()
}

/// Missing packages, without a question: the config files are there already and are kept as they are.
///
/// # Errors
/// When apt-get fails, also with fresh package lists; with the reason in words, where apt's are known.
pub fn install(host: &dyn Host, packages: &[String], progress: &dyn Fn(&str)) -> anyhow::Result<()> {
    progress(&format!("installing {}", packages.join(", ")));
    let install = apt(&["install", "--no-install-recommends"]).args(packages);
    if host.output(&install)?.code == Some(0) {
        return Ok(());
    }
    // The usual reason is a package list that is too old: names in it are no longer on the server.
    progress("fetching the package lists");
    fetch_lists(host, progress)?;
    let output = host.output(&install)?;
    if output.code == Some(0) {
        return Ok(());
    }
    let said = format!("{}\n{}", output.stdout, output.stderr);
    Err(explained("the packages can't be installed", &said))
}

fn apt(args: &[&str]) -> Tool {
    Tool::new("apt-get")
        // An old release's list says that stable has become oldstable; that is no reason to stop.
        .args(["-q", "-y", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::AllowReleaseInfoChange=true"])
        // Offline, apt-get calls lists that did not come a warning and ends with 0. (Before Debian 11 it does not know this.)
        .args(["-o", "APT::Update::Error-Mode=any"])
        .args(["-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"])
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive")
        // needrestart would restart the very network that the user comes in by.
        .env("NEEDRESTART_SUSPEND", "1")
        // Its words are read below.
        .env("LC_ALL", "C")
        .deadline(Duration::from_secs(30 * 60))
}

const LOCK: &str = "/var/lib/apt/lists/lock";
/// Seconds for which another's lock is waited for, and between two looks.
const PATIENCE: (u64, u64) = (300, 5);

/// Fetches the package lists. `DPkg::Lock::Timeout` is not for their lock: who holds it is waited for here.
fn fetch_lists(host: &dyn Host, progress: &dyn Fn(&str)) -> anyhow::Result<()> {
    let began = host.uptime();
    let mut said_of = None;
    loop {
        let output = host.output(&apt(&["update"]))?;
        let said = format!("{}\n{}", output.stdout, output.stderr);
        if output.code == Some(0) {
            return Ok(());
        }
        let patient = host.uptime().saturating_sub(began) < PATIENCE.0 && !host.stop_requested();
        let Some(holder) = said.contains(LOCK).then(|| holder(&said)).filter(|_| patient) else {
            return Err(explained("the package lists can't be fetched", &said));
        };
        if said_of.as_ref() != Some(&holder) {
            progress(&format!("waiting for {holder}, which fetches package lists"));
            said_of = Some(holder);
        }
        host.wait(Duration::from_secs(PATIENCE.1));
    }
}

/// `It is held by process 1234 (apt-get)`: the program and its number.
fn holder(said: &str) -> String {
    let word = || {
        let (_, rest) = said.split_once("held by process ")?;
        let (number, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let number: u32 = number.trim_end_matches('.').trim().parse().ok()?;
        let name = rest.strip_prefix('(').and_then(|rest| rest.split(')').next());
        Some(format!("{} (process {number})", crate::ui::visible(name.unwrap_or("another program"))))
    };
    word().unwrap_or_else(|| "another program".to_owned())
}

/// A reason for which apt fails on the road: words of apt's that tell it, what it is, what to do.
struct Trouble {
    words: &'static [&'static str],
    is: &'static str,
    remedy: &'static str,
}

/// The first that fits is the one: a sign-in page also makes names resolve, a wrong clock comes after a good download.
const TROUBLES: &[Trouble] = &[
    Trouble {
        words: &["is not valid yet"],
        is: "the Pi's clock is behind: the package lists are from its future",
        remedy: "set it, as in: sudo date -s '2026-05-31 18:00', and apply again",
    },
    Trouble {
        words: &["is expired (invalid since"],
        is: "the Pi's clock is ahead, or the mirror is old: the package lists have run out",
        remedy: "look at `date`; set it, as in: sudo date -s '2026-05-31 18:00', and apply again",
    },
    Trouble {
        words: &[
            "NOSPLIT",
            "does the network require authentication",
            "Clearsigned file isn't valid",
            "Redirection from",
            "Redirection loop",
            "Certificate verification failed",
        ],
        is: "a page to sign in answers in the place of the package server, as in a hotel",
        remedy: "sign in: open any page in a browser on the same cable or network, then apply again",
    },
    Trouble {
        words: &["/lock-frontend", "/var/lib/dpkg/lock", "/var/cache/apt/archives/lock", LOCK],
        is: "another program installs packages",
        remedy: "wait until it is done, and apply again",
    },
    Trouble {
        words: &["enough free space", "No space left on device"],
        is: "the Pi's own card is full",
        remedy: "make room: sudo apt-get clean, and apply again",
    },
    Trouble {
        words: &[
            "Temporary failure resolving",
            "Could not resolve",
            "Network is unreachable",
            "Could not connect",
            "Cannot initiate the connection",
            "Connection timed out",
            "Connection failed",
            "No route to host",
        ],
        is: "the Pi is offline: the package server is not reached",
        remedy: "connect Ethernet, or another way to the internet, and apply again",
    },
];

/// The error for what apt said: the reason where it is known, and apt's own first errors.
fn explained(what: &str, said: &str) -> anyhow::Error {
    let errors: Vec<String> = said
        .lines()
        .map(str::trim)
        .filter(|line| ["E: ", "W: ", "Err:"].iter().any(|mark| line.starts_with(mark)))
        .map(crate::ui::visible)
        .collect();
    // Another's warning may come first, as of an old key.
    let is_warning = |line: &str| line.starts_with("W: ") && !line.starts_with("W: Failed to fetch");
    let first = errors.iter().find(|line| !is_warning(line)).or(errors.first());
    let said_itself = first.cloned().unwrap_or_else(|| {
        let last = said.lines().map(str::trim).rfind(|line| !line.is_empty());
        crate::ui::visible(last.unwrap_or("apt-get says nothing"))
    });
    let trouble = TROUBLES.iter().find(|trouble| trouble.words.iter().any(|words| said.contains(words)));
    let Some(trouble) = trouble else {
        return Problem::failed(format!("{what}: {said_itself}")).hint("is Ethernet connected?").into();
    };
    let by = if said.contains("held by process") { format!(": {}", holder(said)) } else { String::new() };
    Problem::failed(format!("{what}: {}{by}", trouble.is))
        .hint(trouble.remedy)
        .hint(format!("apt-get said: {said_itself}"))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::fake::FakeHost;
    use crate::system::run::Output;
    use std::cell::RefCell;

    #[test]
    fn dpkg_is_read() {
        let text = "hostapd installed\ndnsmasq config-files\nsamba not-installed\n\ngarbage";
        assert_eq!(installed(text), ["hostapd"]);
    }

    #[test]
    fn each_trouble_of_the_road_has_its_own_sentence() {
        for (said, is) in [
            (
                "E: Release file for http://deb/debian/InRelease is not valid yet (invalid for another 9d 3h).",
                "clock is behind",
            ),
            (
                "E: Release file for http://x is expired (invalid since 3d 2h). Updates will not be applied.",
                "clock is ahead",
            ),
            (
                "Err:1 http://deb trixie InRelease\n  Clearsigned file isn't valid, got 'NOSPLIT' (does the network require authentication?)",
                "sign in",
            ),
            ("W: Failed to fetch http://deb  Temporary failure resolving 'deb.debian.org'", "offline"),
            (
                "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 77 (unattended-upgr)",
                "unattended-upgr (process 77)",
            ),
            ("E: You don't have enough free space in /var/cache/apt/archives/.", "card is full"),
        ] {
            let error = explained("the package lists can't be fetched", said).to_string();
            assert!(error.contains(is), "{said}: {error}");
        }
        let other = explained("x", "W: an old key\nE: Unable to locate package y\x1b[2J").to_string();
        assert_eq!(other, "x: E: Unable to locate package y\\u{1b}[2J");
    }

    #[test]
    fn a_held_list_is_waited_for_and_its_holder_named() {
        let root = tempfile::tempdir().unwrap();
        let (tries, said) = (RefCell::new(0), RefCell::new(Vec::new()));
        let answer = move |tool: &Tool| {
            let updates = tool.args.iter().any(|a| a == "update");
            *tries.borrow_mut() += u32::from(updates);
            let (code, stderr) = match (updates, *tries.borrow()) {
                // Installed at last, with the lists of the third try.
                (false, 3) | (true, 3) => (0, String::new()),
                (true, _) => {
                    (100, format!("E: Could not get lock {LOCK}. It is held by process 4087 (apt-get)\n"))
                }
                (false, _) => (100, "E: Unable to locate package hostapd\n".to_owned()),
            };
            Ok(Output { code: Some(code), stdout: String::new(), stderr })
        };
        let host = FakeHost::live(root.path(), answer).unwrap();
        install(&host, &["hostapd".into()], &|line| said.borrow_mut().push(line.to_owned())).unwrap();
        let waits: Vec<String> = said.borrow().iter().filter(|l| l.starts_with("waiting")).cloned().collect();
        assert_eq!(waits, ["waiting for apt-get (process 4087), which fetches package lists"], "once");
    }
}
