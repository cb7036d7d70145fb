//! Hand-made files: whatever they hold, lines that are commented out come back to the byte, and none is made up.
#![no_main]

use libfuzzer_sys::fuzz_target;
use piback::profile::types::Uplinks;
use piback::provision::adopt::article as lines;
use piback::provision::host::iptables::Rule;
use piback::provision::text::comment_out::{MARK, back, mark, hunks, put};
use std::collections::BTreeSet;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let count = text.lines().count();
    let eth0 = Uplinks::Named(vec!["eth0".parse().expect("an interface")]);
    let known = [
        lines::dnsmasq(&text, "wlan0"),
        lines::interfaces(&text, "wlan0"),
        lines::denied(&text, "wlan0"),
        lines::rules(&text, &eth0, "wlan0"),
        lines::calls(&text).into_iter().map(|(number, _)| number).collect(),
    ];
    for numbers in &known {
        assert!(numbers.is_sorted_by(|a, b| a < b) && numbers.iter().all(|n| *n < count), "{numbers:?}");
    }
    let every_other = (0..count).step_by(2).collect();
    for aside in known.into_iter().map(BTreeSet::from_iter).chain([every_other]) {
        let marked = mark(text.as_bytes(), &aside);
        assert_eq!(mark(&marked, &aside), marked, "one mark is enough");
        assert_eq!(back(&marked), back(text.as_bytes()));
        let kept = hunks(&marked);
        let again = put(&marked, &kept);
        assert_eq!(back(&again), back(text.as_bytes()));
        assert_eq!(put(&again, &kept), again);
    }
    for line in text.lines() {
        if let Some(rule) = Rule::of_command(line) {
            let words = rule.spec.iter().chain([&rule.table, &rule.chain]);
            words.for_each(|w| piback_fuzz::assert_printable("a rule's word", w));
            assert!(!line.starts_with(MARK), "what was commented out loads nothing");
        }
    }
});
