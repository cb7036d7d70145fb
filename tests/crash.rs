//! The crash matrix: the host fails, or the process dies, at every single change that it makes. Every k, no sample.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]

mod common;

use common::{PASSPHRASE, Snapshot, Tree};
use piback::paths;
use piback::profile::types::Passphrase;
use piback::profile::{EMBEDDED, load};
use piback::provision::adopt;
use piback::provision::apply::{self, Options, Recovered};
use piback::provision::desired::Desired;
use piback::provision::desired::artifact::Secrets;
use piback::provision::desired::render::render;
use piback::provision::host::facts::{Facts, Stack};
use piback::provision::plan;
use piback::provision::state::State;
use piback::system::fake::{Event, FakeHost, Fault};
use std::collections::BTreeMap;

/// What a command wants of the host.
#[derive(Clone, Copy, Debug)]
enum Wish {
    Apply { stack: Stack, channel: u8 },
    RollBack,
}

fn desired(host: &FakeHost, wish: Wish) -> Desired {
    match wish {
        Wish::RollBack => Desired::original(),
        Wish::Apply { stack, channel } => {
            let text = EMBEDDED[0].1.replace("channel: 6", &format!("channel: {channel}"));
            let profile = load(&text, "travel").unwrap();
            let facts = Facts {
                os: Default::default(),
                stack,
                interfaces_d_is_read: false,
                ssh_ports: vec![22],
                installed: true,
            };
            let wifi = Passphrase::from_file_content(PASSPHRASE.as_bytes()).unwrap();
            let mut artifacts = render(&profile, &facts, wifi.hostapd_key(), &BTreeMap::new()).unwrap();
            adopt::find(host, &facts, &profile).unwrap().join(&mut artifacts);
            Desired {
                stack: Some(stack),
                stack_named: false,
                artifacts,
                radio: "wlan0".into(),
                passphrase_file: None,
                chosen: None,
                restored: None,
                secrets: Some(Secrets { wifi, screen: None }),
                made_by: "apply".into(),
            }
        }
    }
}

/// One command, from the lock to its end.
fn run(host: &FakeHost, wish: Wish) -> anyhow::Result<()> {
    let _lock = apply::lock(host)?;
    let desired = desired(host, wish);
    let state = State::read(host)?;
    let plan = plan::files(host, &desired, &state)?;
    let secrets = desired.secrets.as_ref();
    apply::apply(
        host,
        &plan,
        &state,
        &Options { secrets, share_password: None, expected: None, window: None, progress: &|_| {} },
    )
}

/// A host with a past: files of others, a link, a mode of its own, lines of a set-up by hand.
fn host_with_a_past() -> Tree {
    let tree = Tree::new();
    tree.write("/etc/dhcpcd.conf", "hostname\r\npersistent");
    tree.write("/etc/hostapd/hostapd.conf", "ssid=hand-made\n");
    tree.set_mode("/etc/hostapd/hostapd.conf", 0o640);
    tree.write("/opt/smb.conf", "[global]\nworkgroup = HOME\n");
    std::fs::create_dir_all(tree.path("/etc/samba")).unwrap();
    std::os::unix::fs::symlink("/opt/smb.conf", tree.path("/etc/samba/smb.conf")).unwrap();
    tree.write("/etc/rc.local", "#!/bin/sh -e\nsudo /home/pi/scripts/hotspot-boot.sh &\nexit 0\n");
    tree.set_mode("/etc/rc.local", 0o755);
    tree.write("/etc/network/interfaces", "iface wlan0 inet static\n    address 192.168.1.1\nauto lo");
    tree
}

/// The host's files without piback's own state.
fn files(tree: &Tree) -> Snapshot {
    tree.snapshot().without(&["/var"])
}

/// What must be true of the state: no journal, no leftovers of half-written files.
fn is_settled(tree: &Tree) {
    let all = tree.snapshot();
    let litter: Vec<&String> =
        all.0.keys().filter(|p| p.contains("/journal") || p.contains(".piback-new")).collect();
    assert!(litter.is_empty(), "left behind: {litter:?}");
}

const FIRST: Wish = Wish::Apply { stack: Stack::Ifupdown, channel: 6 };
const CHANGED: Wish = Wish::Apply { stack: Stack::Ifupdown, channel: 11 };
const UPGRADED: Wish = Wish::Apply { stack: Stack::NetworkManager, channel: 11 };

/// Every command of the matrix, with those that come before it.
const MATRIX: [(&str, &[Wish], Wish); 4] = [
    ("first apply", &[], FIRST),
    ("changed apply", &[FIRST], CHANGED),
    ("stack change", &[FIRST, CHANGED], UPGRADED),
    ("rollback", &[FIRST, CHANGED, UPGRADED], Wish::RollBack),
];

fn prepared(before: &[Wish]) -> Tree {
    let tree = host_with_a_past();
    let host = FakeHost::tree(&tree.root()).unwrap();
    before.iter().for_each(|wish| run(&host, *wish).unwrap());
    tree
}

/// The files before and after a command that nothing disturbs, and how many changes it makes.
fn undisturbed(before: &[Wish], wish: Wish) -> (Snapshot, Snapshot, usize) {
    let tree = prepared(before);
    let old = files(&tree);
    let host = FakeHost::tree(&tree.root()).unwrap();
    run(&host, wish).unwrap();
    is_settled(&tree);
    (old, files(&tree), host.steps())
}

