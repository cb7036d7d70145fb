//! The page for the iPad's browser: a socket on the radio's address, and a process behind it while somebody looks.

use crate::profile::{Page, Profile};
use crate::provision::components::component::{Component, On, Protocol, Runs, Service, Socket, unit_file};
use crate::provision::host::facts::Facts;

/// The socket's unit: where it is, the page is served.
pub const SOCKET: &str = "/etc/systemd/system/piback-web.socket";

/// Tells whether the page is served. Units find the program by its name; one that lies elsewhere, as in a folder of builds, serves nothing by itself.
pub fn wanted(facts: &Facts, profile: &Profile) -> bool {
    facts.installed && profile.web.page == Page::Wifi
}

/// The port that browsers ask for http.
pub const PORT: u16 = 80;

pub static COMPONENT: Component = Component {
    key: "web",
    when: wanted,
    files: &[unit_file!("piback-web.service", &[]), unit_file!("piback-web.socket", SOCKET, &[&COMPONENT])],
    others: &[],
    packages: &[],
    service: Some(Service {
        runs: Runs::Unit("piback-web.socket"),
        turn: 12,
        is_enabled_by_us: true,
        reloads: false,
        starts_after_settling: Some("piback-web.socket"),
        stack: None,
    }),
    // systemd holds it until a browser comes, and then together with the page.
    listens: &[Socket {
        name: "page",
        protocol: Protocol::Tcp,
        port: PORT,
        on: On::Radio,
        is_own: |process| process.starts_with("systemd") || process.starts_with("piback"),
    }],
};
