//! A live host, its tools played by a small model of systemd, dpkg and Samba: which commands run, in which order, and
//! what comes back when one of them fails. The lab runs the real ones.
#![allow(clippy::disallowed_methods)]

mod common;
#[path = "common/pi.rs"]
mod pi;

use common::Tree;
use pi::{Pi, STACKS, Unit, answer, fresh, fresh_on, pi, pi_on, profile, runs, window, writes};
use piback::doctor::{self, Finding, Level, Subject};
use piback::error::exit_code;
use piback::provision::apply::{self, Options, Recovered};
use piback::provision::components;
use piback::provision::desired::expected::Expected;
use piback::provision::host::systemd;
use piback::provision::plan;
use piback::provision::resources::unit::change;
use piback::provision::state::State;
use piback::system::fake::{FakeHost, Fault};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

/// What one check of the doctor's finds.
fn doctor_finds(pi: &Pi, check: &str) -> Finding {
    let patient =
        Subject { host: &pi.host, profile: None, facts: None, drives: None, health: None, lan: None };
    doctor::CHECKS.iter().find(|c| c.name == check).unwrap().look(&patient)
}

#[test]
fn a_fresh_pi_gets_config_before_packages_and_units_in_order() {
    let pi = pi(fresh());
    let (plan, ..) = pi.plan(6);
    assert_eq!(
        plan.packages.join(" "),
        "hostapd dnsmasq iw rfkill ntfs-3g samba samba-common-bin",
        "iptables is there"
    );
    pi.apply(6, None).unwrap();
    let tools = pi.host.take_tools();
    let at = |start: &str| {
        tools.iter().position(|t| t.starts_with(start)).unwrap_or_else(|| panic!("no {start}: {tools:#?}"))
    };
    assert!(
        at("apt-get") < at("useradd")
            && at("useradd") < at("smbpasswd")
            && at("smbpasswd") < at("systemctl daemon-reload")
    );
    let reloads = tools.iter().filter(|t| t.contains("daemon-reload")).count();
    assert_eq!(reloads, 1, "each takes seconds on a small Pi: {tools:#?}");
    assert!(at("systemctl daemon-reload") < at("systemctl restart piback-nat.service"));
    assert!(at("systemctl reload NetworkManager.service") < at("systemctl restart hostapd.service"));
    assert!(
        !tools.iter().any(|t| t.contains("restart NetworkManager") || t.contains("share-password-1")),
        "{tools:#?}"
    );
    assert_eq!(pi.model.borrow().units["hostapd.service"], Unit { file: "enabled", active: true });

    // Again: nothing, not even a daemon-reload.
    let before = pi.tree.snapshot();
    pi.tree.write("/etc/passwd", "root:x:0:0::/:/bin/sh\npiback:x:999:999::/nonexistent:/usr/sbin/nologin\n");
    pi.tree.write("/srv/piback/x", "");
    pi.tree.write("/media/piback/x", "");
    let (plan, ..) = pi.plan(6);
    assert!(plan.is_empty(), "{:?} {:?}", plan.units, plan.accounts);
    pi.apply(6, None).unwrap();
    assert_eq!(pi.systemctl(), Vec::<String>::new());
    assert_eq!(
        pi.tree.snapshot().without(&["/etc/passwd", "/srv", "/media"]),
        before.without(&["/etc/passwd", "/srv", "/media"])
    );

    // Only what changed is restarted.
    pi.apply(11, None).unwrap();
    assert_eq!(pi.systemctl(), ["daemon-reload", "restart hostapd.service"]);
}

#[test]
fn a_masked_unit_is_unmasked_and_a_stopped_one_is_started() {
    let pi = pi(fresh());
    pi.apply(6, None).unwrap();
    pi.model.borrow_mut().units.insert("hostapd.service".into(), Unit { file: "masked", active: false });
    pi.model.borrow_mut().units.insert("dnsmasq.service".into(), Unit { file: "enabled", active: false });
    pi.apply(6, None).unwrap();
    assert_eq!(
        pi.systemctl(),
        [
            "--no-reload unmask hostapd.service",
            "--no-reload enable hostapd.service",
            "daemon-reload",
            "start hostapd.service",
            "start dnsmasq.service"
        ]
    );
}