#[test]
fn killed_at_every_change_the_tree_is_all_old_or_all_new_and_the_next_run_finishes() {
    let mut kills = 0;
    for (name, before, wish) in MATRIX {
        let (old, new, changes) = undisturbed(before, wish);
        assert_ne!(old, new, "{name}");
        for k in 1..=changes {
            let tree = prepared(before);
            let host = FakeHost::tree(&tree.root()).unwrap();
            host.arm(k, Fault::Die);
            assert!(run(&host, wish).is_err(), "{name} at {k}");
            assert!(host.is_dead());

            // The next process, on what the dead one left.
            let host = FakeHost::tree(&tree.root()).unwrap();
            let lock = apply::lock(&host).unwrap();
            let recovered = apply::recover(&host).unwrap_or_else(|e| panic!("{name} at {k}: {e:#}"));
            drop(lock);
            let now = files(&tree);
            let wanted = if recovered == Recovered::Finished { &new } else { &old };
            assert!(now == *wanted || now == new, "{name} killed at {k} is neither old nor new");
            is_settled(&tree);

            run(&host, wish).unwrap_or_else(|e| panic!("{name} after {k}: {e:#}"));
            assert_eq!(files(&tree), new, "{name} after {k}");
            let settled = tree.snapshot();
            run(&host, wish).unwrap();
            assert!(tree.snapshot().untouched(&settled), "{name} after {k}: a further run is no no-op");

            run(&host, Wish::RollBack).unwrap();
            assert_eq!(
                files(&tree),
                files(&host_with_a_past()),
                "{name} after {k}: the original is not back"
            );
            kills += 1;
        }
    }
    println!("killed at {kills} places, every one");
    assert!(kills > 100, "only {kills} places");
}

#[test]
fn failing_at_every_change_puts_everything_back_at_once() {
    let mut failures = 0;
    for (name, before, wish) in MATRIX {
        let (old, new, changes) = undisturbed(before, wish);
        for k in 1..=changes {
            let tree = prepared(before);
            let host = FakeHost::tree(&tree.root()).unwrap();
            host.arm(k, Fault::Fail);
            let result = run(&host, wish);
            let now = files(&tree);
            match &result {
                // Only cleaning up after the last step may fail with everything done.
                Ok(()) => assert_eq!(now, new, "{name} failed at {k}"),
                Err(e) if now == new => {
                    // The record is made; what is left is a journal that the next run clears away.
                    apply::recover(&host).unwrap();
                    assert_eq!(piback::error::exit_code(e), 1, "{name} at {k}: {e:#}");
                }
                Err(e) => {
                    assert_eq!(now, old, "{name} failed at {k}: {e:#}");
                    let code = piback::error::exit_code(e);
                    assert!(code == 1 || code == 3, "{name} at {k}: {code} {e:#}");
                }
            }
            is_settled(&tree);
            run(&host, wish).unwrap();
            assert_eq!(files(&tree), new, "{name} after {k}");
            failures += 1;
        }
    }
    println!("failed at {failures} places, every one");
}

/// Everything is done but the journal's end: that is neither "done", as the next command finds an apply that is open, nor "the
/// previous state is back".
#[test]
fn a_journal_that_can_t_be_removed_is_a_failure_that_says_what_is_in_force() {
    for path in [paths::INTENT.to_owned(), format!("{}/before-0", paths::JOURNAL)] {
        let (_, new, _) = undisturbed(&[], FIRST);
        let tree = prepared(&[]);
        let host = FakeHost::tree(&tree.root()).unwrap();
        let is_the_end = path.clone();
        host.arm_when(
            Fault::Fail,
            move |event| matches!(event, Event::Remove { path } if *path == is_the_end),
        );
        let e = run(&host, FIRST).unwrap_err();
        assert_eq!(piback::error::exit_code(&e), 1, "{path}: {e:#}");
        let said = format!("{e:#} {}", piback::error::hints(&e).join(" "));
        assert!(said.contains("all of it is in force") && said.contains("type: sudo piback apply"), "{said}");
        assert_eq!(files(&tree), new, "{path}");
        // Whoever is told 0 goes on, and is refused.
        let refused = run(&host, CHANGED).unwrap_err();
        assert!(format!("{refused:#}").contains("is open"), "{path}: {refused:#}");
        // The next `piback apply` recovers first.
        let was_open = path == paths::INTENT;
        let expected = if was_open { Recovered::Finished } else { Recovered::Nothing };
        assert_eq!(apply::recover(&host).unwrap(), expected, "{path}");
        is_settled(&tree);
        run(&host, FIRST).unwrap();
        assert_eq!(files(&tree), new, "{path}");
    }
}

/// A power cut can come while the last one is being recovered from.
#[test]
fn killed_while_recovering_it_recovers_all_the_same() {
    let (old, new, changes) = undisturbed(&[FIRST, CHANGED], UPGRADED);
    let mut kills = 0;
    for k in 1..=changes {
        for j in 1.. {
            let tree = prepared(&[FIRST, CHANGED]);
            let host = FakeHost::tree(&tree.root()).unwrap();
            host.arm(k, Fault::Die);
            assert!(run(&host, UPGRADED).is_err());
            let host = FakeHost::tree(&tree.root()).unwrap();
            host.arm(j, Fault::Die);
            let recovered = apply::recover(&host);
            if !host.is_dead() {
                recovered.unwrap();
                break;
            }
            kills += 1;
            let host = FakeHost::tree(&tree.root()).unwrap();
            apply::recover(&host).unwrap();
            let now = files(&tree);
            assert!(now == old || now == new, "killed at {k}, and recovering at {j}");
            is_settled(&tree);
        }
    }
    println!("killed {kills} times while recovering");
    assert!(kills > 20);
}
