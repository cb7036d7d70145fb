//! Hostile values in the fields of a good profile, parted by the byte 0xff: what the types take must be harmless in
//! every template.
#![no_main]

use libfuzzer_sys::fuzz_target;
use piback::profile::types::Uplinks;
use piback_fuzz::STACKS;
use std::str::FromStr;

/// Sets a field when its type takes the value.
fn set<T: FromStr>(field: &mut T, value: Option<&str>) {
    if let Some(good) = value.and_then(|v| v.parse().ok()) {
        *field = good;
    }
}

fuzz_target!(|data: &[u8]| {
    let mut values =
        data.split(|b| *b == 0xff).map(|v| std::str::from_utf8(v).ok().filter(|v| !v.is_empty()));
    let mut next = || values.next().flatten();
    let mut profile = piback_fuzz::travel();
    set(&mut profile.wifi.ssid, next());
    set(&mut profile.wifi.interface, next());
    if let Some(name) = next().and_then(|v| v.parse().ok()) {
        profile.uplink.interface = Uplinks::Named(vec![name]);
    }
    set(&mut profile.wifi.country, next());
    set(&mut profile.network.dhcp.lease, next());
    set(&mut profile.share.user, next());
    set(&mut profile.share.folder, next());
    set(&mut profile.share.password_file, next());
    set(&mut profile.wifi.passphrase_file, next());
    set(&mut profile.backup.mount_root, next());
    set(&mut profile.backup.destination, next());
    if let Some(server) = next().and_then(|v| v.parse().ok()) {
        profile.network.dns.upstream.push(server);
    }
    if let Some(flags) = next() {
        profile.uplink.share = flags.contains('n');
        profile.uplink.ssh = flags.contains('s');
        profile.share.writable = flags.contains('w');
        profile.wifi.hidden = flags.contains('h');
    }
    piback_fuzz::check_rendered(&profile, STACKS[data.len() % 3]);
});