#[test]
fn a_unit_that_fails_brings_files_units_and_kernel_back() {
    let pi = pi(fresh());
    let (files, units) = (pi.files(), pi.model.borrow().units.clone());
    pi.model.borrow_mut().broken = Some("hostapd.service");
    let error = pi.apply(6, None).unwrap_err();
    assert_eq!(exit_code(&error), 3, "{error:#}");
    assert!(format!("{error:#}").contains("Could not set channel"), "what hostapd said: {error:#}");
    assert_eq!(pi.files(), files);
    let tools = pi.host.take_tools();
    assert!(tools.contains(&"sysctl -q -w net.ipv4.ip_forward=0".to_owned()), "{tools:#?}");
    let stop =
        tools.iter().position(|t| t.starts_with("systemctl stop ") && t.contains("piback-nat")).unwrap();
    assert!(
        stop < tools.iter().rposition(|t| t == "systemctl daemon-reload").unwrap(),
        "stopped while its file was there"
    );
    for (name, unit) in &units {
        assert_eq!(pi.model.borrow().units[name], *unit, "{name}");
    }
    assert!(!pi.model.borrow().units["piback-nat.service"].active);

    // The next apply owes everything, and does it.
    pi.model.borrow_mut().broken = None;
    pi.apply(6, None).unwrap();
    assert!(pi.systemctl().contains(&"restart hostapd.service".to_owned()));

    // A changed apply that fails gives the old access point back, running.
    pi.model.borrow_mut().broken = Some("dnsmasq.service");
    let files = pi.files();
    let unit = pi.model.borrow().units["hostapd.service"].clone();
    let (mut plan, state, desired) = pi.plan(11);
    plan.units.iter_mut().for_each(|u| assert_eq!(u.name, "hostapd.service"));
    plan.units.push(change::UnitChange {
        component: &piback::provision::components::dnsmasq::COMPONENT,
        name: "dnsmasq.service".into(),
        unmask: false,
        enable: false,
        act: change::Act::Restart,
        input: "x".into(),
        before: systemd::UnitState { load: "loaded".into(), file: "enabled".into(), active: "active".into() },
    });
    let options = Options {
        secrets: desired.secrets.as_ref(),
        share_password: None,
        expected: None,
        window: None,
        progress: &|_| {},
    };
    let error = apply::apply(&pi.host, &plan, &state, &options).unwrap_err();
    // dnsmasq can't be restarted with the old files either: said, not hidden.
    assert_eq!(exit_code(&error), 4, "{error:#}");
    assert!(piback::error::hints(&error).iter().any(|h| h.contains("restart dnsmasq.service")), "{error:?}");
    assert_eq!(pi.files(), files);
    assert_eq!(pi.model.borrow().units["hostapd.service"], unit);
}

#[test]
fn an_address_that_no_file_of_ours_gave_the_radio_comes_back() {
    let pi = pi(fresh());
    pi.model.borrow_mut().address = "192.168.1.1/24".to_owned();
    pi.model.borrow_mut().broken = Some("smbd.service");
    let error = pi.apply(6, None).unwrap_err();
    assert_eq!(exit_code(&error), 3, "{error:#}");
    assert_eq!(pi.model.borrow().address, "192.168.1.1/24");
}

#[test]
fn the_radio_loses_its_address_with_the_access_point() {
    let pi = pi(fresh());
    pi.apply(6, None).unwrap();
    pi.roll_back().unwrap();
    assert_eq!(pi.model.borrow().address, "");
}

#[test]
fn a_daemon_whose_package_is_gone_does_not_stand_in_the_way_back() {
    let pi = pi(fresh());
    let files = pi.files();
    pi.apply(6, None).unwrap();
    pi.model.borrow_mut().units.remove("hostapd.service");
    pi.roll_back().unwrap();
    assert_eq!(pi.files(), files);
    assert!(!pi.model.borrow().units["dnsmasq.service"].active);
}

#[test]
fn what_cannot_be_stopped_is_named_and_nothing_else_is() {
    let pi = pi(fresh());
    pi.model.borrow_mut().broken = Some("hostapd.service");
    pi.model.borrow_mut().stuck = Some("dnsmasq.service");
    let error = pi.apply(6, None).unwrap_err();
    assert_eq!(exit_code(&error), 4, "{error:#}");
    let hints = piback::error::hints(&error);
    let stops: Vec<&String> = hints.iter().filter(|h| h.contains("stop")).collect();
    assert!(stops.len() == 1 && stops[0].starts_with("`systemctl stop dnsmasq.service`"), "{hints:?}");
    assert!(!pi.model.borrow().units["piback-nat.service"].active, "the others are stopped all the same");
}

