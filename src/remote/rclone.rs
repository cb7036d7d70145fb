//! rclone's command lines. Never `sync`, never a verb that deletes; on a set-up host rclone runs as a user of its own that sees
//! the drive read-only and nothing else.

use crate::backup::offers::Sum;
use crate::paths::{self, CONTROL};
use crate::provision::components::send;
use crate::system::process;
use crate::system::run::Tool;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A tool that says nothing for so long hangs: rclone tells of its progress every second.
const SILENCE: Duration = Duration::from_secs(300);

/// The number of the next unit of this process.
static UNITS: AtomicU32 = AtomicU32::new(1);

/// The drive's place, as rclone in its sandbox sees it.
const DRIVE: &str = "/mnt/drive";

/// With both flags a file that is there is refused, whatever it holds; with the first alone, one of the same length is taken
/// for the same where the remote has neither hashes nor times. Neither has a meaning for `copyto` and `moveto` before rclone
/// 1.75 (its issue 4921): there the name is asked for at the last moment.
const NEVER_OVER: [&str; 2] = ["--immutable", "--ignore-times"];

/// Words every second, so that silence means something.
const TELLS: [&str; 4] = ["--stats", "1s", "--stats-log-level", "NOTICE"];

/// rclone on one remote.
#[derive(Debug, Clone)]
pub struct Rclone {
    /// rclone's own configuration.
    pub config: PathBuf,
    /// The drive's folder.
    pub drive: PathBuf,
    /// `NAME:FOLDER`
    pub to: String,
    /// rclone's `--bwlimit`.
    pub limit: Option<String>,
    pub sandbox: Sandbox,
}

/// The rights that rclone gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sandbox {
    /// The caller's: for plain folders.
    None,
    /// A user of its own, for this one command, by systemd.
    Unit,
}

impl Rclone {
    /// Lists the remotes of the configuration, and the kind of each.
    #[must_use]
    pub fn kinds(&self) -> Tool {
        self.tool(["listremotes", "--long"].map(OsString::from).into(), Vec::new())
    }

    /// Asks for the remote's abilities.
    #[must_use]
    pub fn features(&self) -> Tool {
        let place = format!("{}:", self.remote());
        self.tool(["backend", "features"].map(OsString::from).into(), vec![place.into()])
    }

    /// Lists those of `names` (lines) that are below `folder` there. Each is asked for: in a list of the folder one that the
    /// remote spells in another way would not be found.
    #[must_use]
    pub fn list(&self, folder: Option<&str>, names: Vec<u8>, sum: Option<Sum>) -> Tool {
        let mut flags = listing(sum);
        flags.extend(["--no-traverse", "--files-from-raw", "-"].map(Into::into));
        self.tool(flags, vec![self.below(folder)]).stdin(names)
    }

    /// Lists all that is there.
    #[must_use]
    pub fn list_all(&self, sum: Option<Sum>) -> Tool {
        self.tool(listing(sum), vec![self.below(None)])
    }

    /// Copies the drive's files of these names (lines) to `folder` there, one after the other. With `final_names` a file that
    /// is there is never written to.
    #[must_use]
    pub fn copy(&self, folder: Option<&str>, names: Vec<u8>, final_names: bool) -> Tool {
        let mut flags = self.copying(final_names);
        flags.insert(0, "copy".into());
        flags.extend(["--no-traverse", "--files-from-raw", "-"].map(Into::into));
        self.tool(flags, vec![self.drive_as_seen().into(), self.below(folder)]).stdin(names)
    }

    /// Copies one of the drive's files to a name there.
    #[must_use]
    pub fn copy_one(&self, place: &[u8], name: &str, final_name: bool) -> Tool {
        let mut flags = self.copying(final_name);
        flags.insert(0, "copyto".into());
        let mut from = OsString::from(self.drive_as_seen()).into_vec();
        from.push(b'/');
        from.extend_from_slice(place);
        self.tool(flags, vec![OsString::from_vec(from), self.below(Some(name))])
    }

    /// Gives what has arrived in `from` its final place in `folder`, both of the remote's folder and neither within the other;
    /// a file that is there is never replaced.
    #[must_use]
    pub fn publish(&self, from: &str, folder: &str, names: Vec<u8>) -> Tool {
        let flags = ["move", "--transfers", "1", "--no-traverse", "--delete-empty-src-dirs"];
        let list = ["--files-from-raw", "-"];
        let flags =
            flags.into_iter().chain(NEVER_OVER).chain(TELLS).chain(list).map(OsString::from).collect();
        self.tool(flags, vec![self.below(Some(from)), self.below(Some(folder))]).stdin(names)
    }

