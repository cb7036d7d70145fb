//! The crash matrix of a live host: the power goes at every single step, change or tool. Every k, no sample. The boot unit
//! then settles it, and the boot goes on.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]

mod common;
#[path = "common/pi.rs"]
mod pi;

use common::Tree;
use pi::{Pi, STACKS, by_hand, fresh_on, pi_on, window};
use piback::provision::apply::{self, Recovered};
use piback::system::fake::{Event, Fault, Noted};
use std::collections::BTreeMap;

/// Power goes at each change and each tool; the boot unit settles it without anyone, all old or all new.
#[test]
fn the_boot_unit_settles_a_power_cut_at_every_step() {
    for stack in STACKS {
        let start = || pi_on(stack, fresh_on(stack), Tree::new());
        let whole = start();
        let old = whole.files();
        whole.host.arm(usize::MAX, Fault::Die);
        whole.apply(6, None).unwrap();
        let (new, steps) = (whole.files(), whole.host.steps());
        let mut outcomes = BTreeMap::new();
        for k in 1..=steps {
            let at = format!("{stack} at {k}");
            let pi = start();
            pi.host.arm(k, Fault::Die);
            assert!(pi.apply(6, None).is_err() || pi.host.is_dead(), "{at}");
            pi.power_cut();
            pi.host.arm(usize::MAX, Fault::Die);
            let settled = apply::settle(&pi.host, true).unwrap_or_else(|e| panic!("{at}: {e:#}"));
            let now = pi.files();
            assert!(now == old || now == new, "{at}: neither old nor new after {settled:?}");
            pi.boot_goes_on();
            if now == old {
                assert_eq!((pi.model.borrow().chains, pi.ip_forward().as_str()), (false, "0"), "{at}");
            } else {
                assert!(pi.model.borrow().chains, "{at}");
            }
            *outcomes.entry(format!("{settled:?}")).or_insert(0) += 1;
            pi.apply(6, None).unwrap();
            assert_eq!(pi.files(), new, "after {at}");
            assert!(pi.model.borrow().units["hostapd.service"].active, "after {at}");
            assert!(pi.model.borrow().chains, "after {at}");
        }
        assert!(outcomes["Undone"] > 10 && outcomes["Finished"] > 3, "{stack}: {outcomes:?}");
        println!("{stack}: killed at {steps} steps, every one: {outcomes:?}");
    }
}

/// The power goes while an apply that failed is being put back: it goes on being put back.
#[test]
fn killed_at_every_step_of_an_undo_it_is_undone_all_the_same() {
    for stack in STACKS {
        let failing = || {
            let pi = pi_on(stack, fresh_on(stack), Tree::new());
            pi.model.borrow_mut().broken = Some("hostapd.service");
            pi
        };
        let whole = failing();
        let old = whole.files();
        whole.host.arm(usize::MAX, Fault::Die);
        assert!(whole.apply(6, None).is_err());
        for k in 1..=whole.host.steps() {
            let at = format!("{stack} at {k}");
            let pi = failing();
            pi.host.arm(k, Fault::Die);
            assert!(pi.apply(6, None).is_err());
            pi.power_cut();
            pi.host.arm(usize::MAX, Fault::Die);
            let settled = apply::settle(&pi.host, true).unwrap_or_else(|e| panic!("{at}: {e:#}"));
            let now = pi.files();
            match settled {
                Recovered::Finished => assert_ne!(now, old, "{at}"),
                _ => assert_eq!(now, old, "{at}: {settled:?}"),
            }
            assert!(!pi.tree.path("/var/lib/piback/journal").exists(), "{at}");
        }
    }
}

/// Any step may fail, a change as on a full disk or a tool: then all of it is there, or nothing, and the exit code says
/// which. What is said to be back is looked at: files, units and kernel.
#[test]
fn failing_at_every_step_all_of_it_comes_back_at_once() {
    for stack in STACKS {
        let whole = by_hand(stack);
        let (old, world) = (whole.files(), whole.world());
        whole.host.arm(usize::MAX, Fault::Fail);
        whole.apply(6, window()).unwrap();
        let (new, steps) = (whole.files(), whole.host.steps());
        let mut codes = BTreeMap::new();
        for k in 1..=steps {
            let at = format!("{stack} at {k}");
            let pi = by_hand(stack);
            pi.host.arm(k, Fault::Fail);
            let ended = pi.apply(6, window());
            let code = ended.as_ref().err().map_or(0, piback::error::exit_code);
            *codes.entry(code).or_insert(0) += 1;
            let why = || format!("{at}: {:?} {:#?}", ended, pi.host.take_tools());
            match code {
                0 => assert!(pi.files() == new && pi.model.borrow().chains, "{}", why()),
                1 if pi.files() == new => {}
                1 | 3 => {
                    assert!(pi.files() == old, "{}", why());
                    assert_eq!(pi.world(), world, "{}", why());
                    assert!(!pi.tree.path("/var/lib/piback/journal").exists(), "{}", why());
                }
                other => panic!("{at}: {other} {ended:?}"),
            }
        }
        println!("{stack}: failed at {steps} steps, every one; exit codes {codes:?}");
    }
}

/// Any step of an undo may fail: what remains is said, and the next undo finishes it. Nothing is called back that is not.
#[test]
fn failing_at_every_step_of_an_undo_what_remains_is_said() {
    for stack in STACKS {
        let failing = || {
            let pi = by_hand(stack);
            pi.model.borrow_mut().refuses = Some("channel=6");
            pi
        };
        let whole = failing();
        let (old, world) = (whole.files(), whole.world());
        whole.host.arm(usize::MAX, Fault::Fail);
        assert!(whole.apply(6, None).is_err());
        let steps = whole.host.steps();
        let first = steps - undoing_steps(&whole);
        let mut codes = BTreeMap::new();
        for k in first..=steps {
            let at = format!("{stack} at {k}");
            let pi = failing();
            pi.host.arm(k, Fault::Fail);
            let error = pi.apply(6, None).unwrap_err();
            let code = piback::error::exit_code(&error);
            *codes.entry(code).or_insert(0) += 1;
            let said = format!("{at}: {error:#} {:#?}", piback::error::hints(&error));
            pi.host.arm(usize::MAX, Fault::Fail);
            if code == 4 {
                let _ = apply::roll_back_open(&pi.host).unwrap_or_else(|e| panic!("{said}, then {e:#}"));
            }
            assert_eq!(pi.world(), world, "{said}");
            assert!(pi.files() == old, "{said}");
            assert!(!pi.tree.path("/var/lib/piback/journal").exists(), "{said}");
        }
        println!("{stack}: failed at {} steps of an undo; exit codes {codes:?}", steps - first + 1);
    }
}

/// How many of the last steps came after the journal said that it is being undone.
fn undoing_steps(pi: &Pi) -> usize {
    let log = pi.host.take_log();
    let undoing = |noted: &Noted| match &noted.event {
        Event::Write { path, file } if path.ends_with("/intent.json") => {
            String::from_utf8_lossy(&file.bytes).contains("\"phase\": \"undoing\"")
        }
        _ => false,
    };
    let counts = |noted: &&Noted| !matches!(noted.event, Event::Wait(_) | Event::Said(_));
    log.iter().skip_while(|noted| !undoing(noted)).filter(counts).count()
}
