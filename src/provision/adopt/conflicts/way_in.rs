//! The way in that the user came by: a session over an interface that the profile closes would be the last one.

use super::found::{Found, Weight};
use super::looked::Looked;
use crate::provision::host::addresses;
use crate::system::process;
use crate::system::run::Tool;

pub fn look(looked: &Looked<'_>, found: &mut Found) -> anyhow::Result<()> {
    let uplink = &looked.profile.uplink;
    let Some((way_in, _)) = process::ssh_server().filter(|_| !uplink.interface.named().is_empty()) else {
        return Ok(());
    };
    let said = looked.said(&Tool::new("ip").args(["-o", "addr", "show"])).unwrap_or_default();
    let Some(interface) = addresses::interface_of(&said, &way_in) else { return Ok(()) };
    let known = interface == looked.radio
        || interface == "lo"
        || uplink.interface.may_be(&interface)
        || uplink.trusted.iter().any(|name| name.as_str() == interface);
    if !known {
        found.add(
            Weight::Refused,
            &interface,
            format!("you came in over it, at {way_in}, and the profile closes it"),
            format!("add {interface} to uplink.trusted, or to uplink.interface, in the profile"),
        );
    }
    Ok(())
}
