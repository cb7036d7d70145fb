//! The crash matrix of a live host: the power goes at every single step, change or tool. Every k, no sample. The boot unit
//! then settles it, and the boot goes on.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]

mod common;
#[path = "common/pi.rs"]
mod pi;

use common::Tree;
use pi::{STACKS, fresh_on, pi_on};
use piback::provision::apply::{self, Recovered};
use piback::system::fake::Fault;
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