    /// Fetches a file again.
    #[must_use]
    pub fn fetch(&self, name: &str) -> Tool {
        self.tool(vec!["cat".into()], vec![self.below(Some(name))])
    }

    /// The remote's name in rclone's configuration.
    #[must_use]
    pub fn remote(&self) -> &str {
        self.to.split_once(':').map_or(&self.to, |(remote, _)| remote)
    }

    fn copying(&self, final_names: bool) -> Vec<OsString> {
        // On its way, what a run before left there is written again as a whole; a final name never.
        let over: &[&str] = if final_names { &NEVER_OVER } else { &["--ignore-times"] };
        let flags = ["--transfers", "1", "--checkers", "1"].into_iter().chain(TELLS);
        let mut flags: Vec<OsString> = flags.chain(over.iter().copied()).map(OsString::from).collect();
        if let Some(limit) = &self.limit {
            flags.extend(["--bwlimit".into(), limit.into()]);
        }
        flags
    }

    fn below(&self, name: Option<&str>) -> OsString {
        match name {
            Some(name) => format!("{}/{name}", self.to).into(),
            None => self.to.clone().into(),
        }
    }

    fn drive_as_seen(&self) -> &Path {
        match self.sandbox {
            Sandbox::None => &self.drive,
            Sandbox::Unit => Path::new(DRIVE),
        }
    }

    fn tool(&self, flags: Vec<OsString>, places: Vec<OsString>) -> Tool {
        const ALWAYS: [&str; 12] = [
            "--use-json-log",
            "--log-level",
            "NOTICE",
            "--contimeout",
            "15s",
            "--timeout",
            "1m",
            "--low-level-retries",
            "3",
            "--retries",
            "1",
            "--ask-password=false",
        ];
        let inner = |config: OsString| {
            let config = [OsString::from("--config"), config];
            let always = ALWAYS.map(OsString::from);
            // What follows `--` is a place, whatever it begins with.
            flags.into_iter().chain(config).chain(always).chain(["--".into()]).chain(places)
        };
        let tool = match self.sandbox {
            Sandbox::None => {
                let tool = Tool::new("rclone").args(inner(self.config.clone().into()));
                tool.env("HOME", "/nonexistent")
            }
            Sandbox::Unit => {
                // systemd puts variables in: a dollar of a name is written twice (systemd.service(5), "Command lines").
                let doubled = |arg: OsString| {
                    let bytes =
                        arg.as_bytes().iter().flat_map(|b| if *b == b'$' { vec![b'$'; 2] } else { vec![*b] });
                    OsString::from_vec(bytes.collect())
                };
                let mut args: Vec<OsString> = inner(OsString::new()).map(doubled).collect();
                if let Some(config) =
                    args.iter().position(|arg| arg == "--config").and_then(|at| args.get_mut(at + 1))
                {
                    *config = "${CREDENTIALS_DIRECTORY}/rclone.conf".into();
                }
                let unit = send::unit_of_rclone(
                    &process::invocation(),
                    process::pid(),
                    UNITS.fetch_add(1, Ordering::Relaxed),
                );
                let run = Tool::new("systemd-run").arg(format!("--unit={unit}")).args(self.properties());
                // Whoever ends systemd-run ends no more than its waiting.
                let end = Tool::new("systemctl").args(["stop", &unit]);
                run.arg("--").arg("rclone").args(args).ended_by(end)
            }
        };
        tool.deadline(SILENCE)
    }

