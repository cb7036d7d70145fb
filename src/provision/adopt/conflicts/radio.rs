//! The radio that the profile means: it is there, it is one, and it has no other part to play.

use super::found::{Found, Weight};
use super::looked::Looked;
use crate::profile::roles;
use crate::provision::host::radios;

pub fn look(looked: &Looked<'_>, found: &mut Found) -> anyhow::Result<()> {
    let (wanted, profile) = (&looked.profile.wifi.interface, looked.profile);
    let devices = radios::look(looked.host);
    let remedy = "name one of these in the profile: by its name, its address, or where it is plugged in";
    if let Err(why) = radios::find(wanted, &devices) {
        found.add(Weight::Refused, "wifi.interface", why, remedy);
    }
    if let Err(why) = roles(&profile.uplink, &profile.share, wanted.name()) {
        let (key, why) = why.split_once('|').unwrap_or(("wifi.interface", &why));
        found.add(Weight::Refused, key, format!("{wanted} {why}"), "change it in the profile");
    }
    Ok(())
}
