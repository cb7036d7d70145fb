//! `--root DIR` with every verb: what only a running host has is refused, and nothing of the host is asked or touched.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]

mod common;

use clap::Parser;
use common::Tree;
use piback::cli::reach::Reach;
use piback::cli::{Cli, Command as Verb};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

/// For every verb, how it is typed; `CARD` and `DRIVE` stand for folders, `DEVICE` for a block device.
const FILES: &[&str] = &[
    "init --country US --yes",
    "plan",
    "apply --yes",
    "confirm",
    "rollback",
    "render X",
    "status",
    "boot",
    "settle",
    "drift",
    "doctor",
    "attach",
    "cancel",
    "schema",
    "web --source CARD --dest DRIVE",
    "control --socket X --source CARD --dest DRIVE",
    "qr",
    "image user-data --os bookworm",
    "completions bash",
    "man",
];
const HOST: &[&str] = &[
    "cards",
    "enroll PHOTOS --yes",
    "eject SD",
    "eject --all",
    "poweroff",
    "volume mount sda1",
    "volume unmount sda1",
    "volume all",
    "volume backup sda1",
    "control",
    "job 0123456789abcdef",
    "uplink",
    "uplink scan",
    "uplink join Hotel",
    "uplink forget Hotel",
    "web --appliance",
    "pair",
    "pair --list",
    "set-time @0",
];
const FOLDERS: &[&str] = &[
    "backup SD --source CARD --dest DRIVE",
    "verify SD --dest DRIVE",
    "verify SD --dest DRIVE --repair --source CARD",
    "safe-to-format SD --source CARD --dest DRIVE",
    "scrub --dest DRIVE",
    "send far --dest DRIVE --folder x --config X",
];
/// The same verbs without a folder for each of what they need, or with a device in its place.
const DEVICES: &[&str] = &[
    "backup SD",
    "backup SD --foreground",
    "backup SD --source CARD",
    "backup SD --dest DRIVE",
    "backup SD --source DEVICE --dest DRIVE",
    "verify SD",
    "verify SD --repair --dest DRIVE --source DEVICE",
    "safe-to-format SD",
    "safe-to-format SD --source DEVICE --dest DRIVE",
    "scrub",
    "scrub --if-plugged",
    "send",
    "send far",
    "send --auto",
];

fn first(line: &str) -> &str {
    line.split(' ').next().unwrap()
}

#[test]
fn every_verb_has_its_place_in_these_lists() {
    for verb in Verb::VERBS {
        let of = |lists: &[&[&str]]| lists.iter().any(|list| list.iter().any(|line| first(line) == verb));
        assert!(of(&[FILES, HOST, FOLDERS]), "{verb}: does it work on a tree?");
        assert_eq!(of(&[FOLDERS]), of(&[DEVICES]), "{verb} without folders");
    }
    for (list, reach) in [(FILES, "files"), (HOST, "host"), (FOLDERS, "folders"), (DEVICES, "devices")] {
        for line in list {
            let cli = Cli::try_parse_from(["piback"].into_iter().chain(line.split(' '))).unwrap();
            let found = match cli.command.reach() {
                Reach::Files => "files",
                Reach::Host => "host",
                Reach::Folders { all: true, .. } if !line.contains("DEVICE") => "folders",
                Reach::Folders { .. } => "devices",
            };
            assert_eq!(found, reach, "{line}");
        }
    }
}

/// A tree, folders, and programs that leave a note when they are called.
struct Watched {
    tree: Tree,
    device: Option<String>,
    /// The user to run as; this one where there is none.
    user: Option<u32>,
}