#[test]
fn roll_back_stops_what_piback_started_while_its_files_are_there() {
    let pi = pi(fresh());
    let files = pi.files();
    pi.apply(6, None).unwrap();
    pi.roll_back().unwrap();
    let lines = pi.systemctl();
    let at =
        |line: &str| lines.iter().position(|l| l == line).unwrap_or_else(|| panic!("no {line}: {lines:#?}"));
    // This profile names no place far away, and shows no screen.
    let not_wanted = ["piback-send.timer", "wayvnc.service"];
    let ours = components::units_of_ours().into_iter().rev().filter(|unit| !not_wanted.contains(unit));
    let ours: Vec<&str> = ours.collect();
    assert!(ours.ends_with(&["smbd.service", "dnsmasq.service", "hostapd.service", "piback-nat.service"]));
    let disable = format!("--no-reload disable --now {}", ours.join(" "));
    assert!(at(&disable) < at("daemon-reload"), "{lines:#?}");
    assert!(at("daemon-reload") < at("reload NetworkManager.service"));
    assert_eq!(pi.files(), files);
    assert!(!pi.model.borrow().units["hostapd.service"].active);
    assert!(State::read(&pi.host).unwrap().activated.keys().all(|k| k == "share-password"));
    assert!(!pi.tree.path("/etc/systemd/system/piback-settle.service").exists());
}

#[test]
fn rules_that_a_failed_start_left_are_taken_out_by_hand() {
    for runs in [true, false] {
        let pi = pi(fresh());
        pi.apply(6, None).unwrap();
        pi.model.borrow_mut().units.get_mut("piback-nat.service").unwrap().active = runs;
        pi.roll_back().unwrap();
        let tools = pi.host.take_tools();
        for rule in [
            "iptables -w -F PIBACK-INPUT",
            "ip6tables -w -F PIBACK-INPUT",
            "iptables -w -t nat -X PIBACK-POSTROUTING",
        ] {
            assert_eq!(tools.iter().any(|tool| tool == rule), !runs, "{rule}: {tools:#?}");
        }
    }
}

#[test]
fn the_way_back_needs_no_newest_record() {
    let pi = pi(fresh());
    let files = pi.files();
    pi.apply(6, None).unwrap();
    pi.tree.write("/var/lib/piback/generations/000001.json", "{");
    let (state, notes) = State::read_for_originals(&pi.host).unwrap();
    assert_eq!(notes.len(), 1);
    pi.roll_back_from(&state).unwrap();
    assert_eq!(pi.files(), files);
}

#[test]
fn rules_for_ipv6_are_looked_at_where_there_is_ipv6() {
    let pi = pi(fresh());
    pi.tree.write("/proc/net/if_inet6", "");
    pi.apply(6, None).unwrap();
    assert!(pi.host.take_tools().iter().any(|tool| tool == "ip6tables-save"));
    pi.model.borrow_mut().open_over_ipv6 = true;
    let error = pi.apply(11, None).unwrap_err();
    assert!(format!("{error:#}").contains("IPv6 firewall: the rules are not loaded"), "{error:#}");
}

#[test]
fn network_manager_does_not_take_a_radio_whose_stanza_came_back() {
    const OFF: &str = "nmcli device set wlan0 managed no";
    let by_hand = "auto lo\niface lo inet loopback\nallow-hotplug wlan0\niface wlan0 inet manual\n";
    for (interfaces, taken_off) in [(by_hand, true), ("auto lo\niface lo inet loopback\n", false)] {
        let pi = pi(fresh());
        pi.tree.write("/etc/network/interfaces", interfaces);
        pi.apply(6, None).unwrap();
        pi.roll_back().unwrap();
        let tools = pi.host.take_tools();
        let at = |line: &str| tools.iter().position(|tool| tool == line);
        assert_eq!(at(OFF).is_some(), taken_off, "{tools:#?}");
        assert!(!taken_off || at(OFF) < at("systemctl reload NetworkManager.service"), "{tools:#?}");
    }
}

