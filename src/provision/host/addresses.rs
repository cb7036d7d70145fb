//! The radio's IPv4 addresses. They are in no file, so that an undo has to give them back by itself: hostapd's drop-in
//! takes all but its own off the radio.

use crate::system::Host;
use crate::system::run::Tool;

/// The addresses that `radio` has, as `10.41.0.1/24`; none on a tree, or where nobody can say.
#[must_use]
pub fn addresses(host: &dyn Host, radio: &str) -> Vec<String> {
    if !host.is_live() || radio.is_empty() {
        return Vec::new();
    }
    let show = Tool::new("ip").args(["-o", "-4", "addr", "show", "dev", radio, "scope", "global"]);
    let text = host.output(&show).map(|o| o.stdout).unwrap_or_default();
    listed(&text).map(|(_, address)| address.to_owned()).collect()
}

/// Gives `radio` the addresses that it had `before`, and no others. Says what failed.
#[must_use]
pub fn give_back(host: &dyn Host, radio: &str, before: &[String]) -> Vec<String> {
    let now = addresses(host, radio);
    let gone = before.iter().filter(|a| !now.contains(a)).map(|a| step("replace", a, radio));
    let new = now.iter().filter(|a| !before.contains(a)).map(|a| step("del", a, radio));
    gone.chain(new).filter_map(|tool| host.run(&tool).err()).map(|e| e.to_string()).collect()
}

/// Takes one address off `radio`. That it is not there, or stays, is no error.
pub fn take_off(host: &dyn Host, radio: &str, address: &str) {
    let _ = host.run(&step("del", address, radio));
}

/// Asks whether a session that came in by this address came in over `radio`.
#[must_use]
pub fn is_way_in(host: &dyn Host, radio: &str, way_in: &str) -> bool {
    let (address, zone) = split_zone(way_in);
    if !zone.is_empty() {
        return zone == radio;
    }
    let show = Tool::new("ip").args(["-o", "addr", "show", "dev", radio]);
    let text = host.output(&show).map(|o| o.stdout).unwrap_or_default();
    listed(&text).any(|(_, a)| a.split('/').next() == Some(address))
}

/// The interface that has the address of a way in, from `ip -o addr show`; a zone names it by itself.
#[must_use]
pub fn interface_of(text: &str, way_in: &str) -> Option<String> {
    let (address, zone) = split_zone(way_in);
    if !zone.is_empty() {
        return Some(zone.to_owned());
    }
    let mut all = listed(text);
    all.find(|(_, a)| a.split('/').next() == Some(address)).map(|(name, _)| name.to_owned())
}

fn step(verb: &str, address: &str, radio: &str) -> Tool {
    Tool::new("ip").args(["addr", verb, address, "dev", radio])
}

/// Interface and address with prefix, of each line of `ip -o addr show`: `3: wlan0    inet 10.41.0.1/24 brd …`.
pub fn listed(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let interface = words.next()?;
        let family = words.next()?;
        let address = words.next()?;
        family.starts_with("inet").then_some((interface, address))
    })
}

/// Address and zone of the way that a session came in by. A link-local address carries its interface: `fe80::1%eth0`, as
/// when one comes in by raspberrypi.local; the zone of any other is empty.
pub fn split_zone(way_in: &str) -> (&str, &str) {
    way_in.split_once('%').unwrap_or((way_in, ""))
}