impl Watched {
    /// `None`, said aloud, where there is no view of one's own to be had.
    fn new() -> Option<Self> {
        let can = Command::new("unshare").args(["--mount", "true"]).status();
        if !can.is_ok_and(|status| status.success()) {
            assert!(
                std::env::var_os("CI").is_none(),
                "not tested: no mount namespaces here (they need root)"
            );
            eprintln!("SKIPPED: no mount namespaces here (they need root)");
            return None;
        }
        let tree = Tree::new();
        tree.init("travel");
        for dir in ["bin", "card/DCIM", "drive"] {
            std::fs::create_dir_all(tree.dir.path().join(dir)).unwrap();
        }
        let called = tree.dir.path().join("called");
        for tool in [
            "sudo",
            "mount",
            "umount",
            "lsblk",
            "systemctl",
            "nmcli",
            "iw",
            "ip",
            "rclone",
            "wall",
            "udevadm",
            "smartctl",
            "blkid",
            "dmesg",
            "vcgencmd",
        ] {
            let at = tree.dir.path().join("bin").join(tool);
            std::fs::write(&at, format!("#!/bin/sh\necho \"{tool} $*\" >>{}\nexit 0\n", called.display()))
                .unwrap();
            std::fs::set_permissions(&at, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let devices = std::fs::read_dir("/dev").unwrap().filter_map(Result::ok);
        let is_block = |e: &std::fs::DirEntry| {
            e.file_type().is_ok_and(|kind| std::os::unix::fs::FileTypeExt::is_block_device(&kind))
        };
        let device = devices.filter(is_block).map(|e| e.path().to_str().unwrap().to_owned()).next();
        Some(Watched { tree, device, user: None })
    }

    /// In a view of its own, where the programs lie that are found before the system's.
    fn command(&self) -> Command {
        let own = std::path::Path::new(env!("CARGO_BIN_EXE_piback"));
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-ec"]);
        command.arg("mount --bind \"$0\" /usr/local/sbin; exec \"$@\"").arg(self.tree.dir.path().join("bin"));
        match self.user {
            None => command.arg(own),
            Some(user) => {
                // Where the build lies is not for everybody.
                let copy = self.tree.dir.path().join("piback");
                std::fs::copy(own, &copy).unwrap();
                command.args(["setpriv", "--reuid", &user.to_string(), "--clear-groups"]).arg(copy)
            }
        };
        command
    }

    /// Exit code, what was said, and the programs that were called.
    fn run(&self, line: &str) -> (i32, String, String) {
        let at = |name: &str| self.tree.dir.path().join(name).to_str().unwrap().to_owned();
        let words = line.split(' ').map(|word| match word {
            "CARD" => at("card"),
            "DRIVE" => at("drive"),
            "DEVICE" => self.device.clone().unwrap_or_default(),
            word => word.to_owned(),
        });
        let output = self
            .command()
            .arg("--root")
            .arg(self.tree.root())
            .args(words)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let called = std::fs::read_to_string(at("called")).unwrap_or_default();
        (output.status.code().unwrap(), said, called)
    }
}

#[test]
fn what_only_a_host_has_is_refused_on_a_tree_and_nothing_is_asked_of_the_host() {
    let Some(watched) = Watched::new() else { return };
    let before = watched.tree.snapshot();
    let mounts = || std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mounted = mounts();
    for line in HOST.iter().chain(DEVICES) {
        if line.contains("DEVICE") && watched.device.is_none() {
            continue;
        }
        let (code, said, called) = watched.run(line);
        assert_eq!(code, 64, "{line}: {said}");
        assert!(
            said.contains("--root names a tree of files") && said.contains("leave --root out"),
            "{line}: {said}"
        );
        assert_eq!(called, "", "{line}");
    }
    assert!(watched.tree.snapshot().untouched(&before));
    assert_eq!(mounts(), mounted);
}

/// Another's tree is no reason to become root on this host.
#[test]
fn on_a_tree_sudo_is_not_asked_for() {
    let Some(mut watched) = Watched::new() else { return };
    let (dir, nobody) = (watched.tree.dir.path().to_owned(), 65534);
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o777)).unwrap();
    watched.user = Some(nobody);
    let (code, said, called) = watched.run("qr");
    assert_eq!((code, called.as_str()), (1, ""), "{said}");
    assert!(said.contains("only root can read the passphrase"), "{said}");
}

/// The others do without the host's programs too.
#[test]
fn on_a_tree_no_verb_calls_a_program_of_the_host() {
    let Some(watched) = Watched::new() else { return };
    let serves = ["web", "control", "boot"];
    for line in FILES.iter().chain(FOLDERS).filter(|line| !serves.contains(&first(line))) {
        // rclone is what it is asked for.
        if first(line) == "send" {
            continue;
        }
        let (_, said, called) = watched.run(line);
        assert!(!said.contains("names a tree of files"), "{line}: {said}");
        assert_eq!(called, "", "{line}: {said}");
    }
}