    /// A sandbox for one rclone: a user that exists as long as it runs, the network, the drive to read, nothing else.
    fn properties(&self) -> Vec<OsString> {
        let quoted = |path: &Path| {
            let text = path.as_os_str().as_bytes().iter().flat_map(|b| match b {
                b'"' | b'\\' | b':' => vec![b'\\', *b],
                b => vec![*b],
            });
            OsString::from_vec([b"\"".to_vec(), text.collect(), b"\"".to_vec()].concat())
        };
        let with = |name: &str, value: &OsStr| {
            let mut property = OsString::from(format!("--property={name}="));
            property.push(value);
            property
        };
        let mut drive = quoted(&self.drive);
        drive.push(format!(":{DRIVE}"));
        let mut config = OsString::from("rclone.conf:");
        config.push(&self.config);
        let mut all: Vec<OsString> =
            ["--pipe", "--wait", "--collect", "--quiet", "--service-type=exec"].map(Into::into).into();
        all.extend([with("LoadCredential", &config), with("BindReadOnlyPaths", &drive)]);
        let hidden = format!("-/etc/piback -{} -{CONTROL}", paths::STATE);
        for (name, value) in [
            ("InaccessiblePaths", hidden.as_str()),
            ("DynamicUser", "yes"),
            ("CapabilityBoundingSet", ""),
            ("TemporaryFileSystem", "/mnt:ro /media:ro /srv:ro"),
            ("ProtectSystem", "strict"),
            ("ProtectHome", "yes"),
            ("PrivateTmp", "yes"),
            ("PrivateDevices", "yes"),
            ("ProtectKernelTunables", "yes"),
            ("ProtectKernelModules", "yes"),
            ("ProtectControlGroups", "yes"),
            ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX AF_NETLINK"),
            ("NoNewPrivileges", "yes"),
            ("IOSchedulingClass", "idle"),
            ("Nice", "19"),
            ("KillSignal", "SIGINT"),
            ("TimeoutStopSec", "10s"),
            ("Environment", "HOME=/tmp"),
        ] {
            all.push(with(name, OsStr::new(value)));
        }
        all
    }
}

fn listing(sum: Option<Sum>) -> Vec<OsString> {
    let flags = ["lsjson", "-R", "--files-only", "--no-modtime", "--no-mimetype"];
    let mut flags: Vec<OsString> = flags.into_iter().chain(TELLS).map(Into::into).collect();
    if let Some(sum) = sum {
        flags.extend(["--hash".into(), "--hash-type".into(), sum.name().into()]);
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rclone(sandbox: Sandbox) -> Rclone {
        Rclone {
            config: "/etc/piback/secrets/rclone.conf".into(),
            drive: "/media/piback/MY DRIVE".into(),
            to: "home:photos".into(),
            limit: Some("500k".into()),
            sandbox,
        }
    }

    #[test]
    fn nothing_is_ever_synced_or_deleted() {
        let rclone = rclone(Sandbox::None);
        let names = || b"a\n".to_vec();
        for tool in [
            rclone.features(),
            rclone.list_all(None),
            rclone.list(None, names(), Some(Sum::Md5)),
            rclone.copy(Some("x"), names(), false),
            rclone.copy_one(b"a", "b", true),
            rclone.publish("x/A", "A", names()),
            rclone.kinds(),
            rclone.fetch("a"),
        ] {
            let verb = tool.args[0].to_string_lossy().into_owned();
            assert!(
                ["backend", "listremotes", "lsjson", "copy", "copyto", "move", "cat"]
                    .contains(&verb.as_str()),
                "{verb}"
            );
            // Whatever moves, moves from the folder of what is on its way.
            let from = tool.args.iter().position(|arg| arg == "--").and_then(|at| tool.args.get(at + 1));
            let from = from.cloned().unwrap_or_default();
            assert!(
                !verb.starts_with("move") || from.to_string_lossy().starts_with("home:photos/x"),
                "{from:?}"
            );
            let refuses = NEVER_OVER.iter().all(|flag| tool.args.iter().any(|arg| arg == flag));
            assert!(!verb.starts_with("move") || refuses);
        }
        assert!(rclone.copy_one(b"a", "b", true).args.iter().any(|arg| arg == "--immutable"));
    }

    #[test]
    fn in_its_sandbox_it_sees_the_drive_and_no_variable_but_its_own() {
        let tool = rclone(Sandbox::Unit).copy_one(b"A/$HOME.jpg", "A/$HOME.jpg", true);
        let args: Vec<String> = tool.args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
        assert_eq!(tool.program, "systemd-run");
        for wanted in [
            "--property=BindReadOnlyPaths=\"/media/piback/MY DRIVE\":/mnt/drive",
            "--property=LoadCredential=rclone.conf:/etc/piback/secrets/rclone.conf",
            "--property=DynamicUser=yes",
            "${CREDENTIALS_DIRECTORY}/rclone.conf",
            "/mnt/drive/A/$$HOME.jpg",
            "home:photos/A/$$HOME.jpg",
        ] {
            assert!(args.iter().any(|arg| arg == wanted), "{wanted}: {args:?}");
        }
    }
}
