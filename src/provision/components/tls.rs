//! The page over TLS: a second port of its socket, and who sees to the certificate whenever the page is started.

use super::web;
use crate::profile::{Profile, Tls};
use crate::provision::components::component::{Component, On, Protocol, Socket, unit_file};
use crate::provision::host::facts::Facts;

/// The unit that makes authority and certificate: where it is, the page is served over TLS.
pub const UNIT: &str = "/etc/systemd/system/piback-certificate.service";

/// The same by its name.
pub const NAME: &str = "piback-certificate.service";

/// Debian's releases before this one have a systemd that keeps no credentials (247).
pub const SINCE_DEBIAN: u32 = 11;

/// The port that browsers ask for https.
pub const PORT: u16 = 443;

/// The name under which systemd hands the page its key and certificates; the unit's template has it too.
pub const CREDENTIAL: &str = "page.pem";

/// Tells whether the page is served over TLS.
#[must_use]
pub fn is_wanted(facts: &Facts, profile: &Profile) -> bool {
    profile.web.tls == Tls::LocalCa && web::wanted(facts, profile)
}

pub static COMPONENT: Component = Component {
    key: "tls",
    when: is_wanted,
    files: &[unit_file!("piback-certificate.service", UNIT, &[&web::COMPONENT])],
    others: &[],
    packages: &[],
    // The page's service starts it.
    service: None,
    listens: &[Socket {
        name: "page over TLS",
        protocol: Protocol::Tcp,
        port: PORT,
        on: On::Radio,
        is_own: |process| process.starts_with("systemd") || process.starts_with("piback"),
    }],
};