#[test]
fn unconfirmed_is_undone_by_the_timer_and_confirmed_stays() {
    let pi = pi(fresh());
    let files = pi.files();
    pi.apply(6, window()).unwrap();
    let lines = pi.systemctl();
    let armed = lines.iter().position(|l| l == "restart piback-confirm.timer").unwrap();
    assert!(
        armed < lines.iter().position(|l| l.contains("piback-nat")).unwrap(),
        "armed before the first change"
    );
    assert!(pi.tree.read("/run/systemd/system/piback-confirm.timer").contains("OnActiveSec=120s"));
    assert!(
        pi.tree
            .read("/etc/systemd/system/piback-settle.service")
            .contains("ExecStart=/usr/bin/piback settle --boot")
    );
    assert_eq!(
        std::fs::read_link(pi.tree.path("/etc/systemd/system/multi-user.target.wants/piback-settle.service"))
            .unwrap()
            .to_str(),
        Some("../piback-settle.service")
    );

    // The timer goes off.
    piback::system::Host::wait(&pi.host, Duration::from_secs(121));
    assert_eq!(apply::settle(&pi.host, false).unwrap(), Recovered::Undone);
    assert_eq!(pi.files(), files);
    assert!(!pi.model.borrow().units["hostapd.service"].active);
    assert!(!pi.tree.path("/run/systemd/system/piback-confirm.timer").exists());
    assert_eq!(apply::settle(&pi.host, false).unwrap(), Recovered::Nothing, "it never fires late");

    // Confirmed: the timer finds nothing any more.
    assert_eq!(doctor_finds(&pi, "apply").level, Level::Good);
    pi.apply(6, window()).unwrap();
    let waits = doctor_finds(&pi, "apply");
    assert_eq!((waits.level, waits.found.contains("piback confirm")), (Level::Warning, true), "{waits:?}");
    assert!(apply::confirm(&pi.host).unwrap());
    let kept = pi.files();
    assert_eq!(apply::settle(&pi.host, false).unwrap(), Recovered::Nothing);
    assert_eq!(pi.files(), kept);
    assert!(!apply::confirm(&pi.host).unwrap(), "once is enough");

    // A reboot before the confirmation: undone, and no unit is waited for.
    pi.apply(11, window()).unwrap();
    pi.systemctl();
    assert_eq!(apply::settle(&pi.host, true).unwrap(), Recovered::Undone);
    assert_eq!(pi.files(), kept);
    assert!(pi.systemctl().contains(&"--no-block restart hostapd.service".to_owned()));
}

#[test]
fn a_failed_apply_disarms_the_timer() {
    let pi = pi(fresh());
    pi.model.borrow_mut().broken = Some("hostapd.service");
    assert_eq!(exit_code(&pi.apply(6, window()).unwrap_err()), 3);
    assert!(pi.systemctl().contains(&"stop piback-confirm.timer".to_owned()));
    assert!(!pi.tree.path("/run/systemd/system/piback-confirm.timer").exists());
}

/// Whatever the boot unit may put back must not have been used by then: it starts before every unit that an apply
/// enables, starts or reloads. Only sysctl comes first: an undo sets the kernel's value itself.
#[test]
fn the_boot_unit_precedes_every_daemon_of_ours() {
    for stack in STACKS {
        let pi = pi_on(stack, fresh_on(stack), Tree::new());
        pi.apply(6, window()).unwrap();
        let tools = pi.host.take_tools();
        let mut used: BTreeSet<&str> = BTreeSet::new();
        for tool in &tools {
            let words: Vec<&str> = tool.split(' ').filter(|w| !w.starts_with("--")).collect();
            match words.as_slice() {
                ["systemctl", "enable" | "start" | "restart" | "reload", units @ ..] => used.extend(units),
                ["ifup", ..] => _ = used.insert("networking.service"),
                _ => {}
            }
        }
        used.retain(|unit| !["systemd-sysctl.service", "piback-confirm.timer"].contains(unit));
        assert!(used.len() > 4, "{stack}: {used:?}");
        let boot_unit = pi.tree.read("/etc/systemd/system/piback-settle.service");
        let before: BTreeSet<&str> =
            boot_unit.lines().filter_map(|l| l.strip_prefix("Before=")).flat_map(|l| l.split(' ')).collect();
        let late: Vec<&&str> = used.difference(&before).collect();
        assert!(late.is_empty(), "{stack}: the boot unit does not come before {late:?}");
    }
}

/// systemd calls hostapd active while its radio still waits for a country: no proof.
#[test]
fn a_unit_that_is_active_without_its_radio_is_no_access_point() {
    let pi = pi(fresh());
    let files = pi.files();
    pi.model.borrow_mut().radio = "COUNTRY_UPDATE";
    let error = pi.apply(6, None).unwrap_err();
    assert_eq!(exit_code(&error), 3, "{error:#}");
    let text = format!("{error:#}");
    assert!(
        text.contains("access point: state COUNTRY_UPDATE") && text.contains("Could not set channel"),
        "{text}"
    );
    assert!(!text.contains("DNS:"), "what is up is not blamed: {text}");
    assert_eq!(pi.files(), files);
}

#[test]
fn a_first_apply_without_internet_is_undone_and_nothing_is_stuck() {
    let pi = pi(fresh());
    let (files, units) = (pi.files(), pi.model.borrow().units.clone());
    pi.model.borrow_mut().offline = true;
    let error = pi.apply(6, None).unwrap_err();
    assert_eq!(exit_code(&error), 3, "{error:#} {:?}", piback::error::hints(&error));
    assert_eq!(pi.files(), files);
    assert_eq!(pi.model.borrow().units, units);
    pi.model.borrow_mut().offline = false;
    pi.apply(6, None).unwrap();
    assert!(pi.model.borrow().units["hostapd.service"].active);
}

