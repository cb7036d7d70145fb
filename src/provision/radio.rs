//! The radio's IPv4 addresses. They are in no file, so that an undo has to give them back by itself: hostapd's drop-in
//! takes all but its own off the radio.

use crate::provision::conflicts;
use crate::provision::host::INTERFACES;
use crate::provision::probe;
use crate::system::Host;
use crate::system::run::Tool;
use anyhow::Context;

/// The addresses that `radio` has, as `10.41.0.1/24`; none on a tree, or where nobody can say.
#[must_use]
pub fn addresses(host: &dyn Host, radio: &str) -> Vec<String> {
    if !host.is_live() || radio.is_empty() {
        return Vec::new();
    }
    let show = Tool::new("ip").args(["-o", "-4", "addr", "show", "dev", radio, "scope", "global"]);
    let text = host.output(&show).map(|o| o.stdout).unwrap_or_default();
    probe::addresses(&text).map(|(_, address)| address.to_owned()).collect()
}

/// Gives `radio` the addresses that it had `before`, and no others. Says what failed.
#[must_use]
pub fn give_back(host: &dyn Host, radio: &str, before: &[String]) -> Vec<String> {
    let now = addresses(host, radio);
    let gone = before.iter().filter(|a| !now.contains(a)).map(|a| step("replace", a, radio));
    let new = now.iter().filter(|a| !before.contains(a)).map(|a| step("del", a, radio));
    gone.chain(new).filter_map(|tool| host.run(&tool).err()).map(|e| e.to_string()).collect()
}

/// Takes one address off `radio`. That it is not there, or stays, is nobody's trouble.
pub fn take_off(host: &dyn Host, radio: &str, address: &str) {
    let _ = host.run(&step("del", address, radio));
}

/// Keeps NetworkManager off a radio that has a stanza in `/etc/network/interfaces`, until the next boot. NetworkManager
/// leaves such a radio alone, but by what the file said when it started: not even `nmcli connection reload` tells it of
/// a stanza that came back since (1.52). It would take the radio, and its MAC address, from the access point.
///
/// # Errors
/// When the file can't be read.
pub fn keep_for_stanza(host: &dyn Host, radio: &str) -> anyhow::Result<()> {
    let text = host.read_followed(INTERFACES).with_context(|| format!("{INTERFACES} can't be read"))?;
    let text = String::from_utf8_lossy(&text.unwrap_or_default()).into_owned();
    if !radio.is_empty() && conflicts::interfaces(&text, radio).is_some() {
        // Where nothing answers, nothing takes the radio either.
        host.output(&Tool::new("nmcli").args(["device", "set", radio, "managed", "no"])).ok();
    }
    Ok(())
}

/// Whether a session that came in by this address came in over `radio`.
#[must_use]
pub fn is_way_in(host: &dyn Host, radio: &str, way_in: &str) -> bool {
    let (address, zone) = probe::split_zone(way_in);
    if !zone.is_empty() {
        return zone == radio;
    }
    let show = Tool::new("ip").args(["-o", "addr", "show", "dev", radio]);
    let text = host.output(&show).map(|o| o.stdout).unwrap_or_default();
    probe::addresses(&text).any(|(_, a)| a.split('/').next() == Some(address))
}

fn step(verb: &str, address: &str, radio: &str) -> Tool {
    Tool::new("ip").args(["addr", verb, address, "dev", radio])
}
