//! What iw, hostapd_cli, ip, ss, iptables, rfkill, systemctl and the others print, through the probes and doctor.
//!
//! Input: pieces parted by NUL; `iw phy|TEXT` answers questions that hold `iw phy`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use piback::doctor::{self, Subject};
use piback::profile::Profile;
use piback::provision::desired::expected::Expected;
use piback::provision::desired::subnet;
use piback::provision::host::facts::{Facts, Stack};
use piback::provision::host::uplink;
use piback::provision::probe;
use piback_fuzz::{HostileHost, STACKS, assert_printable};

fuzz_target!(|data: &[u8]| {
    let host = HostileHost::new(data);
    let profile = piback_fuzz::travel();
    let expected = Expected::of(&profile, Some("192.0.2.9".into()));
    let probes = probe::look(&host, &expected);
    for probe in &probes {
        assert_printable(probe.name, &probe.found);
    }
    // Silence is no proof of anything.
    if host_is_silent(data) {
        assert!(probes.iter().all(|p| !p.ok), "{probes:?}");
    }
    let stack = STACKS[data.len() % 3];
    let facts = Facts { os: Default::default(), stack, interfaces_d_is_read: stack == Stack::Ifupdown, ssh_ports: vec![22], installed: true };
    for (name, finding) in doctor::examine(&Subject {
        host: &host,
        profile: Some(&profile),
        facts: Some(&facts),
        drives: None,
        health: None,
        lan: None,
    }) {
        assert_printable(name, &finding.found);
        assert_printable(name, finding.remedy.as_deref().unwrap_or_default());
    }
    networks(&host, &profile);
    for state in piback::provision::host::systemd::unit_states(&String::from_utf8_lossy(data)).values() {
        assert!(!(state.is_masked() && !state.is_off()));
    }
});

/// The Wi-Fi's subnet beside whatever `ip` says: free, or said not to be.
fn networks(host: &HostileHost, profile: &Profile) {
    let Ok(taken) = uplink::look(host, "wlan0") else { return };
    assert!(taken.iter().all(|t| t.interface != "wlan0" && t.prefix <= 32));
    for auto in [true, false] {
        let mut network = profile.network.clone();
        network.auto = auto;
        let choice = subnet::choose(&network, None, &taken);
        let overlaps = taken.iter().any(|t| choice.network.address.overlaps(t.address, t.prefix));
        assert_eq!(overlaps, choice.clash.is_some(), "{taken:?}");
        assert!(auto || choice.network == network);
        for said in choice.clash.iter().map(ToString::to_string).chain(choice.note()) {
            assert_printable("subnet", &said);
        }
        // What was chosen once stays as long as nothing else is plugged in.
        let again = subnet::choose(&network, choice.chosen(), &taken);
        assert_eq!(again.network, choice.network);
    }
}

fn host_is_silent(data: &[u8]) -> bool {
    data.iter().all(|b| matches!(b, 0 | b' ' | b'\n'))
}