#[test]
fn a_timer_that_goes_off_before_the_window_began_undoes_nothing() {
    let pi = pi(fresh());
    pi.apply(6, window()).unwrap();
    let kept = pi.files();
    assert_eq!(apply::settle(&pi.host, false).unwrap(), Recovered::Nothing, "the window has just begun");
    assert_eq!(pi.files(), kept);
    piback::system::Host::wait(&pi.host, Duration::from_secs(121));
    assert_eq!(apply::settle(&pi.host, false).unwrap(), Recovered::Undone);
}

#[test]
fn daemons_that_ran_before_piback_run_after_it() {
    let mut model = fresh();
    model.packages =
        ["hostapd", "dnsmasq", "iptables", "iw", "rfkill", "ntfs-3g", "samba", "samba-common-bin"]
            .map(String::from)
            .into();
    for name in ["hostapd.service", "dnsmasq.service", "smbd.service"] {
        model.units.insert(name.into(), Unit { file: "enabled", active: true });
    }
    let pi = pi(model);
    let units = pi.model.borrow().units.clone();
    pi.apply(6, None).unwrap();
    pi.roll_back().unwrap();
    for (name, unit) in &units {
        assert_eq!(pi.model.borrow().units[name], *unit, "{name}");
    }
    assert!(pi.systemctl().contains(&"restart hostapd.service".to_owned()), "with its own file again");
}

#[test]
fn drift_on_disk_restarts_the_daemon_that_may_run_with_it() {
    let pi = pi(fresh());
    pi.apply(6, None).unwrap();
    pi.tree.write("/etc/hostapd/hostapd.conf", "ssid=drifted\n");
    pi.apply(6, None).unwrap();
    assert!(pi.systemctl().contains(&"restart hostapd.service".to_owned()));
}

/// What is carried over to a new root notes a password that this root's Samba was never given.
#[test]
fn a_new_root_is_given_the_shares_password() {
    let pi = pi(fresh());
    let asks = || pi.plan(6).0.accounts.iter().any(|a| a.text().starts_with("set the share's password"));
    pi.apply(6, None).unwrap();
    assert!(!asks(), "Samba has it");
    pi.model.borrow_mut().samba_knows = false;
    assert!(asks());
    pi.apply(6, None).unwrap();
    assert!(pi.host.take_tools().iter().any(|t| t == "smbpasswd -s -a piback"));
    assert!(!asks());
}

/// A channel that the radio refuses: the old access point is not only restarted, it is seen to serve again.
#[test]
fn undone_is_said_only_when_the_old_access_point_is_up_again() {
    let pi = pi(fresh());
    pi.apply(6, None).unwrap();
    let files = pi.files();
    pi.model.borrow_mut().refuses = Some("channel=11");
    let error = pi.apply(11, None).unwrap_err();
    assert_eq!(exit_code(&error), 3, "{error:#} {:?}", piback::error::hints(&error));
    assert_eq!(pi.files(), files);
    let tools = pi.host.take_tools();
    let back = tools.iter().rposition(|t| t == "systemctl restart hostapd.service").unwrap();
    assert!(tools[back..].iter().any(|t| t.starts_with("hostapd_cli")), "nobody looked after the undoing");

    // An access point that was down before the apply is not missed after it.
    pi.model.borrow_mut().radio = "COUNTRY_UPDATE";
    let error = pi.apply(1, None).unwrap_err();
    assert_eq!(
        exit_code(&error),
        3,
        "it was down before: nothing is missed. {:?}",
        piback::error::hints(&error)
    );
    assert_eq!(pi.files(), files);
}

#[test]
fn an_old_access_point_that_stays_down_is_no_success() {
    let pi = pi(fresh());
    pi.apply(6, None).unwrap();
    let files = pi.files();
    // With the new channel the radio's driver hangs, and the old channel does not wake it.
    let model = Rc::clone(&pi.model);
    let (plan, state, desired) = pi.plan(11);
    let expected = Expected::of(&profile(11), None);
    let hang = move |line: &str| {
        if line.starts_with("looking whether") {
            model.borrow_mut().radio = "COUNTRY_UPDATE";
        }
    };
    let secrets = desired.secrets.as_ref();
    let options =
        Options { secrets, share_password: None, expected: Some(&expected), window: None, progress: &hang };
    let error = apply::apply(&pi.host, &plan, &state, &options).unwrap_err();
    let hints = piback::error::hints(&error).join("\n");
    assert_eq!(exit_code(&error), 4, "{error:#} {hints}");
    assert!(hints.contains("access point was up before and is not now: state COUNTRY_UPDATE"), "{hints}");
    assert!(hints.contains("sudo systemctl restart hostapd.service"), "{hints}");
    assert!(!hints.contains("DNS") && !hints.contains("previous state is back"), "{hints}");
    assert_eq!(pi.files(), files);
    // Nothing is left to put back, so nothing keeps the next apply.
    assert!(!pi.tree.path("/var/lib/piback/journal").exists());
    pi.model.borrow_mut().radio = "ENABLED";
    pi.apply(11, None).unwrap();
}

