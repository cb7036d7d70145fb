//! The radio's IPv4 addresses. They are in no file, so that an undo has to give them back by itself: hostapd's drop-in
//! takes all but its own off the radio.

use super::probe;
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
    probe::addresses(&text).map(|(_, address)| address.to_owned()).collect()
}

/// Gives `radio` the addresses that it had `before`, and no others. Says what failed.
#[must_use]
pub fn give_back(host: &dyn Host, radio: &str, before: &[String]) -> Vec<String> {
    let now = addresses(host, radio);
    let step = |verb: &str, address: &str| Tool::new("ip").args(["addr", verb, address, "dev", radio]);
    let gone = before.iter().filter(|a| !now.contains(a)).map(|a| step("replace", a));
    let new = now.iter().filter(|a| !before.contains(a)).map(|a| step("del", a));
    gone.chain(new).filter_map(|tool| host.run(&tool).err()).map(|e| e.to_string()).collect()
}
