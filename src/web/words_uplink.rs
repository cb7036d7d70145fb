//! Texts about the uplink.

use super::words::sentence;
use crate::jobs::uplink::{Network, Uplink, Way};

pub const NO_WAY: &str = "No uplink: plug a cable in, or a phone by USB.";
pub const NOTHING_HEARD: &str = "No network can be heard.";
pub const NO_NETWORK: &str = "This is no network";

/// A title and what stands below it.
pub type Sentence = (String, String);

/// Says whether the internet is there, and what to do.
#[must_use]
pub fn internet(uplink: &Uplink) -> Sentence {
    let by = uplink.ways.iter().find(|way| way.in_use).map(|way| format!("By {}.", named(way)));
    let (title, text) = match uplink.internet.as_str() {
        "yes" => ("The internet is there", by.unwrap_or_default()),
        "sign-in needed" => {
            let page = uplink.sign_in.as_deref().unwrap_or("any page that begins with http://");
            (
                "Sign in to the network",
                format!("On the iPad, open {page} and sign in there: it counts for the Pi too."),
            )
        }
        "no" => ("No internet", sentence(uplink.why.as_deref().unwrap_or_default())),
        _ => (
            "Not known whether the internet is there",
            "Nobody was asked: uplink.check is off in the profile.".to_owned(),
        ),
    };
    (title.to_owned(), text)
}

/// `cable, eth0`.
fn named(way: &Way) -> String {
    format!("{}, {}", kind(way), way.interface)
}

/// The kind of an uplink.
#[must_use]
pub fn kind(way: &Way) -> &str {
    match way.kind.as_str() {
        "wifi" => "Wi-Fi",
        "vpn" => "VPN",
        kind => kind,
    }
}

/// `eth0 · 192.168.1.23/24 · metered`.
#[must_use]
pub fn way(way: &Way) -> String {
    let address = way.address.as_deref().unwrap_or("no address");
    let metered = if way.metered { " · metered" } else { "" };
    format!("{} · {address}{metered}", way.interface)
}

/// `WPA2 · signal 80 of 100`.
#[must_use]
pub fn network(network: &Network) -> String {
    let security = if network.security.is_empty() { "open" } else { &network.security };
    format!("{security} · signal {} of 100", network.signal)
}