/// The timer's undoing is proved as well, and its failure is the unit's.
#[test]
fn the_timers_undoing_is_proved_too() {
    let pi = pi(fresh());
    pi.apply(6, None).unwrap();
    let kept = pi.files();
    pi.apply(11, window()).unwrap();
    pi.model.borrow_mut().radio = "COUNTRY_UPDATE";
    piback::system::Host::wait(&pi.host, Duration::from_secs(121));
    let error = apply::settle(&pi.host, false).unwrap_err();
    assert_eq!(exit_code(&error), 4);
    assert!(piback::error::hints(&error).join(" ").contains("access point was up before"), "{error:?}");
    assert_eq!(pi.files(), kept);
    assert_eq!(apply::settle(&pi.host, false).unwrap(), Recovered::Nothing);

    // At boot the units' turn comes later: their state then proves nothing.
    pi.model.borrow_mut().radio = "ENABLED";
    pi.apply(11, window()).unwrap();
    pi.model.borrow_mut().radio = "COUNTRY_UPDATE";
    assert_eq!(apply::settle(&pi.host, true).unwrap(), Recovered::Undone);
    assert_eq!(pi.files(), kept);
}

/// Bytes that were kept for an undoing and are others now are put nowhere: it is said, and they stay to be looked at.
#[test]
fn a_damaged_copy_is_not_put_back() {
    let pi = pi(fresh());
    pi.tree.write("/etc/hostapd/hostapd.conf", "ssid=mine\n");
    pi.host.arm_when(Fault::Die, writes("/etc/dnsmasq.d/piback.conf"));
    pi.apply(6, None).unwrap_err();
    let holds = |text: &str| -> Vec<String> {
        let all = pi.tree.snapshot().0;
        let kept = all.iter().filter(|(path, e)| path.contains("/journal/") && e.bytes == text.as_bytes());
        kept.map(|(path, _)| path.clone()).collect()
    };
    let kept = holds("ssid=mine\n");
    assert_eq!(kept.len(), 1, "{kept:?}");
    pi.tree.write(&kept[0], "ssid=rots\n");
    let (model, root) = (Rc::clone(&pi.model), pi.tree.root());
    let host = FakeHost::live(&root.clone(), move |tool| answer(&model, &root, tool)).unwrap();
    let error = apply::recover(&host).unwrap_err();
    assert!(format!("{error:#} {:?}", piback::error::hints(&error)).contains("is damaged"), "{error:?}");
    assert_ne!(pi.tree.read("/etc/hostapd/hostapd.conf"), "ssid=rots\n");
    assert_eq!(holds("ssid=rots\n"), kept);
}

/// A way back that can't be finished is undone: what it had disabled starts at the next boot again.
#[test]
fn a_way_back_that_fails_leaves_its_units_enabled() {
    let pi = pi(fresh());
    pi.apply(6, None).unwrap();
    let enabled = |pi: &Pi| {
        let units = pi.model.borrow().units.clone();
        units.into_iter().filter(|(_, u)| u.file == "enabled").map(|(name, _)| name).collect::<Vec<_>>()
    };
    let (before, files) = (enabled(&pi), pi.files());
    pi.model.borrow_mut().stuck = Some("hostapd.service");
    let error = pi.roll_back().unwrap_err();
    assert!(matches!(exit_code(&error), 3 | 4), "{error:#}");
    assert_eq!(pi.files(), files);
    assert_eq!(enabled(&pi), before);
}

/// A generation that is gone back to has to come up, and is what the next undoing is held against.
#[test]
fn after_going_back_the_older_generation_is_what_must_come_up() {
    let pi = pi(fresh());
    pi.apply(6, None).unwrap();
    pi.apply(11, None).unwrap();
    let files = pi.files();
    let (mut desired, _) = pi.desired(6);
    desired.restored = Some(1);
    let state = State::read(&pi.host).unwrap();
    let mut plan = plan::files(&pi.host, &desired, &state).unwrap();
    plan::add_units(&pi.host, &desired, &state, &mut plan).unwrap();
    let secrets = desired.secrets.as_ref();
    let options = Options { secrets, share_password: None, expected: None, window: None, progress: &|_| {} };
    pi.model.borrow_mut().refuses = Some("channel=6");
    let error = apply::apply(&pi.host, &plan, &state, &options).unwrap_err();
    assert_eq!(exit_code(&error), 3, "{error:#}");
    assert_eq!(pi.files(), files);
    pi.model.borrow_mut().refuses = None;
    apply::apply(&pi.host, &plan, &state, &options).unwrap();
    let last = State::read(&pi.host).unwrap().last.unwrap();
    assert_eq!(last.expected, Some(Expected::of(&profile(6), None)));
}

/// What was shown is what is done: a host that moved since its plan was made is left as it is.
#[test]
fn a_plan_that_the_host_no_longer_fits_is_refused() {
    let edit = |pi: &Pi| pi.tree.write("/etc/hostapd/hostapd.conf", "ssid=edited-meanwhile\n");
    let remove = |pi: &Pi| std::fs::remove_file(pi.tree.path("/etc/hostapd/hostapd.conf")).unwrap();
    let other = |pi: &Pi| pi.apply(1, None).unwrap();
    let open = |pi: &Pi| std::fs::create_dir_all(pi.tree.path("/var/lib/piback/journal")).unwrap();
    for (moves, what) in [
        (&edit as &dyn Fn(&Pi), "/etc/hostapd/hostapd.conf has changed since the plan was made"),
        (&remove, "/etc/hostapd/hostapd.conf has changed since the plan was made"),
        (&other, "piback's record has changed since the plan was made"),
        (&open, "an apply that was cut off is open"),
    ] {
        let pi = pi(fresh());
        pi.apply(6, None).unwrap();
        let (plan, state, desired) = pi.plan(11);
        moves(&pi);
        pi.host.take_tools();
        let before = pi.tree.snapshot();
        let error = pi.carry_out(&plan, &state, desired.secrets.as_ref()).unwrap_err();
        assert_eq!(exit_code(&error), 1, "{error:#}");
        assert!(format!("{error:#}").contains(what), "{what}: {error:#}");
        assert!(pi.tree.snapshot().untouched(&before), "{what}: something was changed");
        assert_eq!(pi.host.take_tools(), Vec::<String>::new(), "{what}");
    }
}

/// A file that no unit reads starts nothing, and nothing is waited for.
#[test]
fn where_no_unit_acts_nothing_is_proved() {
    let pi = pi(fresh());
    pi.apply(6, None).unwrap();
    pi.tree.write("/etc/passwd", "root:x:0:0::/:/bin/sh\npiback:x:999:999::/nonexistent:/usr/sbin/nologin\n");
    for dir in ["/srv/piback", "/media/piback"] {
        std::fs::create_dir_all(pi.tree.path(dir)).unwrap();
    }
    let rules = pi.tree.read("/etc/udev/rules.d/99-piback-radio.rules");
    pi.tree.write("/etc/udev/rules.d/99-piback-radio.rules", "drifted\n");
    pi.apply(6, None).unwrap();
    assert_eq!(pi.tree.read("/etc/udev/rules.d/99-piback-radio.rules"), rules);
    let tools = pi.host.take_tools();
    assert!(!tools.iter().any(|t| t.starts_with("hostapd_cli") || t.starts_with("systemctl")), "{tools:#?}");
}

/// Who flushes rules, sets the kernel otherwise or takes an address away ends no unit, and changes no file.
#[test]
fn what_moved_in_the_kernel_is_planned_mended_and_then_nothing() {
    type Moves = fn(&Pi);
    let cases: [(Moves, &str, &str); 4] = [
        (
            |pi| pi.model.borrow_mut().chains = false,
            "piback-nat.service: restart",
            "firewall: the rules are not loaded",
        ),
        (
            |pi| pi.tree.write("/proc/sys/net/ipv4/ip_forward", "0\n"),
            "systemd-sysctl.service: restart",
            "forwarding: off",
        ),
        (|pi| pi.model.borrow_mut().address.clear(), "hostapd.service: restart", "address: none"),
        (
            |pi| pi.model.borrow_mut().radio = "DISABLED",
            "hostapd.service: restart",
            "access point: state DISABLED",
        ),
    ];
    for (moves, step, note) in cases {
        let pi = pi(fresh());
        pi.apply(6, None).unwrap();
        moves_nothing_any_more(&pi);
        moves(&pi);
        let (plan, ..) = pi.plan(6);
        let steps: Vec<String> = plan.units.iter().map(change::UnitChange::steps).collect();
        assert!(plan.files.is_empty() && steps.contains(&step.to_owned()), "{note}: {steps:?}");
        assert!(plan.notes.contains(&note.to_owned()), "{note}: {:?}", plan.notes);
        if note.starts_with("access point") {
            pi.model.borrow_mut().radio = "ENABLED";
            moves_nothing_any_more(&pi);
            continue;
        }
        pi.apply(6, None).unwrap();
        moves_nothing_any_more(&pi);
    }
}

fn moves_nothing_any_more(pi: &Pi) {
    let (plan, ..) = pi.plan(6);
    assert!(plan.units.is_empty() && plan.files.is_empty(), "{:?} {:?}", plan.units, plan.notes);
}

#[test]
fn the_first_user_is_put_into_the_group_and_taken_out_on_the_way_back() {
    let pi = pi(fresh());
    pi.tree.write("/etc/passwd", "root:x:0:0::/:/bin/sh\npi:x:1000:1000::/home/pi:/bin/bash\n");
    pi.tree.write("/etc/group", "root:x:0:\n");
    pi.apply(6, None).unwrap();
    let tools = pi.host.take_tools();
    let at =
        |tool: &str| tools.iter().position(|t| t == tool).unwrap_or_else(|| panic!("{tool}: {tools:#?}"));
    let joined = at("gpasswd --add pi piback");
    // The socket belongs to the group, which must be there first.
    assert!(
        at("groupadd --system --force piback") < joined
            && joined < at("systemctl restart piback-control.socket")
    );
    pi.tree.write("/etc/group", "root:x:0:\npiback:x:990:pi\n");
    assert!(pi.plan(6).0.accounts.iter().all(|change| !change.text().contains("group")));
    pi.roll_back().unwrap();
    assert!(pi.host.take_tools().iter().any(|t| t == "gpasswd --delete pi piback"));
    // One who was in it before piback stays in it.
    pi.apply(6, None).unwrap();
    pi.host.take_tools();
    pi.roll_back().unwrap();
    assert!(!pi.host.take_tools().iter().any(|t| t.starts_with("gpasswd")));
}

#[test]
fn a_power_cut_before_the_group_is_made_is_mended_by_the_boot() {
    let pi = pi(fresh());
    pi.tree.write("/etc/group", "root:x:0:\n");
    let join = "gpasswd --add pi piback";
    // An appliance that was set up when there was neither user nor group.
    pi.tree.write("/etc/passwd", "root:x:0:0::/:/bin/sh\n");
    pi.apply(6, None).unwrap();
    pi.tree.write("/etc/passwd", "root:x:0:0::/:/bin/sh\npi:x:1000:1000::/home/pi:/bin/bash\n");
    pi.host.arm_when(Fault::Die, runs(join));
    assert!(pi.apply(11, None).is_err());
    pi.power_cut();
    pi.host.arm(usize::MAX, Fault::Die);
    pi.host.take_tools();
    apply::settle(&pi.host, true).unwrap();
    let tools = pi.host.take_tools();
    let at =
        |tool: &str| tools.iter().position(|t| t == tool).unwrap_or_else(|| panic!("{tool}: {tools:#?}"));
    assert!(at("groupadd --system --force piback") < at(join), "{tools:#?}");
}

#[test]
fn a_user_in_one_of_the_group_s_two_files_is_put_into_the_other() {
    let pi = pi(fresh());
    pi.tree.write("/etc/passwd", "root:x:0:0::/:/bin/sh\npi:x:1000:1000::/home/pi:/bin/bash\n");
    pi.tree.write("/etc/group", "root:x:0:\npiback:x:990:pi\n");
    let planned =
        || pi.plan(6).0.accounts.iter().any(|change| change.text().contains("put pi into the group"));
    assert!(!planned(), "a host without a gshadow");
    for half in ["root:*::\n", "root:*::\npiback:!::\n", "root:*::\npiback:!::ann\n"] {
        pi.tree.write("/etc/gshadow", half);
        assert!(planned(), "{half}");
    }
    pi.tree.write("/etc/gshadow", "root:*::\npiback:!::ann,pi\n");
    assert!(!planned());
}

#[test]
fn a_lock_of_accounts_that_a_power_cut_left_stands_in_nobody_s_way() {
    let host = |holder: &str| {
        let pi = pi(fresh());
        pi.tree.write("/etc/passwd", "root:x:0:0::/:/bin/sh\npi:x:1000:1000::/home/pi:/bin/bash\n");
        pi.tree.write("/etc/group", "root:x:0:\n");
        pi.tree.write("/etc/group.lock", "77\0");
        pi.tree.write("/proc/77/comm", holder);
        pi
    };
    // The number is another process's now.
    let left = host("cron\n");
    left.apply(6, None).unwrap();
    let tools = left.host.take_tools();
    assert_eq!(tools.iter().filter(|t| t.starts_with("useradd ")).count(), 2, "{tools:#?}");
    assert!(!left.tree.path("/etc/group.lock").exists());
    // Somebody is at work.
    let held = host("usermod\n");
    assert!(held.apply(6, None).is_err());
    assert!(held.tree.path("/etc/group.lock").exists());
}
